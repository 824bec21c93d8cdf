"""Warnings: a notice to every address that is held on somebody, old and new, when what proves them, or all of it, changes.

Each holds a link by which whoever reads mail there takes the change back.
"""

import logging
from collections.abc import Iterator, Sequence
from typing import Final

from avow.desk.links import Links
from avow.desk.notices import Notices
from avow.desk.room import Room, row
from avow.errors import AvowError, Refused, Unavailable
from avow.mail import notices as words
from avow.practices.holding import HOLD
from avow.practices.owing import NoticeKind
from avow.vault.lookup import same_mailbox

AT_ONCE: Final = 12  # people that one link stands for: a token has 512 characters at most

log = logging.getLogger("avow.desk")


class Warnings:
    """For one site."""

    def __init__(self, room: Room, notices: Notices, links: Links) -> None:
        self._room = room
        self._notices = notices
        self._links = links

    async def changed(
        self, changes: Sequence[tuple[str, int]], category: str, new: str, *, resumed: bool = False
    ) -> None:
        """A contact of this category was changed to this value: of whom, and when. The changes must not stand where this
        raises: `Unavailable` where a notice to an address from before could not be sent, `Refused` where it may not be.

        `resumed`: a process died over it. What is known to have gone goes to nobody again, and what may have goes once more.
        """
        for some in _parts(changes):
            (who, at), pairs = some[0], [(row(one), moment + HOLD) for one, moment in some]
            link = self._link(self._links.call_off(pairs))
            notice = words.contact_changed(self._room.policy, category, at=at, undo=link, until=pairs[-1][1])
            people = [one for one, _ in some]
            cause = f"{category} {who} {at}"
            lacking = await self._everywhere(people, NoticeKind.CONTACT_CHANGED, cause, notice, resumed=resumed)
            for error in (one for address, one in lacking if not same_mailbox(address, new)):
                if isinstance(error, Refused):
                    raise Refused(
                        error.promises, "the notice of the change may not be sent to who opted out; opt in first"
                    )
                raise Unavailable("the notice of the change could not be sent, so nothing was changed; try again")

    async def leaving(self, wishes: Sequence[tuple[str, int]]) -> None:
        """These people will be erased, and when. That is not held up by a notice which does not go."""
        for some in _parts(wishes):
            who, due = some[0]
            link = self._link(self._links.stay([(row(one), moment) for one, moment in some]))
            notice = words.erasure_planned(self._room.policy, due=due, undo=link)
            await self._everywhere([one for one, _ in some], NoticeKind.ERASURE_PLANNED, f"{who} {due}", notice)

    def _link(self, token: str) -> str:
        return f"{self._notices.centre}/undo/{token}" if self._notices.centre else ""

    async def _everywhere(
        self, people: Sequence[str], kind: NoticeKind, cause: str, notice: words.Notice, *, resumed: bool = False
    ) -> list[tuple[str, Exception]]:
        """One to each address; one that does not go keeps none of the others. Those that did not, and why."""
        if not self._notices.possible:
            return []
        lacking: list[tuple[str, Exception]] = []
        for address, who in (await self._addresses(people)).items():
            due = await self._due(who, kind, cause, address) if resumed else cause
            if due is None:
                continue
            try:
                async with self._notices.owed(who, kind, due, to=address) as begun:
                    if begun is None:
                        lacking.append((address, Refused((), "no promise lets such a notice be sent")))
                        continue
                    await self._notices.hand_over(begun)
                await self._notices.notify(begun, notice)
            except (AvowError, OSError) as error:
                log.warning("a notice owed could not be sent: %s", type(error).__name__)
                lacking.append((address, error))
        return lacking

    async def _due(self, who: str, kind: NoticeKind, cause: str, address: str) -> str | None:
        """For what cause the notice goes to an address after a crash; None where it went."""
        for one in (cause, f"{cause} once more"):
            state = await self._room.shop.owing.state(row(who), kind, one, address)
            if state in ("sent", "bounced"):
                return None
            if state != "handing":  # one that may have gone out never goes again under its own name
                return one
        return cause

    async def _addresses(self, people: Sequence[str]) -> dict[str, str]:
        """Every address of theirs, each mailbox once, and whose it is."""
        found: dict[str, str] = {}
        for who in people:
            for address in await self._room.shop.owing.contacts(row(who)):
                if not any(same_mailbox(address, other) for other in found):
                    found[address] = who
        return found


def _parts(several: Sequence[tuple[str, int]]) -> Iterator[Sequence[tuple[str, int]]]:
    return (several[at : at + AT_ONCE] for at in range(0, len(several), AT_ONCE))
