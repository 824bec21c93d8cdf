# ruff: noqa: ARG002, D102, S608 - one writer needs no lock on people; what each method does stands in the contract; statements are put together from constants alone
"""SQLite: the transaction. Every statement is a constant, so that apsw finds it compiled already."""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import count
from operator import attrgetter
from types import TracebackType
from typing import Any, Final, NoReturn, Self

import apsw

from avow.errors import AvowError, OperatorError, Tampered, Unavailable
from avow.store.interface import (
    OUTLIVES,
    UNTIL,
    Clash,
    Consent,
    Datum,
    Leaf,
    Lock,
    LogState,
    LookUp,
    Pending,
    ServiceRequest,
    Subject,
    Suppression,
    Trace,
)
from avow.store.terms import COLLECTED, POLICY, moment
from avow.store.turns import Turns

# -- statements. ?1 is always the site ----------------------------------------------------------------------------

_SUBJECT: Final = "s.subject, s.created, s.keys, s.facts, s.version, CASE s.state WHEN 0 THEN 'live' ELSE 'erased' END"
_DATUM: Final = "d.subject, d.row, d.category, d.kept_as, d.version, d.terms, d.sealed"
_COLLECTED: Final = "substr(d.terms, 17, 8)"
_DUE_AT: Final = "substr(d.terms, 25, 8)"
_LIVING: Final = "EXISTS (SELECT 1 FROM subject s WHERE s.site = d.site AND s.subject = d.subject AND s.state = 0)"

_SUBJECT_OF: Final = f"SELECT {_SUBJECT} FROM subject s WHERE s.site = ?1 AND s.subject = ?2"
_ADD_SUBJECT: Final = "INSERT INTO subject VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0)"
_CHANGE_SUBJECT: Final = (
    "UPDATE subject SET keys = ?3, facts = ?4, version = ?5"
    " WHERE site = ?1 AND subject = ?2 AND version = ?5 - 1 AND state = 0"
)
_END_SUBJECT: Final = (
    "UPDATE subject SET facts = '', version = version + 1, state = 1 WHERE site = ?1 AND subject = ?2 AND state = 0"
)
_FORGET: Final = tuple(
    f"DELETE FROM {table} WHERE site = ?1 AND subject = ?2" for table in ("lookup", "consent", "request")
)
_TO_PURGE: Final = "SELECT subject FROM subject WHERE site = ?1 AND state = 1 LIMIT 1"
_PURGED: Final = "UPDATE subject SET state = 2 WHERE site = ?1 AND subject = ?2"
_PURGE: Final = f"""DELETE FROM datum WHERE site = ?1 AND subject = ?2 AND (category, row) IN
    (SELECT category, row FROM datum WHERE site = ?1 AND subject = ?2 AND kept_as <> '{OUTLIVES}' LIMIT ?3)"""
# an entry that is not in the tree yet stays until it is, without saying of whom it is
_PURGE_EVENT: Final = (
    "DELETE FROM event WHERE ticket = ?2 AND ticket <= (SELECT sequenced FROM log WHERE site = ?1)",
    "UPDATE event SET subject = NULL, sealed = NULL WHERE ticket = ?2 AND site = ?1",
)
_UNFILE: Final = "DELETE FROM filed WHERE site = ?1 AND subject = ?2 AND ticket = ?3"

# A version that does not follow makes the column NULL, which it may not be: so the statement itself refuses.
_PUT: Final = """INSERT INTO datum VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (site, subject, category, row) DO UPDATE SET
    version = CASE WHEN datum.version = excluded.version - 1 THEN excluded.version END,
    kept_as = excluded.kept_as, terms = excluded.terms, sealed = excluded.sealed"""
