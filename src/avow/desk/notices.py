"""Notices owed, sent by the desk itself: decided as any mail is, handed over, and remembered with what came of it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from avow.desk.room import Mail, Room, row
from avow.errors import CallError, Refused
from avow.practices.deadlines import RIGHTS_REQUEST
from avow.practices.owing import NoticeKind
from avow.practices.reaching import Begun, Letter


class Notices:
    """For one site. `mail` is None where the site reaches nobody by mail."""

    def __init__(self, room: Room, mail: Mail | None) -> None:
        self._room = room
        self._shop = room.shop
        self._mail = mail

    @property
    def possible(self) -> bool:
        """Whether there is anything to send by."""
        return self._mail is not None

    @asynccontextmanager
    async def owed(self, who: str, kind: NoticeKind, cause: str, to: str | None = None) -> AsyncIterator[Begun | None]:
        """Leave to send the person this notice, at the newest address or at this one; None if they may not be written to,
        or it went for this cause already.

        The policy decides: while the block lasts a request about their own data is open.
        """
        async with AsyncExitStack() as stack:
            if RIGHTS_REQUEST in self._room.policy.requests:
                await stack.enter_async_context(self._shop.queue.passing(row(who), RIGHTS_REQUEST))
            try:
                begun: Begun | None = await self._shop.owing.owe(row(who), kind, cause, to=to)
            except (Refused, CallError):
                begun = None
            yield None if begun is None or begun.letter is None else begun

    async def hand_over(self, begun: Begun) -> None:
        """It goes: within the block, before `send` or `drop`, which may wait. Raises `Refused`, `Denied`."""
        await self._shop.reaching.hand_over(_letter(begun))

    async def send(self, begun: Begun, subject: str, text: str) -> None:
        """Send what was handed over. Raises `OSError`; then it did not go."""
        try:
            if self._mail is None:
                raise OSError("there is nothing to send it by")
            await self._mail(begun.address, subject, text)
        except OSError:
            await self.drop(begun)
            raise
        await self._shop.reaching.ended(_letter(begun), "sent")

    async def drop(self, begun: Begun) -> None:
        """It does not go after all."""
        await self._shop.reaching.ended(_letter(begun), "never")


def _letter(begun: Begun) -> Letter:
    if begun.letter is None:
        raise CallError("there is nothing to send: it went already, or may have")
    return begun.letter
