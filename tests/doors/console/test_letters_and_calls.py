"""A colleague calls, writes letters, and takes down what comes by letter and telephone: the pages of the console."""

from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader

from avow.policy.parse import parse
from tests.desk.beds import POLICIES, SITES
from tests.doors.console.robot import Robot, Site, console

MAIL, PHONE, STREET = "ada@quill.example", "+1 805 555 0134", "1 Lantern Lane"
QUOTE = {"name": "Ada Quill", "email": MAIL, "message": "A shop?", "phone": PHONE}
ORDER = {"name": "Ada Quill", "email": MAIL, "items": "A shop", "phone": PHONE, "postal-address": f"{STREET}\nVentura"}


async def taken_up(at: Site, name: str, role: str, purpose: str) -> Robot:
    """A colleague who has taken the request up for this purpose."""
    robot = await at.join(name, role)
    return await robot.submit("/task", {"purpose": purpose})


async def test_a_call_is_asked_for_made_and_noted_down(tmp_path: Path) -> None:
    async with console(tmp_path, "aitpro", wired=True) as at:
        await at.desk.collect("quote", QUOTE)
        kim = await taken_up(at, "kim", "support", "quote")
        assert "phone" not in kim.form("/look").choices["category"]
        assert PHONE not in kim.text
        await kim.submit("/reach", {"channel": "phone"})
        assert (kim.status, PHONE in kim.text, "This is on record" in kim.says) == (200, True, True)
        await kim.send("/outcome", {**kim.form("/outcome").fields, "outcome": "reached"})
        assert "the call reached them" in kim.says
        assert PHONE not in kim.text
        await kim.submit("/sent")
        assert "went out" in kim.says


async def test_who_waits_for_nothing_is_called_for_nothing_and_the_page_says_why(tmp_path: Path) -> None:
    """AIT-14"""
    async with console(tmp_path, "aitpro") as at:
        await at.desk.collect("quote", QUOTE)
        kim = await taken_up(at, "kim", "support", "quote")
        await kim.submit("/close", answered="yes")
        await kim.submit("/find")
        await kim.submit("/reach-found", category="email", value=MAIL, channel="phone", purpose="quote")
        assert kim.status == 403
        for said in ("AIT-14", "We telephone you only about a quote", "an open request of this person", "is on record"):
            assert said in kim.says
        assert PHONE not in kim.text
        await kim.submit("/sent")
        assert "refused" in kim.says
        assert "AIT-14" in kim.says


async def test_a_label_and_a_letter_are_made_and_the_page_before_goes_on(tmp_path: Path) -> None:
    async with console(tmp_path, "aitpro", wired=True) as at:
        await at.desk.collect("order", ORDER)
        fay = await taken_up(at, "fay", "fulfilment", "order")
        await fay.submit("/reach", {"channel": "post"})
        assert STREET in fay.text
        paper, page = Robot(at.client), ""
        for path, body in (("/label", {}), ("/letter", {"body": "Dear Ada,\n\nyour shop is ready."})):
            await paper.send(path, {**fay.form(path).fields, **body})
            assert (paper.status, paper.answer.headers["content-type"]) == (200, "application/pdf")
            assert paper.answer.headers["cache-control"] == "no-store"
            assert paper.answer.headers["content-disposition"] == "inline"
            (page,) = [one.extract_text() for one in PdfReader(BytesIO(paper.answer.content)).pages]
            assert f"Ada Quill\n{STREET}\nVentura" in page
        assert "your shop is ready." in page
        assert "to fill your order" in page
        assert "No more letters?" in page
        await fay.send("/outcome", {**fay.form("/outcome").fields, "outcome": "posted"})  # the token still holds
        assert "the letter is in the post" in fay.says


