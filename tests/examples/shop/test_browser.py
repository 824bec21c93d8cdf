"""The shops in a real browser, over TLS: a purchase without scripts, what it leaves behind, and what axe says of the pages."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import uvicorn
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]  # publishes no types
from playwright.async_api import Browser, BrowserContext, Page, async_playwright
from starlette.types import Receive, Scope, Send

from avow.demo.authority import certificates
from tests.desk.beds import SITES
from tests.examples.shop.beds import ADA, BUYER, CARD, Bed, shop

LABELS = {
    "name": "Your name", "email": "Your e-mail address", "postal-address": "Your postal address",
    "shipping-address": "Your shipping address", "billing-address": "Your billing address", "phone": "Your telephone number",
}  # fmt: skip


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as play:
        found = await play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield found
        await found.close()


class Visit(NamedTuple):
    """A browser at the shop's door."""

    bed: Bed
    base: str
    context: BrowserContext
    page: Page
    asked: set[str]  # the origins that it asked

    async def to_checkout(self) -> None:
        await self.page.goto(self.base)
        await self.page.get_by_role("button", name="Add to cart").first.click()
        await self.page.get_by_role("button", name="To the checkout").click()

    async def is_empty(self) -> bool:
        """No cookie and no storage of any kind for the shop's origin."""
        kept = await self.context.storage_state(indexed_db=True)
        ours = [one for one in kept["cookies"] if one["domain"].lstrip(".") in self.base]
        return ours == [] and kept["origins"] == []


@asynccontextmanager
async def visit(browser: Browser, folder: Path, site: str, **how: Any) -> AsyncIterator[Visit]:
    """The shop and its payment company over one TLS socket, and a browser of this kind."""
    listening = socket.socket(proto=socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    names = [f"{site}.localhost", "pay.localhost", "keyhouse.localhost"]
    (folder / "tls").mkdir()
    tls = certificates(folder / "tls", names)
    async with shop(folder, site, port=port) as bed:

        async def both(scope: Scope, receive: Receive, send: Send) -> None:
            host = dict(scope["headers"]).get(b"host", b"")
            await (bed.app if host.startswith(site.encode()) else bed.company)(scope, receive, send)

        config = uvicorn.Config(both, log_level="error", lifespan="off", ssl_certfile=tls.chain, ssl_keyfile=tls.key)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        # axe measures contrast at once, so no colour may be half-way to another
        context = await browser.new_context(ignore_https_errors=True, reduced_motion="reduce", **how)
        page = await context.new_page()
        page.set_default_timeout(20_000)
        asked: set[str] = set()
        page.on("request", lambda one: asked.add("/".join(one.url.split("/")[:3])))
        try:
            yield Visit(bed, f"https://{site}.localhost:{port}", context, page, asked)
        finally:
            await context.close()
            server.should_exit = True
            await serving


@pytest.mark.parametrize("site", SITES)
async def test_a_person_buys_with_scripts_off_and_the_browser_keeps_what_the_policy_says(
    browser: Browser, tmp_path: Path, site: str
) -> None:
    """AIM-2, AUD-6, AIT-16, DAM-20: no other origin is asked than the shop's and the payment company's."""
    async with visit(browser, tmp_path, site, java_script_enabled=False) as here:
        await here.to_checkout()
        if site == "aimini":
            await here.page.get_by_role("button", name="Buy at Keyhouse").click()
        else:
            for name, label in LABELS.items():
                if await here.page.get_by_label(label, exact=True).count():
                    await here.page.get_by_label(label, exact=True).fill(ADA[name])
            await here.page.get_by_role("button", name="Order and pay").click()
        await here.page.wait_for_url("**/pay/**")
        for name, value in (BUYER | CARD).items():
            field = here.page.locator(f'[name="{name}"]')
            if await field.count():
                await field.fill(value)
        await here.page.locator("main form button").first.click()
        await asyncio.wait_for(here.bed.delivered.wait(), 20)
        await here.page.goto(f"{here.base}/order")
        rows = here.bed.orders._db.execute("SELECT reference, state FROM orders").fetchall()
        assert [state for _, state in rows] == ["paid"]
        await here.page.get_by_label("Reference of your order").fill(rows[0][0])
        await here.page.get_by_role("button", name="Look").click()
        await here.page.get_by_text("The order is paid.").wait_for()
        company = "keyhouse" if site == "aimini" else "pay"
        assert {one.split("//")[1].split(":")[0] for one in here.asked} == {f"{site}.localhost", f"{company}.localhost"}
        assert await here.is_empty() is (site in ("aimini", "audiomidi", "aitpro"))  # audiomidi's ends with the order


@pytest.mark.parametrize("site", SITES)
async def test_axe_finds_nothing_on_any_page_and_nothing_is_wider_than_a_phone(
    browser: Browser, tmp_path: Path, site: str
) -> None:
    async with visit(browser, tmp_path, site, viewport={"width": 390, "height": 844}, color_scheme="dark") as here:
        more = (
            "/privacy",
            "/promises",
            "/account",
            "/order",
            "/contact",
            "/registration",
            "/cookies",
            "/goods/scan-station",
        )
        for path in ("/", *(more if site == "daminion" else ())):  # the others differ in colours and in the fields
            await here.page.goto(here.base + path)
            await sound(here.page)
        await here.to_checkout()
        await sound(here.page)
        if site != "aimini":
            await here.page.evaluate("document.querySelectorAll('form').forEach(one => { one.noValidate = true })")
            await here.page.get_by_role("button", name="Order and pay").click()
            await here.page.get_by_text("Please mend these").wait_for()
            await sound(here.page)
        await here.page.emulate_media(color_scheme="light")
        await here.page.set_viewport_size({"width": 1280, "height": 900})
        await sound(here.page)


async def sound(page: Page) -> None:
    """WCAG 2.2 AA and best practices, as far as axe can tell; no scrolling sideways."""
    result = await Axe().run(page, options={"rules": {"target-size": {"enabled": True}}})
    found = [f"{one['id']}: {node['html'][:100]}" for one in result.response["violations"] for node in one["nodes"]]
    assert found == [], page.url
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), page.url
