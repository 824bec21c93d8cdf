"""The page about versions for colleagues: which there are, how far people are told, counts of answers, and nobody's name."""

from pathlib import Path

from tests.desk.test_telling import ADA, BEA, NEXT, ordered, published
from tests.doors.console.browser import faultless, front, nothing_stored, press

SHOTS = Path(__file__).parents[3] / "out" / "console"  # to be looked at


async def test_colleagues_see_how_far_people_are_told_and_how_many_said_what(tmp_path: Path) -> None:
    """AIT-17."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    async with front(tmp_path, "aitpro") as at:
        context = await at.context()
        page = await context.new_page()
        await at.invited(page, "pat", "support")
        await press(page, "Changes")
        assert "Version of 2012-11-29" in await page.inner_text("main")
        assert "Owed a notice" not in await page.inner_text("main")  # the empty state: one version
        await faultless(page)
        await page.screenshot(path=SHOTS / "changes-first.png", full_page=True)
        await ordered(at.bed, ADA, BEA)
        await published(at.bed)
        await at.bed.desk.new_versions.round()
        (who,) = await at.bed.shop.find("email", ADA)
        await at.bed.shop.answer_version(who, NEXT.digest.hex(), agree=True, words="Yes")
        await press(page, "Changes")
        said = await page.inner_text("main")
        assert "Version of 2027-02-15" in said
        assert "Owed a notice\n\n2" in said
        assert "Waiting\n\n2" in said
        assert "Answers so far: 1 agreed, 0 declined." in said
        assert ADA not in await page.content()
        await faultless(page)
        for scheme, size in (("light", (1280, 900)), ("dark", (390, 844))):
            await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # it is one of the two
            await page.set_viewport_size({"width": size[0], "height": size[1]})
            await page.screenshot(path=SHOTS / f"changes-{scheme}.png", full_page=True)
        await nothing_stored(context)
