"""Killed at any write of a credit, the affiliate has the commission once when the sale is told of again."""

import asyncio
from pathlib import Path

from tests.affiliates.harness import AITPRO
from tests.affiliates.selling import COMMISSION, killed, sold
from tests.practices.test_affiliates import counted
from tests.shops import Clock, opened


async def afterwards(folder: Path) -> tuple[dict[str, list[int]], int]:
    """What is owed once the sale was told of again, and how many people are held then."""
    async with opened(folder, Clock(), policy=AITPRO, private=True) as shop:
        await sold(shop)
        await sold(shop)
        await shop.sweep()
        return await counted(shop), len(await shop.census())


def test_a_credit_that_is_killed_at_any_write_is_made_once_when_the_sale_is_told_again(tmp_path: Path) -> None:
    """AIT-9: neither twice nor never; and the click is gone with it. Every second write, to the last."""
    at, died = -1, True
    while died:
        at += 2
        folder = tmp_path / str(at)
        folder.mkdir()
        died = killed(folder, at)
        owed, people = asyncio.run(afterwards(folder))
        assert (at, owed, people) == (at, {"harbourpress": [1, COMMISSION]}, 0)
    assert at > 9
