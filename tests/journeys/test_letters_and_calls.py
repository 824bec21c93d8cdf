"""Calls and letters in the demo: who asked for nothing is called for nothing, who asked is, and sees that they were."""

from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, expect

from avow.demo.people import KNOWN, Person
from avow.policy.model import Right
from avow.policy.parse import read
from tests.desk.beds import POLICIES, SITES
from tests.journeys.browsing import DESK, PHONE, Customer, customer
from tests.journeys.running import Running
from tests.journeys.test_rooms import enter_the_centre, enter_the_console

pytestmark = pytest.mark.xdist_group("journeys")
WANDA: Final = KNOWN[0]  # was brought over from the shop's old database, and waits for nothing
PEARL: Final = Person("Pearl Hollowell", "9 Slipway", "Farwater", "+1 555 0171")


def turn_to(one: Customer, page: str) -> None:
    """By the console's navigation."""
    one.page.get_by_role("navigation").get_by_role("button", name=page, exact=True).click()
    one.page.wait_for_load_state("load")


def may_i(one: Customer, person: Person, channel: str, purpose: str) -> None:
    """Ask of whoever gave this address, whether they wait for anything or not."""
    turn_to(one, "Find")
    one.page.locator("main details summary").click()
    one.page.locator("#which").fill(person.email)
    one.page.locator("#channel").select_option(channel)
    one.page.locator("#purpose").select_option(purpose)
    one.press("May I?")


def found(one: Customer, person: Person, purpose: str) -> None:
    """Find their request, and take it up."""
    turn_to(one, "Find")
    one.fill({"value": person.email}, "form[action='/find']")
    one.press("Look up")
    one.press(purpose)


def refused_by(one: Customer, promise: str) -> None:
    expect(one.page.get_by_role("heading", name="Refused")).to_be_visible()
    expect(one.page.locator("main .badge", has_text=promise).first).to_be_visible()


def test_who_waits_for_nothing_is_neither_called_nor_written_to(browser: Browser, demo: Running, shots: Path) -> None:
    """AIT-13, AIT-14; and AIT-12: there is no label for a mailing."""
    with customer(browser, DESK) as one:
        enter_the_console(one, demo, "aitpro", "samir")
        may_i(one, WANDA, "phone", "quote")
        refused_by(one, "AIT-14")
        one.look(shots, "aitpro-20-no-call")
        assert WANDA.phone not in one.page.content()
        turn_to(one, "Went out")
        assert "AIT-14" in one.page.inner_text("main table")
        one.look(shots, "aitpro-21-went-out")
        enter_the_console(one, demo, "aitpro", "farida")
        may_i(one, WANDA, "post", "marketing")
        refused_by(one, "AIT-12")
        assert one.kept(demo.at.console("aitpro")).nothing


def is_called(one: Customer, demo: Running, shots: Path) -> None:
    enter_the_console(one, demo, "aitpro", "samir")
    found(one, PEARL, "Quote")
    assert PEARL.phone not in one.page.content()
    one.press("May I call?")
    assert PEARL.phone in one.page.inner_text("main")
    one.look(shots, "aitpro-22-may-call")
    one.press("I reached them")
    assert "the call reached them" in one.page.inner_text("main table")


def is_written_to(one: Customer, demo: Running, shots: Path) -> None:
    enter_the_console(one, demo, "aitpro", "farida")
    found(one, PEARL, "Quote")
    one.press("May I write a letter?")
    assert PEARL.street in one.page.inner_text("main")
    one.look(shots, "aitpro-23-may-write")
    with one.context.expect_event("response", lambda answer: answer.url.endswith("/label")) as label:
        one.page.get_by_role("button", name="Make a label").click()
    assert label.value.status == 200
    assert label.value.headers["content-type"] == "application/pdf"
    assert label.value.headers["cache-control"] == "no-store"
    one.press("It is in the post")
    assert "the letter is in the post" in one.page.inner_text("main table")


def sees_it(one: Customer, demo: Running, shots: Path) -> None:
    enter_the_centre(one, demo, "aitpro", PEARL.email)
    one.press("See who")
    seen = one.page.inner_text("main")
    assert "got your telephone number to telephone you" in seen
    assert "got your postal address to write you a letter" in seen
    one.look(shots, "aitpro-24-who-called")


def stops_it(one: Customer, demo: Running, shots: Path) -> None:
    enter_the_console(one, demo, "aitpro", "samir")
    turn_to(one, "Letters and calls")
    stop = one.page.locator("form[action='/incoming/stop']")
    stop.get_by_label("telephone calls").check()
    stop.get_by_label("e-mail").check()
    stop.locator("[name=category]").select_option("phone")
    stop.locator("[name=stop-value]").fill(PEARL.phone)
    one.look(shots, "aitpro-25-stop")
    one.press("Stop it now")
    assert "they get no more e-mail and telephone calls" in one.page.inner_text("main")
    found(one, PEARL, "Quote")
    one.press("May I call?")
    refused_by(one, "AIT-15")


def test_who_asked_for_a_quote_is_called_sees_it_and_ends_it_by_telephone(
    browser: Browser, demo: Running, shots: Path
) -> None:
    """AIT-14, AIT-12, AIT-15 and AIT-11: from the question to the last call."""
    with customer(browser) as one:
        one.page.goto(demo.at.shop("aitpro") + "/quote")
        one.fill(PEARL.given(), "main form")
        one.press("Send")
    for screen, act in ((DESK, is_called), (DESK, is_written_to), (PHONE, sees_it), (DESK, stops_it)):
        with customer(browser, screen) as one:
            act(one, demo, shots)
            assert one.kept(demo.at.console("aitpro")).nothing


@pytest.mark.parametrize("site", SITES)
def test_each_route_that_the_policy_promises_stands_on_its_page_and_opens_a_request(
    browser: Browser, demo: Running, site: str
) -> None:
    """AIM-12, AUD-14, AIT-1, TOC-16 and DAM-21; mail is the gateway's."""
    policy = read(POLICIES / f"{site}.yaml")
    routes = {
        route for promise in policy.promises for clause in promise.clauses
        if isinstance(clause, Right) and "ask" in clause.rights for route in clause.routes
    }  # fmt: skip
    said = {"mail": "email", "phone": "phone", "form": "form"}
    address = f"{site}@{PEARL.email.partition('@')[2]}"
    with customer(browser, DESK) as one:
        one.page.goto(demo.at.centre(site) + "/policy")
        page = one.page.inner_text("body")
        assert all(policy.controller.contact[said[route]] in page for route in routes)
        one.page.goto(demo.at.centre(site) + "/contact")
        one.fill({"email": address, "message": "About your policy: what is a cookie?"}, "main form")
        one.press("Send")
        enter_the_console(one, demo, site, "samir")
        if "phone" in routes:
            turn_to(one, "Letters and calls")
            one.press("Take it down")
            one.fill(
                {"email": address, "message": "About your policy: and by telephone?"}, "form[action='/incoming/wish']"
            )
            one.press("Take it down")
            assert "It is taken down as request no." in one.page.inner_text("main")
        turn_to(one, "Find")
        one.fill({"value": address}, "form[action='/find']")
        one.press("Look up")
        assert one.page.locator("main table tbody tr").count() == 1 + ("phone" in routes)
