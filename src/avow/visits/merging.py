"""Cells with fewer than K visits are merged into larger ones, until none is left. Pure.

Nothing is dropped and nothing invented: the merged cells count as many visits as came in, each cell at least `k`.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Final, TypeVar

from avow.errors import CallError

K: Final = 5  # visits that a cell has at least, each of another visitor
OTHER: Final = "other"

Values = tuple[str, ...]
T = TypeVar("T", str, tuple[str, ...])


def merged(visits: Sequence[Values], k: int = K) -> Counter[Values]:
    """Count visits by their values, all of one length. What is rare loses its last value first, then the one before.

    What is still rare then is one cell of `OTHER`; while that is too small, the smallest cell joins it. Raises
    `CallError` for fewer than `k` visits.
    """
    _enough(visits, k)
    width = len(visits[0])
    cells = Counter(visits)
    for at in range(width - 1, -1, -1):
        for cell in [cell for cell, count in cells.items() if count < k]:
            cells[cell[:at] + (OTHER,) * (width - at)] += cells.pop(cell)
    rest = (OTHER,) * width
    while 0 < cells[rest] < k:
        cells[rest] += cells.pop(_smallest({cell: count for cell, count in cells.items() if cell != rest}))
    return +cells


def merged_parts(visits: Sequence[Collection[str]], k: int = K) -> Counter[str]:
    """Count, for each part of a site, the visits that went there; `OTHER` has those that went to any of the rare ones.

    A visit that went to several parts counts in each. Raises `CallError` for fewer than `k` visits.
    """
    _enough(visits, k)
    visits = [set(visit) or {OTHER} for visit in visits]
    parts = Counter(part for visit in visits for part in visit)
    rare = {part for part, count in parts.items() if count < k or part == OTHER}
    others = sum(not rare.isdisjoint(visit) for visit in visits)
    while 0 < others < k:
        rare.add(_smallest({part: count for part, count in parts.items() if part not in rare}))
        others = sum(not rare.isdisjoint(visit) for visit in visits)
    return +Counter({part: count for part, count in parts.items() if part not in rare} | {OTHER: others})


def _enough(visits: Sequence[object], k: int) -> None:
    if len(visits) < k:
        raise CallError(f"{len(visits)} visits are too few to be told of; wait until there are {k}")


def _smallest(cells: dict[T, int]) -> T:
    return min(cells, key=lambda cell: (cells[cell], repr(cell)))
