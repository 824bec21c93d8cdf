"""What is over when its time is: last of all journeys, as the demo's clock is moved on and every session ends."""

from pathlib import Path
from time import time

import pytest
from playwright.sync_api import Browser

from tests.journeys.browsing import DESK, customer
from tests.journeys.running import Running

pytestmark = pytest.mark.xdist_group("journeys")


def test_when_the_clock_moves_on_an_affiliates_cookie_and_record_are_over(
    browser: Browser, demo: Running, shots: Path
) -> None:
    """AIT-3, AIT-8 and AIT-10 (no script reads the cookie)."""
    with customer(browser, DESK) as one:
        code = min(affiliates())
        one.page.goto(f"{demo.at.shop('aitpro')}/a/{code}")
        (cookie,) = one.context.cookies(demo.at.shop("aitpro") + "/")
        assert cookie["name"] == "__Host-affiliate"
        assert cookie["expires"] <= time() + 30 * 86_400  # by the browser's own clock, which nobody moves
        assert one.page.evaluate("() => document.cookie") == ""
        one.page.goto(demo.at.start + "/clock")
        one.press("31 days forward")
        row = one.page.locator("section.moved").first.locator("tr", has_text="AITpro")
        gone = int(row.locator("td").nth(1).inner_text())
        assert gone >= 6  # three values of this click, and three of the one before today
        one.look(shots, "guide-clock-moved")
        for place in ("/", f"/a/{code}", "/cart"):  # the browser, whose clock nobody moved, still presents it
            one.context.add_cookies([cookie])  # type: ignore[list-item]  # it is what it gave us
            with one.page.expect_request(lambda asked, to=place: asked.url.endswith(to)) as sent:  # type: ignore[misc]
                one.page.goto(demo.at.shop("aitpro") + place)
            assert "__Host-affiliate=" in sent.value.all_headers()["cookie"]
            assert one.context.cookies(demo.at.shop("aitpro") + "/") == []
        one.page.goto(demo.at.start + "/clock")
        one.press("31 days forward")
        row = one.page.locator("section.moved").first.locator("tr", has_text="AITpro")
        assert int(row.locator("td").nth(1).inner_text()) == 0  # nothing was noted by a cookie that is over


def affiliates() -> frozenset[str]:
    from examples.shop.site import read_site  # noqa: PLC0415 - an example, not a part of the package

    return read_site("aitpro").affiliates
