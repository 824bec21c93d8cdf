"""The pages about versions in a real browser: they look well, work by keys alone, and leave nothing; the link to what is
new looks otherwise once it was followed, which nobody but the browser knows.
"""

from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.async_api import Browser, Locator, async_playwright

from tests.doors.centre.browsers import SHOTS, USUAL, arrived, served, visit
from tests.doors.centre.versions import versions
from tests.policy.five import next_of, policy_of

CHROMIUM: dict[str, Any] = {"executable_path": "/usr/bin/chromium", "args": ["--no-sandbox"]}


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as play:
        found = await play.chromium.launch(**CHROMIUM)
        yield found
        await found.close()


@pytest.mark.parametrize(("site", "scheme", "width"), [
    ("audiomidi", "light", 1280), ("aitpro", "dark", 390), ("daminion", "dark", 1280), ("aitoc", "light", 390),
    ("aimini", "light", 390),
])  # fmt: skip
async def test_every_page_about_versions_looks_well_on_every_screen(
    browser: Browser, tmp_path: Path, site: str, scheme: Any, width: int
) -> None:
    name, first, shot = next_of(site).digest.hex(), policy_of(site).digest.hex(), f"changes-{site}-{scheme}"
    size: Any = {"width": width, "height": 844}
    how = {"color_scheme": scheme, "viewport": size, "java_script_enabled": True}
    async with visit(browser, versions(tmp_path, site, "three"), site, **how) as one:
        for path, called in (
            ("/changes", "log"), (f"/changes/{name}", "what"), ("/changes?since=2026-05-03", "since"),
            ("/changes?since=2027-09-01", "wrong"), (f"/changes/{first}", "first"), ("/", "start"),
        ):  # fmt: skip
            await one.page.goto(f"{one.base}{path}")
            await one.sound(width, f"{shot}-{called}")
        for path, called in (("/policy", "policy"), (f"/changes/{first}/text", "past")):
            await one.page.goto(f"{one.base}{path}")
            await one.sound(width)
            await one.page.screenshot(path=SHOTS / f"{shot}-{called}-{width}.png")
        assert await one.nothing_is_left()


def ground(picture: bytes) -> tuple[int, ...]:
    """The colour that most of a picture has."""
    image = Image.open(BytesIO(picture)).convert("RGB")
    return max(image.getcolors(1 << 16) or [])[1]  # type: ignore[return-value]  # RGB


async def picture(link: Locator) -> bytes:
    """The link as it is on the screen, with nothing over it."""
    await link.page.mouse.move(0, 0)
    return await link.screenshot()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_link_to_what_is_new_looks_read_once_it_was_followed_and_no_page_can_tell(
    tmp_path: Path, scheme: Any
) -> None:
    """TOC-3: what changed since somebody's last visit, and not a byte of it is kept about them."""
    site = "aitoc"
    how: dict[str, Any] = USUAL | {
        "java_script_enabled": True,
        "color_scheme": scheme,
        "viewport": {"width": 390, "height": 844},
    }
    async with (
        versions(tmp_path, site, "to-come") as here, served(here, site) as base, async_playwright() as play,
        await play.chromium.launch_persistent_context(tmp_path / "profile", **CHROMIUM, **how) as context,
    ):  # fmt: skip
        one = await arrived(here, base, context)
        link = one.page.locator(".news .unread")
        await one.page.goto(f"{base}/contact")
        unread = await picture(link)
        await one.page.reload()
        assert await picture(link) == unread  # to have seen the page that has the link is not to have followed it
        before = await link.evaluate("one => getComputedStyle(one).backgroundColor")
        await link.click()
        assert await one.page.get_by_role("heading", level=1).inner_text() == "What changes on 1 February 2027"
        await one.page.goto(f"{base}/promises")
        read = await picture(link)
        assert ground(read) != ground(unread)
        assert await link.evaluate("one => getComputedStyle(one).backgroundColor") == before  # what a script would see
        await one.sound(390, f"read-{scheme}")
        assert await one.nothing_is_left()
        assert all("?" not in address for address in one.asked)
    async with (
        versions(tmp_path / "other", site, "to-come") as here, served(here, site) as base, async_playwright() as play,
        await play.chromium.launch_persistent_context(tmp_path / "second", **CHROMIUM, **how) as context,
    ):  # fmt: skip
        one = await arrived(here, base, context)
        await one.page.goto(f"{base}/promises")
        assert ground(await picture(one.page.locator(".news .unread"))) == ground(unread)  # somebody else's browser


async def test_the_log_works_by_keys_alone(browser: Browser, tmp_path: Path) -> None:
    async with visit(browser, versions(tmp_path, "audiomidi", "to-come"), "audiomidi", java_script_enabled=True) as one:
        page = one.page
        await page.goto(f"{one.base}/changes")

        async def until(words: str) -> None:
            for _ in range(40):
                await page.keyboard.press("Tab")
                if words in await page.evaluate("document.activeElement.innerText || document.activeElement.id"):
                    return
            raise AssertionError(words)

        await until("since")
        await page.keyboard.type("01022026")
        await until("Show")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**since=2026-*")
        assert await page.get_by_text("Nothing changed").count() == 1
        await until("What changes")
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"**/changes/{next_of('audiomidi').digest.hex()}")
        assert await one.nothing_is_left()


@pytest.mark.parametrize(("site", "scheme", "width"), [
    ("aitpro", "light", 1280), ("aitoc", "dark", 390), ("audiomidi", "light", 390), ("daminion", "dark", 1280),
])  # fmt: skip
async def test_the_answer_is_given_by_clicks_and_both_buttons_are_alike_to_the_pixel(
    browser: Browser, tmp_path: Path, site: str, scheme: Any, width: int
) -> None:
    size: Any = {"width": width, "height": 844}
    how = {"color_scheme": scheme, "viewport": size, "java_script_enabled": True}
    async with visit(browser, versions(tmp_path, site, "to-come"), site, **how) as one:
        await one.come_in()
        await one.sound(width, f"signed-{site}-overview")
        await one.to("Changes")
        await one.sound(width, f"signed-{site}-asked")
        yes, no = (one.page.locator(f"button[value={value}]") for value in ("yes", "no"))
        await alike(yes, no)
        await yes.click()
        assert await yes.get_attribute("aria-pressed") == "true"
        await one.sound(width, f"signed-{site}-agreed")
        agreed = await boxes(yes, no)
        await no.click()
        assert await no.get_attribute("aria-pressed") == "true"
        assert await yes.get_attribute("aria-pressed") == "false"
        await one.sound(width, f"signed-{site}-declined")
        assert [box["height"] for box in await boxes(yes, no)] == [box["height"] for box in agreed]
        assert await one.nothing_is_left()
        assert all("?" not in address for address in one.asked)


async def boxes(*buttons: Locator) -> list[Any]:
    """Where they stand."""
    return [await one.bounding_box() for one in buttons]


async def alike(yes: Locator, no: Locator) -> None:
    """Same size, same weight, same colours: neither is the easier one, nor the nicer."""
    one, other = await boxes(yes, no)
    assert abs(one["width"] - other["width"]) <= 2  # the line between them
    assert one["height"] == other["height"]
    look = "one => { const s = getComputedStyle(one); return [s.color, s.backgroundColor, s.fontWeight, s.fontSize, s.cursor] }"
    assert await yes.evaluate(look) == await no.evaluate(look)
