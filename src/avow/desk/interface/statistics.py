"""What is asked about statistics, and told of them, in plain values. A part of the desk's contract.

A release says how many people or visits fall into each cell of a table: with noise, so that nobody can be made out, and
within a budget that is never spent twice. The same question has the same answer for ever. Bounds: docs/statistics.md.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol, TypedDict

SHOWN: Final = 100  # releases that a list has
EPSILON: Final = 250  # thousandths: of a release, unless another is asked for
LARGEST: Final = 1_000
EACH: Final = 10


class Figures(TypedDict):
    """One release. Moments in ms; months as `2026-03`; epsilon in thousandths.

    `of`: the categories it is made of; `by`: its dimensions, `axes`: the keys of each; `figures`: a count for each
    combination of them, the last dimension turning fastest, None where it is under `least`. A count is within `margin` of
    the true one 95 times in a hundred. One `unit` (person, visit) counts in `each` cells at most. `recipient` None: the
    house itself. `event`: the log's entry, which commits to all of this; `opening` belongs to that commitment. Who may not
    have the figures gets None for them, and "" for the opening.
    """

    release: str
    at: int
    policy: str
    of: list[str]
    by: list[str]
    axes: list[list[str]]
    first: str
    last: str
    recipient: str | None
    purpose: str
    promises: list[str]
    unit: str
    each: int
    epsilon: int
    datasets: list[str]
    least: int
    margin: int
    figures: list[int | None] | None
    opening: str
    event: str


class Budget(TypedDict):
    """What was spent of a dataset's budget: of people's data, or of visits, of one year."""

    dataset: str
    spent: int
    limit: int


class Offer(TypedDict):
    """Figures that a promise lets a role ask for. `by`: the dimensions there are, `month` among them; without any, nobody
    has declared yet what there is.
    """

    of: list[str]
    by: list[str]
    recipient: str | None
    purpose: str
    promise: str


class Statistics(Protocol):
    """For people. `session` is a colleague's."""

    async def releases(self) -> list[Figures]:
        """What was released, newest first, at most `SHOWN`; for anybody, so without figures but those for the public."""

    async def budgets(self) -> list[Budget]:
        """What was spent so far; for anybody."""

    async def offers(self, session: str) -> list[Offer]:
        """What the policy lets the colleague's role ask for."""

    async def release(
        self, session: str, of: Sequence[str], by: Sequence[str], first: str, last: str, recipient: str | None,
        purpose: str, each: int = 1, epsilon: int = EPSILON,
    ) -> Figures:  # fmt: skip
        """Figures of whole months that are over. Counts as a look. Raises `Refused` where no promise allows it, or the
        budget is spent; `CallError` for what is too fine, too large, or not over.
        """


class Releasing(Protocol):
    """For the operator."""

    async def declare_goods(self, category: str, goods: Sequence[str]) -> list[str]:
        """The goods there are, as orders name them: the keys of that dimension from now on. Raises `BadValue`."""

    async def release_figures(
        self, of: Sequence[str], by: Sequence[str], first: str, last: str, recipient: str | None, purpose: str,
        each: int = 1, epsilon: int = EPSILON,
    ) -> Figures:  # fmt: skip
        """As `Statistics.release`, in the name of the site."""

    async def figures_released(self) -> list[Figures]:
        """As `Statistics.releases`."""

    async def budgets_spent(self) -> list[Budget]:
        """As `Statistics.budgets`."""

    async def goods_declared(self) -> Mapping[str, Sequence[str]]:
        """Category -> its goods."""
