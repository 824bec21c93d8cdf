"""After a crash, finish what was begun; after a restore, narrow again what had been narrowed. Before serving.

The journal beside the keystore is the truth about narrowing: it is never restored from a backup. A database says with
a note (`REPLAYED`) up to which entry it is true to the journal; a backup carries that note along, so that whatever
database is opened, every later entry is done again. Replaying is idempotent, so it may itself be interrupted.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from avow.decide.facts import Circumstances, add, drop
from avow.decide.history import ended as over
from avow.decide.request import Allow, Request
from avow.errors import KeyGone, Tampered
from avow.gate import Act, Actor, Entry, Gate, Journal
from avow.policy.model import RIGHTS_PURPOSE, SITE
from avow.practices.agreeing import hold, mark, put_consent, put_request, without
from avow.practices.answering import agreed_since, decline_again, untell_again
from avow.practices.disclosed import REVOKED, cases, written
from avow.practices.ending import CREDITING, ERASURE, find_by
from avow.rows import outlives, unpack
from avow.store.interface import Subject, Suppression, Transaction

Fields = Mapping[str, str | int]
REPLAYED: Final = "replayed"  # the note: the number of the newest entry of the journal that the database is true to
_ANSWERS: Final = ("declined", "agreed", "untold")  # of them, and of the pairs above, the newest counts
_RECOVERER = Actor(SITE, "recovery", standing=True)
_WIDENS: Final = {"opt-in": "opt-out", "contact-again": "do-not-contact"}  # what each of them takes back

log = logging.getLogger("avow.recovery")


@dataclass(frozen=True, slots=True)
class Recovered:
    """How many acts had to be finished or done again.

    `skipped` could not be, as the rows of their people were changed outside: nobody reads those either, and they are
    tried again at every start.
    """

    erasures: int
    endings: int
    narrowings: int
    skipped: int = 0


class _NothingToDo(Exception):
    """The database is as it must be already: rolls back an act that would change nothing."""


class Unfinished:
    """The journal as the practices write it. It remembers what was begun there and is not marked done."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.erasures: dict[str, set[str]] = {}  # subject -> keys
        self.credits: dict[str, set[str]] = {}  # the same, of clicks that go with their commission or not at all
        self.endings: dict[str, str] = {}  # key -> subject

    def append(self, kind: str, fields: Fields) -> int:
        """Add an entry; its number."""
        number = self._journal.append(kind, fields)
        self._see(kind, fields)
        return number

    def entries(self) -> Iterator[Entry]:
        """All entries, oldest first."""
        return self._journal.entries()

    def load(self, entries: Iterable[Entry]) -> None:
        """Take up what was begun before this process."""
        for entry in entries:
            self._see(entry.kind, entry.fields)

    def _see(self, kind: str, fields: Fields) -> None:
        if kind in (ERASURE, CREDITING):
            begun = self.erasures if kind == ERASURE else self.credits
            begun.setdefault(str(fields["subject"]), set()).update(str(fields["keys"]).split())
        elif kind == "erased":
            self.erasures.pop(str(fields["subject"]), None)
            self.credits.pop(str(fields["subject"]), None)
        elif kind == "ending":
            self.endings[str(fields["key"])] = str(fields["subject"])
        elif kind == "ended":
            for key in str(fields["keys"]).split():
                self.endings.pop(key, None)


