"""Work that takes its time: bounded, or behind the answer, which then tells by nothing whether there was any.

Bounded: so many at once, so many more wait their turn, and the next one is refused.
"""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final

from avow.errors import TooMany

BUSY: Final = "so much is asked here at once that this was not begun; try again in a moment"


class Lane:
    """`turn` is for the work itself; a place is taken before, with nothing awaited in between."""

    def __init__(self, at_once: int, waiting: int) -> None:
        self.turn = asyncio.Semaphore(at_once)
        self._most = at_once + waiting
        self._taken = 0

    def take(self) -> None:
        """A place, to be left by `leave`. Raises `TooMany` when there is none."""
        if self._taken >= self._most:
            raise TooMany(BUSY)
        self._taken += 1

    def leave(self) -> None:
        """Somebody else's now."""
        self._taken -= 1

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place for a while."""
        self.take()
        try:
            yield
        finally:
            self.leave()


class Behind:
    """Work that nobody who asked waits for. It answers for its own faults."""

    def __init__(self) -> None:
        self._under_way: set[asyncio.Task[None]] = set()

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """It goes on by itself."""
        task = asyncio.create_task(work)
        self._under_way.add(task)  # or it could be collected in the middle
        task.add_done_callback(self._under_way.discard)

    async def settle(self) -> None:
        """Wait for what is under way."""
        while self._under_way:
            await asyncio.gather(*self._under_way, return_exceptions=True)