async def test_a_complaint_is_answered_by_a_letter_that_names_the_outside_offices_and_closed_once_it_is_posted(
    tmp_path: Path,
) -> None:
    """AIT-23, under a policy that lets letters answer: the shipped one lets post go for orders and quotes alone."""
    text = (POLICIES / "aitpro.yaml").read_text()
    before = "contact: {through: [post], for: [order, quote], by: [site, fulfilment], needs: [request]}"
    after = "contact: {through: [post], for: [order, quote, answer], by: [site, fulfilment, support], needs: [request]}"
    assert before in text
    policy = parse(text.replace(before, after))
    async with console(tmp_path, "aitpro", policy=policy, wired=True) as at:
        await at.desk.collect("order", ORDER)
        (who,) = await at.bed.shop.find("email", MAIL)
        request = await at.bed.shop.ask(who, "rights-request/complain/letter")
        kim = await at.join("kim", "support")
        await kim.submit("/task", {"request": request, "purpose": "answer"})
        assert not [one for one in kim.forms if one.action == "/close"]
        await kim.submit("/reach", {"channel": "post"})
        paper = await Robot(at.client).send("/letter", {**kim.form("/letter").fields, "body": "We are sorry."})
        (page,) = [one.extract_text() for one in PdfReader(BytesIO(paper.answer.content)).pages]
        assert "We are sorry." in page
        assert "the Better Business Bureau of your region" in page
        said = {**kim.form("/outcome").fields, "answers": request}
        await kim.send("/outcome", {**said, "outcome": "dropped"})
        assert kim.status == 400
        await kim.send("/outcome", {**said, "session": kim.session, "outcome": "posted"})
        assert "is closed" in kim.says
        assert not [one for one in await at.bed.shop.queue.of(bytes.fromhex(who)) if one.row.hex() == request]


async def test_paper_that_cannot_be_made_is_a_page_that_says_so(tmp_path: Path) -> None:
    async with console(tmp_path, "aitpro") as at:
        await at.desk.collect("order", ORDER | {"name": "عادة"})
        fay = await taken_up(at, "fay", "fulfilment", "order")
        await fay.submit("/reach", {"channel": "post"})
        label, letter = fay.form("/label").fields, fay.form("/letter").fields
        for path, fields, says in (
            ("/label", label, "cannot be printed here"), ("/letter", {**letter, "body": " "}, "The letter is empty"),
            ("/letter", {**letter, "contact": "AAAAAAAAAA", "body": "Dear"}, "No letter or call of this number"),
        ):  # fmt: skip
            await fay.send(path, fields)
            assert (fay.status, says in fay.says) == (400, True), (path, fay.says)
        carded = await Robot(at.client).send("/letter", {**letter, "body": "Your card is 4111 1111 1111 1111"})
        assert (carded.status, "card number" in carded.says) == (422, True)  # turned away before the console reads it
        await at.desk.stop(fay.session, "phone", "email", MAIL, ["post"])  # meanwhile
        await fay.send("/label", label)
        assert (fay.status, "Refused" in fay.says, STREET in fay.text) == (403, True, False)


async def test_a_stop_is_taken_down_and_what_has_not_stopped_is_said(tmp_path: Path) -> None:
    """AIT-11 and AIT-15"""
    async with console(tmp_path, "aitpro", wired=True) as at:
        await at.desk.collect("quote", QUOTE)
        kim = await at.join("kim", "support")
        await kim.submit("/incoming")
        await kim.send(
            "/incoming/stop",
            {"session": kim.session, "through": "phone", "category": "phone", "stop-value": PHONE, "channel": ["mail", "phone"]},
        )  # fmt: skip
        assert "they get no more e-mail and telephone calls" in kim.says
        assert "Not all of it has stopped" not in kim.says
        await kim.submit("/find")
        await kim.submit("/reach-found", category="email", value=MAIL, channel="phone", purpose="quote")
        assert (kim.status, "AIT-15" in kim.says) == (403, True)
        await kim.submit("/incoming")
        stranger = {
            "through": "letter",
            "category": "email",
            "stop-value": "zoe@x.example",
            "channel": ["mail", "phone"],
        }
        await kim.send("/incoming/stop", {"session": kim.session, **stranger})
        assert "they get no more e-mail." in kim.says
        assert "stops nothing of telephone calls" in kim.says
        for field, nothing in (("channel", ""), ("stop-value", " ")):
            await kim.send("/incoming/stop", {"session": kim.session, **stranger, field: nothing})
            assert (kim.status, "nothing was changed" in kim.says) == (400, True)


