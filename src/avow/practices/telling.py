"""Whom a new version of the policy has to be told of before it uses their data in a new way, and who was.

Where the version before promises to contact the people affected, each of them is owed one notice of a version that is
wider. Told is who was sent it and whose notice did not come back within the days that the promise gives it for that; what
is told stands in their facts, and in the record. Nobody's word makes somebody told: the message itself is looked up, in
the transaction that says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal, NamedTuple

from avow.decide.difference import Difference, difference
from avow.decide.facts import tokens
from avow.decide.first import touched
from avow.decide.history import told
from avow.errors import CallError, KeyGone, Refused, Tampered
from avow.gate import Act, Gate
from avow.policy.model import Change, Policy
from avow.practices.answering import Answering
from avow.practices.messages import NOBODY
from avow.practices.owing import NoticeKind, Owing, cause
from avow.store.interface import Message, Subject, Transaction
from avow.store.terms import POLICY

PAGE: Final = 200  # people looked at in one transaction
AGAIN: Final = 86_400_000  # ms after which it is asked anew whether somebody may, or can, be written to
State = Literal["told", "waiting", "returned", "unknown", "refused", "left"]


@dataclass(frozen=True, slots=True)
class Owed:
    """A version that people have to be told of. `categories`: of whose data it makes more; `older`: the versions (16 bytes
    each) under which these came; `bounce` (ms): how long a notice may still come back; `promises`: which say all that.
    """

    old: Policy
    new: Policy
    found: Difference
    categories: tuple[str, ...]
    older: frozenset[bytes]
    bounce: int
    promises: tuple[str, ...]

    @property
    def version(self) -> str:
        """The version's name, as facts have it."""
        return self.new.digest[:16].hex()

    def told(self, line: str) -> bool:
        """Whether a person's facts line says that they were told of it."""
        return told(self.new.digest) in tokens(line)


class One(NamedTuple):
    """Somebody who is owed such a notice, and how that stands. `due`: that has to be put down with them, see `settle`."""

    subject: bytes
    state: State
    due: bool


def owed(versions: Sequence[Policy]) -> list[Owed]:
    """Which of a site's versions, oldest first, people have to be told of."""
    out = []
    for number in range(1, len(versions)):
        old, new = versions[number - 1 : number + 1]
        duties = [(name, one) for name, one in old.clauses(Change) if "contact-affected" in one.duties]
        found = difference(old, new) if duties else None
        categories = touched(found, old) if found else ()
        if found is None or not categories:
            continue
        bounce = max((one.bounce or timedelta(0) for _, one in duties), default=timedelta(0))
        out.append(
            Owed(
                old, new, found, categories, frozenset(one.digest[:16] for one in versions[:number]),
                bounce // timedelta(milliseconds=1), tuple(dict.fromkeys(name for name, _ in duties)),
            )
        )  # fmt: skip
    return out


class Telling:
    """For one site."""

    def __init__(self, gate: Gate, owing: Owing, answering: Answering) -> None:
        self._gate = gate
        self._owing = owing
        self._answering = answering

    async def page(self, one: Owed, category: str, after: bytes) -> tuple[list[One], bytes | None]:
        """The next people who hold such data of this category and are owed the notice, and after whom to go on; None at
        the end. Who is held with several categories comes with the first of them alone.
        """
        before = one.categories[: one.categories.index(category)]
        async with self._gate.store.transaction() as tx:
            rows = await tx.everybody(category, after, PAGE)
            out = []
            for row, data in rows:
                if any(datum.terms[POLICY] in one.older for datum in data) and not (
                    before and await self._came_before(tx, row.subject, one, before)
                ):
                    out.append(await self._one(tx, one, row))
        return out, rows[-1][0].subject if rows else None

    @staticmethod
    async def _came_before(tx: Transaction, subject: bytes, one: Owed, categories: Sequence[str]) -> bool:
        held = await tx.held(subject)
        return any(datum.category in categories and datum.terms[POLICY] in one.older for datum in held)

    async def _one(self, tx: Transaction, one: Owed, row: Subject) -> One:
        name = self._name(one, row.subject)
        message = await tx.message(row.subject, name) or await tx.message(NOBODY, name)  # where no address is held
        now, is_told = self._gate.now(), one.told(row.facts)
        state = self._state(message, now, is_told=is_told)
        over = message is not None and now >= message.at + one.bounce
        return One(row.subject, state, is_told if state == "returned" else state == "waiting" and over)

    @staticmethod
    def _state(message: Message | None, now: int, *, is_told: bool) -> State:
        if message is not None and message.state == "bounced":
            return "returned"
        if is_told:
            return "told"
        if message is not None and message.state in ("refused", "never") and now < message.at + AGAIN:
            return "refused"
        if message is None or message.state not in ("handing", "sent"):
            return "left"
        return "unknown" if message.state == "handing" else "waiting"

    async def settle(self, one: Owed, subject: bytes) -> State:
        """Say of somebody that they were told, once the notice that was sent has not come back in time; or no more, where
        it came back later. Recorded; nothing happens while neither is so.
        """
        try:
            if await self._came_back(one, subject):
                await self._answering.untold(subject, one.new.digest)
                return "returned"
            await self._answering.told(subject, one.new.digest, one.promises, lambda act: self._arrived(act, one))
        except _NothingToSay as nothing:
            return nothing.state
        except (Refused, Tampered, KeyGone):  # erased meanwhile, or changed outside
            return "left"
        return "told"

    async def _came_back(self, one: Owed, subject: bytes) -> bool:
        """After they counted as told. What came back once stays so."""
        async with self._gate.store.transaction() as tx:
            message = await tx.message(subject, self._name(one, subject))
            (row,) = await tx.subjects((subject,))
        return row is not None and one.told(row.facts) and message is not None and message.state == "bounced"

    async def _arrived(self, act: Act, one: Owed) -> None:
        """Raises `_NothingToSay` where it has not, or that is said already."""
        message = await act.tx.message(act.row.subject, self._name(one, act.row.subject))
        state = self._state(message, act.at, is_told=one.told(act.facts))
        if state != "waiting" or message is None or act.at < message.at + one.bounce:
            raise _NothingToSay(state)

    def _name(self, one: Owed, subject: bytes) -> bytes:
        return self._owing.name(NoticeKind.NEW_USE, cause(one.new.digest, subject))


class _NothingToSay(CallError):
    """Rolls back an act that would change nothing, so that it is on record of nobody."""

    def __init__(self, state: State) -> None:
        self.state = state
        super().__init__("nothing has become of the notice yet")
