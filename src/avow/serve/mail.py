"""Messages of the desk go out by SMTP, over verified TLS or not at all; to a server on this machine also without."""

import asyncio
import smtplib
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime, formataddr
from ipaddress import ip_address
from typing import Final
from urllib.parse import unquote, urlsplit

from avow.errors import CallError
from avow.policy.model import Policy
from avow.start import system_clock

_PATIENCE: Final = 20.0  # seconds
_PORTS: Final = {"smtp": 587, "smtps": 465}


Mail = Callable[[str, str, str], Awaitable[None]]  # as the desk wants it: address, subject, text


@dataclass(frozen=True, slots=True)
class Server:
    """A mail server: `smtp://USER@HOST:PORT` (STARTTLS) or `smtps://…` (TLS from the start)."""

    host: str
    port: int
    user: str
    password: str
    at_once: bool  # TLS from the start

    @classmethod
    def of(cls, url: str, password: str = "") -> "Server":
        """Raises `CallError` for what is no address of a mail server, or has the password in it."""
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            port = -1
        if parts.scheme not in _PORTS or not parts.hostname or port == -1 or parts.path.strip("/") or parts.query:
            raise CallError("`--smtp` names no mail server; say smtp://HOST:PORT or smtps://USER@HOST")
        if parts.password is not None:
            raise CallError("a password on the command line is seen by everybody here; put it into AVOW_SMTP_PASSWORD")
        user = unquote(parts.username or "")
        return cls(parts.hostname, port or _PORTS[parts.scheme], user, password, parts.scheme == "smtps")

    def __call__(self, policy: Policy) -> Mail:
        """What sends for one site, in the name of its controller. A message that cannot be sent raises `OSError`."""
        sender = policy.controller.contact.get("email", "")
        if not sender:
            raise CallError(f"the policy of `{policy.site}` names no e-mail address of the controller to write from")

        async def mail(to: str, subject: str, text: str) -> None:
            await asyncio.to_thread(self._send, self._message(policy.controller.name, sender, to, subject, text))

        return mail

    @staticmethod
    def _message(name: str, sender: str, to: str, subject: str, text: str) -> EmailMessage:
        message = EmailMessage()
        try:
            message["From"] = formataddr((name, sender))
            message["To"], message["Subject"] = to, subject
        except ValueError:  # a line break in an address
            raise OSError("this address cannot be written to") from None
        message["Date"] = format_datetime(system_clock())
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no machine answers it
        message.set_content(text)
        return message

    def _send(self, message: EmailMessage) -> None:
        context = ssl.create_default_context()
        try:
            with self._connected(context) as server:
                if not self.at_once and (server.has_extn("starttls") or not _here(self.host)):
                    server.starttls(context=context)
                if self.user:
                    server.login(self.user, self.password)
                server.send_message(message)
        except (smtplib.SMTPException, ValueError) as error:  # their texts may hold the address
            raise OSError(f"the mail server did not take the message ({type(error).__name__})") from None

    def _connected(self, context: ssl.SSLContext) -> smtplib.SMTP:
        server: smtplib.SMTP
        if self.at_once:
            server = smtplib.SMTP_SSL(self.host, self.port, timeout=_PATIENCE, context=context)
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=_PATIENCE)
        server.ehlo_or_helo_if_needed()
        return server


def _here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
