"""A person's wish to be erased, carried out after a while in which they can take it back.

Somebody who got hold of a session for an hour shall not be able to destroy everything at once, unnoticed. The wish stands
among the person's facts, which only their key can mark; the store's list of who leaves is an index and proves nothing.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from avow.decide.facts import Circumstances, add, drop, tokens
from avow.decide.request import Allow, Refuse, Request
from avow.errors import KeyGone, Refused, Tampered
from avow.gate import Act, Actor, Gate
from avow.policy.model import PERSON, RIGHTS_PURPOSE
from avow.practices.deadlines import giving
from avow.practices.holding import bar, on_hold

T = TypeVar("T")
BATCH: Final = 100
WORD: Final = "leaving"  # the fact token is `leaving/` and the moment, in ms
_THEMSELF: Final = Actor(PERSON, "person", identified=True)

log = logging.getLogger("avow.leaving")


class Leaving:
    """For one site. `erase` erases a person at once."""

    def __init__(self, gate: Gate, erase: Callable[[bytes, Actor], Awaitable[object]]) -> None:
        self._gate = gate
        self._erase = erase

    async def wish(self, subject: bytes, after: int, actor: Actor) -> int:
        """Erase the person `after` so many ms; when. An earlier wish keeps its moment. Raises `Refused`."""

        async def apply(act: Act) -> int:
            due = _due(act.facts)
            if due is None:
                due = act.at + after
                act.facts = add(act.facts, f"{WORD}/{due}")
            await act.tx.put_leaving(subject, due)
            return due

        return await self._change(subject, actor, apply, "leave")

    async def stay(self, subject: bytes, actor: Actor) -> None:
        """Take the wish back."""

        async def apply(act: Act) -> None:
            act.facts = drop(act.facts, WORD)
            await act.tx.drop_leaving(subject)

        await self._change(subject, actor, apply, "stay", held_back=False)

    async def due(self, subject: bytes) -> int | None:
        """When the person will be erased, None if they stay or are gone. Raises `Tampered`."""
        async with self._gate.store.transaction() as tx:
            (row,) = await tx.subjects((subject,))
            if row is None or row.state == "erased":
                return None
            return _due(self._gate.standing(row, self._gate.now())[1])

    async def carry_out(self) -> int:
        """Erase everybody whose moment has come; how many. Who cannot be erased holds nobody else up."""
        gone = 0
        stuck: set[bytes] = set()
        while True:
            async with self._gate.store.transaction() as tx:
                found = await tx.leaving_due(self._gate.now(), BATCH + len(stuck))
            waiting = [subject for subject in found if subject not in stuck]
            if not waiting:
                return gone
            for subject in waiting:
                try:
                    gone += await self._end(subject)
                except (Refused, Tampered, KeyGone):
                    log.error("somebody who is to be erased could not be: their row was changed outside")  # noqa: TRY400 - a trace could tell values
                    stuck.add(subject)

    async def _end(self, subject: bytes) -> bool:
        """Erase, if that is what the person wished; else what stands in the list was put there by somebody else."""
        due = await self.due(subject)
        if due is not None and due < self._gate.now():
            await self._erase(subject, _THEMSELF)
            return True
        if due is None:
            log.warning("the list of people who leave names somebody who does not wish to; the entry is removed")
        async with self._gate.store.transaction() as tx:
            await tx.drop_leaving(subject)
            if due is not None:
                await tx.put_leaving(subject, due)
        return False

    async def _change(
        self, subject: bytes, actor: Actor, apply: Callable[[Act], Awaitable[T]], kind: str, *, held_back: bool = True
    ) -> T:
        ask = Request("erase", actor.role, RIGHTS_PURPOSE, ())
        circumstances = Circumstances(identified=actor.identified, standing=actor.standing)
        hold = bar(self._gate.policy, "erase", actor.shown) if held_back else None
        own = actor.role == PERSON and actor.identified
        rule = (
            Allow(())
            if own
            else Refuse(giving(self._gate.policy, "erase"), "only the person, identified, may ask for it")
        )
        return await self._gate.change(subject, ask, actor, circumstances, apply, rule=rule, kind=kind, bar=hold)


def _due(line: str) -> int | None:
    """When the erasure falls due: not before a change of contact is beyond doubt."""
    for token in tokens(line):
        word, _, moment = token.partition("/")
        if word == WORD and moment.isdecimal() and moment.isascii():
            return max([int(moment), *on_hold(line, 0).values()])
    return None
