"""A whole shop: a desk over a real site on real files, the sandbox payment company, and a browser's part in plain HTTP."""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from html import unescape
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
from starlette.types import ASGIApp, Receive, Scope, Send

from avow.app import Avow
from avow.desk.interface import Desk as Answers
from avow.doors.guard import Report
from avow.doors.payment import Sandbox
from avow.policy.model import Policy
from avow.wire import Client, serving
from examples.processor.app import make_processor
from examples.processor.books import Books
from examples.processor.notices import Merchant
from examples.shop import Orders, Site, Urls, make_shop, read_site
from tests.desk.beds import Bed as Desk
from tests.desk.beds import desk

PROCESSOR = Path(__file__).parents[3] / "examples" / "processor"
SECRET = b"a secret of thirty-two bytes, or so"
CARD = {"card": "4242 4242 4242 4242", "card-expiry": "09/31"}
ADA = {
    "name": "Ada Quillfeather", "email": "ada@quillfeather.example", "phone": "+1 555 0199",
    "postal-address": "7 Lantern Lane, Farwater", "shipping-address": "7 Lantern Lane, Farwater",
    "billing-address": "9 Harbour Row, Farwater", "message": "Do you ship to Orkney?",
}  # fmt: skip
BUYER = {name: ADA[name] for name in ("name", "email", "postal-address", "phone")}
ANSWERING = ("aitoc", "aitpro", "audiomidi", "daminion")  # sites that take orders themselves


class Form(NamedTuple):
    """A form of a page: where it goes, and what is in it."""

    action: str
    fields: dict[str, str]


def forms(page: str) -> list[Form]:
    """Every form that posts. Boxes that are not ticked are not among the fields, as in a browser."""
    found = []
    for action, inside in re.findall(r'<form method="post" action="([^"]*)"[^>]*>(.*?)</form>', page, re.DOTALL):
        fields = {}
        for tag in re.findall(r"<input[^>]*>", inside):
            told = dict(re.findall(r'([a-z-]+)="([^"]*)"', tag))
            if told.get("type") != "checkbox" or " checked" in tag:
                fields[told["name"]] = unescape(told.get("value", ""))
        for name, value in re.findall(r'<textarea[^>]* name="([^"]*)"[^>]*>(.*?)</textarea>', inside, re.DOTALL):
            fields[name] = unescape(value)
        found.append(Form(unescape(action), fields))
    return found


def form(page: str, action: str, **having: str) -> Form:
    """The form that goes there, with these values in it."""
    return next(one for one in forms(page) if one.action == action and having.items() <= one.fields.items())


class Bed(NamedTuple):
    """The shop at work. `browser` keeps cookies, and is at the shop's origin."""

    browser: httpx.AsyncClient
    app: ASGIApp
    desk: Desk
    policy: Policy
    site: Site
    orders: Orders
    sandbox: Sandbox
    reports: list[Report]
    notices: list[tuple[str, Mapping[str, str], bytes]]
    pay: httpx.AsyncClient
    company: ASGIApp  # the payment company
    delivered: asyncio.Event  # a notice has come and was answered

    async def send(self, one: Form, **more: str) -> httpx.Response:
        """Send a form with these answers."""
        return await self.browser.post(one.action, data=one.fields | more)

    async def cart(self, slug: str = "") -> str:
        """The cart's page with one thing in it."""
        slug = slug or next(iter(self.site.products))
        page = (await self.browser.get(f"/goods/{slug}")).text
        return (await self.send(form(page, "/cart", product=slug))).text

    async def checkout(self, slug: str = "") -> str:
        """The checkout's page."""
        return (await self.send(form(await self.cart(slug), "/checkout"))).text

    def asked(self, page: str, action: str) -> dict[str, str]:
        """Ada's answers to what a form asks."""
        return {name: ADA[name] for name in form(page, action).fields if name in ADA}

    async def order(self, page: str, **more: str) -> httpx.Response:
        """Send the checkout's form filled in."""
        return await self.send(form(page, "/checkout/order"), **(self.asked(page, "/checkout/order") | more))

    async def paid(self, where: str) -> httpx.Response:
        """Pay there."""
        path = httpx.URL(where).path
        asked = form((await self.pay.get(path)).text, path).fields
        answer = await self.pay.post(path, data={name: (BUYER | CARD)[name] for name in asked if name in BUYER | CARD})
        await asyncio.wait_for(self.delivered.wait(), 10)
        return answer

    async def held(self) -> dict[str, str]:
        """Everything that the vault holds of everybody who was ever found by Ada's address."""
        who = await self.desk.shop.find("email", ADA["email"])
        exports = [await self.desk.shop.export(one) for one in who]
        return {one["category"]: one["value"] for export in exports for one in export["data"]}


