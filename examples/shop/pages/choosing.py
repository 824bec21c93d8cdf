"""Forms that ask for nothing and let a signed-in person agree to what a recipient may have: unticked boxes, one each."""

from starlette.responses import Response

from avow.desk.interface import Choice
from avow.policy.model import Choose, Policy
from avow.policy.notice.statements import statement
from examples.shop.pages.account import entry
from examples.shop.pages.writing import ELSEWHERE, written
from examples.shop.room import Visit


def chosen_on(policy: Policy) -> tuple[str, ...]:
    """The names of such forms."""
    asking = {*written(policy), *ELSEWHERE}
    forms = {clause.form for promise in policy.promises for clause in promise.clauses if isinstance(clause, Choose)}
    return tuple(one.name for one in policy.forms.values() if one.name in forms - asking)


def _statement(policy: Policy, one: Choice) -> str:
    return statement(policy, one["way"], one["purposes"], one["recipients"], one["categories"])


async def choose(visit: Visit) -> Response:
    """The boxes. Nothing is agreed to by looking on; what was agreed to is taken back here as well."""
    room, form = visit.room, visit.request.url.path.strip("/")
    if not visit.session:
        visit.notice = visit.notice or "Sign in first: it is your own data that this is about."
        return entry(visit)
    promised = {
        promise.id for promise in room.policy.promises for clause in promise.clauses
        if isinstance(clause, Choose) and clause.form == form
    }  # fmt: skip
    offered = {one["id"]: one for one in await room.desk.choices(visit.session) if one["promise"] in promised}
    errors = visit.strange({*offered, "signature", "save", "withdraw"})
    if not errors and (back := visit.form.take("withdraw")) in offered:
        await room.desk.withdraw(visit.session, back)
        visit.notice = "Taken back. It holds from this moment on."
    elif not errors and visit.form.take("save"):
        errors = await _agreed(visit, offered)
    now = [one for one in await room.desk.choices(visit.session) if one["id"] in offered]
    return visit.page(
        "choose.html", status=400 if errors else 200, form=form, errors=errors,
        offers=[(one, _statement(room.policy, one)) for one in now], signs=any(one["written"] for one in now),
        recipients=[one for one in room.policy.recipients.values() if any(one.name in c["recipients"] for c in now)],
    )  # fmt: skip


async def _agreed(visit: Visit, offered: dict[str, Choice]) -> dict[str, str]:
    ticked = [one for one in offered.values() if visit.form.take(one["id"]) == "yes" and not one["given"]]
    name = visit.form.take("signature").strip()
    if any(one["written"] for one in ticked) and not (2 < len(name) <= 200 and name.isprintable()):
        return {"signature": "Sign with your full name: this choice has to be agreed to in writing"}
    for one in ticked:
        signed = f" Signed: {name}" if one["written"] else ""
        await visit.room.desk.agree(visit.session, one["id"], _statement(visit.room.policy, one) + signed)
    visit.notice = (
        "Saved. You can take it back here at any time." if ticked else "Nothing was ticked, and nothing changed."
    )
    return {}
