"""Whether the contests of a site may be entered just now.

One process collects for a site, so whether a contest is closed is known here; the database has it as well.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from avow.errors import Refused
from avow.policy.contests import Contest, contests
from avow.policy.model import Policy

SHUT: Final = -1


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
