"""Turns at something that only one task may use: first come, first served, and nothing to pay when nobody waits."""

import asyncio
from collections import deque


class Turns:
    """A queue of one. `taken` may be read and set by a caller who saves the call when nobody is there."""

    def __init__(self) -> None:
        self.taken = False
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def take(self) -> None:
        """Wait for the turn, in the order of asking."""
        if not self.taken:
            self.taken = True
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it came and was called off in the same moment
                self.give()
            raise

    def give(self) -> None:
        """Hand the turn to who has waited longest; it is never free in between, so nobody overtakes."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.taken = False
