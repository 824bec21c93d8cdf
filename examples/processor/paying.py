"""The page to pay on. The card is read, used and dropped within one request; the rest of an order goes to the vault.

Some cards need another step: their bank asks the buyer before it pays. A page of its own stands in between, and what
was typed besides the card travels in it, sealed. Nothing is kept here of an order that nobody confirms.
"""

import logging
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from avow.doors.design import error_page, page
from avow.doors.posted import posted
from avow.doors.tokens import KEY, Opened, Tokens
from avow.errors import AvowError, BadValue, CallError, Denied, Refused
from examples.processor import network
from examples.processor.books import Checkout
from examples.processor.company import CURRENCIES, Company

TRIES: Final = 5  # cards in one checkout
BUYER: Final = 365 * 86_400  # s that a returning buyer is known
LONGEST: Final = 500  # characters in a field
STEP: Final = 10 * 60_000  # ms that somebody may take to answer their bank
LATE: Final = "Your bank's question waited too long, or was answered before. Nothing was charged; type your card again."
COOKIE: Final = "buyer"
ADDRESS: Final = re.compile(
    r"[^@\s,;<>\"]{1,64}@[^@\s,;<>\"]{1,255}"
)  # that news can be sent to; the rest shows in sending
ASKED: Final = ("name", "email", "postal-address", "phone")
SAID: Final[Mapping[str, str]] = {
    "declined": "The card network declined this card. Nothing was charged; try another card.",
    "insufficient": "There is not enough on this card. Nothing was charged; try another card.",
    "expired": "This card has expired. Nothing was charged; try another card.",
    "unconfirmed": "You told the bank that this is not you. Nothing was charged; try another card.",
}

log = logging.getLogger("processor.paying")


class Paying:
    """For one brand."""

    def __init__(self, company: Company, env: Environment) -> None:
        self._company = company
        self._env = env
        self._whole = "order" in company.shop.policy.forms  # the whole order is taken here
        self._steps = Tokens(company.random(KEY), company.shop.policy.site, clock=company.clock, random=company.random)

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
        return await self._taken(checkout, fields, lambda: network.authorise(card, self._company.clock()))

    async def confirm(self, request: Request) -> Response:
        """What the buyer told the bank that asked: yes charges the card, once, and no does not."""
        checkout = self._open(request)
        if isinstance(checkout, Response):
            return checkout
        pairs = await posted(request)
        given = dict(pairs)
        try:
            step = self._step(given.get("step", ""), checkout)
        except Denied:
            return self._form(checkout, {}, {"card": LATE}, status=422)
        if len(pairs) != 2 or given.get("answer") not in {"yes", "no"}:
            return self._asks(checkout, given["step"], status=422)
        self._steps.spend(step, within=STEP)
        return await self._taken(checkout, step.told["fields"], lambda: network.confirmed(given["answer"]))

    async def cancel(self, request: Request) -> Response:
        """Back to the shop, without an order."""
        checkout = self._company.books.get(request.path_params["id"])
        if checkout is None or self._company.late(checkout):  # what ran out was not called off
            return self._gone()
        if self._company.books.take(checkout.id):
            self._company.books.settle(checkout.id, "cancelled", "", self._company.now())
            self._tell(checkout)
        return RedirectResponse(checkout.cancel_url, 303)

    # -- parts --------------------------------------------------------------------------------------------------------

    async def _taken(self, checkout: Checkout, fields: Mapping[str, str], ask: Callable[[], str]) -> Response:
        """Charge, unless somebody else is charging this order or has: the network is asked by one alone."""
        if not self._company.books.take(checkout.id):
            return self._settled(self._fresh(checkout))
        try:
            return await self._charge(checkout, fields, ask)
        except BaseException:  # a vault that is away, a server that stops: what was not charged can be paid again
            if self._fresh(checkout).state == "paying":
                self._reopen(checkout)
            raise

    async def _charge(self, checkout: Checkout, fields: Mapping[str, str], ask: Callable[[], str]) -> Response:
        """Of a checkout that was taken. Nothing is awaited between the network's answer and the books."""
        try:
            who = await self._company.shop.collect("order", fields) if self._whole else None
        except (BadValue, CallError) as error:
            self._reopen(checkout)
            return self._form(checkout, fields, {_named(error, fields): str(error)}, status=422)
        outcome = ask()
        if outcome == "paid":
            return await self._paid(checkout, who)
        if who is not None:  # nothing was ordered: nothing is kept
            await self._company.shop.erase(who, asked="by the site")
        if outcome == "confirm" and checkout.tries + 1 < TRIES:
            self._reopen(checkout)
            return self._asks(checkout, self._steps.seal("step", {"checkout": checkout.id, "fields": dict(fields)}))
        return self._declined(checkout, fields, outcome)

    def _step(self, token: str, checkout: Checkout) -> Opened:
        """What travelled in the page of the bank's question. Raises `Denied` for one that is over, or another's."""
        step = self._steps.open("step", token, within=STEP)
        if step.told["checkout"] != checkout.id or self._steps.spent(step):
            raise Denied
        return step

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
        return self._form(checkout, fields, {"card": SAID.get(outcome, SAID["declined"])}, status=402)

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

    def _asks(self, checkout: Checkout, step: str, *, status: int = 200) -> Response:
        """The page in between, on which the card's bank asks. A real one is the bank's own; this one stands for it."""
        merchant = self._company.merchants[checkout.merchant]
        return page(
            self._env, "confirm.html", status=status, checkout=checkout, amount=amount(checkout), merchant=merchant.name,
            step=step,
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
