"""The payment company as an ASGI app: sessions by signed calls, a page to pay on, signed notices back.

`make_processor` makes one brand of it. Cardhouse asks for a card alone; Keyhouse, which sells for its merchants, takes the
whole order. Which, its policy says: whoever has a form `order` takes orders.
"""

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from avow.app import Avow
from avow.doors.design import Look, error_page, error_pages, page, static, templates
from avow.doors.guard import Guard
from avow.doors.payment import FRESH, LONGEST, SIGNATURE, check
from avow.errors import AvowError, Denied
from avow.policy.notice import html
from examples.processor.books import Books, Checkout
from examples.processor.company import CURRENCIES, Company
from examples.processor.notices import Deliver, Merchant, Notices, told
from examples.processor.paying import Paying

HERE: Final = Path(__file__).parent
LOOKS: Final = {"cardhouse": Look(hue=265, colour=0.12, radius=6), "keyhouse": Look(hue=55, colour=0.12, radius=10)}
REFERENCE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")  # stands in subjects of mail
MOST: Final = 100_000_000  # of a currency's minor units in one order


def make_processor(
    shop: Avow, books: Books, *, merchants: Mapping[str, Merchant], deliver: Deliver,
    mail: Callable[[str, str, str], Awaitable[None]], clock: Callable[[], datetime], random: Callable[[int], bytes],
    hosts: tuple[str, ...] = (), pause: Callable[[float], Awaitable[None]] | None = None,
) -> ASGIApp:  # fmt: skip
    """One brand, under the policy of `shop`. `mail` sends (address, subject, text); `deliver` posts a notice."""
    waiting = {} if pause is None else {"pause": pause}
    notices = Notices(books, merchants, deliver, lambda: int(clock().timestamp() * 1000),
                      lambda: random(16).hex(), **waiting)  # fmt: skip
    company = Company(shop, books, notices, merchants, clock, random, mail)
    policy, look = shop.policy, LOOKS.get(shop.policy.site, Look())
    env = templates(HERE / "templates", look=look, site=policy.controller.name, policy_link="/privacy",
                    version=policy.version.isoformat())  # fmt: skip
    paying = Paying(company, env)
    api = Api(company)

    async def home(_: Request) -> Response:
        return page(env, "home.html")

    async def privacy(_: Request) -> Response:
        return Response(html(policy), media_type="text/html")

    async def refused(_: Request, error: Exception) -> Response:
        return error_page(env, 503 if not isinstance(error, Denied) else 403, says=str(error))

    @asynccontextmanager
    async def life(_: Starlette) -> AsyncIterator[None]:
        books.forget(company.now())
        for checkout in books.untold():
            notices.send(checkout)
        yield
        notices.stop()

    app = Starlette(
        routes=[
            Route("/", home), Route("/privacy", privacy), static(look=look),
            Route("/api/sessions", api.sessions, methods=["POST"]),
            Route("/api/outcome", api.outcome, methods=["POST"]),
            Route("/pay/{id}", paying.show, methods=["GET"]),
            Route("/pay/{id}", paying.pay, methods=["POST"]),
            Route("/pay/{id}/confirm", paying.confirm, methods=["POST"]),
            Route("/pay/{id}/cancel", paying.cancel, methods=["POST"]),
        ],
        exception_handlers=error_pages(env) | {AvowError: refused},
        lifespan=life,
    )  # fmt: skip
    back = frozenset(merchant.origin for merchant in merchants.values())
    return Guard(app, policy, clock=clock, random=random, hosts=hosts, static=("/design/",), own=back)


class Api:
    """The merchants' calls: signed, fresh, each once."""

    def __init__(self, company: Company) -> None:
        self._company = company

    async def sessions(self, request: Request) -> Response:
        """A new checkout; where the customer pays."""
        merchant, order = await self._read(request)
        self._company.books.forget(self._company.now())
        checkout = _checkout(merchant, order, self._company.random(16).hex(), self._company.now())
        settled = self._company.books.of(merchant.name, checkout.reference)
        if settled is not None and settled.state == "paid":
            raise Denied("this order is paid already")
        self._company.books.open(checkout)
        return JSONResponse({"url": f"{_origin(request)}/pay/{checkout.id}"})

    async def outcome(self, request: Request) -> Response:
        """How an order stands; of the merchant's own alone."""
        merchant, asked = await self._read(request)
        reference = str(asked.get("reference"))
        checkout = self._company.books.of(merchant.name, reference) if REFERENCE.fullmatch(reference) else None
        if checkout is None:
            return JSONResponse({"status": None})
        status = "expired" if self._company.late(checkout) else checkout.state.replace("paying", "open")
        return JSONResponse(told(checkout) | {"status": status})

    async def _read(self, request: Request) -> tuple[Merchant, dict[str, Any]]:
        body = await request.body()
        try:
            asked = json.loads(body) if len(body) <= LONGEST else None
        except (ValueError, RecursionError):
            asked = None
        merchant = self._company.merchants.get(str(asked.get("merchant"))) if isinstance(asked, dict) else None
        if merchant is None or not isinstance(asked, dict):
            raise Denied("this call is not signed by a merchant that we know")
        now = self._company.now()
        id_ = check(merchant.secret, request.headers.get(SIGNATURE, ""), body, now)
        if not self._company.books.first(f"{merchant.name}/{id_}", now + 2 * FRESH):
            raise Denied("this call was made already")
        return merchant, asked


def _origin(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"


def _checkout(merchant: Merchant, order: Mapping[str, Any], id: str, now: int) -> Checkout:
    """The order as it was announced. Raises `Denied` for one that cannot be meant, or that leads elsewhere."""
    texts = {name: order.get(name) for name in ("reference", "currency", "description", "return_url", "cancel_url")}
    whole = all(isinstance(text, str) and 0 < len(text) <= 200 and text.isprintable() for text in texts.values())
    amount = order.get("amount")
    if not whole or type(amount) is not int or not 0 < amount <= MOST:
        raise Denied("this order is not whole")
    if not REFERENCE.fullmatch(str(texts["reference"])) or texts["currency"] not in CURRENCIES:
        raise Denied("a reference is at most 64 letters, digits, dots and hyphens; a currency one that we take")
    for name in ("return_url", "cancel_url"):
        if not str(texts[name]).startswith(merchant.origin + "/"):
            raise Denied("this order leads to another site than its merchant's")
    return Checkout(
        id, merchant.name, str(texts["reference"]), amount, str(texts["currency"]), str(texts["description"]),
        str(texts["return_url"]), str(texts["cancel_url"]), now,
    )  # fmt: skip
