"""Figures in which nobody can be made out: what a role may ask for, a release of it, and its files."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple

from starlette.responses import Response

from avow.desk.interface.statistics import Figures, Offer
from avow.doors.console.room import Room, Visit
from avow.doors.design import figures as words
from avow.errors import CallError

STRENGTHS: Final = (100, 250, 500, 1000)  # thousandths of epsilon
CELLS: Final = (1, 2, 3, 5)
_HOW: Final = {100: "weak figures", 250: "the usual", 500: "strong figures", 1000: "half of a whole year's budget"}


class Wish(NamedTuple):
    """What was chosen on the form, as its fields have it: so that it is asked again, at no cost, for a file."""

    what: str
    split: str
    monthly: str
    first: str
    last: str
    epsilon: str
    each: str


async def start(room: Room, visit: Visit) -> Response:
    """What the colleague's role may ask for, what was released, and what is left."""
    offers = await room.desk.offers(visit.session)
    now = datetime.fromtimestamp((await room.desk.about())["now"] / 1000, UTC)
    over = f"{now.year - (now.month == 1)}-{(now.month - 2) % 12 + 1:02}"
    return room.show(
        visit, "statistics.html", here="/statistics", offers=[(_named(one), _says(room, one)) for one in offers if one["by"]],
        undeclared=[one for one in offers if not one["by"]], over=over, strengths=[
            (str(one), f"{words.thousandths(one)}, {_HOW[one]}") for one in STRENGTHS
        ], cells=[(str(one), "once" if one == 1 else f"in {one} cells at most") for one in CELLS],
        releases=await room.desk.releases(), budgets=await room.desk.budgets(), figures=words,
    )  # fmt: skip


async def release(room: Room, visit: Visit) -> Response:
    """Figures, as a table with bars."""
    wish = _wish(visit)
    told = await _asked(room, visit, wish)
    table = words.rows(told)
    return room.show(
        visit, "figures.html", here="/statistics", told=told, figures=words, rows=table, wish=wish._asdict(),
        most=max((row.figure for row in table if row.figure is not None), default=1), files=[*_FILES],
        recipient=room.words.recipient(told["recipient"]),
    )  # fmt: skip


async def file(room: Room, visit: Visit) -> Response:
    """The same figures as a file. The same question has the same answer, and costs nothing."""
    kind = visit.fields.one("as")
    if kind not in _FILES:
        raise CallError("figures are given as " + ", ".join(_FILES))
    told = await _asked(room, visit, _wish(visit))
    media, made = _FILES[kind]
    headers = {
        "cache-control": "no-store", "content-disposition": f'attachment; filename="figures-{told["release"][:8]}.{kind}"',
        "x-content-type-options": "nosniff",
    }  # fmt: skip
    return Response(await asyncio.to_thread(made, told), media_type=media, headers=headers)


def _wish(visit: Visit) -> Wish:
    return Wish(*(visit.fields.one(name, 256) for name in Wish._fields))


async def _asked(room: Room, visit: Visit, wish: Wish) -> Figures:
    of, recipient, purpose = [*wish.what.split("|"), "", ""][:3]
    if not (of and purpose):
        raise CallError("choose what the figures are to be of")
    by = [*([of] if wish.split == "yes" else ()), *([words.MONTH] if wish.monthly == "yes" else ())]
    try:
        each, epsilon = int(wish.each or "1"), int(wish.epsilon)
    except ValueError:
        raise CallError("choose how strong the figures are to be") from None
    return await room.desk.release(
        visit.session, [of], by, wish.first, wish.last, recipient or None, purpose, each, epsilon
    )  # fmt: skip


def _named(one: Offer) -> str:
    return f"{one['of'][0]}|{one['recipient'] or ''}|{one['purpose']}"


def _says(room: Room, one: Offer) -> str:
    who = "ourselves" if one["recipient"] is None else room.words.recipient(one["recipient"])
    return f"{room.words.label(one['of'][0])}, for {who}, {room.words.purpose(one['purpose'])} ({one['promise']})"


def _svg(told: Figures) -> bytes:
    from avow.doors.design.chart import svg  # noqa: PLC0415 - nobody else waits for Pillow

    return svg(told).encode()


def _png(told: Figures) -> bytes:
    from avow.doors.design.chart import png  # noqa: PLC0415 - as above

    return png(told)


_FILES: Final[Mapping[str, tuple[str, Callable[[Figures], bytes]]]] = {
    "svg": ("image/svg+xml", _svg), "png": ("image/png", _png), "csv": ("text/csv; charset=utf-8", words.as_csv),
}  # fmt: skip
