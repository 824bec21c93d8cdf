"""A gateway over a real desk on real files, in front of a real post office: what the tests of the gateway stand on."""

import asyncio
import os
import smtplib
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from avow.doors.gateway import Gateway, Limits, Served
from avow.doors.gateway.relay import Relay
from avow.mail.message import House
from avow.mail.smarthost import Server, Smarthost
from tests.desk.beds import Bed, desk
from tests.mail.offices import Inbox, certificate, post_office, speaking, trusting

T = TypeVar("T")
ADA, BOB, EVE = "ada@quill.example", "bob@reed.example", "eve@x.example"
CONTACT = "privacy@daminion.example"
MAIL = "From: Shop <shop@daminion.example>\r\nSubject: Your question\r\n{more}\r\nYes, we do.\r\n"


def mail(*, id: str | None = "1", more: str = "") -> bytes:
    ident = f"Message-ID: <{id}@daminion.example>\r\n" if id else ""
    return MAIL.format(more=ident + more).encode()


class Station(NamedTuple):
    """All of it. `port`: the gateway's; `office`: what the smarthost took."""

    bed: Bed
    gateway: Gateway
    port: int
    office: Inbox
    tls: ssl.SSLContext
    passwords: dict[str, str]

    async def asked(self, *people: str) -> None:
        """These have asked something, and so may be answered."""
        for one in people:
            await self.bed.desk.collect("contact", {"name": "Somebody", "email": one, "message": "Do you ship?"})

    async def sender(self, name: str = "shop", *purposes: str) -> None:
        self.passwords[name] = await self.bed.desk.add_sender(name, purposes or ("answer",))

    async def client(self, work: Callable[[smtplib.SMTP], T], *, user: str | None = "shop") -> T:
        """Do something as a mail program, signed in or not; in a thread, as it waits for answers."""

        def run() -> T:
            with smtplib.SMTP("127.0.0.1", self.port, "app.test", timeout=20) as smtp:
                smtp.starttls(context=self.tls)
                if user is not None:
                    smtp.login(user, self.passwords.get(user.partition("@")[0], "wrong"))
                return work(smtp)

        return await asyncio.to_thread(run)

    async def hand_in(self, message: bytes, *to: str, user: str | None = "shop", sender: str = EVE) -> tuple[int, str]:
        """A whole transaction; the last reply."""

        def work(smtp: smtplib.SMTP) -> tuple[int, str]:
            smtp.ehlo_or_helo_if_needed()
            code, said = smtp.mail(sender, [])
            for one in to:
                code, said = smtp.rcpt(one)
                if code != 250:
                    return code, said.decode()
            code, said = smtp.data(message)
            return code, said.decode()

        return await self.client(work, user=user)

    async def raw(self, sent: bytes, *, signed_in: bool = False) -> bytes:
        """Bytes as they are, after the greeting and STARTTLS; all that is answered until the gateway or we hang up."""

        def run() -> bytes:
            with smtplib.SMTP("127.0.0.1", self.port, "app.test", timeout=5) as smtp:
                smtp.starttls(context=self.tls)
                smtp.ehlo()
                if signed_in:
                    smtp.login("shop", self.passwords["shop"])
                assert smtp.sock is not None
                smtp.sock.settimeout(1)
                smtp.sock.sendall(sent)
                out = b""
                try:
                    while part := smtp.sock.recv(65536):
                        out += part
                except (TimeoutError, OSError):
                    pass
                smtp.close()
                return out

        return await asyncio.to_thread(run)


def now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def station(
    folder: Path, *, limits: Limits | None = None, smarthost: Callable[[int], Server] | None = None, **more: Any
) -> AsyncIterator[Station]:
    """One site, daminion, with a sender `shop` that answers questions."""
    file = certificate(folder)
    async with desk(folder, "daminion") as bed, post_office() as (inbox, office):
        house = House(
            bed.policy.controller.name, CONTACT, "https://privacy.daminion.example", "privacy.daminion.example"
        )
        server = (smarthost or (lambda port: Server.of(f"smtp://127.0.0.1:{port}")))(office)
        async with Smarthost(server, **more) as out:
            relay = Relay(out, clock=now, random=os.urandom)
            gateway = Gateway(
                [Served.of(bed.policy, bed.desk, house)], relay, name="privacy.daminion.example", tls=speaking(file),
                limits=limits,
            )  # fmt: skip
            door = socket.create_server(("127.0.0.1", 0))
            async with gateway.listening(door):
                made = Station(bed, gateway, door.getsockname()[1], inbox, trusting(file), {})
                await made.sender()
                yield made
