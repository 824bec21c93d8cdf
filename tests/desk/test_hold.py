"""At the desk: who changed an address does not come back by it, and who is verified by the old one is not locked out."""

from pathlib import Path

import pytest

from avow.desk.interface import HOLD
from avow.errors import Denied, Refused
from avow.practices import holding
from tests.desk.beds import PASSWORD, Bed, desk

MAIL = "ada@quill.example"
NEW = "thief@elsewhere.example"
ACCOUNT = {"name": "Ada Quill", "email": MAIL}


def test_the_two_holds_are_one() -> None:
    assert HOLD == holding.HOLD


async def entered(bed: Bed) -> str:
    return await bed.desk.enter("email", MAIL, await bed.code(MAIL))


async def test_no_code_goes_to_a_new_address_until_three_days_are_over(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        await bed.desk.register("registration", ACCOUNT, password=PASSWORD)
        session = await entered(bed)
        bed.clock.forward(minutes=1)
        await bed.desk.correct(session, "email", NEW)
        assert (await bed.desk.held(session))["data"]  # who was verified before goes on
        assert await bed.desk.held_back(session) is None
        before = len(bed.sent)
        for address in (NEW, MAIL):
            await bed.desk.send_code("email", address)
        await bed.desk.settle()
        assert not [one for one in bed.sent[before:] if "code" in one.subject]
        bed.clock.forward(milliseconds=HOLD)
        again = await bed.desk.enter("email", NEW, await bed.code(NEW))
        assert (await bed.desk.held(again))["data"]


async def test_a_password_opens_nothing_that_the_hold_keeps_shut(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        await bed.desk.register("registration", ACCOUNT, password=PASSWORD)
        session = await entered(bed)
        bed.clock.forward(minutes=1)
        await bed.desk.correct(session, "email", NEW)
        bed.clock.forward(minutes=1)
        late = await bed.desk.sign_in("email", NEW, PASSWORD)
        assert await bed.desk.held_back(late) == bed.shop.now() - 60_000 + HOLD
        for attempt in (
            bed.desk.held(late), bed.desk.seen(late), bed.desk.erase(late),
            bed.desk.correct(late, "email", "third@elsewhere.example"),
        ):  # fmt: skip
            with pytest.raises(Refused):
                await attempt
        assert await bed.desk.leaving(late) is None
        assert await bed.desk.prefill(late, "order") == {}
        await bed.desk.opt_out(late, "mail")  # what narrows is always open
        assert await bed.desk.opted_out(late) == ["mail"]


async def test_a_changed_number_keeps_nobody_out_who_shows_the_address_on_file(tmp_path: Path) -> None:
    async with desk(tmp_path, "aitpro") as bed:
        await bed.desk.collect("quote", {"name": "Ada", "email": MAIL, "phone": "+1 555 0199", "message": "A site"})
        session = await entered(bed)
        bed.clock.forward(minutes=1)
        await bed.desk.correct(session, "phone", "+1 555 0111")
        bed.clock.forward(minutes=1)
        assert "+1 555 0199" in {one["value"] for one in (await bed.desk.held(await entered(bed)))["data"]}


async def test_an_order_with_another_address_does_not_open_the_account_to_it(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        session = await bed.desk.register("registration", ACCOUNT, password=PASSWORD)
        bed.clock.forward(minutes=1)
        await bed.desk.collect("contact", {"email": NEW, "message": "Send it to me"}, session=session)
        assert sorted(one.to for one in bed.sent if "changed" in one.subject) == sorted((MAIL, NEW))
        before = len(bed.sent)
        await bed.desk.send_code("email", NEW)
        await bed.desk.settle()
        assert len(bed.sent) == before
        with pytest.raises(Denied):
            await bed.desk.enter("email", NEW, "00000000")


async def test_whoever_else_was_signed_in_is_not_any_longer_once_the_address_is_another(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        await bed.desk.register("registration", ACCOUNT, password=PASSWORD)
        other, mine = await entered(bed), await entered(bed)
        bed.clock.forward(minutes=1)
        await bed.desk.correct(mine, "email", "ada@new.example")
        with pytest.raises(Denied):
            await bed.desk.held(other)
        assert (await bed.desk.held(mine))["data"]