@asynccontextmanager
async def shop(
    folder: Path,
    site: str,
    *,
    blocks_cookies: bool = False,
    gpc: bool = False,
    port: int = 8443,
    over_a_socket: bool = False,
) -> AsyncIterator[Bed]:
    """One of the five shops."""
    reports: list[Report] = []
    notices: list[tuple[str, Mapping[str, str], bytes]] = []
    delivered = asyncio.Event()
    brand = "keyhouse" if site == "aimini" else "cardhouse"
    origin, away = (
        f"https://{site}.localhost:{port}",
        f"https://{'pay' if brand == 'cardhouse' else brand}.localhost:{port}",
    )
    async with AsyncExitStack() as stack:
        bed = await stack.enter_async_context(desk(folder, site))
        merchant = Merchant(site, SECRET, origin, f"{origin}/payments/notice")

        async def deliver(url: str, told: Mapping[str, str], body: bytes) -> int:
            notices.append((url, told, body))
            status = (await plain.post(url, content=body, headers=dict(told))).status_code
            delivered.set()
            return status

        async def mail(*message: str) -> None:
            """Nobody reads the company's mail here."""

        async def opened() -> ASGIApp:
            (folder / "house").mkdir()
            house = await stack.enter_async_context(
                Avow.open(PROCESSOR / f"{brand}.yaml", f"sqlite:///{folder}/house/vault.db", clock=bed.clock)
            )
            books = Books(folder / "house" / "books.db")
            stack.callback(books.close)
            return make_processor(
                house, books, merchants={site: merchant}, deliver=deliver, mail=mail, clock=bed.clock,
                random=os.urandom, hosts=(urlsplit(away).netloc, urlsplit(away).hostname or ""),
            )  # fmt: skip

        company = _Later(opened)
        pay = await stack.enter_async_context(_client(company, away))
        orders = Orders(folder / "orders.db")
        stack.callback(orders.close)
        sandbox = Sandbox(
            away, site, SECRET, client=pay, clock=lambda: int(bed.clock().timestamp() * 1000),
            fresh_id=lambda: os.urandom(12).hex(), seen=orders,
        )  # fmt: skip
        data = read_site(site)
        asked: Answers = await stack.enter_async_context(_line(bed, folder)) if over_a_socket else bed.desk
        app = make_shop(
            data, asked, bed.policy, sandbox, orders=orders,
            urls=Urls(origin, f"https://privacy.{site}.localhost:{port}", away), clock=bed.clock, random=os.urandom,
            report=reports.append,
        )  # fmt: skip
        browser = await stack.enter_async_context(_client(app, origin, {"sec-gpc": "1"} if gpc else None))
        plain = await stack.enter_async_context(_client(app, origin))
        if blocks_cookies:
            browser.cookies.jar.set_policy(_Blocks())
        yield Bed(browser, app, bed, bed.policy, data, orders, sandbox, reports, notices, pay, company, delivered)


@asynccontextmanager
async def _line(bed: Desk, folder: Path) -> AsyncIterator[Client]:
    """The desk as a process of its own would be asked."""
    address = str(folder / "run" / "desk.sock")
    async with serving(bed.desk, address), Client(address) as client:
        yield client


def on_disk(folder: Path, *, only: str = "*", without: str = "") -> bytes:
    """Every byte of these files, journals among them."""
    files = [one for one in folder.rglob(only) if one.is_file() and without not in one.relative_to(folder).parts]
    return b"".join(one.read_bytes() for one in files)


def _client(app: ASGIApp, origin: str, headers: Mapping[str, str] | None = None) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app, client=("203.0.113.7", 50_000))
    return httpx.AsyncClient(transport=transport, base_url=origin, headers=headers, timeout=30)


class _Later:
    """An application that is opened when it is first asked: most visits to a shop end before there is anything to pay."""

    def __init__(self, opened: Callable[[], Awaitable[ASGIApp]]) -> None:
        self._opened = opened
        self._app: ASGIApp | None = None
        self._turn = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._turn:
            self._app = self._app or await self._opened()
        await self._app(scope, receive, send)


class _Blocks(DefaultCookiePolicy):
    """Of a browser that takes no cookies."""

    def set_ok(self, *_: Any) -> bool:
        return False
