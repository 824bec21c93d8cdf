"""What is asked of a release of statistics, checked before anything is read, and what is told of it. Pure.

A question is about whole months that are over, so that its answer never changes and is given once. The cells of its table
are known before anybody is counted: every combination of the keys that were declared for its dimensions, and months. That
a cell is there says nothing of anybody. Mechanism and bounds: docs/statistics.md.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from itertools import product
from math import exp, log, prod
from typing import Any, Final, NamedTuple

from avow.errors import BadValue, CallError

BUDGET: Final = 2_000  # thousandths of epsilon, of each dataset, for ever
LARGEST: Final = 1_000  # thousandths of epsilon of one release
CELLS: Final = 1_000  # of one table
MONTHS: Final = 120
EACH: Final = 10  # cells of one table that one contributor counts in, at most
KEYS: Final = 200  # declared for one dimension
GROUP: Final = 10  # a cell with a smaller noisy count is not shown
MONTH: Final = "month"  # the one dimension that is no category
_KEY: Final = re.compile(r"[^\W_][^@]{0,63}")  # no address, and nothing that a spreadsheet calculates
_NAMED: Final = re.compile(r"([12][0-9]{3})-(0[1-9]|1[0-2])")

Cell = tuple[str, ...]


class Question(NamedTuple):
    """What is asked. `of`: the categories that the figures are made from; `by`: the dimensions, in this order, each one of
    `keys`; `keys`: (dimension, its declared keys). Months are counted from year 0. `recipient`: None for the house itself.
    `each`: in how many cells one contributor counts at most. `epsilon` in thousandths.
    """

    of: tuple[str, ...]
    by: tuple[str, ...]
    keys: tuple[tuple[str, tuple[str, ...]], ...]
    first: int
    last: int
    recipient: str | None
    purpose: str
    each: int
    epsilon: int

    @property
    def id(self) -> bytes:
        """16 bytes that are the same for the same question, however it was worded."""
        return sha256(b"avow/1 question\n" + canonical(self._asdict())).digest()[:16]

    @property
    def years(self) -> range:
        """The years whose budgets pay for it."""
        return range(self.first // 12, self.last // 12 + 1)

    @property
    def span(self) -> tuple[int, int]:
        """The moments (ms) at which what is counted came: from the first up to, but not at, the second."""
        return begins(self.first), begins(self.last + 1)

    @property
    def axes(self) -> list[tuple[str, ...]]:
        """The keys of each dimension, in the order of `by`."""
        known = dict(self.keys) | {MONTH: tuple(month(n) for n in range(self.first, self.last + 1))}
        return [known[name] for name in self.by]

    def cells(self) -> list[Cell]:
        """Every cell of the table, row by row."""
        return list(product(*self.axes))


def question(
    of: Sequence[str], by: Sequence[str], known: Mapping[str, Sequence[str]], span: tuple[str, str],
    recipient: str | None, purpose: str, each: int, epsilon: int, at: int,
) -> Question:  # fmt: skip
    """The question in its one form. `known`: the dimensions there are and their declared keys; `span`: first and last
    month, as `2026-03`; `at`: now (ms). Raises `CallError` for what is too large, too fine, or not over yet.
    """
    for name in by:
        if name != MONTH and name not in known:
            there = ", ".join(f"`{one}`" for one in (*sorted(known), MONTH))
            raise CallError(f"figures are made by the dimensions {there}; what people type freely is none")
    if len(set(by)) < len(by):
        raise CallError("a dimension is named twice")
    first, last = (numbered(one) for one in span)
    if last < first or last - first >= MONTHS:
        raise CallError(f"figures cover 1 to {MONTHS} months, the first before the last")
    if begins(last + 1) > at:
        raise CallError(f"{month(last)} is not over; ask when it is, so that the answer stays true")
    if not 1 <= epsilon <= LARGEST:
        raise CallError(f"epsilon is 0.001 to {LARGEST / 1000:g}, in thousandths")
    ordered = tuple(sorted(name for name in by if name != MONTH)) + ((MONTH,) if MONTH in by else ())
    many = prod(last - first + 1 if name == MONTH else len(known[name]) for name in ordered)
    if not 1 <= many <= CELLS:
        raise CallError(
            f"the table would have {many:,} cells, and {CELLS:,} is the most; ask by less, or by fewer keys"
        )
    if not 1 <= each <= EACH:
        raise CallError(f"one contributor counts in 1 to {EACH} cells of a table")
    keys = tuple((name, tuple(known[name])) for name in ordered if name != MONTH)
    return Question(
        tuple(of), ordered, keys, first, last, recipient, purpose, min(each, many), epsilon
    )  # fmt: skip


def declared(keys: Iterable[str]) -> tuple[str, ...]:
    """The keys of a dimension in their one form: sorted, each once. Raises `BadValue`, without the key."""
    found: dict[str, str] = {}
    for key in filter(str.strip, keys):
        found.setdefault(" ".join(key.casefold().split()), " ".join(key.split()))
    for number, key in enumerate(found.values(), 1):
        if not _KEY.fullmatch(key) or not key.isprintable() or sum(char.isdigit() for char in key) > len(key) // 2:
            raise BadValue(
                f"key {number} is no name of goods: it begins with a letter or figure, has 64 characters at most, not mostly "
                "figures, and no `@`"
            )
    if not 1 <= len(found) <= KEYS:
        raise BadValue(f"a dimension has 1 to {KEYS} keys; these are {len(found)}")
    return tuple(found[name] for name in sorted(found))


# -- months ---------------------------------------------------------------------------------------------------------------


def numbered(text: str) -> int:
    """A month like `2026-03` as a number. Raises `CallError`."""
    found = _NAMED.fullmatch(text)
    if not found:
        raise CallError("a month is written like 2026-03")
    return int(found[1]) * 12 + int(found[2]) - 1


def month(number: int) -> str:
    """The reverse."""
    return f"{number // 12:04}-{number % 12 + 1:02}"


def month_of(at: int) -> int:
    """The month of a moment (ms), UTC."""
    when = datetime.fromtimestamp(at / 1000, UTC)
    return when.year * 12 + when.month - 1


def begins(number: int) -> int:
    """The moment (ms) at which a month begins, UTC."""
    return int(datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC).timestamp()) * 1000


# -- what noise of a strength does: of what is shown alone, so that rounding here harms nobody ----------------------------------


def least(each: int, epsilon: int) -> int:
    """The smallest noisy count that is shown: at least `GROUP`, and so much that a cell with nobody in it is shown once in
    a hundred tables at most.
    """
    kept = exp(-epsilon / (1000 * each))  # P(noise >= t) = kept**t / (1 + kept)
    return max(GROUP, _ceil(log(0.01 * (1 + kept)) / log(kept)))


def margin(each: int, epsilon: int) -> int:
    """So far from the true count is the noisy one 95 times in a hundred, at most."""
    kept = exp(-epsilon / (1000 * each))  # P(|noise| > m) = 2 * kept**(m + 1) / (1 + kept)
    return max(0, _ceil(log(0.025 * (1 + kept)) / log(kept)) - 1)


def _ceil(value: float) -> int:
    return int(-(-value // 1))


# -- what is told -------------------------------------------------------------------------------------------------------


def stated(told: Mapping[str, Any]) -> bytes:
    """The commitment of the log's entry to a release. What it commits to has an opening in it, so it can be shown to
    whoever has the release, and tells nobody else anything.
    """
    return sha256(b"avow/1 release\n" + canonical(told)).digest()


def canonical(value: Any) -> bytes:
    """JSON in one form."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
