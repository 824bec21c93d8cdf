"""The centre in a real browser without scripts: everything works, and nothing is left behind in it."""

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import uvicorn
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]  # publishes no types
from playwright.async_api import Browser, BrowserContext, Error, Page, async_playwright

from tests.doors.centre.beds import MAIL, Centre, centre
from tests.doors.centre.test_links import member

SHOTS = Path(__file__).parents[3] / "out" / "centre"  # to be looked at
ROOMS = ("Overview", "What is held", "Who saw it", "Choices", "Reaching you", "Copy", "Erase", "Complain")


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as play:
        found = await play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield found
        await found.close()


class Visit(NamedTuple):
    """A browser at the centre's door."""

    here: Centre
    base: str
    context: BrowserContext
    page: Page
    asked: list[str]  # every address that the browser asked for

    async def come_in(self) -> None:
        await self.page.goto(f"{self.base}/")
        await self.page.get_by_label("Your e-mail address").fill(MAIL)
        await self.page.get_by_role("button", name="Send me a code").click()
        await self.here.bed.desk.settle()
        code = re.findall(r"\b\d{8}\b", self.here.bed.sent[-1].text)[-1]
        await self.page.get_by_label("Code").fill(code)
        await self.page.get_by_role("button", name="Go on").click()

    async def to(self, room: str) -> None:
        await self.page.get_by_role("navigation", name="Your data").get_by_role("button", name=room).click()

    async def nothing_is_left(self) -> bool:
        """No cookie, no storage of any kind, in this browser."""
        kept = await self.context.storage_state(indexed_db=True)
        session = await self.page.evaluate("sessionStorage.length")
        caches = await self.page.evaluate("window.caches ? caches.keys() : []")
        return kept == {"cookies": [], "origins": []} and session == 0 and caches == []


@asynccontextmanager
async def visit(browser: Browser, folder: Path, site: str, **how: Any) -> AsyncIterator[Visit]:
    """The centre served over a real socket, and a browser of this kind."""
    async with centre(folder, site) as here:
        listening = socket.socket(proto=socket.IPPROTO_TCP)
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(here.app, log_level="error", lifespan="off"))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        base = f"http://privacy.{site}.localhost:{listening.getsockname()[1]}"
        usual: dict[str, Any] = {"java_script_enabled": False, "reduced_motion": "reduce"}
        context = await browser.new_context(**(usual | how))
        page = await context.new_page()
        page.set_default_timeout(10_000)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        try:
            yield Visit(here, base, context, page, asked)
        finally:
            await context.close()
            server.should_exit = True
            await serving


def read(file: Path) -> Any:
    return json.loads(file.read_text())


@pytest.mark.parametrize("site", ["aimini", "aitpro"])
async def test_every_room_works_without_scripts_and_leaves_nothing_in_the_browser(
    browser: Browser, tmp_path: Path, site: str
) -> None:
    async with visit(browser, tmp_path, site) as one:
        await one.come_in()
        for room in ROOMS:
            await one.to(room)
            current = one.page.locator("nav [aria-current=page]")
            assert await current.inner_text() == room
            assert await one.page.get_by_role("link", name="Privacy policy").count() == 1
        assert await one.nothing_is_left()
        await one.context.add_cookies([{"name": "planted", "value": "1", "url": one.base}])
        assert not await one.nothing_is_left()  # the check sees one that is there
        for address in one.asked:
            assert address.startswith(one.base) or address == "data:,"
            assert "?" not in address
            assert "ada" not in address


@pytest.mark.parametrize(("site", "scheme", "width"), [("daminion", "light", 1280), ("aitpro", "dark", 390)])
async def test_axe_finds_nothing_in_any_room(
    browser: Browser, tmp_path: Path, site: str, scheme: Any, width: int
) -> None:
    size: Any = {"width": width, "height": 844}
    async with visit(browser, tmp_path, site, color_scheme=scheme, viewport=size, java_script_enabled=True) as one:

        async def sound() -> None:
            result = await Axe().run(one.page, options={"rules": {"target-size": {"enabled": True}}})
            assert [f"{fault['id']} {fault['nodes'][0]['html']}" for fault in result.response["violations"]] == []
            assert await one.page.evaluate("document.documentElement.scrollWidth") <= width

        for path in ("/contact", "/promises"):
            await one.page.goto(f"{one.base}{path}")
            await sound()
        await one.come_in()
        for room in ("What is held", "Who saw it", "Choices", "Erase"):
            await one.to(room)
            await sound()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
