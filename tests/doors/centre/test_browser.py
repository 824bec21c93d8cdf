"""The centre in a real browser without scripts: everything works, and nothing is left behind in it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Error, async_playwright

from tests.doors.centre.beds import MAIL, centre
from tests.doors.centre.browsers import Visit
from tests.doors.centre.browsers import visit as before
from tests.doors.centre.test_links import member

ROOMS = ("Overview", "What is held", "Who saw it", "Choices", "Reaching you", "Copy", "Erase", "Complain")


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as play:
        found = await play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield found
        await found.close()


def visit(browser: Browser, folder: Path, site: str, **how: Any) -> AbstractAsyncContextManager[Visit]:
    """The centre served over a real socket, and a browser of this kind."""
    return before(browser, centre(folder, site), site, **how)


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
        for path in ("/contact", "/promises"):
            await one.page.goto(f"{one.base}{path}")
            await one.sound(width)
        await one.come_in()
        for room in ("What is held", "Who saw it", "Choices", "Erase"):
            await one.to(room)
            await one.sound(width)


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

        await one.page.goto(f"{one.base}/confirm/{confirm}")
        await one.sound(width, "link-confirm")
        await one.page.get_by_role("button", name="Yes, it was me").click()
        await one.sound(width, "link-confirmed")
        await one.page.goto(f"{one.base}{out}")
        await one.sound(width, "link-out")
        await one.page.get_by_role("button", name="End this").click()
        await one.sound(width, "link-out-of-one")
        await one.page.get_by_role("button", name="End all mail").click()
        await one.sound(width, "link-out-of-all")
        await one.page.goto(f"{one.base}/out/forged")
        await one.sound(width, "link-forged")
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
