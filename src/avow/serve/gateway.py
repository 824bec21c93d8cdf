"""The mail gateway beside the doors: where it listens, what it signs with, and for which sites."""

import os
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from avow.desk.interface import Desk
from avow.doors.gateway import Gateway, Served
from avow.doors.gateway.relay import Relay
from avow.errors import CallError, OperatorError
from avow.mail.address import parts
from avow.mail.message import House
from avow.mail.signing import Signer
from avow.mail.smarthost import Server, Smarthost
from avow.policy.model import Policy
from avow.serve.port import Names, Port
from avow.serve.sites import Tell

_CONNECTIONS: Final = 16  # to the smarthost


@dataclass(frozen=True, slots=True)
class Post:
    """Where mail is taken in, and how it goes on."""

    port: Port
    smarthost: Server
    dkim_key: Path | None = None
    dkim_selector: str = ""

    @classmethod
    def of(
        cls, listen: str, smarthost: Server | None, certificate: Path | None, key: Path | None, *,
        dkim_key: Path | None = None, dkim_selector: str | None = None,
    ) -> "Post":  # fmt: skip
        """Raises `CallError` for what cannot be meant."""
        if smarthost is None:
            raise CallError("--smtp-listen takes mail in, and --smarthost says where it goes; give both")
        if certificate is None or key is None:
            raise CallError(
                "applications sign in over TLS alone: give --smtp-cert and --smtp-key, or --tls-cert and --tls-key"
            )
        if (dkim_key is None) != (dkim_selector is None):
            raise CallError(
                "a DKIM key and the name of its place in the DNS come together: --dkim-key, --dkim-selector"
            )
        return cls(Port.of(listen, certificate, key, proxy=False), smarthost, dkim_key, dkim_selector or "")

    def house(self, policy: Policy, names: Names, web: Port) -> House:
        """In whose name mails go out. Raises `CallError`, `OperatorError`."""
        name, contact = names.centre.format(site=policy.site), policy.controller.contact.get("email", "")
        if not name:
            raise CallError(
                "the link by which mails are stopped leads to the privacy centre; give --centre-host a name"
            )
        signer = None
        if self.dkim_key is not None:
            signer = Signer.of(self.dkim_key, parts(contact)[1], self.dkim_selector)
        return House(policy.controller.name, contact, web.origin(name), name, signer)

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
    post: Post, desks: Mapping[str, tuple[Desk, Policy]], names: Names, web: Port, tell: Tell
) -> AsyncIterator[None]:
    """Take mail in for these sites until the block ends. Raises `AvowError`."""
    served = [Served.of(policy, desk, post.house(policy, names, web)) for desk, policy in desks.values()]
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
        yield
    await smarthost.close()


def _now() -> datetime:
    return datetime.now(UTC)