class Recovery:
    """For one site."""

    def __init__(self, gate: Gate, unfinished: Unfinished) -> None:
        self._gate = gate
        self._unfinished = unfinished
        self._skipped = 0
        self._which = "first"  # journal

    async def settle(self) -> Recovered:
        """Finish erasures and endings that were begun and not marked done: at every start, and while serving, where
        a disk or database failed in the middle of one. Those under way are waited for, by their people's locks.
        """
        erasures = endings = 0
        for subject in list(self._unfinished.credits):
            await self._credit(subject)
        for subject, keys in list(self._unfinished.erasures.items()):
            await self._erase(subject, keys, "erase")
            self._unfinished.append("erased", {"subject": subject})
            erasures += 1
        for key, subject in list(self._unfinished.endings.items()):
            if await self._uses(bytes.fromhex(subject), bytes.fromhex(key)):
                # The database never committed the ending: nobody was told that the data ended, and they stay.
                self._unfinished.endings.pop(key, None)
                continue
            self._gate.keys.destroy((bytes.fromhex(key),))
            self._unfinished.append("ended", {"keys": key})
            endings += 1
        return Recovered(erasures, endings, 0)

    async def replay(self, entries: Sequence[Entry]) -> Recovered:
        """Do every narrowing again that the journal has and the database does not know of; after `settle`."""
        self._skipped = erasures = endings = narrowings = 0
        later = entries[await self._noted(entries) :]
        done = {str(entry.fields["subject"]) for entry in entries if entry.kind == "erased"}
        ended = {key for entry in entries if entry.kind == "ended" for key in str(entry.fields["keys"]).split()}
        for entry in later:  # first: what narrowed before an erasure is of no use to a person whose key is gone
            if entry.kind in (ERASURE, CREDITING) and entry.fields["subject"] in done:
                subject, keys = str(entry.fields["subject"]), set(str(entry.fields["keys"]).split())
                erasures += await self._erase(subject, keys, "restore")  # its erasure is on record already
        for entry in _last_words(later):
            if entry.kind == "ending":
                endings += entry.fields["key"] in ended and await self._end(entry)
            else:
                narrowings += await self._narrow(entry)
        if self._skipped:
            log.error("%d narrowings could not be done again: the rows of their people were changed outside",
                      self._skipped)  # fmt: skip
        return Recovered(erasures, endings, narrowings, self._skipped)

    async def remember(self, entries: Sequence[Entry]) -> None:
        """Believe no older row of those who were narrowed, before anything is read: an act on such a row would write it
        anew. What came after the note is narrowed again by `replay`, and held then.
        """
        for subject, version in versions(entries[: await self._noted(entries)]).items():
            self._gate.hold(subject, version)

    async def _noted(self, entries: Sequence[Entry]) -> int:
        """The number of the newest entry that the database says it is true to; 0 when it speaks of another journal."""
        async with self._gate.store.transaction() as tx:
            which, _, number = (await tx.note(REPLAYED) or "").partition(" ")
        self._which = _which(entries)
        return int(number) if which == self._which and number.isdecimal() else 0

    async def replayed(self, number: int) -> None:
        """Let the database know that it is true to the journal up to this entry. Only while nobody is served: what is
        journalled must be committed, or a backup could hold the note without the act.
        """
        async with self._gate.store.transaction() as tx:
            await tx.set_note(REPLAYED, f"{self._which} {number}")

    async def _credit(self, subject: str) -> None:
        """A click of which a sale was to be credited goes at last, if that was committed. If not, it stays: the commission
        was in the same transaction, and the sale is told of again.
        """
        async with self._gate.store.transaction() as tx:  # one that is under way is waited for
            (row,) = await tx.subjects((bytes.fromhex(subject),), "change")
        keys = self._unfinished.credits.pop(subject, None)
        if keys is not None and (row is None or row.state == "erased"):
            self._unfinished.erasures.setdefault(subject, set()).update(keys)

    async def _erase(self, subject: str, keys: set[str], kind: str) -> bool:
        """Erase, again or at last; `kind` is the word for the record, which has each erasure once. True if the person
        stood here. The keys are destroyed either way; that is what counts.
        """
        doomed = set(keys)

        async def apply(tx: Transaction) -> None:
            row = (await tx.subjects((bytes.fromhex(subject),), "change"))[0]
            if row is None or row.state == "erased":
                raise _NothingToDo
            if newer := self._doomed(row) - doomed:  # made after an erasure that failed
                doomed.update(newer)
                told: Fields = {"subject": subject, "keys": " ".join(sorted(doomed)), "at": self._gate.now()}
                self._unfinished.append(ERASURE, told)
            await tx.drop_subject(row.subject)

        again = True
        try:  # the person's own key may be gone, so the record of this is one without a face
            await self._gate.note(kind, apply, "recovery")
        except _NothingToDo:
            again = False
        self._gate.keys.destroy(_ids(sorted(doomed)))
        return again

    def _doomed(self, row: Subject) -> set[str]:
        """The keys that the person's row names, but only if it is as it was written: else it could name others'."""
        try:
            self._gate.standing(row, self._gate.now())
        except (Tampered, KeyGone):
            return set()
        return {key.hex() for name, key in unpack(row.keys).items() if not outlives(name)}

    async def _end(self, entry: Entry) -> bool:
        """Remove data whose key was destroyed when they ended, and destroy it here too. True if they stood here."""
        subject, key = (bytes.fromhex(str(entry.fields[name])) for name in ("subject", "key"))
        used = await self._uses(subject, key)
        changed = used and await self._change(subject, lambda act: _forget(act, key))
        self._gate.keys.destroy((key,))
        return changed

    async def _uses(self, subject: bytes, key: bytes) -> bool:
        row = await self._live(subject)
        return row is not None and key in unpack(row.keys).values()

    async def _narrow(self, entry: Entry) -> bool:
        fields = entry.fields
        at = int(fields.get("at", 0))
        if entry.kind in ("do-not-contact", "contact-again"):
            channel, hidden = str(fields["channel"]), bytes.fromhex(str(fields["hash"]))
            async with self._gate.store.transaction() as tx:
                if await tx.suppressed(channel, hidden) == (entry.kind == "do-not-contact"):
                    return False
                if entry.kind == "do-not-contact":
                    await tx.suppress(Suppression(channel, hidden, at))
                else:
                    await tx.unsuppress(channel, hidden)
            return True
        if entry.kind not in _NARROW:
            return False
        subject = bytes.fromhex(str(fields["subject"]))
        row = await self._live(subject)
        if row is None:
            return False
        changed = await self._change(subject, lambda act: _NARROW[entry.kind](act, fields))
        if row := await self._live(subject):  # whatever it had been: no older row is believed from now on
            hold(self._gate, self._unfinished, subject, row.version)
        return changed

    async def _change(self, subject: bytes, apply: Callable[[Act], Awaitable[None]]) -> bool:
        """Apply and record, if it changes anything; whether it did."""

        async def once(act: Act) -> None:
            before = act.facts, dict(act.keys), len(act.changed)
            await apply(act)
            if (act.facts, act.keys, len(act.changed)) == before:
                raise _NothingToDo

        ask = Request("erase", SITE, RIGHTS_PURPOSE, ())
        circumstances = Circumstances(standing=True)
        try:
            await self._gate.change(subject, ask, _RECOVERER, circumstances, once, rule=Allow(()), kind="restore")
        except _NothingToDo:
            return False
        except (Tampered, KeyGone):
            self._skipped += 1
            return False
        return True

    async def _live(self, subject: bytes) -> Subject | None:
        """The row of a living person."""
        async with self._gate.store.transaction() as tx:
            row = (await tx.subjects((subject,)))[0]
        return row if row is not None and row.state == "live" else None