_REMOVE: Final = "DELETE FROM datum WHERE site = ?1 AND subject = ?2 AND row = ?3"
_HELD: Final = f"SELECT {_DATUM} FROM datum d WHERE d.site = ?1 AND d.subject = ?2"
_DUE: Final = (
    f"SELECT {_DATUM} FROM datum d WHERE d.site = ?1 AND {_DUE_AT} < ?2 AND {_DUE_AT} <> x'ffffffffffffffff'"
    f" AND {_LIVING} ORDER BY {_DUE_AT} LIMIT ?3"
)
_AWAITING: Final = (
    f"SELECT {_DATUM} FROM datum d WHERE d.site = ?1 AND +d.kept_as = '{UNTIL}' || ?2"
    f" AND d.kept_as GLOB '{UNTIL}*' AND {_LIVING} LIMIT ?3"
)
_KEYS_IN_USE: Final = "SELECT DISTINCT kept_as FROM datum WHERE site = ?1 AND subject = ?2"

_PUT_CONSENT: Final = "INSERT OR REPLACE INTO consent VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_CONSENTS: Final = (
    "SELECT subject, row, about, given, withdrawn, policy, sealed FROM consent WHERE site = ?1 AND subject = ?2"
    " ORDER BY given, row"
)
_PUT_REQUEST: Final = "INSERT OR REPLACE INTO request VALUES (?, ?, ?, ?, ?, ?)"
_REQUESTS: Final = (
    "SELECT subject, row, kind, opened, closed FROM request WHERE site = ?1 AND subject = ?2 ORDER BY opened, row"
)
_PUT_LOOKUP: Final = "INSERT OR IGNORE INTO lookup VALUES (?, ?, ?, ?)"
_FIND: Final = (
    "SELECT l.subject FROM lookup l LEFT JOIN subject s ON s.site = l.site AND s.subject = l.subject"
    " WHERE l.site = ?1 AND l.category = ?2 AND l.hash = ?3 ORDER BY s.created, l.subject"
)
_DROP_LOOKUPS: Final = "DELETE FROM lookup WHERE site = ?1 AND subject = ?2 AND category = ?3"
_SUPPRESS: Final = (
    "INSERT INTO suppression VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET since = min(since, excluded.since)"
)
_SUPPRESSED: Final = "SELECT 1 FROM suppression WHERE site = ?1 AND channel = ?2 AND hash = ?3"
_LIVING_COUNT: Final = "SELECT count(*) FROM subject WHERE site = ?1 AND state = 0"
_SUPPRESSIONS: Final = "SELECT channel, hash, since FROM suppression WHERE site = ?1 ORDER BY since, channel, hash"
_UNSUPPRESS: Final = "DELETE FROM suppression WHERE site = ?1 AND channel = ?2 AND hash = ?3"

_RECORD: Final = "INSERT INTO event (ticket, site, event, entry, subject, sealed) VALUES (?, ?, ?, ?, ?, ?)"
_TICKETS_OF: Final = """SELECT ticket FROM filed WHERE site = ?1 AND subject = ?2 UNION ALL SELECT ticket FROM event
WHERE ticket > (SELECT filed FROM log WHERE site = ?1) AND site = ?1 AND subject = ?2"""
_TRACES: Final = (
    f"SELECT subject, event, sealed FROM event WHERE site = ?1 AND subject = ?2 AND ticket IN ({_TICKETS_OF})"
    " ORDER BY ticket"
)
_SOME_OF: Final = f"{_TICKETS_OF} LIMIT ?3"
_PENDING_EVENT: Final = (
    "SELECT 1 FROM event WHERE ticket > (SELECT sequenced FROM log WHERE site = ?1) AND site = ?1 AND event = ?2"
    " AND entry IS NOT NULL LIMIT 1"
)
_PENDING: Final = (
    "SELECT ticket, event, entry FROM event WHERE ticket > (SELECT sequenced FROM log WHERE site = ?1) AND site = ?1"
    " AND ticket <= ?3 AND entry IS NOT NULL ORDER BY ticket LIMIT ?2"
)
_LOG_STATE: Final = "SELECT size, root FROM log WHERE site = ?1"
_MARKS: Final = "SELECT sequenced, filed FROM log WHERE site = ?1"
_MOVE_LOG: Final = "UPDATE log SET size = ?2, root = ?3, sequenced = ?6 WHERE site = ?1 AND size = ?4 AND root = ?5"
_WAITING_UP_TO: Final = (
    "SELECT count(*) FROM event WHERE ticket > ?2 AND ticket <= ?3 AND site = ?1 AND entry IS NOT NULL"
)
_SEQUENCED: Final = (
    "DELETE FROM event WHERE ticket > ?2 AND ticket <= ?3 AND site = ?1 AND subject IS NULL",
    "UPDATE event SET entry = NULL WHERE ticket > ?2 AND ticket <= ?3 AND site = ?1",
)
_LAST_OF: Final = (
    "SELECT ticket FROM event WHERE ticket > ?2 AND ticket <= ?3 AND site = ?1 ORDER BY ticket LIMIT 1 OFFSET ?4"
)
_LAST: Final = "SELECT coalesce(max(ticket), ?2) FROM event WHERE ticket > ?2 AND ticket <= ?3 AND site = ?1"
_FILE: Final = """INSERT OR IGNORE INTO filed SELECT site, subject, ticket FROM event
WHERE ticket > ?2 AND ticket <= ?3 AND site = ?1 AND subject IS NOT NULL ORDER BY subject, ticket"""
_FILED: Final = "UPDATE log SET filed = ?2 WHERE site = ?1"
_MOVE_ON: Final = """UPDATE log SET filed = ?2, sequenced = CASE WHEN EXISTS (SELECT 1 FROM event WHERE
    ticket > log.sequenced AND ticket <= ?2 AND site = ?1 AND entry IS NOT NULL) THEN sequenced ELSE ?2 END
WHERE site = ?1"""

