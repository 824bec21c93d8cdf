"""An authority or a firm against fraud gets what a case covers: two colleagues, one ground, one disclosure."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import apsw
import pytest

from avow.app import Avow
from avow.errors import BadValue, CallError, NotHeld, Refused, Unavailable, UnknownWord
from avow.gate import Actor
from avow.practices.cases import Proposal
from avow.practices.disclosed import Case, written
from avow.vault.package import unpack
from tests.desk.beds import POLICIES
from tests.outside import gets, on_file
from tests.policy.five import policy_of
from tests.shops import START, Clock, dated, opened, publish

ADA = {
    "name": "Ada Quillfeather", "email": "ada@quillfeather.example", "postal-address": "7 Lantern Lane, Farwater",
    "items": "2 bundles",
}  # fmt: skip
SWORN = "I keep what I learn to myself."
DAY = 86_400_000


@asynccontextmanager
async def aitoc(folder: Path, clock: Clock | None = None) -> AsyncIterator[tuple[Avow, str]]:
    async with opened(folder, clock, policy=policy_of("aitoc")) as shop:
        await shop.staff_roll.set_agreement(SWORN)
        for name, role in (("fay", "fraud-desk"), ("finn", "fraud-desk"), ("sam", "support"), ("may", "marketing")):
            await shop.staff_roll.join(name, role, signs=SWORN)
        yield shop, await shop.collect("order", ADA)


def colleague(shop: Avow, name: str, role: str = "fraud-desk") -> Actor:
    return shop.staff_roll.actor(name, role)


def proposal(shop: Avow, **more: Any) -> Proposal:
    usual: dict[str, Any] = {
        "recipient": "agency", "purpose": "fraud", "ground": "investigate", "reference": "Az. 12/2026 (7)",
        "categories": ("name", "email"), "until": shop.now() + 14 * DAY,
    }  # fmt: skip
    return Proposal(**usual | more)


async def proposed(shop: Avow, who: str, **more: Any) -> Case:
    return await shop.cases.propose(bytes.fromhex(who), proposal(shop, **more), colleague(shop, "fay"))


async def opened_case(shop: Avow, who: str, **more: Any) -> Case:
    case = await proposed(shop, who, **more)
    return await shop.cases.approve(case.id, colleague(shop, "finn"), [bytes.fromhex(who)])


async def test_toc_10_what_two_colleagues_agreed_to_goes_out_once_and_exactly(tmp_path: Path) -> None:
    """TOC-10: "Government agencies and fraud-prevention firms may get data"; it names ground, agency, scope, approver."""
    async with aitoc(tmp_path) as (shop, who):
        case = await opened_case(shop, who)
        assert (case.state, case.opener, case.approver) == ("open", "staff:fay", "staff:finn")
        private = await on_file(shop, "agency")
        _, _, package = await shop.cases.disclose(case.id, colleague(shop, "fay"))
        claims = unpack(package.sealed, private, shop.disclosing.verifier, recipient="agency")
        assert claims["avow"]["data"] == {"name": ADA["name"], "email": ADA["email"]}
        assert claims["exp"] == case.until // 1000
        (told,) = (await shop.export(who))["disclosures"]
        assert told["case"] == {"ground": "investigate", "reference": "Az. 12/2026 (7)"}
        with pytest.raises(Refused) as again:
            await shop.cases.disclose(case.id, colleague(shop, "fay"))
        assert "TOC-10" in again.value.promises
        assert len((await shop.export(who))["disclosures"]) == 1
        assert await shop.inspect(who) == []


async def test_toc_10_one_colleague_is_not_two(tmp_path: Path) -> None:
    """Broken: one approver; the same approver twice, however the name is typed."""
    async with aitoc(tmp_path) as (shop, who):
        await on_file(shop, "agency")
        case = await proposed(shop, who)
        with pytest.raises(Refused) as alone:
            await shop.cases.disclose(case.id, colleague(shop, "fay"))
        assert "TOC-10" in alone.value.promises
        for same in ("fay", "Fay", " FAY "):
            with pytest.raises(Refused) as twice:
                await shop.cases.approve(case.id, colleague(shop, same), [bytes.fromhex(who)])
            assert "TOC-10" in twice.value.promises
        refused = [one for one in (await shop.export(who))["events"] if one["outcome"] == "refused"]
        assert [one["action"] for one in refused] == ["share", *["case-approve"] * 3]
        await shop.staff_roll.leave("finn")
        with pytest.raises(Refused):
            await shop.cases.approve(case.id, colleague(shop, "finn"), [bytes.fromhex(who)])


async def test_toc_10_nobody_without_the_role_and_no_software_puts_a_case_forward(tmp_path: Path) -> None:
    async with aitoc(tmp_path) as (shop, who):
        subject, one = bytes.fromhex(who), proposal(shop)
        for actor in (colleague(shop, "sam", "support"), colleague(shop, "may", "marketing"), colleague(shop, "eve"),
                      Actor("site", "site", standing=True), Actor("person", "person", identified=True)):  # fmt: skip
            with pytest.raises(Refused):
                await shop.cases.propose(subject, one, actor)
        case = await proposed(shop, who)
        for actor in (colleague(shop, "sam", "support"), Actor("site", "site", standing=True)):
            with pytest.raises(Refused):
                await shop.cases.approve(case.id, actor, [bytes.fromhex(who)])
        assert [one for _, one in await shop.cases.known(colleague(shop, "sam", "support"))] == []
        assert [one.id for _, one in await shop.cases.known(colleague(shop, "finn"))] == [case.id]


async def test_toc_10_no_ground_wrong_recipient_wider_scope(tmp_path: Path) -> None:
    """Broken: no ground, wrong kind of recipient, wider scope."""
    async with aitoc(tmp_path) as (shop, who):
        for more, error in (
            ({"ground": ""}, UnknownWord), ({"ground": "curiosity"}, UnknownWord),
            ({"ground": "prevent", "purpose": "legal"}, CallError), ({"recipient": "analysts"}, CallError),
            ({"recipient": "payments"}, CallError), ({"recipient": "list-broker:Acme"}, CallError),
            ({"recipient": "nobody"}, UnknownWord), ({"categories": ()}, CallError),
            ({"categories": ("name", "name")}, CallError), ({"categories": ("shoe-size",)}, UnknownWord),
            ({"purpose": "gossip"}, UnknownWord), ({"reference": ""}, BadValue), ({"reference": "x" * 81}, BadValue),
            ({"reference": "4111 1111 1111 1111"}, BadValue), ({"until": shop.now()}, CallError),
            ({"until": shop.now() + 400 * DAY}, CallError), ({"quiet": shop.now()}, CallError),
            ({"recipient": "fraud-bureau", "purpose": "legal", "ground": "law"}, Refused),
            ({"categories": ("message",)}, Refused), ({"recipient": "authority:Tax Office"}, Refused),
        ):  # fmt: skip
            with pytest.raises(error):
                await proposed(shop, who, **more)
        assert await shop.cases.known(colleague(shop, "fay")) == []
        await opened_case(shop, who)
        for names in (
            ["name", "email"],
            ["name"],
            ["items"],
        ):  # an open case is nobody's leave but its own disclosure's
            with pytest.raises(Refused) as wider:
                await gets(shop, who, names, "agency", "fraud", by=shop.staff("fay", "fraud-desk"))
            assert "TOC-10" in wider.value.promises


async def test_toc_11_never_to_advertise(tmp_path: Path) -> None:
    """TOC-11: "None of them ever gets it to advertise.", with a case or without."""
    async with aitoc(tmp_path) as (shop, who):
        for recipient in ("agency", "fraud-bureau", "authority:Town Hall", "fraud-prevention:Other Bureau"):
            for purpose in ("marketing", "newsletter"):
                with pytest.raises(Refused) as refused:
                    await proposed(shop, who, recipient=recipient, purpose=purpose, ground="law")
                assert "TOC-11" in refused.value.promises
                with pytest.raises(Refused) as refused:
                    await gets(shop, who, ["email"], recipient, purpose)
                assert "TOC-11" in refused.value.promises


async def test_a_case_that_is_over_or_closed_serves_nobody(tmp_path: Path) -> None:
    """Broken: expired case."""
    clock = Clock()
    async with aitoc(tmp_path, clock) as (shop, who):
        await on_file(shop, "agency")
        late, closed = await opened_case(shop, who, until=shop.now() + DAY), await opened_case(shop, who)
        waits = await proposed(shop, who, until=shop.now() + DAY)
        await shop.cases.close(closed.id, colleague(shop, "finn"))
        with pytest.raises(CallError):
            await shop.cases.close(closed.id, colleague(shop, "finn"))
        clock.forward(days=1)
        for case in (late, closed):
            with pytest.raises(Refused) as refused:
                await shop.cases.disclose(case.id, colleague(shop, "fay"))
            assert "TOC-10" in refused.value.promises
        with pytest.raises(CallError, match="over"):
            await shop.cases.approve(waits.id, colleague(shop, "finn"), [bytes.fromhex(who)])
        clock.forward(days=60)
        await proposed(shop, who)
        with pytest.raises(NotHeld):
            await shop.cases.disclose(late.id, colleague(shop, "fay"))
        with pytest.raises(NotHeld):
            await shop.cases.approve(bytes(16), colleague(shop, "fay"), [bytes.fromhex(who)])


async def test_who_must_not_be_told_sees_nothing_of_it_until_the_order_ends(tmp_path: Path) -> None:
    clock = Clock()
    async with aitoc(tmp_path, clock) as (shop, who):
        before = await shop.export(who)
        case = await opened_case(shop, who, quiet=shop.now() + 30 * DAY)
        await on_file(shop, "agency")
        await shop.cases.disclose(case.id, colleague(shop, "fay"))
        while_quiet = await shop.export(who)
        assert while_quiet["disclosures"] == []
        assert "agency" not in str(while_quiet)
        assert [one["action"] for one in while_quiet["events"][len(before["events"]) :]] == ["export"]
        assert "agency" not in str(await shop.seen(who))
        assert [one.what for one in await shop.staying(who)] == ["record"]
        clock.forward(days=30)
        told = await shop.export(who)
        assert len(told["disclosures"]) == 1
        assert [one["action"] for one in told["events"] if one["recipient"] == "agency"] == [
            "case-propose", "case-approve", "share",
        ]  # fmt: skip
        assert [one.what for one in await shop.staying(who)] == ["disclosures", "record"]


async def test_a_case_outlives_a_restart_and_an_erasure_ends_it(tmp_path: Path) -> None:
    async with aitoc(tmp_path) as (shop, who):
        case = await opened_case(shop, who)
    async with opened(tmp_path, policy=policy_of("aitoc")) as shop:
        assert [one.id for _, one in await shop.cases.known(colleague(shop, "fay"))] == [case.id]
        await shop.erase(who)
        assert await shop.cases.known(colleague(shop, "fay")) == []
        with pytest.raises(NotHeld):
            await shop.cases.disclose(case.id, colleague(shop, "fay"))


@pytest.mark.parametrize(
    ("site", "form", "given", "names", "promise"),
    [
        ("aitpro", "contact", {"email": ADA["email"], "message": "Hello"}, ("email", "message"), "AIT-21"),
        ("daminion", "payment-notice", {"payment-reference": "ch-77", "payment-status": "paid"},
         ("payment-reference", "payment-status"), "DAM-18"),
    ],
)  # fmt: skip
async def test_ait_21_and_dam_18_a_court_gets_what_two_admins_agreed_to_and_nothing_without(
    tmp_path: Path, site: str, form: str, given: dict[str, str], names: tuple[str, ...], promise: str
) -> None:
    """AIT-21: "unless a court order or other legal process compels us"; DAM-18: "leaves us only when a law or a court order
    demands it"; broken: no case, one approver, expired case, wider scope, a payment reference without a case.
    """
    async with opened(tmp_path, policy=policy_of(site), private=True) as shop:
        who = await shop.collect(form, given)
        one, other = colleague(shop, "ann", "admin"), colleague(shop, "abe", "admin")
        order = proposal(shop, recipient="court", purpose="legal", ground="law", categories=names)
        with pytest.raises(Refused) as refused:
            await gets(shop, who, names, "court", "legal")
        assert promise in refused.value.promises
        case = await shop.cases.propose(bytes.fromhex(who), order, one)
        private = await on_file(shop, "court")
        with pytest.raises(Refused) as refused:
            await shop.cases.disclose(case.id, one)
        assert promise in refused.value.promises
        await shop.cases.approve(case.id, other, [bytes.fromhex(who)])
        _, _, package = await shop.cases.disclose(case.id, other)
        data = unpack(package.sealed, private, shop.disclosing.verifier, recipient="court")["avow"]["data"]
        assert data == {name: given[name] for name in names}
        for purpose in shop.policy.purposes:
            if purpose != "legal":
                with pytest.raises((Refused, CallError)):
                    await shop.cases.propose(bytes.fromhex(who), order._replace(purpose=purpose), one)


async def test_one_colleagues_order_not_to_tell_hides_nothing_of_another_case(tmp_path: Path) -> None:
    """Whoever puts a quiet case forward alone keeps nobody from being told of what two others agreed to."""
    clock = Clock()
    async with aitoc(tmp_path, clock) as (shop, who):
        await proposed(shop, who, quiet=shop.now() + 30 * DAY)
        case = await opened_case(shop, who)
        await on_file(shop, "agency")
        await shop.cases.disclose(case.id, colleague(shop, "fay"))
        told = await shop.export(who)
        assert [one["case"]["reference"] for one in told["disclosures"]] == ["Az. 12/2026 (7)"]
        assert [one["action"] for one in told["events"] if one["recipient"] == "agency"] == [
            "case-propose", "case-approve", "share",
        ]  # fmt: skip
        assert [one.what for one in await shop.staying(who)] == ["disclosures", "record"]


async def test_a_restore_does_not_tell_of_a_case_that_the_person_must_not_know_of(tmp_path: Path) -> None:
    clock, url, policy = Clock(), f"sqlite:///{tmp_path}/quiet.db", policy_of("aitoc")
    async with opened(tmp_path, clock, policy=policy, url=url) as shop:
        await shop.staff_roll.set_agreement(SWORN)
        for name in ("fay", "finn"):
            await shop.staff_roll.join(name, "fraud-desk", signs=SWORN)
        who = await shop.collect("order", ADA)
        case = await opened_case(shop, who, quiet=shop.now() + 30 * DAY)
        await on_file(shop, "agency")
        await shop.backup(tmp_path / "backup")
        await shop.cases.disclose(case.id, colleague(shop, "fay"))
    await Avow.restore(policy, url, tmp_path / "backup", folder=tmp_path / "avow", clock=clock)
    async with opened(tmp_path, clock, policy=policy, url=url) as shop:
        assert case.id[:4].hex() not in str((await shop.export(who))["events"])
        clock.forward(days=30)
        assert case.id[:4].hex() in str((await shop.export(who))["events"])


async def test_an_order_not_to_tell_has_an_end(tmp_path: Path) -> None:
    async with aitoc(tmp_path) as (shop, who):
        for late in (shop.now() + 6 * 366 * DAY, 10**30):
            with pytest.raises(CallError, match="five years"):
                await proposed(shop, who, quiet=late)


async def test_an_older_row_of_a_used_case_opens_it_no_more(tmp_path: Path) -> None:
    """Whoever can write to the database does not make a case serve twice, not after a restart either."""
    url, policy = f"sqlite:///{tmp_path}/used.db", policy_of("aitoc")
    async with opened(tmp_path, policy=policy, url=url) as shop:
        await shop.staff_roll.set_agreement(SWORN)
        for name in ("fay", "finn"):
            await shop.staff_roll.join(name, "fraud-desk", signs=SWORN)
        who = await shop.collect("order", ADA)
        case = await opened_case(shop, who)
        await on_file(shop, "agency")
        async with shop._gate.store.transaction() as tx:
            (older,) = [one for one in await tx.held(bytes.fromhex(who)) if one.row == case.id]
        await shop.cases.disclose(case.id, colleague(shop, "fay"))
    thief = apsw.Connection(str(tmp_path / "used.db"))
    thief.execute("UPDATE datum SET version = ?, sealed = ? WHERE row = ?", (older.version, older.sealed, older.row))
    assert thief.changes() == 1
    thief.close()
    async with opened(tmp_path, policy=policy, url=url) as shop:
        ((_, one),) = await shop.cases.known(colleague(shop, "fay"))
        assert one.state == "closed"
        with pytest.raises(Refused):
            await shop.cases.disclose(case.id, colleague(shop, "fay"))


async def test_a_key_that_fails_uses_no_case_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with aitoc(tmp_path) as (shop, who):
        case = await opened_case(shop, who)
        with pytest.raises(CallError, match="no key on file"):
            await shop.cases.disclose(case.id, colleague(shop, "fay"))
        await on_file(shop, "agency")
        with monkeypatch.context() as broken:
            broken.setattr("avow.practices.disclosing.pack", _fails)
            with pytest.raises(CallError, match="one package"):
                await shop.cases.disclose(case.id, colleague(shop, "fay"))
        assert not [one for one in shop.keystore.journal.entries() if one.kind == "case-over"]
        assert await shop.cases.disclose(case.id, colleague(shop, "fay"))


def _fails(*_: Any) -> str:
    raise CallError("this is more than one package may hold")


async def test_a_case_whose_recipient_a_new_policy_does_not_know_holds_up_no_other(tmp_path: Path) -> None:
    changed = dated((POLICIES / "aitoc.yaml").read_text().replace("fraud-bureau", "other-bureau"), "2026-03-02")
    async with aitoc(tmp_path) as (shop, who):
        await proposed(shop, who, recipient="fraud-bureau", ground="prevent")
        other = await proposed(shop, who)
        await publish(shop, changed)
    async with opened(tmp_path, Clock(START + timedelta(days=1)), policy=changed) as shop:
        assert [one.id for _, one in await shop.cases.known(colleague(shop, "finn"))] == [other.id]
        assert await shop.cases.to_tell() == []
        assert await shop.cases.approve(other.id, colleague(shop, "finn"), [bytes.fromhex(who)])
        assert await shop.export(who)
        assert await shop.inspect(who) == []


async def test_an_act_that_failed_after_it_was_journalled_leaves_no_open_case(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that fails in the middle: nothing went out, and the case is over, now and after a restart."""
    async with aitoc(tmp_path) as (shop, who):
        case = await opened_case(shop, who)
        await on_file(shop, "agency")
        with monkeypatch.context() as broken:
            broken.setattr("avow.practices.disclosing.written", _away)
            with pytest.raises(Unavailable):
                await shop.cases.disclose(case.id, colleague(shop, "fay"))
        assert (await shop.export(who))["disclosures"] == []
    async with opened(tmp_path, policy=policy_of("aitoc")) as shop:
        ((_, one),) = await shop.cases.known(colleague(shop, "fay"))
        assert one.state == "closed"
        with pytest.raises(Refused, match="TOC-10"):
            await shop.cases.disclose(case.id, colleague(shop, "fay"))


