"""A hundred callers at once ask for figures that together cost far more than the budget, on SQLite and on PostgreSQL.

They ask different questions about the same year, with nothing that makes them wait for one another but the database. What
was granted must be what was spent, no more than there is, and as much as fits; every answer must stand on record. `planted`: spending that
reads what is left first, and writes later.
"""

import asyncio
import random
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from avow.errors import Refused
from avow.practices.figures import BUDGET
from avow.practices.statistics import Wish
from avow.store.postgres_releases import PostgresReleases
from avow.store.sqlite_releases import SqliteReleases
from tests.servers import PostgresServer
from tests.shops import Clock, opened
from tests.statistics.attack import AUDIOMIDI, LARK, OPERATOR

CALLERS: Final = 100
ROUNDS: Final = 20  # of one site: a year each


async def _together(*_: object) -> None:
    await asyncio.sleep(0)


class _Free:
    """In the place of the lock: everybody may."""

    async def __aenter__(self) -> None: ...

    async def __aexit__(self, *_: object) -> None: ...


async def run(count: int, seed: int, kind: str, planted: bool = False) -> Mapping[str, object]:
    """`count` calls, a hundred at once; how many were granted, and in how many rounds more was spent than there is."""
    dice = random.Random(seed)
    granted = refused = over = unlike = 0
    released = 0
    for start in range(0, max(1, count // CALLERS), ROUNDS):
        rounds = min(ROUNDS, count // CALLERS - start)
        async with AsyncExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            more = {"url": stack.enter_context(PostgresServer()).new_database()} if kind == "postgres" else {}
            stack.enter_context(_planted() if planted else nullcontext())
            clock = Clock(datetime(2011, 1, 10, tzinfo=UTC))
            shop = await stack.enter_async_context(
                opened(folder, clock, policy=AUDIOMIDI, sequence_every=Clock.NEVER, **more)
            )
            await shop.statistics.declare("items", [LARK])
            await shop.collect("cart", {"items": LARK})
            shop.statistics._affordable = _together  # type: ignore[assignment, method-assign]  # all are there before one has spent
            shop.statistics._turn = _Free()  # type: ignore[assignment]  # what decides is the database
            clock.now = datetime(2036, 1, 1, tzinfo=UTC)
            for year in range(2011, 2011 + rounds):
                costs = dice.sample(range(50, 400), CALLERS)
                wishes = [
                    Wish(("items",), ("items",), f"{year}-01", f"{year}-01", "trade-press", "statistics", 1, cost)
                    for cost in costs
                ]
                done = await asyncio.gather(
                    *(shop.statistics.release(wish, OPERATOR) for wish in wishes), return_exceptions=True
                )
                told = [one for one in done if isinstance(one, dict)]
                wrong = [one for one in done if not isinstance(one, dict | Refused)]
                spent = {dataset: cost for dataset, cost, _ in await shop.statistics.budgets()}[f"people/{year}"]
                paid = sum(one["epsilon"] for one in told)
                granted, refused = granted + len(told), refused + len(done) - len(told) - len(wrong)
                over += max(spent, paid) > BUDGET
                unlike += spent != paid or bool(wrong) or spent < BUDGET - max(costs)
            released += len(await shop.statistics.releases(1 << 20))
    return {
        "ok": not over and not unlike and released == granted, "kind": kind, "calls": granted + refused,
        "granted": granted, "rounds overspent": over, "rounds that do not add up": unlike,
    }  # fmt: skip


@contextmanager
def _planted() -> Iterator[None]:
    """Spending that looks first, and does not see what others spend meanwhile."""
    spend = {one: one.spend for one in (SqliteReleases, PostgresReleases)}
    read: dict[str, int] = {}

    async def looks_first(tx: Any, dataset: str, cost: int, limit: int) -> bool:
        if dataset not in read:
            read[dataset] = (await tx.spent()).get(dataset, 0)
        kind = PostgresReleases if isinstance(tx, PostgresReleases) else SqliteReleases
        return read[dataset] + cost <= limit and await spend[kind](tx, dataset, cost, 1 << 40)

    with patch.object(SqliteReleases, "spend", looks_first), patch.object(PostgresReleases, "spend", looks_first):
        yield
