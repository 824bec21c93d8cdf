"""Newsletters: to who agreed and nobody else, once each, on and on where they were cut off."""

import asyncio
from base64 import b64encode
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from avow.desk.interface.newsletters import Newsletter
from avow.desk.newsletters import Newsletters
from avow.errors import BadValue, CallError, Refused, UnknownWord
from avow.mail.message import Draft
from avow.mail.smarthost import Answer
from avow.practices.mailings import stated
from tests.desk.beds import PASSWORD, Bed, Kept, desk

LIST = {"DAM-14.mailing-list": "Yes, the list"}
GEAR = {"AUD-11.interest-news": "Yes, the news"}
TEXT = b"Subject: News of March\nContent-Type: text/plain; charset=utf-8\n\nA new version is out.\n"
NEWS = b64encode(TEXT).decode()


async def member(bed: Bed, number: int, *, joins: bool = True, mail: str = "") -> str:
    """Somebody who registered, with the box ticked or not."""
    given = {"name": f"Reader {number}", "email": mail or f"reader{number}@quill.example"}
    return await bed.desk.register("registration", given, password=PASSWORD, agreed=LIST if joins else {})


async def ended(bed: Bed, content: str = NEWS, purpose: str = "mailing-list", **more: Any) -> Newsletter:
    """Send it, and wait for the end."""
    told = await bed.desk.newsletter(content, purpose, **more)
    return await over(bed, told)


async def over(bed: Bed, told: Newsletter) -> Newsletter:
    while told["state"] in ("sending", "waiting"):
        await asyncio.sleep(0.01)
        told = await bed.desk.newsletter_state(told["id"])
    return told


