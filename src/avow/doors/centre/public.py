"""Pages for anybody: the policy itself, the promises one by one, and how to reach us."""

from datetime import UTC, date, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from avow.doors.centre import words
from avow.doors.centre.acting import PERHAPS, card_fault
from avow.doors.centre.forms import contact_fault, posted, text_fault
from avow.doors.centre.room import Room, guarded
from avow.doors.design import figures
from avow.errors import BadValue, NotHeld
from avow.policy import notice
from avow.policy.aggregates import recipient
from avow.policy.contests import contests as found
from avow.policy.model import Form, Policy, Share
from avow.policy.notice import outline

KEY = "/package-key.json"


async def policy(room: Room, _: Request) -> Response:
    """The page that is made from the policy in force, byte for byte; with a mark where a change is to be announced."""
    return as_notice(room.policy, _news(room))


def as_notice(policy: Policy, mark: notice.Standing | None) -> Response:
    """The notice of a version, under the policy that lets it have its own style and nothing else."""
    headers = guarded(notice.style_source()) | {"cache-control": "no-store", "x-content-type-options": "nosniff"}
    return HTMLResponse(notice.html(policy, mark), headers=headers)


def _news(room: Room) -> notice.Standing | None:
    told = next(iter(room.known.news()), None)
    if told is None:
        return None
    return notice.Standing("next" if told.coming else "new", day(told.at), told.digest)


async def promises(room: Room, _: Request) -> Response:
    """Each promise with its words, where it was published, and what keeps it."""
    packs = any(clause.way != "summarise" for _, clause in room.policy.clauses(Share))
    return room.page(
        "promises.html", sections=outline.sections(room.policy), verdicts=room.verdicts(), key=KEY if packs else ""
    )


async def package_key(room: Room, _: Request) -> Response:
    """The key by which a recipient tells that a package is ours: a JWK (RFC 7517)."""
    headers = guarded() | {
        "cache-control": "no-store", "x-content-type-options": "nosniff",
        "content-disposition": 'attachment; filename="package-key.json"',
    }  # fmt: skip
    return JSONResponse(await room.desk.package_key(), headers=headers, media_type="application/jwk+json")


async def statistics(room: Room, _: Request) -> Response:
    """What was released in figures: of what, for whom, at which cost. The figures themselves only where they are for everybody."""
    known = room.policy
    return room.page(
        "statistics.html", releases=await room.desk.releases(), budgets=await room.desk.budgets(), figures=figures,
        recipient=lambda name: recipient(known, name), purpose=lambda name: known.purposes[name].says if name in known.purposes else name,
        category=lambda name: known.categories[name].says if name in known.categories else name,
    )  # fmt: skip


async def contests(room: Room, _: Request) -> Response:
    """Every contest that was closed, with the file by which anybody checks its draw."""
    about, known = await room.desk.about(), await room.desk.contests()
    ids = {kind: one.promises for kind, one in found(room.policy).items()}
    return room.page("contests.html", contests=known, key=about["verifier_key"], promises=ids, now=about["now"])


async def draw(room: Room, request: Request) -> Response:
    """That file."""
    try:
        told = await room.desk.draw(request.path_params["contest"])
    except NotHeld:
        return room.wrong(404)
    name = f"{told['statement']['kind']}-{told['statement']['number']}.json"
    headers = guarded() | {
        "cache-control": "no-store", "x-content-type-options": "nosniff",
        "content-disposition": f'attachment; filename="{name}"',
    }  # fmt: skip
    return JSONResponse(told, headers=headers)


async def contact(room: Room, request: Request) -> Response:
    """Every route to the controller, and the policy's own form for questions, which opens a service request."""
    return await _written(room, request, "question", "/contact")


async def complaint(room: Room, request: Request) -> Response:
    """The policy's form for complaints, for whoever is not signed in."""
    return await _written(room, request, "complaint", "/complaint")


def day(milliseconds: int) -> date:
    """The day of a moment, UTC."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).date()


def form_for(room: Room, kind: str) -> Form | None:
    """The merchant's own form that opens such a request."""
    return next((f for f in room.policy.forms.values() if f.opens == kind and f.at is None), None)


async def _written(room: Room, request: Request, kind: str, action: str) -> Response:
    form = form_for(room, kind)
    fields, purposes = words.asked(room.policy, form.name) if form else ([], "")
    _, offices, _ = words.answering(room.policy, "complain")
    within, _, _ = words.answering(room.policy, *(("complain", "ask") if kind == "complaint" else ("ask",)))
    shown: dict[str, Any] = {
        "ways": outline.ways(room.policy), "claims": outline.claims(room.policy), "fields": fields, "action": action,
        "kind": kind, "within": within, "offices": offices, "values": {}, "errors": {}, "sent": "", "doubt": False,
        "here": action, "purposes": purposes, "complaint": form_for(room, "complaint"),
    }  # fmt: skip
    if request.method != "POST" or form is None:
        return room.page("contact.html", **shown)
    given = await posted(request, {*(name for name, _, _ in fields), "no_card"})
    sure = given.pop("no_card", "") == "yes"
    values = {name: value for name, value in given.items() if value.strip()}
    errors = _faults(room, fields, values, sure=sure)
    if not errors:
        try:
            taken = await room.desk.collect(form.name, values, no_card=sorted(values) if sure else ())
            return room.page("contact.html", **(shown | {"sent": taken["request"] or "-"}))
        except BadValue:
            errors = {fields[-1][0]: "This cannot be taken in; look at it again"}
    doubt = PERHAPS in errors.values()
    return room.page("contact.html", status=400, **(shown | {"values": given, "errors": errors, "doubt": doubt}))


def _faults(room: Room, fields: list[tuple[str, str, bool]], values: dict[str, str], *, sure: bool) -> dict[str, str]:
    found = {}
    for name, label, must in fields:
        value = values.get(name, "")
        if not value and not must:
            continue
        what = label[:1].lower() + label[1:]
        mail = room.policy.categories[name].channel == "mail"
        fault = contact_fault(value) if mail else text_fault(value, what)
        if fault := fault or card_fault(value, confirmed=sure):
            found[name] = fault
    return found
