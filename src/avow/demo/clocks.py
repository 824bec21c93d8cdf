"""The demo's time: five clocks that go forward together, and what vanishes as they do."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Protocol

from avow.errors import Unavailable
from avow.policy.model import Keep, Policy

DAY: Final = 86_400_000  # ms
FARTHEST: Final = 400  # days in one step
_PATIENCE: Final = 60.0  # seconds
_AGAIN: Final = 0.2  # seconds


class Desk(Protocol):
    """Of a desk, what is asked here: what time it is there."""

    async def about(self) -> dict[str, Any]:
        """As in `avow.desk.interface`."""


class Operator(Protocol):
    """Of an operator's socket, what is asked here."""

    async def move_clock(self, milliseconds: int) -> None:
        """As in `avow.desk.interface`."""

    async def sweep(self) -> dict[str, int]:
        """As in `avow.desk.interface`."""


@dataclass(frozen=True, slots=True)
class Moved:
    """One step forward of all clocks: by how many days, and what each site's sweep then did."""

    days: int
    swept: Mapping[str, Mapping[str, int]]


class Clocks:
    """The clocks of all sites. A site's clock is its vault's; this one only asks and moves.

    `tell` passes on to the sites' web processes by how many milliseconds the clocks were moved.
    """

    def __init__(
        self, desks: Mapping[str, Desk], operators: Mapping[str, Operator], tell: Callable[[int], Awaitable[None]]
    ) -> None:
        self._desks = desks
        self._operators = operators
        self._tell = tell
        self.moved: list[Moved] = []  # newest first

    async def now(self) -> dict[str, int]:
        """What time it is at each site: milliseconds since 1970, UTC."""
        return {site: int((await desk.about())["now"]) for site, desk in self._desks.items()}

    async def move(self, days: int) -> Moved:
        """Forward by so many days everywhere, and erase what is due then. Raises `ValueError` for no such number."""
        if not 1 <= days <= FARTHEST:
            raise ValueError(f"a clock goes forward by 1 to {FARTHEST} days at a time, not by {days}")
        swept = {}
        for site, operator in self._operators.items():
            # in one breath: or the vault's own hourly sweep, finding that hours have gone by, might come in between
            _, swept[site] = await asyncio.gather(operator.move_clock(days * DAY), _swept(operator))
        await self._tell(days * DAY)
        moved = Moved(days, swept)
        self.moved.insert(0, moved)
        return moved


async def _swept(operator: Operator) -> Mapping[str, int]:
    """What a sweep did. A vault that opens anew, because the day of a new version has come, is waited for."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_PATIENCE):
            while True:
                try:
                    return await operator.sweep()
                except Unavailable:
                    await asyncio.sleep(_AGAIN)
    return await operator.sweep()


def terms(policy: Policy) -> list[tuple[str, str, str]]:
    """What the policy keeps for a time: the promise, the categories' words, and for how long."""
    return [
        (
            promise.id,
            ", ".join(policy.categories[name].says for name in clause.categories) or "everything else",
            f"{clause.term.days} days" if clause.term else f"until {str(clause.until).replace('-', ' ')}",
        )
        for promise in policy.promises for clause in promise.clauses if isinstance(clause, Keep)
    ]  # fmt: skip
