"""How long acts wait before the log's tree has them: the time in which somebody with the disk could cut them off unseen.

Measured under load, with the sequencing in the background at the interval that `Avow.open` has by default.
"""

import asyncio
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from tempfile import mkdtemp
from typing import Any, Final

from avow.app import Avow
from tests.shops import opened

TASKS: Final = 8
BATCH: Final = 500  # acts after which the window is looked at


def given(number: int) -> dict[str, str]:
    """What person `number` gives."""
    return {
        "name": f"Person {number}", "email": f"person{number}@window.example", "postal-address": f"{number} Window Lane",
    }  # fmt: skip


async def run(count: int, seed: int, url: str = "", **more: Any) -> dict[str, Any]:
    """`count` acts as fast as they go; the longest and the median wait in ms, and whether every act was sequenced."""
    folder = Path(mkdtemp(prefix="avow-window-"))
    dice = Random(seed)
    try:
        place = {"url": url} if url else {}
        async with opened(folder, _now, **place, **more) as shop:  # type: ignore[arg-type]  # a clock that goes
            people = [await shop.collect("order", given(number)) for number in range(20)]
            await shop.sequence_all()
            shop.log._longest = 0  # what went before was no load
            before = shop.log.size
            began = time.monotonic()
            waits: list[int] = []
            left = iter(range(count))

            async def task() -> None:
                for number in left:
                    if number % 3:
                        await shop.use(dice.choice(people), "name", purpose="order")
                    else:
                        await shop.collect("order", given(number))
                    if number % BATCH == 0:
                        waits.append((await shop.log.window(_ms())).waiting)
                    await asyncio.sleep(0)  # a shop that serves lets its loop turn

            await asyncio.gather(*(task() for _ in range(TASKS)))
            took = time.monotonic() - began
            await _until_nothing_waits(shop)
            window = await shop.log.window(_ms())
            sequenced = shop.log.size - before
        return {
            "ok": sequenced == count and window.waiting == 0, "acts": count, "longest wait, ms": float(window.longest),
            "acts a second": round(count / took, 1), "waiting when looked at, ms": float(max(waits, default=0)),
        }  # fmt: skip
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _until_nothing_waits(shop: Avow) -> None:
    for _ in range(200):
        if not (await shop.log.window(_ms())).waiting:
            async with shop._gate.store.transaction() as tx:
                if not await tx.pending(1):
                    return
        await asyncio.sleep(0.02)


def _now() -> datetime:
    return datetime.now(UTC)


def _ms() -> int:
    return int(time.time() * 1000)
