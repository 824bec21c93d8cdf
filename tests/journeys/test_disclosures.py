"""Data leave the house in the demo: two colleagues, one case, one file, its recipient alone; and the person sees it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, expect

from avow.demo.people import KNOWN
from tests.journeys.browsing import DESK, PHONE, Customer, customer
from tests.journeys.running import Running
from tests.journeys.test_letters_and_calls import refused_by, turn_to
from tests.journeys.test_rooms import enter_the_centre, enter_the_console, newest

pytestmark = pytest.mark.xdist_group("journeys")
WANDA: Final = KNOWN[0]
TOMAS: Final = KNOWN[1]


def put_forward(one: Customer, shots: Path) -> None:
    """A court's order to aitpro, about Tomas."""
    turn_to(one, "Cases")
    one.press("They ask for data")
    form = one.page.locator("form[action='/cases/propose']")
    one.fill({"value": TOMAS.email, "reference": "3 O 77/26"}, "form[action='/cases/propose']")
    form.get_by_label("Email", exact=True).check()
    form.locator("[name=until]").fill(form.locator("[name=until]").get_attribute("max") or "")
    one.look(shots, "aitpro-30-case")
    one.press("Put it forward")
    assert "another colleague has to agree" in one.page.inner_text("main")


def agree(one: Customer, reference: str, address: str) -> None:
    turn_to(one, "Cases")
    card = one.page.locator("li.card", has_text=reference)
    card.get_by_label("Which one").fill(address)
    card.get_by_role("checkbox").check()
    card.get_by_role("button", name="Agree").click()
    expect(one.page.get_by_text("Its package can be fetched now")).to_be_visible()


def fetched(one: Customer, demo: Running, site: str, folder: Path) -> None:
    """The package, and the key on the centre's page, as the recipient would have them."""
    with one.page.expect_download() as coming:
        one.press("Get the package")
    coming.value.save_as(folder / "package.jose")
    one.page.goto(demo.at.centre(site) + "/promises")
    with one.page.expect_download() as coming:
        one.page.get_by_role("link", name="Our public key").click()
    coming.value.save_as(folder / "package-key.json")


def opened(demo: Running, site: str, recipient: str, folder: Path) -> Any:
    """What a recipient reads in it, by the command line, with its own key."""
    private = demo.house.folder / "recipients" / f"{site}-{recipient}.jwk"
    command = [
        sys.executable,
        "-m",
        "avow",
        "open",
        "package.jose",
        "--key",
        str(private),
        "--site-key",
        "package-key.json",
    ]
    said = subprocess.run([*command, "--as", recipient, "--json"], capture_output=True, check=True, cwd=folder)
    return json.loads(said.stdout)


def is_told(demo: Running, before: int, address: str, promise: str) -> None:
    assert promise in demo.ask(demo.house.mailbox.after(before, address)).text


def sees_it(browser: Browser, demo: Running, shots: Path, site: str, address: str) -> str:
    with customer(browser, PHONE) as one:
        enter_the_centre(one, demo, site, address)
        one.press("See what is held")
        one.look(shots, f"{site}-33-who-got-it")
        return one.page.locator("table", has_text="What went out, to whom and why").inner_text()


def test_a_court_gets_what_two_colleagues_stand_for_once_and_the_person_sees_it(
    browser: Browser, demo: Running, shots: Path, tmp_path: Path
) -> None:
    """AIT-21: and who put the order forward does not get further alone."""
    with customer(browser, DESK) as first, customer(browser, PHONE, scripts=False) as second:
        enter_the_console(first, demo, "aitpro", "anouk")
        put_forward(first, shots)
        assert first.page.get_by_role("button", name="Agree").count() == 0
        enter_the_console(second, demo, "aitpro", "arno")
        agree(second, "3 O 77/26", TOMAS.email)
        before = newest(demo)
        fetched(second, demo, "aitpro", tmp_path)
        assert opened(demo, "aitpro", "court", tmp_path)["avow"]["data"] == {"email": TOMAS.email}
        is_told(demo, before, TOMAS.email, "AIT-21")
        turn_to(first, "Cases")
        assert "passed on" in first.page.inner_text("main table")
        first.look(shots, "aitpro-32-passed-on")
        for one in (first, second):
            assert one.kept(demo.at.console("aitpro")).nothing
    seen = sees_it(browser, demo, shots, "aitpro", TOMAS.email)
    assert "3 O 77/26" in seen
    assert "a court" in seen


def test_a_newcomer_finds_a_case_that_waits_and_its_package_opens_for_the_fraud_bureau_alone(
    browser: Browser, demo: Running, shots: Path, tmp_path: Path
) -> None:
    """TOC-10: the one who put it forward cannot be the second; and it serves once."""
    with customer(browser, DESK) as finn, customer(browser, DESK) as freya:
        enter_the_console(finn, demo, "aitoc", "finn")
        turn_to(finn, "Cases")
        assert "another colleague has to agree" in finn.page.inner_text("main")
        enter_the_console(freya, demo, "aitoc", "freya")
        turn_to(freya, "Cases")
        freya.look(shots, "aitoc-30-case-waits")
        agree(freya, "SFB 2041/7", WANDA.email)
        freya.look(shots, "aitoc-31-agreed")
        before = newest(demo)
        fetched(freya, demo, "aitoc", tmp_path)
        assert opened(demo, "aitoc", "fraud-bureau", tmp_path)["avow"]["data"]["email"] == WANDA.email
        is_told(demo, before, WANDA.email, "TOC-10")
        with pytest.raises(subprocess.CalledProcessError):
            opened(demo, "aitoc", "agency", tmp_path)
        turn_to(finn, "Cases")
        assert finn.page.get_by_role("button", name="Get the package").count() == 0
    assert "SFB 2041/7" in sees_it(browser, demo, shots, "aitoc", WANDA.email)


def test_a_guild_gets_nothing_of_who_never_agreed(browser: Browser, demo: Running, shots: Path) -> None:
    """AUD-9."""
    with customer(browser, DESK) as one:
        enter_the_console(one, demo, "audiomidi", "samir")
        one.page.locator("form[action='/task'] button").first.click()
        one.page.locator("summary", has_text="Pass data on").click()
        one.page.locator("form[action='/pass-on']").get_by_label("Email", exact=True).check()
        one.look(shots, "audiomidi-30-pass-on")
        one.press("Pass it on as a file")
        refused_by(one, "AUD-9")


def test_dam_11_nobody_passes_anything_on_that_was_not_approved_in_writing(browser: Browser, demo: Running) -> None:
    """DAM-11: by the colleague who may with it."""
    with customer(browser, DESK) as one:
        enter_the_console(one, demo, "daminion", "samir")
        one.page.locator("form[action='/task'] button").first.click()
        one.page.locator("summary", has_text="Pass data on").click()
        one.page.locator("form[action='/pass-on']").get_by_label("Name", exact=True).check()
        one.press("Pass it on as a file")
        refused_by(one, "DAM-11")
