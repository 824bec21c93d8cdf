"""A desk over a real site on real files, under one of the five policies, with mail that is kept in a list."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

from argon2 import PasswordHasher

from avow.app import Avow
from avow.desk.desk import Desk
from avow.desk.passwords import Passwords
from avow.policy.model import Policy
from avow.policy.parse import read

POLICIES = Path(str(resources.files("avow"))) / "policies"
SITES = ("aimini", "aitoc", "aitpro", "audiomidi", "daminion")
START = datetime(2026, 3, 1, 9, tzinfo=UTC)
PASSWORD = "correct horse battery staple"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)  # the same algorithm, not its cost


class Clock:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        """The moment."""
        return self.now

    def forward(self, **by: float) -> None:
        """On, by so much."""
        self.now += timedelta(**by)


class Message(NamedTuple):
    """A message that was sent."""

    to: str
    subject: str
    text: str


class Outbox(list[Message]):
    """What was sent, and whether sending works."""

    down = False


class Bed(NamedTuple):
    """A desk, and what stands behind it."""

    desk: Desk
    shop: Avow
    policy: Policy
    clock: Clock
    sent: "Outbox"

    async def code(self, value: str, category: str = "email") -> str:
        """The code that is sent there now."""
        await self.desk.send_code(category, value)
        await self.desk.settle()
        return next(word.rstrip(".") for word in self.sent[-1].text.split() if word.rstrip(".").isdigit())

    async def staff(self, name: str, role: str) -> str:
        """A session of a colleague who has signed what there is to sign."""
        session = await self.desk.accept(await self.desk.invite_first(name, role), PASSWORD)
        if agreement := (await self.desk.colleague(session))["agreement"]:
            await self.desk.sign(session, agreement)
        return session


@asynccontextmanager
async def desk(folder: Path, site: str, *, centre: str = "", **more: Any) -> AsyncIterator[Bed]:
    """A desk of one of the five sites."""
    clock, sent = Clock(), Outbox()
    policy = read(POLICIES / f"{site}.yaml")

    async def mail(to: str, subject: str, text: str) -> None:
        if sent.down:
            raise OSError("the mail server is down")
        sent.append(Message(to, subject, text))

    url = f"sqlite:///{folder}/{site}.db"
    async with Avow.open(policy, url, folder=folder / site, clock=clock, private=True, **more) as shop:
        made = Desk(shop, os.urandom, mail=mail, passwords=Passwords(QUICK), centre=centre)
        yield Bed(made, shop, policy, clock, sent)
        await made.settle()
