"""What anybody may ask: give something, and show who they are."""

import hmac
import json
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from avow.desk.confirming import Confirming
from avow.desk.interface import CODE, RECEIPT, Taken
from avow.desk.lanes import BUSY, Behind, Lane
from avow.desk.notices import Notices
from avow.desk.room import ENTER, PASSWORD, SENT, SIGN_IN, Room, row, text, told
from avow.desk.sessions import HOUR, hashed, is_fresh
from avow.errors import AvowError, BadValue, CallError, Denied, NotHeld, TooMany, Unavailable, UnknownWord
from avow.mail.notices import code as words_of_code
from avow.practices.collecting import index
from avow.practices.messages import Begun
from avow.practices.owing import NoticeKind

CODES: Final = 10_000  # codes that wait at once
ACCOUNTS: Final = 2  # under one address that a password is tried at: each costs every sign-in a hash
LONGEST_WORDS: Final = 4096
LOOKING: Final = (4, 200)  # people being looked for to send them a code: at once, and waiting
MAILING: Final = (8, 200)  # messages on their way: a slow mail server holds no look-up up

log = logging.getLogger("avow.desk")


@dataclass(slots=True)
class Code:
    """A code under way: its hash, for whom, until when (ms)."""

    hash: bytes
    people: tuple[str, ...]
    until: int


