"""Whether mail to the policy's contact address would be taken: asked of the smarthost, without sending anything."""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable
from typing import Final

from avow.mail.smarthost import Server, Smarthost
from avow.policy.model import Policy

DAY: Final = 86_400.0  # s
_CONTENT: Final = b"Subject: not sent\r\n\r\n"

log = logging.getLogger("avow.routes")


class _EnoughError(Exception):
    """The server would have taken it."""


def asking(server: Server, tls: ssl.SSLContext | None = None) -> Callable[[Policy], Awaitable[str]]:
    """What tells, for a site, what is wrong with mail to its contact address; "" if it would be taken, or none is named.

    The server is asked as for any message, and left before it is given the end of one: it drops what it got.
    """

    async def of(policy: Policy) -> str:
        address = policy.controller.contact.get("email", "")
        if not address:
            return ""

        async def enough() -> None:
            raise _EnoughError

        async with Smarthost(server, connections=1, tls=tls) as post:
            try:
                answer = await post.send(address, address, _CONTENT, before_end=enough)
            except _EnoughError:
                return ""
        if answer.outcome == "not-now":
            return f"the mail server could not be asked whether the contact address takes mail: {answer.reason}"
        return f"mail to the contact address that the policy names is not taken: {answer.reason}"

    return of


class Watch:
    """Asks once a day. `faults` is what was found last."""

    def __init__(self, ask: Callable[[Policy], Awaitable[str]] | None, policy: Policy) -> None:
        self._ask = ask
        self._policy = policy
        self._found = ""

    def faults(self) -> list[str]:
        """In words, for the health page."""
        return [self._found] if self._found else []

    async def run(self) -> None:
        """Until cancelled."""
        while self._ask is not None:
            await self.look()
            await asyncio.sleep(DAY)

    async def look(self) -> None:
        """Ask now."""
        self._found = await self._ask(self._policy) if self._ask is not None else ""
        if self._found:
            log.warning("%s: %s", self._policy.site, self._found)
