"""Hands messages to the smarthost, one by one, over verified TLS or not at all; to a server of this machine also without.

What becomes of a message is known unless the server was given the end of it and then said nothing (RFC 5321, 4.1.1.4):
before that it drops what it got. `before_end` is called in between, after its 354 and all of the content, and nothing
has gone out if it raises (docs/decisions/0070).
"""

import asyncio
import re
import smtplib
import ssl
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from time import monotonic
from typing import Final, Literal, Self, TypeVar
from urllib.parse import unquote, urlsplit

from avow.errors import CallError

PATIENCE: Final = 20.0  # seconds for each answer of the server
LAST_PATIENCE: Final = 120.0  # seconds for the answer to the end of a message; RFC 5321, 4.5.3.2.6, would give it 600
IDLE: Final = 20.0  # seconds that a connection waits for the next message
MOST: Final = 100  # messages over one connection; many servers end it then
AT_ONCE: Final = 8  # connections
_PORTS: Final = {"smtp": 587, "smtps": 465}
_OURS: Final = frozenset({530, 534, 535, 538, 454, 421})  # say that we are not let in, not that a message is bad
_STATUS: Final = re.compile(rb"[245]\.\d{1,3}\.\d{1,3}(?!\d)")

T = TypeVar("T")
Outcome = Literal["sent", "not-now", "never", "unknown"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a message. `reason` is for whoever handed it in, and holds nothing of the message or server.

    `status` is the server's enhanced one (RFC 3463), or one of ours; its class is that of `outcome`.
    """

    outcome: Outcome
    reason: str
    status: str
    code: int = 0


@dataclass(frozen=True, slots=True)
class Server:
    """A mail server: `smtp://USER@HOST:PORT` (STARTTLS) or `smtps://…` (TLS from the start)."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
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
            raise CallError("`--smarthost` names no mail server; say smtp://HOST:PORT or smtps://USER@HOST")
        if parts.password is not None:
            raise CallError(
                "a password on the command line is seen by everybody here; put it into AVOW_SMARTHOST_PASSWORD"
            )
        user = unquote(parts.username or "")
        return cls(parts.hostname, port or _PORTS[parts.scheme], user, password, parts.scheme == "smtps")


@dataclass(slots=True)
class _Line:
    """A connection; how often it was used, and when last."""

    smtp: smtplib.SMTP
    used: int = 0
    last: float = 0.0


class _Given(Exception):
    """The transaction ended with this answer."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        super().__init__()


class Smarthost:
    """For one server and event loop. At most `connections` at once; further messages wait for their turn."""

    def __init__(
        self, server: Server, *, connections: int = AT_ONCE, name: str = "localhost", tls: ssl.SSLContext | None = None
    ) -> None:  # fmt: skip
        self._server = server
        self._name = name
        self._tls = tls or ssl.create_default_context()
        self._turns = asyncio.Semaphore(connections)
        self._idle: list[_Line] = []
        self._workers = ThreadPoolExecutor(connections, thread_name_prefix="smarthost")
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def send(
        self, sender: str, to: str, content: bytes, *, before_end: Callable[[], Awaitable[None]] | None = None
    ) -> Answer:
        """Hand over one message to one recipient; lines end in CRLF. Addresses must have been checked.

        Raises only what `before_end` raises; then the server drops what it got. Cancelled before its end, likewise.
        """
        async with self._turns:
            while self._idle and self._idle[0].last < monotonic() - IDLE:
                _drop(self._idle.pop(0))
            while True:
                kept = self._idle.pop() if self._idle else None
                try:
                    line = await self._run(self._begun, kept or await self._run(self._connected), sender, to, content)
                except _Given as given:
                    if kept is None or given.answer.outcome != "not-now":
                        return given.answer
                    continue  # a connection that has waited may have ended; nothing has gone out
                return await self._through(line, before_end)

    async def _through(self, line: _Line, before_end: Callable[[], Awaitable[None]] | None) -> Answer:
        try:
            if before_end is not None:
                await before_end()
        except BaseException:
            _drop(line)  # without the end of the message
            raise
        answer, line = await self._run(self._ended, line)
        line.used, line.last = line.used + 1, monotonic()
        if answer.code and answer.code != 421 and line.used < MOST and not self._closed:
            self._idle.append(line)
        else:
            _drop(line)
        return answer

    async def close(self) -> None:
        """End the connections that wait. Messages under way go on."""
        self._closed = True
        while self._idle:
            await self._run(_quit, self._idle.pop())
        self._workers.shutdown(wait=False)

    # -- in a thread ------------------------------------------------------------------------------------------------

    async def _run(self, work: Callable[..., T], *given: object) -> T:
        """In a thread. A connection in it is closed by nobody else: one whose caller is gone, when it is done."""
        doing = asyncio.get_running_loop().run_in_executor(self._workers, work, *given)
        try:
            return await asyncio.shield(doing)
        except asyncio.CancelledError:
            doing.add_done_callback(_abandoned)
            raise

    def _connected(self) -> _Line:
        server = self._server
        smtp: smtplib.SMTP | None = None
        try:
            if server.at_once:
                smtp = smtplib.SMTP_SSL(server.host, server.port, self._name, timeout=PATIENCE, context=self._tls)
            else:
                smtp = smtplib.SMTP(server.host, server.port, self._name, PATIENCE)
            smtp.ehlo_or_helo_if_needed()
            if not server.at_once and (smtp.has_extn("starttls") or not is_here(server.host)):
                self._start_tls(smtp)
            if server.user:
                smtp.login(server.user, server.password)
        except _FAILS as error:
            if smtp is not None:
                smtp.close()
            raise _why(error) from None
        return _Line(smtp)

    def _start_tls(self, smtp: smtplib.SMTP) -> None:
        try:
            if not smtp.has_extn("starttls"):
                raise smtplib.SMTPNotSupportedError
            smtp.starttls(context=self._tls)
        except (smtplib.SMTPNotSupportedError, smtplib.SMTPResponseException):
            raise _Given(_not_now("the smarthost speaks no TLS, and without it nothing is sent", "4.7.10")) from None
        smtp.ehlo()

    @staticmethod
    def _begun(line: _Line, sender: str, to: str, content: bytes) -> _Line:
        """All but the end. After a failure the connection is closed."""
        smtp = line.smtp
        try:
            _look(smtp.docmd("MAIL", f"FROM:<{sender}>{_options(smtp, sender, to, content)}"))
            _look(smtp.docmd("RCPT", f"TO:<{to}>"))
            _look(smtp.docmd("DATA"), wanted=(354,))
            smtp.send(_dotted(content))
        except _FAILS as error:
            smtp.close()
            raise _why(error) from None
        return line

    @staticmethod
    def _ended(line: _Line) -> tuple[Answer, _Line]:
        try:
            _patience(line, LAST_PATIENCE)
            line.smtp.send(b".\r\n")
            code, text = line.smtp.getreply()
            _patience(line, PATIENCE)
        except _FAILS:
            code, text = -1, b""
        if not 200 <= code <= 599:
            return Answer("unknown", "the smarthost was given all of it and did not answer", "5.4.0"), line
        if code <= 299:
            return Answer("sent", "the smarthost has it", _status(text, "2.0.0", "2"), code), line
        try:
            _look((code, text))
        except _Given as given:
            return given.answer, line
        raise AssertionError(code)


def _patience(line: _Line, seconds: float) -> None:
    if line.smtp.sock is not None:
        line.smtp.sock.settimeout(seconds)


def _quit(line: _Line) -> None:
    with suppress(smtplib.SMTPException, OSError):
        line.smtp.quit()
    line.smtp.close()


def _drop(line: _Line) -> None:
    line.smtp.close()


def _abandoned(doing: "asyncio.Future[T]") -> None:
    if not doing.cancelled() and doing.exception() is None:
        found: object = doing.result()
        for each in found if isinstance(found, tuple) else (found,):
            if isinstance(each, _Line):
                _drop(each)


def is_here(host: str) -> bool:
    """Whether a server is on this machine, where nobody reads along."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _not_now(reason: str, status: str, code: int = 0) -> Answer:
    return Answer("not-now", reason, status, code)


_FAILS: Final = (_Given, smtplib.SMTPException, OSError, ValueError)


def _why(error: BaseException) -> _Given:
    """What a failure before the end comes to. The library's own texts may hold an address, and are not passed on."""
    if isinstance(error, _Given):
        return error
    if isinstance(error, ssl.SSLCertVerificationError):
        return _Given(_not_now("the smarthost's certificate does not hold, and nothing is sent to it", "4.7.5"))
    if isinstance(error, ssl.SSLError):
        return _Given(_not_now("the smarthost and we do not agree on TLS, and without it nothing is sent", "4.7.5"))
    if isinstance(error, smtplib.SMTPAuthenticationError | smtplib.SMTPNotSupportedError):
        return _Given(_not_now("the smarthost does not let us in; the operator sees to its user and password", "4.7.8"))
    return _Given(_not_now("the smarthost does not answer", "4.4.1"))


def _look(reply: tuple[int, bytes], wanted: tuple[int, ...] = (250, 251)) -> None:
    """Raises `_Given` for a reply that ends the transaction."""
    code, text = reply
    if code in wanted:
        return
    if 500 <= code <= 599 and code not in _OURS:
        raise _Given(
            Answer("never", "the smarthost refuses this message or recipient", _status(text, "5.0.0", "5"), code)
        )
    raise _Given(_not_now("the smarthost takes it not now", _status(text, "4.0.0", "4"), code))


def _status(text: bytes, usual: str, kind: str) -> str:
    found = _STATUS.match(text.strip())
    status = found.group().decode() if found else usual
    return status if status[0] == kind else usual


def _options(smtp: smtplib.SMTP, sender: str, to: str, content: bytes) -> str:
    said = ""
    head = content.partition(b"\r\n\r\n")[0]
    if not (head.isascii() and sender.isascii() and to.isascii()):
        if not smtp.has_extn("smtputf8"):
            raise _Given(Answer("never", "the smarthost takes no addresses in UTF-8 (SMTPUTF8)", "5.6.7"))
        smtp.command_encoding = "utf-8"
        said += " SMTPUTF8"
    if not content.isascii():
        if not smtp.has_extn("8bitmime"):
            raise _Given(
                Answer("never", "the smarthost takes no 8-bit content, and this must not be encoded anew", "5.6.3")
            )
        said += " BODY=8BITMIME"
    if smtp.has_extn("size"):
        said += f" SIZE={len(content)}"
    return said


def _dotted(content: bytes) -> bytes:
    """With its dots doubled (RFC 5321, 4.5.2) and a line end behind."""
    doubled = content.replace(b"\r\n.", b"\r\n..")
    if doubled.startswith(b"."):
        doubled = b"." + doubled
    return doubled if doubled.endswith(b"\r\n") else doubled + b"\r\n"
