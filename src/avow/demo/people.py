"""Who is there before anybody comes: staff, customers whom each shop had already, and requests that wait."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from avow.app import Avow
from avow.demo.guide import OnFile, SignIn
from avow.desk.interface import Desk, Operator
from avow.errors import CallError
from avow.policy.model import Policy, Share
from avow.practices.collecting import plan

PASSWORD: Final = "four paper lanterns at sea"  # noqa: S105 - shown by the guide; a demo's password guards nothing
AGREEMENT: Final = "What I learn about customers stays in this house, during my time here and after it."
_NAMES: Final = {
    "fulfilment": "farida", "support": "samir", "marketing": "mara", "admin": "anouk", "contest-desk": "cleo",
    "fraud-desk": "finn",
}  # fmt: skip
_SECONDS: Final = {"admin": "arno", "fraud-desk": "freya"}  # a case takes two colleagues
SHOP: Final = "shop"  # the user of each shop at the mail gateway
DAY: Final = 86_400_000  # ms
UNSIGNED: Final = "nils"  # works in support, and has not signed


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who exists nowhere."""

    name: str
    street: str
    town: str
    phone: str

    @property
    def email(self) -> str:
        """Their address, below a name that nobody can register (RFC 2606)."""
        return f"{self.name.split()[0].lower()}@{self.name.split()[1].lower()}.example"

    def given(self) -> dict[str, str]:
        """What they would type, by category."""
        address = f"{self.name}, {self.street}, {self.town}"
        return dict.fromkeys(("postal-address", "shipping-address", "billing-address"), address) | {
            "name": self.name, "email": self.email, "phone": self.phone, "items": "1 of the small ones",
            "company": f"{self.name.split()[1]} & Daughters", "interest": "condenser microphones",
            "message": "When you have a moment: does it run on an older machine, too?",
            "order-reference": f"K-{self.phone[-4:]}", "order-state": "paid",
        }  # fmt: skip


KNOWN: Final = (
    Person("Wanda Quillfeather", "3 Lantern Lane", "Farwater", "+1 555 0142"),
    Person("Tomas Brackenridge", "18 Mill Rise", "Eastholm", "+1 555 0167"),
    Person("Ilse Underhay", "7 Harbour Steps", "Leith Minor", "+1 555 0119"),
)
ASKING: Final = (
    Person("Bruno Saltmarsh", "22 Rope Walk", "Farwater", "+1 555 0188"),
    Person("Noor Fennimore", "5 Orchard Bank", "Upper Dray", "+1 555 0133"),
    Person("Gwen Thistlewood", "41 Kiln Street", "Eastholm", "+1 555 0155"),
)


async def bring(policy: Policy, url: str, folder: Path) -> None:
    """Make the data folder of a demo, with the customers whom the shop had already, as `avow import` would."""
    form = "order" if "order" in policy.forms else "contact"
    records = [(line, _for(policy, form, person.given())) for line, person in enumerate(KNOWN, 1)]
    async with Avow.open(policy, url, folder=folder, root=folder / "root.key", private="attested", demo=True) as shop:
        brought = await shop.bring(records, form=form, source="the shop's old database")
        if brought.faults:
            raise LookupError(f"{policy.site}: {brought.faults[0][1]}")


def staff(policy: Policy) -> list[SignIn]:
    """One colleague for each role, two where they pass data on by a case, and one who has not signed."""
    two = {role for _, clause in policy.clauses(Share) if "case" in clause.needs for role in clause.by}
    signed = [SignIn(_NAMES.get(role, role), role, signed=True, cases=role in two) for role in policy.roles]
    signed += [SignIn(_SECONDS[role], role, signed=True, cases=True) for role in policy.roles if role in two]
    return [*signed, SignIn(UNSIGNED, "support", signed=False)]


def recipients(policy: Policy) -> list[str]:
    """Who outside may get data, by whatever it takes."""
    found = {
        name: None for _, clause in policy.clauses(Share) if clause.way != "summarise" for name in clause.recipients
    }
    return [name for name in found if name in policy.recipients]


