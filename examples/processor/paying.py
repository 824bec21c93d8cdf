"""The page to pay on. The card is read, used and dropped within one request; the rest of an order goes to the vault."""

import logging
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from typing import Final

from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from avow.doors.design import error_page, page
from avow.doors.posted import posted
from avow.errors import AvowError, BadValue, CallError, Refused
from examples.processor import network
from examples.processor.books import Checkout
from examples.processor.company import CURRENCIES, Company

TRIES: Final = 5  # cards in one checkout
BUYER: Final = 365 * 86_400  # s that a returning buyer is known
LONGEST: Final = 500  # characters in a field
COOKIE: Final = "buyer"
ADDRESS: Final = re.compile(
    r"[^@\s,;<>\"]{1,64}@[^@\s,;<>\"]{1,255}"
)  # that news can be sent to; the rest shows in sending
ASKED: Final = ("name", "email", "postal-address", "phone")
SAID: Final[Mapping[str, str]] = {
    "declined": "The card network declined this card. Nothing was charged; try another card.",
    "insufficient": "There is not enough on this card. Nothing was charged; try another card.",
    "expired": "This card has expired. Nothing was charged; try another card.",
}

log = logging.getLogger("processor.paying")


class Paying:
    """For one brand."""

    def __init__(self, company: Company, env: Environment) -> None:
        self._company = company
        self._env = env
        self._whole = "order" in company.shop.policy.forms  # the whole order is taken here

    async def show(self, request: Request) -> Response:
        """The empty form; for a returning buyer, what they gave last time."""
        checkout = self._open(request)
        return checkout if isinstance(checkout, Response) else self._form(checkout, await self._known(request), {})

    async def pay(self, request: Request) -> Response:
        """Charge the card, once, and take the order in."""
        checkout = self._open(request)
        if isinstance(checkout, Response):
            return checkout
        fields, errors = _fields(await posted(request), self._asked())
        card, wrong = network.read(fields.pop("card", ""), fields.pop("card-expiry", ""))
        errors = wrong | errors
        if errors or card is None:
            return self._form(checkout, fields, errors, status=422)
        if not self._company.books.take(checkout.id):
            return self._settled(self._fresh(checkout))
        try:
            return await self._charge(checkout, fields, card)
        except BaseException:  # a vault that is away, a server that stops: what was not charged can be paid again
            if self._fresh(checkout).state == "paying":
                self._reopen(checkout)
            raise

    async def cancel(self, request: Request) -> Response:
        """Back to the shop, without an order."""
        checkout = self._company.books.get(request.path_params["id"])
        if checkout is None:
            return self._gone()
        if self._company.books.take(checkout.id):
            self._company.books.settle(checkout.id, "cancelled", "", self._company.now())
            self._tell(checkout)
        return RedirectResponse(checkout.cancel_url, 303)

    # -- parts --------------------------------------------------------------------------------------------------------

    async def _charge(self, checkout: Checkout, fields: Mapping[str, str], card: network.Card) -> Response:
        """Of a checkout that was taken. Nothing is awaited between the network's answer and the books."""
        try:
            who = await self._company.shop.collect("order", fields) if self._whole else None
        except (BadValue, CallError) as error:
            self._reopen(checkout)
            return self._form(checkout, fields, {_named(error, fields): str(error)}, status=422)
        outcome = network.authorise(card, self._company.clock())
        if outcome == "paid":
            return await self._paid(checkout, who)
        if who is not None:  # nothing was ordered: nothing is kept
            await self._company.shop.erase(who, asked="by the site")
        return self._declined(checkout, fields, outcome)

    def _asked(self) -> tuple[str, ...]:
        return (*(ASKED if self._whole else ()), "card", "card-expiry")

    def _open(self, request: Request) -> Checkout | Response:
        """The checkout, while it can be paid; otherwise what there is to say of it."""
        checkout = self._company.books.get(request.path_params["id"])
        if checkout is None or self._company.late(checkout):
            return self._gone()
        return checkout if checkout.state == "open" else self._settled(checkout)

    def _fresh(self, checkout: Checkout) -> Checkout:
        return self._company.books.get(checkout.id) or checkout

    def _reopen(self, checkout: Checkout) -> None:
        self._company.books.settle(checkout.id, "open", "", 0)

    def _declined(self, checkout: Checkout, fields: Mapping[str, str], outcome: str) -> Response:
        now = self._company.now()
        if checkout.tries + 1 >= TRIES:
            self._company.books.settle(checkout.id, "declined", "", now)
            self._tell(checkout)
            return self._settled(self._fresh(checkout))
        self._reopen(checkout)
        return self._form(checkout, fields, {"card": SAID[outcome]}, status=402)

    async def _paid(self, checkout: Checkout, who: str | None) -> Response:
        payment = f"P-{self._company.random(8).hex().upper()}"
        self._company.books.settle(checkout.id, "paid", payment, self._company.now())
        self._tell(checkout)
        answer = self._settled(self._fresh(checkout))
        if who is not None:
            await self._write(who, checkout)
            mark = urlsafe_b64encode(self._company.random(32)).rstrip(b"=").decode()
            self._company.books.know(mark, who, self._company.now() + BUYER * 1000)
            answer.set_cookie(COOKIE, mark, max_age=BUYER, path="/", secure=True, httponly=True, samesite="lax")
        return answer

    def _tell(self, checkout: Checkout) -> None:
        self._company.notices.send(self._fresh(checkout))

    async def _write(self, who: str, checkout: Checkout) -> None:
        """The order's news, by the one template there is: nobody's free text is in it, the merchant's neither. That it
        could not be sent undoes no order.
        """
        try:
            address = await self._company.shop.reach(who, "mail", purpose="order-status")
            await self._company.mail(
                address, f"Your order {checkout.reference}",
                f"Thank you. Your order {checkout.reference} at {checkout.merchant} ({amount(checkout)}) is paid.\n",
            )  # fmt: skip
        except (AvowError, OSError, ValueError) as error:
            log.warning("an order's news could not be sent: %s", type(error).__name__)

    async def _known(self, request: Request) -> dict[str, str]:
        """What a returning buyer gave: by the mark in their own browser, and as the policy allows."""
        mark = request.cookies.get(COOKIE)
        who = self._company.books.buyer(mark, self._company.now()) if mark and self._whole else None
        if who is None:
            return {}
        try:
            return await self._company.shop.use_all(who, ASKED, purpose="recognise")
        except Refused:  # erased since
            return {}

    # -- answers ------------------------------------------------------------------------------------------------------

    def _form(
        self, checkout: Checkout, values: Mapping[str, str], errors: Mapping[str, str], *, status: int = 200
    ) -> Response:
        merchant = self._company.merchants[checkout.merchant]
        return page(
            self._env, "pay.html", status=status, checkout=checkout, amount=amount(checkout), merchant=merchant.name,
            values=values, errors=errors, whole=self._whole,
        )  # fmt: skip

    def _settled(self, checkout: Checkout) -> Response:
        return page(self._env, "settled.html", checkout=checkout, amount=amount(checkout))

    def _gone(self) -> Response:
        return error_page(
            self._env, 404, title="This checkout is over",
            says="It was opened too long ago, or never. Nothing was charged. Go back to the shop and order again.",
        )  # fmt: skip


