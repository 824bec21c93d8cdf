"""What goes out to somebody outside: by a case that two colleagues stand for, or because the person agreed to it.

A package leaves as a file, at once and once: nothing of it is kept here, and only its recipient opens it.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Final

from starlette.responses import Response

from avow.desk.interface.outside import Packed
from avow.doors.console.grants import Grant
from avow.doors.console.room import Room, Visit
from avow.doors.console.words import sentence
from avow.errors import CallError, Refused
from avow.policy.retention import midnight

KIND: Final = "application/jose"  # RFC 7515, 9.2.1: a JWE or JWS in the compact form
LIVE: Final = ("proposed", "open")
YEAR: Final = timedelta(days=365)  # the farthest last day; the desk holds a case to that, too
_SHORT: Final = 200  # characters of a reference or name, as somebody may type it
ASKED: Final = ("category", "value", "purpose", "ground", "reference", "named", "until", "quiet")
_AGREE: Final = "tick that you have read what they sent, then agree; the case still waits for a second colleague"


async def cases(room: Room, visit: Visit, done: str = "") -> Response:
    """Those that the role may disclose, and who has to do what next. They tell of nobody whom they are about."""
    known, now = await room.desk.cases(visit.session), (await room.desk.about())["now"]
    return room.show(
        visit, "cases.html", here="/cases", done=done, now=now,
        live=[one for one in known if one["state"] in LIVE], past=[one for one in known[::-1] if one["state"] not in LIVE],
    )  # fmt: skip


async def case(room: Room, visit: Visit) -> Response:
    """The form to put a case forward, for one recipient."""
    grant = _grant(room, visit)
    if grant is None:
        raise CallError("our policy lets your role pass nothing on to this recipient by a case; nothing was changed")
    return await _form(room, visit, grant)


async def _form(room: Room, visit: Visit, grant: Grant, wrong: str = "") -> Response:
    today = datetime.fromtimestamp((await room.desk.about())["now"] / 1000, UTC).date()
    return room.show(
        visit, "case.html", status=400 if wrong else 200, here="/cases", grant=grant, wrong=wrong,
        given={name: visit.fields.one(name) for name in ASKED}, ticked=visit.fields.every("covers"),
        first=today.isoformat(), last=(today + YEAR).isoformat(),
    )  # fmt: skip


async def propose(room: Room, visit: Visit) -> Response:
    """Put forward: one for each person found. It permits nothing yet. Who may not is told so by the desk, and why."""
    one, grant = visit.fields.one, _grant(room, visit)
    try:
        until, quiet = _day_over(one("until")), one("quiet") and _day_over(one("quiet"))
        made = await room.desk.case_propose(
            visit.session, one("category"), one("value").strip(), _whom(visit), one("purpose"), one("ground"),
            one("reference", _SHORT).strip(), list(dict.fromkeys(visit.fields.every("covers"))), until, quiet or None,
        )  # fmt: skip
    except CallError as error:
        if grant is None:
            raise
        return await _form(room, visit, grant, sentence(error))
    many = "The case is" if len(made) == 1 else f"{len(made)} people gave that, so {len(made)} cases are"
    return await cases(room, visit, f"{many} put forward. Nothing goes out before another colleague has agreed.")


async def agree(room: Room, visit: Visit) -> Response:
    """By a second colleague, who names the person for themself: no page says whom a case is about."""
    one = visit.fields.one
    if one("read") != "yes":
        raise CallError(_AGREE)
    await room.desk.case_approve(visit.session, one("case"), one("category"), one("value").strip())
    return await cases(room, visit, "You agreed. Its package can be fetched now, once.")


async def close(room: Room, visit: Visit) -> Response:
    """It serves nobody any more."""
    await room.desk.case_close(visit.session, visit.fields.one("case"))
    return await cases(room, visit, "The case is closed. Nothing goes out by it any more.")


async def package(room: Room, visit: Visit) -> Response:
    """What an open case covers, as a file."""
    return _file(await room.desk.case_disclose(visit.session, visit.fields.one("case")))


async def pass_on(room: Room, visit: Visit) -> Response:
    """Data of the person behind a task, as a file for the recipient. Whether they may go out is for the desk to say."""
    one, categories = visit.fields.one, list(dict.fromkeys(visit.fields.every("category")))
    taken = await room.desk.task(visit.session, one("request"), one("purpose"))
    if not categories:
        raise CallError("tick what is to go out; nothing was passed on")
    try:
        packed = await room.desk.disclose(
            visit.session, taken["task"], _whom(visit), categories, one("why"), one("way") or "share"
        )
    except Refused as refused:
        return room.refused(visit, refused, {"categories": [], "task": taken})
    return _file(packed)


def _grant(room: Room, visit: Visit) -> Grant | None:
    """What the form to put a case forward was about."""
    recipient = visit.fields.one("recipient")
    return next((one for one in room.grants.by_case(visit.colleague["role"]) if one.recipient == recipient), None)


def _whom(visit: Visit) -> str:
    """The recipient; one that the policy does not declare by name is named by the colleague."""
    recipient, name = visit.fields.one("recipient", _SHORT), visit.fields.one("named", _SHORT).strip()
    return f"{recipient}:{name}" if name else recipient


def _day_over(day: str) -> int:
    """The moment (ms) when a day, as a browser writes one, is over in UTC."""
    try:
        after = date.fromisoformat(day) + timedelta(days=1)
    except (ValueError, OverflowError):
        raise CallError("give each day as year, month and day, as in 2030-01-31") from None
    return midnight(after)


def _file(packed: Packed) -> Response:
    name = f"package-{packed['disclosure'][:8]}.jose"
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    return Response(packed["package"] + "\n", media_type=KIND, headers=headers)
