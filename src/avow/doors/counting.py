"""ASGI middleware around a web application, guard and all, that counts its visits as the policy says. See docs/visits.md.

    app = Counting(Guard(app, policy, ...), counted, parts={"": "home", "goods": "goods"}, clock=clock)

Of a request it takes the client's address, the browser's own words and the cookie of the visit, for as long as a call
lasts; of its path the first word, if that is one of `parts`. Nothing else of it is looked at, and nothing is logged.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from avow.doors.guard.asgi import App, Message, Receive, Scope, Send
from avow.errors import Unavailable
from avow.visits import OTHER, Counted

MINUTE: Final = 60.0  # s
_PREFIXES: Final = ("", "__Host-", "__Secure-")  # as the guard names cookies

log = logging.getLogger("avow.visits")


class Counting:
    """`parts`: first word of a path -> the part of the site that it is; every other page is `other`.

    `clock` gives the moment, aware. What is over is written once a minute, by the clock. It ends with the application's
    lifespan; where there is none, call `close`.
    """

    def __init__(self, app: App, counted: Counted, *, parts: Mapping[str, str], clock: Callable[[], datetime]) -> None:
        self._app = app
        self._counted = counted
        self._parts = dict(parts)
        self._clock = clock
        name = counted.promised.cookie
        self._cookies = frozenset(f"{prefix}{name}".encode() for prefix in _PREFIXES) if name else frozenset()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if self._timer is None and not self._closed:
            self._turn()
        if scope["type"] == "lifespan":

            async def told() -> Message:
                message = await receive()
                if message["type"] == "lifespan.shutdown":
                    self.close()
                return message

            await self._app(scope, told, send)
        elif scope["type"] == "http" and not self._counted.nothing:

            async def counted(message: Message) -> None:
                if message["type"] == "http.response.start" and not self._closed:
                    self._answered(scope, message)
                await send(message)

            await self._app(scope, receive, counted)
        else:
            await self._app(scope, receive, send)

    def close(self) -> None:
        """Write what is enough, and count no more. More than once is harmless."""
        if not self._closed:
            self._closed = True
            if self._timer is not None:
                self._timer.cancel()
            try:
                self._counted.close()
            except Unavailable as error:
                log.warning("%s", error)

    def _answered(self, scope: Scope, message: Message) -> None:
        now, address, status = self._now(), (scope.get("client") or ("",))[0], message["status"]
        self._counted.answered(now, address, status)
        if status == 200 and _is_page(message):
            agent, cookie = b"", b""
            followed = True
            for name, value in scope["headers"]:
                if name == b"user-agent":
                    agent = value
                elif name == b"cookie" and self._cookies:
                    cookie = self._of_visit(value) or cookie
                elif name == b"sec-gpc" and value.strip() == b"1":
                    followed = False
            part = self._parts.get(scope["path"][1:].partition("/")[0], OTHER)
            token = cookie.decode("latin-1") if followed else ""
            self._counted.page(now, address, agent.decode("latin-1"), part, token)

    def _of_visit(self, header: bytes) -> bytes:
        for one in header.split(b";"):
            name, _, value = one.strip().partition(b"=")
            if name in self._cookies:
                return value
        return b""

    def _now(self) -> int:
        return int(self._clock().timestamp() * 1000)

    def _turn(self) -> None:
        """Once a minute, on the minute: when something is written tells nothing of any request."""
        wait = MINUTE - self._clock().timestamp() % MINUTE
        self._timer = asyncio.get_running_loop().call_later(wait, self._turn)  # first: whatever fails, it goes on
        try:
            self._counted.settle(self._now())
        except Unavailable as error:
            log.warning("%s", error)
        except Exception as error:  # noqa: BLE001 - no request may fail by it, and its words may be somebody's
            log.error("the visits were not settled: %s; it is tried again in a minute", type(error).__name__)  # noqa: TRY400 - as above


def _is_page(message: Message) -> bool:
    return any(name == b"content-type" and value.startswith(b"text/html") for name, value in message.get("headers", ()))
