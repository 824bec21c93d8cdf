"""What comes back from the payment company: a signed notice of a reference and a status. And how an order stands."""

from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from avow.doors.payment import Notice
from avow.errors import AvowError, CallError, Denied, Refused, Unavailable
from examples.shop.orders import OPEN, Placed
from examples.shop.room import STALE, Room, Visit
from examples.shop.site import CURRENCY

LONGEST: Final = 16 * 1024  # bytes of a notice
ABOUT: Final = "status"
STATES: Final = {
    "open": ("waits for its payment", "Nothing has been paid yet. If you have just paid, look again in a minute."),
    "paid": ("is paid", "Thank you. We are getting it ready."),
    "declined": ("was not paid", "The payment was declined. Nothing was taken from you; you may order again."),
    "expired": ("was not paid in time", "The time to pay ran out. Nothing was taken from you; you may order again."),
    "cancelled": ("was called off", "You called the payment off. Nothing was taken from you; you may order again."),
}
_ENDS: Final = frozenset({"paid"})  # after which nothing changes


async def notice(room: Room, request: Request) -> Response:
    """A notice. What is forged, altered, late or came before is refused, and so is one of an order that is none."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST:
            return _told(413, "a notice is shorter")
    try:
        told = room.processor.verify({name.lower(): value for name, value in request.headers.items()}, bytes(body))
    except Denied:
        return _told(403, "not signed by the payment company, too late, or taken in before; nothing was changed")
    order = room.orders.find(told.reference)
    if order is None:
        return _told(404, "no such order; nothing was changed")
    try:
        async with room.settling:
            return _told(200, "taken in") if await settle(room, order, told) else _told(409, "not for this order")
    except Unavailable:
        return _told(503, "our records cannot be reached; send a new notice in a moment")
    except AvowError:
        return _told(409, "this order can no longer be added to")


def _told(status: int, says: str) -> Response:
    return JSONResponse({"says": says}, status, {"cache-control": "no-store"})


async def settle(room: Room, order: Placed, told: Notice) -> bool:
    """Record what became of a payment, once. False where order, amount or currency do not fit, or where it was settled."""
    order = room.orders.find(order.reference) or order
    if (told.reference, told.amount, told.currency) != (order.reference, order.amount, CURRENCY):
        return False
    if told.status == order.state:
        return True
    if order.state in _ENDS:
        return False
    if told.status in _ENDS and room.clicks is not None and order.receipt:
        await room.desk.credit(order.receipt, order.amount * room.site.commission // 100)
    receipt = order.receipt if told.status == OPEN else await _recorded(room, told, order.receipt)
    room.orders.settle(order.reference, told.status, receipt)
    return True


async def _recorded(room: Room, told: Notice, receipt: str) -> str:
    """In the vault, with the person of the order; the receipt to go on with. A form that knows no states learns of
    payments alone.
    """
    form = "order-notice" if "order-notice" in room.policy.forms else "payment-notice"
    known = {
        "payment-reference": told.payment, "payment-status": told.status,
        "order-reference": told.reference, "order-state": told.status,
    }  # fmt: skip
    asked = {
        name for promise in room.policy.promises for clause in promise.clauses
        if getattr(clause, "form", None) == form for name in getattr(clause, "asks", ())
    }  # fmt: skip
    if told.status not in _ENDS and asked.isdisjoint({"payment-status", "order-state"}):
        return receipt
    given = {name: value for name, value in known.items() if name in asked}
    taken = await room.desk.collect(form, given, receipt=receipt or None, no_card=sorted(given))
    return taken["receipt"]


async def status(visit: Visit) -> Response:
    """How an order stands, by its reference. It says the state and nothing else, alike for who knows the reference."""
    form = visit.form
    if "reference" not in form.fields:
        return visit.page("order.html", once=visit.once(ABOUT), reference="", order=None)
    reference = "-".join(form.take("reference").upper().replace("-", " ").split())[:80]
    try:
        visit.sent(ABOUT)
    except Denied:
        return _asked_again(visit, reference, {"reference": STALE})
    if strange := visit.strange({"reference"}):
        return _asked_again(visit, reference, strange)
    order = visit.room.orders.find(reference)
    if order is None:
        return _asked_again(
            visit, reference, {"reference": "No order has this reference. Look at it again, letter by letter"}
        )
    order = await _asked_after(visit.room, order)
    return visit.page("order.html", once=visit.once(ABOUT), reference=reference, order=order, says=STATES[order.state])


def _asked_again(visit: Visit, reference: str, errors: dict[str, str]) -> Response:
    return visit.page("order.html", status=400, once=visit.once(ABOUT), reference=reference, order=None, errors=errors)


async def _asked_after(room: Room, order: Placed) -> Placed:
    """The order, after asking the company where no notice has come yet."""
    if order.state == OPEN:
        try:
            async with room.settling:
                if told := await room.processor.outcome(order.reference):
                    await settle(room, order, told)
        except (Unavailable, Denied, Refused, CallError):
            pass  # the notice will come; until then it is open
    return room.orders.find(order.reference) or order
