"""A wish to be erased waits, can be taken back, is carried out, and nobody else can make it."""

from datetime import timedelta
from pathlib import Path

import pytest

from avow.errors import Refused
from tests.shops import ADA, BEA, Clock, opened

AFTER = timedelta(days=3)


async def test_the_wish_is_carried_out_after_its_moment_and_not_before(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as shop:
        ada, bea = await shop.collect("order", ADA), await shop.collect("order", BEA)
        due = await shop.leave(ada, after=AFTER)
        assert due == clock() + AFTER == await shop.leaving(ada)
        assert await shop.leaving(bea) is None
        clock.forward(days=3)
        await shop.sweep()
        assert await shop.find("email", ADA["email"]) == [ada]  # exactly then it is not over yet
        clock.forward(seconds=1)
        await shop.sweep()
        assert (await shop.find("email", ADA["email"]), await shop.find("email", BEA["email"])) == ([], [bea])
        with pytest.raises(Refused):
            await shop.export(ada)


async def test_a_second_wish_keeps_the_first_ones_moment(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as shop:
        ada = await shop.collect("order", ADA)
        first = await shop.leave(ada, after=AFTER)
        clock.forward(days=1)
        assert await shop.leave(ada, after=AFTER) == first


async def test_a_wish_that_was_taken_back_is_not_carried_out(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as shop:
        ada = await shop.collect("order", ADA)
        await shop.leave(ada, after=AFTER)
        await shop.stay(ada)
        assert await shop.leaving(ada) is None
        clock.forward(days=9)
        await shop.sweep()
        assert await shop.find("email", ADA["email"]) == [ada]
        assert [event["action"] for event in await shop.seen(ada)][:3] == ["register", "leave", "stay"]
        assert await shop.inspect(ada) == []


async def test_who_is_put_on_the_list_behind_the_gate_is_not_erased(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as shop:
        ada, bea = await shop.collect("order", ADA), await shop.collect("order", BEA)
        await shop.leave(bea, after=AFTER)
        async with shop._gate.store.transaction() as tx:
            for who in (ada, bea):
                await tx.drop_leaving(bytes.fromhex(who))
                await tx.put_leaving(bytes.fromhex(who), 1)
        await shop.sweep()
        assert (await shop.find("email", ADA["email"]), await shop.find("email", BEA["email"])) == ([ada], [bea])
        clock.forward(days=4)
        await shop.sweep()
        assert (await shop.find("email", ADA["email"]), await shop.find("email", BEA["email"])) == ([ada], [])
