"""A busy shop under daminion's policy: some visitors buy, the others look around, all at once and each in their own time.

Everything is the real thing but the network: the shop behind its guard and its counting, the desk, the vault, the books. What
an attacker finds afterwards is everything on disk: databases, keys, logs, a backup, and what each customer downloaded. Who
was who is known here alone.
"""

import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx

from avow.demo.terminal import logged
from avow.doors.counting import Counting
from avow.visits import Counted
from examples.shop.visits import parts
from tests.examples.shop.beds import Bed, shop
from tests.visits.beds import CHROME, FIREFOX

SITE: Final = "daminion"
HOUR: Final = 3_600_000  # ms
MINUTE: Final = 60_000
BUYERS, OTHERS = 8, 16  # an hour


@dataclass(frozen=True, slots=True)
class Person:
    """A customer as the disk has them: what they downloaded, their order's row, and when that was placed (ms)."""

    export: str
    order: tuple[Any, ...]
    at: int
    address: str  # the truth: where they came from


@dataclass(slots=True)
class World:
    """What is left when everybody has gone. `visitors`: hour -> the addresses that came, in the order of their last page."""

    folder: Path
    people: list[Person] = field(default_factory=list)
    visitors: dict[int, list[str]] = field(default_factory=dict)


Plant = Callable[["Busy", str, str], None]  # an address, and the reference of an order or ""


class Busy:
    """The shop while it runs."""

    def __init__(self, bed: Bed, folder: Path, dice: random.Random) -> None:
        self.bed = bed
        self.folder = folder
        self.dice = dice
        self.counted = Counted.open(bed.policy, folder / "visits", random=dice.randbytes, now=self.now())
        self.app = Counting(bed.app, self.counted, parts=parts(bed.policy), clock=bed.desk.clock)

    def now(self) -> int:
        """ms."""
        return int(self.bed.desk.clock().timestamp() * 1000)

    def at(self, moment: int) -> None:
        """Move the clock there."""
        self.bed.desk.clock.now = datetime.fromtimestamp(moment / 1000, UTC)

    def close(self) -> None:
        """End it."""
        self.app.close()


class Visitor:
    """One browser at one address. `done` once they have gone."""

    def __init__(self, busy: Busy, number: int, *, buys: bool) -> None:
        self.busy = busy
        self.number = number
        self.address = f"193.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        self.buys = buys
        self.reference = ""
        transport = httpx.ASGITransport(busy.app, client=(self.address, 40_000))
        self.client = httpx.AsyncClient(
            transport=transport, base_url=busy.bed.browser.base_url,
            headers={"user-agent": busy.dice.choice((FIREFOX, CHROME))},
        )  # fmt: skip
        self.bed = busy.bed._replace(browser=self.client)
        self.steps = [self._home, self._look]
        if buys:
            self.steps += [self._checkout, self._order]
        else:
            self.steps += busy.dice.choice(([], [self._look], [self._basket, self._checkout]))
        self._page = ""

    async def step(self) -> bool:
        """The next page; whether it was the last."""
        await self.steps.pop(0)()
        if not self.steps:
            await self.client.aclose()
        return not self.steps

    async def _home(self) -> None:
        await self.client.get("/")

    async def _look(self) -> None:
        await self.client.get(f"/goods/{self.busy.dice.choice(list(self.bed.site.products))}")

    async def _basket(self) -> None:
        await self.bed.cart()

    async def _checkout(self) -> None:
        self._page = await self.bed.checkout()

    async def _order(self) -> None:
        who = {"name": f"Buyer {self.number}", "email": f"buyer{self.number}@linkage.example"}
        answer = await self.bed.order(self._page, **who)
        assert answer.status_code in {200, 302, 303}, answer.text[:500]
        newest = "SELECT reference FROM orders ORDER BY placed DESC LIMIT 1"
        self.reference = self.busy.bed.orders._db.execute(newest).fetchone()[0]


@asynccontextmanager
async def busy(folder: Path, people: int, seed: int, plant: Plant | None = None) -> AsyncIterator[World]:
    """So many customers among twice as many others. `plant`: a defect, called when a visitor has gone."""
    dice = random.Random(seed)
    world = World(folder)
    with logged(folder / "everything.log"):
        async with shop(folder, SITE) as bed:
            here = Busy(bed, folder, dice)
            await _days(here, world, people, plant)
            await _left_behind(here, world)
            here.close()
            yield world


async def _days(here: Busy, world: World, people: int, plant: Plant | None) -> None:
    start = (here.now() // HOUR + 1) * HOUR
    numbers = iter(here.dice.sample(range(1 << 24), people // BUYERS * (BUYERS + OTHERS) + BUYERS + OTHERS))
    for hour in range(-(-people // BUYERS)):
        begin = start + hour * HOUR
        wave = [Visitor(here, next(numbers), buys=place < BUYERS) for place in range(BUYERS + OTHERS)]
        going: list[Visitor] = []
        for visitor in wave:
            going += [visitor] * len(visitor.steps)
        here.dice.shuffle(going)
        moments = sorted(here.dice.sample(range(begin, begin + HOUR), len(going)))
        for moment, visitor in zip(moments, going, strict=True):
            here.at(moment)
            if await visitor.step():
                world.visitors.setdefault(begin, []).append(visitor.address)
                if visitor.reference:
                    world.people.append(Person("", (visitor.reference,), moment, visitor.address))
                if plant is not None:
                    plant(here, visitor.address, visitor.reference)
        here.at(begin + HOUR + 30 * MINUTE)
        here.counted.settle(here.now())


async def _left_behind(here: Busy, world: World) -> None:
    """A backup, everybody's own copy of their data, and the end of the books."""
    vault = here.bed.desk.shop
    (here.folder / "backup").mkdir()
    await vault.backup(here.folder / "backup")
    (here.folder / "exports").mkdir()
    for place, person in enumerate(world.people):
        number = [int(part) for part in person.address.split(".")]
        email = f"buyer{(number[1] << 16) + (number[2] << 8) + number[3]}@linkage.example"
        [who] = await vault.find("email", email)
        export = json.dumps(await vault.export(who))
        (here.folder / "exports" / f"{who}.json").write_text(export)
        row = here.bed.orders._db.execute("SELECT * FROM orders WHERE reference = ?", person.order).fetchone()
        world.people[place] = Person(f"{who} {export}", tuple(row), person.at, person.address)
