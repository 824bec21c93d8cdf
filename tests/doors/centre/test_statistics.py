"""The public page of statistics: AUD-10, DAM-9, TOC-9, DAM-13. What was released, for whom, at which cost; no figures."""

from pathlib import Path

import pytest

from avow.policy.aggregates import summarises
from avow.policy.parse import read
from tests.desk.beds import POLICIES
from tests.doors.centre.beds import centre, text_of

GOODS = ["Lark 49 keyboard", "Tern desk mixer"]


async def test_every_release_stands_on_a_public_page_with_its_promise_and_cost_and_without_its_figures(
    tmp_path: Path,
) -> None:
    """AUD-10."""
    async with centre(tmp_path, "audiomidi") as here:
        assert "Nothing was released yet" in text_of(await here.ada.get("/statistics"))
        await here.bed.desk.declare_goods("items", GOODS)
        for _ in range(123):
            await here.bed.desk.collect("cart", {"items": GOODS[0]})
        here.bed.clock.forward(days=40)
        told = await here.bed.desk.release_figures(
            ["items"], ["items"], "2026-03", "2026-03", "trade-press", "statistics"
        )
        page = text_of(await here.ada.get("/statistics"))
        for word in (
            "People by items, March 2026",
            "Studio & Stage Weekly",
            "AUD-10",
            "Epsilon 0.25",
            "0.25 of 2",
            told["event"],
        ):
            assert word in page
        assert told["figures"] is not None
        assert f" {told['figures'][0]} " not in page
        assert told["opening"] not in page
        await here.ada.come_in()
        assert "figures in which nobody can be found" in text_of(await here.ada.go("/seen"))


async def test_figures_for_the_public_stand_there_for_everybody(tmp_path: Path) -> None:
    source = (POLICIES / "audiomidi.yaml").read_text().replace("[trade-press, gear-makers]", "[public]")
    (tmp_path / "open.yaml").write_text(source)
    async with centre(tmp_path, "audiomidi", policy=read(tmp_path / "open.yaml")) as here:
        await here.bed.desk.declare_goods("items", GOODS)
        for _ in range(90):
            await here.bed.desk.collect("cart", {"items": GOODS[0]})
        here.bed.clock.forward(days=40)
        told = await here.bed.desk.release_figures(
            ["items"], ["items"], "2026-03", "2026-03", "public:all", "statistics"
        )
        assert told["figures"] is not None
        assert f" {told['figures'][0]} " in text_of(await here.ada.get("/statistics"))


@pytest.mark.parametrize("site", ["aimini", "aitpro"])
async def test_a_policy_that_lets_nothing_be_summed_up_has_no_such_page(tmp_path: Path, site: str) -> None:
    """AIM-1, AIT-10."""
    async with centre(tmp_path, site) as here:
        assert not summarises(here.bed.policy)
        assert (await here.ada.web.get("/statistics")).status_code == 404
        assert "/statistics" not in (await here.ada.get("/promises")).text
