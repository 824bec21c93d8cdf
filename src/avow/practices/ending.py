"""The end of data: what is past its promised time goes, by the clock or by the event it waited for.

With the last of what is held of somebody they go, too, if they never asked for anything and agreed to nothing: a visitor
of whom no more than a click was kept leaves neither keys nor events behind.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from avow.decide.facts import Circumstances
from avow.decide.request import Allow, Request
from avow.errors import KeyGone, Refused, Tampered, UnknownWord
from avow.gate import Act, Actor, Gate, Journal
from avow.policy.model import RIGHTS_PURPOSE, SITE, Keep
from avow.policy.retention import ORDINARY, RECORD, rule
from avow.practices.collecting import index
from avow.practices.holding import ended as hold_ended
from avow.practices.holding import is_old
from avow.practices.shortening import Shortening
from avow.rows import outlives
from avow.store.interface import Datum, LookUp, Transaction

BATCH: Final = 1000
NOTE: Final = "last-sweep"
ERASURE: Final = "erasure"  # entries of the journal, before the database hears of it
CREDITING: Final = "crediting"

log = logging.getLogger("avow.ending")


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep did: data that were due, keys destroyed with them, rows of erased people removed.

    `skipped` data are due and stay, as the rows of their people were changed outside: nobody reads them either.
    """

    data: int
    keys: int
    purged: int
    skipped: int = 0


class Ending:
    """For one site."""

    def __init__(self, gate: Gate, journal: Journal) -> None:
        self._gate = gate
        self._journal = journal
        self._shortening = Shortening(gate)
        self._site = Actor(SITE, "site", standing=True)

    async def sweep(self) -> Swept:
        """Erase everything that is past its term, and what erased people left. Idempotent; safe to stop anywhere.

        The gate already refuses a due datum from the millisecond after; a sweep makes its bytes unreadable too.
        """
        now = self._gate.now()
        await self._shortening.carry_on()
        ended = await self._all(lambda tx, limit: tx.due(now, limit))
        purged = await self._purge()
        async with self._gate.store.transaction() as tx:
            await tx.set_note(NOTE, str(now))
        await self._gate.store.scrub()
        return replace(ended, purged=purged)

    async def _purge(self) -> int:
        """What erased people left. Filed first: who looks for the events of each among all that are not, does so anew."""
        filing = True
        while filing:
            async with self._gate.store.transaction() as tx:
                filing = await tx.file(BATCH)
        purged = 0
        while True:
            async with self._gate.store.transaction() as tx:
                removed = await tx.purge(BATCH)
            purged += removed
            if not removed:
                return purged

    async def happened(self, event: str) -> Swept:
        """The event that some data were kept for has come: they go now."""
        known = {c.until for p in self._gate.policy.promises for c in p.clauses if isinstance(c, Keep) and c.until}
        if event not in known:
            words = ", ".join(f"`{name}`" for name in sorted(known)) or "no event"
            raise UnknownWord(f"the policy keeps nothing until `{event}`; it waits for {words}")
        ended = await self._all(lambda tx, limit: tx.awaiting(event, limit))
        await self._gate.store.scrub()
        return ended

    async def _all(self, more: Callable[[Transaction, int], Awaitable[list[Datum]]]) -> Swept:
        """End all data that `more` answers with, batch by batch. What cannot be ended holds nothing else up."""
        data = keys = 0
        stuck: set[tuple[bytes, bytes]] = set()
        while True:
            async with self._gate.store.transaction() as tx:
                found = await more(tx, BATCH + len(stuck))
            batch = [datum for datum in found if (datum.subject, datum.row) not in stuck]
            if not batch:
                break
            destroyed, left = await self._end(batch)
            stuck |= {(datum.subject, datum.row) for datum in left}
            data, keys = data + len(batch) - len(left), keys + destroyed
        if stuck:
            people = len({subject for subject, _ in stuck})
            log.error("%d data of %d people are past their term and stay: their rows were changed outside", len(stuck),
                      people)  # fmt: skip
        return Swept(data, keys, 0, len(stuck))

    async def _end(self, data: Sequence[Datum]) -> tuple[int, list[Datum]]:
        """Remove these rows person by person, each with its record; then the keys that seal nothing any more.

        How many keys, and the rows that stay as those of the person are not what they must be.
        """
        people: dict[bytes, list[Datum]] = {}
        for datum in data:
            people.setdefault(datum.subject, []).append(datum)
        doomed: list[bytes] = []
        gone: dict[bytes, list[bytes]] = {}  # who went with the last of their data, and the keys they had
        left: list[Datum] = []
        try:
            for subject, rows in people.items():
                try:
                    keys, whole = await self._end_of(subject, rows)
                except (Tampered, KeyGone):
                    left += rows
                except Refused:  # nobody is held any more: erased a moment ago
                    continue
                else:
                    doomed += keys
                    gone |= {subject: keys} if whole else {}
        finally:  # also for those who went before a disk filled up: their data are gone
            self._destroy(doomed, gone)
        return len(doomed), left

    def _destroy(self, doomed: list[bytes], gone: Mapping[bytes, list[bytes]]) -> None:
        if not doomed:
            return
        self._gate.keys.destroy(doomed)
        for subject in gone:
            self._journal.append("erased", {"subject": subject.hex()})
        theirs = {key for keys in gone.values() for key in keys}
        if ended := [key for key in doomed if key not in theirs]:
            self._journal.append("ended", {"keys": " ".join(key.hex() for key in ended)})

    async def _end_of(self, subject: bytes, rows: list[Datum]) -> tuple[list[bytes], bool]:
        """The keys that are to be destroyed, and whether the person went with them."""

        async def apply(act: Act) -> tuple[list[bytes], bool]:
            await act.remove(rows)
            left = await act.tx.held(subject)
            if not left and await _asked_nothing(act):
                return await forget(act, self._journal), True
            await find_by(act, left, {datum.category for datum in rows})
            act.facts = hold_ended(act.facts, act.at)
            ended = (
                act.keys.keys() - {datum.kept_as for datum in left} - {ORDINARY, RECORD}
            )  # and what sealed them before
            doomed = [act.keys.pop(name) for name in sorted(ended)]
            for key in doomed:  # named before the commit that forgets them: whoever dies in between destroys them later
                self._journal.append("ending", {"subject": subject.hex(), "key": key.hex(), "at": act.at})
            return doomed, False

        categories = tuple(sorted({datum.category for datum in rows}))
        ask = Request("erase", SITE, RIGHTS_PURPOSE, categories)
        promises = tuple(sorted({self._promise(datum) for datum in rows} - {""}))
        return await self._gate.change(
            subject, ask, self._site, Circumstances(standing=True), apply, rule=Allow(promises), kind="expire"
        )

    def _promise(self, datum: Datum) -> str:
        found = rule(self._gate.policy, datum.category, datum.came().form)
        return found[0] if found else ""


