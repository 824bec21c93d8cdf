"""Released figures in words and rows, alike for pages, pictures, files and the terminal. Pure."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Final, NamedTuple

from avow.desk.interface.statistics import Figures

MONTH: Final = "month"
_NAMES: Final = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
                 "November", "December")  # fmt: skip
_MANY: Final = {"person": "people", "visit": "visits"}


class Row(NamedTuple):
    """One cell of the table: its last key, `head` for those before it, and its figure, None where it is too small."""

    head: str
    label: str
    figure: int | None


def rows(told: Figures) -> list[Row]:
    """Every cell, in order; none where the figures are not for who asks."""
    if told["figures"] is None:
        return []
    keys = product(*([_key(name, one) for one in axis] for name, axis in zip(told["by"], told["axes"], strict=True)))
    return [
        Row(", ".join(cell[:-1]), cell[-1] if cell else "All", count)
        for cell, count in zip(keys, told["figures"], strict=True)
    ]


def title(told: Figures) -> str:
    """What the figures are of."""
    many = _MANY.get(told["unit"], told["unit"])
    by = " and ".join(name.replace("-", " ") for name in told["by"])
    return f"{many.capitalize()} by {by}, {span(told)}" if by else f"{many.capitalize()} in all, {span(told)}"


def span(told: Figures) -> str:
    """The months, in words."""
    first, last = named(told["first"]), named(told["last"])
    return first if first == last else f"{first} to {last}"


def named(month: str) -> str:
    """`2026-03` is March 2026."""
    return f"{_NAMES[int(month[5:]) - 1]} {month[:4]}"


def thousandths(number: int) -> str:
    """`250` is 0.25."""
    return f"{number // 1000}.{number % 1000:03}".rstrip("0").rstrip(".")


def notes(told: Figures) -> list[str]:
    """What the figures are worth, and what they cost."""
    times = "once" if told["each"] == 1 else f"in {told['each']} cells at most"
    worth = (
        f"Each {told['unit']} counts {times}. Noise was added, so that nobody can be made out: a figure is within "
        f"{told['margin']:,} of the true one 95 times in 100. Figures under {told['least']:,} are not shown."
    )
    cost = (
        f"Epsilon {thousandths(told['epsilon'])}, from the budget of {', '.join(told['datasets'])}. "
        f"By promise {', '.join(told['promises']) or 'none'}."
    )
    return [worth, cost]


def columns(told: Figures) -> tuple[list[str], list[tuple[str | int | None, ...]]]:
    """As a table for machines: names of columns, and rows of keys and a count."""
    cells = product(*told["axes"])
    return [*told["by"], "count"], [(*cell, count) for cell, count in zip(cells, told["figures"] or (), strict=True)]


def as_csv(told: Figures) -> bytes:
    """The same as CSV, UTF-8; an empty field where a count is too small. No key begins as a formula would."""
    names, table = columns(told)
    text = io.StringIO()
    csv.writer(text).writerows([names, *table])
    return text.getvalue().encode()


def grouped(table: Sequence[Row]) -> Iterator[tuple[str, list[Row]]]:
    """The rows under each head, in order."""
    groups: Mapping[str, list[Row]] = {row.head: [] for row in table}
    for row in table:
        groups[row.head].append(row)
    yield from groups.items()


def _key(name: str, key: str) -> str:
    return named(key) if name == MONTH else key
