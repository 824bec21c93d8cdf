"""Whole purchases in a real browser, under each of the five policies: what is asked, and what is left in the browser."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, Playwright, expect

from avow.demo.buying import BUYER, CARD
from avow.demo.places import SITES
from tests.journeys.browsing import Customer, Kept, customer, without_cookies
from tests.journeys.running import Running

pytestmark = pytest.mark.xdist_group("journeys")

GIVEN: Final = BUYER.given() | CARD
ORDERED: Final = {  # what each shop's order form asks for, of that
    site: {key: value for key, value in GIVEN.items() if key not in {"company", "interest"} and (key != "phone" or site == "daminion")}
    for site in SITES
}  # fmt: skip
PASSWORD: Final = "weir cottage otter kettle"
REFERENCE: Final = re.compile(r"\b[A-Z]{4}(?:-[A-Z]{4}){3}\b")
LEFT: Final = {  # cookies of the shop that a purchase leaves behind, as the policy lets it
    "aimini": (), "audiomidi": (), "aitpro": (), "aitoc": ("__Host-visit",), "daminion": ("__Host-guest", "__Host-visit"),
}  # fmt: skip


def to_the_checkout(one: Customer, demo: Running, site: str) -> None:
    one.page.goto(demo.at.shop(site) + "/")
    one.press("Add to cart")
    one.press("To the checkout")


def pay(one: Customer, demo: Running, site: str) -> str:
    """On the payment company's own pages; the order's reference."""
    assert one.page.url.startswith(demo.at.keyhouse if site == "aimini" else demo.at.pay)
    found = REFERENCE.search(one.page.inner_text("main"))
    assert found is not None
    one.fill(GIVEN, "main")
    one.press("Pay")
    expect(one.page.get_by_role("heading", name="Paid")).to_be_visible()
    return found[0]


def see_it_paid(one: Customer, reference: str) -> None:
    one.press("Back to the shop")
    for _ in range(20):
        one.fill({"reference": reference}, "main")
        one.press("Look")
        if "is paid" in one.page.inner_text("main"):
            return
        one.page.wait_for_timeout(250)  # the company's notice is on its way, from process to process
    pytest.fail("the shop does not say that the order is paid")


def buy(one: Customer, demo: Running, site: str) -> None:
    """From the shop's first page to its word that the order is paid."""
    to_the_checkout(one, demo, site)
    order(one, demo, site)


def order(one: Customer, demo: Running, site: str) -> None:
    """From the checkout on."""
    one.fill(ORDERED[site], "#once")
    one.press("Buy at Keyhouse" if site == "aimini" else "Order and pay")
    see_it_paid(one, pay(one, demo, site))


def nobody_else(one: Customer, demo: Running, site: str) -> set[str]:
    return one.strangers((demo.at.shop(site), demo.at.centre(site), demo.at.pay, demo.at.keyhouse))


@pytest.mark.parametrize("site", SITES)
def test_a_purchase_leaves_in_a_phones_browser_what_the_policy_says(
    browser: Browser, demo: Running, shots: Path, site: str
) -> None:
    """AIT-16."""
    with customer(browser) as one:
        one.page.goto(demo.at.shop(site) + "/")
        one.look(shots, f"{site}-1-shop")
        one.press("Add to cart")
        one.look(shots, f"{site}-2-cart")
        one.press("To the checkout")
        one.look(shots, f"{site}-3-checkout")
        order(one, demo, site)
        one.look(shots, f"{site}-4-paid")
        assert nobody_else(one, demo, site) == set()
        assert one.said == []
        assert site != "aimini" or one.cacheable(demo.at.shop(site)) == []  # AIM-2: not even a copy of a sheet
        assert one.kept(demo.at.shop(site)) == Kept(LEFT[site], 0, 0, 0)