async def _asked_nothing(act: Act) -> bool:
    """Whether the person never asked for anything, agreed to nothing and opted out of nothing."""
    subject = act.row.subject
    return not (
        hold_ended(act.facts, act.at) or await act.tx.requests(subject) or await act.tx.consents(subject)
        or await act.tx.messages_of(subject)
    )  # fmt: skip


async def forget(act: Act, journal: Journal, kind: str = ERASURE) -> list[bytes]:
    """Let the person go, inside an act: nothing of them is left but what outlives an erasure. The keys to be destroyed
    once it is committed, and then journalled as `erased`; whoever dies in between does so at the next start. `kind`:
    `CREDITING` where they must stay if the act was never committed, as something else in it would be lost with them.
    """
    doomed = [key for name, key in act.keys.items() if not outlives(name)]
    ids = " ".join(sorted(key.hex() for key in doomed))
    journal.append(kind, {"subject": act.row.subject.hex(), "keys": ids, "at": act.at})
    await act.tx.drop_subject(act.row.subject)
    act.gone = True
    return doomed


async def find_by(act: Act, held: Sequence[Datum], categories: Iterable[str]) -> None:
    """Of these categories, let the person be found by the values still held, and by nothing else."""
    for category in sorted(categories):
        await act.tx.drop_lookups(act.row.subject, category)
        known = act.gate.policy.categories.get(category)
        if known is None or not known.look_up:
            continue
        hashes: set[bytes] = set()
        for datum in held:
            if datum.category == category and not is_old(datum):
                with suppress(Tampered, KeyGone):  # what does not open finds nobody
                    hashes.add(index(act.gate.keys, known.term, category, act.open(datum)))
        await act.tx.put_lookups([LookUp(category, one, act.row.subject) for one in sorted(hashes)])
