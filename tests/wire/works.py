"""A small contract, and who does its work, to try the wire with."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from avow.errors import (
    Denied,
    Refused,
)
from avow.wire import serving
from avow.wire.client import Line, carried
from avow.wire.frames import Pipe


class Works(Protocol):
    """What a test can ask for."""

    async def echo(self, text: str) -> str:
        """The same text."""

    async def wait(self, name: str) -> str:
        """Wait until somebody releases this name."""

    async def fail(self, how: str) -> None:
        """Fail in this way."""

    async def lie(self) -> str:
        """Give what is no text."""


class Worker:
    """Does it."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.done: list[str] = []
        self.events: dict[str, asyncio.Event] = {}
        self.started = asyncio.Condition()

    async def echo(self, text: str) -> str:
        return text

    async def wait(self, name: str) -> str:
        event = self.events.setdefault(name, asyncio.Event())
        async with self.started:
            self.begun.append(name)
            self.started.notify_all()
        await event.wait()
        self.done.append(name)
        return name

    async def until_begun(self, number: int) -> None:
        async with self.started, asyncio.timeout(10):
            await self.started.wait_for(lambda: len(self.begun) >= number)

    async def fail(self, how: str) -> None:
        raise {"refused": Refused(["C-1"], "no"), "denied": Denied(), "other": ValueError(f"ada@quill.example {how}")}[
            how
        ]

    async def lie(self) -> str:
        return 7  # type: ignore[return-value]  # on purpose


class WorksClient(Line):
    contract = Works
    echo = carried(Works.echo)
    wait = carried(Works.wait)
    fail = carried(Works.fail)
    lie = carried(Works.lie)


@asynccontextmanager
async def working(folder: Path, **more: float) -> AsyncIterator[tuple[Worker, WorksClient, str]]:
    worker, address = Worker(), str(folder / "run" / "works.sock")
    async with (
        serving(worker, address, contract=Works),
        WorksClient(address, **more) as client,  # type: ignore[arg-type]  # `timeout`
    ):
        yield worker, client, address
        for event in worker.events.values():
            event.set()


@asynccontextmanager
async def raw(address: str) -> AsyncIterator[tuple[Pipe, asyncio.StreamWriter]]:
    """A connection after its greeting."""
    reader, writer = await asyncio.open_unix_connection(address)
    pipe = Pipe(reader, writer)
    assert (await pipe.read() or {})["avow"] == 1
    yield pipe, writer
    writer.close()
