"""Cases: how an authority, or a firm against fraud, gets data of a person. Two colleagues, one ground, one disclosure.

A case names recipient, purpose, ground, reference, the categories and an end. One colleague proposes it, another one
agrees; both must be in roles that the policy lets disclose it. It is kept sealed with the person, and serves once.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from typing import Final, NamedTuple

from avow.decide.decide import decide
from avow.decide.facts import Circumstances
from avow.decide.request import Allow, Answer, Facts, Refuse, Request
from avow.errors import BadValue, CallError, KeyGone, NotHeld, Tampered, UnknownWord
from avow.gate import Act, Actor, Gate, Journal
from avow.policy.model import SITE
from avow.practices.agreeing import asked_as, recipient_of
from avow.practices.collecting import check_value
from avow.practices.disclosed import CASE, Case, cases, place, written
from avow.practices.disclosing import Disclosing, Package, Wish
from avow.practices.words import listed, unknown
from avow.store.interface import Transaction
from avow.vault.envelope import open_, seal
from avow.vault.keys import SubjectKey

LAW: Final = "law"  # a law permits or demands it
GROUNDS: Final = (LAW, "prevent", "investigate")  # the latter two: fraud, or payments that nobody allowed
FRAUD: Final = "FraudPreventionAndDetection"  # DPV: what a purpose has to be for those two
LONGEST: Final = 366 * 86_400_000  # ms that a case may stay open
QUIET: Final = 5 * LONGEST  # ms for which somebody may be kept from being told
LISTED: Final = (
    30 * 86_400_000
)  # ms that a case stays on the list when it is over, so that a late try is refused as one
KINDS: Final = ("authority", "fraud-prevention")
_NOTE: Final = "cases"  # the store's note of which cases there are, and whose: sealed, so that nobody counts them
_SITES: Final = b"avow list: cases"  # what the site's key for it is called in a message; no secret
_ALONE: Final = (NotHeld, Tampered, KeyGone, UnknownWord)  # what is wrong with one case, and holds up no other
_REFERENCE: Final = re.compile(r"[\w][\w ./:()-]{0,79}")
_NONE: Final = "there is no such case, or it is long over"


class Proposal(NamedTuple):
    """What a colleague puts forward. Moments in ms; `quiet` None where the person may be told."""

    recipient: str
    purpose: str
    ground: str
    reference: str
    categories: tuple[str, ...]
    until: int
    quiet: int | None = None


class Cases:
    """For one site."""

    def __init__(self, gate: Gate, journal: Journal, disclosing: Disclosing) -> None:
        self._gate = gate
        self._journal = journal
        self._policy = gate.policy
        self._disclosing = disclosing
        self._key = SubjectKey(_SITES, gate.keys.site_key("cases"))
        self._bound = f"avow/1 cases {gate.store.site}".encode()
        self._listing = asyncio.Lock()  # the note is read, changed and written: of two at once, one comes after

    # -- the way of a case ------------------------------------------------------------------------------------------

    async def propose(self, subject: bytes, proposal: Proposal, actor: Actor) -> Case:
        """Put a case forward: it permits nothing until somebody else has agreed. Raises `Refused` where the policy would
        not let this role disclose it to this recipient even with a case.
        """
        self._check(proposal)
        made = _made(proposal, self._gate.random(16), self._gate.now(), actor)

        async def apply(act: Act) -> Case:
            one = made._replace(at=act.at)
            if not act.at < one.until <= act.at + LONGEST:
                raise CallError("a case ends after this moment and within a year")
            if one.quiet is not None and one.quiet <= act.at:
                raise CallError("the order not to tell is over already; leave its end out")
            if one.quiet is not None and one.quiet > act.at + QUIET:
                raise CallError("an order not to tell ends within five years; name an earlier end")
            await act.tx.put([act.seal(place(subject, CASE, one.id, self._gate.current, act.at), written(one))])
            await self._list(act.tx, {one.id: (subject, max(one.until, one.quiet or 0) + LISTED)})
            return one

        rule = self._may(made, actor)
        if isinstance(rule, Refuse) and proposal.quiet is not None:  # no case comes of it that could hide its event
            await self._gate.refuse("case-propose", actor, rule)
        return await self._change(subject, made, actor, "case-propose", rule, apply)

    async def approve(self, case: bytes, actor: Actor, people: Collection[bytes]) -> Case:
        """Agree to a case that somebody else put forward, about one of these people: so that two colleagues mean the same
        person. Raises `Refused`, `CallError`, `NotHeld`.
        """
        subject, _ = await self._found(case)

        def agreed(one: Case, at: int) -> Case:
            if subject not in people:
                raise CallError(
                    "this case is about somebody else; compare it with the paper, and close it if it is wrong"
                )
            if one.state != "proposed" or at >= one.until:
                raise CallError(f"this case is {_stands(one, at)}; nobody can agree to it any more")
            return one._replace(state="open", approver=actor.name)

        def twice(one: Case) -> Refuse | None:
            if one.opener != actor.name:
                return None
            return Refuse(self.wanting(one), "whoever put a case forward cannot be the second one to agree to it")

        return await self._step(case, actor, "case-approve", agreed, twice)

    async def close(self, case: bytes, actor: Actor) -> Case:
        """It serves nobody any more. Effective when this returns. Raises as `approve`."""

        def closed(one: Case, at: int) -> Case:
            if one.state in ("used", "closed"):
                raise CallError(f"this case is {_stands(one, at)} already")
            return one._replace(state="closed")

        return await self._step(case, actor, "case-close", closed)

    async def disclose(self, case: bytes, actor: Actor) -> tuple[bytes, Case, Package]:
        """What an open case asks for, once: whose, and the package. Raises `Refused` for a case that is not open, is over,
        or served already; `NotHeld` where there is none.
        """
        subject, one = await self._found(case)
        wish = Wish(subject, "share", one.categories, one.recipient, one.purpose, case=case)
        return subject, one, await self._disclosing.disclose(wish, actor)

    async def known(self, actor: Actor) -> list[tuple[bytes, Case]]:
        """Every case on the list that this role may disclose, with whose it is, oldest first."""
        found = []
        for row in await self._listed():
            with suppress(*_ALONE):
                subject, one = await self._found(row)
                if isinstance(self._may(one, actor), Allow):
                    found.append((subject, one))
        return found

    async def to_tell(self) -> list[tuple[bytes, Case]]:
        """The cases on the list that served, and of which the person may be told by now; whether they were is not known."""
        found = []
        for row in await self._listed():
            with suppress(*_ALONE):
                subject, one = await self._found(row)
                recipient_of(self._policy, one.recipient)
                if one.state == "used" and not one.hidden(self._gate.now()):
                    found.append((subject, one))
        return found

    def refusing(self, proposal: Proposal, actor: Actor) -> Refuse | None:
        """Why the policy would let this colleague put no such case forward, whoever it is about. Raises as `propose`."""
        self._check(proposal)
        answer = self._may(_made(proposal, bytes(16), 0, actor), actor)
        return answer if isinstance(answer, Refuse) else None

    # -- parts ------------------------------------------------------------------------------------------------------

    def _check(self, one: Proposal) -> None:
        kind, _ = recipient_of(self._policy, one.recipient)
        if kind not in KINDS:
            raise CallError(f"a case is for recipients of the kinds {', '.join(KINDS)}; others get data in other ways")
        if one.ground not in GROUNDS:
            raise UnknownWord(f"that is no ground; the grounds are {', '.join(GROUNDS)}")
        check_value("reference", one.reference, confirmed=True)
        if not _REFERENCE.fullmatch(one.reference):
            raise BadValue("a reference is at most 80 letters, digits and . / : ( ) - as the order has it")
        if not one.categories or len(set(one.categories)) < len(one.categories):
            raise CallError("name each category that the case covers, once")
        for category in one.categories:
            if category not in self._policy.categories:
                raise unknown("category", category, self._policy.categories)
        purpose = self._policy.purposes.get(one.purpose)
        if purpose is None:
            raise unknown("purpose", one.purpose, self._policy.purposes)
        if one.ground != LAW and purpose.term != FRAUD:
            fraud = [name for name, known in self._policy.purposes.items() if known.term == FRAUD]
            raise CallError(f"the ground `{one.ground}` goes with a purpose against fraud: {listed(fraud)}")

    def _ask(self, one: Case, role: str) -> Request:
        return Request("share", role, one.purpose, one.categories, asked_as(self._policy, one.recipient))

    def _may(self, one: Case, actor: Actor) -> Answer:
        """What the policy would say to this role with the case open. The site's own software is no colleague."""
        if actor.role not in self._policy.roles:
            return Refuse(self.wanting(one), "a case is for colleagues to put forward, to agree to and to answer")
        held = ("case", "in-time", "no-opt-out", *(("standing",) if actor.standing else ()))
        return decide(self._gate.table, self._ask(one, actor.role), Facts.of(*held))

    def wanting(self, one: Case) -> tuple[str, ...]:
        """The promises that want a case."""
        answer = decide(self._gate.table, self._ask(one, SITE), Facts.of())
        return answer.promises

    def granting(self, one: Case) -> tuple[str, ...]:
        """The promises by which it went out while it was open."""
        held = Facts.of("case", "in-time", "no-opt-out", "standing")
        return decide(self._gate.table, self._ask(one, SITE), held).promises

    async def _change(
        self, subject: bytes, one: Case, actor: Actor, kind: str, rule: Answer, apply: Callable[[Act], Awaitable[Case]]
    ) -> Case:
        circumstances = Circumstances(standing=actor.standing)
        async with self._listing:
            return await self._gate.change(
                subject,
                self._ask(one, actor.role),
                actor,
                circumstances,
                apply,
                rule=rule,
                kind=kind,
            )

    async def _step(
        self, case: bytes, actor: Actor, kind: str, change: Callable[[Case, int], Case],
        against: Callable[[Case], Refuse | None] = lambda _: None,
    ) -> Case:  # fmt: skip
        subject, known = await self._found(case)

        async def apply(act: Act) -> Case:
            for row, one in cases(await act.tx.held(subject), act.open):
                if one.id == case:
                    changed = change(one, act.at)
                    if changed.state == "closed":
                        self._disclosing.over(subject, case, act.at)
                    await act.tx.put([act.seal(row._replace(version=row.version + 1), written(changed))])
                    return changed
            raise NotHeld(_NONE)

        return await self._change(subject, known, actor, kind, against(known) or self._may(known, actor), apply)

    async def _found(self, case: bytes) -> tuple[bytes, Case]:
        """Whose a case on the list is, and what it says. Nothing of it is released but to who may disclose it."""
        subject, _ = (await self._listed()).get(case, (b"", 0))
        async with self._gate.store.transaction() as tx:
            (row,) = await tx.subjects((subject,)) if subject else (None,)
            if row is None or row.state == "erased":
                raise NotHeld(_NONE)
            at = self._gate.now()
            self._gate.standing(row, at)
            held = await tx.held(subject)
            for _, one in cases(held, lambda datum: self._gate.open(datum, at)):
                if one.id == case:
                    return subject, self._disclosing.as_the_journal_has(one)
        raise NotHeld(_NONE)

    async def _listed(self) -> dict[bytes, tuple[bytes, int]]:
        async with self._gate.store.transaction() as tx:
            return self._unsealed(await tx.note(_NOTE))

    def _unsealed(self, note: str | None) -> dict[bytes, tuple[bytes, int]]:
        """Case -> whose it is, and until when (ms) it stays on the list. Raises `Tampered`."""
        if not note:
            return {}
        parts = (one.split(":") for one in open_(self._key, bytes.fromhex(note), self._bound).decode().split())
        return {bytes.fromhex(case): (bytes.fromhex(subject), int(until)) for case, subject, until in parts}

    async def _list(self, tx: Transaction, more: dict[bytes, tuple[bytes, int]]) -> None:
        """Add to the list, and take off what has long been over."""
        known, at = self._unsealed(await tx.note(_NOTE)), self._gate.now()
        kept = {case: whose for case, whose in known.items() if whose[1] > at} | more
        words = (f"{case.hex()}:{subject.hex()}:{until}" for case, (subject, until) in kept.items())
        sealed = seal(self._key, " ".join(words).encode(), self._bound, self._gate.random(12))
        await tx.set_note(_NOTE, sealed.hex())


def _made(one: Proposal, row: bytes, at: int, actor: Actor) -> Case:
    return Case(
        row, one.recipient, one.purpose, one.ground, one.reference, one.categories, at, one.until, one.quiet, actor.name
    )


def _stands(one: Case, at: int) -> str:
    return "over" if one.state in ("proposed", "open") and at >= one.until else one.state