class Visitors:
    """For one site."""

    def __init__(self, room: Room, notices: Notices, confirming: Confirming) -> None:
        self._room = room
        self._shop = room.shop
        self._notices = notices
        self._confirming = confirming
        self._codes: dict[bytes, Code] = {}
        self._behind = Behind()
        self._looking, self._mailing = Lane(*LOOKING), Lane(*MAILING)

    # -- giving -----------------------------------------------------------------------------------------------------

    async def collect(
        self, form: str, given: Mapping[str, str], session: str | None, receipt: str | None, no_card: Sequence[str], *,
        affiliate_link: bool = False, referred: str | None = None, agreed: Mapping[str, str],
    ) -> tuple[str, Taken]:  # fmt: skip
        """The person, and what they get for it."""
        self._offered(agreed, form)
        number = text(referred, "a click") if referred else None  # before anything is taken in
        now, who, since = self._room.now(), None, None
        if session is not None:
            person = self._room.sessions.customer(text(session, "a session"), now)
            # a code would go to another address, and open the person to whoever reads mail there
            if is_fresh(person, now) or await self._shop.finding.fits(row(person.people[0]), given):
                who = person.people[0]
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
        click = await self._shop.affiliates.click(number) if number and request else None
        made = self._room.receipts.make(who, request, since or self._room.now(), self._room.random(12), click)
        return who, {"receipt": made, "request": request}

    async def register(self, form: str, given: Mapping[str, str], password: str, agreed: Mapping[str, str]) -> str:
        """Take somebody in with an account; their session."""
        self._offered(agreed, form)
        kept = await self._hash(password)
        who, _ = await self.collect(form, given, None, None, (), agreed={})
        await self._shop.accounts.give(row(who), PASSWORD, told({"hash": kept}), first=True)
        for choice, words in agreed.items():
            await self.agree(who, choice, words, form=form)
        return self._room.sessions.person((who,), self._room.now())

    def _offered(self, agreed: Mapping[str, str], form: str) -> None:
        """Before anything is taken in, so that nothing is kept of a call that fails: a choice is made where the policy
        puts it, in words. Raises `UnknownWord`, `BadValue`.
        """
        for choice, words in agreed.items():
            if choice not in self._room.choices or not self._room.choices[choice].on(form):
                raise UnknownWord("the policy offers no such choice on this form")
            if not text(words, "the words", LONGEST_WORDS).strip():
                raise BadValue("the words that were agreed to are empty")

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
                if one.confirms(form) and proved == "mail":
                    await self._shop.confirm(who, consent)
                elif one.confirms(form):
                    self._confirming.ask(who, consent, purpose)
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
            self._room.sessions.customer(text(session, "a session"), now, fresh=True)
            kept = await self._hash(password)
            async with self._room.changing:  # whoever's session has ended meanwhile comes too late
                person = self._room.sessions.customer(session, self._room.now(), fresh=True)
                who, proves = person.people[0], person.contact.hex()
                await self._shop.accounts.give(row(who), PASSWORD, told({"hash": kept, "proves": proves}))
                self._room.sessions.end_others(who, session)
            return
        who = self._room.receipts.read(text(receipt, "a receipt"), now, HOUR).who
        kept = await self._hash(password)
        if not await self._shop.accounts.give(row(who), PASSWORD, told({"hash": kept}), first=True):
            raise Denied

    async def _hash(self, password: str) -> str:
        return await self._room.passwords.hash(text(password, "a password"), self._room.passwords.customers)

    # -- showing who one is -----------------------------------------------------------------------------------------

    async def sign_in(self, category: str, value: str, password: str) -> str:
        """A session for the account with this value and password."""
        contact, password = self._contact(category, value), text(password, "a password")
        passwords, limits, now = self._room.passwords, self._room.limits, self._room.now()
        with passwords.customers.place():
            limits.spend(SIGN_IN, contact, now)
            kept = await self._accounts(category, value, contact.hex())
            fits = await passwords.fitting([one for one, _ in kept], password, passwords.customers, ACCOUNTS)
        found = [one for one, right in zip(kept, fits, strict=False) if right]
        async with self._room.changing:  # a password that was changed meanwhile opens nothing
            if not found or not await self._still(*found[-1]):
                raise Denied
            limits.give_back(SIGN_IN, contact, now, self._room.now())
            return self._room.sessions.person((found[-1][1],), self._room.now())

    async def _still(self, kept: str, who: str) -> bool:
        return any(json.loads(one.told)["hash"] == kept for one in await self._shop.accounts.of(row(who), PASSWORD))

    async def _accounts(self, category: str, value: str, contact: str) -> list[tuple[str, str]]:
        """What is kept of passwords under a contact, and whose. Before `ACCOUNTS` cuts off: the newest of those set by who
        had a code sent to this very address, then the oldest of the others; who makes accounts beside mine displaces none.
        """
        people = await self._people(category, value) or [self._room.random(16).hex()]  # to read as much for nobody
        found = await self._shop.accounts.of_each([row(who) for who in people], PASSWORD)
        proved, others = list[tuple[int, str, str]](), list[tuple[int, str, str]]()
        for who, proofs in zip(people, found, strict=True):
            for proof in proofs:
                said = json.loads(proof.told)
                (proved if said.get("proves") == contact else others).append((proof.since, said["hash"], who))
        ranked = sorted(proved, key=lambda one: -one[0]) + sorted(others, key=lambda one: one[0])
        return [(one, who) for _, one, who in ranked]

    async def send_code(self, category: str, value: str) -> None:
        """A code on its way, if anybody is held; the answer neither waits for it nor tells."""
        contact = self._contact(category, value)
        self._looking.take()
        try:
            self._room.limits.spend(SENT, contact, self._room.now())
        except TooMany:
            self._looking.leave()
            raise
        self.later(self._send(contact, category, value))

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it behind the answer, that tells by nothing whether there is anything to do. `settle` waits for it."""
        self._behind.begin(work)

    async def _send(self, contact: bytes, category: str, value: str) -> None:
        """Whatever goes wrong is told to the log, in words without persons, and to nobody else.

        A code goes to an address, and opens those alone who are held under that very address. Anybody may give my number,
        or gave my address before their own; what reaches them shows nothing of me.
        """
        try:
            try:
                async with self._looking.turn:
                    found = await self._people(category, value) if self._notices.possible else []
                    people = [one for one in found if await self._may_enter(one)]
                    begun, opens = await self._begun(contact, category, people)
            finally:
                self._looking.leave()
            if begun is not None:
                try:
                    with self._mailing.place():
                        code = words_of_code(self._room.policy, self._code(contact, opens))
                        async with self._mailing.turn:
                            await self._notices.notify(begun, code)
                except TooMany:
                    await self._notices.drop(begun)
                    raise
        except (AvowError, OSError) as error:
            log.warning("a code could not be sent: %s", type(error).__name__)

    async def send_code_to(self, who: str, record: Callable[[], Awaitable[None]]) -> None:
        """A code to this person's newest mail address, which opens what any code sent there opens. `record` is awaited before
        it goes out. Raises `CallError`, `NotHeld`, `TooMany`, `Unavailable`; none says the address.
        """
        if not self._notices.possible:
            raise CallError("this site sends no mail, so no code either; answer by letter or telephone")
        if not await self._may_enter(who):
            raise CallError(
                "their address was changed lately, and no code goes to a new one before three days are over"
            )
        async with self._notices.owed(who, NoticeKind.CODE, self._room.random(16).hex()) as begun:
            if begun is None or begun.permit is None:
                raise NotHeld("no e-mail address is held to which a code may go; answer by letter or telephone")
            category = begun.permit.category
            contact = self._contact(category, begun.address)
            self._room.limits.spend(SENT, contact, self._room.now())
            found = [one for one in await self._people(category, begun.address) if await self._may_enter(one)]
            await record()
            await self._notices.hand_over(begun)
        try:
            enter = f"{self._notices.centre}/enter"
            code = words_of_code(self._room.policy, self._code(contact, tuple(reversed(found))), enter=enter)
            await self._notices.notify(begun, code)
        except TooMany:
            await self._notices.drop(begun)
            raise
        except OSError:
            raise Unavailable("the code could not be sent; try again later") from None

    def _code(self, contact: bytes, opens: tuple[str, ...]) -> str:
        """A code that waits. None that waits is forgotten for it. Raises `TooMany`."""
        now = self._room.now()
        if len(self._codes) >= CODES:
            self._codes = {name: one for name, one in self._codes.items() if now <= one.until}
        if len(self._codes) >= CODES and contact not in self._codes:
            raise TooMany(BUSY)
        code = f"{int.from_bytes(self._room.random(8)) % 10**8:08d}"
        self._codes[contact] = Code(hashed(code), opens, now + CODE)
        return code

    async def _begun(
        self, contact: bytes, category: str, people: Sequence[str]
    ) -> tuple[Begun | None, tuple[str, ...]]:
        """A notice that is handed over already, and whom its code opens."""
        by_mail = self._room.policy.categories[category].channel == "mail"
        cause = self._room.random(16).hex()
        for who in reversed(people):
            async with self._notices.owed(who, NoticeKind.CODE, cause) as begun:
                if begun is None or (by_mail and self._contact(category, begun.address) != contact):
                    continue
                held = await self._under(begun.address)
                await self._notices.hand_over(begun)
                return begun, tuple(one for one in reversed(people) if one == who or one in held)
        return None, ()

    async def _under(self, address: str) -> set[str]:
        """Everybody who is found by a mail address."""
        known = self._room.policy.categories.items()
        mailed = [name for name, one in known if one.channel == "mail" and one.look_up]
        return {who for name in mailed for who in await self._people(name, address)}

    async def enter(self, category: str, value: str, code: str) -> str:
        """A session for a code. Taken before it is compared, so that of two at once one is too late."""
        contact, now = self._contact(category, value), self._room.now()
        self._room.limits.spend(ENTER, contact, now)
        kept = self._codes.get(contact)
        given = hashed("".join(text(code, "a code").split()))
        if kept is None or now > kept.until or not hmac.compare_digest(kept.hash, given):
            raise Denied
        del self._codes[contact]
        self._room.limits.give_back(ENTER, contact, now, now)
        by_mail = self._room.policy.categories[category].channel == "mail"  # else it went to an address of theirs
        return self._room.sessions.person(kept.people, now, "mail", contact if by_mail else b"")

    async def settle(self) -> None:
        """Wait for what is on its way."""
        await self._behind.settle()

    async def _may_enter(self, who: str) -> bool:
        """Whether control of the address on file shows who they are: not while it is a new one, and on hold."""
        return await self._shop.rights.held_back(row(who), None) is None

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
