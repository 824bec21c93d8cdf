"""The rest of the house: the record and the site's health, the staff, one's own account and passkeys."""

from starlette.responses import Response

from avow.doors.console.fields import answer
from avow.doors.console.room import Room, Visit
from avow.errors import CallError, Denied


async def record(room: Room, visit: Visit) -> Response:
    """The ledger's state, to be compared with what somebody outside has kept, and whether the sweeps run."""
    return room.show(visit, "record.html", here="/record", state=await room.desk.record(visit.session))


async def affiliates(room: Room, visit: Visit) -> Response:
    """What affiliates are owed. That only admins are told is for the desk to say."""
    owed = await room.desk.payouts(visit.session)
    return room.show(visit, "affiliates.html", here="/affiliates", owed=owed, programme=room.programme)


async def staff(room: Room, visit: Visit) -> Response:
    """Who may come, and who goes. The page is a form; that only admins may is for the desk to say."""
    return room.show(visit, "staff.html", here="/staff", roles=room.words.roles(), invitation="", name="", done="")


async def invite(room: Room, visit: Visit) -> Response:
    """An invitation, shown once."""
    name = visit.fields.one("name").strip()
    invitation = await room.desk.invite(visit.session, name, visit.fields.one("role"))
    return room.show(
        visit, "staff.html", here="/staff", roles=room.words.roles(), invitation=invitation, name=name, done=""
    )


async def dismiss(room: Room, visit: Visit) -> Response:
    """Somebody leaves, at once."""
    name = visit.fields.one("leaver").strip()
    if not name:
        raise CallError("type the name of who leaves")
    if name.casefold() == visit.colleague["name"].casefold():
        raise CallError("nobody dismisses themself; ask another admin")
    await room.desk.dismiss(visit.session, name)
    done = "Whoever goes by this name has no access any more, and no open session."
    return room.show(visit, "staff.html", here="/staff", roles=room.words.roles(), invitation="", name="", done=done)


async def account(room: Room, visit: Visit, done: str = "") -> Response:
    """Who I am, what my role may see, my passkeys."""
    role = visit.colleague["role"]
    return room.show(visit, "account.html", here="/account", business=room.words.business(role), done=done)


async def passkey_wanted(room: Room, visit: Visit) -> Response:
    """The page on which the browser makes a passkey."""
    options = await room.desk.passkey_wanted(visit.session, room.origin)
    return room.show(visit, "new-passkey.html", options=options)


async def passkey_made(room: Room, visit: Visit) -> Response:
    """What the browser made is kept."""
    said = answer(visit.fields.one("answer", 16_384))
    try:
        await room.desk.passkey_made(visit.session, room.origin, said)
    except Denied:
        return room.wrong(visit, 403, "No passkey was made", "What the browser sent does not hold. Start again.")
    visit.colleague = await room.desk.colleague(visit.session)
    return await account(room, visit, "Your passkey is kept. You can sign in with it from now on.")