def restoring(entries: Iterable[Entry]) -> bool:
    """Whether a restore was begun and is not marked done."""
    begun = False
    for entry in entries:
        if entry.kind in ("restore", "restored"):
            begun = entry.kind == "restore"
    return begun


def versions(entries: Iterable[Entry]) -> dict[bytes, int]:
    """People whose rows were narrowed since the last restore, and the version that came of it last: a database that was
    put back by hand was narrowed again at a lower one.
    """
    since: dict[bytes, int] = {}
    for entry in entries:
        if entry.kind == "restore":
            since = {}  # the backup's rows are older, and rightly so
        elif entry.kind == "standing":
            since[bytes.fromhex(str(entry.fields["subject"]))] = int(entry.fields["version"])
    return since


def suppressed(entries: Iterable[Entry]) -> set[tuple[str, bytes]]:
    """Channel and hash of every do-not-contact entry that stands, by the journal: the database may have lost some."""
    standing: set[tuple[str, bytes]] = set()
    for entry in entries:
        if entry.kind in ("do-not-contact", "contact-again"):
            one = str(entry.fields["channel"]), bytes.fromhex(str(entry.fields["hash"]))
            (standing.add if entry.kind == "do-not-contact" else standing.discard)(one)
    return standing


async def _withdraw(act: Act, fields: Fields) -> None:
    """End what was agreed up to then; what was agreed to anew after it stands."""
    about, at = fields["about"], int(fields["at"])
    consents = [consent for consent in await act.tx.consents(act.row.subject) if mark(consent.about) == about]
    ended = [consent for consent in consents if consent.withdrawn is None and consent.given <= at]
    for consent in ended:
        await put_consent(act, consent._replace(withdrawn=at))
    if ended and not any(consent.withdrawn is None for consent in consents if consent not in ended):
        act.facts = over(act.facts, ended[0].about)


