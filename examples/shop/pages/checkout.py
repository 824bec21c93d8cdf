"""From the cart to the payment company: the order form of the policy, taken in once, and then the way to pay.

Where the policy has no order form of the merchant's own, nothing is asked here: the company takes the order itself.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

from starlette.responses import RedirectResponse, Response

from avow.doors.payment import Order, Redirect
from avow.doors.tokens import Opened
from avow.errors import BadValue, Denied
from avow.policy.model import Policy
from examples.shop.fields import PERHAPS, boxes, faults, fields, fills_in, groups, takes_goods
from examples.shop.orders import OPEN, Placed
from examples.shop.pages.basket import empty
from examples.shop.pages.shelf import gpc
from examples.shop.room import STALE, Visit
from examples.shop.site import CURRENCY

ABOUT: Final = "order"
SHORTEST, LONGEST = 12, 128  # characters of a password, as the desk takes it


async def checkout(visit: Visit) -> Response:
    """The order form, filled in for who is signed in as far as the policy lets it be."""
    form = visit.room.order_form
    given: Mapping[str, str] = {}
    if form and visit.session and fills_in(visit.room.policy, form):
        given = await visit.room.desk.prefill(visit.session, form)
    return shown(visit, given, filled=bool(given))


def shown(
    visit: Visit, given: Mapping[str, str], *, errors: Mapping[str, str] | None = None, filled: bool = False
) -> Response:
    """The checkout with these answers in it."""
    room = visit.room
    if not visit.cart.lines:
        visit.notice = visit.notice or "Your cart is empty, or waited too long. Choose again."
        return visit.page("cart.html", status=400 if visit.form.fields else 200)
    form, status = room.order_form, 400 if errors else 200
    if form is None:
        return visit.page("leave.html", status=status, once=visit.once(ABOUT), errors=errors or {})
    return visit.page(
        "checkout.html", status=status, groups=groups(room.policy, form), boxes=boxes(room.policy, form), given=given,
        once=visit.once(ABOUT), errors=errors or {}, filled=filled, offers_password=offers_password(visit),
        doubt=PERHAPS in (errors or {}).values(), comes_back=fills_in(room.policy, form),
    )  # fmt: skip


def offers_password(visit: Visit) -> bool:
    """Whether somebody who orders may choose a password: where coming back spares typing, and no form registers people."""
    policy, form = visit.room.policy, visit.room.order_form
    return form is not None and not visit.session and fills_in(policy, form) and registration(policy) is None


def registration(policy: Policy) -> str | None:
    """The form by which people register, if the policy has one."""
    form = policy.forms.get("registration")
    return form.name if form is not None and form.at is None else None


async def place(visit: Visit) -> Response:
    """Take the order in, and send who gave it to where it is paid. The same form sent again makes no second order."""
    try:
        sent = visit.sent(ABOUT)
    except Denied:
        return shown(visit, visit.form.fields, errors={"once": STALE})
    lock = visit.room.placing.setdefault(sent.id, asyncio.Lock())
    async with lock:
        if known := visit.room.orders.of_form(sent.id):
            empty(visit)
            return visit.dressed(RedirectResponse(known.goes_to, 303))
        return await _placed(visit, sent)


async def _placed(visit: Visit, sent: Opened) -> Response:
    room, form = visit.room, visit.room.order_form
    if not visit.cart.lines:
        return shown(visit, {})
    given = {name: value.strip() for name, value in visit.form.fields.items() if value.strip()}
    if form is not None and (errors := _errors(visit, form, given)):
        return shown(visit, visit.form.fields, errors=errors)
    reference, amount = room.fresh(), visit.cart.total
    way = await room.processor.start(
        Order(reference, amount, CURRENCY, f"An order at {room.site.name}", f"{room.urls.shop}/order",
              f"{room.urls.shop}/order")
    )  # fmt: skip
    receipt, trouble = "", ""
    if form is not None:
        try:
            receipt, trouble = await _taken(visit, form, given)
        except BadValue:
            return shown(visit, visit.form.fields, errors={"once": "One answer cannot be taken in. Look at them again"})
    room.orders.place(Placed(reference, sent.id, amount, OPEN, receipt, way.url, room.tokens.now()))
    if room.confirm is not None and receipt and room.contact in given:
        room.confirm(given[room.contact], reference, amount)
    empty(visit)
    return _onward(visit, way, reference, amount, trouble)


def _errors(visit: Visit, form: str, given: Mapping[str, str]) -> dict[str, str]:
    policy = visit.room.policy
    asked, ticks = fields(policy, form), boxes(policy, form)
    known = {*(one.name for one in asked), *(one.id for one in ticks), "no_card", "password"}
    errors = faults(asked, given, no_card=given.get("no_card") == "yes") | visit.strange(known)
    if (fault := password_fault(visit.form.take("password"))) and offers_password(visit):
        errors["password"] = fault
    return errors


def password_fault(password: str) -> str:
    """What is wrong with a password that somebody chose; nothing where none was."""
    if not password:
        return ""
    if not SHORTEST <= len(password) <= LONGEST:
        return f"Choose a password of {SHORTEST} to {LONGEST} characters: four ordinary words are a good one"
    if len(set(password.casefold())) < 6:
        return "Choose a password that repeats itself less: four ordinary words are a good one"
    return ""


async def _taken(visit: Visit, form: str, given: Mapping[str, str]) -> tuple[str, str]:
    """The person's receipt, and what did not work although the order stands."""
    room, policy = visit.room, visit.room.policy
    goods = takes_goods(policy, form)
    values = {one.name: given[one.name] for one in fields(policy, form) if one.name in given}
    sure = sorted(values) if given.get("no_card") == "yes" else ()
    agreed = {box.id: box.words for box in boxes(policy, form) if given.get(box.id) == "yes"}
    taken = await room.desk.collect(
        form, values | dict.fromkeys(goods, visit.cart.words()), session=visit.session or None,
        no_card=(*sure, *goods), agreed=agreed, referred=_referred(visit),
    )  # fmt: skip
    receipt = taken["receipt"]
    basket = next((name for name in ("cart", "basket") if name in policy.forms), None)
    if basket is not None:
        goods = takes_goods(policy, basket)
        await room.desk.collect(basket, dict.fromkeys(goods, visit.cart.words()), receipt=receipt, no_card=goods)
    if (password := visit.form.take("password")) and offers_password(visit):
        try:
            await room.desk.protect(password, receipt=receipt)
        except (BadValue, Denied):
            return receipt, "Your password was not taken. Choose one in the privacy centre, when you like."
    return receipt, ""


def _referred(visit: Visit) -> str | None:
    """The number of the affiliate's cookie that came along; none from who asks not to be followed."""
    clicks = visit.room.clicks
    return None if clicks is None or gpc(visit.request) else clicks.number(visit.request.cookies)


def _onward(visit: Visit, way: Redirect, reference: str, amount: int, trouble: str) -> Response:
    """By a redirect; by a page where there is something to say first, or where the company wants a form."""
    if way.fields or trouble:
        visit.notice = trouble
        return visit.page("pay.html", way=way, reference=reference, amount=amount)
    return visit.dressed(RedirectResponse(way.url, 303))
