"""Coming in and going out: an invitation accepted, a name and password or a passkey, the agreement signed."""

from contextlib import suppress
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from avow.doors.console.fields import answer, read
from avow.doors.console.room import Room, Visit, mark
from avow.doors.console.words import sentence
from avow.doors.console.work import queue
from avow.doors.design import page
from avow.errors import BadValue, CallError, Denied, TooMany

_UNKNOWN: Final = "Name and password do not fit together. Check both and try again."
_PASSKEY: Final = "That passkey does not show who you are. Try again, or use your password."
_LATE: Final = "This invitation does not hold: it was used, or it is older than three days. Ask for a new one."


class Entry:
    """The pages of somebody who is not signed in yet."""

    def __init__(self, room: Room) -> None:
        self._room = room

    async def start(self, _: Request) -> Response:
        """The page to sign in."""
        return self._room.sign_in()

    async def sign_in(self, request: Request) -> Response:
        """By name and password."""
        fields = await read(request)
        name, password = fields.one("name"), fields.one("password")
        try:
            session = await self._room.desk.staff_sign_in(name, password)
        except TooMany as error:
            return self._room.sign_in(status=429, wrong=sentence(error), name=name)
        except (Denied, CallError):
            return self._room.sign_in(status=403, wrong=_UNKNOWN, name=name)
        return await self._room.land(session, queue)

    async def invited(self, _: Request) -> Response:
        """The page to accept an invitation. It is typed or pasted: an invitation never stands in an address."""
        return page(self._room.env, "accept.html", errors={})

    async def accept(self, request: Request) -> Response:
        """Become staff."""
        fields = await read(request)
        password = fields.one("password")
        errors: dict[str, str] = {}
        if password != fields.one("again"):
            errors["again"] = "The two passwords differ. Type the same one twice."
        else:
            try:
                session = await self._room.desk.accept(fields.one("invitation").strip(), password)
            except BadValue as error:
                errors["password"] = sentence(error)
            except (Denied, CallError):
                errors["invitation"] = _LATE
            else:
                return await self._room.land(session, queue)
        return page(self._room.env, "accept.html", status=400, errors=errors)

    async def passkey(self, request: Request) -> Response:
        """The page on which the browser asks for a passkey; alike for names that nobody has."""
        name = (await read(request)).one("name")
        if not name.strip():
            return self._room.sign_in(
                status=400, wrong="Type your name first; the passkey is yours, not the machine's."
            )
        try:
            options = await self._room.desk.passkey_asked(name, self._room.origin)
        except (Denied, CallError):
            return self._room.sign_in(status=403, wrong=_PASSKEY)
        return page(self._room.env, "passkey.html", options=options, name=name)

    async def passkey_answered(self, request: Request) -> Response:
        """By a passkey."""
        fields = await read(request)
        name, said = fields.one("name"), answer(fields.one("answer", 16_384))
        try:
            session = await self._room.desk.passkey_sign_in(name, self._room.origin, said)
        except TooMany as error:
            return self._room.sign_in(status=429, wrong=sentence(error), name=name)
        except (Denied, CallError):
            return self._room.sign_in(status=403, wrong=_PASSKEY, name=name)
        return await self._room.land(session, queue)

    async def sign_out(self, request: Request) -> Response:
        """The session is over, whether it was one or not."""
        fields = await read(request)
        with suppress(CallError):  # no session can have such a token
            await self._room.desk.sign_out(fields.one("session"))
        return page(self._room.env, "signed-out.html")


async def sign(room: Room, visit: Visit) -> Response:
    """Sign the agreement: the very text that was shown, which its mark tells from every other."""
    text = visit.colleague["agreement"]
    if visit.fields.one("mark") != mark(text):
        return room.agreement(
            visit, status=400, wrong="The text has changed meanwhile. Read the new one, and sign that."
        )
    if visit.fields.one("agreed") != "yes":
        return room.agreement(visit, status=400, wrong="Tick the box to sign; without it nothing is signed.")
    try:
        await room.desk.sign(visit.session, text)
    except CallError as error:
        visit.colleague = await room.desk.colleague(visit.session)
        return room.agreement(visit, status=400, wrong=sentence(error))
    return await room.land(visit.session, queue)
