"""The demo's mail gateway, a process of its own: all sites behind one port, and the demo's mailbox as the smarthost."""

import asyncio
import os
import signal
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from avow.demo.following import another, in_force
from avow.demo.places import SITES
from avow.demo.serving import Told
from avow.doors.gateway import Gateway, Served
from avow.doors.gateway.relay import Relay
from avow.mail.message import House
from avow.mail.smarthost import Server, Smarthost
from avow.policy.model import Policy
from avow.wire import Client


async def take(told: Told) -> None:
    """Take mail in until told to stop, or until whoever started it is gone."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_reader(sys.stdin.fileno(), lambda: None if os.read(sys.stdin.fileno(), 4096) else stop.set())
    door = socket.socket(fileno=told.door)
    while not stop.is_set():
        policies = await in_force(told.sockets)
        async with _taking(told, policies, door.dup()):
            ends = [asyncio.create_task(stop.wait()), asyncio.create_task(another(told.sockets, policies))]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for end in ends:
                end.cancel()


@asynccontextmanager
async def _taking(told: Told, policies: Mapping[str, Policy], door: socket.socket) -> AsyncIterator[None]:
    sites = []
    for site in SITES:
        controller, centre = policies[site].controller, told.at.centre(site)
        house = House(controller.name, controller.contact.get("email", ""), centre, f"privacy.{site}.localhost")
        sites.append(Served.of(policies[site], Client(told.sockets[site]), house))
    files = told.certificates
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(files.chain, files.key)
    trusted = ssl.create_default_context(cafile=str(files.authority))
    async with Smarthost(Server.of(told.at.mail), tls=trusted, name="localhost") as smarthost:
        relay = Relay(smarthost, clock=lambda: datetime.now(UTC), random=os.urandom)
        async with Gateway(sites, relay, name="localhost", tls=tls).listening(door):
            yield


def main() -> None:
    """Until told to stop."""
    told = Told.read()
    asyncio.run(take(told))


if __name__ == "__main__":
    main()
