"""Notices of a new version, sent by the site itself: page by page, gone on with after whatever cut it off.

What was sent is remembered with each person before it goes, so nobody is told twice and nobody is left out. A message of
which nobody knows whether it went stays so, never goes again, and tells nobody.
"""

import asyncio
import logging
from collections import Counter
from contextlib import suppress
from typing import Final

from avow.desk.interface.changing import Progress
from avow.desk.notices import Notices
from avow.desk.room import Room
from avow.errors import AvowError, Denied, Refused
from avow.mail.notices import new_use
from avow.policy.retention import DAY_MS, midnight
from avow.practices.owing import NoticeKind, cause
from avow.practices.telling import One, Owed, Telling, owed

STOP: Final = 8  # notices in a row that the mail server does not take: then the rest waits for the next round
EVERY: Final = 600.0  # seconds between two rounds

log = logging.getLogger("avow.desk")


class NewVersions:
    """For one site. `every`: seconds between two rounds."""

    def __init__(self, room: Room, notices: Notices, *, every: float = EVERY) -> None:
        self._shop = room.shop
        self._notices = notices
        self._every = every
        self._telling: Telling = room.shop.telling
        self._counts: dict[str, Counter[str]] = {}
        self._sending = ""
        self._failed = 0  # notices in a row
        self._wake = asyncio.Event()
        self._round = asyncio.Lock()

    async def run(self) -> None:
        """A round so often, and one at once when a version is published, until cancelled."""
        while True:
            try:
                await self.round()
            except AvowError as error:  # the next round goes on
                log.error("telling people of a new version was cut off: %s", type(error).__name__)  # noqa: TRY400 - a trace could tell values
            self._wake.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._every)

    def wake(self) -> None:
        """Begin a round now."""
        self._wake.set()

    async def round(self) -> None:
        """Send what is owed and was not sent; say of whom it came to nothing, or to something."""
        async with self._round:
            for one in self._owed():
                counts: Counter[str] = Counter()
                self._failed = 0
                self._sending = one.version
                for category in one.categories:
                    after: bytes | None = b""
                    while after is not None:
                        people, after = await self._telling.page(one, category, after)
                        for somebody in people:
                            counts[await self._dealt(one, somebody)] += 1
                self._counts[one.version], self._sending = counts, ""

    def progress(self) -> list[Progress]:
        """How far it was at the end of the newest round, for each version that people are owed a notice of."""
        out: list[Progress] = []
        for one in self._owed():
            counts = self._counts.get(one.version, Counter())
            out.append({
                "digest": one.new.digest.hex(), "version": one.new.version.isoformat(), "people": counts.total(),
                "told": counts["told"], "waiting": counts["waiting"], "returned": counts["returned"],
                "unknown": counts["unknown"], "refused": counts["refused"], "left": counts["left"],
                "sending": self._sending == one.version,
            })  # fmt: skip
        return out

    def _owed(self) -> list[Owed]:
        return owed(self._shop.publishing.policies())

    async def _dealt(self, one: Owed, somebody: One) -> str:
        """What has become of the notice to somebody, once all is done that can be done now."""
        if somebody.due:
            return await self._telling.settle(one, somebody.subject)
        if somebody.state == "left" and self._failed < STOP:
            came = await self._sent(one, somebody.subject)
            self._failed = self._failed + 1 if came == "left" else 0
            return came
        return somebody.state

    async def _sent(self, one: Owed, subject: bytes) -> str:
        if not self._notices.possible:
            return "left"
        async with self._notices.owed(subject.hex(), NoticeKind.NEW_USE, cause(one.new.digest, subject)) as begun:
            if begun is None:
                return "refused"
            try:
                await self._notices.hand_over(begun)
            except (Refused, Denied):
                return "refused"
        new = [name for name in one.new.purposes if name not in one.old.purposes]
        notice = new_use(
            one.new, new, since=midnight(one.new.version), days=one.bounce // DAY_MS, promises=one.promises,
            centre=f"{self._notices.centre}/changes/{one.new.digest.hex()}",
        )  # fmt: skip
        try:
            await self._notices.notify(begun, notice)
        except OSError:  # the next round tries again what did not go; what may have gone stays unknown
            return "left"
        return "waiting"
