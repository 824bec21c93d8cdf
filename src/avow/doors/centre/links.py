"""The pages behind the links in mails: a way out of the next one, and a yes that counts once it is confirmed.

They work signed out, without cookies and without scripts. Looking changes nothing, for scanners and mail programs look,
too (HEAD and GET); what changes something is a POST: a button of the page, or the mail program's own one-click request,
which has no token but the address itself (RFC 8058, 3.2). Nothing here tells whose address it is.
"""

import re
from collections.abc import AsyncGenerator
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.responses import Response

from avow.desk.interface.mail import Link
from avow.doors import posted
from avow.doors.centre.room import Room
from avow.errors import Denied
from avow.policy.model import Contact, Policy

OUT, CONFIRM = "/out/{token}", "/confirm/{token}"
ONE_CLICK: Final = ("List-Unsubscribe", "One-Click")
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{1,512}")
_KINDS: Final = {"out": ("opt-out", "withdraw"), "confirm": ("confirm",)}


async def out(room: Room, request: Request) -> Response:
    """No more of this, or no more mail at all."""
    return await _answered(room, request, "out")


async def confirm(room: Room, request: Request) -> Response:
    """It was I who agreed."""
    return await _answered(room, request, "confirm")


async def _answered(room: Room, request: Request, page: str) -> Response:
    token, asked = str(request.path_params["token"]), ""
    if request.method == "POST":
        asked = _asked(await _fields(request), page)
        if not asked:
            return room.wrong(400)
    try:
        link = await _known(room, token, page)
        if asked:
            link = await room.desk.follow(token, everything=asked == "all")
    except Denied:
        return room.page("no-link.html", status=404, page=page)
    return room.page(f"{page}.html", **_shown(room.policy, link, token, asked))


async def _known(room: Room, token: str, page: str) -> Link:
    """What the link is for. Raises `Denied` for one of another page as for one that nobody made."""
    if not _TOKEN.fullmatch(token):
        raise Denied
    link = await room.desk.link(token)
    if link["kind"] not in _KINDS[page]:
        raise Denied
    return link


def _shown(policy: Policy, link: Link, token: str, asked: str) -> dict[str, Any]:
    everything = link["kind"] == "opt-out" or asked == "all"
    return {
        "token": token, "purpose": link["purpose"], "one": link["kind"] == "withdraw", "asked": asked,
        "stands": link["done"], "everything": everything, "owed": _owed(policy),
    }  # fmt: skip


def _owed(policy: Policy) -> bool:
    """Whether some notices are mailed even so."""
    return any(one.despite_opt_out and "mail" in one.channels for _, one in policy.clauses(Contact))


def _asked(fields: dict[str, str], page: str) -> str:
    """Which button it was: `this`, or `all`; empty for what is no button of the page."""
    if page == "out" and fields.get(ONE_CLICK[0]) == ONE_CLICK[1]:
        return "this"
    asked = fields.get("which", "")
    return asked if asked == "this" or (asked == "all" and page == "out") else ""


async def _fields(request: Request) -> dict[str, str]:
    """What was posted. A mail program may send it either way that a browser knows."""
    kind = request.headers.get("content-type", "")
    if kind.partition(";")[0].strip().lower() != "multipart/form-data":
        return dict(await posted.posted(request))
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > posted.LONGEST:
            raise HTTPException(413)

    async def whole() -> AsyncGenerator[bytes, None]:
        yield bytes(body)

    try:
        form = await MultiPartParser(request.headers, whole(), max_files=0, max_fields=posted.MOST).parse()
    except MultiPartException:
        raise HTTPException(400) from None
    return {name: value.strip() for name, value in form.items() if isinstance(value, str)}
