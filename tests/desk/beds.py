"""A desk over a real site on real files, under one of the five policies, with mail that is kept in a list."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

from argon2 import PasswordHasher

from avow.app import Avow
from avow.desk.desk import Desk
from avow.desk.passwords import Passwords
from avow.mail.message import Draft, House
from avow.mail.smarthost import Answer
from avow.policy.model import Policy
from avow.policy.parse import read

POLICIES = Path(str(resources.files("avow"))) / "policies"
SITES = ("aimini", "aitoc", "aitpro", "audiomidi", "daminion")
START = datetime(2026, 3, 1, 9, tzinfo=UTC)
SENT = Answer("sent", "taken", "2.0.0", 250)
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


class Kept:
    """An outlet that finishes every mail as it goes out, and keeps it in place of handing it to a smarthost."""

    def __init__(self, policy: Policy, clock: Clock, centre: str = "https://privacy.shop.example") -> None:
        self.sent = Outbox()
        self.whole: list[EmailMessage] = []
        self._clock = clock
        self.centre = centre
        contact = policy.controller.contact["email"]
        self._house = House(policy.controller.name, contact, self.centre, "privacy.shop.example")

    async def send(
        self, to: str, draft: Draft, out: str, back: str, *, automatic: bool = False,
        before_end: Callable[[], Awaitable[None]] | None = None,
    ) -> Answer:  # fmt: skip
        """Keep it."""
        if self.sent.down:
            return Answer("not-now", "the smarthost is down", "4.4.1")
        ways = self._house.ways(out, back)
        done = draft.finished(to, self._house, ways, now=self._clock(), random=os.urandom, automatic=automatic)
        if before_end is not None:
            await before_end()
        whole = message_from_bytes(done, policy=SMTP)
        self.whole.append(whole)
        self.sent.append(Message(to, whole["Subject"], whole.get_content()))
        return SENT


class Bed(NamedTuple):
    """A desk, and what stands behind it."""

    desk: Desk
    shop: Avow
    policy: Policy
    clock: Clock
    sent: "Outbox"
    whole: list[EmailMessage]  # the same, with every header

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
async def desk(
    folder: Path, site: str, *, policy: Policy | None = None, centre: str = "https://privacy.shop.example",
    passwords: Passwords | None = None, clock: Clock | None = None, **more: Any,
) -> AsyncIterator[Bed]:  # fmt: skip
    """A desk of one of the five sites; `policy`: another one of that site, or where a later one is in force by now."""
    clock = clock or Clock()
    policy = policy or read(POLICIES / f"{site}.yaml")
    outlet = Kept(policy, clock, centre)

    url = f"sqlite:///{folder}/{site}.db"
    async with Avow.open(policy, url, folder=folder / site, clock=clock, private=True, **more) as shop:
        made = Desk(shop, os.urandom, outlet=outlet, passwords=passwords or Passwords(QUICK))
        yield Bed(made, shop, shop.policy, clock, outlet.sent, outlet.whole)
        await made.settle()
