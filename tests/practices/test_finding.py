"""People are found by what they gave, and each of them can see that somebody looked."""

from pathlib import Path

import pytest

from avow.errors import Refused, UnknownWord
from tests.shops import ADA, BEA, opened


async def test_who_is_found_sees_who_looked_and_nobody_else_does(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        ada, bea = await shop.collect("order", ADA), await shop.collect("order", BEA)
        kim = shop.staff("kim", "fulfilment")
        assert await shop.find("email", ADA["email"].upper(), by=kim) == [ada]
        (look,) = [event for event in await shop.seen(ada) if event["action"] == "find"]
        assert (look["role"], look["categories"], look["outcome"]) == ("fulfilment", ("email",), "done")
        assert not [event for event in await shop.seen(bea) if event["action"] == "find"]
        assert [await shop.inspect(who) for who in (ada, bea)] == [[], []]


async def test_a_look_up_that_finds_nobody_is_on_record_too(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        await shop.sequence_all()
        before = shop.log.size
        assert await shop.find("email", "nobody@nowhere.example") == []
        await shop.sequence_all()
        assert shop.log.size == before + 1


async def test_nobody_is_found_by_what_the_policy_finds_nobody_by(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        for category in ("name", "shoe-size"):
            with pytest.raises(UnknownWord):
                await shop.find(category, "Ada")


async def test_an_import_that_meets_somebody_who_is_here_is_seen_by_them(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        ada = await shop.collect("order", ADA)
        done = await shop.bring([(1, ADA)], form="order", source="a bought list")
        assert (done.people, done.known) == (0, 1)
        assert [event["action"] for event in await shop.seen(ada)][:2] == ["register", "find"]


async def test_a_colleague_who_has_left_finds_nobody_and_the_try_is_on_record(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        ada = await shop.collect("order", ADA)
        kim = shop.staff("kim", "fulfilment")
        assert await shop.find("email", ADA["email"], by=kim) == [ada]
        await shop.staff_roll.leave("kim")
        await shop.sequence_all()
        before = shop.log.size
        for email in (ADA["email"], "nobody@nowhere.example"):
            with pytest.raises(Refused):
                await shop.find("email", email, by=kim)
        await shop.sequence_all()
        assert shop.log.size == before + 2
