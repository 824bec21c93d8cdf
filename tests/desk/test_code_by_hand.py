"""Who asks for their data by letter or telephone has a code sent to the address on file, and does it themself."""

import re
from pathlib import Path

import pytest

from avow.errors import CallError, Denied, NotHeld, Refused, TooMany, Unavailable
from avow.practices.by_hand import ByHand
from tests.desk.beds import Bed, desk

MAIL, PHONE = "ada@quill.example", "+1 805 555 0134"
QUOTE = {"name": "Ada Quill", "email": MAIL, "message": "A shop?", "phone": PHONE}


async def called(bed: Bed, right: str = "access") -> tuple[str, str, str]:
    """Somebody whose request came by telephone; a colleague's session, the request, and who it is."""
    await bed.desk.collect("quote", QUOTE)
    kim = await bed.staff("kim", "support")
    await bed.desk.ask_for(kim, "phone", right, "phone", PHONE)
    (request,) = [one["request"] for one in await bed.desk.queue(kim) if one["right"] == right]
    return kim, request, (await bed.shop.find("email", MAIL))[-1]


@pytest.mark.parametrize("right", ["access", "correct", "erase"])
async def test_the_code_goes_to_the_address_on_file_opens_the_person_and_is_on_record(
    tmp_path: Path, right: str
) -> None:
    async with desk(tmp_path, "aitpro", centre="https://privacy.aitpro.example") as bed:
        kim, request, who = await called(bed, right)
        assert await bed.desk.send_code_for(kim, request) is None  # type: ignore[func-returns-value]  # it tells nothing
        (mail,) = bed.sent
        assert mail.to == MAIL
        assert "https://privacy.aitpro.example/enter" in mail.text
        assert "Tell the code to nobody" in mail.text
        session = await bed.desk.enter("email", MAIL, re.findall(r"\b\d{8}\b", mail.text)[0])
        assert MAIL in str((await bed.desk.held(session))["data"])
        seen = [(one["action"], one["role"], one["outcome"]) for one in await bed.shop.seen(who)]
        assert ("code", "support", "done") in seen
        assert request in [one["request"] for one in await bed.desk.queue(kim)]
        assert await bed.shop.inspect(who) == []


async def test_three_a_day_and_person_whichever_request_and_colleague(tmp_path: Path) -> None:
    async with desk(tmp_path, "aitpro") as bed:
        kim, request, _ = await called(bed)
        ann = await bed.staff("ann", "support")
        await bed.desk.ask_for(ann, "letter", "erase", "email", MAIL)
        (other,) = [one["request"] for one in await bed.desk.queue(ann) if one["right"] == "erase"]
        for session, which in ((kim, request), (ann, other), (kim, other)):
            await bed.desk.send_code_for(session, which)
        for session in (kim, ann):
            with pytest.raises(TooMany):
                await bed.desk.send_code_for(session, request)
        assert len(bed.sent) == 3


async def test_no_code_goes_for_another_request_or_role_or_while_an_address_is_on_hold(tmp_path: Path) -> None:
    async with desk(tmp_path, "aitpro") as bed:
        kim, request, who = await called(bed)
        question = next(one["request"] for one in await bed.desk.queue(kim) if one["kind"] == "quote")
        with pytest.raises(CallError):
            await bed.desk.send_code_for(kim, question)
        with pytest.raises(CallError):
            await bed.desk.send_code_for(kim, "00" * 16)
        with pytest.raises(Refused):
            await bed.desk.send_code_for(await bed.staff("max", "marketing"), request)
        with pytest.raises(Denied):
            await bed.desk.send_code_for("nobody", request)
        await bed.shop.correct(who, "email", "thief@elsewhere.example")
        with pytest.raises(CallError, match="three days"):
            await bed.desk.send_code_for(kim, request)
        assert bed.sent == []


async def test_who_has_no_address_gets_none_and_a_mail_server_that_is_down_is_said(tmp_path: Path) -> None:
    async with desk(tmp_path, "aitpro") as bed:
        kim = await bed.staff("kim", "support")
        await bed.desk.take_down(kim, "phone", "contact", {"phone": PHONE, "message": "Call me back"})
        await bed.desk.ask_for(kim, "phone", "access", "phone", PHONE)
        (request,) = [one["request"] for one in await bed.desk.queue(kim) if one["right"] == "access"]
        with pytest.raises(NotHeld):
            await bed.desk.send_code_for(kim, request)
    (tmp_path / "down").mkdir()
    async with desk(tmp_path / "down", "aitpro") as bed:
        kim, request, _ = await called(bed)
        bed.sent.down = True
        with pytest.raises(Unavailable):
            await bed.desk.send_code_for(kim, request)


async def test_what_is_not_on_record_is_not_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk(tmp_path, "aitpro") as bed:
        kim, request, _ = await called(bed)

        async def fails(*_: object) -> None:
            raise Unavailable("the database does not answer")

        monkeypatch.setattr(ByHand, "code", fails)
        with pytest.raises(Unavailable):
            await bed.desk.send_code_for(kim, request)
        assert bed.sent == []
