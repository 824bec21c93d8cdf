"""kill -9 at any write of a contest: what was acknowledged holds, and whatever was begun is finished at the next start."""

import asyncio
import json
import os
import random
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from avow.app import Avow
from avow.errors import Refused
from avow.ledger.draw import verify_draw
from avow.policy.parse import read
from avow.practices.contests import Contests
from tests.crash.points import Switch
from tests.shops import Clock, opened

DAMINION = read(Path(__file__).parents[2] / "policies" / "daminion.yaml")
PEOPLE = 4
POINTS = 24
NEXT = {"open": "close", "closed": "draw", "drawn": "told"}


def site(folder: Path) -> Any:
    return opened(folder, Clock(), policy=DAMINION, private="attested", sequence_every=Clock.NEVER)


def person(number: int) -> dict[str, str]:
    return {
        "name": f"Person{number}", "postal-address": f"{number} Crash Lane", "phone": f"+44 20 7946 0{number:03}",
        "email": f"person{number}@crash.example",
    }  # fmt: skip


async def step(shop: Avow, name: str) -> dict[str, Any]:
    if name == "close":
        return await shop.contests.close("contest", 2)
    if name == "draw":
        return await shop.contests.draw("contest")
    return await shop.contests.told("contest", anyway=True)


def child(folder: Path, at: int, pipe: int, plant: Callable[[], None] | None) -> None:
    """Enter people, then close, draw, tell, until the switch kills this process. Status 0 when it never did."""
    switch = Switch(0)
    if plant:
        plant()

    async def run() -> None:
        def tell(word: str, what: object) -> None:
            switch.write(pipe, f"{json.dumps([word, what])}\n".encode())

        async with site(folder) as shop:
            for number in range(PEOPLE):
                tell("who", await shop.collect("contest", person(number)))
            switch.count, switch.at = 0, at
            for name in ("close", "draw", "told"):
                tell(name, await step(shop, name))
            tell("count", switch.count)
            switch.at = 0

    try:
        asyncio.run(run())
    except BaseException:  # noqa: BLE001 - the parent must see it: this process has no other way to speak
        switch.write(pipe, f"{json.dumps(['error', traceback.format_exc()])}\n".encode())
        os._exit(3)
    os._exit(0)


def live_and_die(folder: Path, at: int, plant: Callable[[], None] | None = None) -> tuple[list[str], dict[str, Any]]:
    """Run a child; who entered, and what it acknowledged by step."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        child(folder, at, writing, plant)
    os.close(writing)
    with os.fdopen(reading) as lines:
        told = [json.loads(line) for line in lines]
    os.waitpid(pid, 0)
    return [what for word, what in told if word == "who"], {word: what for word, what in told if word != "who"}


async def check(folder: Path, people: list[str], done: dict[str, Any]) -> list[str]:
    """What does not hold after opening again, and after going on to the end."""
    wrong = []
    async with site(folder) as shop:
        told = await shop.contests.show("contest")
        least = {"told": "ended", "draw": "drawn", "close": "closed"}
        reached = next((least[name] for name in ("told", "draw", "close") if name in done), "open")
        order = ["open", "closed", "drawn", "ending", "ended"]
        if order.index(told["phase"]) < order.index(reached) or told["phase"] == "ending":
            wrong.append(f"after {reached} it is {told['phase']}")
        wrong += await _stands(shop, told, people)
        while told["phase"] in NEXT:
            told = await step(shop, NEXT[told["phase"]])
        for name in ("close", "draw"):
            if name in done and done[name]["contest"] != told["contest"]:
                wrong.append(f"what was acknowledged by {name} is another contest's")
        if "draw" in done and done["draw"]["won"] != told["won"]:
            wrong.append("other people won than was acknowledged")
        held = [done["close"]["checkpoint"]] if "close" in done else []
        file = json.dumps(await shop.contests.proof(told["contest"]))
        report = verify_draw(file, shop.verifier_key, held)
        wrong += map(str, report.faults)
        if report.entries != PEOPLE:
            wrong.append(f"{report.entries} entries of {PEOPLE} took part")
        for who in people:
            if (await shop.export(who))["data"] or await shop.queue.of(bytes.fromhex(who)):
                wrong.append("an entry was kept after the end")
        wrong += await shop.census()
    return wrong


async def _stands(shop: Avow, told: dict[str, Any], people: list[str]) -> list[str]:
    """Whether just those may be reached, and just those may enter, who may in this phase."""
    open_ = 0
    for who in people:
        try:
            await shop.reach(who, "mail", purpose="contest")
            open_ += 1
        except Refused:
            continue
    expected = {"open": PEOPLE, "closed": PEOPLE, "drawn": 2, "ended": 0}[told["phase"]]
    wrong = [] if open_ == expected else [f"{open_} may be reached while it is {told['phase']}"]
    if told["phase"] in ("closed", "drawn"):
        try:
            await shop.collect("contest", person(9))
            wrong.append("somebody entered after the closing")
        except Refused:
            pass
    return wrong


def run(folder: Path, points: int, plant: Callable[[], None] | None = None) -> list[str]:
    """Kill at so many writes, spread over the whole; what was wrong, and where."""
    _, whole = live_and_die(folder / "whole", 0)
    dice = random.Random(8)
    wrong = []
    for number in sorted(dice.sample(range(1, whole["count"] + 1), points)):
        people, done = live_and_die(folder / str(number), number, plant)
        assert "error" not in done, done["error"]
        assert "count" not in done, "it was not killed"
        wrong += [
            f"killed at {number}, {[*done]}: {one}"
            for one in asyncio.run(_checked(folder / str(number), people, done, plant))
        ]
    return wrong


async def _checked(
    folder: Path, people: list[str], done: dict[str, Any], plant: Callable[[], None] | None
) -> list[str]:
    before = Contests.load
    if plant:
        plant()
    try:
        return await check(folder, people, done)
    except Exception as error:  # noqa: BLE001 - whatever it is, it does not go on as it must
        return [repr(error)]
    finally:
        Contests.load = before  # type: ignore[method-assign]


def test_a_contest_killed_at_any_write_is_finished_as_it_was_acknowledged(tmp_path: Path) -> None:
    """DAM-4: keep entries after the end, by a crash."""
    assert run(tmp_path, POINTS) == []


def nothing_taken_up() -> None:
    """A site that starts without looking at what was begun."""

    async def load(_: Contests) -> None:
        return

    Contests.load = load  # type: ignore[method-assign, assignment]  # the planted defect


@pytest.mark.parametrize("plant", [nothing_taken_up])
def test_the_harness_catches_a_planted_defect(tmp_path: Path, plant: Callable[[], None]) -> None:
    assert run(tmp_path, 8, plant) != []
