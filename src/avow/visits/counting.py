"""Visits while they last, in memory; once they are over, cells of at least K, an hour wide or more, on disk.

A visit ends after half an hour without a page, and not within the clock hour of its last one, so nobody is in an hour
twice. At half past, whatever happened, the hour before is written; an hour with fewer than K visits waits for the next.
Visitors are told apart by address and browser under a key of chance that lives for a day in memory, or by the opaque
cookie where the policy has one; neither is written anywhere. What is in memory when the process is killed is not counted.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from avow.policy.model import Count
from avow.store.visits import DAY, HOUR, Cell, Day, Visited
from avow.visits.merging import OTHER, K, merged, merged_parts
from avow.visits.sketch import Sketch

if TYPE_CHECKING:
    from avow.visits.agents import Agents
    from avow.visits.network import Answer, Names
    from avow.visits.regions import Regions

IDLE: Final = 30 * 60_000  # ms
LIVE: Final = 5 * 60_000  # ms since the last page of a visit that is under way
MOST: Final = 200_000  # visits in memory, at about 400 bytes; a flood of more is not counted
PARTS: Final = 12  # parts of the site that a visit is counted in
JOINT: Final[tuple[Count, ...]] = (
    "region",
    "network",
    "browser",
    "system",
    "duration",
)  # what merging gives up: last first
DURATIONS: Final = (
    (60_000, "under 1 minute"), (10 * 60_000, "1 to 10 minutes"), (30 * 60_000, "10 to 30 minutes")
)  # fmt: skip
LONG: Final = "over 30 minutes"
_KNOWN: Final = 50_000
T = TypeVar("T", bound=Hashable)


class Live(NamedTuple):
    """Visits with a page within the last five minutes, rounded down to multiples of K; 0 says fewer than K."""

    visits: int
    parts: Sequence[tuple[str, int]]  # largest first


class _Visit:
    __slots__ = ("first", "last", "network", "parts", "values")

    def __init__(self, now: int, values: tuple[str, ...], network: "Answer | None") -> None:
        self.first = self.last = now
        self.parts: frozenset[str] = frozenset()
        self.values = values
        self.network = network


class Visits:
    """For one site, in the process of its web application. One thread.

    `counts`: what the policy promises (`Promised.categories`). `random` gives the day's key, `names` network domains.
    """

    def __init__(
        self, counts: Mapping[Count, str], store: Visited, *, random: Callable[[int], bytes], names: "Names | None" = None,
        most: int = MOST,
    ) -> None:  # fmt: skip
        self._counts = counts
        self._store = store
        self._random = random
        self._joint = tuple(what for what in JOINT if what in counts)
        self._regions = _regions() if "region" in counts else None
        self._agents = _agents() if {"browser", "system"} & counts.keys() else None
        self._names = (names or _names()) if "network" in counts else None
        self._most = most
        self._open: dict[bytes, _Visit] = {}
        self._over: dict[int, dict[bytes, _Visit]] = {}  # hour of the last page -> visits that have ended
        self._batch: dict[bytes, _Visit] = {}  # of hours that are over and had too few
        self._since = 0  # of the batch
        self._upto = 0  # everything before that is written, or in the batch
        self._day = -1
        self._key = b""
        self._sketch = Sketch()
        self._days: list[tuple[int, int]] = []  # that are over
        self._known: dict[Hashable, Hashable] = {}  # values of visits, one for all that are equal
        self.missed = 0  # pages of visits that there was no room for

    # -- pages ------------------------------------------------------------------------------------------------------

    def page(self, now: int, address: str, agent: str, part: str, cookie: str = "") -> None:
        """Somebody was shown a page. `now`: ms; `part`: of the site, one of a closed list; `cookie`: of the visit, or ""."""
        if now >= self._day + DAY:
            self._turn(now)
        key = alone = self._told_apart("a", f"{address}\0{agent}")
        if cookie:
            key = self._told_apart("c", cookie)
            if key not in self._open and alone in self._open:  # its first page came before the cookie did
                self._open[key] = self._open.pop(alone)
        visit = self._open.get(key)
        if visit is not None and now - visit.last >= IDLE and now // HOUR != visit.last // HOUR:
            self._end(key)
            visit = None
        if visit is None:
            if len(self._open) >= self._most:
                self.missed += 1
                return
            self._sketch.add(alone)
            visit = self._open[key] = self._begun(now, address, agent)
        visit.last = max(visit.last, now)
        if part not in visit.parts and len(visit.parts) < PARTS:
            visit.parts = self._same(visit.parts | {part})

    def _told_apart(self, kind: str, by: str) -> bytes:
        return hashlib.blake2b(f"{kind}{by}".encode("utf-8", "surrogateescape"), key=self._key, digest_size=16).digest()

    def _begun(self, now: int, address: str, agent: str) -> _Visit:
        browser, system = self._agents.kinds(agent) if self._agents else (OTHER, OTHER)
        known: dict[str, str] = {"browser": browser, "system": system, "duration": "", "network": ""}
        if self._regions is not None:
            known["region"] = self._regions.of(address)
        network = self._names.ask(address, now) if self._names else None
        return _Visit(now, self._same(tuple(known[what] for what in self._joint)), network)

    def _same(self, value: T) -> T:
        """There are few of them, and many visits."""
        if value not in self._known and len(self._known) >= _KNOWN:
            return value
        return self._known.setdefault(value, value)  # type: ignore[return-value]  # it is equal, so of the same type

    def _end(self, key: bytes) -> None:
        visit = self._open.pop(key)
        self._over.setdefault(visit.last // HOUR * HOUR, {}).setdefault(key, visit)

    def _turn(self, now: int) -> None:
        """A new day: what is under way ends, and the key is thrown away."""
        for key in list(self._open):
            self._end(key)
        if self._day >= 0:
            self._days.append((self._day, self._sketch.count()))
        self._day = now // DAY * DAY
        self._key = self._random(32)
        self._sketch = Sketch()
        for memory in (self._agents, self._names):
            if memory is not None:
                memory.forget()

    # -- to the disk ------------------------------------------------------------------------------------------------

    def settle(self, now: int) -> bool:
        """Write the hours that are over; whether anything was written. To be called at half past, by a clock and not by
        a visit: when a file was written must not tell when somebody came. Raises `Unavailable`; then it is tried again.
        """
        if self._day >= 0 and now >= self._day + DAY:
            self._turn(now)
        upto = (now - IDLE) // HOUR * HOUR
        if upto <= self._upto:
            return False
        for key in [key for key, visit in self._open.items() if visit.last < upto]:
            self._end(key)
        written = self._write([hour for hour in sorted(self._over) if hour < upto])
        self._upto = upto
        return written

    def close(self) -> None:
        """Count what is under way as ended, and write what is enough. The rest is forgotten."""
        if self._day >= 0:
            self._turn(self._day + DAY)
            self._write(sorted(self._over))
        self._batch.clear()
        self._store.close()

    def _write(self, hours: Sequence[int]) -> bool:
        cells: list[Cell] = []
        batch, since = dict(self._batch), self._since
        for hour in hours:
            since = since if batch else hour
            for key, visit in self._over[hour].items():
                batch.setdefault(key, visit)
            if len(batch) >= K:
                cells += self._cells(since, (hour + HOUR - since) // HOUR, list(batch.values()))
                batch = {}
        days = [(day, count) for day, count in self._days if count >= K and "visitors" in self._counts]
        if cells or days:
            self._store.add(cells, days)
        self._batch, self._since = batch, since
        for hour in hours:
            del self._over[hour]
        self._days.clear()
        return bool(cells or days)

    def _cells(self, since: int, hours: int, visits: Sequence[_Visit]) -> Iterator[Cell]:
        names = [self._counts[what] for what in self._joint]
        for values, count in merged([self._values(visit) for visit in visits]).items():
            yield Cell(since, hours, dict(zip(names, values, strict=True)), count)
        if section := self._counts.get("section"):
            for part, count in merged_parts([visit.parts for visit in visits]).items():
                yield Cell(since, hours, {section: part}, count)

    def _values(self, visit: _Visit) -> tuple[str, ...]:
        known = dict(zip(self._joint, visit.values, strict=True))
        if "duration" in known:
            known["duration"] = duration(visit.last - visit.first)
        if visit.network is not None:
            known["network"] = visit.network.domain
        return tuple(known.values())

    # -- to be looked at --------------------------------------------------------------------------------------------

    def live(self, now: int) -> Live:
        """How many are here."""
        here = [visit.parts for visit in self._open.values() if now - visit.last < LIVE]
        section = "section" in self._counts
        parts = Counter(part for visit in here for part in visit) if section and len(here) >= K else Counter[str]()
        told = sorted(((part, _rounded(count)) for part, count in parts.items()), key=lambda one: (-one[1], one[0]))
        return Live(_rounded(len(here)), [one for one in told if one[1]])

    def cells(self, since: int, until: int) -> list[Cell]:
        """What is on disk of this time; see `Visited.cells`."""
        return self._store.cells(since, until)

    def days(self, since: int, until: int) -> list[Day]:
        """Visitors a day; see `Visited.days`."""
        return self._store.days(since, until)


def _regions() -> "Regions":
    from avow.visits.regions import Regions  # noqa: PLC0415 - its tables are loaded where the policy counts them

    return Regions()


def _agents() -> "Agents":
    from avow.visits.agents import Agents  # noqa: PLC0415 - as above

    return Agents()


def _names() -> "Names":
    from avow.visits.network import Domains, Names  # noqa: PLC0415 - as above

    return Names(Domains())


def duration(ms: int) -> str:
    """From the first page to the last, in one of four steps."""
    return next((name for end, name in DURATIONS if ms < end), LONG)


def _rounded(count: int) -> int:
    return count // K * K
