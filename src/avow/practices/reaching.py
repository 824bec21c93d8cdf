"""Reaching a person: may I write or call, and what became of each message. One gate for mail, post and telephone.

A message is one message to one recipient. `begin` decides and records; `hand_over` puts it on disk as about to go out,
after it has decided once more; `ended` says what came of it. What was handed over and never ended may have gone out,
and never goes again by itself (docs/decisions/0070).
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from itertools import count
from typing import Final, NamedTuple, NoReturn

from avow.decide.decide import decide
from avow.decide.facts import Circumstances, add, facts, opt_out, request, tokens
from avow.decide.request import Allow, Answer, Refuse, Request
from avow.errors import Denied, KeyGone, Refused, Tampered
from avow.gate import Actor, Gate, Look
from avow.policy.model import CONTACT, SITE, Channel
from avow.practices import deadlines as kinds
from avow.practices.agreeing import Agreeing
from avow.practices.collecting import Entry, entries_of, index
from avow.practices.messages import GONE, NOBODY, Begun, Errand, Outcome, Permit, reached_by, remembered
from avow.practices.words import id_of, unknown
from avow.record import Recorder
from avow.store.interface import Datum, Leaf, Message, ServiceRequest, Subject, Trace, Transaction
from avow.together import Together
from avow.vault.binding import fields
from avow.vault.keys import SubjectKey
from avow.vault.lookup import hmac_sha256, mailbox, normalise, same_mailbox

REMEMBERED: Final = 30 * 86_400_000  # ms that a message is remembered
MOST: Final = 256  # people held under one address that are looked at, oldest first
KEPT: Final = "new-use"  # see `NoticeKind`
BATCH: Final = 1000
TOGETHER: Final = 64  # messages that share a commit
HANDED: Final = 100_000  # messages handed over at once; what comes of the oldest is not heard any more

_SITE: Final = Actor(SITE, "site", standing=True)
_ANYBODY: Final = Refuse((), "nobody is held under this address who may be reached for this purpose")
_ELSEWHERE: Final = Refuse((), "the person of this service request is not held under this address, or it is closed")


class _Held(NamedTuple):
    """Somebody held under an address, with what was read of them."""

    row: Subject
    key: SubjectKey
    line: str
    datum: Datum
    address: str


class Reaching:
    """For one site. `suppressed` is the do-not-contact list, shared with those who write it."""

    def __init__(self, gate: Gate, recorder: Recorder, agreeing: Agreeing, suppressed: set[Entry]) -> None:
        self._gate = gate
        self._policy = gate.policy
        self._recorder = recorder
        self._agreeing = agreeing
        self._suppressed = suppressed
        self._turns = count()
        self._out: OrderedDict[tuple[bytes, bytes], int] = OrderedDict()  # handed over -> by which try
        self._handing = Together(self._hand_over, TOGETHER)
        self._marking = Together(self._marked, TOGETHER)

    # -- may I? -------------------------------------------------------------------------------------------------

    async def reach(self, subject: bytes, channel: str, purpose: str, actor: Actor) -> str | None:
        """May I reach the person? The address or number, recorded; None when none is held. Raises `Refused`."""
        if purpose not in self._policy.purposes:
            raise unknown("purpose", purpose, self._policy.purposes)
        categories = reached_by(self._policy, channel)
        if self._suppressed:
            await self._heed(subject, channel, categories)
        circumstances = Circumstances(standing=actor.standing, identified=actor.identified)
        for category in categories:
            ask = Request(CONTACT[channel], actor.role, purpose, (category,))
            values = await self._gate.look(Look(subject, ask, actor, circumstances))
            if category in values:
                return values[category]
        return None

    async def _heed(self, subject: bytes, channel: str, categories: tuple[str, ...]) -> None:
        """Opt out whoever is held with an address that is on the list: the look that follows is then refused.

        Nothing is released here. What does not open, or was changed outside, is for that look to put on record.
        """
        async with self._gate.store.transaction() as tx:
            ((row, data),) = await tx.read([(subject, categories)])
            if row is None or f"opt-out/{channel}" in tokens(row.facts):
                return
            at = self._gate.now()
            try:
                values = {datum.category: self._gate.open(datum, at) for datum in data}
            except (Tampered, KeyGone):
                return
        found = {e for name, value in values.items() for e in entries_of(self._policy, self._gate.keys, name, value)}
        if found & self._suppressed:
            await self._agreeing.opt_out(subject, (channel,), _SITE)

    # -- a message ----------------------------------------------------------------------------------------------

    @staticmethod
    def errand(
        purpose: str, sender: str, *, channel: Channel = "mail", request: bytes | str | None = None,
        actor: Actor = _SITE,
    ) -> Errand:  # fmt: skip
        """What a message is for. `sender` names the software; `actor` is a colleague, if one acts. Raises `UnknownWord`."""
        return Errand(channel, purpose, actor, sender, id_of(request) if isinstance(request, str) else request)

    def name(self, channel: str, message: str, address: str, *, way: str = "message") -> bytes:
        """What a message to an address, or (`way` received) from one, is remembered by: 16 bytes, a keyed hash. Two
        mailboxes have two names, though people are found by both alike.

        Raises `BadValue`, `UnknownWord`.
        """
        normal = normalise(self._policy.categories[reached_by(self._policy, channel)[0]].term, address)
        return self.hidden(way, channel, message, mailbox(address) if channel == "mail" else normal)

    def hidden(self, *told: str) -> bytes:
        """16 bytes that stand for these texts, to who has the site's key."""
        parts = [one.encode("utf-8", "surrogatepass") for one in told]
        return hmac_sha256(self._gate.keys.site_key("messages"), fields(*parts))[:16]

    async def begin(self, errand: Errand, message: str, to: str) -> Begun:
        """May this message go to this address? Decided and recorded. Raises `Refused`, `UnknownWord`, `BadValue`.

        Several people may be held under it: with a request it is that request's person, without one whoever of them may
        be reached. That one of them opted out, or that the address is listed, refuses for all.
        """
        name = self.name(errand.channel, message, to)
        return await self._begin(errand, name, to, None)

    async def begin_with(self, errand: Errand, message: str, subject: bytes) -> Begun:
        """The same to a person by their id, at the newest address that the channel reaches them by; `Refused`, too, where
        none is held.
        """
        return await self._begin(errand, self.hidden("message to", errand.channel, message), None, subject)

    async def begin_named(self, errand: Errand, name: bytes, subject: bytes, to: str | None = None) -> Begun:
        """The same for a message that has its 16 bytes already, see `hidden`; `to`: at this address of theirs."""
        return await self._begin(errand, name, to, subject)

    async def begin_once(self, errand: Errand, message: str, people: Sequence[bytes]) -> list[Begun | Refused]:
        """The same to each of these people, in one transaction: once to an address, whoever else is held under it."""
        out: list[Begun | Refused] = []
        async with self._gate.store.transaction() as tx:
            at = self._gate.now()
            held = {one.row.subject: one for one in await self._held(tx, errand.channel, people, None, at)}
            for subject in people:
                if (one := held.get(subject)) is None:
                    out.append(Refused((), _ANYBODY.reason))
                    continue
                name = self.name(errand.channel, message, one.address)
                twins = await self._find(tx, errand.channel, one.address, None)
                told: Begun | Refuse | None = await self._gone(tx, name, dict.fromkeys((subject, *twins)))
                told = told or await self._decided(tx, errand, name, [one], None, at)
                out.append(Refused(told.promises, told.reason) if isinstance(told, Refuse) else told)
        return out

    async def _begin(self, errand: Errand, name: bytes, to: str | None, subject: bytes | None) -> Begun:
        if errand.purpose not in self._policy.purposes:
            raise unknown("purpose", errand.purpose, self._policy.purposes)
        async with self._gate.store.transaction() as tx:
            asked = None if errand.request is None else await tx.open_request(errand.request)
            people = await self._find(tx, errand.channel, to or "", asked) if subject is None else [subject]
            at = self._gate.now()
            held = await self._held(tx, errand.channel, people, to, at)  # locked from here on: nobody hands over
            if (known := await self._gone(tx, name, people)) is not None:
                return known
            told = await self._decided(tx, errand, name, held, asked, at)
        if isinstance(told, Refuse):
            raise Refused(told.promises, told.reason)
        return told

    async def _find(self, tx: Transaction, channel: str, to: str, asked: ServiceRequest | None) -> list[bytes]:
        """Who is held under an address, who asked before all others."""
        found: dict[bytes, None] = {}
        for category in reached_by(self._policy, channel):
            known = self._policy.categories[category]
            if known.look_up:
                found |= dict.fromkeys(await tx.find(category, index(self._gate.keys, known.term, category, to)))
        return sorted(found, key=lambda subject: asked is None or subject != asked.subject)[:MOST]

    @staticmethod
    async def _gone(tx: Transaction, name: bytes, people: Iterable[bytes]) -> Begun | None:
        """Whether it went out to one of them, or may have."""
        for subject in people:
            known = await tx.message(subject, name)
            if known is not None and known.state in GONE:
                return Begun("unknown" if known.state == "handing" else "sent")
        return None

    async def _held(
        self, tx: Transaction, channel: str, people: Sequence[bytes], to: str | None, at: int
    ) -> list[_Held]:
        """Those of them who stand as they were written, each with the newest datum that is this very address."""
        categories = reached_by(self._policy, channel)
        out = []
        for row, data in await tx.read([(subject, categories) for subject in people]):
            if row is None or row.state == "erased":
                continue
            try:
                key, line = self._gate.standing(row, at)
                found = self._at(data, to, channel, key, at)
                if found is None and to is not None:  # it may be an older one of theirs
                    older = [one for one in await tx.held(row.subject) if one.category in categories]
                    found = self._at(older[::-1], to, channel, key, at)
            except (Tampered, KeyGone):  # nobody is reached by what was changed outside; the others are
                continue
            if found is not None:
                out.append(_Held(row, key, line, *found))
        return out

    def _at(
        self, data: Iterable[Datum], to: str | None, channel: str, key: SubjectKey, at: int
    ) -> tuple[Datum, str] | None:
        for datum in data:
            value = self._gate.open(datum, at, key)
            if to is None or self._same(datum.category, channel, value, to):
                return datum, value
        return None

    def _same(self, category: str, channel: str, one: str, other: str) -> bool:
        if channel == "mail":
            return same_mailbox(one, other)
        term = self._policy.categories[category].term
        return normalise(term, one) == normalise(term, other)

    async def _decided(
        self, tx: Transaction, errand: Errand, name: bytes, held: Sequence[_Held], asked: ServiceRequest | None, at: int
    ) -> Begun | Refuse:
        """The first of them who may be reached, recorded; or why none, recorded and remembered."""
        entries = [entries_of(self._policy, self._gate.keys, one.datum.category, one.address) for one in held]
        silent = any(
            not self._suppressed.isdisjoint(of) or opt_out(errand.channel) in tokens(one.line)
            for one, of in zip(held, entries, strict=True)
        )
        answers: list[tuple[_Held, Refuse]] = []
        for one, of in zip(held, entries, strict=True):
            if errand.request is not None and (asked is None or one.row.subject != asked.subject):
                continue
            answer = self._answer(errand, one.line, one.datum, asked, at, silent=silent)
            if isinstance(answer, Refuse):
                answers.append((one, answer))
                continue
            await tx.record(*self._event(errand, one, answer, at))
            datum = one.datum
            permit = Permit(one.row.subject, name, errand, datum.category, datum.row, datum.version, of[0],
                            next(self._turns))  # fmt: skip
            return Begun("go", permit, one.address)
        return await self._refuse(tx, errand, name, answers, at, elsewhere=errand.request is not None)

    def _answer(
        self, errand: Errand, line: str, datum: Datum, asked: ServiceRequest | None, at: int, *, silent: bool
    ) -> Answer:
        """What the policy says of this person. A named request is the only one that counts."""
        if asked is not None:
            line = add(_without_requests(line), request(kinds.asked(asked.kind).kind))
        if silent:
            line = add(line, opt_out(errand.channel))
        ask = Request(CONTACT[errand.channel], errand.actor.role, errand.purpose, (datum.category,))
        return self._gate.answer(Look(datum.subject, ask, errand.actor, _circumstances(errand)), line, (datum,), at)

    def _event(self, errand: Errand, one: _Held, answer: Answer, at: int) -> tuple[tuple[Leaf], tuple[Trace]]:
        ask = Request(CONTACT[errand.channel], errand.actor.role, errand.purpose, (one.datum.category,))
        outcome = "done" if isinstance(answer, Allow) else "refused"
        leaf, trace = self._recorder.event(
            at, one.key, one.row.subject, ask, errand.actor.name, outcome, answer.promises, ask.action
        )
        return (leaf,), (trace,)

    async def _refuse(
        self, tx: Transaction, errand: Errand, name: bytes, answers: Sequence[tuple[_Held, Refuse]], at: int, *,
        elsewhere: bool,
    ) -> Refuse:  # fmt: skip
        """Record and remember a refusal; of nobody in particular, where none of them was asked about."""
        subject = answers[0][0].row.subject if answers else NOBODY
        answer = answers[0][1] if answers else self._of_nobody(errand, _ELSEWHERE if elsewhere else _ANYBODY)
        for one, refusal in answers:
            await tx.record(*self._event(errand, one, refusal, at))
        if not answers:
            ask = Request(CONTACT[errand.channel], errand.actor.role, errand.purpose, ())
            await tx.record((self._recorder.faceless(at, ask, errand.actor.name, "refused", answer.promises),), ())
        await tx.put_message(remembered(subject, name, errand, "refused", at, answer))
        return answer

    async def turn_away(self, errand: Errand, message: str, to: str, reason: str) -> NoReturn:
        """Refuse a message before anybody is looked for: record and remember it, and raise `Refused`."""
        answer = Refuse((), reason)
        ask = Request(CONTACT[errand.channel], errand.actor.role, errand.purpose, ())
        name = self.name(errand.channel, message, to)
        async with self._gate.store.transaction() as tx:
            at = self._gate.now()
            await tx.record((self._recorder.faceless(at, ask, errand.actor.name, "refused", ()),), ())
            await tx.put_message(remembered(NOBODY, name, errand, "refused", at, answer))
        raise Refused((), reason)

    async def stop(self, entry: Entry) -> None:
        """Reach nobody by this address any more, by what stands for it on the do-not-contact list."""
        await self._agreeing.list_entry(entry)

    def listed(self, entry: Entry) -> bool:
        """Whether it stands on that list."""
        return entry in self._suppressed

    def _of_nobody(self, errand: Errand, otherwise: Refuse) -> Refuse:
        """What the policy says of writing to somebody who asked for nothing."""
        table, category = self._gate.table, reached_by(self._policy, errand.channel)[0]
        ask = Request(CONTACT[errand.channel], errand.actor.role, errand.purpose, (category,))
        circumstances = Circumstances(standing=errand.actor.standing)
        answer = decide(table, ask, facts(table, ask, "", at=self._gate.now(), circumstances=circumstances))
        return Refuse(answer.promises if isinstance(answer, Refuse) else (), otherwise.reason)

    async def hand_over(self, permit: Permit, actor: Actor | None = None) -> None:
        """It is about to go out, and on disk as such when this returns. Raises `Refused` where the permission has ended
        since `begin`, and `Denied` where somebody else handed it over. `actor`: with the standing that they have now.
        """
        try:
            await self._handing(
                permit if actor is None else permit._replace(errand=permit.errand._replace(actor=actor))
            )
        except (Refused, Denied, Tampered, KeyGone):
            raise
        except BaseException:
            self._went(permit)  # it may be on disk
            raise
        self._went(permit)

    def _went(self, permit: Permit) -> None:
        self._out[permit.subject, permit.message] = permit.turn
        while len(self._out) > HANDED:
            self._out.popitem(last=False)

    async def _hand_over(self, permits: Sequence[Permit]) -> list[Exception | None]:
        """Those that were asked at once, in one transaction; what is wrong with each."""
        out: list[Exception | None] = []
        async with self._gate.store.transaction() as tx:
            rows = await tx.read([(one.subject, (one.category,)) for one in permits], "change")
            for permit, (row, data) in zip(permits, rows, strict=True):
                try:
                    answer = await self._handed(tx, permit, row, data)
                    out.append(Refused(answer.promises, answer.reason) if isinstance(answer, Refuse) else None)
                except (Denied, Tampered, KeyGone) as error:
                    out.append(error)
        return out

    async def _handed(self, tx: Transaction, permit: Permit, row: Subject | None, data: Sequence[Datum]) -> Answer:
        errand = permit.errand
        known = await tx.messages_named(permit.message)  # also where it is another's under the same address
        if row is None or row.state == "erased" or any(one.state in GONE for one in known):
            raise Denied("this message may not go out any more, or went out already")
        at = self._gate.now()
        key, line = self._gate.standing(row, at)
        datum = next((one for one in (*data, *await self._older(tx, permit, data)) if _is(one, permit)), None)
        asked = None if errand.request is None else await tx.open_request(errand.request)
        if datum is None or (errand.request is not None and asked is None):
            answer: Answer = self._of_nobody(errand, _ELSEWHERE)
        else:
            answer = self._answer(errand, line, datum, asked, at, silent=permit.entry in self._suppressed)
        if isinstance(answer, Refuse):
            none = Datum(row.subject, NOBODY, permit.category, "", 1, b"", b"")
            await tx.record(*self._event(errand, _Held(row, key, line, datum or none, ""), answer, at))
        state = "refused" if isinstance(answer, Refuse) else "handing"
        await tx.put_message(remembered(permit.subject, permit.message, errand, state, at, answer))
        return answer

    @staticmethod
    async def _older(tx: Transaction, permit: Permit, data: Sequence[Datum]) -> list[Datum]:
        return [] if any(_is(one, permit) for one in data) else await tx.held(permit.subject)

    async def ended(self, permit: Permit, outcome: Outcome) -> None:
        """What came of it. After `not-now` it may begin anew. Who was erased meanwhile leaves nothing to be said.

        Of a permit that was not handed over nothing is said: what is on disk is another try's.
        """
        if self._out.get((permit.subject, permit.message)) == permit.turn:
            await self._mark(permit.subject, permit.message, outcome, ("handing",))
            self._out.pop((permit.subject, permit.message), None)

    async def bounced(self, message: bytes) -> bool:
        """It came back undelivered; whether it was known."""
        async with self._gate.store.transaction() as tx:
            known = await tx.messages_named(message)
        for one in known:
            await self._mark(one.subject, message, "bounced", ("handing", "sent"))
        return bool(known)

    async def _mark(self, subject: bytes, message: bytes, state: str, before: Sequence[str]) -> None:
        await self._marking((subject, message, state, before))

    async def _marked(self, marks: Sequence[tuple[bytes, bytes, str, Sequence[str]]]) -> list[Exception | None]:
        async with self._gate.store.transaction() as tx:
            rows = await tx.subjects([subject for subject, *_ in marks], "change")
            for (subject, message, state, before), row in zip(marks, rows, strict=True):
                known = await tx.message(subject, message)
                if row is not None and row.state == "live" and known is not None and known.state in before:
                    await tx.put_message(known._replace(state=state))
        return [None] * len(marks)

    async def came(self, name: bytes) -> bool:
        """Whether a mail of this name came in and was dealt with."""
        async with self._gate.store.transaction() as tx:
            return await tx.message(NOBODY, name) is not None

    async def take_in(self, name: bytes, kind: str) -> None:
        """A mail of this name came in, and was dealt with as of this kind. Of whom it was is not remembered."""
        async with self._gate.store.transaction() as tx:
            await tx.put_message(Message(NOBODY, name, "mail", "", kind, "received", self._gate.now(), "", ""))

    async def for_nobody(self) -> None:
        """As much work and as long a record as a request of somebody is, of nobody."""

        async def apply(_: Transaction) -> None:
            return

        await self._gate.note("request", apply)

    async def messages(self, limit: int, before: int | None = None) -> list[Message]:
        """What went out and what was refused, newest first."""
        async with self._gate.store.transaction() as tx:
            return await tx.messages(limit, self._gate.now() + 1 if before is None else before)

    async def purge(self) -> int:
        """Forget what is older than `REMEMBERED`; how many. But for notices of a new version: who got one, and whose came
        back, is remembered with the person, so that none goes twice and none that came back counts.
        """
        gone = 0
        while True:
            async with self._gate.store.transaction() as tx:
                removed = await tx.purge_messages(self._gate.now() - REMEMBERED, BATCH, KEPT)
            gone += removed
            if not removed:
                return gone

    # -- mailings -----------------------------------------------------------------------------------------------

    async def consenting(self, purpose: str, after: bytes, limit: int) -> list[bytes]:
        """People who may have agreed to a purpose, by id, page by page; each is decided by itself when it is begun."""
        async with self._gate.store.transaction() as tx:
            return await tx.consenting(f"consent/{purpose}", after, limit)


def _is(datum: Datum, permit: Permit) -> bool:
    return (datum.row, datum.version, datum.category) == (permit.row, permit.version, permit.category)


def _circumstances(errand: Errand) -> Circumstances:
    actor = errand.actor
    return Circumstances(notice_owed=errand.owed, standing=actor.standing, identified=actor.identified)


def _without_requests(line: str) -> str:
    return " ".join(token for token in tokens(line) if not token.startswith("request/"))