_PUT_POLICY: Final = "INSERT OR IGNORE INTO policy VALUES (?, ?, ?, ?, ?)"
_POLICIES: Final = "SELECT digest, version, source, since FROM policy WHERE site = ?1 ORDER BY since, version, digest"
_SET_NOTE: Final = "INSERT OR REPLACE INTO note VALUES (?, ?, ?)"
_NOTE: Final = "SELECT value FROM note WHERE site = ?1 AND name = ?2"


_FIRST_TWO: Final = (
    "SELECT d.row, d.kept_as, d.version, d.terms, d.sealed FROM datum d"
    " WHERE d.site = ?1 AND d.subject = ?2 AND d.category = ?3 LIMIT 2"
)


@cache
def _newest(categories: int) -> str:
    """The newest datum of each of so many categories of one person.

    Beside `max()` SQLite takes the other columns from the row that holds the maximum (documented with `SELECT`).
    """
    held = ", ".join(f"?{n}" for n in range(3, 3 + categories))
    return (
        f"SELECT {_DATUM}, max({_COLLECTED}) FROM datum d"
        f" WHERE d.site = ?1 AND d.subject = ?2 AND d.category IN ({held}) GROUP BY d.category"
    )


FAR: Final = 10_000  # tickets that a mark may lie behind without being moved on
_NOBODY: Final = None, None  # in the place of subject and trace
PEOPLE: Final = 65_536  # rows of people kept ready: about 30 MB at most
_FAILED: Final = "the disk failed under the database; the process must open it anew"
_new = tuple.__new__  # a NamedTuple out of a row, without the detour over `_make`


class Connection:
    """The one connection, and whose turn it is at it. `broken` says why nothing is served any more, or ""."""

    def __init__(self, db: apsw.Connection) -> None:
        self.db = db
        self.turns = Turns()
        self.broken = ""
        self.site = 0  # the site's number in this file
        self.ticket = 0  # the last one given; a row beyond it was put there by somebody else
        self.people: dict[bytes, Subject] = {}  # rows as they stand: nobody but this connection can change them

    def undo(self) -> None:
        """Roll back, if SQLite has not done so already (a full disk, an I/O error)."""
        self.people.clear()  # some may have been read after they were changed
        try:
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")
        except apsw.Error:
            self.broken = _FAILED


