"""An API on a port of its own, over a real desk and the wire, on a thread that has its own event loop."""

import asyncio
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import uvicorn
from starlette.types import ASGIApp

from avow.doors.api import make_api
from avow.policy.model import Policy
from avow.wire import Client, serving
from tests.desk.beds import PASSWORD, desk

CUSTOMER = {"name": "Ada Quill", "email": "ada@quill.example"}


class Live(NamedTuple):
    """Where it is, what it says of itself, and the policy behind it."""

    url: str
    document: dict[str, Any]
    policy: Policy


@contextmanager
def live(site: str = "daminion", around: Callable[[ASGIApp], ASGIApp] = lambda app: app) -> Iterator[Live]:
    """Serve until the block ends; `around` stands between it and who calls. There is one customer with an account, and one colleague, `kim`, an admin."""
    ready, told, stop = threading.Event(), list[Live | BaseException](), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def run() -> None:
        loops.append(asyncio.get_running_loop())
        with tempfile.TemporaryDirectory() as folder:
            async with desk(Path(folder), site) as bed:
                address = f"{folder}/run/desk.sock"
                async with serving(bed.desk, address), Client(address) as client:
                    await bed.desk.register("registration", CUSTOMER, password=PASSWORD)
                    await bed.staff("kim", "admin")
                    api = make_api(client, bed.policy)
                    config = uvicorn.Config(around(api), port=0, log_level="error", access_log=False, lifespan="off")
                    server = uvicorn.Server(config)
                    serving_task = asyncio.create_task(server.serve())
                    while not server.started:  # noqa: ASYNC110 - uvicorn tells nobody
                        await asyncio.sleep(0.01)
                    port = server.servers[0].sockets[0].getsockname()[1]
                    told.append(Live(f"http://127.0.0.1:{port}", api.openapi(), bed.policy))
                    ready.set()
                    await stop.wait()
                    server.should_exit = True
                    await serving_task

    def thread() -> None:
        try:
            asyncio.run(run())
        except BaseException as error:  # noqa: BLE001 - told to who waits
            told.append(error)
            ready.set()

    server = threading.Thread(target=thread)
    server.start()
    ready.wait(60)
    try:
        if isinstance(told[0], BaseException):
            raise told[0]
        yield told[0]
    finally:
        loops[0].call_soon_threadsafe(stop.set)
        server.join()
