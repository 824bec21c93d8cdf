"""The page of statistics: AUD-10, DAM-9 and DAM-13 for a colleague in a browser, and who is not let in."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

import pytest

from avow.errors import Refused
from tests.desk.beds import PASSWORD, Bed, desk
from tests.doors.console.browser import faultless, front, nothing_stored, press

GOODS: Final = ("Archive Server", "Scan station", "Wall mount")
SHOTS: Final = Path(__file__).parents[3] / "out" / "console"  # to be looked at
PATTERNS: Final = (["items"], ["items"], "2026-03", "2026-03", None, "patterns")


async def sold(bed: Bed, counts: Sequence[int]) -> None:
    """So many people bought each of the goods, and their month is over."""
    await bed.shop.statistics.declare("items", GOODS)
    for good, count in zip(GOODS, counts, strict=True):
        for _ in range(count):
            await bed.shop.collect("basket", {"items": f"1 × {good} at $799.00"})
    bed.clock.forward(days=40)


async def test_figures_are_released_in_the_console_without_javascript_and_taken_home(tmp_path: Path) -> None:
    """DAM-9, DAM-13: by an admin, within the budget, with the promise beside them."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    async with front(tmp_path, "daminion") as at:
        await sold(at.bed, (160, 90, 2))
        context = await at.context(accept_downloads=True)
        page = await context.new_page()
        await at.invited(page, "pat", "admin")
        await press(page, "Statistics")
        await faultless(page)
        await page.get_by_label("Figures of").select_option(label=(
            "Items, for Archive Partners, to make statistics in which nobody can be found (DAM-9)"))  # fmt: skip
        for label in ("First month", "Last month"):
            await page.get_by_label(label).fill("2026-03")
        await press(page, "Release figures")
        await page.get_by_role("heading", name="People by items, March 2026").wait_for()
        assert "DAM-9" in await page.inner_text("main")
        assert "under 17" in await page.inner_text("tr:has-text('Wall mount')")
        await faultless(page)
        for scheme, size in (("light", (1280, 900)), ("dark", (390, 844))):
            await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # it is one of the two
            await page.set_viewport_size({"width": size[0], "height": size[1]})
            await page.screenshot(path=SHOTS / f"figures-{scheme}.png", full_page=True)
        shown = int((await page.inner_text("tr:has-text('Archive Server') .number")).replace(",", ""))
        async with page.expect_download() as file:
            await page.get_by_role("button", name="As SVG").click()
        drawn = ET.fromstring(await text_of(file))
        assert f"{shown:,}" in {text.text for text in drawn.iter()}
        async with page.expect_download() as file:
            await page.get_by_role("button", name="As CSV").click()
        assert f"Archive Server,{shown}" in await text_of(file)
        await press(page, "More figures")
        await page.get_by_text("0.25 of 2").wait_for()
        for scheme, size in (("light", (1280, 900)), ("dark", (390, 844))):
            await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # as above
            await page.set_viewport_size({"width": size[0], "height": size[1]})
            await page.screenshot(path=SHOTS / f"statistics-{scheme}.png", full_page=True)
        await faultless(page)
        await page.get_by_label("Last month").fill("2026-04")
        await press(page, "Release figures")
        await page.get_by_text("2026-04 is not over").wait_for()
        await nothing_stored(context)
        assert [one["spent"] for one in await at.bed.desk.budgets()] == [250]


@pytest.mark.parametrize("role", ["support", "fulfilment", "marketing", "contest-desk"])
async def test_roles_that_no_promise_names_get_no_figures_and_no_page(tmp_path: Path, role: str) -> None:
    """DAM-13, AUD-10: who asks is decided like any other request, and is on record."""
    async with desk(tmp_path, "daminion") as bed:
        await sold(bed, (30, 0, 0))
        session = await bed.staff("lee", role)
        assert await bed.desk.offers(session) == []
        for wish in (PATTERNS, (*PATTERNS[:4], "reseller", "statistics")):
            with pytest.raises(Refused):
                await bed.desk.release(session, *wish)
        assert await bed.desk.budgets() == []


async def test_who_has_not_signed_gets_no_figures(tmp_path: Path) -> None:
    async with desk(tmp_path, "aitoc") as bed:
        await bed.desk.set_agreement("Say nothing.")
        session = await bed.desk.accept(await bed.desk.invite_first("max", "admin"), PASSWORD)
        for ask in (bed.desk.offers(session), bed.desk.release(session, ["page-use"], [], *PATTERNS[2:])):
            with pytest.raises(Refused, match="TOC-13"):
                await ask


async def text_of(file: Any) -> str:
    path: Path = await (await file.value).path()
    return await asyncio.to_thread(path.read_text)
