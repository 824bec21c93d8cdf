"""What the demo's serving processes have in common: what they are told, how they serve, and when they end."""

import asyncio
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from avow.demo.authority import Certificates, certificates
from avow.demo.dispatch import Hosts
from avow.demo.places import Addresses, names

_LISTENER: Final = "listening to the demo"


@dataclass(frozen=True, slots=True)
class Told:
    """The first line of such a process's standard input: where it listens, and what it needs to know."""

    door: int  # a listening socket's file descriptor
    folder: str  # the demo's
    at: Addresses
    sockets: Mapping[str, str]  # site -> where its desk is reached
    secrets: Mapping[str, str]  # site -> what it shares with its payment company, hexadecimal
    senders: Mapping[str, str] = field(default_factory=dict)  # site -> its shop's password at the mail gateway
    ahead: int = 0  # ms that the sites' clocks have been moved forward

    def line(self) -> bytes:
        """As it is sent."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def read(cls) -> "Told":
        """As it is read."""
        told = json.loads(sys.stdin.buffer.readline())
        return cls(**{**told, "at": Addresses(**told["at"])})

    @property
    def certificates(self) -> Certificates:
        """The demo's."""
        return certificates(Path(self.folder) / "https", names())


class SiteClock:
    """What time it is in the sites, whose clocks the demo moves."""

    def __init__(self, ahead: int) -> None:
        self.ahead = ahead

    def __call__(self) -> datetime:
        """Now, there."""
        return datetime.now(UTC) + timedelta(milliseconds=self.ahead)


def moved(ahead: int) -> bytes:
    """The line by which such a process is told that the clocks were moved, and how far they are ahead now."""
    return json.dumps({"ahead": ahead}).encode() + b"\n"


def serve(
    told: Told, apps: Mapping[str, ASGIApp], clock: SiteClock, changed: Callable[[], Awaitable[None]] | None = None
) -> None:
    """Serve each app under its host name over HTTPS, until the demo ends, however it ends; or until `changed` has: the
    door stays open, so whoever connects meanwhile waits.
    """
    files = told.certificates
    app = _Until(Hosts(apps), changed)
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, lifespan="on",
        ssl_certfile=files.chain, ssl_keyfile=files.key, timeout_graceful_shutdown=2,
    )  # fmt: skip
    if not any(thread.name == _LISTENER for thread in threading.enumerate()):
        threading.Thread(target=listen_to_the_demo, args=(clock,), name=_LISTENER, daemon=True).start()
    server = uvicorn.Server(config)
    app.ends(server)
    server.run(sockets=[socket.socket(fileno=os.dup(told.door))])


class _Until:
    """The same app, whose server ends once `changed` has."""

    def __init__(self, app: ASGIApp, changed: Callable[[], Awaitable[None]] | None) -> None:
        self._app = app
        self._changed = changed
        self._server: uvicorn.Server | None = None

    def ends(self, server: uvicorn.Server) -> None:
        """Which server that is."""
        self._server = server

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the whole life."""
        if scope["type"] != "lifespan" or self._changed is None:
            await self._app(scope, receive, send)
            return
        watching = asyncio.create_task(self._watch(self._changed))
        try:
            await self._app(scope, receive, send)
        finally:
            watching.cancel()

    async def _watch(self, changed: Callable[[], Awaitable[None]]) -> None:
        await changed()
        if self._server is not None:
            self._server.should_exit = True


def listen_to_the_demo(clock: SiteClock) -> None:
    """Move the clock when told to; and end when standard input does, for whoever held its other side is gone then."""
    for line in sys.stdin.buffer:
        clock.ahead = int(json.loads(line)["ahead"])
    os.kill(os.getpid(), signal.SIGTERM)


def examples() -> None:
    """Let `examples` be imported: from the wheel it lies beside this module, in a checkout at the top."""
    here = Path(__file__).resolve()
    for place in (here.parent / "given", here.parents[3]):
        if (place / "examples").is_dir():
            sys.path.append(str(place))
            return
    raise ModuleNotFoundError("the examples are neither in this package nor in a checkout around it")