def on_file(policy: Policy, home: Path) -> list[OnFile]:
    """Each with the file that it alone would have, to open what it gets."""
    return [
        OnFile(name, policy.recipients[name].says, home / "recipients" / f"{policy.site}-{name}.jwk")
        for name in recipients(policy)
    ]


async def file_recipients(policy: Policy, operator: Operator, home: Path) -> None:
    """Put them on file, each with a new key; a demo keeps their private keys, so that what they get can be opened."""
    for one in on_file(policy, home):
        _keep((await operator.add_recipient(one.name))["private"], one.key)


def _keep(private: object, file: Path) -> None:
    file.parent.mkdir(mode=0o700, exist_ok=True)
    file.touch(mode=0o600)
    file.write_text(json.dumps(private) + "\n", encoding="utf-8")


async def demand(policy: Policy, desk: Desk) -> None:
    """Let the fraud desk, where there is one, put a case forward that waits for a second colleague."""
    if "fraud-desk" not in policy.roles:
        return
    now = (await desk.about())["now"]
    session = await desk.staff_sign_in(_NAMES["fraud-desk"], PASSWORD)
    await desk.case_propose(
        session, "email", KNOWN[0].email, "fraud-bureau", "fraud", "investigate", "SFB 2041/7", ["name", "email", "items"],
        now + 30 * DAY,
    )  # fmt: skip
    await desk.sign_out(session)


async def sender(policy: Policy, operator: Operator) -> str:
    """Let the shop write for its orders; its password at the mail gateway. Empty where it takes none itself."""
    if policy.forms.get("order") is None or "order-status" not in policy.purposes:
        return ""
    with suppress(CallError):  # it had one before the demo was stopped
        await operator.remove_sender(SHOP)
    return await operator.add_sender(SHOP, ["order-status"])


async def employ(policy: Policy, desk: Desk, operator: Operator) -> list[SignIn]:
    """Invite everybody, accept in their name, and sign for those who have."""
    everybody = staff(policy)
    await operator.set_agreement(AGREEMENT)
    await asyncio.gather(*(_join(one, desk, operator) for one in everybody))
    return everybody


async def _join(one: SignIn, desk: Desk, operator: Operator) -> None:
    session = await desk.accept(await operator.invite_first(one.name, one.role), PASSWORD)
    if one.signed:
        await desk.sign(session, AGREEMENT)
    await desk.sign_out(session)


async def ask(policy: Policy, desk: Desk) -> None:
    """Let people send each form that opens a request; and let a visitor come by an affiliate's link, if there are any."""
    forms = [form.name for form in policy.forms.values() if form.opens and form.at is None]
    for number, form in enumerate(forms):
        await _send(policy, desk, form, ASKING[number % len(ASKING)].given())
    if "affiliate-link" in policy.forms:
        click = {"affiliate-ip": "192.0.2.7", "affiliate-click": "c-5501", "affiliate-source": "harbourpress"}
        await desk.collect("affiliate-link", click, affiliate_link=True)


async def _send(policy: Policy, desk: Desk, form: str, given: Mapping[str, str]) -> None:
    taken = await desk.collect(form, _for(policy, form, given))
    for basket in ("basket", "cart"):
        if form == "order" and basket in policy.forms:
            await desk.collect(basket, _for(policy, basket, given), receipt=taken["receipt"])


def _for(policy: Policy, form: str, given: Mapping[str, str]) -> dict[str, str]:
    """What the form asks for, and the name where it may be given."""
    planned = plan(policy, form)
    return {
        category: given[category] for category in planned.purposes if category in planned.asks or category == "name"
    }


def addresses(policy: Policy) -> Sequence[str]:
    """Under which each of them gets a code in the privacy centre."""
    return [one.email for one in (*KNOWN, *ASKING)] if "email" in policy.categories else []
