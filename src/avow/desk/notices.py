"""Messages of the desk's own: notices owed, and answers. Decided as any mail is, handed over, and remembered."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from avow.desk.links import Links
from avow.desk.room import Outlet, Room, row
from avow.errors import BadValue, CallError, Refused
from avow.mail.message import Draft
from avow.mail.notices import Notice, draft
from avow.practices.deadlines import RIGHTS_REQUEST
from avow.practices.messages import Begun
from avow.practices.owing import NoticeKind


class Notices:
    """For one site. `outlet` is None where the site reaches nobody by mail."""

    def __init__(self, room: Room, links: Links, outlet: Outlet | None) -> None:
        self._room = room
        self._shop = room.shop
        self._links = links
        self._outlet = outlet

    @property
    def possible(self) -> bool:
        """Whether there is anything to send by."""
        return self._outlet is not None

    @property
    def centre(self) -> str:
        """The origin of the privacy centre; empty where no mail goes out."""
        return "" if self._outlet is None else self._outlet.centre

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
            yield None if begun is None or begun.permit is None else begun

    async def hand_over(self, begun: Begun) -> None:
        """It goes: within the block, before `send` or `drop`, which may wait. Raises `Refused`, `Denied`."""
        await self._shop.reaching.hand_over(begun.given())

    async def notify(self, begun: Begun, notice: Notice) -> None:
        """Send a notice that was handed over. Raises `OSError`; then it did not go, or nobody knows."""
        await self._send(begun, draft(self._room.policy, notice.subject, notice.text), automatic=True)

    async def answer(self, begun: Begun, subject: str, text: str) -> None:
        """Send a colleague's own words, handed over. Raises as `notify`."""
        await self._send(begun, draft(self._room.policy, subject, text), automatic=False)

    async def _send(self, begun: Begun, words: Draft, *, automatic: bool) -> None:
        permit = begun.given()
        try:
            if self._outlet is None:
                raise OSError("there is nothing to send it by")
            ways = self._links.out(begun), self._links.back(permit.message)
            answer = await self._outlet.send(begun.address, words, *ways, automatic=automatic)
        except (OSError, BadValue) as error:
            await self._shop.reaching.ended(permit, "never" if isinstance(error, BadValue) else "not-now")
            raise OSError("this message cannot be sent, or this address cannot be written to") from None
        if answer.outcome == "unknown":  # it stays so on record, and never goes again by itself
            raise OSError(f"nobody knows whether the message went out: {answer.reason}")
        if answer.outcome != "sent":
            await self._shop.reaching.ended(permit, answer.outcome)
            raise OSError(f"the mail server did not take the message: {answer.reason}")
        await self._shop.reaching.ended(permit, "sent")

    async def drop(self, begun: Begun) -> None:
        """It does not go after all."""
        await self._shop.reaching.ended(begun.given(), "never")
