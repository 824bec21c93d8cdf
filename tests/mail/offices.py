"""Post offices: real SMTP servers for tests, that take mail in, refuse it, say nothing, or fall silent half-way."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


class Inbox:
    """What the server took: sender, recipients, bytes, and whether TLS was spoken. `says`: another answer than 250."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, list[str], bytes, bool]] = []
        self.says: Callable[[str], str | None] = lambda _: None  # of the step: `RCPT`, `DATA`
        self.connections = 0
        self.port = 0

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's word
        self, _: Any, __: Any, envelope: Any, address: str, ___: Any
    ) -> str:
        if (said := self.says("RCPT")) is not None:
            return said
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's word
        if (said := self.says("DATA")) is not None:
            return said
        self.taken.append((envelope.mail_from, envelope.rcpt_tos, envelope.original_content, session.ssl is not None))
        return "250 2.0.0 OK"

    def messages(self) -> list[EmailMessage]:
        return [message_from_bytes(raw, policy=default) for _, _, raw, _ in self.taken]


@asynccontextmanager
async def post_office(
    tls: ssl.SSLContext | None = None, *, at_once: bool = False, utf8: bool = True, port: int = 0
) -> AsyncIterator[tuple[Inbox, int]]:
    inbox, loop = Inbox(), asyncio.get_running_loop()
    starttls = None if at_once else tls

    def office() -> SMTP:
        inbox.connections += 1
        return SMTP(inbox, tls_context=starttls, loop=loop, enable_SMTPUTF8=utf8)

    server = await loop.create_server(office, "127.0.0.1", port, ssl=tls if at_once else None)
    try:
        inbox.port = server.sockets[0].getsockname()[1]
        yield inbox, inbox.port
    finally:
        server.close()


Say = Callable[[bytes], bytes | None]


@asynccontextmanager
async def scripted(say: Say, *, greeting: bytes = b"220 hi\r\n") -> AsyncIterator[int]:
    """A server that answers each line, and the end of a message as `.`, with what `say` gives; None: it hangs up."""

    serving: set[asyncio.Task[None] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.current_task())
        try:
            writer.write(greeting)
            data = False
            async for line in reader:
                word = line.rstrip(b"\r\n")
                if data and word != b".":
                    continue
                answer = say(word)
                if answer is None:
                    break
                data = answer.startswith(b"354")
                writer.write(answer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.gather(*(one for one in serving if one is not None))


def certificate(folder: Path, *, host: str = "127.0.0.1") -> Path:
    """Certificate and key in one file, signed by itself, for an address or a name."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail of the test")])
    here = host[0].isdigit()
    who = x509.IPAddress(ip_address(host)) if here else x509.DNSName(host)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([who, x509.DNSName("localhost")][: 1 + here]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )  # fmt: skip
    path = folder / f"{host}.pem"
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + made.public_bytes(Encoding.PEM)
    )
    return path


def speaking(file: Path) -> ssl.SSLContext:
    """What a server speaks TLS with."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)
    return context


def trusting(file: Path) -> ssl.SSLContext:
    """What a client verifies by, that trusts this certificate."""
    return ssl.create_default_context(cafile=str(file))
