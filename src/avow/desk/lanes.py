"""Work that takes its time, bounded: so many at once, so many more wait their turn, and the next one is refused."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

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
