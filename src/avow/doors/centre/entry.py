"""Coming in: by a code sent to the contact on file, by a password, or handed over from the shop; and going out.

Whoever asks for a code is answered the same, whether anybody is held under that contact or not.
"""

from starlette.requests import Request
from starlette.responses import Response

from avow.doors.centre.forms import contact_fault, posted
from avow.doors.centre.room import ENDED, Room, Visit, opened
from avow.doors.centre.showing import overview
from avow.errors import BadValue, CallError, Denied

_NOT_THAT = "That code or password does not hold, or it came too late. Look again, or have a new code sent."


async def door(room: Room, request: Request) -> Response:
    """The first page. A posted session token, from the shop, opens the overview."""
    if request.method != "POST":
        return room.entry()
    form = await posted(request, {"session"})
    try:
        return await overview(Visit(room, form, await opened(room, form)))
    except Denied:
        return room.entry(status=403, notice=ENDED)


async def code(room: Room, request: Request) -> Response:
    """Send a code, and ask for it."""
    if request.method != "POST":
        return room.entry()
    form = await posted(request, {"contact"})
    contact = form.get("contact", "").strip()
    if room.contact is None:
        return room.entry()
    if fault := contact_fault(contact):
        return room.entry(status=400, errors={"contact": fault}, value=contact[:320])
    try:
        await room.desk.send_code(room.contact, contact)
    except BadValue:
        return room.entry(status=400, errors={"contact": "Enter an e-mail address like name@example.com"})
    return room.page("code.html", contact=contact, errors={}, notice="")


async def enter(room: Room, request: Request) -> Response:
    """A code for a session. Without one: the page for who has a code already, by a mail that leads here."""
    if request.method != "POST":
        return room.page("code.html", contact="", notice="", errors={}) if room.contact else room.entry()
    form = await posted(request, {"contact", "code"})
    contact, given = form.get("contact", "").strip(), "".join(form.get("code", "").split())
    if room.contact is None or contact_fault(contact):
        return room.entry(status=400, errors={"contact": contact_fault(contact)})
    if len(given) != 8 or not (given.isascii() and given.isdigit()):
        return room.page(
            "code.html", status=400, contact=contact, notice="", errors={"code": "Enter the eight figures of the code"}
        )
    try:
        session = await room.desk.enter(room.contact, contact, given)
    except (Denied, BadValue):
        return room.page("code.html", status=403, contact=contact, notice=_NOT_THAT, errors={})
    return await overview(Visit(room, form, session))


async def sign_in(room: Room, request: Request) -> Response:
    """A password for a session."""
    if request.method != "POST":
        return room.entry()
    form = await posted(request, {"contact", "password"})
    contact, password = form.get("contact", "").strip(), form.get("password", "")
    if room.contact is None:
        return room.entry()
    errors = {"password-contact": contact_fault(contact), "password": "" if password else "Enter your password"}
    if any(errors.values()):
        named = {name: fault for name, fault in errors.items() if fault}
        return room.entry(status=400, errors=named, value=contact[:320])
    try:
        session = await room.desk.sign_in(room.contact, contact, password)
    except (Denied, CallError):
        return room.entry(status=403, notice=_NOT_THAT, value=contact)
    return await overview(Visit(room, form, session))


async def sign_out(room: Room, request: Request) -> Response:
    """The session is over."""
    if request.method == "POST":
        form = await posted(request, {"session"})
        if len(form.get("session", "")) <= 512:
            await room.desk.sign_out(form.get("session", ""))
    return room.entry(notice="You are signed out. Nothing of this visit stays in your browser.")
