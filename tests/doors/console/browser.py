"""The console of one of the five sites behind a real server, and a real Chromium in front of it."""

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import pytest
import uvicorn
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped] # publishes no types
from playwright.async_api import Browser, BrowserContext, Locator, Page, ViewportSize, async_playwright

from avow.doors.console import make_console
from tests.desk.beds import PASSWORD, Bed, desk
from tests.doors.console.robot import AGREEMENT, POLICY_PAGE

ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
STORED = """async () => [
  document.cookie, localStorage.length, sessionStorage.length, (await indexedDB.databases()).length,
  (await caches.keys()).length, (await navigator.serviceWorker.getRegistrations()).length,
]"""
VIEWS: Final[tuple[tuple[Literal["light", "dark"], ViewportSize, dict[str, Any]], ...]] = (
    ("light", {"width": 1280, "height": 900}, {"runOnly": ["color-contrast"]}),  # all else is alike in both
    ("dark", {"width": 390, "height": 844}, {}),
)
OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


class Front(NamedTuple):
    """A site's console in a browser."""

    bed: Bed
    origin: str
    browser: Browser

    async def context(self, **more: Any) -> BrowserContext:
        """A browser of somebody's own. It has patience: other tests run beside."""
        made = await self.browser.new_context(**more)
        made.set_default_timeout(120_000)
        return made

    async def invited(self, page: Page, name: str, role: str) -> None:
        """Come in by an invitation, as a person does, and sign what there is to sign."""
        await page.goto(f"{self.origin}/accept")
        await page.get_by_label("Invitation").fill(await self.bed.desk.invite_first(name, role))
        await page.get_by_label("New password").fill(PASSWORD)
        await page.get_by_label("The same password again").fill(PASSWORD)
        await press(page, "Join the staff")
        if await page.get_by_role("button", name="Sign", exact=True).count():
            await page.get_by_role("checkbox").check()
            await press(page, "Sign")


async def touch(button: Locator) -> None:
    """Click it, once the page is there: Chromium drops what is done before the first paint."""
    while not await button.page.evaluate("performance.getEntriesByType('paint').length"):
        pass
    await button.click()


async def press(page: Page, button: str) -> None:
    """Click a button of this name, and be on the page that it leads to."""
    async with page.expect_navigation():
        await touch(page.get_by_role("button", name=button, exact=True).first)


async def faultless(page: Page) -> None:
    """No violation of axe's rules, on a phone in the dark and at a desk in the light; nothing wider than the window."""
    for scheme, size, only in VIEWS:
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # no colour half-way
        await page.set_viewport_size(size)
        results = await Axe().run(page, options=only)
        assert results.violations_count == 0, f"{scheme} {page.url}: {results.generate_report()}"
        assert await page.evaluate(OVERFLOW) == 0, f"{scheme} {page.url}"


async def nothing_stored(context: BrowserContext) -> None:
    """No cookie, and nothing in any of a browser's stores."""
    assert await context.cookies() == []
    assert await context.storage_state() == {"cookies": [], "origins": []}
    for page in context.pages:
        if page.url.startswith("http"):
            assert await page.evaluate(STORED) == ["", 0, 0, 0, 0, 0]


@asynccontextmanager
async def listening(app: Any, listener: socket.socket) -> AsyncIterator[None]:
    """The app behind a server on this socket."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving


@asynccontextmanager
async def front(folder: Path, site: str) -> AsyncIterator[Front]:
    """The console of a site, with an agreement in force."""
    path = shutil.which("chromium")
    if path is None:
        pytest.fail("chromium is not installed; run `apt-get install chromium`, or `make test` as root")
    listener = socket.create_server(("127.0.0.1", 0))
    origin = f"http://console.{site}.localhost:{listener.getsockname()[1]}"
    async with desk(folder, site) as bed:
        await bed.desk.set_agreement(AGREEMENT)
        app = make_console(
            bed.desk, bed.policy, origin=origin, policy_page=POLICY_PAGE, clock=bed.clock, random=os.urandom
        )  # fmt: skip
        async with listening(app, listener), async_playwright() as driver:
            browser = await driver.chromium.launch(executable_path=path, args=list(ARGUMENTS))
            yield Front(bed, origin, browser)
            await browser.close()
