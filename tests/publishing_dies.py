"""A process that is killed while a version is published or takes effect: `publishing_dies.py FOLDER STEP [DAY]`."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from avow import versions
from avow.store import disk
from avow.store.journal import Journal
from tests.shops import POLICY, Clock, dated, opened, publish


def die() -> None:
    """kill -9."""
    os.kill(os.getpid(), signal.SIGKILL)


def after(call: Callable[..., Any], times: int) -> Callable[..., Any]:
    """The same, and death once it was done so often."""
    left = [times]

    def dying(*args: Any, **kwargs: Any) -> Any:
        done = call(*args, **kwargs)
        left[0] -= 1
        if not left[0]:
            die()
        return done

    return dying


def plant(step: str) -> None:
    """Death after the text, the statement, or the entry of the journal that is called so."""
    if step in ("text", "statement"):
        versions.disk = SimpleNamespace(write=after(disk.write, 1 if step == "text" else 2))  # type: ignore[assignment, attr-defined]
    append = Journal.append

    def dying(self: Journal, kind: str, fields: Mapping[str, str | int]) -> int:
        number = append(self, kind, fields)
        if kind == step:
            die()
        return number

    Journal.append = dying  # type: ignore[method-assign]


async def live(folder: Path, step: str, day: str) -> None:
    """On a day that is named the site is only opened; else its next version is published. "database": all was done."""
    at = Clock(datetime.fromisoformat(day).replace(tzinfo=UTC)) if day else Clock()
    if day:
        plant(step)
    async with opened(folder, at, sequence_every=Clock.NEVER) as shop:
        if not day:
            plant(step)
            await publish(shop, dated(POLICY, "2026-03-03"))
        die()


if __name__ == "__main__":
    asyncio.run(live(Path(sys.argv[1]), sys.argv[2], "".join(sys.argv[3:])))
