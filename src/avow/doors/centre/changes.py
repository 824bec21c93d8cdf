"""Every version of the policy, for anybody: the log of changes, what each one changes, its text, its files, and a feed.

Who looks is kept nowhere: no cookie, no number in an address. What somebody has seen already is told by their own browser,
which shows a link that was followed in other colours, or by a day that they put into the address.
"""

import re
from collections.abc import Mapping
from datetime import date
from itertools import pairwise
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from avow.desk.interface.changing import Version
from avow.doors.centre import compared, feed
from avow.doors.centre.public import as_notice, day
from avow.doors.centre.room import Public, Room, guarded
from avow.doors.versions import since
from avow.policy import notice

LOG: Final = "/changes"
FEED: Final = "/changes.atom"
KEPT: Final = (FEED, f"{LOG}/")  # what browsers may keep, as far as an answer says so: nobody's data are in it
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_EVER: Final = "public, max-age=31536000, immutable"  # an address with a digest in it has the same bytes for ever
_SOON: Final = "public, max-age=600"
_NO_DAY: Final = "Enter a day as year, month and day, like 2026-05-03"


async def log(room: Room, request: Request) -> Response:
    """Every version, newest first; what changed since a day, where one is asked for."""
    await room.known.look(again=True)
    asked = request.query_params.get("since", "")
    known, fault = room.known, _day_fault(asked, room.known.now)
    shown: dict[str, Any] = {
        "versions": list(reversed(known.all)), "until": _until(known.all), "asked": "" if fault else asked, "later": None,
        "errors": {"since": fault} if fault else {}, "today": day(known.now).isoformat(),
        "key": (await room.desk.about())["verifier_key"],
    }  # fmt: skip
    if asked and not fault:
        base, later = since(known.all, asked)
        old, new = base or known.all[0], known.in_force
        whole = await known.changed(old, new) if old["effective"] < new["effective"] else None
        shown |= {"later": later, "base": base, "whole": whole, "new": new}
    return room.page("changes.html", status=400 if fault else 200, **shown)


async def changed(room: Room, request: Request) -> Response:
    """What one version changes, in plain words."""
    one = await _version(room, request)
    if one is None:
        return room.wrong(404)
    before, change = room.known.find(one["previous"] or ""), await room.known.change_of(one)
    sides, same = compared.sides(change.promises) if change else ([], [])
    return room.page(
        "changed.html", one=one, before=before, change=change, sides=sides, promises_same=same,
        held=compared.held(change) if change else [],
    )  # fmt: skip


async def text(room: Room, request: Request) -> Response:
    """The notice of one version; that of the version in force is the policy page itself."""
    one = await _version(room, request)
    if one is None:
        return room.wrong(404)
    known, mark = room.known, None
    if one["state"] == "in-force":
        return RedirectResponse("/policy", 303, headers=guarded() | {"cache-control": "no-store"})
    in_force = date.fromisoformat(known.in_force["version"])
    if one["state"] == "to-come":
        mark = notice.Standing("to-come", date.fromisoformat(one["version"]), one["digest"], in_force)
    else:
        after = known.all[known.all.index(one) + 1]
        mark = notice.Standing("past", date.fromisoformat(after["version"]), after["digest"], in_force)
    return as_notice(known.policy(one), mark)


async def source(room: Room, request: Request) -> Response:
    """The bytes that were published."""
    one = await _version(room, request)
    return room.wrong(404) if one is None else _file(room, one, "yaml", "application/yaml", one["source"])


async def statement(room: Room, request: Request) -> Response:
    """What the log's key signed of it: a C2SP signed note."""
    one = await _version(room, request)
    return room.wrong(404) if one is None else _file(room, one, "note", "text/plain; charset=utf-8", one["note"])


async def page(room: Room, request: Request) -> Response:
    """Its notice as a file, byte for byte, without any mark."""
    one = await _version(room, request)
    if one is None:
        return room.wrong(404)
    return _file(room, one, "html", "text/html; charset=utf-8", notice.html(room.known.policy(one)))


async def atom(room: Room, request: Request) -> Response:
    """The feed."""
    await room.known.look(again=True)
    name = room.policy.controller.name
    entries = [
        feed.Entry(
            one["digest"], f"Privacy policy of {name}, version of {one['version']}", one["published"],
            compared.summary(await room.known.change_of(one)),
        )
        for one in reversed(room.known.all)
    ]  # fmt: skip
    origin = room.origin or f"{request.url.scheme}://{request.url.netloc}"
    body = feed.atom(origin, f"Changes of the privacy policy of {name}", name, entries)
    headers = guarded() | {"cache-control": _SOON, "x-content-type-options": "nosniff"}
    return Response(body, media_type=feed.MEDIA, headers=headers)


async def _version(room: Room, request: Request) -> Version | None:
    digest = str(request.path_params["digest"])
    if room.known.find(digest) is None:
        await room.known.look(again=True)
    return room.known.find(digest)


def _until(versions: tuple[Version, ...]) -> dict[str, int]:
    """By digest, when the next version takes, or took, a version's place."""
    return {one["digest"]: after["effective"] for one, after in pairwise(versions)}


def _day_fault(asked: str, now: int) -> str:
    """What is wrong with a day that was asked for, "" if nothing."""
    if not asked:
        return ""
    try:
        found = date.fromisoformat(asked) if _DAY.fullmatch(asked) else None
    except ValueError:
        found = None
    if found is None:
        return _NO_DAY
    return "That day is still to come; choose today or an earlier one" if found > day(now) else ""


def _file(room: Room, one: Version, kind: str, media: str, body: str) -> Response:
    """To be saved, never shown in place of a page."""
    headers = {
        "content-disposition": f'attachment; filename="{room.policy.site}-{one["version"]}.{kind}"',
        "cache-control": _EVER, "x-content-type-options": "nosniff",
        "content-security-policy": "sandbox; default-src 'none'",
    }  # fmt: skip
    return Response(body.encode(), media_type=media, headers=headers)


_ONE: Final = f"{LOG}/{{digest}}"
PAGES: Final[Mapping[str, Public]] = {
    LOG: log, FEED: atom, _ONE: changed, f"{_ONE}/text": text, f"{_ONE}/policy.yaml": source,
    f"{_ONE}/statement.txt": statement, f"{_ONE}/notice.html": page,
}  # fmt: skip