async def test_the_pages_behind_links_in_mails_look_well_and_leave_nothing(
    browser: Browser, tmp_path: Path, scheme: Any, width: int
) -> None:
    size: Any = {"width": width, "height": 844}
    async with visit(browser, tmp_path, "aitoc", color_scheme=scheme, viewport=size, java_script_enabled=True) as one:
        who, out = await member(one.here)
        agreed = await one.here.bed.shop.agree(who, "newsletter", words="Yes, please", how="newsletter")
        await one.here.bed.shop.withdraw(who, "newsletter")
        agreed = await one.here.bed.shop.agree(who, "newsletter", words="Yes, please", how="newsletter")
        confirm = one.here.bed.desk.links.confirm(bytes.fromhex(who), bytes.fromhex(agreed), "newsletter")

        async def sound(name: str) -> None:
            result = await Axe().run(one.page, options={"rules": {"target-size": {"enabled": True}}})
            assert [f"{fault['id']} {fault['nodes'][0]['html']}" for fault in result.response["violations"]] == []
            assert await one.page.evaluate("document.documentElement.scrollWidth") <= width
            await one.page.screenshot(path=SHOTS / f"link-{name}-{width}.png", full_page=True)

        SHOTS.mkdir(parents=True, exist_ok=True)
        await one.page.goto(f"{one.base}/confirm/{confirm}")
        await sound("confirm")
        await one.page.get_by_role("button", name="Yes, it was me").click()
        await sound("confirmed")
        await one.page.goto(f"{one.base}{out}")
        await sound("out")
        await one.page.get_by_role("button", name="End this").click()
        await sound("out-of-one")
        await one.page.get_by_role("button", name="End all mail").click()
        await sound("out-of-all")
        await one.page.goto(f"{one.base}/out/forged")
        await sound("forged")
        assert await one.nothing_is_left()


async def test_a_correction_a_choice_a_file_and_an_erasure_by_clicks(browser: Browser, tmp_path: Path) -> None:
    async with visit(browser, tmp_path, "daminion") as one:
        page = one.page
        await one.come_in()
        await one.to("What is held")
        await page.get_by_role("button", name="Put right: What you write to us").click()
        await page.get_by_label("What you write to us").fill("When do you close?")
        await page.get_by_role("button", name="Put right").click()
        await page.get_by_role("button", name="Back to what is held").click()
        assert await page.get_by_text("When do you close?").count() == 1
        await one.to("Choices")
        group = page.get_by_role("group", name="mailing list")
        await group.get_by_role("button", name="I agree").click()
        assert await group.get_by_role("button", name="I agree").get_attribute("aria-pressed") == "true"
        await group.get_by_role("button", name="I decline").click()
        assert await group.get_by_role("button", name="I agree").get_attribute("aria-pressed") == "false"
        await one.to("Copy")
        async with page.expect_download() as waiting:
            await page.get_by_role("button", name="Save as JSON").click()
        told = await asyncio.to_thread(read, await (await waiting.value).path())
        assert "When do you close?" in {datum["value"] for datum in told["data"]}
        await one.to("Erase")
        await page.get_by_role("button", name="Erase everything about me").click()
        await page.get_by_role("button", name="Take it back").click()
        assert await page.get_by_text("Nothing will be erased").count() == 1
        assert await one.nothing_is_left()


async def test_after_signing_out_the_way_back_shows_nothing(browser: Browser, tmp_path: Path) -> None:
    async with visit(browser, tmp_path, "aitoc") as one:
        await one.come_in()
        await one.to("What is held")
        assert MAIL in await one.page.content()
        await one.page.get_by_role("button", name="Sign out").click()
        with pytest.raises(Error, match="ERR_CACHE_MISS"):  # the browser has kept no page to go back to
            await one.page.go_back()
