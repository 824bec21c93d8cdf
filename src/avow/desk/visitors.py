"""What anybody may ask: give something, and show who they are."""

import asyncio
import hmac
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from avow.desk.interface import CODE, RECEIPT, TRIES, Taken
from avow.desk.room import PASSWORD, Mail, Room, row, text, told
from avow.desk.sessions import HOUR, hashed
from avow.errors import AvowError, BadValue, CallError, Denied, Refused, UnknownWord
from avow.policy.model import Contact
from avow.practices.collecting import index

RIGHTS: Final = "rights-request"  # the kind of service request that a code is a message of
CODES: Final = 10_000  # codes that wait at once

log = logging.getLogger("avow.desk")


@dataclass(slots=True)
class Code:
    """A code under way: its hash, for whom, until when (ms)."""

    hash: bytes
    people: tuple[str, ...]
    until: int


class Visitors:
    """For one site. `mail` sends a message whose words stand here; None where the site reaches nobody by mail."""

    def __init__(self, room: Room, mail: Mail | None) -> None:
        self._room = room
        self._shop = room.shop
        self._mail = mail
        self._codes: dict[bytes, Code] = {}
        self._sending: set[asyncio.Task[None]] = set()

    # -- giving -----------------------------------------------------------------------------------------------------

    async def collect(
        self, form: str, given: Mapping[str, str], session: str | None, receipt: str | None, no_card: Sequence[str], *,
        affiliate_link: bool = False, agreed: Mapping[str, str],
    ) -> tuple[str, Taken]:  # fmt: skip
        """The person, and what they get for it."""
        self._offered(agreed, form)
        now, who, since = self._room.now(), None, None
        if session is not None:
            who = self._room.sessions.customer(text(session, "a session"), now).people[0]
        elif receipt is not None:
            shown = self._room.receipts.read(text(receipt, "a receipt"), now, HOUR if agreed else RECEIPT)
            if await self._shop.finding.fits(
                row(shown.who), given
            ):  # else it is somebody new: another address opens nobody's data
                who, since = (
                    shown.who,
                    shown.since,
                )  # a receipt makes none that lasts longer, or may do more, than itself
        before = set() if who is None else {one.row for one in await self._shop.queue.of(row(who))}
        who = await self._shop.collect(form, given, who=who, no_card=no_card, affiliate_link=affiliate_link)
        opened = [one.row.hex() for one in await self._shop.queue.of(row(who)) if one.row not in before]
        request = opened[-1] if opened else None
        for choice, words in agreed.items():
            await self.agree(who, choice, words, form=form)
        made = self._room.receipts.make(who, request, since or self._room.now(), self._room.random(12))
        return who, {"receipt": made, "request": request}

    async def register(self, form: str, given: Mapping[str, str], password: str, agreed: Mapping[str, str]) -> str:
        """Take somebody in with an account; their session."""
        self._offered(agreed, form)
        kept = await self._room.passwords.hash(text(password, "a password"))
        who, _ = await self.collect(form, given, None, None, (), agreed={})
        await self._shop.accounts.give(row(who), PASSWORD, told({"hash": kept}), first=True)
        for choice, words in agreed.items():
            await self.agree(who, choice, words, form=form)
        return self._room.sessions.person((who,), self._room.now())

    def _offered(self, agreed: Mapping[str, str], form: str) -> None:
        """Before anything is taken in: a choice is made where the policy puts it. Raises `UnknownWord`."""
        for choice in agreed:
            if choice not in self._room.choices or not self._room.choices[choice].on(form):
                raise UnknownWord("the policy offers no such choice on this form")

    async def agree(
        self, who: str, choice: str, words: str, *, form: str | None = None, proved: str | None = None
    ) -> None:
        """Everything that a choice stands for. `form`: through which, None in the centre. `proved`: the channel by which
        a code has just reached the person.
        """
        one = self._room.choices.get(text(choice, "a choice"))
        if one is None:
            raise UnknownWord("the policy offers no such choice")
        how = form or "centre"
        if one.recipient is None:
            for purpose in one.purposes:
                consent = await self._shop.agree(who, purpose, words=words, how=how)
                if one.confirm and proved == "mail":
                    await self._shop.confirm(who, consent)
            return
        if one.consent:
            way: Any = one.way
            await self._shop.agree_to(who, way, one.recipient, one.categories, words=words, how=how)
        if one.approval:
            await self._shop.agree_to(who, "approve", one.recipient, one.categories, words=words, how=how)

    async def protect(self, password: str, receipt: str | None, session: str | None) -> None:
        """A password for who has a receipt or a session."""
        now = self._room.now()
        if session is not None:
            person = self._room.sessions.customer(text(session, "a session"), now)
            kept = await self._room.passwords.hash(text(password, "a password"))
            await self._shop.accounts.give(row(person.people[0]), PASSWORD, told({"hash": kept}))
            return
        who = self._room.receipts.read(text(receipt, "a receipt"), now, HOUR).who
        kept = await self._room.passwords.hash(text(password, "a password"))
        if not await self._shop.accounts.give(row(who), PASSWORD, told({"hash": kept}), first=True):
            raise Denied

    # -- showing who one is -----------------------------------------------------------------------------------------

    async def sign_in(self, category: str, value: str, password: str) -> str:
        """A session for the account with this value and password."""
        contact = self._contact(category, value)
        self._room.limits.spend("sign-in", contact, TRIES, CODE, self._room.now())
        password, found = text(password, "a password"), None
        kept: list[tuple[str | None, str]] = [
            (json.loads(proof.told)["hash"], who)
            for who in await self._people(category, value)
            for proof in await self._shop.accounts.of(row(who), PASSWORD)
        ]
        for hash_, who in kept or [(None, "")]:  # without an account it takes as long as with one
            if await self._room.passwords.fits(hash_, password):
                found = who
        if found is None:
            raise Denied
        self._room.limits.give_back("sign-in", contact)
        return self._room.sessions.person((found,), self._room.now())

    async def send_code(self, category: str, value: str) -> None:
        """A code on its way, if anybody is held; the answer neither waits for it nor tells."""
        contact = self._contact(category, value)
        self._room.limits.spend("code", contact, TRIES, CODE, self._room.now())
        task = asyncio.create_task(self._send(contact, category, value))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _send(self, contact: bytes, category: str, value: str) -> None:
        """Whatever goes wrong is told to the log, in words without persons, and to nobody else."""
        try:
            people = await self._people(category, value)
            if not people or self._mail is None:
                return
            code = f"{int.from_bytes(self._room.random(8)) % 10**8:08d}"
            address, opens = await self._reached(contact, category, people)
            if address is None:
                return
            self._codes[contact] = Code(hashed(code), opens, self._room.now() + CODE)
            while len(self._codes) > CODES:
                del self._codes[next(iter(self._codes))]
            name = self._room.policy.controller.name
            await self._mail(
                address, f"Your code for {name}",
                f"Your code is {code}.\n\nSomebody, we hope you, gave this address at {name} and wants to show that "
                "it is theirs. The code is good for ten minutes and for one use. If it was not you, do nothing: without it "
                "nothing comes of it.\n",
            )  # fmt: skip
        except (AvowError, OSError) as error:
            log.warning("a code could not be sent: %s", type(error).__name__)

    async def _reached(
        self, contact: bytes, category: str, people: Sequence[str]
    ) -> tuple[str | None, tuple[str, ...]]:
        """The address that a code goes to, and whom it opens: those alone who are held under that very address.

        Anybody may give my number, or gave my address before their own; what reaches them shows nothing of me.
        """
        mailed = [name for name, known in self._room.policy.categories.items() if known.channel == "mail"]
        by_mail = self._room.policy.categories[category].channel == "mail"
        for who in reversed(people):
            address = await self._address(who)
            if address is None or (by_mail and self._contact(category, address) != contact):
                continue
            held: set[str] = set()
            for name in mailed:
                if self._room.policy.categories[name].look_up:
                    held.update(await self._people(name, address))
            return address, tuple(one for one in reversed(people) if one == who or one in held)
        return None, ()

    async def _address(self, who: str) -> str | None:
        """Where the person is reached by mail for a request about their own data, which this is; None if nowhere.

        The policy decides, as for any other mail: a request about their own data is open while this one is written.
        """
        kind = self._room.policy.requests.get(RIGHTS)
        purposes = [purpose for purpose in kind.serves if purpose in self._mailed()] if kind else []
        if not purposes:
            return None
        request = await self._shop.ask(who, RIGHTS)
        try:
            return await self._shop.reach(who, "mail", purpose=purposes[0], notice_owed=True)
        except (Refused, CallError):
            return None
        finally:
            await self._shop.close_request(who, request)

    def _mailed(self) -> set[str]:
        clauses = [clause for promise in self._room.policy.promises for clause in promise.clauses]
        return {p for c in clauses if isinstance(c, Contact) and "mail" in c.channels for p in c.purposes}

    async def enter(self, category: str, value: str, code: str) -> str:
        """A session for a code. Taken before it is compared, so that of two at once one is too late."""
        contact, now = self._contact(category, value), self._room.now()
        self._room.limits.spend("enter", contact, TRIES, CODE, now)
        kept = self._codes.get(contact)
        given = hashed("".join(text(code, "a code").split()))
        if kept is None or now > kept.until or not hmac.compare_digest(kept.hash, given):
            raise Denied
        del self._codes[contact]
        self._room.limits.give_back("enter", contact)
        return self._room.sessions.person(kept.people, now, "mail")  # which is how every code goes

    async def settle(self) -> None:
        """Wait for what is on its way."""
        while self._sending:
            await asyncio.gather(*self._sending, return_exceptions=True)

    async def _people(self, category: str, value: str) -> list[str]:
        """Who is held under this, oldest first."""
        return await self._shop.find(category, value)

    def _contact(self, category: str, value: str) -> bytes:
        """What a contact is counted under: nothing that could be read back. Raises `UnknownWord`, `BadValue`."""
        known = self._room.policy.categories.get(text(category, "a category"))
        if known is None or not known.look_up:
            raise UnknownWord("nobody is found by that")
        if not text(value, "a contact").strip():
            raise BadValue("the contact is empty")
        return index(self._shop.keystore, known.term, category, value)  # the same for all that find the same person
