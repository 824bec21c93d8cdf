"""The page of visits: how many, when, from where and to which parts, for who may see it; who is here now; addresses.

Visits are apart from the vault, so they are asked of the room that counts them; who the colleague is, of the desk.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from avow.desk.interface import Desk
from avow.doors.console.pictures import Column, Share, columns, share, week
from avow.doors.console.room import Room, Visit
from avow.doors.design import page
from avow.errors import AvowError, CallError, NotHeld, Refused
from avow.policy.model import SITE
from avow.visits import OTHER, Cell, Counted, Day, K

HOUR: Final = 3_600_000  # ms
DAY: Final = 24 * HOUR
LIVES: Final = 60 * 60_000  # ms that a live view goes on
EVERY: Final = 10  # s between two looks of it
VIEWS: Final = 200  # live views at once
SHOWN: Final = 8  # values of a category; the rest is summed up
ENTRIES: Final = 500  # of the operational log


class Span(NamedTuple):
    """How far back a page looks, and how wide its columns are; ms."""

    label: str
    long: int
    column: int


SPANS: Final[Mapping[str, Span]] = {
    "day": Span("24 hours", DAY, HOUR), "week": Span("7 days", 7 * DAY, 4 * HOUR), "month": Span("4 weeks", 28 * DAY, DAY),
}  # fmt: skip


async def board(room: Room, visit: Visit) -> Response:
    """The figures of a span of time."""
    counted, role = _counted(room), visit.colleague["role"]
    chosen = visit.fields.one("span", 10) or "week"
    if chosen not in SPANS:
        raise CallError(f"visits are shown for {', '.join(SPANS)}; choose one of them")
    purpose = _purpose(counted, role)
    now = (await room.desk.about())["now"]
    span, standing = SPANS[chosen], visit.colleague["signed"]
    until = now // HOUR * HOUR
    since = (until - span.long) // span.column * span.column
    try:
        cells, days = counted.statistics(role, purpose, since - span.long, now, standing=standing)
    except Refused as refused:
        return room.refused(visit, refused, recorded=False)
    before = _sum(one for one in cells if not one.dimensions and one.since < since)
    hours = [one for one in cells if not one.dimensions and one.since >= since]
    first = since // DAY * DAY  # what visits were like is told by whole days
    days = [one for one in days if one.day >= first]
    timeline, tallest = _timeline(hours, since, until, span)
    return room.show(
        visit, "visits.html", here="/visits", spans=SPANS, chosen=chosen, span=span, purpose=purpose, k=K,
        total=_sum(hours), before=before, timeline=timeline, tallest=tallest, axis=_axis(since, until),
        week=_week(hours, span), groups=_groups([one for one in cells if one.dimensions and one.since >= first], cells),
        share=share, days=_days(days), live=counted.live(role, purpose, now, standing=standing), missed=_missed(counted),
        addresses=bool(counted.log_purposes(role)),
        promises=counted.promised.may(role, purpose, counted.promised.statistics, standing=standing),
    )  # fmt: skip


async def addresses(room: Room, visit: Visit) -> Response:
    """The operational log, for the purpose that was chosen; before one is, a page that asks for it."""
    counted, role = _counted(room), visit.colleague["role"]
    purpose = visit.fields.one("purpose", 64)
    now = (await room.desk.about())["now"]
    entries = None
    if purpose:
        try:
            entries = counted.addresses(role, purpose, now, standing=visit.colleague["signed"])
        except Refused as refused:
            return room.refused(visit, refused, recorded=False)
    return room.show(
        visit, "addresses.html", here="/visits", purpose=purpose, most=ENTRIES,
        options=[(name, room.words.label(name)) for name in counted.log_purposes(role)],
        entries=entries, looks=counted.looks(now), k=K, kept=counted.promised.kept // DAY,
    )  # fmt: skip


class LiveViews:
    """Pages in a tab of their own that look again by themselves. For one console.

    A page that looks again does so by its address, and an address carries no session here. So it carries a ticket, good
    for these round numbers alone, for an hour at most, and only as long as the session that asked for it is still the
    one on the page before: who signs out, goes on or is dismissed sees nothing more.
    """

    def __init__(self, room: Room, clock: Callable[[], datetime], random: Callable[[int], bytes]) -> None:
        self._room = room
        self._clock = clock
        self._random = random
        self._open: dict[str, tuple[str, datetime]] = {}

    async def open(self, _: Room, visit: Visit) -> Response:
        """Begin one."""
        now = self._clock()
        self._open = {ticket: one for ticket, one in self._open.items() if one[1] > now}
        if len(self._open) >= VIEWS:
            raise CallError("too many live views are open; close one")
        ticket = self._random(16).hex()
        self._open[ticket] = visit.session, now + timedelta(milliseconds=LIVES)
        try:
            return await self._shown(ticket, visit.colleague["role"], standing=visit.colleague["signed"])
        except Refused as refused:
            del self._open[ticket]
            return self._room.refused(visit, refused, recorded=False)

    async def again(self, request: Request) -> Response:
        """Look again."""
        ticket = str(request.path_params["ticket"])
        session, until = self._open.get(ticket, ("", datetime.min.replace(tzinfo=UTC)))
        if self._clock() <= until:
            try:
                colleague = await self._room.desk.colleague(session)
                return await self._shown(ticket, colleague["role"], standing=colleague["signed"])
            except AvowError:
                self._open.pop(ticket, None)
        return page(self._room.env, "live.html", status=403, live=None, ticket="", every=EVERY, k=K, at=0, promises=())

    async def _shown(self, ticket: str, role: str, *, standing: bool) -> Response:
        counted = _counted(self._room)
        purpose = _purpose(counted, role)
        now = await _now(self._room.desk)
        live = counted.live(role, purpose, now, standing=standing)
        if live is None:
            raise NotHeld("visits are counted in another process; its own pages show who is here now")
        return page(self._room.env, "live.html", live=live, ticket=ticket, every=EVERY, k=K, at=now, share=share)


async def _now(desk: Desk) -> int:
    return int((await desk.about())["now"])


def _counted(room: Room) -> Counted:
    if room.visits is None or room.visits.nothing:
        raise NotHeld("no visits are counted here")
    return room.visits


def _purpose(counted: Counted, role: str) -> str:
    """The first purpose for which the role may look, or the first for which the site counts: to be refused by it."""
    found = counted.purposes(role) or counted.purposes(SITE)
    if not found:
        raise NotHeld("no statistics of visits are kept here")
    return found[0]


def _missed(counted: Counted) -> int:
    return 0 if counted.visits is None else counted.visits.missed


# -- figures ------------------------------------------------------------------------------------------------------------


def _sum(cells: Any) -> int:
    return sum(cell.visits for cell in cells)


def _hourly(cells: Sequence[Cell]) -> Counter[int]:
    """Visits of each hour; what is known of several hours together is spread over them."""
    found: Counter[int] = Counter()
    for cell in cells:
        each, more = divmod(cell.visits, cell.hours)
        for at in range(cell.hours):
            found[cell.since + at * HOUR] += each + (at < more)
    return found


def _timeline(cells: Sequence[Cell], since: int, until: int, span: Span) -> tuple[Any, int]:
    """The picture, and its tallest column."""
    columned: Counter[int] = Counter()
    for hour, count in _hourly(cells).items():
        columned[(hour - since) // span.column] += count
    count = -(-(until - since) // span.column)
    found = [Column(_when(since + at * span.column, span.column), columned[at]) for at in range(count)]
    about = f"Visits over the last {span.label}; at most {max(columned.values(), default=0):,} in a column"
    return columns(found, about), max(columned.values(), default=0)


def _when(at: int, wide: int) -> str:
    moment = datetime.fromtimestamp(at / 1000, UTC)
    return f"{moment:%a} {moment.day} {moment:%b}" + ("" if wide == DAY else f", {moment:%H:%M}")


def _axis(since: int, until: int) -> list[str]:
    middle = (since + until) // 2 // HOUR * HOUR
    return [_when(at, HOUR if until - since <= 2 * DAY else DAY) for at in (since, middle, until - HOUR)]


def _week(cells: Sequence[Cell], span: Span) -> Any:
    if span.long < 7 * DAY:
        return ""
    found = [[0] * 24 for _ in range(7)]
    for at, count in _hourly(cells).items():
        moment = datetime.fromtimestamp(at / 1000, UTC)
        found[moment.weekday()][moment.hour] += count
    return week(found, f"Visits by weekday and hour of the last {span.label}, UTC")


def _groups(cells: Sequence[Cell], every: Sequence[Cell]) -> list[tuple[str, list[Share]]]:
    """For each category its values, largest first, and their part of all visits of the same days."""
    found: dict[str, Counter[str]] = {}
    for cell in cells:
        for name, value in cell.dimensions.items():
            found.setdefault(name, Counter())[value] += cell.visits
    since, until = min((one.since for one in cells), default=0), max((_end(one) for one in cells), default=0)
    total = _sum(one for one in every if not one.dimensions and one.since >= since and _end(one) <= until)
    return [(name, _shares(values, total)) for name, values in sorted(found.items())]


def _end(cell: Cell) -> int:
    return cell.since + cell.hours * HOUR


def _shares(values: Counter[str], total: int) -> list[Share]:
    ordered = sorted(values.items(), key=lambda one: (one[0] == OTHER, -one[1], one[0]))
    kept, rest = ordered[:SHOWN], ordered[SHOWN:]
    if rest:
        others = sum(count for _, count in rest) + sum(count for name, count in kept if name == OTHER)
        kept = [*(one for one in kept if one[0] != OTHER), (OTHER, others)]
    return [Share(name, count, min(100, round(100 * count / total)) if total else 0) for name, count in kept]


def _days(days: Sequence[Day]) -> list[tuple[str, int, bool]]:
    """When, about how many, and whether that is at most so many."""
    return [(_when(one.day, DAY), one.visitors, one.runs > 1) for one in days]
