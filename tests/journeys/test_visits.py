"""The demo's shops count their visits as their policies say, and an admin looks at them."""

import pytest
from playwright.sync_api import Browser, expect

from avow.demo.people import PASSWORD
from avow.demo.places import SITES
from avow.store.visits import Visited
from avow.visits import Files
from tests.journeys.browsing import DESK, PHONE, customer
from tests.journeys.running import Running

pytestmark = pytest.mark.xdist_group("journeys")


def test_each_shop_keeps_the_files_that_its_policy_has_a_use_for(demo: Running) -> None:
    """TOC-7, DAM-5, AIT-2."""
    kept = {
        site: (
            Files(demo.house.folder / site, site).visits.exists(),
            Files(demo.house.folder / site, site).addresses.exists(),
        )
        for site in SITES
    }
    assert kept == {
        "aimini": (False, False), "audiomidi": (False, False), "aitpro": (True, False), "aitoc": (True, False),
        "daminion": (True, True),
    }  # fmt: skip
    for site in ("aitpro", "aitoc", "daminion"):
        stored = Visited.reading(Files(demo.house.folder / site, site).visits, site)
        assert sum(cell.visits for cell in stored.cells(0, 1 << 60) if not cell.dimensions) > 1_000
        stored.close()


@pytest.mark.parametrize("site", ["daminion", "aitoc", "aitpro"])
@pytest.mark.parametrize("screen", [PHONE, DESK], ids=["phone", "desk"])
def test_an_admin_looks_at_visits_and_is_shown_nothing_by_a_script(
    browser: Browser, demo: Running, shots, site, screen
) -> None:
    """DAM-6, TOC-7, AIT-4."""
    with customer(browser, screen, scripts=True) as one:
        page = one.page
        if screen is PHONE:
            page.emulate_media(color_scheme="dark")
        page.goto(demo.at.console(site) + "/")
        page.get_by_label("Your name").fill("anouk")
        page.get_by_label("Password").fill(PASSWORD)
        one.press("Sign in")
        page.get_by_role("button", name="Visits", exact=True).click()
        expect(page.get_by_role("heading", name="When")).to_be_visible()
        one.look(shots, f"{site}-visits-{'phone' if screen is PHONE else 'desk'}")
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        with one.context.expect_page() as opened:
            page.get_by_role("button", name="Live view").click()
        live = opened.value
        if screen is DESK:
            live.wait_for_url("**/visits/live/*", timeout=20_000)  # it has looked again by itself
        expect(live.get_by_text("Here now")).to_be_visible()
        live.close()
        if site == "daminion":
            one.press("Operational log")
            one.press("Show the log")
            expect(page.locator("td code").first).to_be_visible()
            one.look(shots, f"{site}-log-{'phone' if screen is PHONE else 'desk'}")
        assert one.kept(demo.at.console(site)).nothing
        assert not one.strangers((demo.at.console(site),))