async def _close(act: Act, fields: Fields) -> None:
    requests = await act.tx.requests(act.row.subject)
    for one in requests:
        if one.row.hex() == fields["row"] and one.closed is None:
            await put_request(act, one._replace(closed=int(fields["at"])))
            act.facts = without(act.facts, one, requests)


async def _opt_out(act: Act, fields: Fields) -> None:
    act.facts = add(act.facts, f"opt-out/{fields['channel']}")


async def _opt_in(act: Act, fields: Fields) -> None:
    act.facts = drop(act.facts, f"opt-out/{fields['channel']}")


async def _revoke(act: Act, fields: Fields) -> None:
    act.facts = add(act.facts, f"{REVOKED}/{fields['row']}@{fields['until']}")


async def _end_case(act: Act, fields: Fields) -> None:
    """A case that served, or was closed, since the backup serves nobody again."""
    for row, one in cases(await act.tx.held(act.row.subject), act.open):
        if one.id.hex() == fields["row"] and one.state not in ("used", "closed"):
            ended = written(one._replace(state="closed"))
            await act.tx.put([act.seal(row._replace(version=row.version + 1), ended)])


async def _decline(act: Act, fields: Fields) -> None:
    await decline_again(act, bytes.fromhex(str(fields["version"])))


async def _agreed(act: Act, fields: Fields) -> None:
    await agreed_since(act, bytes.fromhex(str(fields["version"])))


async def _untold(act: Act, fields: Fields) -> None:
    await untell_again(act, bytes.fromhex(str(fields["version"])))


_NARROW: Final[Mapping[str, Callable[[Act, Fields], Awaitable[None]]]] = {
    "withdrawal": _withdraw,
    "closed": _close,
    "opt-out": _opt_out,
    "opt-in": _opt_in,
    "revoked": _revoke,
    "case-over": _end_case,
    "declined": _decline,
    "agreed": _agreed,
    "untold": _untold,
}


async def _forget(act: Act, key: bytes) -> None:
    """Remove the data that this key sealed, and the key's name."""
    ended = {name for name, held in act.keys.items() if held == key}
    rows = [datum for datum in await act.tx.held(act.row.subject) if datum.kept_as in ended]
    await act.remove(rows)
    await find_by(act, await act.tx.held(act.row.subject), {datum.category for datum in rows})
    act.keys = {name: held for name, held in act.keys.items() if name not in ended}


def _which(entries: Sequence[Entry]) -> str:
    """What tells a journal from another one that was begun in its place: its numbers begin anew."""
    return str(entries[0].fields["journal"]) if entries and entries[0].kind == "begun" else "first"


def _last_words(entries: Iterable[Entry]) -> list[Entry]:
    """Without what a later entry takes back: an opt-out before an opt-in need not be done to be undone."""
    last: dict[tuple[object, ...], Entry] = {}
    for entry in entries:
        both = entry.kind in _WIDENS or entry.kind in _WIDENS.values() or entry.kind in _ANSWERS
        told = sorted((name, value) for name, value in entry.fields.items() if not (both and name == "at"))
        key = (_WIDENS.get(entry.kind, entry.kind), *told)
        last.pop(key, None)  # in the order of the last words: a later one may take back another
        last[key] = entry
    return list(last.values())


def _ids(keys: Iterable[str]) -> list[bytes]:
    return [bytes.fromhex(key) for key in keys]
