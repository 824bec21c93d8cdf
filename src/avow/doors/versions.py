"""The published versions of a site's policy as its pages know them, and what of them is to be announced on every page.

Nothing here knows who looks: what is kept is the same for everybody.
"""

import asyncio
from collections.abc import Sequence
from time import monotonic
from typing import Final, NamedTuple

from avow.decide.changed import Changed, changed
from avow.desk.interface import Desk
from avow.desk.interface.changing import Version
from avow.policy.model import Policy
from avow.policy.parse import parse

NEW: Final = 30 * 86_400_000  # ms that a version counts as new once it is in force
EVERY: Final = 2.0  # seconds between two questions to the desk, however many pages are asked for


class News(NamedTuple):
    """A version that every page tells of. `at` (ms): from when it is in force; `coming`: that moment is still to come."""

    digest: str
    at: int
    coming: bool


class Known:
    """The versions of one site. `every`: seconds between two questions to the desk, see `EVERY`."""

    def __init__(self, desk: Desk, every: float = EVERY) -> None:
        self._desk = desk
        self._every = every
        self._asked: float | None = None
        self._parsed: dict[str, Policy] = {}
        self._compared: dict[tuple[str, str], Changed] = {}
        self.now = 0
        self.all: tuple[Version, ...] = ()

    async def look(self, *, again: bool = False) -> None:
        """Ask the desk which there are, unless it was asked just now; `again`: even then. Raises `Unavailable`."""
        if not again and self._asked is not None and monotonic() - self._asked < self._every:
            return
        versions, about = await self._desk.versions(), await self._desk.about()
        self.all, self.now, self._asked = tuple(versions), int(about["now"]), monotonic()

    def news(self) -> tuple[News, ...]:
        """What every page tells of; as of the last look."""
        return news(self.all, self.now)

    def days(self) -> dict[str, str]:
        """The first 32 hexadecimal digits of each version's digest, by which data name it -> its day."""
        return {one["digest"][:32]: one["version"] for one in self.all}

    def find(self, digest: str) -> Version | None:
        """The version of this digest."""
        return next((one for one in self.all if one["digest"] == digest), None)

    def of_day(self, day: str) -> Version | None:
        """The version of this day."""
        return next((one for one in self.all if one["version"] == day), None)

    @property
    def in_force(self) -> Version:
        """The one in force. There is one from a site's beginning on."""
        return next(one for one in self.all if one["state"] == "in-force")

    def policy(self, version: Version) -> Policy:
        """Its policy."""
        digest = version["digest"]
        if digest not in self._parsed:
            self._parsed[digest] = parse(version["source"], f"the version of {version['version']}")
        return self._parsed[digest]

    async def changed(self, old: Version, new: Version) -> Changed:
        """What changes from one to the other; found in a thread of its own, once."""
        pair = old["digest"], new["digest"]
        if pair not in self._compared:
            self._compared[pair] = await asyncio.to_thread(changed, self.policy(old), self.policy(new))
        return self._compared[pair]

    async def change_of(self, version: Version) -> Changed | None:
        """What a version changes of the one before it; None of the first."""
        before = self.find(version["previous"] or "")
        return None if before is None else await self.changed(before, version)


def news(versions: Sequence[Version], now: int) -> tuple[News, ...]:
    """What is to come, the next one first, and what came into force of late; a site's first version is no news."""
    coming = [one for one in versions if one["state"] == "to-come"]
    late = [one for one in versions if one["state"] == "in-force" and one["previous"] and now - one["effective"] < NEW]
    return tuple(News(one["digest"], one["effective"], one["state"] == "to-come") for one in (*coming, *late))


def since(versions: Sequence[Version], day: str) -> tuple[Version | None, list[Version]]:
    """The version that was in force on a day (ISO 8601, UTC), None before the first; and all later ones, newest first."""
    before = [one for one in versions if one["version"] <= day]
    return before[-1] if before else None, [one for one in reversed(versions) if one["version"] > day]
