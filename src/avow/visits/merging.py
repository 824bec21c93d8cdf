"""Values with fewer than K visitors are merged into `other`, together with larger ones if need be. Pure.

Nothing is dropped and nothing invented, and what is told of a value is never of fewer than K visitors.
"""

from collections import Counter
from typing import Final

from avow.errors import CallError

K: Final = 5  # visitors that stand behind every figure, at least
OTHER: Final = "other"
VALUES: Final = 5_000  # that are told apart; more are `OTHER`


class Tally:
    """How many visits had each value, and by how many visitors, counted as far as K. In a few bytes a value."""

    __slots__ = ("_k", "_visitors", "_visits")

    def __init__(self, k: int = K) -> None:
        self._k = k
        self._visits = Counter[str]()
        self._visitors: dict[str, set[bytes]] = {}

    def add(self, value: str, visitor: bytes) -> None:
        """One visit more. A visit that has several values is added with each."""
        if value not in self._visits and len(self._visits) >= VALUES:
            value = OTHER
        self._visits[value] += 1
        seen = self._visitors.setdefault(value, set())
        if len(seen) < self._k:
            seen.add(visitor)

    def tomorrow(self) -> None:
        """Visitors are called otherwise from now on. Who was seen so far is nobody of the K, unless there were K already."""
        for seen in self._visitors.values():
            if len(seen) < self._k:
                seen.clear()

    def told(self) -> Counter[str]:
        """Value -> visits. What fewer than `k` visitors had is `OTHER`; while those are too few, the rarest value joins them.

        A visit that had several of the merged values counts with each. Raises `CallError` for fewer than `k` visitors in
        all.
        """
        rare = {value for value, seen in self._visitors.items() if value == OTHER or len(seen) < self._k}
        merged = set[bytes]().union(*(self._visitors[value] for value in rare))
        while rare and len(merged) < self._k:
            left = [value for value in self._visits if value not in rare]
            if not left:
                raise CallError(f"fewer than {self._k} visitors are too few to be told of; wait for more")
            joining = min(left, key=lambda value: (self._visits[value], value))
            rare.add(joining)
            merged |= self._visitors[joining]
        kept = Counter({value: count for value, count in self._visits.items() if value not in rare})
        if rare:
            kept[OTHER] = sum(self._visits[value] for value in rare)
        return kept