def amount(checkout: Checkout) -> str:
    """The amount as people read it."""
    digits = CURRENCIES[checkout.currency]
    return f"{checkout.currency} {checkout.amount / 10**digits:.{digits}f}"  # exact: far fewer than 15 digits


def _fields(pairs: Sequence[tuple[str, str]], asked: tuple[str, ...]) -> tuple[dict[str, str], dict[str, str]]:
    """Every field once, as text, none too long, and none besides; what is wrong, by field."""
    fields: dict[str, str] = {}
    errors: dict[str, str] = {}
    for name, value in pairs:
        if name not in asked:
            errors["form"] = "The form was sent with something that it does not ask for. Nothing was kept; try again."
        elif name in fields:
            errors[name] = "This was sent twice. Type it once."
        elif len(value) > LONGEST:
            errors[name] = f"This is longer than {LONGEST} characters."
        else:
            fields[name] = value.strip()
    for name in asked:
        if not fields.get(name) and name not in errors:
            errors[name] = f"Your {name.replace('-', ' ')} is missing."
    if "email" in fields and "email" not in errors and not ADDRESS.fullmatch(fields["email"]):
        errors["email"] = "This is no e-mail address. It looks like name@example.org."
    return fields, errors


def _named(error: Exception, fields: Mapping[str, str]) -> str:
    return next((name for name in fields if f"`{name}`" in str(error)), "name")
