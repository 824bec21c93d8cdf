"""What came by letter or telephone, taken down: a stop, a right that is asked for, a question or an order."""

from starlette.responses import Response

from avow.cards import Suspicion, suspicion
from avow.doors.console.room import Room, Visit
from avow.doors.console.words import CHANNELS, listed, sentence
from avow.errors import BadValue, CallError

LONGEST = 64 * 1024  # characters of what somebody wrote


async def start(room: Room, visit: Visit, done: str = "", undone: str = "") -> Response:
    """What was it about?"""
    return room.show(visit, "incoming.html", here="/incoming", done=done, undone=undone)


async def stop(room: Room, visit: Visit) -> Response:
    """They want no more of it. It has stopped when the page is there."""
    channels = list(dict.fromkeys(filter(None, visit.fields.every("channel"))))
    value = visit.fields.one("stop-value").strip()
    if not channels or not value:
        raise CallError("tick what is to stop, and type what the person told you about themself; nothing was changed")
    stopped = await room.desk.stop(
        visit.session, visit.fields.one("through"), visit.fields.one("category"), value, channels
    )
    still = [CHANNELS[name] for name in channels if name not in stopped]
    done = f"From this moment on they get no more {listed([CHANNELS[name] for name in stopped])}." if stopped else ""
    undone = (
        f"Nobody is held under that, so it stops nothing of {listed(still)}: ask for the number or address itself."
        if still
        else ""
    )
    return await start(room, visit, done, undone)


async def right(room: Room, visit: Visit) -> Response:
    """A right is asked for; it waits in the queue until the person has shown who they are."""
    value = visit.fields.one("right-value").strip()
    if not value:
        raise CallError("type what the person told you about themself; nothing was opened")
    one = visit.fields.one
    await room.desk.ask_for(visit.session, one("through"), one("right"), one("category"), value)
    return await start(
        room, visit, "It is on record and waits among the requests. Nothing of theirs is released by it."
    )


async def form(room: Room, visit: Visit) -> Response:
    """The fields for what somebody asks for."""
    name = visit.fields.one("form")
    if name not in dict(room.words.forms()):
        raise CallError("choose what they ask for")
    return _form(room, visit, name)


def _form(room: Room, visit: Visit, name: str, wrong: str = "") -> Response:
    given = {field.name: visit.fields.one(field.name, LONGEST) for field in room.words.fields(name)}
    doubt = any(suspicion(text) is Suspicion.DOUBTFUL for text in given.values())
    return room.show(
        visit, "wish.html", status=400 if wrong else 200, form=name, through=visit.fields.one("through"), given=given,
        fields=room.words.fields(name), asked=dict(room.words.forms())[name], wrong=wrong,
        doubt=doubt,
    )  # fmt: skip


async def wish(room: Room, visit: Visit) -> Response:
    """Taken down: the request is open."""
    one, name = visit.fields.one, visit.fields.one("form")
    if name not in dict(room.words.forms()):
        raise CallError("choose what they ask for")
    fields = [field.name for field in room.words.fields(name)]
    given = {field: text for field in fields if (text := one(field, LONGEST).strip())}
    if not given:
        return _form(room, visit, name, "Nothing was taken down yet.")
    sure = fields if one("no_card") == "yes" else []
    try:
        request = await room.desk.take_down(visit.session, one("through"), name, given, sure)
    except BadValue as error:
        return _form(room, visit, name, sentence(error))
    return await start(room, visit, f"It is taken down as request no. {request[:8]}, and waits among the others.")
