"""Let the time of many clicks come: the gate refuses from the very millisecond, a sweep leaves nothing that opens.

Half of the clicks are a day younger, and must be whole all the while. Of the others the keys (as they were in memory) and
their wraps (as they lay in the keystore) are looked for in every byte afterwards, those of 250 clicks at most: while serving, at rest, after a restore
of an older backup. `sweep` is how long the sweep took: by so much more than the hour until it begins do their bytes
outlast them.
"""

import random
import shutil
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from tempfile import mkdtemp
from time import perf_counter

from avow.app import Avow
from avow.errors import AvowError, Refused
from avow.gate import Actor
from avow.policy.parse import read
from avow.practices.collecting import Submission
from avow.residue import scan
from tests.desk.beds import POLICIES
from tests.residue.harness import keys_of
from tests.shops import Clock, opened

AITPRO = read(POLICIES / "aitpro.yaml")
Plant = Callable[[Avow, Path], None]
LIFE = timedelta(days=30)
ONE_MS = timedelta(milliseconds=1)
SOUGHT = 250


async def run(count: int, seed: int, plant: Plant | None = None) -> dict[str, object]:
    """Of `count` clicks the older half ends; figures, with `ok`."""
    folder = Path(mkdtemp(prefix="avow-clicks-"))
    try:
        return await _run(folder, count // 2, count - count // 2, random.Random(seed), plant)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _run(folder: Path, older: int, younger: int, dice: random.Random, plant: Plant | None) -> dict[str, object]:
    clock, wrong = Clock(), list[str]()
    async with opened(folder, clock, policy=AITPRO, private=True) as shop:
        ends = await _clicks(shop, older, "older", dice)
        needles = await keys_of(shop, dice.sample(ends, min(len(ends), SOUGHT)))
        if len(scan(folder, needles)[0]) < len(needles) // 2:
            wrong.append("the wraps are not where they are looked for; the search is worth nothing")
        clock.forward(days=1)
        stays = await _clicks(shop, younger, "younger", dice)
        await shop.backup(folder / "backup")
        if plant:
            plant(shop, folder)
        clock.now += LIFE - timedelta(days=1)
        on_time = await _answers(shop, ends)
        clock.now += ONE_MS
        late = await _answers(shop, ends)
        began = perf_counter()
        swept = await shop.sweep()
        took = perf_counter() - began
        wrong += _found(folder, needles, "while serving")
        wrong += await _whole(shop, stays)
    wrong += _found(folder, needles, "at rest")
    url = f"sqlite:///{folder}/shop.db"
    await Avow.restore(AITPRO, url, folder / "backup", clock=clock, folder=folder / "avow", private=True)
    wrong += _found(folder, needles, "after restoring an older backup")
    async with opened(folder, clock, policy=AITPRO, private=True) as shop:
        again = await _answers(shop, ends)
        wrong += await _whole(shop, stays)
    if (on_time, late, again) != (older, 0, 0):
        wrong.append(f"{on_time} of {older} answered to the last moment, {late} after it, {again} after a restore")
    if (swept.data, swept.keys) != (3 * older, 2 * older):
        wrong.append(f"the sweep ended {swept.data} data and {swept.keys} keys of {older} clicks")
    return {
        "clicks": older + younger, "ended": older, "sweep_s": round(took, 2), "sweep_ms_each": round(1000 * took / older, 2),
        "wrong": wrong[:20], "ok": not wrong,
    }  # fmt: skip


async def _clicks(shop: Avow, count: int, name: str, dice: random.Random) -> list[str]:
    ids: list[str] = []
    for start in range(0, count, 100):
        batch = [
            Submission(
                "affiliate-link",
                {
                    "affiliate-ip": f"203.0.113.{dice.randrange(1, 255)}", "affiliate-click": f"{name}-{number}",
                    "affiliate-source": dice.choice(["harbourpress", "plainpages"]),
                },
                Actor("person", "person"), affiliate_link=True,
            )
            for number in range(start, min(start + 100, count))
        ]  # fmt: skip
        ids += [subject.hex() for subject in await shop._collecting.collect(batch)]
    return ids


async def _answers(shop: Avow, people: list[str]) -> int:
    """How many of them the gate lets be used for commission; each look is decided by itself and on record."""
    done = 0
    for who in people:
        with suppress(Refused):
            done += await shop.use(who, "affiliate-source", purpose="commission") in {"harbourpress", "plainpages"}
    return done


async def _whole(shop: Avow, people: list[str]) -> list[str]:
    try:
        left = len(people) - await _answers(shop, people)
    except AvowError as error:
        return [f"a younger click does not open: {error}"]
    return [f"{left} younger clicks are gone"] if left else []


def _found(folder: Path, needles: dict[str, bytes], when: str) -> list[str]:
    found, _ = scan(folder, needles, writings=lambda value: iter((value, value.hex().encode())))
    return [f"{when}: a {one.label.split()[0]} is in {one.file.name}" for one in found]
