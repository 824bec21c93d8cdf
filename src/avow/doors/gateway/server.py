"""The SMTP server (RFC 5321, RFC 6409): aiosmtpd's, made strict, bounded and silent about whom mail is for.

What of aiosmtpd is replaced, and why: docs/decisions/0079.
"""

import asyncio
import logging
import re
import ssl
from base64 import b64decode
from binascii import Error
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from socket import socket
from typing import Any, Final, TypeVar

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from avow.doors.gateway import intake, replies
from avow.doors.gateway.relay import Application, Relay
from avow.doors.gateway.replies import Reply
from avow.doors.gateway.sites import Served, Sites, Target
from avow.errors import AvowError, Denied
from avow.mail.address import is_address

T = TypeVar("T")
log = logging.getLogger("avow.gateway")
_COMMAND: Final = 1024  # octets of a command with its parameters; 512 and what extensions add (RFC 5321, 4.5.3.1.4)
_BARE: Final = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_ADDRESS: Final = re.compile(
    r"<(?P<address>[^<>\x00-\x20\x7f]*|\"[^\x00-\x1f\x7f]*\"@[^<>\x00-\x20\x7f]*)>(?P<rest>.*)"
)
_FAILED: Final = 3  # wrong passwords over one connection


@dataclass(frozen=True, slots=True)
class Limits:
    """How much at once, so that memory stays bounded whoever calls."""

    size: int = 10 * 1024 * 1024  # bytes of a message
    under_way: int = 64 * 1024 * 1024  # bytes of all messages that are being taken in
    recipients: int = 100  # of one message (RFC 5321, 4.5.3.1.8)
    connections: int = 400
    each: int = 50  # connections of one address
    patience: float = 120.0  # seconds for a command, and for the whole of a message's content


