"""A process that is killed in the middle of publishing a version: `publishing_dies.py FOLDER STEP`."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from avow import versions
from avow.store import disk
from tests.shops import POLICY, Clock, dated, opened, publish


def after(call: Callable[..., Any], times: int = 1) -> Callable[..., Any]:
    """The same, and death once it was done so often."""
    left = [times]

    def dying(*args: Any, **kwargs: Any) -> Any:
        done = call(*args, **kwargs)
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        return done

    return dying


async def die(folder: Path, step: str) -> None:
    """After the text, the statement, the journal's entry, or the database's transaction."""
    async with opened(folder, Clock(), sequence_every=Clock.NEVER) as shop:
        if step in ("text", "statement"):
            versions.disk.write = after(disk.write, 1 if step == "text" else 2)  # type: ignore[attr-defined]  # the planted death
        elif step == "journal":
            journal = shop.keystore.journal
            journal.append = after(journal.append)  # type: ignore[method-assign]  # as above
        await publish(shop, dated(POLICY, "2026-03-03"))
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    asyncio.run(die(Path(sys.argv[1]), sys.argv[2]))
