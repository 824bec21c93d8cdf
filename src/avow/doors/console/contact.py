"""Writing and calling: may I, a label, a letter, and what came of it. A number or address is shown once it was asked for."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response

from avow.desk.interface.work import Reached
from avow.doors.console.papers import LONGEST
from avow.doors.console.room import Room, Visit
from avow.errors import CallError
from avow.policy.outside import beside

SHOWN: Final = 200  # messages at a time
_SHORT: Final = 64  # characters of the number of a contact, as somebody may type it


async def may(room: Room, visit: Visit) -> Response:
    """May I call or write, for this task?"""
    one = visit.fields.one
    taken = await room.desk.task(visit.session, one("request"), one("purpose"))
    reached = await room.desk.may_reach(visit.session, taken["task"], one("channel"))
    return _shown(room, visit, reached, one("request"), room.words.offices(taken["right"]))


async def may_found(room: Room, visit: Visit) -> Response:
    """May I, of whoever gave this value, whether they wait for anything or not?"""
    one = visit.fields.one
    value = one("value").strip()
    if not value:
        raise CallError("type what you were told: the address or number by which the person is found")
    found = await room.desk.may_reach_found(visit.session, one("category"), value, one("channel"), one("purpose"))
    return _shown(room, visit, found, "")


def _shown(room: Room, visit: Visit, reached: Reached, request: str, offices: Sequence[str] = ()) -> Response:
    """`offices`: whom the answer to a complaint names."""
    return room.show(visit, "reach.html", reached=reached, request=request, offices=offices)


async def label(room: Room, visit: Visit) -> Response:
    """One label, for the address that was just allowed; decided anew."""
    reached = await room.desk.letter_address(visit.session, visit.fields.one("contact"))
    at = await _today(room)
    return await _paper(lambda: room.papers.label(reached["name"], reached["value"], at=at))


async def letter(room: Room, visit: Visit) -> Response:
    """One letter, as above."""
    body, contact = visit.fields.one("body", 4 * LONGEST), visit.fields.one("contact")
    if not body.strip():
        raise CallError("the letter is empty; write it first, then ask for it again")
    reached = await room.desk.letter_address(visit.session, contact)
    if request := visit.fields.one("request"):  # the answer to a complaint says where else there is to turn to
        taken = await room.desk.task(visit.session, request, reached["purpose"])
        body = beside(body, room.words.offices(taken["right"]))
    why, at = room.words.purpose(reached["purpose"]), await _today(room)
    return await _paper(
        lambda: room.papers.letter(
            reached["name"], reached["value"], body, why=why, number=reached["contact"], at=at
        )
    )  # fmt: skip


async def _today(room: Room) -> datetime:
    return datetime.fromtimestamp((await room.desk.about())["now"] / 1000, UTC)


async def _paper(made: Callable[[], bytes]) -> Response:
    """A PDF, made beside the loop, shown by the browser and kept by nobody."""
    body = await asyncio.to_thread(made)
    return Response(body, media_type="application/pdf", headers={"content-disposition": "inline"})


async def outcome(room: Room, visit: Visit) -> Response:
    """What came of a contact: said at once, or later by its number."""
    contact = visit.fields.one("contact", _SHORT).strip()
    if not contact:
        raise CallError("type the number of the letter or call; it stands on the letter")
    answers = visit.fields.one("answers", _SHORT).strip() or visit.fields.one("number", _SHORT).strip()
    await room.desk.came_of_it(visit.session, contact, visit.fields.one("outcome"), answers)
    done = "It is noted down, and the request that it answered is closed." if answers else "It is noted down."
    return await sent(room, visit, done)


async def sent(room: Room, visit: Visit, done: str = "") -> Response:
    """What went out and what was refused, newest first, and why. Nothing of whom it went to."""
    before = visit.fields.one("before", 15)
    if before and not (before.isascii() and before.isdecimal()):
        raise HTTPException(400)
    messages = await room.desk.messages(visit.session, int(before) if before else None)
    return room.show(visit, "sent.html", here="/sent", messages=messages, done=done, full=len(messages) >= SHOWN)