class Gateway:
    """For all sites behind one port. `name` is what it calls itself; `tls` what it speaks after STARTTLS."""

    def __init__(
        self, sites: Sequence[Served], relay: Relay, *, name: str, tls: ssl.SSLContext, limits: Limits | None = None
    ) -> None:  # fmt: skip
        self.sites = Sites(sites)
        self.relay = relay
        self.name = name
        self.tls = tls
        self.limits = limits or Limits()
        self.held = 0  # bytes of messages that are being taken in
        self._peers: Counter[str] = Counter()
        self._strangers: dict[_Connection, None] = {}  # connections of who has not signed in, the oldest first
        self._working: set[asyncio.Task[Any]] = set()
        logging.getLogger("mail.log").disabled = True  # aiosmtpd's: it writes addresses

    def serve_for(self, sites: Sequence[Served]) -> None:
        """From now on for these. Who signed in before is told to sign in again, as their vault's session says."""
        self.sites = Sites(sites)

    @asynccontextmanager
    async def listening(self, on: socket) -> AsyncIterator[None]:
        """Take mail from this socket until the block ends; messages under way are finished first."""
        server = await asyncio.get_running_loop().create_server(lambda: _Connection(self), sock=on)
        try:
            yield
        finally:
            server.close()
            while self._working:
                await asyncio.wait(self._working)

    async def to_the_end(self, work: Coroutine[Any, Any, T], size: int = 0) -> T:
        """Do it, also when whoever asked hangs up meanwhile: what was handed over is to be ended, too. `size`: bytes that
        count as held until then.
        """
        task = asyncio.ensure_future(work)
        self._working.add(task)

        def done(_: object) -> None:
            self._working.discard(task)
            self.held -= size

        task.add_done_callback(done)
        return await asyncio.shield(task)

    def entered(self, peer: str, connection: "_Connection") -> bool:
        """Whether one more connection from there may be; then it is counted. Where all places are taken, the stranger
        who has had one longest gives it up: so strangers together keep no application out.
        """
        if self._peers[peer] >= self.limits.each:
            return False
        if self._peers.total() >= self.limits.connections:
            if not self._strangers:
                return False
            oldest = next(iter(self._strangers))
            del self._strangers[oldest]
            oldest.hang_up()
        self._peers[peer] += 1
        self._strangers[connection] = None
        return True

    def left(self, peer: str, connection: "_Connection") -> None:
        """It ended."""
        self._strangers.pop(connection, None)
        self._peers[peer] -= 1
        if not self._peers[peer]:
            del self._peers[peer]

    # -- what aiosmtpd asks for, by its names -----------------------------------------------------------------------

    async def handle_EHLO(  # noqa: N802
        self, _: SMTP, session: Session, __: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """The extensions."""
        session.host_name = hostname
        return [*responses[:-1], "250 ENHANCEDSTATUSCODES"]

    async def handle_RCPT(  # noqa: N802
        self, _: SMTP, session: Session, envelope: Envelope, address: str, __: list[str]
    ) -> str:
        """Who signed in writes to anybody, which the vault decides on; strangers to addresses of the sites."""
        reply = self._recipient(session, envelope, address)
        if reply is replies.TAKEN and address not in envelope.rcpt_tos:
            envelope.rcpt_tos.append(address)
        return reply.line()

    def _recipient(self, session: Session, envelope: Envelope, address: str) -> Reply:
        if not is_address(address):
            return replies.BAD_ADDRESS
        if isinstance(session.auth_data, Application):
            return replies.TAKEN if len(envelope.rcpt_tos) < self.limits.recipients else replies.MANY
        if self.sites.target(address) is None:
            return replies.NO_RELAY
        return replies.TAKEN if len(envelope.rcpt_tos) < intake.MOST else replies.MANY

    async def handle_DATA(self, connection: "_Connection", session: Session, envelope: Envelope) -> str:  # noqa: N802
        """A whole message."""
        content = envelope.original_content or b""
        if _BARE.search(content):
            return replies.BARE.line()
        return (await self.to_the_end(self._taken(session.auth_data, envelope, content), connection.given_up())).line()

    async def _taken(self, who: Any, envelope: Envelope, content: bytes) -> Reply:
        try:
            if isinstance(who, Application):
                return await self.relay.hand_in(who, content, tuple(envelope.rcpt_tos))
            targets: list[Target] = [found for to in envelope.rcpt_tos if (found := self.sites.target(to))]
            return await intake.take(content, envelope.mail_from or "", targets)
        except Exception as error:  # noqa: BLE001 - whatever fails, the sender is told to try again
            _log(error)
            return replies.FAILED

    async def handle_exception(self, error: Exception) -> str:
        """A command that failed. Its text may hold what was said, and is neither logged nor answered."""
        _log(error)
        return replies.FAILED.line()

    async def auth_PLAIN(self, server: "_Connection", args: list[str]) -> AuthResult:  # noqa: N802
        """RFC 4616."""
        given = await _shown(server, args, "")
        said = given.split(b"\0") if given is not None else []
        if given is not None and len(said) != 3:
            return _not(Reply(501, "5.5.2", "this is no answer to AUTH PLAIN"))
        return await self._signed_in(server, said[1], said[2]) if said else AuthResult(success=False)

    async def auth_LOGIN(self, server: "_Connection", args: list[str]) -> AuthResult:  # noqa: N802
        """Never standardised, and what many programs still speak."""
        user = await _shown(server, args, "Username:")
        password = await _shown(server, [], "Password:") if user is not None else None
        if user is None or password is None:
            return AuthResult(success=False)
        return await self._signed_in(server, user, password)

    async def _signed_in(self, server: "_Connection", user: bytes, password: bytes) -> AuthResult:
        try:
            site, name = self.sites.signing_in(user.decode("utf-8"))
            if site is None:
                raise Denied
            session = await site.mailroom.sender(name, password.decode("utf-8"))
        except (Denied, UnicodeDecodeError):
            server.wrong += 1
            return _not(
                replies.SIGN_IN if server.wrong < _FAILED else Reply(421, "4.7.0", "signed in wrongly too often")
            )
        except AvowError as error:
            reply = replies.of(error)
            return _not(Reply(454, "4.7.0", reply.text))
        self._strangers.pop(server, None)
        return AuthResult(success=True, auth_data=Application(site, session))


def _place(address: str) -> str:
    """What connections are counted under: who has an IPv6 address has as many as a network of 64 bits holds."""
    found = ip_address(address.partition("%")[0])
    if found.version == 6 and found.ipv4_mapped is None:
        return str(ip_network((found, 64), strict=False))
    return address


def _not(reply: Reply) -> AuthResult:
    return AuthResult(success=False, handled=False, message=reply.line())


async def _shown(server: "_Connection", args: list[str], challenge: str) -> bytes | None:
    """What the client shows of itself: with the command, or when asked; None once an error has been said."""
    if len(args) > 1:
        try:
            return b64decode(args[1].encode() if args[1] != "=" else b"", validate=True)
        except (Error, ValueError):
            await server.push("501 5.5.2 this is no base64")
            return None
    found = await server.challenge_auth(challenge)
    return found if isinstance(found, bytes) else None


def _log(error: Exception) -> None:
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    at = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place is not None else "?"
    log.error("a message or command failed: %s at %s", type(error).__name__, at)


class _Connection(SMTP):
    """One connection."""

    line_length_limit = _COMMAND

    def __init__(self, gateway: Gateway) -> None:
        limits = gateway.limits
        super().__init__(
            gateway, data_size_limit=limits.size, enable_SMTPUTF8=True, hostname=gateway.name, ident="Avow",
            tls_context=gateway.tls, timeout=limits.patience, auth_require_tls=True,
            loop=asyncio.get_running_loop(),
        )  # fmt: skip
        self.command_size_limits = defaultdict(lambda: _COMMAND)  # the library's are shared by all connections
        self.wrong = 0
        self._gateway = gateway
        self._peer: str | None = None
        self._held = 0  # bytes of a message
        self._greeting = False  # what is said now has no enhanced code

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It begins; once more after STARTTLS."""
        if self._peer is None:
            peer = transport.get_extra_info("peername")
            found = _place(str(peer[0])) if peer else ""
            if not self._gateway.entered(found, self):
                assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101 - TCP
                transport.write(f"421 {self.hostname} 4.7.0 too many connections; try again later\r\n".encode())
                transport.close()
                return
            self._peer = found
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """It ended."""
        if self._peer is not None:
            self._gateway.left(self._peer, self)
            super().connection_lost(error)

    def hang_up(self) -> None:
        """Now, whatever it is about."""
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()

    def eof_received(self) -> bool | None:
        """The other side says no more."""
        return super().eof_received() if self._peer is not None else None

    async def push(self, status: Any) -> None:
        """Say it; an error with an enhanced code, and a farewell ends the connection."""
        line = status if isinstance(status, str) else status.decode()
        await super().push(line if self._greeting else replies.enhanced(line))
        if line.startswith("421") and self.transport is not None:
            self.transport.close()

    async def smtp_EHLO(self, hostname: str) -> None:  # noqa: N802
        """Its lines are names, not sentences."""
        self._greeting = True
        try:
            await super().smtp_EHLO(hostname)
        finally:
            self._greeting = False

    async def smtp_VRFY(self, _: str) -> None:  # noqa: N802
        """Whether an address is known is nobody's business."""
        await self.push("252 2.5.1 send mail, and see")

    async def smtp_HELP(self, _: str) -> None:  # noqa: N802
        """The library would repeat what it is asked for."""
        await self.push("214 2.0.0 see docs/mail.md of Avow")

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        """The address of MAIL or RCPT, in brackets, and what follows; None for what is none."""
        found = _ADDRESS.fullmatch(arg.strip())
        if found is None or not (found["address"] == "" or is_address(found["address"])):
            return None, None
        return found["address"] or "<>", found["rest"].strip()

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        """The content of a message, whatever its lines are like, never more of it in memory than may be."""
        if await self.check_helo_needed():
            return
        if self.envelope is None or not self.envelope.rcpt_tos:
            await self.push("503 5.5.1 say RCPT first, and have a recipient accepted")
            return
        if arg:
            await self.push("501 5.5.4 DATA takes no argument")
            return
        await self.push("354 go on; end with a dot by itself")
        try:
            content = await self._content()
            if self._timeout_handle is not None:
                self._timeout_handle.cancel()  # from here on it is for us to be patient, and we are not for ever
            if isinstance(content, Reply):
                status = content.line()
            else:
                self.envelope.original_content = content
                status = str(await self._call_handler_hook("DATA"))
        finally:
            self._hold(0)
        self._set_post_data_state()  # type: ignore[no-untyped-call]
        self._reset_timeout()
        await self.push(status)

    async def _content(self) -> bytes | Reply:
        """Read it to its end, and count what is held; or why it is not taken."""
        limits, wrong, total, fresh, content = self._gateway.limits, None, 0, True, bytearray()
        while True:
            try:
                line, whole = await self._reader.readuntil(b"\r\n"), True
            except asyncio.LimitOverrunError as over:
                line, whole = await self._reader.read(over.consumed), False
            if fresh and line == b".\r\n":
                return wrong or bytes(content)
            if fresh and line.startswith(b"."):  # RFC 5321, 4.5.2
                line = line[1:]
            fresh, total = whole, total + len(line)
            if wrong is None:
                content += line
                if total > limits.size:
                    wrong = replies.TOO_LARGE
                elif not self._hold(total):
                    wrong = replies.BUSY
                if wrong is not None:
                    content.clear()
                    self._hold(0)
            elif total > 3 * limits.size:
                await self.push("421 4.3.4 the message is too large, and has no end")
                raise asyncio.CancelledError

    def _hold(self, size: int) -> bool:
        """Count this connection as holding so many bytes; whether all of them together hold no more than they may."""
        self._gateway.held += size - self._held
        self._held = size
        return self._gateway.held <= self._gateway.limits.under_way

    def given_up(self) -> int:
        """How many bytes it held; from here on they are counted by whoever calls this."""
        size, self._held = self._held, 0
        return size