async def test_a_right_that_is_asked_for_waits_in_the_queue_with_its_time(tmp_path: Path) -> None:
    async with console(tmp_path, "aitpro") as at:
        await at.desk.collect("quote", QUOTE)
        kim = await at.join("kim", "support")
        await kim.submit("/incoming")
        asking = {"through": "letter", "right": "access", "category": "email", "right-value": MAIL}
        await kim.send("/incoming/right", {"session": kim.session, **asking})
        assert "waits among the requests" in kim.says
        await kim.submit("/queue")
        assert "a copy of everything" in kim.says
        assert "answer promised by" in kim.says
        for value, says in (("nobody@x.example", "Nobody is held under that"), (" ", "nothing was opened")):
            await kim.send("/incoming/right", {"session": kim.session, **asking, "right-value": value})
            assert (kim.status, says in kim.says) == (400, True)


@pytest.mark.parametrize("site", SITES)
async def test_a_question_by_telephone_is_taken_down_or_refused_by_the_promise_that_people_give_their_own(
    tmp_path: Path, site: str
) -> None:
    """AIT-1 and AUD-14 have that route; TOC-5 and DAM-2 say no where it is none."""
    async with console(tmp_path, site) as at:
        kim = await at.join("kim", "support")
        await kim.submit("/incoming")
        await kim.submit("/incoming/form", through="phone", form="contact")
        assert "By telephone" in kim.says
        await kim.submit("/incoming/wish", email=MAIL, message="Do you ship to Orkney?")
        if site in {"aitpro", "audiomidi"}:
            assert "It is taken down as request no." in kim.says
            await kim.submit("/queue")
            assert "A question" in kim.says
        else:
            assert kim.status == 403
            assert {"aitoc": "TOC-5", "daminion": "DAM-2", "aimini": "Refused"}[site] in kim.says
            assert await at.bed.shop.find("email", MAIL) == []


async def test_what_is_taken_down_wrongly_can_be_mended(tmp_path: Path) -> None:
    async with console(tmp_path, "aitpro") as at:
        kim = await at.join("kim", "support")
        wish = {"through": "phone", "form": "contact"}
        await kim.send("/incoming/wish", {"session": kim.session, **wish})
        assert (kim.status, "Nothing was taken down" in kim.says) == (400, True)
        doubtful = {**wish, "email": MAIL, "message": "It is order 4012 8888 8888 1881"}
        await kim.send("/incoming/wish", {"session": kim.session, **doubtful})
        assert (kim.status, "may hold a payment card number" in kim.says) == (400, True)
        assert MAIL in kim.text  # nothing has to be typed twice
        sure = {**doubtful, "no_card": "yes"}
        await kim.send("/incoming/wish", {"session": kim.session, **sure})
        assert "It is taken down" in kim.says
        await kim.send("/incoming/form", {"session": kim.session, "through": "phone", "form": "card-page"})
        assert kim.status == 400


async def test_pages_of_what_went_out_take_numbers_alone(tmp_path: Path) -> None:
    async with console(tmp_path, "aitpro") as at:
        kim = await at.join("kim", "support")
        for before, status in (("", 200), ("1", 200), ("x", 400), ("-1", 400), ("٣", 400), ("9" * 16, 413)):
            await kim.send("/sent", {"session": kim.session, "before": before})
            assert kim.status == status, before


async def test_a_code_is_sent_to_who_asked_by_telephone_and_the_console_shows_no_address(tmp_path: Path) -> None:
    async with console(tmp_path, "aitpro", wired=True) as at:
        await at.desk.collect("quote", QUOTE)
        kim = await at.join("kim", "support")
        await at.desk.ask_for(kim.session, "phone", "erase", "email", MAIL)
        (request,) = [one["request"] for one in await at.desk.queue(kim.session) if one["right"] == "erase"]
        await kim.submit("/queue")
        await kim.submit("/task", {"request": request, "purpose": "answer"})
        await kim.submit("/send-code")
        assert "on its way to the address on file" in kim.says
        assert MAIL not in kim.text
        assert [one.to for one in at.bed.sent] == [MAIL]
        await kim.submit("/task", {"purpose": "quote"})
        assert not [one for one in kim.forms if one.action == "/send-code"]
