"""A newer version keeps something less long: what is held already gets that shorter term, and the sweep does the rest.

The gate refuses what is out of time by any version since it came, from the first moment on (docs/policy-language.md, 7.6).
Here each datum is sealed anew under its new term, once, person by person in transactions of their own; a note says how far
that has come, so it may be stopped anywhere.
"""

import logging
from typing import Final

from avow.decide.facts import Circumstances
from avow.decide.request import Allow, Request
from avow.errors import KeyGone, Refused, Tampered
from avow.gate import Act, Actor, Gate
from avow.policy.model import RIGHTS_PURPOSE, SITE
from avow.policy.retention import awaited, day
from avow.practices.disclosed import own
from avow.practices.holding import is_old
from avow.rows import outlives
from avow.store.interface import Datum

PAGE: Final = 500  # people looked at in one transaction
NOTE: Final = "shortened"  # the version in force, and how far: category and the id of the last person, or `done`
_DONE: Final = "done"
_SITE: Final = Actor(SITE, "site", standing=True)

log = logging.getLogger("avow.shortening")


class Shortening:
    """For one site."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._categories = gate.history.cut()

    async def carry_on(self) -> int:
        """Go on where it was left, to the end; how many people's data got a shorter term."""
        if not self._categories:
            return 0
        category, after = await self._left()
        if category == _DONE:
            return 0
        people = 0
        waiting = False
        for name in self._categories:
            if name < category:
                continue
            done, waits = await self._of_category(name, after if name == category else b"")
            people, waiting = people + done, waiting or waits
        # what waits for an event is looked at again: it may come to its end before the event comes
        await self._note("" if waiting else _DONE, b"")
        return people

    async def _of_category(self, category: str, after: bytes) -> tuple[int, bool]:
        people, waiting = 0, False
        while True:
            async with self._gate.store.transaction() as tx:
                page = await tx.everybody(category, after, PAGE)
            if not page:
                return people, waiting
            at = self._gate.now()
            for row, data in page:
                people += any(self._sooner(datum, at) for datum in data) and await self._shorten(row.subject, category)
                waiting = waiting or any(awaited(datum.kept_as) and self._earlier(datum) for datum in data)
            after = page[-1][0].subject
            await self._note(category, after)

    async def _shorten(self, subject: bytes, category: str) -> bool:
        async def apply(act: Act) -> None:
            for datum in await act.tx.held(subject):
                due = self._sooner(datum, act.at) if datum.category == category else None
                if due is not None:
                    terms = datum.came()._replace(due=due).encode()
                    new = datum._replace(version=datum.version + 1, terms=terms, kept_as=f"due-{day(due)}")
                    await act.tx.put([act.seal(new, act.open(datum))])

        ask, here = Request("erase", SITE, RIGHTS_PURPOSE, (category,)), Circumstances(standing=True)
        try:
            await self._gate.change(subject, ask, _SITE, here, apply, rule=Allow(()), kind="shorten")
        except (Tampered, KeyGone, Refused):  # nobody reads those either, or they are erased meanwhile
            log.error("what is held of somebody could not be given its shorter term; it is refused all the same")  # noqa: TRY400 - a trace could tell values
            return False
        return True

    def _earlier(self, datum: Datum) -> int | None:
        """When it ends now, where that is before the end that it was given."""
        if outlives(datum.kept_as) or own(datum) or is_old(datum):
            return None
        due = self._gate.due(datum)
        return due if due != datum.due else None

    def _sooner(self, datum: Datum, at: int) -> int | None:
        """The same, for what is to be sealed anew now: what waits for an event goes on waiting, as long as it may."""
        due = self._earlier(datum)
        return None if due is None or (awaited(datum.kept_as) and due >= at) else due

    async def _left(self) -> tuple[str, bytes]:
        async with self._gate.store.transaction() as tx:
            version, _, rest = (await tx.note(NOTE) or "").partition(" ")
        if version != self._gate.current.hex():
            return "", b""
        category, _, after = rest.partition(" ")
        return category, bytes.fromhex(after)

    async def _note(self, category: str, after: bytes) -> None:
        async with self._gate.store.transaction() as tx:
            await tx.set_note(NOTE, f"{self._gate.current.hex()} {category} {after.hex()}".rstrip())