def _away(told: Any) -> str:
    if isinstance(told, Case):
        raise Unavailable("the database did not answer; nothing was written")
    return written(told)


async def test_a_case_that_was_refused_does_not_tell_who_must_not_be_told(tmp_path: Path) -> None:
    async with aitoc(tmp_path) as (shop, who):
        one = proposal(shop, quiet=shop.now() + 30 * DAY)
        for actor, asked in (
            (colleague(shop, "sam", "support"), one), (colleague(shop, "fay"), one._replace(categories=("message",))),
            (colleague(shop, "eve"), one),
        ):  # fmt: skip
            with pytest.raises(Refused):
                await shop.cases.propose(bytes.fromhex(who), asked, actor)
        told = await shop.export(who)
        assert "agency" not in str(told["events"])
        assert "refused" not in {event["outcome"] for event in told["events"]}
        await shop.sequence_all()
        logged = [(entry.kind, entry.outcome) for entry in shop._inspecting._logged()]
        assert logged.count(("case-propose", "refused")) == 3  # it is on record all the same
        assert await shop.inspect(who) == []


async def test_who_was_sent_away_while_they_waited_for_their_turn_gets_nothing(tmp_path: Path) -> None:
    async with aitoc(tmp_path) as (shop, who):
        case, waits = (
            await opened_case(shop, who),
            await shop.cases.propose(bytes.fromhex(who), proposal(shop), colleague(shop, "finn")),
        )
        await on_file(shop, "agency")
        fay = colleague(shop, "fay")  # verified, and waiting
        await shop.staff_roll.leave("fay")
        for act in (
            shop.cases.disclose(case.id, fay), shop.cases.approve(waits.id, fay, [bytes.fromhex(who)]), shop.cases.close(waits.id, fay),
            shop.cases.propose(bytes.fromhex(who), proposal(shop), fay),
        ):  # fmt: skip
            with pytest.raises(Refused, match="no standing any more"):
                await act
        assert (await shop.export(who))["disclosures"] == []
