"""The promises change: posted, told by mail, waited for, in force on their day; after all other journeys, as clocks move on."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from avow.demo.people import KNOWN
from avow.errors import Unavailable
from tests.journeys.browsing import DESK, customer
from tests.journeys.running import Running
from tests.shops import dated

pytestmark = pytest.mark.xdist_group("journeys")
TO_COME = (Path(__file__).parents[1] / "next" / "aitpro.yaml").read_text()
AHEAD = 20  # days, from the publication to the day of the version


def operator(demo: Running) -> Any:
    return demo.house.clocks._operators["aitpro"]


def moved(demo: Running, days: int) -> None:
    demo.ask(demo.house.clocks.move(days))


def telling(demo: Running) -> Any:
    (one,) = demo.ask(operator(demo).telling())
    return one


def test_a_new_use_is_posted_told_and_waited_for_and_then_in_force(
    browser: Browser, demo: Running, shots: Path
) -> None:
    """AIT-17: everybody affected is written to, over real mail, and told is whose days are over. AIT-19, DAM-22."""
    now = demo.ask(demo.house.clocks.now())["aitpro"]
    day = (datetime.fromtimestamp(now / 1000, UTC) + timedelta(days=AHEAD)).date()
    before = len(demo.house.mailbox)
    newest = demo.ask(operator(demo).published())[-1]["digest"]
    demo.ask(operator(demo).publish(dated(TO_COME, day.isoformat()).source, newest))
    letter = demo.ask(demo.house.mailbox.after(before, KNOWN[0].email))
    assert "plans a new use of your data" in letter.subject
    text = " ".join(letter.text.split())
    for part in (
        "to plan what we build next",
        "AIT-17",
        f"{day.day} {day:%B %Y}",
        demo.at.centre("aitpro") + "/changes/",
    ):
        assert part in text
    with customer(browser, DESK) as one:
        one.page.goto(demo.at.shop("aitpro") + "/privacy")
        assert day.isoformat() not in one.page.inner_text("main")
        one.page.goto(demo.at.start + "/mail")
        expect(one.page.locator("tr", has_text="plans a new use of your data").first).to_be_visible()
        one.look(shots, "aitpro-change-mail")
        until(lambda: telling(demo)["left"] == 0 and not telling(demo)["sending"])
        assert telling(demo)["told"] == 0
        moved(demo, 8)
        until(lambda: telling(demo)["told"] == telling(demo)["people"] > 0)
        moved(demo, AHEAD - 8)
        until(lambda: demo.ask(operator(demo).published())[-1]["state"] == "in-force")
        for origin in (demo.at.shop("aitpro") + "/privacy", demo.at.centre("aitpro") + "/policy"):
            until(lambda at=origin: shows(one.page, at, day.isoformat()))
        one.look(shots, "aitpro-changed-policy")
        assert not [said for said in one.said if "Content Security Policy" in said]  # it is shown as it was made
        assert "AIT-24" in one.page.inner_text("body")


def shows(page: Any, address: str, words: str) -> bool:
    page.goto(address)
    return words in page.inner_text("body")


def until(holds: Any) -> None:
    """Within a minute; a vault that opens anew does not answer for a moment."""
    last = datetime.now(UTC) + timedelta(minutes=1)
    while datetime.now(UTC) < last:
        try:
            if holds():
                return
        except Unavailable:
            pass
    raise AssertionError("it has not come to that within a minute")
