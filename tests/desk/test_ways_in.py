"""Ways in that there are not: by somebody else's number, by turns, by an old receipt, by an invitation left over."""

import hashlib
import json
from pathlib import Path

import pytest

from avow.desk.interface import TRIES
from avow.errors import CallError, Denied, Refused, TooMany, UnknownWord
from tests.desk.beds import PASSWORD, Bed, desk

MAIL, OTHER = "ada@quill.example", "bo@quill.example"
PHONE = "+15550100"


def _entry(mail: str) -> dict[str, str]:
    return {"name": "Ada Quill", "email": mail, "phone": PHONE, "postal-address": f"near {mail}"}


async def test_a_code_for_a_number_opens_only_who_is_reached_at_the_address_it_went_to(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        await bed.desk.collect("contest", _entry(MAIL))
        bed.clock.forward(seconds=2)
        await bed.desk.collect("contest", _entry(OTHER))
        session = await bed.desk.enter("phone", PHONE, await bed.code(PHONE, "phone"))
        seen = {one["value"] for one in (await bed.desk.held(session))["data"] if one["category"] == "email"}
        assert seen == {bed.sent[-1].to}


async def test_a_number_typed_another_way_gives_no_more_tries(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        await bed.desk.collect("contest", _entry(MAIL))
        for number in range(TRIES):
            with pytest.raises(Denied):
                await bed.desk.sign_in("phone", PHONE, f"some wrong password {number}")
        for typed in ("+1 555 0100", "+1-555-0100", "+1 (555) 0100"):
            with pytest.raises(TooMany):
                await bed.desk.sign_in("phone", typed, "one more wrong password")


async def test_who_comes_in_by_an_account_beside_mine_gets_no_more_tries_at_mine(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        for password in ("a good one of the other's", PASSWORD):
            await bed.desk.register("registration", {"name": "Ada Quill", "email": MAIL}, password=password)
        for _ in range(TRIES - 1):
            with pytest.raises(Denied):
                await bed.desk.sign_in("email", MAIL, "a wrong one of the other's")
        await bed.desk.sign_in("email", MAIL, PASSWORD)
        with pytest.raises(Denied):
            await bed.desk.sign_in("email", MAIL, "a wrong one of the other's")
        with pytest.raises(TooMany):
            await bed.desk.sign_in("email", MAIL, "a wrong one of the other's")


async def test_an_old_receipt_makes_no_new_one(tmp_path: Path) -> None:
    async with desk(tmp_path, "audiomidi") as bed:
        given = {"name": "Ada Quill", "email": MAIL, "postal-address": "1 Lantern Lane"}
        old = await bed.desk.collect("order", given)
        bed.clock.forward(days=6)
        new = await bed.desk.collect("cart", {"items": "2 strings"}, receipt=old["receipt"])
        with pytest.raises(Denied):
            await bed.desk.protect(PASSWORD, receipt=new["receipt"])
        bed.clock.forward(days=2)
        with pytest.raises(Denied):
            await bed.desk.collect("cart", {"items": "3 strings"}, receipt=new["receipt"])


async def test_who_is_dismissed_does_not_come_back_by_an_invitation_left_over(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        boss, kim = await bed.staff("boss", "admin"), await bed.staff("kim", "admin")
        left = [await bed.desk.invite(kim, "Kim", "admin"), await bed.desk.invite(kim, "somebody else", "admin")]
        await bed.desk.dismiss(boss, "kim")
        for invitation in left:
            with pytest.raises(Denied):
                await bed.desk.accept(invitation, PASSWORD)
        again = await bed.desk.accept(await bed.desk.invite(boss, "kim", "support"), PASSWORD)
        assert (await bed.desk.colleague(again))["role"] == "support"


async def _former_admin(bed: Bed) -> str:
    before = await bed.staff("kim", "admin")
    await bed.staff("kim", "support")
    return before


async def test_a_session_of_a_former_role_signs_nobody_back_into_it(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        await bed.desk.set_agreement("What I see here I tell nobody.")
        before = await _former_admin(bed)
        with pytest.raises((Denied, CallError)):
            await bed.desk.sign(before, "What I see here I tell nobody.")
        with pytest.raises(Denied):
            await bed.desk.invite(before, "another", "admin")


async def test_a_receipt_with_another_address_opens_nothing_of_whom_it_was_given_to(tmp_path: Path) -> None:
    async with desk(tmp_path, "audiomidi") as bed:
        order = {"name": "Ada Quill", "email": MAIL, "postal-address": "1 Lantern Lane"}
        taken = await bed.desk.collect("cart", {"items": "2 strings"})
        taken = await bed.desk.collect("order", order, receipt=taken["receipt"])
        await bed.desk.collect("order", order | {"email": MAIL.upper()}, receipt=taken["receipt"])  # the same address
        assert len(await bed.shop.find("email", MAIL)) == 1
        bed.clock.forward(days=1)
        await bed.desk.collect("contact", {"email": OTHER, "message": "hello"}, receipt=taken["receipt"])
        session = await bed.desk.enter("email", OTHER, await bed.code(OTHER))
        values = {one["value"] for one in (await bed.desk.held(session))["data"]}
        assert values == {OTHER, "hello"}


async def test_a_receipt_of_yesterday_agrees_to_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        taken = await bed.desk.collect("registration", {"name": "Ada Quill", "email": MAIL})
        (choice,) = [one for one in bed.desk._room.choices if one.startswith("DAM-14")]
        bed.clock.forward(days=1)
        with pytest.raises(Denied):
            await bed.desk.collect(
                "registration", {"name": "Ada", "email": MAIL}, receipt=taken["receipt"], agreed={choice: "Yes"}
            )


async def test_a_choice_counts_as_its_form_puts_it_and_the_easier_form_lends_it_nothing(tmp_path: Path) -> None:
    """TOC-6: on the order form the yes to the newsletter counts at once, on its own form once it is confirmed."""
    async with desk(tmp_path, "aitoc") as bed:
        yes = {"TOC-6.newsletter": "Yes, the newsletter"}
        await bed.desk.collect("newsletter", {"email": "somebody-else@x.example"}, agreed=yes)
        (who,) = await bed.shop.find("email", "somebody-else@x.example")
        assert "consent/newsletter" not in (await bed.shop.standing(who))[0]
        with pytest.raises(Refused, match="TOC-6"):
            await bed.shop.reach(who, "mail", purpose="newsletter")
        with pytest.raises(UnknownWord):
            await bed.desk.collect("contact", {"email": "x@x.example", "message": "Hello"}, agreed=yes)
        assert await bed.shop.find("email", "x@x.example") == []


async def test_of_two_invitations_for_one_name_the_newer_alone_holds(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        first, second = [await bed.desk.invite_first(name, "support") for name in ("kim", "Kim ")]
        with pytest.raises(Denied):
            await bed.desk.accept(first, PASSWORD)
        assert await bed.desk.accept(second, PASSWORD)


async def test_an_invitation_of_a_version_that_kept_no_list_of_them_brings_nobody_back(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        boss, _ = await bed.staff("boss", "admin"), await bed.staff("kim", "admin")
        invitation = "an-invitation-of-an-older-version-of-avow00"
        told = {"name": "kim", "role": "admin", "until": bed.shop.now() + 86_400_000}
        owner = hashlib.sha256(invitation.encode()).digest()[:16]
        await bed.shop.accounts.give_staff(owner, "invitation", json.dumps(told).encode())
        await bed.desk.dismiss(boss, "kim")
        with pytest.raises(Denied):
            await bed.desk.accept(invitation, PASSWORD)
