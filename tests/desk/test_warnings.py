"""Whoever changes an address, or asks to be erased, is told of it at every address held; a link there takes it back."""

import re
from pathlib import Path

import pytest

from avow.desk.interface import HOLD
from avow.errors import Denied, Refused, Unavailable
from tests.desk.beds import PASSWORD, SITES, Bed, desk

MAIL = "ada@quill.example"
NEW = "thief@elsewhere.example"
CENTRE = "https://privacy.daminion.example"


def token(bed: Bed, to: str, word: str) -> str:
    """The link's token in the newest mail to an address whose subject has this word."""
    text = next(one.text for one in reversed(bed.sent) if one.to == to and word in one.subject)
    found = re.search(rf"{re.escape(CENTRE)}/undo/(\S+)", text)
    assert found, text
    return found[1]


async def came_in(bed: Bed) -> str:
    await bed.desk.collect("contact", {"email": MAIL, "message": "Hello"})
    session = await bed.desk.enter("email", MAIL, await bed.code(MAIL))
    bed.clock.forward(minutes=1)
    return session


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("out", [False, True])
async def test_a_change_is_told_to_the_old_and_to_the_new_address_of_who_opted_out_too(
    tmp_path: Path, site: str, out: bool
) -> None:
    async with desk(tmp_path, site, centre=CENTRE) as bed:
        session = await came_in(bed)
        if out:
            await bed.desk.opt_out(session, "mail")
        if out and site in ("aimini", "audiomidi"):  # whose policies let no notice pass an opt-out: nothing is changed
            with pytest.raises(Refused, match="opt in"):
                await bed.desk.correct(session, "email", NEW)
            assert NEW not in str((await bed.desk.held(session))["data"])
            return
        await bed.desk.correct(session, "email", NEW)
        told = [one.to for one in bed.sent if "changed" in one.subject]
        assert sorted(told) == sorted((MAIL, NEW))
        assert not [one for one in bed.sent if NEW in one.text or MAIL in one.text]


async def test_called_off_by_the_old_address_the_thief_is_out_and_the_person_is_in(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion", centre=CENTRE) as bed:
        mine = await came_in(bed)
        await bed.desk.protect("a thief's own password", session=mine)
        await bed.desk.correct(mine, "email", NEW)
        link = token(bed, MAIL, "changed")
        assert (await bed.desk.link(link)) == {"kind": "call-off", "purpose": "", "done": False}
        assert (await bed.desk.held(mine))["data"]  # looking at the link changes nothing
        assert (await bed.desk.follow(link))["done"]
        with pytest.raises(Denied):
            await bed.desk.held(mine)
        for value in (MAIL, NEW):
            with pytest.raises(Denied):
                await bed.desk.sign_in("email", value, "a thief's own password")
        again = await bed.desk.enter("email", MAIL, await bed.code(MAIL))
        assert NEW not in str((await bed.desk.held(again))["data"])
        bed.clock.forward(minutes=1)
        await bed.desk.correct(again, "email", "ada@new.example")
        assert (await bed.desk.follow(link))["done"]  # an old link undoes no later change
        assert "ada@new.example" in str((await bed.desk.held(again))["data"])


async def test_an_erasure_is_told_to_every_address_and_taken_back_by_its_link(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion", centre=CENTRE) as bed:
        session = await came_in(bed)
        await bed.desk.erase(session)
        await bed.desk.erase(session)
        assert len([one for one in bed.sent if "erased" in one.subject]) == 1
        link = token(bed, MAIL, "erased")
        assert (await bed.desk.follow(link))["done"]
        assert await bed.desk.leaving(session) is None
        bed.clock.forward(milliseconds=HOLD + 1)
        await bed.shop.sweep()
        assert await bed.shop.find("email", MAIL)


async def test_where_the_notice_cannot_be_sent_the_address_stays_as_it_was(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion", centre=CENTRE) as bed:
        session = await came_in(bed)
        bed.sent.down = True
        with pytest.raises(Unavailable):
            await bed.desk.correct(session, "email", NEW)
        bed.sent.down = False
        assert [one["value"] for one in (await bed.desk.held(session))["data"] if one["category"] == "email"] == [MAIL]
        assert await bed.desk.held_back(session) is None


async def test_a_forged_or_foreign_link_undoes_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion", centre=CENTRE) as bed:
        session = await came_in(bed)
        await bed.desk.register("registration", {"name": "Eve", "email": NEW}, password=PASSWORD)
        await bed.desk.correct(session, "email", "ada@new.example")
        link = token(bed, MAIL, "changed")
        for wrong in (link[:-2] + "AA", link[::-1], "", "x"):
            with pytest.raises(Denied):
                await bed.desk.follow(wrong)
        assert "ada@new.example" in str((await bed.desk.held(session))["data"])
