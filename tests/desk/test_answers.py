"""Requests have a time, and complaints an answer: the queue and the health page count down, and say what is overdue."""

from pathlib import Path

import pytest

from avow.errors import BadValue, CallError, Refused
from tests.desk.beds import Bed, desk

MAIL = "ada@quill.example"
DAY = 86_400_000


async def asked(bed: Bed, kind: str) -> tuple[str, str]:
    """Somebody who wrote, and their further request."""
    await bed.desk.collect("contact", {"email": MAIL, "message": "When do you open?"})
    (who,) = await bed.shop.find("email", MAIL)
    return who, await bed.shop.ask(who, kind)


async def test_the_queue_says_which_right_is_asked_for_which_way_and_until_when(tmp_path: Path) -> None:
    async with desk(tmp_path, "aitpro") as bed:
        who, request = await asked(bed, "rights-request/access/letter")
        kim = await bed.staff("kim", "support")
        (mine,) = [one for one in await bed.desk.queue(kim) if one["request"] == request]
        assert (mine["kind"], mine["right"], mine["through"]) == ("rights-request", "access", "letter")
        assert mine["due"] == mine["opened"] + 30 * DAY
        told = {one["id"]: one for one in (await bed.shop.export(who))["requests"]}[request]
        assert (told["kind"], told["right"], told["through"]) == ("rights-request", "access", "letter")
        assert told["due"] == mine["due"]


async def test_what_waits_longer_than_promised_is_told_by_the_health_page(tmp_path: Path) -> None:
    async with desk(tmp_path, "aitpro") as bed:
        await asked(bed, "rights-request/access/letter")
        assert (await bed.desk.health())["faults"] == []
        bed.clock.forward(days=30, milliseconds=1)
        await bed.shop.sweep()
        (fault,) = (await bed.desk.health())["faults"]
        assert "longer for an answer" in fault
        assert "2 requests" in fault  # the question, too


async def test_what_a_rights_request_permits_ends_with_the_last_of_them(tmp_path: Path) -> None:
    async with desk(tmp_path, "aitpro") as bed:
        who, first = await asked(bed, "rights-request/access/mail")
        second = await bed.shop.ask(who, "rights-request/correct/phone")
        for request, stands in ((first, True), (second, False)):
            await bed.shop.close_request(who, request)
            assert ("request/rights-request" in (await bed.shop.standing(who))[0]) is stands
        assert await bed.shop.inspect(who) == []


@pytest.mark.parametrize("kind", ["complaint", "rights-request/complain/letter"])
async def test_a_complaint_is_closed_by_an_answer_that_names_the_outside_offices_and_not_otherwise(
    tmp_path: Path, kind: str
) -> None:
    """AIT-23: you get an answer, and are told where else to go."""
    async with desk(tmp_path, "aitpro") as bed:
        who, request = await asked(bed, kind)
        kim = await bed.staff("kim", "support")
        with pytest.raises(Refused) as refused:
            await bed.desk.close(kim, request)
        assert refused.value.promises == ("AIT-23",)
        with pytest.raises(Refused):
            await bed.shop.close_request(who, request)
        for wrong in ("", " \n", "card 4111111111111111"):
            with pytest.raises(BadValue):
                await bed.desk.answer(kim, request, wrong)
        assert bed.sent == []
        await bed.desk.answer(kim, request, "We are sorry. It will not happen again.")
        assert bed.sent[-1].to == MAIL
        assert "We are sorry." in bed.sent[-1].text
        assert "the Better Business Bureau of your region" in bed.sent[-1].text
        assert "the consumer protection office of your state" in bed.sent[-1].text
        with pytest.raises(CallError):
            await bed.desk.answer(kim, request, "Once more.")
        assert len(bed.sent) == 1


async def test_an_answer_to_a_question_names_no_offices_and_marketing_answers_nobody(tmp_path: Path) -> None:
    async with desk(tmp_path, "aitpro") as bed:
        await asked(bed, "rights-request/ask/phone")
        kim, max_ = await bed.staff("kim", "support"), await bed.staff("max", "marketing")
        request = (await bed.desk.queue(kim))[0]["request"]
        with pytest.raises(Refused):
            await bed.desk.answer(max_, request, "Buy more!")
        assert bed.sent == []
        await bed.desk.answer(kim, request, "At nine.")
        (went, *_) = await bed.desk.messages(kim)
        assert (went["sender"], went["state"], went["channel"]) == ("kim", "sent", "mail")
        assert "Bureau" not in bed.sent[-1].text


async def called(bed: Bed, session: str, request: str) -> str:
    """The number of a call to who asked."""
    taken = await bed.desk.task(session, request, "answer")
    return (await bed.desk.may_reach(session, taken["task"], "phone"))["contact"]


async def test_a_complaint_is_closed_by_a_call_that_reached_and_by_no_other(tmp_path: Path) -> None:
    """AIT-23, by whatever way the answer goes."""
    async with desk(tmp_path, "aitpro") as bed:
        await bed.desk.collect("quote", {"name": "Ada", "email": MAIL, "message": "Hello", "phone": "+1 805 555 0134"})
        (who,) = await bed.shop.find("email", MAIL)
        kim = await bed.staff("kim", "support")
        early = await called(bed, kim, (await bed.desk.queue(kim))[0]["request"])
        bed.clock.forward(minutes=1)
        request = await bed.shop.ask(who, "rights-request/complain/letter")
        other = await bed.shop.ask(who, "rights-request/complain/phone")
        contact = await called(bed, kim, request)
        for number, outcome, answers in (
            (contact, "not-reached", request), (contact, "dropped", request), (contact, "posted", request),
            (contact, "reached", request[:7]), (contact, "reached", "00" * 16), (early, "reached", request),
        ):  # fmt: skip
            with pytest.raises(CallError):
                await bed.desk.came_of_it(kim, number, outcome, answers)
            assert request in [one["request"] for one in await bed.desk.queue(kim)]
        await bed.desk.came_of_it(kim, contact, "reached", request)
        waiting = [one["request"] for one in await bed.desk.queue(kim)]
        assert request not in waiting
        assert other in waiting


async def test_that_a_call_was_the_answer_may_be_said_later_and_by_nobody_whose_business_it_is_not(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path, "aitpro") as bed:
        await bed.desk.collect("quote", {"name": "Ada", "email": MAIL, "message": "Hello", "phone": "+1 805 555 0134"})
        (who,) = await bed.shop.find("email", MAIL)
        request = await bed.shop.ask(who, "rights-request/complain/letter")
        kim, max_ = await bed.staff("kim", "support"), await bed.staff("max", "marketing")
        contact = await called(bed, kim, request)
        await bed.desk.came_of_it(kim, contact, "reached")
        assert request in [one["request"] for one in await bed.desk.queue(kim)]
        with pytest.raises(Refused):
            await bed.desk.came_of_it(max_, contact, "reached", request)
        await bed.desk.came_of_it(kim, contact, "reached", request[:8].upper())
        assert request not in [one["request"] for one in await bed.desk.queue(kim)]
