"""A site is killed in the middle of its work, opened again, and held to what it had acknowledged.

The scenario collects, uses, discloses, erases, changes, sequences, sweeps and rewraps. Before each act the child tells what it
begins, after it what was acknowledged. Whatever the moment of its death: acknowledged acts hold, what was under way is
whole or absent, every act has its record, and nobody is unreadable who was not erased.
"""

import asyncio
import os
import random
import shutil
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from avow.app import Avow
from avow.errors import KeyGone, Refused, Tampered
from avow.ledger.entry import EVENT
from avow.ledger.folder import files, versions
from avow.ledger.verify import verify_log
from tests.crash.points import Switch
from tests.outside import on_file
from tests.shops import Clock, opened

PEOPLE = 4
Tell = Callable[[str], None]


@dataclass
class Told:
    """What the child told: each act begun and each acknowledged, with what came of it."""

    begun: list[list[str]] = field(default_factory=list)
    done: list[list[str]] = field(default_factory=list)

    def hear(self, line: str) -> None:
        """Take in a line of the child's. Raises `AssertionError` when it failed of itself."""
        word, *rest = line.split()
        if word not in ("begin", "done"):
            raise AssertionError(f"the child failed of itself: {line}")
        (self.begun if word == "begin" else self.done).append(rest)

    @property
    def hanging(self) -> list[list[str]]:
        """The acts under way when it died."""
        done = list(self.done)
        hanging = []
        for act in self.begun:
            end = next((one for one in done if one[: len(act)] == act), None)
            if end is None:
                hanging.append(act)
            else:
                done.remove(end)
        return hanging

    @property
    def under_way(self) -> str:
        """What it was doing when it died."""
        return self.hanging[-1][0] if self.hanging else "between acts"

    def acknowledged(self, act: str) -> list[list[str]]:
        return [one for one in self.done if one[0] == act]


def given(number: int) -> dict[str, str]:
    """What person `number` gives: every value a function of the number, so that the parent knows it."""
    return {
        "name": f"Person Number{number:05}",
        "email": f"person{number:05}@crash.example",
        "postal-address": f"{number} Crash Lane",
    }


async def goes_out(shop: Avow, who: str) -> str:
    """The courier has a package in hand; its id."""
    package = await shop.disclose(who, ["postal-address"], recipient="courier", purpose="order")
    return package.told.id.hex()


async def work(shop: Avow, tell: Tell, first: int) -> None:
    """One round of everything that writes."""
    people: dict[int, str] = {}

    async def act(name: str, *about: object, run: Callable[[], object]) -> object:
        line = " ".join(map(str, (name, *about)))
        tell(f"begin {line}")
        result = run()
        if asyncio.iscoroutine(result):
            result = await result
        tell(f"done {line} {result if isinstance(result, str) else ''}")
        return result

    for number in range(first, first + PEOPLE):
        people[number] = str(await act("collect", number, run=partial(shop.collect, "order", given(number))))
    for number, who in people.items():
        await act("use", number, who, run=partial(shop.use, who, "name", purpose="order"))
    await act("file", run=lambda: on_file(shop, "courier"))
    for number in (first + 1, first + 2):
        await act("disclose", number, people[number], run=partial(goes_out, shop, people[number]))
    await act("sequence", run=shop.sequence)
    last = people[first]
    await act("erase", first, last, run=lambda: shop.erase(last))
    await act("agree", first + 1, run=lambda: shop.agree(people[first + 1], "news", words="yes"))
    await act("rewrap", run=shop.keystore.rewrap)
    await act("withdraw", first + 1, people[first + 1], run=lambda: shop.withdraw(people[first + 1], "news"))
    await act("sweep", run=shop.sweep)
    await act("collect", first + PEOPLE, run=lambda: shop.collect("order", given(first + PEOPLE)))
    await act("sequence", run=shop.sequence)


def child(
    folder: Path, at: int, first: int, pipe: int, plant: Callable[[], None] | None, more: Mapping[str, Any]
) -> None:  # fmt: skip
    """Work in this process until the switch kills it; exit status 0 when it never did."""
    switch = Switch(at)
    if plant:
        plant()

    async def run() -> None:
        async with opened(folder, Clock(), sequence_every=Clock.NEVER, **more) as shop:

            def tell(line: str) -> None:
                switch.write(pipe, f"{line}\n".encode())

            await work(shop, tell, first)

    try:
        asyncio.run(run())
        switch.write(pipe, f"count {switch.count}\n".encode())
    except BaseException:  # noqa: BLE001 - the parent must see it: this process has no other way to speak
        switch.write(pipe, f"error {traceback.format_exc()!r}\n".encode())
        os._exit(3)
    os._exit(0)


def live_and_die(
    folder: Path, at: int, first: int, plant: Callable[[], None] | None = None, after: float | None = None,
    more: Mapping[str, Any] | None = None,
) -> tuple[Told, int, int]:  # fmt: skip
    """Run a child; what it told, its wait status, and how many writes it counted if it lived.

    It is killed at its write `at` (0: never), or `after` so many seconds. `more` goes to `opened`.
    """
    read, write = os.pipe()
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        child(folder, at, first, write, plant, more or {})
    os.close(write)
    killer = None if after is None else threading.Timer(after, os.kill, (pid, signal.SIGKILL))
    if killer:
        killer.start()
    told, count = Told(), 0
    with os.fdopen(read) as lines:
        for line in lines:
            if line.startswith("count "):
                count = int(line.split()[1])
            else:
                told.hear(line)
    if killer:
        killer.cancel()
        killer.join()
    _, status = os.waitpid(pid, 0)
    return told, status, count


