"""Which contests a policy has, and whether they may be entered just now.

A contest is a kind of service request whose forms ask for data that are kept until an event: that the winners have been
told. One process collects for a site, so whether a contest is closed is known here; the database has it as well.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from avow.errors import Refused
from avow.policy.model import Collect, Policy
from avow.policy.retention import rule

SHUT: Final = -1


@dataclass(frozen=True, slots=True)
class Contest:
    """One of a policy: its kind of service request, its forms, what they ask for, and the event its entries end by."""

    kind: str
    forms: tuple[str, ...]
    categories: tuple[str, ...]
    event: str
    promises: tuple[str, ...]


def contests(policy: Policy) -> dict[str, Contest]:
    """The contests of a policy by their kind. What two kinds keep until one event is no contest: one would end both."""
    found: dict[str, Contest] = {}
    for kind in policy.requests:
        forms = tuple(one.name for one in policy.forms.values() if one.opens == kind)
        asked = {(form, name): None for form in forms for name in _asked(policy, form)}
        rules = [rule(policy, name, form) for form, name in asked]
        events = {one[1].until if one else None for one in rules}
        event = events.pop() if len(events) == 1 else None
        if event:
            categories = tuple(dict.fromkeys(name for _, name in asked))
            promises = tuple(dict.fromkeys(one[0] for one in rules if one))
            found[kind] = Contest(kind, forms, categories, event, promises)
    times = Counter(one.event for one in found.values())
    return {kind: one for kind, one in found.items() if times[one.event] == 1}


def _asked(policy: Policy, form: str) -> list[str]:
    clauses = [clause for promise in policy.promises for clause in promise.clauses]
    asked = [name for c in clauses if isinstance(c, Collect) and c.form == form for name in (*c.asks, *c.optional)]
    return [name for name in asked if not (policy.categories[name].held_by or policy.categories[name].apart)]


class Entering:
    """For one site. What takes an entry in does it `inside`, so that closing waits for it."""

    def __init__(self, policy: Policy) -> None:
        self.contests: Mapping[str, Contest] = contests(policy)
        self.forms: Mapping[str, str] = {form: one.kind for one in self.contests.values() for form in one.forms}
        self._closes: dict[str, int] = {}
        self._inside: Counter[str] = Counter()
        self._left = asyncio.Event()

    def over(self, kind: str | None, at: int) -> Refused | None:
        """Why such a request may not be opened at `at` (ms); None when it may."""
        closes = self._closes.get(kind) if kind else None
        if kind is None or closes is None or at <= closes:
            return None
        return Refused(self.contests[kind].promises, "the contest has closed, and nobody enters it any more")

    @contextmanager
    def inside(self, kinds: Iterable[str | None]) -> Iterator[None]:
        """While entries of these kinds may be on their way into the database."""
        entered = [kind for kind in kinds if kind is not None and kind in self.contests]
        self._inside.update(entered)
        try:
            yield
        finally:
            self._inside.subtract(entered)
            if entered:
                self._left.set()

    def close_at(self, kind: str, moment: int) -> None:
        """Nobody enters after that (ms)."""
        self._closes[kind] = moment

    async def shut(self, kind: str) -> None:
        """Nobody enters from now on, and whoever was entering has entered, or failed to, when this returns."""
        self._closes[kind] = SHUT
        while self._inside[kind]:
            self._left.clear()
            await self._left.wait()

    def open(self, kind: str) -> None:
        """People may enter (again)."""
        self._closes.pop(kind, None)
