"""Many at once on PostgreSQL: nothing is released after a withdrawal was acknowledged, and every act has one record."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from avow.app import Avow
from avow.errors import KeyGone, Refused
from avow.gate import Gate
from avow.store.interface import Lock
from avow.store.postgres_statements import STATEMENTS
from avow.store.postgres_transaction import PostgresTransaction
from tests.shops import ADA, opened

TASKS = 8
ROUNDS = 10


async def race(shop: Avow) -> tuple[int, Counter[str], Counter[str]]:
    """Seven tasks write to one person while the eighth withdraws and agrees again.

    How many were released although the withdrawal had been acknowledged before they asked, or stand in the record
    between a withdrawal and the next consent; the acts done and refused; the same as the person's record has them.
    """
    who = await shop.collect("order", ADA)
    await shop.agree(who, "news", words="yes")
    withdrawn = over = False
    late = 0
    acts: Counter[str] = Counter()

    async def write() -> None:
        nonlocal late
        while not over:
            before = withdrawn
            try:
                await shop.reach(who, "mail", purpose="news")
            except Refused:
                acts["refused"] += 1
            else:
                acts["done"] += 1
                late += before and withdrawn
            await asyncio.sleep(0)

    async def change_mind() -> None:
        nonlocal withdrawn, over
        for _ in range(ROUNDS):
            await asyncio.sleep(0.01)
            await shop.withdraw(who, "news")
            withdrawn = True
            await asyncio.sleep(0.01)
            withdrawn = False
            await shop.agree(who, "news", words="yes again")
        over = True

    await asyncio.gather(change_mind(), *(write() for _ in range(TASKS - 1)))
    seen = await shop.seen(who)
    agreed = False
    for event in seen:
        if event["action"] in ("consent", "withdraw"):
            agreed = event["action"] == "consent"
        late += event["action"] == "mail" and event["outcome"] == "done" and not agreed
    told = [event for event in seen if event["action"] == "mail"]
    assert await shop.inspect(who) == []
    assert await shop.census() == []
    return late, acts, Counter(event["outcome"] for event in told)


async def test_nothing_is_released_after_an_acknowledged_withdrawal_and_every_act_has_one_record(
    tmp_path: Path, postgres_url: str
) -> None:
    async with opened(tmp_path, url=postgres_url) as shop:
        late, acts, recorded = await race(shop)
    assert late == 0
    assert acts["done"] > 0
    assert acts["refused"] > 0
    assert acts == recorded


async def test_the_race_shows_a_store_that_does_not_lock(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for who changes a person, the gate takes its time between reading and recording, and believes older
    rows: else it would refuse what the missing lock lets through.
    """
    monkeypatch.setattr(Gate, "hold", lambda *_: None)
    for name in (b"share", b"change"):
        monkeypatch.setitem(STATEMENTS, name, "SELECT $1::bigint")
    for name in (b"shares", b"changes"):
        monkeypatch.setitem(STATEMENTS, name, "SELECT $1::bigint[]")
    read = PostgresTransaction.read

    async def slowly(tx: PostgresTransaction, asks: Sequence[tuple[bytes, Sequence[str]]], lock: Lock = "share") -> Any:
        rows = await read(tx, asks, lock)
        await asyncio.sleep(0.005)
        return rows

    monkeypatch.setattr(PostgresTransaction, "read", slowly)
    async with opened(tmp_path, url=postgres_url) as shop:
        late, _, _ = await race(shop)
    assert late > 0


async def test_an_erasure_in_the_middle_of_reads_ends_them_all(tmp_path: Path, postgres_url: str) -> None:
    async with opened(tmp_path, url=postgres_url) as shop:
        who = await shop.collect("order", ADA)
        erased = False
        late = refused = 0

        async def read() -> None:
            nonlocal late, refused
            for _ in range(2_000):
                before = erased
                try:
                    await shop.use(who, "name", purpose="order")
                except (Refused, KeyGone):
                    refused += 1
                    if before:
                        return
                else:
                    late += before

        async def erase() -> None:
            nonlocal erased
            await asyncio.sleep(0.02)
            await shop.erase(who)
            erased = True

        await asyncio.gather(erase(), *(read() for _ in range(TASKS - 1)))
        assert late == 0
        assert refused > 0
        assert await shop.census() == []
