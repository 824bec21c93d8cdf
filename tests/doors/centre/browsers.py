"""A centre served over a real socket, and a browser at its door."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import uvicorn
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]  # publishes no types
from playwright.async_api import Browser, BrowserContext, Page

from tests.doors.centre.beds import MAIL, Centre

SHOTS: Final = Path(__file__).parents[3] / "out" / "centre"  # to be looked at
USUAL: Final[dict[str, Any]] = {"java_script_enabled": False, "reduced_motion": "reduce"}


class Visit(NamedTuple):
    """A browser at the centre's door."""

    here: Centre
    base: str
    context: BrowserContext
    page: Page
    asked: list[str]  # every address that the browser asked for

    async def come_in(self) -> None:
        """By a code, as anybody does."""
        await self.page.goto(f"{self.base}/")
        await self.page.get_by_label("Your e-mail address").fill(MAIL)
        await self.page.get_by_role("button", name="Send me a code").click()
        await self.here.bed.desk.settle()
        code = re.findall(r"\b\d{8}\b", self.here.bed.sent[-1].text)[-1]
        await self.page.get_by_label("Code").fill(code)
        await self.page.get_by_role("button", name="Go on").click()

    async def to(self, room: str) -> None:
        """Another page of who is signed in."""
        await self.page.get_by_role("navigation", name="Your data").get_by_role("button", name=room).click()

    async def nothing_is_left(self) -> bool:
        """No cookie, no storage of any kind, in this browser."""
        kept = await self.context.storage_state(indexed_db=True)
        session = await self.page.evaluate("sessionStorage.length")
        caches = await self.page.evaluate("window.caches ? caches.keys() : []")
        return kept == {"cookies": [], "origins": []} and session == 0 and caches == []

    async def sound(self, width: int, name: str = "") -> None:
        """Axe finds nothing, nothing is wider than the screen; a picture, if it has a name."""
        result = await Axe().run(self.page, options={"rules": {"target-size": {"enabled": True}}})
        assert [f"{fault['id']} {fault['nodes'][0]['html']}" for fault in result.response["violations"]] == []
        assert await self.page.evaluate("document.documentElement.scrollWidth") <= width
        if name:
            SHOTS.mkdir(parents=True, exist_ok=True)
            await self.page.screenshot(path=SHOTS / f"{name}-{width}.png", full_page=True)


@asynccontextmanager
async def served(here: Centre, site: str) -> AsyncIterator[str]:
    """The centre over HTTP; its origin."""
    listening = socket.socket(proto=socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(here.app, log_level="error", lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield f"http://privacy.{site}.localhost:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


@asynccontextmanager
async def visit(
    browser: Browser, centre: AbstractAsyncContextManager[Centre], site: str, **how: Any
) -> AsyncIterator[Visit]:
    """A browser of this kind before a centre that is served."""
    async with centre as here, served(here, site) as base:
        context = await browser.new_context(**(USUAL | how))
        try:
            yield await arrived(here, base, context)
        finally:
            await context.close()


async def arrived(here: Centre, base: str, context: BrowserContext) -> Visit:
    """With a page open."""
    page = await context.new_page()
    page.set_default_timeout(10_000)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    return Visit(here, base, context, page, asked)
