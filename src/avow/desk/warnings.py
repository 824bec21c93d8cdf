"""Warnings: a notice to every address that is held on somebody, old and new, when what proves them, or all of it, changes.

Each holds a link by which whoever reads mail there takes the change back.
"""

import logging

from avow.desk.links import Links
from avow.desk.notices import Notices
from avow.desk.room import Room, row
from avow.errors import AvowError, Refused, Unavailable
from avow.mail import notices as words
from avow.practices.holding import HOLD
from avow.practices.owing import NoticeKind
from avow.vault.lookup import same_mailbox

log = logging.getLogger("avow.desk")


class Warnings:
    """For one site."""

    def __init__(self, room: Room, notices: Notices, links: Links) -> None:
        self._room = room
        self._notices = notices
        self._links = links

    async def changed(self, who: str, category: str, at: int, new: str) -> None:
        """A contact of this category was changed at this moment, to this value. The change must not stand where this
        raises: `Unavailable` where a notice to an address from before could not be sent, `Refused` where it may not be.
        """
        link = self._link(self._links.call_off(row(who), at + HOLD))
        notice = words.contact_changed(self._room.policy, category, at=at, undo=link, until=at + HOLD)
        lacking = await self._everywhere(who, NoticeKind.CONTACT_CHANGED, f"{category} {at}", notice)
        for error in (one for address, one in lacking if not same_mailbox(address, new)):
            if isinstance(error, Refused):
                raise Refused(error.promises, "the notice of the change may not be sent to who opted out; opt in first")
            raise Unavailable("the notice of the change could not be sent, so nothing was changed; try again")

    async def leaving(self, who: str, due: int) -> None:
        """The person will be erased. That is not held up by a notice which does not go."""
        notice = words.erasure_planned(self._room.policy, due=due, undo=self._link(self._links.stay(row(who), due)))
        await self._everywhere(who, NoticeKind.ERASURE_PLANNED, str(due), notice)

    def _link(self, token: str) -> str:
        return f"{self._notices.centre}/undo/{token}" if self._notices.centre else ""

    async def _everywhere(
        self, who: str, kind: NoticeKind, cause: str, notice: words.Notice
    ) -> list[tuple[str, Exception]]:
        """One to each address; one that does not go keeps none of the others. Those that did not, and why."""
        if not self._notices.possible:
            return []
        lacking: list[tuple[str, Exception]] = []
        for address in await self._room.shop.owing.contacts(row(who)):
            try:
                async with self._notices.owed(who, kind, cause, to=address) as begun:
                    if begun is None:
                        lacking.append((address, Refused((), "no promise lets such a notice be sent")))
                        continue
                    await self._notices.hand_over(begun)
                await self._notices.notify(begun, notice)
            except (AvowError, OSError) as error:
                log.warning("a notice owed could not be sent: %s", type(error).__name__)
                lacking.append((address, error))
        return lacking
