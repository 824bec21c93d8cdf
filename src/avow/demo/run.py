"""The demo from start to stop: for a person who looks around, or for a script that wants to know whether it works."""

import asyncio
import signal
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

from rich.table import Table
from rich.text import Text

from avow.demo.check import Seen, look_around
from avow.demo.house import Tell, opened
from avow.errors import OperatorError

T = TypeVar("T")
_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


async def shown(folder: Path | None, port: int, guide: int, tell: Tell) -> None:
    """Start everything, say where to look, and run until asked to stop. Raises `AvowError`."""
    await _until_asked(_show(folder, port, guide, tell))


async def _show(folder: Path | None, port: int, guide: int, tell: Tell) -> None:
    async with opened(folder, tell, https=port, guide=guide) as house:
        tell(f"the data lie in {house.folder}" + ("" if folder else ", and go when this ends"))
        tell(f"open  {house.addresses.start}  and stop with Ctrl-C")
        raise await house.broken()


async def checked(folder: Path | None, port: int, guide: int, tell: Tell) -> list[Seen]:
    """Start everything, look around as a customer and as staff, and stop. Raises `AvowError`."""
    begun = monotonic()
    seen = await _until_asked(_check(folder, port, guide, tell))
    if seen is None:
        raise OperatorError("stopped before the check was done")
    tell(f"everything is closed again, after {monotonic() - begun:.0f} s")
    return seen


async def _check(folder: Path | None, port: int, guide: int, tell: Tell) -> list[Seen]:
    async with opened(folder, tell, https=port, guide=guide) as house:
        return await look_around(house, tell)


async def _until_asked(work: Coroutine[Any, Any, T]) -> T | None:
    """Do it; or, by Ctrl-C, `kill` or the terminal's closing, leave off in good order and return None."""
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(work)
    asked = False

    def stop() -> None:
        nonlocal asked
        asked = True
        task.cancel()

    for number in _ENDS:
        loop.add_signal_handler(number, stop)
    try:
        with suppress(asyncio.CancelledError):
            return await task
        if not asked:
            raise asyncio.CancelledError
        return None
    finally:
        for number in _ENDS:
            loop.remove_signal_handler(number)


def table(seen: Sequence[Seen]) -> Table:
    """What the check found, a row a site."""
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for head in ("shop", "purchase", "cookies", "privacy centre", "console", ""):
        grid.add_column(head)
    for one in seen:
        word = Text("works", "bold green") if not one.wrong else Text("does not", "bold red")
        grid.add_row(Text(one.site, "bold"), one.bought, one.cookies, one.centre, one.console, word)
    return grid
