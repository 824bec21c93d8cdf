"""What a serving site does by itself, in turns, and how it tells whether it does."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from avow.errors import AvowError

HOUR: Final = 3_600_000  # ms: what is past its term goes at the latest so much later, by the site's own clock

log = logging.getLogger("avow.upkeep")


@dataclass(frozen=True, slots=True)
class Health:
    """How a serving site fares. `late`: the hourly sweep did not run. `error`: the last thing that went wrong by
    itself; it is over when `failing`, how many turns in a row something did, is 0.
    """

    sequenced: datetime | None  # when pending entries were last looked at and put into the log
    swept: datetime | None
    skipped: int  # data past their term that could not be ended: their rows were changed outside
    late: bool
    waiting: timedelta  # how long the oldest entry has been waiting for the log
    longest: timedelta  # the longest that one waited since the site was opened
    error: str
    failing: int


class Upkeep:
    """Does the same steps turn by turn. A step that fails stops neither the other steps nor the next turn."""

    def __init__(self, steps: Sequence[Callable[[], Awaitable[object]]]) -> None:
        self._steps = list(steps)
        self.error = ""
        self.failing = 0

    def also(self, step: Callable[[], Awaitable[object]]) -> None:
        """One step more, from the next turn on."""
        self._steps.append(step)

    async def run(self, every: timedelta) -> None:
        """A turn every so often, until cancelled."""
        while True:
            await asyncio.sleep(every.total_seconds())
            await self.turn()

    async def turn(self) -> None:
        """Each step once."""
        failed = False
        for step in self._steps:
            try:
                await step()
            except Exception as error:  # noqa: BLE001 - whatever it is, the site serves on, and `Health` tells
                failed = True
                said = str(error) if isinstance(error, AvowError) else type(error).__name__  # another's may hold values
                if said != self.error or not self.failing:
                    log.error("what the site does by itself failed, and is tried again: %s", said)  # noqa: TRY400 - a trace could tell values
                self.error = said
        self.failing = self.failing + 1 if failed else 0


async def end(task: "asyncio.Task[None]") -> None:
    """Stop such a task, and wait until it has stopped."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