async def check(folder: Path, told: Told, more: Mapping[str, Any] | None = None) -> list[str]:
    """What does not hold after opening again; empty is good."""
    wrong: list[str] = []
    async with opened(folder, Clock(), sequence_every=Clock.NEVER, **(more or {})) as shop:
        people = {int(number): who for _, number, who in told.acknowledged("collect")}
        erased = {who for _, _, who in told.acknowledged("erase")}
        doubtful = {act[2] for act in told.hanging if act[0] == "erase"}
        events: set[str] = set()
        for number, who in people.items():
            if who in erased:
                wrong += await _gone(shop, number, who)
            elif who not in doubtful or await stands(shop, who):
                wrong += await _whole(shop, number, who, events, told)
        for number in (int(act[1]) for act in told.hanging if act[0] == "collect"):
            for who in await shop.find("email", given(number)["email"]):
                wrong += await _whole(shop, number, who, events, told)
        await shop.sequence_all()
        wrong += _recorded(shop, events)
    return wrong


async def stands(shop: Avow, who: str) -> bool:
    """Whether the person is there, and not erased. A row that is not believed is there, and whoever reads it says so."""
    try:
        await shop.export(who)
    except Refused:
        return False
    except (Tampered, KeyGone):
        pass
    return True


async def _gone(shop: Avow, number: int, who: str) -> list[str]:
    found = await shop.find("email", given(number)["email"])
    there = await stands(shop, who) or found
    return [f"erased person {number} is there again, or half of them"] if there else []


async def _whole(shop: Avow, number: int, who: str, events: set[str], told: Told) -> list[str]:
    try:
        export = await shop.export(who)
    except Exception as error:  # noqa: BLE001 - whatever it is, the person is unreadable
        return [f"person {number} is unreadable: {error}"]
    wrong = []
    if {one["category"]: one["value"] for one in export["data"]} != given(number):
        wrong.append(f"person {number} has lost or changed data")
    if await shop.find("email", given(number)["email"]) != [who]:
        wrong.append(f"person {number} is not found")
    acts = [one["action"] for one in export["events"]]
    events.update(one["event"] for one in export["events"])
    if acts.count("register") != 1:
        wrong.append(f"person {number} has {acts.count('collect')} records of being collected")
    used = sum(1 for one in told.acknowledged("use") if one[2] == who)
    if acts.count("use") < used:
        wrong.append(f"a use of person {number} was acknowledged and has no record")
    gone = {one[3] for one in told.acknowledged("disclose") if one[2] == who}
    kept = {one["id"] for one in export["disclosures"]}
    if gone - kept:
        wrong.append(f"a package of person {number} went out, and nothing tells of it")
    if len(kept - gone) > sum(act[0] == "disclose" and act[2] == who for act in told.hanging):
        wrong.append(f"person {number} is told of a package that never went out")
    if acts.count("share") != len(kept):
        wrong.append(f"a disclosure of person {number} has no record, or a record no disclosure")
    withdrawn = any(one[2] == who for one in told.acknowledged("withdraw"))
    if withdrawn and "consent/news" in export["standing"]:
        wrong.append(f"an acknowledged withdrawal of person {number} is lost")
    return wrong


def _recorded(shop: Avow, events: set[str]) -> list[str]:
    """Every event of every person is in the log, once, and the log verifies."""
    report = verify_log(
        files(shop.places.ledger), shop.verifier_key, [shop.log.checkpoint()], versions=versions(shop.places.ledger)
    )
    wrong = [str(fault) for fault in report.faults]
    inside = [shop.log.entry(index)[EVENT].hex() for index in range(shop.log.size)]
    if len(set(inside)) != len(inside):
        wrong.append("an event stands in the log twice")
    wrong += [f"event {event} has no entry in the log" for event in events - set(inside)]
    return wrong


def run(count: int, seed: int, plant: Callable[[], None] | None = None) -> dict[str, object]:
    """Kill at `count` points spread over the whole scenario; figures, with `ok`. `plant` puts a defect in the child."""
    dice = random.Random(seed)
    base = Path(mkdtemp(prefix="avow-crash-"))
    try:
        (base / "count").mkdir()
        _, _, total = live_and_die(base / "count", 0, 0, plant)
        hit: dict[str, int] = {}
        wrong: list[str] = []
        killed = 0
        for number in range(count):
            folder = base / f"point-{number}"
            folder.mkdir()
            at = 1 + int((number + dice.random()) * total / count)
            told, status, _ = live_and_die(folder, at, 0, plant)
            died = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
            killed += died
            hit[told.under_way] = hit.get(told.under_way, 0) + died
            wrong += [f"point {at} during {told.under_way}: {one}" for one in asyncio.run(check(folder, told))]
            shutil.rmtree(folder)
        return {"points": count, "killed": killed, "during": hit, "wrong": wrong[:20], "ok": not wrong and killed > 0}
    finally:
        shutil.rmtree(base, ignore_errors=True)
