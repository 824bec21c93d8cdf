"""Releases of statistics, and what happens while they are made: AUD-10, TOC-13."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from avow.errors import Refused
from avow.store.interface import Clash
from avow.store.postgres_releases import PostgresReleases
from avow.store.sqlite_releases import SqliteReleases
from tests.practices.test_statistics import GOODS, LARKS, OPERATOR, buys, counted, january, site


async def test_an_answer_that_could_not_be_kept_is_told_to_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, any_shop: None
) -> None:
    """AUD-10: figures for which nothing was paid, and of which there is no record."""

    async def clashes(*_: object) -> None:
        raise Clash("what was to be written contradicts what is there")

    clock = january()
    async with site(tmp_path, clock) as shop:
        clock.forward(days=40)
        for kind in (SqliteReleases, PostgresReleases):
            monkeypatch.setattr(kind, "put_release", clashes)
        with pytest.raises(Clash):
            await shop.statistics.release(LARKS, OPERATOR)
        assert (await shop.statistics.releases(9), await shop.statistics.budgets()) == ([], [])


async def test_who_is_sent_away_while_people_are_counted_gets_no_figures_and_spends_nothing(tmp_path: Path) -> None:
    """AUD-10, TOC-13: half a count would have been kept as the answer for ever."""
    clock = january()
    async with site(tmp_path, clock) as shop:
        for _ in range(40):
            await buys(shop, GOODS[0])
        clock.forward(days=40)
        await shop.staff_roll.join("kim", "admin")
        kim = shop.staff_roll.actor("kim", "admin")
        counting = shop.statistics._sources[0]
        table = counting.table

        async def leaves(*asked: Any) -> Any:
            await shop.staff_roll.leave("kim")
            return await table(*asked)

        counting.table = leaves  # type: ignore[method-assign,assignment]
        with pytest.raises(Refused, match=r"AUD-10.*no standing any more"):
            await shop.statistics.release(LARKS, kim)
        assert (await shop.statistics.releases(9), await shop.statistics.budgets()) == ([], [])
        counting.table = table  # type: ignore[method-assign]
        assert await counted(shop) == [40, 0, 0]
        with pytest.raises(Refused):  # nor what was answered before
            await shop.statistics.release(LARKS, kim)


async def test_keys_declared_anew_while_a_question_waits_do_not_empty_its_answer(tmp_path: Path) -> None:
    """AUD-10: the answer stays for ever, so it is to the question that was asked."""
    clock = january()
    async with site(tmp_path, clock) as shop:
        await buys(shop, GOODS[0])
        clock.forward(days=40)
        async with shop.statistics._turn:
            asked = asyncio.create_task(counted(shop))
            await asyncio.sleep(0)
            await shop.statistics.declare("items", ("Heron bass",))
        assert await asked == [1, 0, 0]


async def test_others_are_served_while_people_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A withdrawal does not wait until everybody was looked at."""
    clock = january()
    monkeypatch.setattr("avow.practices.counting.PAGE", 1)
    async with site(tmp_path, clock) as shop:
        for _ in range(9):
            await buys(shop, GOODS[0])
        clock.forward(days=40)
        asking = asyncio.create_task(counted(shop))
        served = 0
        while not asking.done():
            await asyncio.sleep(0)
            served += 1
        assert asking.result() == [9, 0, 0]
        assert served > 9
