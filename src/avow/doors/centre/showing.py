"""What a person is shown: the overview, what is held, what happened, and a copy to take home."""

import json
from typing import Final

from starlette.responses import Response

from avow.doors.centre import archive, words
from avow.doors.centre.room import Room, Visit

EVENTS: Final = 25  # on a page


async def overview(visit: Visit) -> Response:
    """Where everything begins."""
    choices = await visit.desk.choices(visit.session)
    return visit.page(
        "overview.html",
        leaving=await visit.desk.leaving(visit.session),
        held_back=await visit.desk.held_back(visit.session),
        given=sum(one["given"] for one in choices),
        choices=len(choices),
        opted_out=await visit.desk.opted_out(visit.session),
    )


async def held(visit: Visit, done: str = "") -> Response:
    """Each datum with where it came from, what for, and until when."""
    export = await visit.desk.held(visit.session)
    policy = visit.room.policy
    requests = words.requests(policy, export["requests"], (await visit.desk.about())["now"])
    rows = words.rows(policy, export["data"], visit.room.versions)
    gone = words.disclosures(policy, export["disclosures"])
    return visit.page("held.html", rows=rows, requests=requests, disclosures=gone, done=done)


async def seen(visit: Visit) -> Response:
    """Who looked and who got it, newest first."""
    events = words.events(visit.room.policy, await visit.desk.seen(visit.session))
    last = max(1, -(-len(events) // EVENTS))
    asked = visit.form.get("page", "1")
    number = min(max(int(asked), 1), last) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 1
    shown = events[(number - 1) * EVENTS : number * EVENTS]
    return visit.page("seen.html", events=shown, total=len(events), number=number, last=last)


async def copy_page(visit: Visit) -> Response:
    """Where the two files are asked for."""
    return visit.page("copy.html")


async def download(visit: Visit) -> Response:
    """A file: everything for machines (JSON), or to be read (a page that needs nothing else), or receipts of consents."""
    room, kind = visit.room, visit.form.get("as", "")
    if kind == "receipts":
        receipts = await visit.desk.consent_receipts(visit.session)
        return _file(room, "consent-receipts.json", "application/ld+json", _json(receipts))
    export = await visit.desk.held(visit.session)
    if kind == "json":
        return _file(room, "your-data.json", "application/json", _json(export))
    now = (await room.desk.about())["now"]
    if kind == "zip":
        packed = archive.packed(room.env, room.policy, export, room.versions, now)
        return _file(room, "your-data.zip", "application/zip", packed)
    page = archive.page(room.env, room.policy, export, room.versions, now)
    return _file(room, "your-data.html", "text/html", page)


def _json(told: object) -> str:
    return json.dumps(told, ensure_ascii=False, indent=2)


def _file(room: Room, name: str, media: str, body: str | bytes) -> Response:
    """To be saved, never shown in place of a page."""
    headers = {
        "content-disposition": f'attachment; filename="{room.policy.site}-{name}"', "cache-control": "no-store",
        "x-content-type-options": "nosniff", "content-security-policy": "sandbox; default-src 'none'",
    }  # fmt: skip
    return Response(body, media_type=media, headers=headers)