class SqliteTransaction:
    """See `interface.Transaction`. Writes are done at once; nothing here ever waits."""

    __slots__ = ("_at", "_execute", "_site")

    def __init__(self, at: Connection) -> None:
        self._at = at
        self._site = at.site
        self._execute: Callable[..., apsw.Cursor] = at.db.execute

    async def __aenter__(self) -> Self:
        turns = self._at.turns
        if turns.taken:
            await turns.take()
        else:
            turns.taken = True
        try:
            if self._at.broken:
                raise Unavailable(self._at.broken)
            self._execute("BEGIN IMMEDIATE")
        except BaseException as error:  # noqa: BLE001 - whatever it is, the turn is given back and it goes on
            turns.give()
            translated(error)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        at = self._at
        execute, self._execute = self._execute, _ended
        try:
            if error is None:
                execute("COMMIT")
            else:
                at.undo()
        except apsw.Error as failed:
            # After a failed force to disk nobody knows what the disk holds, and a second force may wrongly succeed.
            if not isinstance(failed, apsw.FullError | apsw.BusyError):
                at.broken = _FAILED
            at.undo()
            translated(failed, unknown=bool(at.broken))
        finally:
            at.turns.give()
        if isinstance(error, apsw.Error | UnicodeDecodeError):
            translated(error)

    # -- people and their data

    async def read(
        self, asks: Sequence[tuple[bytes, Sequence[str]]], lock: Lock = "share"
    ) -> list[tuple[Subject | None, list[Datum]]]:
        out: list[tuple[Subject | None, list[Datum]]] = []
        execute, site, known = self._execute, self._site, self._at.people
        for subject, categories in asks:
            person = known.get(subject) or self._subject(subject)
            if person is None or len(categories) != 1:
                out.append((person, [] if person is None else self._newest(subject, categories)))
                continue
            found = execute(_FIRST_TWO, (site, subject, categories[0])).fetchall()
            if len(found) == 1:
                row, kept_as, version, terms, sealed = found[0]
                out.append((person, [_new(Datum, (subject, row, categories[0], kept_as, version, terms, sealed))]))
            else:
                out.append((person, self._newest(subject, categories) if found else []))
        return out

    def _newest(self, subject: bytes, categories: Sequence[str]) -> list[Datum]:
        if not categories:
            return []
        rows = self._execute(_newest(len(categories)), (self._site, subject, *categories))
        data = {row[2]: _new(Datum, row[:7]) for row in rows}
        return [data[category] for category in categories if category in data]

    def _subject(self, subject: bytes) -> Subject | None:
        known = self._at.people.get(subject)
        if known is not None:
            return known
        for row in self._execute(_SUBJECT_OF, (self._site, subject)):
            person: Subject = _new(Subject, row)
            if len(self._at.people) >= PEOPLE:
                self._at.people.clear()
            self._at.people[subject] = person
            return person
        return None

    async def subjects(self, ids: Sequence[bytes], lock: Lock = "share") -> list[Subject | None]:
        if self._execute is _ended:
            self._execute()
        return [self._subject(subject) for subject in ids]

    async def add_subjects(self, subjects: Sequence[Subject]) -> None:
        self._write(_ADD_SUBJECT, ((self._site, *subject[:5]) for subject in subjects))

    async def change_subject(self, subject: Subject) -> None:
        self._at.people.pop(subject.subject, None)
        self._execute(_CHANGE_SUBJECT, (self._site, subject.subject, subject.keys, subject.facts, subject.version))
        if not self._at.db.changes():
            raise Clash(f"the person's row is not live at version {subject.version - 1}; read it under a lock first")

    async def living(self) -> int:
        rows: list[Any] = self._execute(_LIVING_COUNT, (self._site,)).fetchall()
        return int(rows[0][0])

    async def drop_subject(self, subject: bytes) -> None:
        self._at.people.pop(subject, None)
        self._execute(_END_SUBJECT, (self._site, subject))
        for statement in _FORGET:
            self._execute(statement, (self._site, subject))

    async def purge(self, limit: int) -> int:
        removed = 0
        while removed < limit:
            found = self._execute(_TO_PURGE, (self._site,)).fetchall()
            if not found:
                break
            ((subject,),) = found
            self._execute(_PURGE, (self._site, subject, limit - removed))
            removed += self._at.db.changes()
            tickets = self._rows(_SOME_OF, subject, limit - removed)
            for statement in _PURGE_EVENT:
                self._write(statement, ((self._site, ticket) for (ticket,) in tickets))
            self._write(_UNFILE, ((self._site, subject, ticket) for (ticket,) in tickets))
            removed += len(tickets)
            if removed < limit:
                self._execute(_PURGED, (self._site, subject))
        return removed

    async def put(self, data: Sequence[Datum]) -> None:
        if len(data) == 1:
            self._execute(_PUT, (self._site, *data[0]))
        else:
            self._write(_PUT, ((self._site, *datum) for datum in data))

    async def remove(self, rows: Sequence[tuple[bytes, bytes]]) -> None:
        self._write(_REMOVE, ((self._site, *row) for row in rows))

    async def held(self, subject: bytes) -> list[Datum]:
        data: list[Datum] = [_new(Datum, row) for row in self._execute(_HELD, (self._site, subject))]
        data.sort(key=_ROW)  # here: SQLite would copy every value in order to sort
        data.sort(key=_TERMS)
        if data and data[0].terms[POLICY] != data[-1].terms[POLICY]:  # which the terms begin with, before the moment
            data.sort(key=_collected)
        return data

    async def due(self, now: int, limit: int) -> list[Datum]:
        return [_new(Datum, row) for row in self._execute(_DUE, (self._site, moment(now), limit))]

    async def awaiting(self, event: str, limit: int) -> list[Datum]:
        return [_new(Datum, row) for row in self._execute(_AWAITING, (self._site, event, limit))]

    async def keys_in_use(self, subject: bytes) -> set[str]:
        return {name for (name,) in self._execute(_KEYS_IN_USE, (self._site, subject))}

    # -- what people agreed to, asked for, and are found by

    async def put_consent(self, consent: Consent) -> None:
        self._execute(_PUT_CONSENT, (self._site, *consent))

    async def consents(self, subject: bytes) -> list[Consent]:
        return [_new(Consent, row) for row in self._execute(_CONSENTS, (self._site, subject))]

    async def put_request(self, request: ServiceRequest) -> None:
        self._execute(_PUT_REQUEST, (self._site, *request))

    async def requests(self, subject: bytes) -> list[ServiceRequest]:
        return [_new(ServiceRequest, row) for row in self._execute(_REQUESTS, (self._site, subject))]

    async def put_lookups(self, lookups: Sequence[LookUp]) -> None:
        self._write(_PUT_LOOKUP, ((self._site, *lookup) for lookup in lookups))

    async def find(self, category: str, hash: bytes) -> list[bytes]:
        return [subject for (subject,) in self._execute(_FIND, (self._site, category, hash))]

    async def drop_lookups(self, subject: bytes, category: str) -> None:
        self._execute(_DROP_LOOKUPS, (self._site, subject, category))

    async def suppress(self, entry: Suppression) -> None:
        self._execute(_SUPPRESS, (self._site, *entry))

    async def suppressed(self, channel: str, hash: bytes) -> bool:
        return bool(self._execute(_SUPPRESSED, (self._site, channel, hash)).fetchall())

    async def suppressions(self) -> list[Suppression]:
        return [_new(Suppression, row) for row in self._execute(_SUPPRESSIONS, (self._site,))]

    async def unsuppress(self, channel: str, hash: bytes) -> None:
        self._execute(_UNSUPPRESS, (self._site, channel, hash))

    # -- the record

    async def record(self, leaves: Sequence[Leaf], traces: Sequence[Trace]) -> None:
        site, first = self._site, self._at.ticket + 1
        rows: list[tuple[int | bytes | None, ...]]
        if len(traces) == len(leaves):  # nearly always: each of them is of somebody
            rows = [
                (ticket, site, event, entry, subject, sealed)
                for ticket, (event, entry), (subject, _, sealed) in zip(count(first), leaves, traces, strict=False)
            ]
        else:
            of = {event: (subject, sealed) for subject, event, sealed in traces}
            rows = [(n, site, event, entry, *of.get(event, _NOBODY)) for n, (event, entry) in enumerate(leaves, first)]
        self._at.ticket += len(rows)
        if len(rows) == 1:
            self._execute(_RECORD, rows[0])
        else:
            self._write(_RECORD, rows)

    async def file(self, limit: int) -> bool:
        ((_, filed),) = self._rows(_MARKS)
        given = self._at.ticket
        found = self._rows(_LAST_OF, filed, given, limit - 1) or self._rows(_LAST, filed, given)
        last = found[0][0]
        if last == filed:
            if given - filed > FAR:  # other sites' events lie between: do not look through them again and again
                self._execute(_MOVE_ON, (self._site, given))
            return False
        self._execute(_FILE, (self._site, filed, last))
        self._execute(_FILED, (self._site, last))
        return True

    async def traces(self, subject: bytes) -> list[Trace]:
        return [_new(Trace, row) for row in self._execute(_TRACES, (self._site, subject))]

    async def has_event(self, event: bytes, subject: bytes | None = None) -> bool:
        if subject is not None and any(trace.event == event for trace in await self.traces(subject)):
            return True
        return bool(self._rows(_PENDING_EVENT, event))

    async def pending(self, limit: int) -> list[Pending]:
        return [_new(Pending, row) for row in self._execute(_PENDING, (self._site, limit, self._at.ticket))]

    async def log_state(self) -> LogState:
        return _new(LogState, self._rows(_LOG_STATE)[0])

    async def sequenced(self, before: LogState, after: LogState, tickets: Sequence[int]) -> None:
        ((mark, _),) = self._rows(_MARKS)
        last = max(tickets, default=mark)
        self._execute(_MOVE_LOG, (self._site, *after, *before, last))
        if not self._at.db.changes():
            raise Unavailable("the log has moved meanwhile; read its state again and sequence from there")
        if self._rows(_WAITING_UP_TO, mark, last) != [(len(tickets),)]:
            raise Clash("entries go into the log in the order of their tickets, and an older one was left out")
        for statement in _SEQUENCED:
            self._execute(statement, (self._site, mark, last))

    # -- the site itself

    async def put_policy(self, digest: bytes, version: str, source: str, since: int) -> None:
        self._execute(_PUT_POLICY, (self._site, digest, version, source, since))

    async def policies(self) -> list[tuple[bytes, str, str, int]]:
        return list(self._execute(_POLICIES, (self._site,)))

    async def set_note(self, name: str, value: str) -> None:
        self._execute(_SET_NOTE, (self._site, name, value))

    async def note(self, name: str) -> str | None:
        for (value,) in self._execute(_NOTE, (self._site, name)):
            return str(value)
        return None

    def _rows(self, statement: str, *values: Any) -> list[Any]:
        return self._execute(statement, (self._site, *values)).fetchall()

    def _write(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        if self._execute is _ended:
            self._execute()
        self._at.db.executemany(statement, rows)


_ROW: Final = attrgetter("row")
_TERMS: Final = attrgetter("terms")


def _collected(datum: Datum) -> bytes:
    return datum.terms[COLLECTED]


def _ended(*_: Any) -> NoReturn:
    raise Clash("the transaction has ended; nothing can be read or written in it any more")


def name_of(error: apsw.Error) -> str:
    """SQLite's word for what happened. Its message could hold values, so it is not shown."""
    return str(apsw.mapping_extended_result_codes.get(getattr(error, "extendedresult", 0), type(error).__name__))


def translated(error: BaseException, *, unknown: bool = False) -> NoReturn:
    """Raise ours for SQLite's error; what is not SQLite's goes through as it is."""
    if isinstance(error, UnicodeDecodeError):  # its message holds what was read, so it is not shown
        raise Tampered("a text in the database is no text; it was changed outside: restore the database") from None
    if not isinstance(error, apsw.Error):
        raise error
    name = name_of(error)
    if isinstance(error, apsw.ConstraintError | apsw.MismatchError):
        ours: AvowError = Clash(f"what was to be written contradicts what is there ({name})")
    elif unknown:
        ours = Unavailable(
            f"the database failed ({name}) and the outcome is unknown: ask for the event after a restart"
        )
    elif isinstance(error, apsw.IOError | apsw.FullError | apsw.BusyError | apsw.NoMemError | apsw.CantOpenError):
        ours = Unavailable(f"the database did not answer ({name}); nothing was written")
    else:
        ours = OperatorError(f"the database is not as it must be ({name}); restore a backup")
    raise ours from error
