"""A ratio, how it is measured, and how it is shown.

Both sides run in turn, A B A B ..., so that whatever else the machine does meets both. The median of the rounds
counts. A ratio whose two sides did not do all of what was asked is not complete, and a ratio that is not complete has
not reached its goal, whatever its figure.

Some ratios have a third side, `bare`: the least that any program must do that keeps the same rows by the same driver,
sealed and hashed in the same way (see `avow.bench.bare`). `bound` is what the ratio would be if all code of ours took
no time. It explains a ratio and never excuses it: a goal above the bound is missed all the same.
"""

import gc
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from time import perf_counter
from typing import Any, Final, NamedTuple, overload

from rich.table import Table

LEAST_ROUNDS: Final = 5
PER_SECOND: Final = "1/s"
MICROSECONDS: Final = "µs"

Side = Callable[[int], Awaitable[int]]  # does the work of one round; how many operations that were
Check = tuple[str, object, object]  # what was counted, what was found, and what has to be


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
    """What a benchmark found. `raw`, `ours` and `bare` are medians in `unit`; `complete` says why not in `why`."""

    raw: float
    ours: float
    rounds: int
    complete: bool
    unit: str = PER_SECOND
    why: str = ""
    bare: float | None = None


@dataclass(frozen=True, slots=True)
class Ratio:
    """A measured ratio: `ratio` is `ours` by `raw`, `bound` is `bare` by `raw` where it was measured."""

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
    bare: float | None = None
    bound: float | None = None

    @classmethod
    def of(cls, goal: Goal, found: Measured) -> "Ratio":
        """What was found, beside what it has to be."""
        ratio = found.ours / found.raw if found.raw else 0.0
        bare = None if found.bare is None else round(found.bare, 3)
        bound = None if found.bare is None or not found.raw else round(found.bare / found.raw, 4)
        return cls(
            goal.id, goal.name, round(ratio, 4), goal.goal, round(found.raw, 3), round(found.ours, 3), found.rounds,
            found.complete, found.unit, goal.at_most, found.why, bare, bound,
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


async def in_turn(rounds: int, *sides: Side) -> list[float]:
    """Median seconds of one operation of each side, over so many rounds of one after the other.

    What stands in memory beforehand is set aside from the garbage collector, which would otherwise walk through the
    benchmark's own lists while only one side makes garbage.
    """
    gc.collect()
    gc.freeze()
    taken: list[list[float]] = [[] for _ in sides]
    try:
        for number in range(rounds):
            for side, times in zip(sides, taken, strict=True):
                gc.collect(0)
                start = perf_counter()
                count = await side(number)
                times.append((perf_counter() - start) / count)
    finally:
        gc.unfreeze()
    return [median(times) for times in taken]


@overload
async def rates(rounds: int, raw: Side, ours: Side) -> tuple[float, float]: ...
@overload
async def rates(rounds: int, raw: Side, ours: Side, bare: Side) -> tuple[float, float, float]: ...
async def rates(rounds: int, raw: Side, ours: Side, bare: Side | None = None) -> tuple[float, ...]:
    """As `in_turn`, in operations a second."""
    sides = (raw, ours) if bare is None else (raw, ours, bare)
    return tuple([1 / seconds for seconds in await in_turn(rounds, *sides)])


def faults(checks: Sequence[Check]) -> str:
    """Those that differ, in words; empty when all is there."""
    return "; ".join(f"{what}: {found} instead of {wanted}" for what, found, wanted in checks if found != wanted)


def table(ratios: Sequence[Ratio]) -> Table:
    """The ratios for people. `at most` is the bound, where one was measured."""
    grid = Table(box=None, padding=(0, 1), header_style="bold")
    for title in ("", "ratio", "goal", "at most", "raw", "ours", "rounds", "what"):
        grid.add_column(title, justify="left" if title in ("", "what") else "right", overflow="fold")
    for one in ratios:
        colour = "green" if one.reached else "red"
        goal = f"{'≤' if one.at_most else '≥'} {one.goal:g}"
        figure = f"[{colour}]{one.ratio:.2f}[/{colour}]" if one.rounds else f"[{colour}]none[/{colour}]"
        what = one.name if one.complete else f"{one.name} [red](not complete: {one.why})[/red]"
        bound = "" if one.bound is None else f"{one.bound:.2f}"
        sides = (_short(one.raw, one.unit), _short(one.ours, one.unit))
        grid.add_row(one.id, figure, goal, bound, *sides, str(one.rounds), what)
    return grid


def _short(value: float, unit: str) -> str:
    return f"{value:,.0f} /s" if unit == PER_SECOND else f"{value:,.2f} {unit}"