async def test_it_goes_to_members_alone_one_mail_each_with_a_way_out_and_nobody_elses_address(tmp_path: Path) -> None:
    """DAM-14, AIT-6, TOC-14: a non-member gets none; who registered without the tick is as well served."""
    async with desk(tmp_path, "daminion") as bed:
        for number in range(5):
            session = await member(bed, number, joins=number != 2)
            assert (await bed.desk.held(session))["data"]  # the rest of the service is the same either way
        await bed.desk.collect("contact", {"email": "asked@quill.example", "message": "Hello"})
        told = await ended(bed)
        assert (told["state"], told["sent"], told["looked"]) == ("sent", 4, 4)
        assert sorted(one.to for one in bed.sent) == [f"reader{number}@quill.example" for number in (0, 1, 3, 4)]
        for one, whole in zip(bed.sent, bed.whole, strict=True):
            assert whole["To"] == one.to
            assert whole.as_string().count("@quill.example") == 1
            assert whole["From"] == "Daminion Software <privacy@daminion.example>"
            assert whole["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
            assert "A new version is out." in one.text
            assert "/out/" in one.text


async def test_after_each_kind_of_opt_out_the_next_one_does_not_come(tmp_path: Path) -> None:
    """TOC-14, AIT-11: by the link, by one click for all mail, by withdrawing, in the centre, by mail."""
    async with desk(tmp_path, "daminion") as bed:
        sessions = [await member(bed, number) for number in range(6)]
        assert (await ended(bed))["sent"] == 6
        tokens = {one.to: one.text.rpartition("/out/")[2].split()[0] for one in bed.sent}
        await bed.desk.follow(tokens["reader0@quill.example"])
        await bed.desk.follow(tokens["reader1@quill.example"], everything=True)
        await bed.desk.withdraw(sessions[2], "DAM-14.mailing-list")
        await bed.desk.opt_out(sessions[3], "mail")
        await bed.desk.received("<stop@quill.example>", "reader4@quill.example", "stop", "stop")
        bed.sent.clear()
        told = await ended(bed, b64encode(TEXT + b"More.\n").decode())
        assert [one.to for one in bed.sent] == ["reader5@quill.example"]
        assert told["sent"] == 1


async def test_who_registered_twice_under_one_address_gets_one(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        await member(bed, 1)
        await member(bed, 2, mail="READER1@quill.example")
        told = await ended(bed)
        assert (told["sent"], told["before"]) == (1, 1)
        assert len(bed.sent) == 1


async def test_an_unconfirmed_yes_gets_none(tmp_path: Path) -> None:
    """TOC-6: a yes that its owner did not confirm is none."""
    async with desk(tmp_path, "aitoc") as bed:
        await bed.desk.collect("newsletter", {"email": "typed@quill.example"}, agreed={"TOC-6.newsletter": "Yes"})
        await bed.desk.settle()
        bed.sent.clear()
        told = await ended(bed, purpose="newsletter")
        assert bed.sent == []
        assert (told["sent"], told["refused"]) == (0, 1)


async def test_news_of_an_interest_goes_to_who_states_it_and_agreed(tmp_path: Path) -> None:
    """AUD-11: news in the area of interest, and no other."""
    async with desk(tmp_path, "audiomidi") as bed:
        for name, interest, agreed in (
            ("a", "Keyboards, mixers", GEAR), ("b", "mixers", GEAR), ("c", "keyboards", {}), ("d", "", GEAR),
            ("e", "  KEYBOARDS ", GEAR), ("f", "keyboards and drums", GEAR), ("g", "keyboard stands", GEAR),
        ):  # fmt: skip
            order = {"name": name, "email": f"{name}@quill.example", "postal-address": "1 Lane"}
            await bed.desk.collect("order", order | ({"interest": interest} if interest else {}), agreed=agreed)
        with pytest.raises(Refused, match="AUD-11"):
            await bed.desk.newsletter(NEWS, "interest-news")
        told = await ended(bed, purpose="interest-news", interest="keyboards")
        assert sorted(one.to[0] for one in bed.sent) == ["a", "e", "f"]
        assert (told["sent"], told["elsewhere"]) == (3, 3)
        (who,) = await bed.shop.find("email", "b@quill.example")
        seen = [(one["action"], one["purpose"]) for one in await bed.shop.seen(who)]
        assert ("use", "interest-news") in seen  # that it was looked at is on their record
        assert ("mail", "interest-news") not in seen


@pytest.mark.parametrize("purpose", ["order", "order-status", "answer", "statistics", "marketing"])
async def test_no_newsletter_goes_to_people_who_did_not_agree_to_one(tmp_path: Path, purpose: str) -> None:
    """AUD-2, AIT-5, AIT-6: what was given for an order, or to be answered, makes nobody a reader."""
    async with desk(tmp_path, "audiomidi") as bed:
        order = {"name": "Ada", "email": "ada@quill.example", "postal-address": "1 Lane"}
        await bed.desk.collect("order", order)
        with pytest.raises(Refused):
            await bed.desk.newsletter(NEWS, purpose)
        assert bed.sent == []


async def test_what_is_no_newsletter_is_not_begun(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        for content in ("", "!!!", b64encode(b"x" * 800_000).decode(), b64encode(b"no header\n").decode()):
            with pytest.raises(BadValue):
                await bed.desk.newsletter(content, "mailing-list")
        card = b64encode(TEXT + b"4111 1111 1111 1111\n").decode()
        with pytest.raises(BadValue):
            await bed.desk.newsletter(card, "mailing-list")
        with pytest.raises(UnknownWord):
            await bed.desk.newsletter(NEWS, "no-such")
        with pytest.raises(CallError):
            await bed.desk.newsletter(NEWS, "mailing-list", interest="keyboards")
        with pytest.raises(CallError, match="under way"):
            await bed.desk.newsletter_state("none")
        named = b64encode(b"From: a@x.example\nFrom: b@x.example\n" + TEXT).decode()
        with pytest.raises(BadValue):
            await bed.desk.newsletter(named, "mailing-list")


async def test_the_same_newsletter_goes_out_once(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        await member(bed, 1)
        assert (await ended(bed))["sent"] == 1
        with pytest.raises(CallError, match="went out, on 2026-03-01"):
            await bed.desk.newsletter(NEWS, "mailing-list")
        assert len(bed.sent) == 1


class Moody(Kept):
    """An outlet that answers as it is told to, by how many it was asked."""

    def __init__(self, bed: Bed, answer: Callable[[int], Awaitable[str]]) -> None:
        super().__init__(bed.policy, bed.clock)
        self.asked = 0
        self._answer = answer

    async def send(self, to: str, draft: Draft, out: str, back: str, **more: Any) -> Answer:
        self.asked += 1
        said = await self._answer(self.asked)
        if said == "sent":
            return await super().send(to, draft, out, back, **more)
        if said == "unknown":  # it was given the end, and said nothing
            await more["before_end"]()
        return Answer(said, "as it said", "4.0.0")  # type: ignore[arg-type]


async def test_a_smarthost_that_is_down_holds_it_up_and_nobody_is_left_out(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        for number in range(20):
            await member(bed, number)

        async def down_first(asked: int) -> str:
            return "not-now" if asked <= 70 else "sent"

        outlet = Moody(bed, down_first)
        letters = Newsletters(bed.desk._room, bed.desk.links, outlet, pause=0.01)
        told = await letters.begin(NEWS, "mailing-list", None)
        await asyncio.gather(*letters._tasks.values())
        assert (told["state"], told["sent"]) == ("sent", 20)
        assert len({one.to for one in outlet.sent}) == len(outlet.sent) == 20


async def test_what_was_handed_over_and_never_answered_is_told_and_does_not_go_again(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        for number in range(10):
            await member(bed, number)

        async def silent(asked: int) -> str:
            return "unknown" if asked == 3 else "never" if asked == 4 else "sent"

        outlet = Moody(bed, silent)
        letters = Newsletters(bed.desk._room, bed.desk.links, outlet)
        told = await letters.begin(NEWS, "mailing-list", None)
        await asyncio.gather(*letters._tasks.values())
        assert (told["sent"], told["unknown"], told["never"]) == (8, 1, 1)
        assert outlet.asked == 10


async def test_stopped_in_the_middle_it_goes_on_where_it_was(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        for number in range(40):
            await member(bed, number)
        half = asyncio.Event()

        async def slow(asked: int) -> str:
            if asked > 20:
                half.set()
                await asyncio.sleep(0.05)
            return "sent"

        outlet = Moody(bed, slow)
        letters = Newsletters(bed.desk._room, bed.desk.links, outlet)
        told = await letters.begin(NEWS, "mailing-list", None)
        await half.wait()
        await letters.stop()
        assert told["state"] == "stopped" or told["sent"] == 40
        first = {one.to for one in outlet.sent}
        told = await ended(bed)
        assert told["state"] == "sent"
        again = {one.to for one in bed.sent}
        assert not first & again
        assert len(first | again) == 40


def test_interests_are_read_each_by_itself() -> None:
    assert stated("Keyboards,  Mixers / Drum Kits & cables; and mics") == {
        "keyboards", "mixers", "drum kits", "cables", "mics",
    }  # fmt: skip
    assert stated("sandy") == {"sandy"}
    assert stated("") == frozenset()
