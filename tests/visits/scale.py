"""Ten million visits in how many bytes, and how many visits a second by the way that a request takes.

Visits are spread over the days of some years, 50,000 a day, with their hours busy and quiet; a third has two pages. The clock
is the harness's own; disk, hashing, tables of browsers and merging are the real thing.
"""

import asyncio
import random
import resource
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from time import perf_counter
from typing import Any, Final

from avow.doors.counting import Counting
from avow.store.visits import DAY, HOUR
from avow.visits import Counted, K
from avow.visits.network import Domains, Names
from tests.visits.beds import START, policy

A_DAY: Final = 50_000
GIGABYTE: Final = 1_000_000_000
PARTS: Final = ("home", "goods", "cart", "checkout", "order", "account", "policy", "writing to us")
WEBKIT: Final = "AppleWebKit/537.36 (KHTML, like Gecko)"
_BUSY: Final = [1 + (hour - 4) % 24 for hour in range(24)]  # quiet at four in the morning


async def _host(address: str) -> str:
    """One of 2,000 networks, of which few are large."""
    number = sum(int(part) << 8 * place for place, part in enumerate(address.split(".")))
    return f"line-{address.replace('.', '-')}.network-{int(2000 * random.Random(number).random() ** 3)}.com"


def _opened(folder: Path, site: str, seed: int) -> tuple[Counted, Names]:
    names = Names(Domains(), _host)
    return Counted.open(policy(site), folder, random=random.Random(seed).randbytes, now=START, names=names), names


def _visits(count: int, seed: int) -> Iterator[tuple[int, str, str, int]]:
    """When (ms, in order), from where, with what, and how many pages."""
    dice = random.Random(seed)
    first = START // DAY * DAY
    hours: list[int] = []
    for number in range(count):
        day, place = divmod(number, A_DAY)
        if place == 0:
            hours = sorted(dice.choices(range(24), _BUSY, k=min(A_DAY, count - number)))
        moment = first + day * DAY + hours[place] * HOUR + dice.randrange(1_500_000)
        address = f"{dice.choice((24, 41, 81, 119, 193, 200))}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        agent = f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/{100 + number % 40}.0.0.0 Safari/537.36"
        yield moment, address, agent, 2 if number % 3 == 0 else 1


def _most() -> int:
    """The most memory that this process ever took, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


async def size(count: int, seed: int, site: str) -> dict[str, Any]:
    """So many visits counted; what they take up, with `ok`: under 1 GB, and none lost."""
    folder = Path(mkdtemp(prefix="avow-visits-"))
    dice = random.Random(seed)
    before = _most()  # whoever ran in this process before counts for nothing
    try:
        counted, names = _opened(folder, site, seed)
        hour = 0
        for number, (moment, address, agent, pages) in enumerate(_visits(count, seed)):
            if moment // HOUR != hour:
                await names.settled()
                counted.settle(moment // HOUR * HOUR - HOUR // 2)  # the half past before
                hour = moment // HOUR
            if number % 500 == 0:
                await names.settled()
            for page in range(pages):
                counted.page(moment + page * 40_000, address, agent, dice.choice(PARTS), "")
        await names.settled()
        counted.settle(moment // DAY * DAY + DAY + HOUR)
        assert counted.stored is not None
        cells = counted.stored.cells(0, 1 << 60)
        told = sum(cell.visits for cell in cells if not cell.dimensions)
        counted.close()
        taken = _bytes(folder)
        memory = _most() - before
        return {
            "ok": count - K < told <= count and taken < GIGABYTE and memory < GIGABYTE,
            "visits": told, "cells": len(cells), "bytes": taken, "memory": memory,
        }  # fmt: skip
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def ingest(count: int, seed: int, site: str, pace: float = 0) -> dict[str, Any]:
    """So many visits through the middleware, each of a request of its own, against the same requests without it.

    `ok`: all counted, and at least `pace` a second.
    """
    folder = Path(mkdtemp(prefix="avow-visits-"))
    try:
        counted, names = _opened(folder, site, seed)
        moment = START

        async def page(_: Any, __: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
            await send({"type": "http.response.body", "body": b""})

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(_: Any) -> None:
            pass

        app = Counting(page, counted, parts={part: part for part in PARTS}, clock=lambda: _time(moment))
        visits = [
            (at, _scope(address, agent, PARTS[place % 8]))
            for place, (at, address, agent, _) in enumerate(_visits(count, seed))
        ]
        hour, began = 0, perf_counter()
        for moment, scope in visits:
            if moment // HOUR != hour:
                counted.settle(moment // HOUR * HOUR - HOUR // 2)
                hour = moment // HOUR
                await asyncio.sleep(0)
            await app(scope, receive, send)
        counted.settle(moment // DAY * DAY + DAY + HOUR)
        took = perf_counter() - began
        await names.settled()
        assert counted.stored is not None
        told = sum(cell.visits for cell in counted.stored.cells(0, 1 << 60) if not cell.dimensions)
        app.close()
        rate = count / took
        return {"ok": count - K < told <= count and rate >= pace, "visits": told, "visits-a-second": round(rate, 1)}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _time(moment: int) -> datetime:
    return datetime.fromtimestamp(moment / 1000, UTC)


def _scope(address: str, agent: str, part: str) -> dict[str, Any]:
    headers = [
        (b"host", b"shop.example"), (b"accept", b"text/html"), (b"accept-language", b"en"), (b"user-agent", agent.encode()),
        (b"cookie", b"cart=x; theme=dark"), (b"referer", b"https://else.example/"),
    ]  # fmt: skip
    return {"type": "http", "method": "GET", "path": f"/{part}", "headers": headers, "client": (address, 40_000)}
