"""How often the same may be tried. One counter a name, counted before anything else is done.

Nothing here waits, so between reading a counter and raising it nobody else gets a turn: of a thousand guesses at once
exactly as many are let through as may be. No clock of its own.
"""

from collections import OrderedDict
from typing import Final

from avow.errors import TooMany

MOST: Final = 100_000  # names remembered; the oldest are forgotten


class Limits:
    """Counters by name. A name is opaque to this class; keep personal values out of it all the same."""

    def __init__(self) -> None:
        self._spent: OrderedDict[tuple[str, bytes], tuple[int, int]] = OrderedDict()  # -> tries, until

    def spend(self, what: str, name: bytes, most: int, within: int, now: int) -> None:
        """Count a try. Raises `TooMany` when `most` were made within the last `within` ms, counted from the first."""
        spent, until = self._spent.get((what, name), (0, 0))
        if now >= until:
            spent, until = 0, now + within
        if spent >= most:
            raise TooMany
        self._spent[what, name] = spent + 1, until
        self._spent.move_to_end((what, name))
        while len(self._spent) > MOST:
            self._spent.popitem(last=False)

    def give_back(self, what: str, name: bytes) -> None:
        """It went well, and does not count. The tries before it do: who has an account beside mine, under the same
        address, would else guess at my password and come in by their own in turns, for ever.
        """
        spent, until = self._spent.get((what, name), (0, 0))
        if spent:
            self._spent[what, name] = spent - 1, until
