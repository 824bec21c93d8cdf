"""The customer's room and the staff's: one round through the demo in a real browser, as the guide has it."""

import re
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, expect

from avow.demo.people import KNOWN, PASSWORD
from tests.journeys.browsing import DESK, Customer, customer
from tests.journeys.running import Running

pytestmark = pytest.mark.xdist_group("journeys")
WANDA: Final = KNOWN[0]


def newest(demo: Running) -> int:
    return max((letter.number for letter in demo.house.mailbox.newest_first()), default=0)


def enter_the_centre(one: Customer, demo: Running, site: str, address: str) -> None:
    """With a code that is read in the mail viewer, as a person would."""
    before = newest(demo)
    one.page.goto(demo.at.centre(site) + "/")
    one.fill({"contact": address}, "form[action='/code']")
    one.press("Send me a code")
    demo.ask(demo.house.mailbox.after(before, address))
    mail = one.context.new_page()
    mail.goto(demo.at.start + "/mail")
    code = mail.locator("tr", has_text=address).first.locator("strong.code").inner_text()
    mail.close()
    one.fill({"code": code}, "form[action='/enter']")
    one.press("Go on")


def enter_the_console(one: Customer, demo: Running, site: str, name: str) -> None:
    one.page.goto(demo.at.console(site) + "/")
    one.fill({"name": name, "password": PASSWORD}, "main")
    one.press("Sign in")


@pytest.mark.parametrize("site", ["audiomidi", "daminion"])
def test_a_customer_enters_with_a_code_from_the_mail_and_sees_what_is_held(
    browser: Browser, demo: Running, shots: Path, site: str
) -> None:
    """For daminion out of PostgreSQL."""
    with customer(browser) as one:
        enter_the_centre(one, demo, site, WANDA.email)
        one.look(shots, f"{site}-6-centre")
        one.press("See what is held")
        text = one.page.inner_text("main")
        assert WANDA.email in text
        assert WANDA.name in text
        one.look(shots, f"{site}-7-held")
        assert one.kept(demo.at.centre(site)).nothing


def test_staff_who_ask_for_more_than_the_task_needs_are_refused_by_name_of_promise(
    browser: Browser, demo: Running, shots: Path
) -> None:
    """AUD-5."""
    with customer(browser, DESK) as one:
        enter_the_console(one, demo, "audiomidi", "farida")
        one.look(shots, "audiomidi-8-console")
        one.page.locator("form[action='/task'] button").first.click()
        one.page.locator("main details summary").click()
        one.press("Ask, and be told why not")
        expect(one.page.get_by_role("heading", name="Refused")).to_be_visible()
        assert re.search(r"\bAUD-\d+\b", one.page.inner_text("main"))
        one.look(shots, "audiomidi-9-refused")
        assert one.kept(demo.at.console("audiomidi")).nothing


def test_a_colleague_who_has_not_signed_sees_the_agreement_and_nothing_else(
    browser: Browser, demo: Running, shots: Path
) -> None:
    """TOC-13."""
    with customer(browser, DESK) as one:
        enter_the_console(one, demo, "aitoc", "nils")
        assert "stays in this house" in one.page.inner_text("main")
        assert one.page.locator("form[action='/task']").count() == 0
        one.look(shots, "aitoc-8-agreement")


def test_a_customer_who_signs_in_is_shown_what_shapes_the_page_and_why(
    browser: Browser, demo: Running, shots: Path
) -> None:
    """TOC-8: in the shop, and afterwards in the privacy centre; signed out again, nothing of it is left."""
    with customer(browser) as one:
        before = newest(demo)
        one.page.goto(demo.at.shop("aitoc") + "/account")
        assert WANDA.name not in one.page.inner_text("main")
        one.fill({"code-contact": WANDA.email}, "form[action='/account/code']")
        one.press("Send me a code")
        letter = demo.ask(demo.house.mailbox.after(before, WANDA.email))
        one.fill({"code": re.findall(r"\b\d{8}\b", letter.text)[0]}, "form[action='/account/enter']")
        one.page.locator("form[action='/account/enter'] button").click()
        one.press("To the shop")
        text = one.page.inner_text("main")
        assert f"Welcome back, {WANDA.name}" in text
        assert "TOC-8" in text
        one.look(shots, "aitoc-6-fitted")
        one.press("See every look")
        one.page.goto(demo.at.shop("aitoc") + "/")
        assert WANDA.name not in one.page.inner_text("main")


def test_an_admin_is_shown_what_affiliates_are_owed(browser: Browser, demo: Running, shots: Path) -> None:
    """AIT-9: nothing yet, as no month with five sales is over."""
    with customer(browser, DESK) as one:
        enter_the_console(one, demo, "aitpro", "anouk")
        one.page.get_by_role("navigation").get_by_role("button", name="Affiliates").click()
        expect(one.page.get_by_role("heading", name="What affiliates are owed")).to_be_visible()
        one.look(shots, "aitpro-8-affiliates")


@pytest.mark.parametrize("place", ["", "people", "mail", "clock", "https"])
def test_the_guide_is_readable_on_a_phone(browser: Browser, demo: Running, shots: Path, place: str) -> None:
    with customer(browser) as one:
        one.page.goto(f"{demo.at.start}/{place}")
        one.look(shots, f"guide-{place or 'start'}")
        assert one.page.evaluate("() => document.documentElement.scrollWidth - innerWidth") <= 0
        assert one.context.cookies() == []
