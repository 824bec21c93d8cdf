"""How often the same may be tried: `most` at once, and one more for each `within / most` that passes.

Counters lie in a table of fixed size, under a keyed hash of their name. So nobody makes a counter be forgotten by trying
a million other names, and no number of names fills the table: names that share a cell count together, which can only
refuse sooner. At a thousand tries of other names a second, a name that nobody tried is refused less than once in a thousand
times.

Nothing here waits, so between reading a counter and raising it nobody else gets a turn: of a thousand guesses at once
exactly as many are let through as may be. No clock and no dice of its own.
"""

import hashlib
from array import array
from typing import Final, NamedTuple

from avow.errors import TooMany

CELLS: Final = 1 << 20  # of 8 bytes


class Limit(NamedTuple):
    """`most` tries at once, of the kind `what`; all of them may be made again after `within` (ms)."""

    what: str
    most: int
    within: int

    @property
    def cost(self) -> int:
        """After how long one try may be made again (ms)."""
        return self.within // self.most


class Limits:
    """Counters by name. `key`: 32 bytes of chance, so that nobody finds names that share a cell with another."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._paid = array("q", bytes(8 * CELLS))  # by cell: the moment from which on none of its tries counts (ms)

    def spend(self, limit: Limit, name: bytes, now: int) -> None:
        """Count a try. Raises `TooMany`, and counts nothing, when no more may be made yet."""
        cell = self._cell(limit, name)
        paid = max(self._paid[cell], now) + limit.cost
        if paid - now > limit.within:
            raise TooMany
        self._paid[cell] = paid

    def give_back(self, limit: Limit, name: bytes, spent: int, now: int) -> None:
        """The try of the moment `spent` went well, and does not count. The tries before it do: who has an account
        beside mine, under the same address, would else guess at my password and come in by their own in turns, for ever.
        """
        self._paid[self._cell(limit, name)] -= max(0, limit.cost - (now - spent))  # what time has not forgiven yet

    def _cell(self, limit: Limit, name: bytes) -> int:
        hidden = hashlib.blake2b(limit.what.encode() + b"\0" + name, key=self._key, digest_size=8).digest()
        return int.from_bytes(hidden) % CELLS
