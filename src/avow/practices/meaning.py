"""What the published versions mean for one person: which of their data came under older ones, and what came of it.

Releases no value, and tells the person alone.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final, Literal, NamedTuple

from avow.decide.difference import difference
from avow.decide.facts import tokens
from avow.decide.first import touched
from avow.decide.history import History, agreed, declined, told
from avow.decide.table import compile_policy
from avow.errors import Refused
from avow.gate import Gate
from avow.policy.parse import parse
from avow.practices.holding import bar
from avow.practices.owing import NoticeKind, Owing, cause
from avow.store.interface import Message, Transaction

Answer = Literal["", "agreed", "declined"]
Notice = Literal["", "sent", "arrived", "returned"]
_ANSWERS: Final = ("agreed", "declined")  # the words that tokens of answers begin with
_BACK: Final = "bounced"
_PAGE: Final = 1_000  # people in one step of counting


class Meaning(NamedTuple):
    """A version that came after something of theirs. `version`: 16 bytes of its digest. `answer`: theirs, or nothing.
    `notice`: what became of the one that was owed to them, which was sent at `sent` (ms). `lifted`: whether older versions
    limit nothing of theirs, once this one is in force. `categories`: of theirs, which came under an older version; of
    these `more` are the ones of which this version makes more than the one before it.
    """

    version: bytes
    answer: Answer
    notice: Notice
    sent: int | None
    lifted: bool
    categories: tuple[str, ...]
    more: tuple[str, ...]


class _Version(NamedTuple):
    name: bytes
    history: History  # up to this one
    more: frozenset[str]  # categories


class Meanings:
    """For one site."""

    def __init__(self, gate: Gate, owing: Owing) -> None:
        self._gate = gate
        self._owing = owing
        self._versions: list[_Version] = []

    async def of(self, subject: bytes, shown: int | None) -> list[Meaning]:
        """Newest first; empty for whom nothing is held of. `shown`: when they showed who they are.

        Raises `Refused` while a change of contact keeps from them what is held.
        """
        async with self._gate.store.transaction() as tx:
            (row,) = await tx.subjects((subject,))
            if row is None or row.state == "erased":
                return []
            at = self._gate.now()
            _, line = self._gate.standing(row, at)
            if refused := bar(self._gate.policy, "access", shown)(line, at):
                raise Refused(refused.promises, refused.reason)
            versions = self._known(await tx.policies())
            came = await self._came(tx, subject, versions, at)
            messages = [await tx.message(subject, self._name(one.name, subject)) for one in versions]
        first = min((min(places) for places in came.values()), default=len(versions))
        later = range(len(versions) - 1, first, -1)
        return [_meaning(versions[place], place, line, came, messages[place]) for place in later]

    async def answers(self, version: bytes, most: int) -> tuple[int, int]:
        """How many people agree to a version (16 bytes), and how many decline it; `most` of each at most. By an index: a
        count, and proof of nothing.
        """
        return await self._count(agreed(version), most), await self._count(declined(version), most)

    async def _count(self, token: str, most: int) -> int:
        found, after = 0, b""
        async with self._gate.store.transaction() as tx:
            while found < most and (people := await tx.consenting(token, after, _PAGE)):
                found, after = found + len(people), people[-1]
        return min(found, most)

    async def _came(
        self, tx: Transaction, subject: bytes, versions: Sequence[_Version], at: int
    ) -> dict[str, set[int]]:  # fmt: skip
        """Category -> the places of the versions that data of it came under; "" for what they agreed to."""
        places = {one.name: place for place, one in enumerate(versions)}
        came: dict[str, set[int]] = {}
        for one in await tx.held(subject):
            terms = one.came()
            due = self._gate.history.due(terms.policy, one.category, terms.form, terms.collected, one.due)
            if due is None or due > at:
                came.setdefault(one.category, set()).add(places.get(terms.policy, 0))
        for given in await tx.consents(subject):
            if given.withdrawn is None and given.about.partition("/")[0] not in _ANSWERS:
                came.setdefault("", set()).add(places.get(given.policy, 0))
        return came

    def _known(self, rows: Sequence[tuple[bytes, str, str, int]]) -> list[_Version]:
        """All that were published, those to come among them. None is ever changed."""
        if len(rows) != len(self._versions):
            policies = {name: parse(source, f"the version of {day}") for name, day, source, _ in rows}
            tables = {name: compile_policy(policy) for name, policy in policies.items()}
            more = [touched(difference(old, new), old) for old, new in pairwise(policies.values())]
            self._versions = [
                _Version(
                    name, History(dict(list(tables.items())[: place + 1])), frozenset(more[place - 1] if place else ())
                )
                for place, name in enumerate(tables)
            ]
        return self._versions

    def _name(self, version: bytes, subject: bytes) -> bytes:
        return self._owing.name(NoticeKind.NEW_USE, cause(version, subject))


def _meaning(
    one: _Version, place: int, line: str, came: Mapping[str, set[int]], message: Message | None
) -> Meaning:  # fmt: skip
    older = {name: min(places) for name, places in came.items() if min(places) < place}
    categories = tuple(sorted(name for name in older if name))
    oldest = min(older.values())
    lifted = all(limiting < oldest for limiting in one.history.binding(line))
    said = tokens(line)
    answer: Answer = "agreed" if agreed(one.name) in said else "declined" if declined(one.name) in said else ""
    notice: Notice = "arrived" if told(one.name) in said else ""
    if message is not None and not notice and message.state in ("sent", _BACK):
        notice = "returned" if message.state == _BACK else "sent"
    return Meaning(
        one.name, answer, notice, message.at if message is not None and notice else None, lifted, categories,
        tuple(name for name in categories if name in one.more),
    )  # fmt: skip
