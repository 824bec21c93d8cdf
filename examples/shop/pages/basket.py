"""The cart. It travels in the page; where the policy declares a cookie for it, one may leave and come back as well."""

from starlette.responses import Response

from avow.errors import Denied
from avow.policy.model import Cookies
from examples.shop.room import CART, COOKIE, STALE, Visit
from examples.shop.site import MOST

_CHANGES = {"product", "count", "add"}


async def cart(visit: Visit) -> Response:
    """Show it; a posted article changes it first."""
    room, form = visit.room, visit.form
    errors = visit.strange(_CHANGES)
    slug = form.take("product")
    if slug and not errors and not _ours(visit):
        errors["product"] = STALE
    if slug and not errors:
        count = _number(form.take("count") or "1")
        if slug not in room.site.products:
            errors["product"] = "We do not sell that (any more). Choose from the shop"
        elif count is None:
            errors[f"count-{slug}"] = f"Enter how many as a whole number from 0 to {MOST}"
        else:
            held = visit.cart.count(slug) if form.take("add") else 0
            visit.cart = visit.cart.put(room.site, slug, held + count)
            remember(visit)
    return visit.page("cart.html", status=400 if errors else 200, errors=errors)


def remember(visit: Visit) -> None:
    """Let the cart wait for its cookie, where the policy has one."""
    if _declared(visit):
        value = visit.room.waiting.keep(visit.request.cookies.get(COOKIE, ""), visit.cart.told())
        if value != visit.request.cookies.get(COOKIE):
            visit.cookies.append((COOKIE, value, None))


def empty(visit: Visit) -> None:
    """The order is placed: nothing waits any more, and the browser may forget the cookie."""
    visit.cart = type(visit.cart)()
    if value := visit.request.cookies.get(COOKIE):
        visit.room.waiting.end(value)
        visit.cookies.append((COOKIE, "", 0))


def _ours(visit: Visit) -> bool:
    """Whether one of our own pages sent it."""
    try:
        visit.room.tokens.open(f"form {COOKIE}", visit.form.take("once"), within=CART)
    except Denied:
        return False
    return True


def _declared(visit: Visit) -> bool:
    clauses = (clause for promise in visit.room.policy.promises for clause in promise.clauses)
    return any(isinstance(one, Cookies) and one.name == COOKIE and one.at is None for one in clauses)


def _number(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 3 else None
