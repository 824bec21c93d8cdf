"""What a stranger does to everybody else by trying, often and with many names: not much."""

import asyncio
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st

from avow.desk.desk import Desk
from avow.desk.interface import CODE, TRIES
from avow.desk.limits import Limit, Limits
from avow.desk.passwords import Passwords
from avow.errors import AvowError, Denied, TooMany
from avow.mail.smarthost import Answer
from tests.desk.beds import PASSWORD, SENT, Bed, Kept, desk

MAIL = "ada@quill.example"
ACCOUNT = {"name": "Ada Quill", "email": MAIL}


class Hasher(PasswordHasher):
    """Counts what it verifies, and verifies nothing while it is held up."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.verified = 0
        self.goes = threading.Event()
        self.goes.set()

    def verify(self, *args: Any, **more: Any) -> Any:
        self.goes.wait(30)
        self.verified += 1
        return super().verify(*args, **more)


async def _tells(call: Any) -> object:
    try:
        return await call
    except AvowError as error:
        return type(error)


async def test_wrong_passwords_make_their_owner_wait_two_minutes_and_not_ten(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        await bed.desk.register("registration", ACCOUNT, password=PASSWORD)
        await bed.staff("kim", "support")
        for _ in range(TRIES):
            with pytest.raises(Denied):
                await bed.desk.sign_in("email", MAIL, "a wrong one of a stranger")
            with pytest.raises(Denied):
                await bed.desk.staff_sign_in("kim", "a wrong one of a stranger")
        for soon in (bed.desk.sign_in("email", MAIL, PASSWORD), bed.desk.staff_sign_in("kim", PASSWORD)):
            with pytest.raises(TooMany):
                await soon
        bed.clock.forward(milliseconds=CODE // TRIES)
        assert await bed.desk.sign_in("email", MAIL, PASSWORD)
        assert await bed.desk.staff_sign_in("kim", PASSWORD)


async def test_a_wrong_password_every_two_minutes_is_all_that_a_patient_stranger_gets(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        await bed.desk.register("registration", ACCOUNT, password=PASSWORD)
        told = []
        for _ in range(24 * 60):
            told.append(await _tells(bed.desk.sign_in("email", MAIL, "a wrong one of a stranger")))
            bed.clock.forward(minutes=1)
        assert told.count(Denied) <= TRIES + 24 * 60 // (CODE // TRIES // 60_000)


async def test_a_hundred_thousand_other_names_make_no_counter_forgotten_and_keep_nobody_out(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        await bed.desk.register("registration", ACCOUNT, password=PASSWORD)
        await bed.code(MAIL)
        for _ in range(TRIES):
            with pytest.raises(Denied):
                await bed.desk.enter("email", MAIL, "not it")
        told = [await _tells(bed.desk.enter("email", f"{number}@flood.example", "not it")) for number in range(100_001)]
        assert told.count(TooMany) < 10  # those that share a cell with one that is full
        with pytest.raises(TooMany):
            await bed.desk.enter("email", MAIL, "not it")
        other = {"name": "Bo Quill", "email": "bo@quill.example"}
        await bed.desk.register("registration", other, password=PASSWORD)
        assert await bed.desk.enter("email", "bo@quill.example", await bed.code("bo@quill.example"))


async def test_a_password_is_verified_as_often_whoever_is_there(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        hasher = Hasher()
        counted = Desk(bed.shop, os.urandom, passwords=Passwords(hasher))
        verified = set()
        for accounts in range(6):
            before = hasher.verified
            with pytest.raises(Denied):
                await counted.sign_in("email", MAIL, "a wrong one of a stranger")
            verified.add(hasher.verified - before)
            await bed.desk.register("registration", ACCOUNT, password=f"{PASSWORD} {accounts}")
            bed.clock.forward(minutes=2)
        assert len(verified) == 1


async def _strangers_accounts(bed: Bed) -> None:
    for number in range(5):
        await bed.desk.register("registration", ACCOUNT, password=f"of a stranger, number {number}")
        bed.clock.forward(seconds=1)


async def test_accounts_that_others_make_under_my_address_do_not_displace_mine(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        await bed.desk.register("registration", ACCOUNT, password=PASSWORD)
        bed.clock.forward(seconds=1)
        await _strangers_accounts(bed)
        assert await bed.desk.sign_in("email", MAIL, PASSWORD)


async def test_who_comes_after_others_accounts_proves_the_address_and_is_heard_first(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        await _strangers_accounts(bed)
        await bed.desk.register("registration", ACCOUNT, password=PASSWORD)
        proved = await bed.desk.enter("email", MAIL, await bed.code(MAIL))
        await bed.desk.protect("once the address is proved", session=proved)
        session = await bed.desk.sign_in("email", MAIL, "once the address is proved")
        assert {one["value"] for one in (await bed.desk.held(session))["data"]} == {*ACCOUNT.values()}


async def test_a_proof_of_another_address_puts_nobody_before_me_under_mine(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        await bed.desk.register("registration", ACCOUNT, password=PASSWORD)
        for number in range(3):
            bed.clock.forward(seconds=1)
            own = f"{number}@stranger.example"
            await bed.desk.register("registration", {"name": "Eve", "email": own}, password=PASSWORD)
            proved = await bed.desk.enter("email", own, await bed.code(own))
            await bed.desk.protect(f"of a stranger, number {number}", session=proved)
            await bed.desk.collect("contact", {"email": MAIL, "message": "hello"}, session=proved)
        assert len(await bed.shop.find("email", MAIL)) == 4
        session = await bed.desk.sign_in("email", MAIL, PASSWORD)
        assert {one["value"] for one in (await bed.desk.held(session))["data"]} == {*ACCOUNT.values()}


# -- floods ---------------------------------------------------------------------------------------------------------


async def test_a_flood_of_passwords_is_refused_beyond_what_can_wait_and_leaves_the_staff_a_way_in(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path, "daminion") as bed:
        hasher = Hasher()
        held_up = Desk(bed.shop, os.urandom, passwords=Passwords(hasher))
        await bed.desk.register("registration", ACCOUNT, password=PASSWORD)
        await bed.staff("kim", "support")
        hasher.goes.clear()
        flood = [
            asyncio.create_task(_tells(held_up.sign_in("email", f"{number}@flood.example", PASSWORD)))
            for number in range(500)
        ]
        staff = asyncio.create_task(held_up.staff_sign_in("kim", PASSWORD))
        await asyncio.sleep(0.5)
        refused = [one.result() for one in flood if one.done()]
        hasher.goes.set()
        assert await staff  # though it waited in no queue behind the flood
        done = await asyncio.gather(*flood)
        assert set(refused) == {TooMany}
        assert len(refused) > 450
        assert done.count(Denied) == 500 - len(refused)
        assert await held_up.sign_in("email", MAIL, PASSWORD)


async def test_a_flood_of_wishes_for_codes_is_refused_beyond_what_can_wait_and_is_over_with_it(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        await bed.desk.register("registration", ACCOUNT, password=PASSWORD)
        told = [await _tells(bed.desk.send_code("email", f"{number}@flood.example")) for number in range(1000)]
        assert 100 < told.count(None) < 400
        assert told.count(TooMany) == 1000 - told.count(None)
        await bed.desk.settle()
        assert await bed.desk.enter("email", MAIL, await bed.code(MAIL))


async def test_messages_that_hang_are_few_at_once_and_the_others_come_after_them(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        begun, goes, some = list[str](), asyncio.Event(), asyncio.Event()

        class Hangs(Kept):
            async def send(self, to: str, *_: Any, **__: Any) -> Answer:
                begun.append(to)
                some.set()
                await goes.wait()
                return SENT

        slow = Desk(bed.shop, os.urandom, outlet=Hangs(bed.policy, bed.clock), passwords=Passwords(Hasher()))
        for number in range(40):
            await bed.desk.collect("contact", {"email": f"{number}@quill.example", "message": "hello"})
            await slow.send_code("email", f"{number}@quill.example")
        await some.wait()
        await asyncio.sleep(1.5)  # for all of them to be found
        assert 0 < len(begun) <= 8
        goes.set()
        await slow.settle()
        assert len(begun) == 40


# -- the counters ---------------------------------------------------------------------------------------------------

LIMIT = Limit("a try", 5, 600_000)
TIMES = st.lists(st.tuples(st.integers(0, 90_000), st.integers(0, 3), st.booleans()), max_size=120)


@given(TIMES)
def test_nobody_has_more_tries_in_any_while_than_they_began_with_and_what_came_back_meanwhile(
    tries: list[tuple[int, int, bool]],
) -> None:
    """Whatever others try meanwhile, and whatever of theirs went well."""
    counters, now, heard = Limits(bytes(32)), 0, list[int]()
    for wait, who, well in tries:
        now += wait
        try:
            counters.spend(LIMIT, bytes([who]), now)
        except TooMany:
            continue
        if who == 0:
            heard.append(now)
        elif well:
            counters.give_back(LIMIT, bytes([who]), now, now)
    for number, first in enumerate(heard):
        for more, last in enumerate(heard[number:], 1):
            assert more <= LIMIT.most + (last - first) // LIMIT.cost + 1


@given(st.lists(st.integers(0, 90_000), min_size=1, max_size=60))
def test_who_comes_in_by_their_own_between_guesses_has_no_more_guesses(waits: list[int]) -> None:
    counters, now, wrong = Limits(bytes(32)), 0, list[int]()
    for wait in waits:
        now += wait
        for well in (True, False):
            try:
                counters.spend(LIMIT, b"one address", now)
            except TooMany:
                continue
            if well:
                counters.give_back(LIMIT, b"one address", now, now + wait)
            else:
                wrong.append(now)
    assert len(wrong) <= LIMIT.most + (now - wrong[0]) // LIMIT.cost + 1 if wrong else True
