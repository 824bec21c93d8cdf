"""The mail that the demo's sites send, caught on this machine: nothing goes out, and everything can be read."""

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Final

from aiosmtpd.smtp import SMTP, Envelope, Session

KEPT: Final = 200  # letters; older ones go
_LARGEST: Final = 1_000_000  # bytes of one letter


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail as it was delivered. `number` counts from 1; `encrypted`: whether it came over TLS."""

    number: int
    at: float  # seconds since 1970, of this machine's clock
    sender: str
    to: str
    subject: str
    text: str
    headers: tuple[tuple[str, str], ...]
    encrypted: bool


class Mailbox:
    """Takes every mail in and keeps the newest in memory."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._letters: deque[Letter] = deque(maxlen=KEPT)
        self._count = 0
        self._news = asyncio.Condition()

    def __len__(self) -> int:
        return len(self._letters)

    def newest_first(self) -> list[Letter]:
        """All that are kept."""
        return list(reversed(self._letters))

    async def after(self, number: int, to: str) -> Letter:
        """The first letter to this address that came after that number; waits for it."""
        async with self._news:
            while True:
                for letter in self._letters:
                    if letter.number > number and letter.to == to:
                        return letter
                await self._news.wait()

    async def handle_DATA(self, _: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """What aiosmtpd calls for each mail."""
        content = envelope.content
        message = message_from_bytes(content if isinstance(content, bytes) else str(content).encode(), policy=default)
        await self._keep(message, envelope, encrypted=session.ssl is not None)
        return "250 taken"

    async def _keep(self, message: EmailMessage, envelope: Envelope, *, encrypted: bool) -> None:
        async with self._news:
            self._count += 1
            self._letters.append(
                Letter(
                    self._count, self._clock(), str(message.get("From", envelope.mail_from)),
                    ", ".join(envelope.rcpt_tos), str(message.get("Subject", "(no subject)")), _text(message),
                    tuple((key, str(value)) for key, value in message.items()), encrypted,
                )
            )  # fmt: skip
            self._news.notify_all()

    @asynccontextmanager
    async def listening(self, on: socket.socket, tls: ssl.SSLContext) -> AsyncIterator[None]:
        """Take mail from this socket until the block ends. Whoever wants TLS gets it by STARTTLS."""
        server = await asyncio.get_running_loop().create_server(
            lambda: SMTP(self, data_size_limit=_LARGEST, tls_context=tls, hostname="localhost", enable_SMTPUTF8=True),
            sock=on,
        )
        try:
            yield
        finally:
            server.close()


def _text(message: EmailMessage) -> str:
    body = message.get_body(("plain", "html"))
    return str(body.get_content()).strip() if body is not None else ""
