"""For who comes back: register where the policy has a form for it, sign in by password or code, go on from there.

Who is signed in is known by a token that travels in the page, fresh in each. What the pages say does not tell whether an
address is held.
"""

from typing import Final

from starlette.responses import Response

from avow.errors import BadValue, Denied
from examples.shop.fields import boxes, card_fault, faults, fields, fills_in, groups
from examples.shop.pages.checkout import checkout, password_fault, registration
from examples.shop.room import FORM, STALE, Visit

CONTACT: Final = "Enter an e-mail address like name@example.com"
NOT_THAT: Final = "That does not hold, or it came too late. Look again, or have a code sent to your address"
LONGEST: Final = 320  # characters of an address
ABOUT: Final = "registration"


async def account(visit: Visit) -> Response:
    """What one can do signed in; the ways in for who is not."""
    if not visit.session:
        return entry(visit)
    form = visit.room.order_form
    return visit.page("account.html", comes_back=form is not None and fills_in(visit.room.policy, form))


def entry(visit: Visit, *, errors: dict[str, str] | None = None, value: str = "", at: str = "/account") -> Response:
    """The ways in. `at`: where they lead to, the account or the checkout."""
    return visit.page(
        "sign-in.html", status=400 if errors else 200, errors=errors or {}, value=value, at=at,
        registers=registration(visit.room.policy),
    )  # fmt: skip


async def sign_in(visit: Visit) -> Response:
    """By a password."""
    form, at = visit.form, _at(visit)
    contact, password = form.take("contact").strip(), form.take("password")
    errors = _contact(contact, "contact") | ({} if password else {"password": "Enter your password"})
    errors |= visit.strange({"contact", "password"})
    if errors:
        return entry(visit, errors=errors, value=contact[:LONGEST], at=at)
    try:
        visit.session = await visit.room.desk.sign_in(visit.room.contact, contact, password)
    except (Denied, BadValue):
        return entry(visit, errors={"contact": NOT_THAT}, value=contact, at=at)
    return await _in(visit, at)


async def code(visit: Visit) -> Response:
    """Have a code sent. The answer is the same for everybody."""
    contact, at = visit.form.take("code-contact").strip(), _at(visit)
    if errors := _contact(contact, "code-contact") | visit.strange({"code-contact"}):
        return entry(visit, errors=errors, value=contact[:LONGEST], at=at)
    await visit.room.desk.send_code(visit.room.contact, contact)
    return visit.page("code.html", contact=contact, at=at)


async def enter(visit: Visit) -> Response:
    """By that code."""
    form, at = visit.form, _at(visit)
    contact = form.take("contact").strip()
    if errors := _contact(contact, "code-contact") | visit.strange({"contact", "code"}):
        return entry(visit, errors=errors, at=at)
    try:
        visit.session = await visit.room.desk.enter(visit.room.contact, contact, form.take("code")[:40])
    except (Denied, BadValue):
        return visit.page("code.html", status=400, contact=contact, at=at, errors={"code": NOT_THAT})
    return await _in(visit, at)


async def sign_out(visit: Visit) -> Response:
    """The session is over; the cart goes on."""
    if visit.session:
        await visit.room.desk.sign_out(visit.session)
    visit.session, visit.notice = "", "You are signed out. Nothing of this visit stays in your browser."
    return entry(visit)


async def register(visit: Visit) -> Response:
    """The policy's form for registering, with a password, and its choices as unticked boxes."""
    room, form = visit.room, registration(visit.room.policy) or ""
    if "once" not in visit.form.fields:
        return _registering(visit, form)
    asked, ticks = fields(room.policy, form), boxes(room.policy, form)
    given = {name: value.strip() for name, value in visit.form.fields.items() if value.strip()}
    errors = faults(asked, given, no_card=False) | visit.strange(
        {*(one.name for one in asked), *(one.id for one in ticks), "password"}
    )
    password = visit.form.take("password")
    errors |= (
        {"password": fault} if (fault := password_fault(password) or ("" if password else "Choose a password")) else {}
    )
    if errors:
        return _registering(visit, form, errors)
    try:
        sent = visit.sent(ABOUT)
        room.tokens.spend(sent, within=FORM)
        agreed = {box.id: box.words for box in ticks if given.get(box.id) == "yes"}
        values = {one.name: given[one.name] for one in asked if one.name in given}
        visit.session = await room.desk.register(form, values, password=password, agreed=agreed)
    except Denied:
        return _registering(visit, form, {"once": STALE})
    except BadValue:
        return _registering(visit, form, {"password": "Choose another password: four ordinary words are a good one"})
    visit.notice = "You are registered, and signed in."
    return await account(visit)


def _registering(visit: Visit, form: str, errors: dict[str, str] | None = None) -> Response:
    policy = visit.room.policy
    return visit.page(
        "register.html", status=400 if errors else 200, groups=groups(policy, form), boxes=boxes(policy, form),
        given=visit.form.fields, errors=errors or {}, once=visit.once(ABOUT), form=form,
    )  # fmt: skip


def _at(visit: Visit) -> str:
    return "/checkout" if visit.request.url.path.startswith("/checkout") else "/account"


async def _in(visit: Visit, at: str) -> Response:
    return await (checkout(visit) if at == "/checkout" and visit.cart.lines else account(visit))


def _contact(value: str, name: str) -> dict[str, str]:
    host = value.rpartition("@")[2]
    well = "@" in value and "." in host and len(value) <= LONGEST and not any(char.isspace() for char in value)
    if not well or not value.isprintable():
        return {name: CONTACT}
    fault = card_fault(value, no_card=False)
    return {name: fault} if fault else {}
