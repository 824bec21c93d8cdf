"""A person's wish to be erased, carried out after a while in which they can take it back.

Somebody who got hold of a session for an hour shall not be able to destroy everything at once, unnoticed. The wish and its
end are on record.
"""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from avow.decide.facts import Circumstances
from avow.decide.request import Allow, Request
from avow.errors import KeyGone, Refused, Tampered
from avow.gate import Act, Actor, Gate
from avow.policy.model import RIGHTS_PURPOSE

T = TypeVar("T")
BATCH: Final = 100


class Leaving:
    """For one site. `erase` erases a person at once."""

    def __init__(self, gate: Gate, erase: Callable[[bytes, Actor], Awaitable[object]]) -> None:
        self._gate = gate
        self._erase = erase

    async def wish(self, subject: bytes, after: int, actor: Actor) -> int:
        """Erase the person `after` so many ms; when. An earlier wish keeps its moment. Raises `Refused`."""

        async def apply(act: Act) -> int:
            await act.tx.put_leaving(subject, act.at + after)
            due = await act.tx.leaving(subject)
            return act.at + after if due is None else due

        return await self._change(subject, actor, apply, "leave")

    async def stay(self, subject: bytes, actor: Actor) -> None:
        """Take the wish back."""

        async def apply(act: Act) -> None:
            await act.tx.drop_leaving(subject)

        await self._change(subject, actor, apply, "stay")

    async def due(self, subject: bytes) -> int | None:
        """When the person will be erased, None if they stay."""
        async with self._gate.store.transaction() as tx:
            return await tx.leaving(subject)

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
                    await self._erase(subject, _THEMSELF)
                    gone += 1
                except (Refused, Tampered, KeyGone):
                    stuck.add(subject)

    async def _change(self, subject: bytes, actor: Actor, apply: Callable[[Act], Awaitable[T]], kind: str) -> T:
        ask = Request("erase", actor.role, RIGHTS_PURPOSE, ())
        circumstances = Circumstances(identified=actor.identified, standing=actor.standing)
        return await self._gate.change(subject, ask, actor, circumstances, apply, rule=Allow(()), kind=kind)


_THEMSELF: Final = Actor("person", "person", identified=True)
