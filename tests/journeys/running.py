"""The whole demo, started once, on a loop of its own in another thread: tests drive browsers from theirs."""

import asyncio
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from avow.demo.house import House, opened
from avow.demo.places import listen, port_of

T = TypeVar("T")


class Running:
    """A house, and a way to ask its loop."""

    def __init__(self, house: House, loop: asyncio.AbstractEventLoop) -> None:
        self.house = house
        self.at = house.addresses
        self._loop = loop

    def ask(self, doing: "Any") -> Any:
        """Let the house's loop do it, and wait."""
        return asyncio.run_coroutine_threadsafe(doing, self._loop).result(60)


@contextmanager
def running(folder: Path, databases: Mapping[str, str]) -> Iterator[Running]:
    """Start everything on free ports; stop it when the block ends."""
    started: Future[Running] = Future()
    loop, done = asyncio.new_event_loop(), asyncio.Event()

    async def live() -> None:
        try:
            async with opened(folder, lambda _: None, https=_free(), guide=_free(), databases=databases) as house:
                started.set_result(Running(house, loop))
                await done.wait()
        except BaseException as error:
            if not started.done():
                started.set_exception(error)
            raise

    thread = threading.Thread(target=loop.run_until_complete, args=(live(),), name="demo")
    thread.start()
    try:
        yield started.result(180)
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join()
        loop.close()


def _free() -> int:
    """A port that is free just now; if it is not any more, the house takes another one."""
    with listen(0) as door:
        return port_of(door)
