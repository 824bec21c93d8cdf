"""The forms by which people write to the shop: contact, quote, complaint, contest, newsletter, whichever the policy has."""

from collections.abc import Mapping
from typing import Final

from starlette.responses import Response

from avow.desk.interface.contests import Entered
from avow.errors import BadValue, Denied
from avow.policy.contests import contests
from avow.policy.model import Collect, Policy
from examples.shop.fields import PERHAPS, boxes, faults, fields, groups, only_for_boxes
from examples.shop.room import FORM, STALE, Visit

ELSEWHERE: Final = frozenset(  # forms that are no page for somebody to write on: they have a place of their own
    {"order", "cart", "basket", "registration", "affiliate-link", "payment-notice", "order-notice"}
)
TICK: Final = "Tick the box if you want this. Without your yes we do not take your address"


def written(policy: Policy) -> tuple[str, ...]:
    """The names of such forms, in the policy's order."""
    asks = {clause.form for promise in policy.promises for clause in promise.clauses if isinstance(clause, Collect)}
    return tuple(one.name for one in policy.forms.values() if one.at is None and one.name in asks - ELSEWHERE)


def title(policy: Policy, form: str) -> str:
    """What the page is called: `the contact form` -> `Contact`."""
    says = (policy.forms[form].says or form).removeprefix("the ").removesuffix(" form")
    return says[:1].upper() + says[1:]


async def write(visit: Visit) -> Response:
    """Show the form; taken in, say so. A box that must be confirmed says that a link comes by mail."""
    form = visit.request.url.path.strip("/")
    if "once" not in visit.form.fields:
        return await _closed(visit, form) or _shown(visit, form)
    policy, room = visit.room.policy, visit.room
    asked, ticks = fields(policy, form), boxes(policy, form)
    given = {name: value.strip() for name, value in visit.form.fields.items() if value.strip()}
    sure = given.get("no_card") == "yes"
    errors = faults(asked, given, no_card=sure)
    errors |= visit.strange({*(one.name for one in asked), *(one.id for one in ticks), "no_card"})
    chosen = [box for box in ticks if given.get(box.id) == "yes"]
    if ticks and not chosen and only_for_boxes(policy, form):
        errors[ticks[0].id] = TICK
    if errors:
        return _shown(visit, form, errors)
    values = {one.name: given[one.name] for one in asked if one.name in given}
    try:
        room.tokens.spend(visit.sent(form), within=FORM)
        taken = await room.desk.collect(
            form, values, session=visit.session or None, no_card=sorted(values) if sure else (),
            agreed={box.id: box.words for box in chosen},
        )  # fmt: skip
    except Denied:
        return _shown(visit, form, {"once": STALE})
    except BadValue:
        return _shown(visit, form, {asked[-1].name: PERHAPS})
    waiting = [box for box in chosen if box.by_mail]
    if waiting:
        return visit.page("confirm.html", says=[box.words for box in waiting])
    return _thanks(visit, form, entry=await _entered(visit, form, taken["receipt"]))


async def _closed(visit: Visit, form: str) -> Response | None:
    """Where the form enters a contest that is closed and not over: say so, instead of asking for anything."""
    kind = visit.room.policy.forms[form].opens
    if kind not in contests(visit.room.policy):
        return None
    newest = next((one for one in await visit.room.desk.contests() if one["kind"] == kind), None)
    if newest is None or newest["phase"] not in ("closed", "drawn", "ending"):
        return None
    return visit.page("closed.html", title=title(visit.room.policy, form), drawn=newest["drawn"])


async def _entered(visit: Visit, form: str, receipt: str) -> Entered | None:
    """What somebody who entered a contest is given, to find and prove their entry by."""
    if visit.room.policy.forms[form].opens not in contests(visit.room.policy):
        return None
    return await visit.room.desk.entered(receipt)


def _shown(visit: Visit, form: str, errors: Mapping[str, str] | None = None) -> Response:
    policy = visit.room.policy
    return visit.page(
        "write.html", status=400 if errors else 200, form=form, title=title(policy, form), groups=groups(policy, form),
        boxes=boxes(policy, form), given=visit.form.fields if errors else {}, errors=errors or {},
        once=visit.once(form), doubt=PERHAPS in (errors or {}).values(),
    )  # fmt: skip


def _thanks(visit: Visit, form: str, *, entry: Entered | None = None) -> Response:
    policy = visit.room.policy
    kind = policy.forms[form].opens
    opened = policy.requests[kind].says if kind else ""
    return visit.page("thanks.html", title=title(policy, form), opened=opened, entry=entry)
