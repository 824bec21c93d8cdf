"""What anybody sees of the centre: the policy, the promises, the routes, and one answer for held and unknown."""

import os
import re
from pathlib import Path

import httpx
import pytest

from avow.doors.guard import Guard
from avow.policy.notice import html, names_every_promise
from tests.desk.beds import SITES
from tests.doors.centre.beds import MAIL, QUESTION, SHOP, Visitor, centre, text_of

PAGES = ("/", "/promises", "/contact", "/held", "/nowhere")


@pytest.mark.parametrize("site", SITES)
async def test_every_page_links_to_the_policy_and_says_its_version(tmp_path: Path, site: str) -> None:
    """TOC-1."""
    async with centre(tmp_path, site) as (bed, _, ada):
        for path in PAGES:
            answer = await ada.get(path)
            assert '<a href="/policy">Privacy policy</a>' in answer.text
            assert bed.policy.version.isoformat() in text_of(answer)


@pytest.mark.parametrize("site", SITES)
async def test_the_policy_page_is_made_from_the_policy_in_force_and_the_promises_page_names_all(
    tmp_path: Path, site: str
) -> None:
    """DAM-22."""
    async with centre(tmp_path, site) as (bed, _, ada):
        assert (await ada.get("/policy")).text == html(bed.policy)
        assert names_every_promise(bed.policy, (await ada.get("/promises")).text.replace("<", " <")) == ()


async def test_not_even_the_style_sheet_stays_in_the_browser(tmp_path: Path) -> None:
    async with centre(tmp_path, "aimini") as (_, _, ada):
        sheet = re.findall(r'rel="stylesheet" href="([^"]+)"', (await ada.get("/")).text)
        answer = await ada.web.get(sheet[0])
        assert answer.headers["content-type"].startswith("text/css")
        assert answer.headers["cache-control"] == "no-store"


async def test_the_centre_works_behind_the_guard(tmp_path: Path) -> None:
    async with centre(tmp_path, "aimini") as (bed, app, _ada):
        host = "privacy.aimini.localhost"
        guard = Guard(
            app, bed.policy, clock=bed.clock, random=os.urandom, hosts=[host], own=[SHOP], policy_page="/policy"
        )
        async with httpx.AsyncClient(transport=httpx.ASGITransport(guard), base_url=f"https://{host}") as web:
            guarded = Visitor(bed, web)
            await guarded.come_in()
            for path in ("/held", "/seen", "/copy"):
                assert (await guarded.go(path)).status_code == 200
            assert MAIL in (await guarded.post("/download", session=guarded.token, **{"as": "json"})).text
            for path in ("/policy", "/promises", "/contact"):
                assert (await guarded.get(path)).status_code == 200


async def test_verdicts_stand_beside_their_promises(tmp_path: Path) -> None:
    async with centre(tmp_path, "aimini", verdicts=lambda: {"AIM-2": "kept"}) as (_, _, ada):
        assert '<span class="badge good">kept</span>' in (await ada.get("/promises")).text


@pytest.mark.parametrize("site", SITES)
async def test_a_question_by_the_form_opens_a_service_request(tmp_path: Path, site: str) -> None:
    """AIT-1."""
    async with centre(tmp_path, site, asked=False) as (bed, _, ada):
        page = text_of(await ada.get("/contact"))
        assert bed.policy.controller.contact["email"] in page
        assert "and for nothing else" in page  # what sending it agrees to
        sent = await ada.post("/contact", **QUESTION)
        assert "It has reached us You get an answer within 14 days." in text_of(sent)
        await bed.desk.set_agreement("I keep what I see to myself.")
        staff = await bed.staff("Mo", "support")
        assert [one["kind"] for one in await bed.desk.queue(staff)] == ["question"]


async def test_a_form_with_faults_comes_back_with_what_was_typed_and_what_to_mend(tmp_path: Path) -> None:
    async with centre(tmp_path, "aitpro", asked=False) as (bed, _, ada):
        answer = await ada.post("/contact", email="ada at quill", message="", name="Ada")
        assert answer.status_code == 400
        assert 'href="#email"' in answer.text
        assert 'href="#message"' in answer.text
        assert 'value="ada at quill"' in answer.text
        for bad in (
            {"email": f"{MAIL}\nBcc: all@quill.example", "message": "Hello"},
            {"email": MAIL, "message": "My card is 4111 1111 1111 1111"},
        ):
            assert (await ada.post("/contact", **bad)).status_code == 400
        staff = await bed.staff("Mo", "support")
        assert await bed.desk.queue(staff) == []


async def test_a_number_that_may_be_a_card_is_taken_once_the_sender_says_that_it_is_none(tmp_path: Path) -> None:
    doubtful = {"email": MAIL, "message": "Serial 30569309025904 is broken"}
    async with centre(tmp_path, "aitpro", asked=False) as (bed, _, ada):
        first = await ada.post("/contact", **doubtful)
        assert first.status_code == 400
        assert 'name="no_card"' in first.text
        assert await bed.shop.find("email", MAIL) == []
        assert (await ada.post("/contact", **doubtful, no_card="yes")).status_code == 200
        certain = doubtful | {"message": "my card is 4111 1111 1111 1111", "no_card": "yes"}
        assert (await ada.post("/contact", **certain)).status_code == 400


async def test_complaints_have_a_form_for_anybody_where_the_policy_says_so(tmp_path: Path) -> None:
    async with centre(tmp_path, "aitpro", asked=False) as (bed, _, ada):
        page = text_of(await ada.get("/complaint"))
        assert "Better Business Bureau" in page
        assert "within 30 days" in page
        await ada.post("/complaint", email=MAIL, message="You called me.")
        staff = await bed.staff("Mo", "support")
        assert [one["kind"] for one in await bed.desk.queue(staff)] == ["complaint"]


async def test_whoever_asks_for_a_code_is_told_the_same_whether_held_or_not(tmp_path: Path) -> None:
    async with centre(tmp_path, "daminion") as (bed, _, ada):
        held = await ada.post("/code", contact=MAIL)
        unknown = await ada.post("/code", contact="bob@quill.example")
        await bed.desk.settle()
        assert held.text.replace(MAIL, "X") == unknown.text.replace("bob@quill.example", "X")
        assert dict(held.headers) | {"content-length": ""} == dict(unknown.headers) | {"content-length": ""}
        assert [one.to for one in bed.sent] == [MAIL]


@pytest.mark.parametrize("site", SITES)
async def test_the_key_of_packages_is_there_for_anybody_and_led_to_where_data_may_be_passed_on(
    tmp_path: Path, site: str
) -> None:
    async with centre(tmp_path, site) as (bed, _, ada):
        answer = await ada.get("/package-key.json")
        assert answer.json() == await bed.desk.package_key()
        assert answer.headers["content-type"] == "application/jwk+json"
        assert "d" not in answer.json()  # the private half
        led = 'href="/package-key.json"' in (await ada.get("/promises")).text
        assert led == (site != "aimini")  # where nothing is ever passed on by us
