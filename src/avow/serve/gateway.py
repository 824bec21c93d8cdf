"""The mail gateway beside the doors: where it listens, what it signs with, and for which sites."""

import os
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from avow.desk.interface import Desk
from avow.doors.gateway import Gateway, Served
from avow.doors.gateway.relay import Relay
from avow.errors import CallError, OperatorError
from avow.mail.smarthost import Server, Smarthost
from avow.policy.model import Policy
from avow.serve.mail import Houses
from avow.serve.port import Port
from avow.serve.sites import Tell

_CONNECTIONS: Final = 16  # to the smarthost


@dataclass(frozen=True, slots=True)
class Post:
    """Where mail is taken in, and how it goes on."""

    port: Port
    smarthost: Server
    houses: Houses

    @classmethod
    def of(
        cls, listen: str, smarthost: Server | None, certificate: Path | None, key: Path | None, houses: Houses,
    ) -> "Post":  # fmt: skip
        """Raises `CallError` for what cannot be meant."""
        if smarthost is None:
            raise CallError("--smtp-listen takes mail in, and --smarthost says where it goes; give both")
        if certificate is None or key is None:
            raise CallError(
                "applications sign in over TLS alone: give --smtp-cert and --smtp-key, or --tls-cert and --tls-key"
            )
        return cls(Port.of(listen, certificate, key, proxy=False), smarthost, houses)

    def tls(self) -> ssl.SSLContext:
        """What it speaks after STARTTLS. Raises `OperatorError`."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(str(self.port.certificate), str(self.port.key))
        except (ssl.SSLError, OSError) as error:
            raise OperatorError(
                f"the certificate `{self.port.certificate}` and the key `{self.port.key}` cannot be used: {error.strerror}"
            ) from None
        return context


@asynccontextmanager
async def taking_mail(
    post: Post, desks: Mapping[str, tuple[Desk, Policy]], web: Port, tell: Tell
) -> AsyncIterator[Callable[[Mapping[str, tuple[Desk, Policy]]], None]]:
    """Take mail in for these sites until the block ends; what is yielded takes them anew, under another version of a policy.
    Raises `AvowError`.
    """

    def of(desks: Mapping[str, tuple[Desk, Policy]]) -> list[Served]:
        return [Served.of(policy, desk, post.houses(policy, web)) for desk, policy in desks.values()]

    served = of(desks)
    name = served[0].house.host
    smarthost = Smarthost(post.smarthost, connections=_CONNECTIONS, name=name)
    relay = Relay(smarthost, clock=_now, random=os.urandom)
    gateway = Gateway(served, relay, name=name, tls=post.tls())
    door: socket.socket = post.port.opened()
    port = replace(post.port, number=door.getsockname()[1])
    async with gateway.listening(door):
        for one in served:
            tell(
                one.name, f"mail gateway at {port.host}:{port.number}; mail to {one.house.contact} comes in there, too"
            )
        yield lambda desks: gateway.serve_for(of(desks))
    await smarthost.close()


def _now() -> datetime:
    return datetime.now(UTC)
