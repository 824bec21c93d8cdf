"""What is asked of the merchant and not answered yet: open service requests, without saying whose."""

from collections.abc import Sequence

from avow.gate import Gate
from avow.practices.deadlines import asked, due, kinds
from avow.store.interface import ServiceRequest


class Queue:
    """For one site."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

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
