"""Whom nobody writes to, and what data are not used for: attempts through the desk, each of which has to fail."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from avow.errors import AvowError, Refused
from tests.desk.beds import PASSWORD, Bed, desk

MAIL = "ada@quill.example"
ASKED = {"email": MAIL, "message": "When do you open?"}
ORDER = {"name": "Ada Quill", "email": MAIL, "postal-address": "1 Lantern Lane"}


async def by_link(bed: Bed) -> None:
    name = f"app-{bed.clock.now.timestamp():.0f}"
    session = await bed.desk.sender(name, await bed.desk.add_sender(name, ("answer",)))
    await bed.desk.follow((await bed.desk.begin(session, f"<{name}@x.example>", MAIL))["out"])


async def by_mail(bed: Bed) -> None:
    assert (await bed.desk.received("<1@x.example>", MAIL, "Please STOP", "stop"))["kind"] == "stop"


async def in_the_centre(bed: Bed) -> None:
    session = await bed.desk.enter("email", MAIL, await bed.code(MAIL))
    await bed.desk.opt_out(session, "mail")


WAYS: list[Callable[[Bed], Awaitable[None]]] = [by_link, by_mail, in_the_centre]


@pytest.mark.parametrize("way", WAYS)
async def test_an_opt_out_outlives_an_import_a_correction_and_an_erasure(
    tmp_path: Path, way: Callable[[Bed], Awaitable[None]]
) -> None:
    """AIT-11, DAM-14: whichever way it was said, at once, and whatever is known of the address later."""
    async with desk(tmp_path, "aitpro") as bed:
        await bed.desk.collect("contact", ASKED)
        (who,) = await bed.shop.find("email", MAIL)
        assert await bed.shop.reach(who, "mail", purpose="answer") == MAIL
        await way(bed)
        await unreached(bed, who)
        bed.clock.forward(days=1)
        rows = [
            (1, {"email": "ADA@QUILL.EXAMPLE", "message": "imported"}),
            (2, {"email": "ada+x@quill.example", "message": "too"}),
        ]
        await bed.shop.bring(rows, form="contact", source="an older list")
        for one in (*await bed.shop.find("email", MAIL), *await bed.shop.find("email", "ada+x@quill.example")):
            await unreached(bed, one)
        await bed.shop.erase(who)
        await bed.desk.collect("contact", ASKED)
        for one in await bed.shop.find("email", MAIL):
            await unreached(bed, one)


async def unreached(bed: Bed, who: str) -> None:
    with pytest.raises(Refused):
        await bed.shop.reach(who, "mail", purpose="answer")


@pytest.mark.parametrize("channel", ["mail", "post", "phone"])
async def test_nobody_is_reached_by_any_channel_who_did_not_ask_for_it(tmp_path: Path, channel: str) -> None:
    """AIT-13, AIT-5: neither by what they gave for something else, nor once their request is closed."""
    async with desk(tmp_path, "aitpro") as bed:
        await bed.desk.collect("contact", ASKED | {"name": "Ada", "phone": "+15550123"})
        (who,) = await bed.shop.find("email", MAIL)
        for purpose in ("updates", "marketing", "order", "quote", "complaint"):
            with pytest.raises(AvowError):
                await bed.shop.reach(who, channel, purpose=purpose)
        (request,) = [one["id"] for one in (await bed.shop.export(who))["requests"] if one["closed"] is None]
        await bed.shop.close_request(who, request)
        with pytest.raises(AvowError):
            await bed.shop.reach(who, channel, purpose="answer")


async def test_an_address_from_elsewhere_is_written_to_by_nobody(tmp_path: Path) -> None:
    """AIT-5, AIT-6: a harvested address, imported or not, has asked for nothing."""
    async with desk(tmp_path, "aitpro") as bed:
        session = await bed.desk.sender("app", await bed.desk.add_sender("app", ("answer", "updates")))
        for purpose in ("answer", "updates"):
            with pytest.raises(Refused):
                await bed.desk.begin(session, f"<{purpose}@x.example>", "harvested@x.example", purpose=purpose)


async def test_what_was_given_for_an_order_serves_the_order(tmp_path: Path) -> None:
    """AUD-2: neither marketing, nor tailoring, nor a statistic in which somebody has a name."""
    async with desk(tmp_path, "audiomidi") as bed:
        await bed.desk.collect("order", ORDER)
        (who,) = await bed.shop.find("email", MAIL)
        for category in ("name", "email", "postal-address"):
            assert await bed.shop.use(who, category, purpose="order")
            for purpose in ("marketing", "tailoring", "improvement", "interest-news", "statistics", "partner-offers"):
                with pytest.raises(Refused):
                    await bed.shop.use(who, category, purpose=purpose)
        for purpose in ("marketing", "interest-news"):
            with pytest.raises(Refused):
                await bed.shop.reach(who, "mail", purpose=purpose)


async def test_an_optional_field_may_stay_empty_and_is_seen_by_nobody_for_news_without_a_yes(tmp_path: Path) -> None:
    """AUD-11: each optional field serves what the policy says, and none is needed."""
    async with desk(tmp_path, "audiomidi") as bed:
        await bed.desk.collect("order", ORDER)
        await bed.desk.collect("order", ORDER | {"email": "bo@quill.example", "interest": "harps", "company": "Quill"})
        (who,) = await bed.shop.find("email", "bo@quill.example")
        for category in ("interest", "company"):
            assert await bed.shop.use(who, category, purpose="tailoring")
            with pytest.raises(Refused):
                await bed.shop.use(who, category, purpose="marketing")
        with pytest.raises(Refused, match="AUD-11"):
            await bed.shop.use(who, "interest", purpose="interest-news")


async def test_patterns_know_nobody_and_a_service_issue_is_followed_up_while_it_is_open(tmp_path: Path) -> None:
    """DAM-13: three purposes, patterns without persons, contact with an open case only, and a way to put data right."""
    async with desk(tmp_path, "daminion") as bed:
        session = await bed.desk.register("registration", {"name": "Ada", "email": MAIL}, password=PASSWORD)
        (who,) = await bed.shop.find("email", MAIL)
        for category in ("name", "email"):
            for purpose in ("patterns", "accuracy", "service-issue"):
                with pytest.raises(Refused):
                    await bed.shop.use(who, category, purpose=purpose)
        kim = bed.shop.staff("Kim", "support")
        for purpose in ("accuracy", "service-issue"):
            with pytest.raises(Refused):
                await bed.shop.reach(who, "mail", purpose=purpose, by=kim)
        await bed.desk.correct(session, "name", "Ada Quill")
        assert {one["value"] for one in (await bed.desk.held(session))["data"]} >= {"Ada Quill"}


async def test_signing_up_for_the_list_later_needs_a_yes_of_ones_own(tmp_path: Path) -> None:
    """DAM-14: who registered without a tick is no member, and no other form makes them one."""
    async with desk(tmp_path, "daminion") as bed:
        session = await bed.desk.register("registration", {"name": "Ada", "email": MAIL}, password=PASSWORD)
        (who,) = await bed.shop.find("email", MAIL)
        with pytest.raises(Refused, match="DAM-14"):
            await bed.shop.reach(who, "mail", purpose="mailing-list")
        with pytest.raises(AvowError):
            await bed.desk.collect("contact", ASKED, agreed={"DAM-14.mailing-list": "Yes"})
        await bed.desk.agree(session, "DAM-14.mailing-list", "Yes, the list")
        assert await bed.shop.reach(who, "mail", purpose="mailing-list") == MAIL
