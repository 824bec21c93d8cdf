"""The page behind the link in a warning: a change of contact called off, or a wish to be erased taken back.

It works signed out. Looking changes nothing, for scanners look too; what changes something is the page's button.
"""

import re
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from avow.doors.centre.forms import posted
from avow.doors.centre.room import Room
from avow.errors import Denied

_TOKEN: Final = re.compile(r"[A-Za-z0-9_=-]{1,512}")
KINDS: Final = ("call-off", "stay")
_NO_LINK: Final = "This link is none of ours, or the change that it was about is past. Nothing was changed."


async def undo(room: Room, request: Request) -> Response:
    """What the link would do, and a button that does it."""
    token = str(request.path_params["token"])
    asked = request.method == "POST" and (await posted(request, {"which"})).get("which") == "this"
    if request.method == "POST" and not asked:
        return room.wrong(400)
    try:
        link = await room.desk.link(token) if _TOKEN.fullmatch(token) else None
        if link is None or link["kind"] not in KINDS:
            raise Denied
        if asked:
            link = await room.desk.follow(token)
    except Denied:
        return room.wrong(404, title="This link does nothing any more", says=_NO_LINK)
    return room.page("undo.html", token=token, kind=link["kind"], done=link["done"], asked=asked)
