"""A ratio, how it is measured, and how it is shown.

Both sides run in turn, A B A B ..., so that whatever else the machine does meets both. The median of the rounds
counts. A ratio whose two sides did not do all of what was asked is not complete, and a ratio that is not complete has
not reached its goal, whatever its figure.
"""

import gc
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from time import perf_counter
from typing import Any, Final, NamedTuple

from rich.table import Table

LEAST_ROUNDS: Final = 5
PER_SECOND: Final = "1/s"
MICROSECONDS: Final = "µs"

Side = Callable[[int], Awaitable[int]]  # does the work of one round; how many operations that were


@dataclass(frozen=True, slots=True)
class Goal:
    """What a ratio is called and must be: at least `goal`, or at most where less is better."""

    id: str
    name: str
    goal: float
    at_most: bool = False


class Scale(NamedTuple):
    """How much to measure: `rounds`, and the share of the usual counts."""

    rounds: int = 15
    share: float = 1.0

    def of(self, count: int) -> int:
        """So many, at this scale."""
        return max(1, round(count * self.share))


class Measured(NamedTuple):
    """What a benchmark found. `raw` and `ours` are medians in `unit`; `complete` says why not in `why`."""

    raw: float
    ours: float
    rounds: int
    complete: bool
    unit: str = PER_SECOND
    why: str = ""


@dataclass(frozen=True, slots=True)
class Ratio:
    """A measured ratio: `ratio` is `ours` by `raw`."""

    id: str
    name: str
    ratio: float
    goal: float
    raw: float
    ours: float
    rounds: int
    complete: bool
    unit: str = PER_SECOND
    at_most: bool = False
    why: str = ""

    @classmethod
    def of(cls, goal: Goal, found: Measured) -> "Ratio":
        """What was found, beside what it has to be."""
        ratio = found.ours / found.raw if found.raw else 0.0
        return cls(
            goal.id, goal.name, round(ratio, 4), goal.goal, round(found.raw, 3), round(found.ours, 3), found.rounds,
            found.complete, found.unit, goal.at_most, found.why,
        )  # fmt: skip

    @property
    def reached(self) -> bool:
        """Complete, and on the right side of its goal."""
        return self.complete and (self.ratio <= self.goal if self.at_most else self.ratio >= self.goal)

    def as_json(self) -> dict[str, Any]:
        """For other programs."""
        return asdict(self) | {"reached": self.reached}


def missing(why: str) -> Measured:
    """What could not be measured on this machine, and why."""
    return Measured(0.0, 0.0, 0, complete=False, why=why)


async def in_turn(rounds: int, raw: Side, ours: Side) -> tuple[float, float]:
    """Median seconds of one operation, raw and ours, over so many rounds of one after the other.

    What stands in memory beforehand is set aside from the garbage collector, which would otherwise walk through the
    benchmark's own lists while only one side makes garbage.
    """
    gc.collect()
    gc.freeze()
    taken: tuple[list[float], list[float]] = [], []
    try:
        for number in range(rounds):
            for side, times in zip((raw, ours), taken, strict=True):
                gc.collect(0)
                start = perf_counter()
                count = await side(number)
                times.append((perf_counter() - start) / count)
    finally:
        gc.unfreeze()
    return median(taken[0]), median(taken[1])


async def rates(rounds: int, raw: Side, ours: Side) -> tuple[float, float]:
    """As `in_turn`, in operations a second."""
    slow, fast = await in_turn(rounds, raw, ours)
    return 1 / slow, 1 / fast


def faults(checks: Sequence[tuple[str, object, object]]) -> str:
    """Of (what, found, expected) those that differ, in words; empty when all is there."""
    return "; ".join(f"{what}: {found} instead of {wanted}" for what, found, wanted in checks if found != wanted)


def table(ratios: Sequence[Ratio]) -> Table:
    """The ratios for people."""
    grid = Table(box=None, padding=(0, 1), header_style="bold")
    for title in ("", "ratio", "goal", "raw", "ours", "rounds", "what"):
        grid.add_column(title, justify="left" if title in ("", "what") else "right", overflow="fold")
    for one in ratios:
        colour = "green" if one.reached else "red"
        goal = f"{'≤' if one.at_most else '≥'} {one.goal:g}"
        figure = f"[{colour}]{one.ratio:.2f}[/{colour}]" if one.rounds else f"[{colour}]none[/{colour}]"
        what = one.name if one.complete else f"{one.name} [red](not complete: {one.why})[/red]"
        grid.add_row(one.id, figure, goal, _short(one.raw, one.unit), _short(one.ours, one.unit), str(one.rounds), what)
    return grid


def _short(value: float, unit: str) -> str:
    return f"{value:,.0f} /s" if unit == PER_SECOND else f"{value:,.2f} {unit}"
