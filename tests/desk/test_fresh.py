"""What proves somebody is changed only by who has just shown who they are, and then whoever else was in is out."""

import asyncio
import threading
from pathlib import Path

import pytest

from avow.errors import BadValue, Denied
from tests.desk.beds import PASSWORD, desk

MAIL, OTHER = "ada@quill.example", "bo@quill.example"
ACCOUNT = {"name": "Ada Quill", "email": MAIL}
NEW = "another good long one"


async def test_a_new_password_ends_every_other_session_of_the_person(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        stolen = await bed.desk.register("registration", ACCOUNT, password=PASSWORD)
        by_code = await bed.desk.enter("email", MAIL, await bed.code(MAIL))
        mine = await bed.desk.sign_in("email", MAIL, PASSWORD)
        await bed.desk.protect(NEW, session=mine)
        assert await bed.desk.held(mine)
        for ended in (stolen, by_code):
            with pytest.raises(Denied):
                await bed.desk.held(ended)
        with pytest.raises(Denied):
            await bed.desk.sign_in("email", MAIL, PASSWORD)


async def test_of_two_sessions_that_set_a_password_at_once_one_comes_too_late(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        stolen = await bed.desk.register("registration", ACCOUNT, password=PASSWORD)
        mine = await bed.desk.sign_in("email", MAIL, PASSWORD)
        told = await asyncio.gather(
            bed.desk.protect(NEW, session=mine), bed.desk.protect("the one of the thief", session=stolen),
            return_exceptions=True,
        )  # fmt: skip
        assert sorted(type(one).__name__ for one in told) == ["Denied", "NoneType"]
        first = NEW if told[0] is None else "the one of the thief"
        assert await bed.desk.sign_in("email", MAIL, first)


async def test_a_sign_in_under_way_while_the_password_changes_opens_nothing_by_the_old_one(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        mine = await bed.desk.register("registration", ACCOUNT, password=PASSWORD)
        begun, goes = threading.Event(), threading.Event()
        passwords = bed.desk._room.passwords
        verify = passwords._hasher.verify

        def slow(*args: str) -> bool:
            begun.set()
            goes.wait(30)
            return verify(*args)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(type(passwords._hasher), "verify", lambda _, *args: slow(*args))
            late = asyncio.create_task(bed.desk.sign_in("email", MAIL, PASSWORD))
            await asyncio.to_thread(begun.wait, 30)
            await bed.desk.protect(NEW, session=mine)
            goes.set()
            with pytest.raises(Denied):
                await late


async def test_a_session_of_a_while_ago_sets_no_password_however_it_is_renewed(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        session = await bed.desk.register("registration", ACCOUNT, password=PASSWORD)
        for _ in range(2):
            bed.clock.forward(minutes=6)
            session = await bed.desk.renew(session)
        with pytest.raises(Denied, match="sign in again"):
            await bed.desk.protect(NEW, session=session)
        assert await bed.desk.held(session)  # for everything else it is good
        await bed.desk.protect(NEW, session=await bed.desk.enter("email", MAIL, await bed.code(MAIL)))


async def test_a_session_of_a_while_ago_brings_no_address_in_that_a_code_could_go_to(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        session = await bed.desk.register("registration", ACCOUNT, password=PASSWORD)
        bed.clock.forward(minutes=11)
        with pytest.raises(Denied):
            await bed.desk.correct(session, "email", OTHER)
        await bed.desk.collect("contact", {"email": OTHER, "message": "hello"}, session=session)
        await bed.desk.collect("contact", {"email": MAIL.upper(), "message": "hello"}, session=session)
        await bed.desk.correct(session, "name", "Ada Quillfeather")
        by_code = await bed.desk.enter("email", OTHER, await bed.code(OTHER))
        assert {one["value"] for one in (await bed.desk.held(by_code))["data"]} == {OTHER, "hello"}
        fresh = await bed.desk.sign_in("email", MAIL, PASSWORD)
        await bed.desk.correct(fresh, "email", OTHER)


async def test_who_is_invited_anew_leaves_nobody_signed_in_by_the_name(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        before = await bed.staff("kim", "support")
        after = await bed.desk.accept(await bed.desk.invite_first("Kim", "support"), NEW)
        with pytest.raises(Denied):
            await bed.desk.colleague(before)
        assert (await bed.desk.colleague(after))["name"] == "Kim"


async def test_words_that_cannot_be_agreed_to_are_found_before_anything_is_kept(tmp_path: Path) -> None:
    async with desk(tmp_path, "audiomidi") as bed:
        order = {"name": "Ada Quill", "email": MAIL, "postal-address": "1 Lantern Lane", "interest": "harps"}
        for words in ("", " ", "x" * 5000, "Yes\0"):
            with pytest.raises(BadValue):
                await bed.desk.collect("order", order, agreed={"AUD-11.interest-news": words})
        assert await bed.shop.find("email", MAIL) == []
    async with desk(tmp_path, "daminion") as bed:
        (choice,) = [one for one in bed.desk._room.choices if one.startswith("DAM-14")]
        with pytest.raises(BadValue):
            await bed.desk.register("registration", ACCOUNT, password=PASSWORD, agreed={choice: " "})
        assert await bed.shop.find("email", MAIL) == []
