"""What a version means for who is signed in, page by page: yes and no are one click each, alike, and can be changed."""

import re
from pathlib import Path

import httpx
import pytest

from avow.decide.changed import changed
from tests.doors.centre.beds import Centre, centre, text_of
from tests.doors.centre.versions import versions
from tests.policy.five import SITES, next_of, policy_of

PATH = "/your-changes"


def buttons(answer: httpx.Response) -> list[tuple[str, str]]:
    """The buttons that answer: value, and whether it is the one that counts."""
    return re.findall(r'<button name="answer" value="([^"]*)" aria-pressed="([^"]*)">', answer.text)


async def come_in(here: Centre) -> httpx.Response:
    await here.ada.come_in()
    return await here.ada.go(PATH)


@pytest.mark.parametrize("site", SITES)
async def test_a_version_shows_what_of_mine_it_concerns_what_it_allows_and_two_like_buttons(
    tmp_path: Path, site: str
) -> None:
    """TOC-2, AIT-17."""
    async with versions(tmp_path, site, "to-come") as here:
        page = await come_in(here)
        said, coming = text_of(page), next_of(site)
        assert f"Version of {coming.version}" in said
        assert "your e-mail address" in said
        for one in changed(policy_of(site), coming).more:
            assert one.words in said
        assert buttons(page) == [("yes", "false"), ("no", "false")]
        assert "You have not answered." in said
        assert "what we hold on you keeps its older limits" in said


async def test_an_answer_is_one_click_either_way_is_shown_and_can_be_changed(tmp_path: Path) -> None:
    async with versions(tmp_path, "aitoc", "new") as here:
        page = await come_in(here)
        day = next_of("aitoc").version.isoformat()
        words = re.findall(rf'<p id="says-{day}">“(.*?)”</p>', page.text)[0]
        for answer, shown, counts in (("yes", "You agreed.", "true"), ("no", "You declined.", "false")) * 2:
            page = await here.ada.go(PATH, version=day, answer=answer)
            assert shown in text_of(page)
            assert buttons(page) == [("yes", counts), ("no", "false" if counts == "true" else "true")]
            assert ("the older limits hold no longer" in text_of(page)) is (answer == "yes")
        (who,) = await here.bed.shop.find("email", "ada@quill.example")
        consents = (await here.bed.shop.export(who, by=here.bed.shop.person(who)))["consents"]
        assert {one["words"] for one in consents} == {words}


async def test_both_answers_take_the_same_steps_and_the_same_bytes_but_for_the_word(tmp_path: Path) -> None:
    async with versions(tmp_path, "aitpro", "to-come") as here:
        page = (await come_in(here)).text
        (group,) = re.findall(r'<div class="switch" role="group".*?</div>', page, re.DOTALL)
        yes, no = re.findall(r"<button.*?</button>", group)
        assert yes.replace('value="yes"', "").replace("I agree", "") == no.replace('value="no"', "").replace(
            "I decline", ""
        )
        assert (
            page.count('<form method="post" action="/your-changes">') == 1
        )  # one form, no confirmation after it for either


async def test_what_no_form_of_ours_sends_is_turned_away(tmp_path: Path) -> None:
    async with versions(tmp_path, "aitoc", "to-come") as here:
        await here.ada.come_in()
        day = next_of("aitoc").version.isoformat()
        for fields in (
            {"version": "2030-01-01", "answer": "yes"}, {"version": day, "answer": "maybe"}, {"version": day}, {"answer": "yes"},
            {"version": policy_of("aitoc").version.isoformat(), "answer": "yes"},
        ):  # fmt: skip
            assert (await here.ada.go(PATH, **fields)).status_code == 400
        assert (await here.ada.post(PATH, session="none", version=day, answer="yes")).status_code == 403
        assert (await here.ada.get(PATH)).status_code == 200  # the way in


async def test_with_one_version_there_is_nothing_to_answer(tmp_path: Path) -> None:
    async with centre(tmp_path, "aimini") as here:
        page = await come_in(here)
        assert "No change concerns you" in page.text
        assert buttons(page) == []


async def test_who_is_new_under_the_version_in_force_is_asked_nothing(tmp_path: Path) -> None:
    async with versions(tmp_path, "aitoc", "old") as here:
        await here.bed.desk.collect("contact", {"email": "new@quill.example", "message": "Hello"})
        code = await here.bed.code("new@quill.example")
        answer = await here.ada.post("/enter", contact="new@quill.example", code=code)
        here.ada.token = re.findall(r'name="session" value="([^"]*)"', answer.text)[0]
        assert "No change concerns you" in (await here.ada.go(PATH)).text


async def test_a_notice_that_was_sent_and_one_that_arrived_are_told_of(tmp_path: Path) -> None:
    """AIT-17."""
    async with versions(tmp_path, "aitpro", "to-come") as here:
        await here.bed.desk.new_versions.round()
        assert "a notice went out on 1 March 2026" in text_of(await come_in(here))
        here.bed.clock.forward(days=15)
        await here.bed.desk.new_versions.round()
        page = text_of(await come_in(here))
        assert "You were told yes, by a notice sent on 1 March 2026" in page
        assert "the older limits hold no longer" in page
