"""A yes that has to be confirmed: the notice that asks for it, with a link, to the newest address of whoever agreed."""

import logging
from typing import Final

from avow.desk.lanes import Behind, Lane
from avow.desk.limits import Limit
from avow.desk.links import Links
from avow.desk.notices import Notices
from avow.desk.room import Room, row
from avow.errors import AvowError, TooMany
from avow.mail import notices as words
from avow.practices.agreeing import CONFIRM_WITHIN
from avow.practices.collecting import index
from avow.practices.owing import NoticeKind

ASKED: Final = Limit("confirm", 3, CONFIRM_WITHIN)  # notices to one address: who types mine in ten times sends me three
SENDING: Final = (8, 200)  # at once, and waiting

log = logging.getLogger("avow.desk")


class Confirming:
    """For one site."""

    def __init__(self, room: Room, links: Links, notices: Notices) -> None:
        self._room = room
        self._links = links
        self._notices = notices
        self._lane = Lane(*SENDING)
        self._behind = Behind()

    def ask(self, who: str, consent: str, purpose: str) -> None:
        """On its way; nobody waits for it. What cannot be asked is not confirmed, and permits nothing."""
        if self._notices.possible:
            self._behind.begin(self._ask(who, consent, purpose))

    async def _ask(self, who: str, consent: str, purpose: str) -> None:
        try:
            with self._lane.place():
                async with self._lane.turn, self._notices.owed(who, NoticeKind.CONFIRM, consent) as begun:
                    if begun is None or begun.permit is None or not self._may_ask(begun.permit.category, begun.address):
                        return
                    await self._notices.hand_over(begun)
                    token = self._links.confirm(row(who), row(consent), purpose)
                    link = f"{self._notices.centre}/confirm/{token}"
                    until = self._room.now() + CONFIRM_WITHIN
                    await self._notices.notify(
                        begun, words.confirm(self._room.policy, [purpose], link=link, until=until)
                    )
        except (AvowError, OSError) as error:
            log.warning("somebody could not be asked to confirm: %s", type(error).__name__)

    def _may_ask(self, category: str, address: str) -> bool:
        """Whether this address was not asked too often."""
        known = self._room.policy.categories[category]
        try:
            contact = index(self._room.shop.keystore, known.term, category, address)
            self._room.limits.spend(ASKED, contact, self._room.now())
        except TooMany:
            return False
        return True

    async def settle(self) -> None:
        """Wait for what is on its way."""
        await self._behind.settle()
