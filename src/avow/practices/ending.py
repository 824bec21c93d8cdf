"""The end of data: what is past its promised time goes, by the clock or by the event it waited for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from avow.decide.facts import Circumstances
from avow.decide.request import Allow, Request
from avow.errors import UnknownWord
from avow.gate import Act, Actor, Gate, Journal
from avow.policy.model import RIGHTS_PURPOSE, SITE, Keep
from avow.policy.retention import rule
from avow.store.interface import Datum

BATCH: Final = 1000
NOTE: Final = "last-sweep"


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep did: data that were due, keys destroyed with them, rows of erased people removed."""

    data: int
    keys: int
    purged: int


class Ending:
    """For one site."""

    def __init__(self, gate: Gate, journal: Journal) -> None:
        self._gate = gate
        self._journal = journal
        self._site = Actor(SITE, "site", standing=True)

    async def sweep(self) -> Swept:
        """Erase everything that is past its term, and what erased people left. Idempotent; safe to stop anywhere.

        The gate already refuses a due datum from the millisecond after; a sweep makes its bytes unreadable too.
        """
        data = keys = purged = 0
        now = self._gate.now()
        while due := await self._due(now):
            gone, destroyed = await self._end(due)
            data, keys = data + gone, keys + destroyed
        while True:
            async with self._gate.store.transaction() as tx:
                removed = await tx.purge(BATCH)
            purged += removed
            if not removed:
                break
        async with self._gate.store.transaction() as tx:
            await tx.set_note(NOTE, str(now))
        await self._gate.store.scrub()
        return Swept(data, keys, purged)

    async def happened(self, event: str) -> Swept:
        """The event that some data were kept for has come: they go now."""
        known = {c.until for p in self._gate.policy.promises for c in p.clauses if isinstance(c, Keep) and c.until}
        if event not in known:
            words = ", ".join(f"`{name}`" for name in sorted(known)) or "no event"
            raise UnknownWord(f"the policy keeps nothing until `{event}`; it waits for {words}")
        data = keys = 0
        while True:
            async with self._gate.store.transaction() as tx:
                waiting = await tx.awaiting(event, BATCH)
            if not waiting:
                break
            gone, destroyed = await self._end(waiting)
            data, keys = data + gone, keys + destroyed
        await self._gate.store.scrub()
        return Swept(data, keys, 0)

    async def _due(self, now: int) -> list[Datum]:
        async with self._gate.store.transaction() as tx:
            return await tx.due(now, BATCH)

    async def _end(self, data: Sequence[Datum]) -> tuple[int, int]:
        """Remove these rows person by person, each with its record; then the keys that seal nothing any more."""
        people: dict[bytes, list[Datum]] = {}
        for datum in data:
            people.setdefault(datum.subject, []).append(datum)
        doomed: list[bytes] = []
        for subject, rows in people.items():
            doomed += await self._end_of(subject, rows)
        if doomed:
            self._gate.keys.destroy(doomed)
            self._journal.append("ended", {"keys": " ".join(key.hex() for key in doomed)})
        return len(data), len(doomed)

    async def _end_of(self, subject: bytes, rows: list[Datum]) -> list[bytes]:
        async def apply(act: Act) -> list[bytes]:
            await act.remove(rows)
            left = await act.tx.held(subject)
            for category in {datum.category for datum in rows} - {datum.category for datum in left}:
                await act.tx.drop_lookups(subject, category)
            ended = {datum.kept_as for datum in rows} - {datum.kept_as for datum in left} - {"ordinary", "record"}
            doomed = [act.keys.pop(name) for name in sorted(ended) if name in act.keys]
            for key in doomed:  # named before the commit that forgets them: whoever dies in between destroys them later
                self._journal.append("ending", {"subject": subject.hex(), "key": key.hex(), "at": act.at})
            return doomed

        categories = tuple(sorted({datum.category for datum in rows}))
        ask = Request("erase", SITE, RIGHTS_PURPOSE, categories)
        promises = tuple(sorted({self._promise(datum) for datum in rows} - {""}))
        return await self._gate.change(
            subject, ask, self._site, Circumstances(standing=True), apply, rule=Allow(promises), kind="expire"
        )

    def _promise(self, datum: Datum) -> str:
        found = rule(self._gate.policy, datum.category, datum.form)
        return found[0] if found else ""
