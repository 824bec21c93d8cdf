"""A centre whose policy has had, has, or is to have, more than one version."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from avow.policy.model import Policy
from avow.policy.parse import parse
from tests.desk.beds import Clock
from tests.doors.centre.beds import Centre, centre
from tests.policy.five import next_of
from tests.shops import publish

State = Literal["first", "to-come", "new", "old", "three"]


def third(site: str) -> Policy:
    """One more version, of the day a year after the next one: the same promises."""
    return parse(re.sub(r"(?m)^version: 2027", "version: 2028", next_of(site).source), "third")


def start_of(policy: Policy) -> datetime:
    """The first moment of its day."""
    day = policy.version
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


@asynccontextmanager
async def versions(folder: Path, site: str, state: State, **more: Any) -> AsyncIterator[Centre]:
    """Ada asked something under the first version. The next one is `to-come`, or in force since a day (`new`) or a
    quarter (`old`), or another one is to come after it (`three`).
    """
    clock, coming = Clock(), next_of(site)
    async with centre(folder, site, clock=clock, **more) as here:
        if state != "first":
            await publish(here.bed.shop, coming)
        if state in ("first", "to-come"):
            yield here
            return
    clock.now = start_of(coming) + timedelta(days=90 if state == "old" else 1)
    async with centre(folder, site, asked=False, clock=clock, **more) as here:
        if state == "three":
            await publish(here.bed.shop, third(site))
        yield here
