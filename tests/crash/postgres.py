"""The crash harness on PostgreSQL: the worker is killed, a backend is killed, the server goes down at once.

`run` kills the worker, half of the times from outside at any moment, half at one of its own writes to disk (keys,
journal, ledger). `server` leaves the worker alive and kills the database under load: each act then succeeds, fails
with nothing written, or says that its outcome is unknown; `has_event` must tell which it was. Each point is a site of
its own in one database.
"""

import asyncio
import os
import random
import re
import shutil
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from unittest.mock import patch

import psycopg

from avow.app import Avow
from avow.errors import Refused, Unavailable
from avow.policy.model import Policy
from avow.policy.parse import parse
from avow.store.interface import Leaf, Trace
from avow.store.postgres_transaction import PostgresTransaction
from tests.crash.harness import Told, check, given, live_and_die, stands
from tests.servers import PostgresServer
from tests.shops import POLICY, Clock, opened

TASKS = 4


def _policy(number: int) -> Policy:
    return parse(re.sub(r"site: corner", f"site: corner-{number}", POLICY), "corner")


def run(count: int, seed: int, plant: Callable[[], None] | None = None) -> dict[str, object]:
    """Kill the worker at `count` points; figures, with `ok`. `plant` puts a defect in the worker."""
    dice = random.Random(seed)
    base = Path(mkdtemp(prefix="avow-crash-"))
    hit: dict[str, int] = {}
    wrong: list[str] = []
    killed = 0
    try:
        with PostgresServer() as server:
            url = server.new_database()

            def point(number: int, at: int, after: float | None) -> tuple[Told, int, int]:
                folder = base / f"point-{number}"
                folder.mkdir()
                return live_and_die(folder, at, 0, plant, after, {"url": url, "policy": _policy(number)})

            point(count, 0, None)  # the first one makes the tables
            began = time.monotonic()
            _, _, writes = point(count + 1, 0, None)
            whole = time.monotonic() - began
            for number in range(count):
                share = (number + dice.random()) / count
                outside = number % 2 == 0
                told, status, _ = point(
                    number, 0 if outside else 1 + int(share * writes), 0.9 * share * whole if outside else None
                )
                died = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
                killed += died
                whole *= 1 if died or not outside else 0.7  # it was measured when the machine had more to do
                hit[told.under_way] = hit.get(told.under_way, 0) + died
                more = {"url": url, "policy": _policy(number)}
                faults = asyncio.run(check(base / f"point-{number}", told, more))
                wrong += [f"point {number} during {told.under_way}: {one}" for one in faults]
        return {"points": count, "killed": killed, "during": hit, "wrong": wrong[:20], "ok": not wrong and killed > 0}
    finally:
        shutil.rmtree(base, ignore_errors=True)


# -- the server dies ---------------------------------------------------------------------------------------------------

_Event = tuple[bytes, bytes | None]  # and the person's id, where the record has a trace of them
_events: ContextVar[list[_Event] | None] = ContextVar("_events", default=None)


@contextmanager
def _noted() -> Any:
    """Note which events each task puts on record, so that it can ask for them when an outcome is unknown."""
    record = PostgresTransaction.record

    async def noted(tx: PostgresTransaction, leaves: Sequence[Leaf], traces: Sequence[Trace]) -> None:
        noted = _events.get()
        if noted is not None:
            whose = {trace.event: trace.subject for trace in traces}
            noted += [(leaf.event, whose.get(leaf.event)) for leaf in leaves]
        await record(tx, leaves, traces)

    with patch.object(PostgresTransaction, "record", noted):
        yield


class _Load:
    """Tasks that write as fast as they can, until the database fails them."""

    def __init__(self, shop: Avow) -> None:
        self.shop = shop
        self.told = Told()
        self.unknown: dict[str, list[_Event]] = {}  # act whose outcome is unknown -> the events that it put on record
        self.failed: dict[str, int] = {}

    async def task(self, first: int) -> None:
        number = first
        while True:
            try:
                await self._one(number)
            except Unavailable as error:
                how = "unknown" if "unknown" in str(error) else "nothing was written"
                self.failed[how] = self.failed.get(how, 0) + 1
                return
            number += TASKS

    async def _one(self, number: int) -> None:
        who = await self._act(f"collect {number}", lambda: self.shop.collect("order", given(number)))
        await self._act(f"use {number} {who}", lambda: self.shop.use(who, "name", purpose="order"))
        await self._act(f"agree {number} {who}", lambda: self.shop.agree(who, "news", words="yes"))
        await self._act(f"withdraw {number} {who}", lambda: self.shop.withdraw(who, "news"))
        if number % 3 == 0:
            await self._act(f"erase {number} {who}", lambda: self.shop.erase(who))

    async def _act(self, line: str, run: Callable[[], Any]) -> str:
        events: list[_Event] = []
        _events.set(events)
        self.told.hear(f"begin {line}")
        try:
            result = await run()
        except Unavailable as error:
            if "unknown" in str(error):
                self.unknown[line] = events
            raise
        self.told.hear(f"done {line} {result if line.startswith('collect') else ''}")
        return str(result)