@pytest.mark.parametrize("site", ["aimini", "daminion"])
def test_a_card_whose_bank_asks_first_pays_after_one_more_page_of_the_companys_own(
    browser: Browser, demo: Running, shots: Path, site: str
) -> None:
    with customer(browser) as one:
        to_the_checkout(one, demo, site)
        one.fill(ORDERED[site], "#once")
        one.press("Buy at Keyhouse" if site == "aimini" else "Order and pay")
        company, reference = one.page.url, REFERENCE.search(one.page.inner_text("main"))
        assert reference is not None
        one.fill(GIVEN | {"card": "4000 0025 0000 3155"}, "main")
        one.press("Pay")
        expect(one.page.get_by_role("heading", name="One more step")).to_be_visible()
        assert one.page.url == company  # an answer to what was posted there, and no page of anybody else's
        assert one.context.cookies(company) == []
        one.look(shots, f"{site}-4-one-more-step")
        one.press("Yes, it is me")
        expect(one.page.get_by_role("heading", name="Paid")).to_be_visible()
        see_it_paid(one, reference[0])


@pytest.fixture(scope="module")
def blocked(playwright: Playwright, demo: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Customer]:
    """One browser for all who block cookies: there is nothing in it that could go from one to the next."""
    profile = tmp_path_factory.mktemp("blocked") / "profile"
    with without_cookies(playwright, demo.house.certificates, profile) as one:
        yield one


@pytest.mark.parametrize("site", SITES)
def test_with_all_cookies_blocked_a_purchase_works_just_the_same(demo: Running, blocked: Customer, site: str) -> None:
    """AIM-2, DAM-20."""
    buy(blocked, demo, site)
    assert blocked.context.cookies() == []


def test_a_browser_that_blocks_cookies_really_takes_none(browser: Browser, demo: Running, blocked: Customer) -> None:
    """AIM-2: the planted defect of the test above: a page that keeps something, and a browser that would let it."""
    plant = "() => { document.cookie = 'b=2'; try { localStorage.b = 2 } catch {} }"
    with customer(browser) as usual:
        for one, taken in ((blocked, []), (usual, ["b"])):
            one.page.goto(demo.at.shop("aimini") + "/")
            one.page.evaluate(plant)
            assert [cookie["name"] for cookie in one.context.cookies()] == taken
        assert usual.kept(demo.at.shop("aimini")) == Kept(("b",), 1, 0, 0)


@pytest.mark.parametrize("site", SITES)
def test_without_javascript_a_purchase_works_just_the_same(browser: Browser, demo: Running, site: str) -> None:
    """TOC-5."""
    with customer(browser, scripts=False) as one:
        buy(one, demo, site)


def test_audiomidis_cookie_is_in_the_cart_and_at_the_checkout_alone(browser: Browser, demo: Running) -> None:
    """AUD-6, AUD-7: and gone once the order is placed."""
    with customer(browser) as one:
        one.page.goto(demo.at.shop("audiomidi") + "/")
        assert one.context.cookies() == []
        one.press("Add to cart")
        found = sorted(one.context.cookies(), key=lambda cookie: cookie["path"])
        assert [(cookie["name"], cookie["path"]) for cookie in found] == [
            ("__Secure-cart", "/cart"), ("__Secure-cart", "/checkout")
        ]  # fmt: skip
        assert {(cookie["httpOnly"], cookie["secure"], cookie["expires"]) for cookie in found} == {(True, True, -1)}
        one.page.goto(demo.at.shop("audiomidi") + "/cart")
        assert "Nothing in it yet" not in one.page.inner_text("main")


def test_who_comes_back_to_audiomidi_signs_in_at_the_checkout_and_need_not_type_again(
    browser: Browser, demo: Running, shots: Path
) -> None:
    """AUD-8: in another browser, which knows nothing of the first."""
    with customer(browser) as one:
        to_the_checkout(one, demo, "audiomidi")
        one.fill(GIVEN | {"email": "back@marchbanks.example", "password": PASSWORD}, "#once")
        one.press("Order and pay")
        pay(one, demo, "audiomidi")
    with customer(browser) as one:
        to_the_checkout(one, demo, "audiomidi")
        one.page.get_by_text("Been here before?").click()
        one.fill({"contact": "back@marchbanks.example", "password": PASSWORD}, "details")
        one.press("Sign in")
        expect(one.page.locator("[name='postal-address']")).to_have_value(GIVEN["postal-address"])
        expect(one.page.locator("[name='name']").first).to_have_value(GIVEN["name"])
        one.look(shots, "audiomidi-5-filled-in")
        one.press("Order and pay")
        pay(one, demo, "audiomidi")
