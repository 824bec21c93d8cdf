"""A small policy and a clock for the tests of what stands on the gate."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from avow.app import Avow
from avow.gate import Act
from avow.policy.model import Policy
from avow.policy.parse import parse
from tests.corner import POLICY as POLICY  # noqa: PLC0414 - told on

ADA = {"name": "Ada Quillfeather", "email": "ada@quillfeather.example", "postal-address": "7 Lantern Lane, Farwater"}
BEA = {"name": "Bea Marrowstone", "email": "bea@marrowstone.example", "postal-address": "9 Harbour Row, Farwater"}
START = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Clock:
    """A clock that stands until it is moved."""

    NEVER = timedelta(days=365)  # for `sequence_every`, where a test sequences by hand

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


def elsewhere(folder: Path) -> str:
    """Where a folder's data are: in it, unless a fixture (`any_shop` in tests/conftest.py) puts them elsewhere."""
    return f"sqlite:///{folder}/shop.db"


@asynccontextmanager
async def opened(folder: Path, clock: Clock | None = None, **more: Any) -> AsyncIterator[Avow]:
    """The corner shop, in this folder. `url` and `policy` may be passed."""
    url = more.pop("url", "") or elsewhere(folder)
    policy = more.pop("policy", None) or parse(POLICY, "corner")
    async with Avow.open(policy, url, clock=clock or Clock(), folder=folder / "avow", **more) as shop:
        yield shop


async def publish(shop: Avow, policy: Policy) -> None:
    """The next version, planned against the newest."""
    await shop.publishing.publish(policy, shop.publishing.versions()[-1].digest)


def dated(text: str, day: str) -> Policy:
    """A policy whose version is of this day."""
    return parse(re.sub(r"(?m)^version: .*$", f"version: {day}", text), "dated")


async def arrived(_: Act) -> None:
    """In the place of a look at what became of a notice: it has reached whom it was for."""
