"""The work itself: what waits, one person found for a task, one request taken up, a look at what it needs, an answer."""

from collections.abc import Sequence

from starlette.responses import Response

from avow.desk.interface import Task
from avow.doors.console.room import Room, Visit
from avow.errors import CallError, Refused

SHOWN = 200  # requests in the desk's queue at most


async def queue(room: Room, visit: Visit, done: str = "") -> Response:
    """Open requests that the role has to do with, oldest first. `done`: what was done just now."""
    waiting = await room.desk.queue(visit.session)
    now = (await room.desk.about())["now"]
    return room.show(
        visit, "queue.html", here="/queue", waiting=waiting, now=now, full=len(waiting) >= SHOWN, done=done,
        business=room.words.business(visit.colleague["role"]),
    )  # fmt: skip


async def find(room: Room, visit: Visit) -> Response:
    """The page to look somebody up, and what they have asked for. It releases nothing of theirs."""
    category, value = visit.fields.one("category"), visit.fields.one("value").strip()
    choices = room.words.look_ups()
    if not value:
        return room.show(visit, "find.html", here="/find", choices=choices, category=category, found=None, now=0)
    found = await room.desk.find(visit.session, category, value)
    now = (await room.desk.about())["now"]
    return room.show(visit, "find.html", here="/find", choices=choices, category=category, found=found, now=now)


async def task(room: Room, visit: Visit) -> Response:
    """Take a request up for one purpose: what may be asked for, and nothing shown yet."""
    return _task(
        room, visit, await room.desk.task(visit.session, visit.fields.one("request"), visit.fields.one("purpose"))
    )


def _task(
    room: Room, visit: Visit, taken: Task, values: Sequence[tuple[str, str | None]] | None = None, wrong: str = ""
) -> Response:
    others = [name for name in room.words.held() if name not in taken["categories"]]
    first = room.words.asked_first(visit.colleague["role"], taken["purpose"])
    return room.show(
        visit, "task.html", status=400 if wrong else 200, task=taken, others=others, values=values, wrong=wrong,
        first=first, channels=room.words.by_hand(),
    )  # fmt: skip


async def look(room: Room, visit: Visit) -> Response:
    """What was ticked, shown once on this page. The desk decides and records first; a refusal is shown in full.

    The request is taken up anew with every look, so that whose data these are and what for is always what the page
    says, and no leave to look ever lies in a browser.
    """
    categories = list(dict.fromkeys(visit.fields.every("category")))
    taken = await room.desk.task(visit.session, visit.fields.one("request"), visit.fields.one("purpose"))
    if not categories:
        return _task(
            room, visit, taken, wrong="Tick what the answer needs. Nothing was asked for, and nothing recorded."
        )
    try:
        values = await room.desk.look(visit.session, taken["task"], categories)
    except Refused as refused:
        return room.refused(visit, refused, {"categories": categories, "task": taken})
    return _task(room, visit, taken, [(name, values.get(name)) for name in categories])


async def close(room: Room, visit: Visit) -> Response:
    """The request is answered."""
    if visit.fields.one("answered") != "yes":
        raise CallError("tick that the request is answered; it stays open until then")
    await room.desk.close(visit.session, visit.fields.one("request"))
    return await queue(room, visit, "The request is closed. What it alone permitted is over.")


async def send_code(room: Room, visit: Visit) -> Response:
    """A code to the address on file. Whoever reads mail there does what was asked for themself."""
    await room.desk.send_code_for(visit.session, visit.fields.one("request"))
    return await queue(
        room, visit, "A code is on its way to the address on file. The request stays open until you close it."
    )


async def answer(room: Room, visit: Visit) -> Response:
    """An answer by mail, which closes the request."""
    if not visit.fields.one("text").strip():
        raise CallError("write the answer first; nothing was sent, and the request stays open")
    await room.desk.answer(visit.session, visit.fields.one("request"), visit.fields.one("text"))
    return await queue(room, visit, "The answer is on its way, and the request is closed.")