async def server(count: int, seed: int) -> Mapping[str, object]:
    """Kill a backend, or stop the server at once, at `count` moments under load; figures, with `ok`."""
    dice = random.Random(seed)
    base = Path(mkdtemp(prefix="avow-crash-"))
    wrong: list[str] = []
    acts = 0
    failed: dict[str, int] = {}
    resolved: dict[str, int] = {}
    try:
        with PostgresServer() as postgres, _noted():
            url = postgres.new_database()
            for number in range(count):
                folder = base / f"point-{number}"
                folder.mkdir()
                more = {"url": url, "policy": _policy(number)}
                async with opened(folder, Clock(), **more) as shop:
                    load = _Load(shop)
                    tasks = [asyncio.create_task(load.task(n)) for n in range(TASKS)]
                    await asyncio.sleep(dice.uniform(0.01, 0.25))
                    await _kill(postgres, url, dice, backend=number % 2 == 0)
                    done = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 60)
                    wrong += [f"point {number}: a task ended with {error!r}" for error in done if error is not None]
                    await _up(shop)
                    told = await _resolved(shop, load, wrong)
                acts += len(load.told.done)
                for how, many in load.failed.items():
                    failed[how] = failed.get(how, 0) + many
                for how, many in told.items():
                    resolved[how] = resolved.get(how, 0) + many
                wrong += [f"point {number}: {one}" for one in await check(folder, load.told, more)]
        return {
            "points": count, "acknowledged": acts, "failed": failed, "unknown": resolved, "wrong": wrong[:20],
            "ok": not wrong and acts > 0,
        }  # fmt: skip
    finally:
        shutil.rmtree(base, ignore_errors=True)


async def _kill(postgres: PostgresServer, url: str, dice: random.Random, *, backend: bool) -> None:
    if not backend:
        postgres.stop("immediate")
        await asyncio.to_thread(postgres.start)
        return
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as other:
        found = await (
            await other.execute("SELECT pid FROM pg_stat_activity WHERE application_name = 'avow'")
        ).fetchall()
    (pid,) = dice.choice(found)
    postgres.kill_backend(pid)


async def _up(shop: Avow) -> None:
    """Until the shop serves again by itself: it is not opened anew."""
    for _ in range(400):
        try:
            await shop.find("email", "nobody@crash.example")
        except Unavailable:
            await asyncio.sleep(0.025)
        else:
            return
    raise Unavailable("the shop does not come back after the server did")


async def _resolved(shop: Avow, load: _Load, wrong: list[str]) -> dict[str, int]:
    """Ask for the event of every act whose outcome is unknown, and hold the answer against what is there."""
    answers: dict[str, int] = {}
    for line, events in load.unknown.items():
        act, number, *rest = line.split()
        there = [await _there(shop, *event) for event in events]
        happened = any(there)
        answer = "happened" if happened else "did not"
        answers[answer] = answers.get(answer, 0) + 1
        if act == "use":  # many share a transaction, which is none of theirs: nobody's effect hangs on it
            continue
        if not there or all(there) != happened:
            wrong.append(f"`{act}` is on record by half")
        if act == "collect" and bool(await shop.find("email", given(int(number))["email"])) != happened:
            wrong.append("a registration and its record disagree")
        if act in ("agree", "withdraw") and await _agreed(shop, rest[0]) != (happened == (act == "agree")):
            wrong.append(f"`{act}` and its record disagree")
        if act == "erase" and await stands(shop, rest[0]) == happened:
            wrong.append("an erasure and its record disagree")
    return answers


async def _there(shop: Avow, event: bytes, subject: bytes | None) -> bool:
    """As the store's contract says, to be asked at once; what was sequenced meanwhile is in the log."""
    async with shop._gate.store.transaction() as tx:
        return await tx.has_event(event, subject) or shop.log.find(event) is not None


async def _agreed(shop: Avow, who: str) -> bool | None:
    try:
        return "consent/news" in (await shop.export(who))["standing"]
    except Refused:
        return None
