"""Visits as a source of figures: the cells that the web application wrote, which are of nobody.

What is protected here is a visit as it was counted. A cell is of five visitors at least, and what was rarer had been merged
into `other` before; a merging can move other visits beside the one that brought it about, and of that epsilon says
nothing: see docs/statistics.md. Visits are counted by one thing at a time, whose values are a closed list, or for parts of
the site what the merchant declared. Whatever is none of them counts as `other`.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from avow.decide.request import Request
from avow.errors import CallError, OperatorError
from avow.gate import Actor
from avow.policy.model import Count, Policy
from avow.practices.figures import MONTH, Cell, Question, month, month_of
from avow.store.visits import Cell as Visits
from avow.store.visits import Visited

OTHER: Final = "other"
SECTION: Final[Count] = "section"
PARTS: Final = 12  # parts of the site that one visit is counted in at most: `avow.visits.counting`


class VisitCells:
    """Visits of one site. `file`: where they are counted; `kinds` gives what of a visit -> its closed list; `catalogue`:
    category -> the parts of the site, as they were declared.
    """

    name = "visits"
    unit = "visit"

    def __init__(
        self, policy: Policy, file: Path, kinds: Callable[[], Mapping[Count, Sequence[str]]],
        catalogue: Mapping[str, Sequence[str]],
    ) -> None:  # fmt: skip
        self._policy = policy
        self._file = file
        self._kinds = kinds
        self._catalogue = catalogue

    def counts(self, of: Sequence[str]) -> bool:
        """Whether they are kept apart from people, and stand for something of a visit."""
        known = self._policy.categories
        return bool(of) and all(name in known and known[name].apart and known[name].counts for name in of)

    def dimensions(self, of: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """The category itself. Raises `CallError` for several, or one without values that are known beforehand."""
        if len(of) != 1:
            raise CallError("visits are counted by one category at a time; ask for each by itself")
        (name,) = of
        return {name: (*(key for key in self._keys(name) if key != OTHER), OTHER)}

    def _keys(self, name: str) -> Sequence[str]:
        if self._sections(name):
            if not self._catalogue.get(name):
                raise CallError(
                    f"nobody has declared the parts of the site, `{name}`: avow stats goods --category {name}"
                )
            return self._catalogue[name]
        kinds = self._kinds()
        keys = next((kinds[what] for what in self._policy.categories[name].counts if what in kinds), None)
        if keys is None:
            raise CallError(f"`{name}` can be no dimension: it has no closed list of values")
        return keys

    def _sections(self, name: str) -> bool:
        return SECTION in self._policy.categories[name].counts

    def each(self, of: Sequence[str], by: Sequence[str], each: int) -> int:  # noqa: ARG002 - a visit cannot be asked
        """One; by parts of the site as many as a visit is counted in."""
        return PARTS if any(self._sections(name) for name in of if name in by) else 1

    async def table(self, question: Question, ask: Request, actor: Actor, identity: str | None) -> Counter[Cell]:  # noqa: ARG002 - no person to be asked
        """See `Source`. Raises `CallError` where no visits are counted."""
        try:
            stored = Visited.reading(self._file, self._policy.site)
        except OperatorError:
            raise CallError(
                f"no visits are counted in `{self._file}`; docs/statistics.md says where they belong"
            ) from None
        try:
            cells = stored.cells(*question.span)
        finally:
            stored.close()
        kind = {name for name in question.by if name != MONTH}
        counted: Counter[Cell] = Counter()
        for cell in cells:
            if cell.dimensions.keys() == kind:
                counted[tuple(self._key(question, name, cell) for name in question.by)] += cell.visits
        return counted

    @staticmethod
    def _key(question: Question, name: str, cell: Visits) -> str:
        if name == MONTH:
            return month(month_of(cell.since))
        value = cell.dimensions[name]
        return value if value in dict(question.keys)[name] else OTHER
