"""Visits while they last, in memory; once they are over, figures of at least K visitors, an hour wide or a day, on disk.

How many there were is told by the hour, and what they were like by the day, each thing for itself. A visit ends after half
an hour without a page, and not within the clock hour of its last one, so nobody is in an hour twice. At half past, whatever
happened, the hour before is written, and after midnight the day; an hour or a day with fewer than K waits for the next.
Visitors are told apart by address and browser under a key of chance that lives for a day in memory, or by the opaque
cookie where the policy has one; neither is written anywhere. What is in memory when the process is killed is not counted.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from ipaddress import IPv6Address
from typing import TYPE_CHECKING, Final, NamedTuple

from avow.policy.model import Count
from avow.store.visits import DAY, HOUR, Cell, Day, Visited
from avow.visits.merging import OTHER, K, Tally
from avow.visits.sketch import Sketch

if TYPE_CHECKING:
    from avow.visits.agents import Agents
    from avow.visits.network import Answer, Names
    from avow.visits.regions import Regions

IDLE: Final = 30 * 60_000  # ms
LIVE: Final = 5 * 60_000  # ms since the last page of a visit that is under way
MOST: Final = 200_000  # visits in memory, at about 400 bytes; a flood of more is not counted
PARTS: Final = 12  # parts of the site that a visit is counted in
KNOWN: Final = 50_000  # sets of parts that are remembered
SINGLE: Final[tuple[Count, ...]] = ("region", "network", "browser", "system", "duration")  # a visit has one of each
DURATIONS: Final = (
    (60_000, "under 1 minute"), (10 * 60_000, "1 to 10 minutes"), (30 * 60_000, "10 to 30 minutes")
)  # fmt: skip
LONG: Final = "over 30 minutes"


class Live(NamedTuple):
    """Visits with a page within the last five minutes, rounded down to multiples of K; 0 says fewer than K."""

    visits: int
    parts: Sequence[tuple[str, int]]  # largest first


class _Visit:
    __slots__ = ("first", "last", "network", "parts", "values")

    def __init__(self, now: int, values: Mapping[Count, str], network: "Answer | None") -> None:
        self.first = self.last = now
        self.parts: frozenset[str] = frozenset()
        self.values = values
        self.network = network


class _Period:
    """Days that are told together: one, or several with few visitors each."""

    def __init__(self, since: int, counts: Mapping[Count, str]) -> None:
        self.since = since
        self.tallies: dict[Count, Tally] = {what: Tally() for what in (*SINGLE, "section") if what in counts}
        self.visitors: set[bytes] = set()  # as far as K

    def add(self, visit: _Visit, visitor: bytes) -> None:
        if len(self.visitors) < K:
            self.visitors.add(visitor)
        for what, tally in self.tallies.items():
            if what == "section":
                for part in visit.parts:
                    tally.add(part, visitor)
            elif what == "duration":
                tally.add(duration(visit.last - visit.first), visitor)
            elif what == "network":
                tally.add(visit.network.domain if visit.network else OTHER, visitor)
            else:
                tally.add(visit.values[what], visitor)

    def tomorrow(self) -> None:
        """The key changes: who comes again is taken for somebody else, and must not be one of K twice."""
        self.visitors.clear()
        for tally in self.tallies.values():
            tally.tomorrow()


class _Waiting(NamedTuple):
    """Hours that are over and had too few visitors."""

    since: int = 0
    until: int = 0
    day: int = -1  # of the last
    visitors: frozenset[bytes] = frozenset()  # of that day
    before: int = 0  # visits of the days before; who they were is no longer known, so that they are nobody of the K

    def and_(self, hour: int, visitors: AbstractSet[bytes]) -> "_Waiting":
        """With one more."""
        day, some = hour // DAY, self.before + len(self.visitors) > 0
        since, until = (min(self.since, hour), max(self.until, hour + HOUR)) if some else (hour, hour + HOUR)
        if day == self.day:
            return _Waiting(since, until, day, self.visitors | visitors, self.before)
        return _Waiting(since, until, day, frozenset(visitors), self.before + len(self.visitors))

    def told(self) -> Cell:
        """All of them."""
        return Cell(self.since, (self.until - self.since) // HOUR, {}, self.before + len(self.visitors))


class Visits:
    """For one site, in the process of its web application. One thread.

    `counts`: what the policy promises (`Promised.categories`). `random` gives the day's key, `names` network domains.
    """

    def __init__(
        self, counts: Mapping[Count, str], store: Visited, *, random: Callable[[int], bytes],
        names: "Names | None" = None, most: int = MOST,
    ) -> None:  # fmt: skip
        self._counts = counts
        self._store = store
        self._random = random
        self._regions = _regions() if "region" in counts else None
        self._agents = _agents() if {"browser", "system"} & counts.keys() else None
        self._names = (names or _names()) if "network" in counts else None
        self._most = most
        self._open: dict[bytes, _Visit] = {}
        self._hours: dict[int, set[bytes]] = {}  # hour of the last page -> visitors whose visits have ended
        self._waiting = _Waiting()
        self._upto = 0  # every hour before that is written, or waits
        self._day = -1
        self._key = b""
        self._sketch = Sketch()
        self._period: _Period | None = None
        self._days: list[tuple[int, int, _Period | None]] = []  # that are over: day, visitors, what to tell
        self._known: dict[frozenset[str], frozenset[str]] = {}  # sets of parts, one for all that are equal
        self.missed = 0  # pages of visits that there was no room for

    # -- pages ------------------------------------------------------------------------------------------------------

    def page(self, now: int, address: str, agent: str, part: str, cookie: str = "") -> None:
        """Somebody was shown a page. `now`: ms; `part`: of the site, one of a closed list; `cookie`: of the visit, or ""."""
        if not self._day <= now < self._day + DAY:
            self._turn(now)
        key = alone = self._told_apart("a", f"{household(address)}\0{agent}")
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
        values: dict[Count, str] = {}
        if self._agents is not None:
            values["browser"], values["system"] = self._agents.kinds(agent)
        if self._regions is not None:
            values["region"] = self._regions.of(address)
        return _Visit(now, values, self._names.ask(address, now) if self._names else None)

    def _same(self, parts: frozenset[str]) -> frozenset[str]:
        """There are few of them, and many visits."""
        return parts if len(self._known) >= KNOWN else self._known.setdefault(parts, parts)

    def _end(self, visitor: bytes) -> None:
        visit = self._open.pop(visitor)
        self._hours.setdefault(visit.last // HOUR * HOUR, set()).add(visitor)
        if self._period is None:
            self._period = _Period(self._day, self._counts)
        self._period.add(visit, visitor)

    def _turn(self, now: int) -> None:
        """A new day: what is under way ends, and the key is thrown away."""
        for visitor in list(self._open):
            self._end(visitor)
        if self._day >= 0:
            enough = self._period is not None and len(self._period.visitors) >= K
            self._days.append((self._day, self._sketch.count(), self._period if enough else None))
            self._period = None if enough else self._period
        if self._period is not None:
            self._period.tomorrow()
            self._period.since = min(self._period.since, now // DAY * DAY)  # where the clock was set back
        self._day = now // DAY * DAY
        self._key = self._random(32)
        self._sketch = Sketch()
        for memory in (self._agents, self._names):
            if memory is not None:
                memory.forget()

    # -- to the disk ------------------------------------------------------------------------------------------------

    def settle(self, now: int) -> bool:
        """Write what is over; whether anything was written. To be called at half past, by a clock and not by a visit:
        when a file was written must not tell when somebody came. Raises `Unavailable`; then it is tried again.
        """
        if self._day >= 0 and not self._day <= now < self._day + DAY:
            self._turn(now)
        upto = (now - IDLE) // HOUR * HOUR
        if upto == self._upto:  # and not if it is less: a clock that was ahead is set back, and things go on
            return False
        for visitor in [key for key, visit in self._open.items() if visit.last < upto]:
            self._end(visitor)
        written = self._write([hour for hour in sorted(self._hours) if hour < upto])
        self._upto = upto
        return written

    def close(self) -> None:
        """Count what is under way as ended, and write what is enough. The rest is forgotten."""
        if self._day >= 0:
            self._turn(self._day + DAY)
            self._write(sorted(self._hours))
        self._store.close()

    def _write(self, hours: Sequence[int]) -> bool:
        cells: list[Cell] = []
        waiting = self._waiting
        for hour in hours:
            waiting = waiting.and_(hour, self._hours[hour])
            if len(waiting.visitors) >= K:
                cells.append(waiting.told())
                waiting = _Waiting()
        days: list[tuple[int, int]] = []
        for day, visitors, period in self._days:
            if period is not None:
                cells += _told(period, day + DAY, self._counts)
            if visitors >= K and "visitors" in self._counts:
                days.append((day, visitors))
        if cells or days:
            self._store.add(cells, days)
        self._waiting = waiting
        for hour in hours:
            del self._hours[hour]
        self._days.clear()
        return bool(cells or days)

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


def _told(period: _Period, until: int, counts: Mapping[Count, str]) -> Iterator[Cell]:
    for what, tally in period.tallies.items():
        for value, visits in tally.told().items():
            yield Cell(period.since, (until - period.since) // HOUR, {counts[what]: value}, visits)


def household(address: str) -> str:
    """The part of an address that one connection has: of IPv6 the first 64 bits, for the rest changes by itself (RFC 8981)."""
    if ":" not in address:
        return address
    try:
        six = IPv6Address(address)
    except ValueError:
        return address
    return str(six.ipv4_mapped) if six.ipv4_mapped is not None else f"{int(six) >> 64:x}"


def duration(ms: int) -> str:
    """From the first page to the last, in one of four steps."""
    return next((name for end, name in DURATIONS if ms < end), LONG)


def _rounded(count: int) -> int:
    return count // K * K
