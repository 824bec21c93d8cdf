"""What the demo's serving processes have in common: what they are told, how they serve, and when they end."""

import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from avow.demo.authority import Certificates, certificates
from avow.demo.dispatch import Hosts
from avow.demo.places import Addresses, names


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


def serve(told: Told, apps: Mapping[str, ASGIApp], clock: SiteClock) -> None:
    """Serve each app under its host name over HTTPS, until the demo ends, however it ends."""
    files = told.certificates
    config = uvicorn.Config(
        Hosts(apps), log_level="warning", access_log=False, server_header=False, lifespan="on",
        ssl_certfile=files.chain, ssl_keyfile=files.key, timeout_graceful_shutdown=2,
    )  # fmt: skip
    threading.Thread(target=listen_to_the_demo, args=(clock,), daemon=True).start()
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=told.door)])


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
