"""Messages go out over verified TLS or wait with an error; only a server of this machine may go without."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from avow.errors import CallError
from avow.policy.parse import read
from avow.serve import mail
from avow.serve.mail import Server
from tests.desk.beds import POLICIES

POLICY = read(POLICIES / "daminion.yaml")
ADA = "ada@quill.example"


class Inbox:
    """What the server took, and whether TLS was spoken."""

    def __init__(self) -> None:
        self.taken: list[tuple[Any, bool]] = []

    async def handle_DATA(self, _: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's word
        self.taken.append((message_from_bytes(envelope.content), session.ssl is not None))
        return "250 OK"


@asynccontextmanager
async def post_office(tls: ssl.SSLContext | None = None, *, at_once: bool = False) -> AsyncIterator[tuple[Inbox, int]]:
    inbox, loop = Inbox(), asyncio.get_running_loop()
    starttls = None if at_once else tls
    server = await loop.create_server(
        lambda: SMTP(inbox, tls_context=starttls, loop=loop), "127.0.0.1", 0, ssl=tls if at_once else None
    )
    try:
        yield inbox, server.sockets[0].getsockname()[1]
    finally:
        server.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For 127.0.0.1, signed by itself."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail of the test")])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )  # fmt: skip
    path = tmp_path_factory.mktemp("tls") / "mail.pem"
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + made.public_bytes(Encoding.PEM)
    )
    return path


def speaking(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


async def test_a_message_goes_to_a_server_of_this_machine_in_the_name_of_the_controller() -> None:
    async with post_office() as (inbox, port):
        await Server.of(f"smtp://127.0.0.1:{port}")(POLICY)(ADA, "Your code", "12345678 – yours")
    ((message, _),) = inbox.taken
    assert (message["To"], message["Subject"], message["Auto-Submitted"]) == (ADA, "Your code", "auto-generated")
    assert message["From"] == "Daminion Software <privacy@daminion.example>"
    assert "12345678" in message.get_payload(decode=True).decode()


@pytest.mark.parametrize("at_once", [False, True])
async def test_a_server_with_a_certificate_that_nobody_vouches_for_gets_nothing(
    certificate: Path, at_once: bool
) -> None:
    async with post_office(speaking(certificate), at_once=at_once) as (inbox, port):
        scheme = "smtps" if at_once else "smtp"
        with pytest.raises(OSError, match=r"mail server|certificate") as failed:
            await Server.of(f"{scheme}://127.0.0.1:{port}")(POLICY)(ADA, "Your code", "12345678")
    assert inbox.taken == []
    assert ADA not in str(failed.value)


@pytest.mark.parametrize("at_once", [False, True])
async def test_over_verified_tls_it_goes(certificate: Path, at_once: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with post_office(speaking(certificate), at_once=at_once) as (inbox, port):
        scheme = "smtps" if at_once else "smtp"
        await Server.of(f"{scheme}://127.0.0.1:{port}")(POLICY)(ADA, "Your code", "12345678")
    assert [tls for _, tls in inbox.taken] == [not at_once]  # TLS from the start is below what the session knows


async def test_another_machine_that_speaks_no_tls_gets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "_here", lambda _: False)  # as if it were another one
    async with post_office() as (inbox, port):
        with pytest.raises(OSError, match="did not take"):
            await Server.of(f"smtp://127.0.0.1:{port}")(POLICY)(ADA, "Your code", "12345678")
    assert inbox.taken == []


@pytest.mark.parametrize("to", ["ada@x.example\r\nBcc: eve@x.example", "\nx"])
async def test_an_address_with_a_line_break_is_no_address(to: str) -> None:
    async with post_office() as (inbox, port):
        with pytest.raises(OSError, match="cannot be written to"):
            await Server.of(f"smtp://127.0.0.1:{port}")(POLICY)(to, "Your code", "12345678")
    assert inbox.taken == []


async def test_a_server_that_is_away_is_an_error_that_names_nobody() -> None:
    async with post_office() as (_, port):
        pass
    with pytest.raises(OSError) as failed:  # noqa: PT011 - any of the family
        await asyncio.wait_for(Server.of(f"smtp://127.0.0.1:{port}")(POLICY)(ADA, "Your code", "1"), 20)
    assert ADA not in str(failed.value)


@pytest.mark.parametrize("url", ["", "mail.example", "http://mail.example", "smtp://", "smtp://h:x", "smtp://h/a?b=c"])
def test_what_names_no_mail_server_is_said(url: str) -> None:
    with pytest.raises(CallError, match="--smtp"):
        Server.of(url)


def test_a_password_on_the_command_line_is_refused_and_not_repeated() -> None:
    with pytest.raises(CallError, match="AVOW_SMTP_PASSWORD") as refused:
        Server.of("smtps://kim:opensesame@mail.example")
    assert "opensesame" not in str(refused.value)
    assert Server.of("smtps://kim@mail.example", "opensesame").port == 465
