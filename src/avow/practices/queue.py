"""What is asked of the merchant and not answered yet: open service requests, without saying whose."""

import hmac
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from avow.errors import CallError, KeyGone, Refused, Tampered
from avow.gate import Actor, Gate
from avow.policy.model import PERSON
from avow.practices.agreeing import Agreeing
from avow.practices.deadlines import asked, due, kinds
from avow.store.interface import ServiceRequest

_THEMSELF: Final = Actor(PERSON, "person", identified=True)
_MOST: Final = 100_000  # open requests looked through at a start

log = logging.getLogger("avow.queue")


class Queue:
    """For one site."""

    def __init__(self, gate: Gate, agreeing: Agreeing) -> None:
        self._gate = gate
        self._agreeing = agreeing
        self._key = gate.keys.site_key("passing requests")

    async def open(self, kinds: Sequence[str], limit: int) -> list[ServiceRequest]:
        """Up to so many of these kinds, oldest first."""
        async with self._gate.store.transaction() as tx:
            return await tx.open_requests(kinds, limit)

    async def overdue(self, most: int) -> int:
        """How many open requests have waited longer than the policy promises; at most `most` are counted."""
        policy, at = self._gate.policy, self._gate.now()
        words = [word for word in policy.requests if asked(word).right]
        found = await self.open([kind for word in words for kind in kinds(word)], most)
        return sum(1 for one in found if (due(policy, one.kind, one.opened) or at) < at)

    async def one(self, request: bytes) -> ServiceRequest | None:
        """The open one of this id."""
        async with self._gate.store.transaction() as tx:
            return await tx.open_request(request)

    async def of(self, subject: bytes) -> list[ServiceRequest]:
        """One person's, oldest first."""
        async with self._gate.store.transaction() as tx:
            return [one for one in await tx.requests(subject) if one.closed is None]

    @asynccontextmanager
    async def passing(self, subject: bytes, kind: str, *, watched: bool = False) -> AsyncIterator[None]:
        """A request of the person's that is open for the time of one act, whatever comes of it.

        Its id is half chance and half a MAC of that, by which the next start knows it from those that wait for an
        answer, should this process die meanwhile. `watched`: it stays open then, for whoever has to finish the act.
        """
        chance = self._gate.random(8)
        mark = self._mark(subject, chance, watched=watched)
        request = await self._agreeing.ask(subject, kind, _THEMSELF, chance + mark)
        try:
            yield
        finally:
            await self._agreeing.close(subject, request, _THEMSELF)

    async def settle(self) -> int:
        """Close the passing requests that a crash left open; how many. Only before serving: then none is under way."""
        return sum([await self.end(one) for one in await self.left()])

    async def left(self, *, watched: bool = False) -> list[ServiceRequest]:
        """The passing requests that are open, those that are `watched` or those that are not."""
        words = self._gate.policy.requests
        found = await self.open([kind for word in words for kind in kinds(word)], _MOST)
        return [
            one for one in found
            if hmac.compare_digest(one.row[8:], self._mark(one.subject, one.row[:8], watched=watched))
        ]  # fmt: skip

    async def end(self, one: ServiceRequest) -> bool:
        """Close one that a crash left open; whether that went well."""
        try:
            await self._agreeing.close(one.subject, one.row, _THEMSELF)
        except (CallError, Refused, Tampered, KeyGone) as error:  # nobody else is held up by it
            log.error("a request that a crash left open was not closed: %s", type(error).__name__)  # noqa: TRY400 - a trace could tell values
            return False
        return True

    def _mark(self, subject: bytes, chance: bytes, *, watched: bool) -> bytes:
        return hmac.digest(self._key, subject + chance + (b"watched" if watched else b""), "sha256")[:8]
