# ruff: noqa: ARG002, D102, S608 - one writer needs no lock on people; what each method does stands in the contract; statements are put together from constants alone
"""SQLite: the transaction. Every statement is a constant, so that apsw finds it compiled already."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import count
from types import TracebackType
from typing import Any, Final, NoReturn, Self

import apsw

from avow.errors import AvowError, OperatorError, Tampered, Unavailable
from avow.store.interface import (
    OUTLIVES,
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
from avow.store.turns import Turns

# -- statements. ?1 is always the site ----------------------------------------------------------------------------

_SUBJECT: Final = "s.subject, s.created, s.keys, s.facts, s.version, CASE s.state WHEN 0 THEN 'live' ELSE 'erased' END"
_DATUM: Final = (
    "d.subject, d.row, d.category, d.kept_as, d.version, d.purposes, d.form, d.source, d.policy, d.collected, d.due,"
    " d.kept_for, d.sealed"
)
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
_PURGE: Final = (
    f"""DELETE FROM datum WHERE site = ?1 AND subject = ?2 AND (category, row) IN
        (SELECT category, row FROM datum WHERE site = ?1 AND subject = ?2 AND kept_as <> '{OUTLIVES}' LIMIT ?3)""",
    """DELETE FROM trace WHERE site = ?1 AND subject = ?2 AND ticket IN
        (SELECT ticket FROM trace WHERE site = ?1 AND subject = ?2 LIMIT ?3)""",
)

# A version that does not follow makes the column NULL, which it may not be: so the statement itself refuses.
_PUT: Final = """INSERT INTO datum VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (site, subject, category, row) DO UPDATE SET
    version = CASE WHEN datum.version = excluded.version - 1 THEN excluded.version END,
    kept_as = excluded.kept_as, purposes = excluded.purposes, form = excluded.form, source = excluded.source,
    policy = excluded.policy, collected = excluded.collected, due = excluded.due, kept_for = excluded.kept_for,
    sealed = excluded.sealed"""
_REMOVE: Final = "DELETE FROM datum WHERE site = ?1 AND subject = ?2 AND row = ?3"
_HELD: Final = f"SELECT {_DATUM} FROM datum d WHERE d.site = ?1 AND d.subject = ?2 ORDER BY d.collected, d.row"
_DUE: Final = f"SELECT {_DATUM} FROM datum d WHERE d.site = ?1 AND d.due < ?2 AND {_LIVING} ORDER BY d.due LIMIT ?3"
_AWAITING: Final = (
    f"SELECT {_DATUM} FROM datum d WHERE d.site = ?1 AND d.kept_for <> '' AND d.kept_for = ?2 AND {_LIVING} LIMIT ?3"
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

_LEAF: Final = "INSERT INTO leaf VALUES (?, ?, ?, ?)"
_TRACE: Final = "INSERT INTO trace (site, subject, ticket, event, sealed) VALUES (?, ?, ?, ?, ?)"
_TRACES: Final = "SELECT subject, event, sealed FROM trace WHERE site = ?1 AND subject = ?2 ORDER BY ticket"
_HAS_EVENT: Final = (
    "SELECT 1 WHERE EXISTS (SELECT 1 FROM trace WHERE site = ?1 AND subject = ?2 AND event = ?3)"
    " OR EXISTS (SELECT 1 FROM leaf WHERE site = ?1 AND event = ?3)"
)
_PENDING: Final = "SELECT ticket, event, entry FROM leaf WHERE +site = ?1 ORDER BY ticket LIMIT ?2"
_LOG_STATE: Final = "SELECT size, root FROM log WHERE site = ?1"
_MOVE_LOG: Final = "UPDATE log SET size = ?2, root = ?3 WHERE site = ?1 AND size = ?4 AND root = ?5"
_SEQUENCED: Final = "DELETE FROM leaf WHERE site = ?1 AND ticket = ?2"

_PUT_POLICY: Final = "INSERT OR IGNORE INTO policy VALUES (?, ?, ?, ?, ?)"
_POLICIES: Final = "SELECT digest, version, source, since FROM policy WHERE site = ?1 ORDER BY since, version, digest"
_SET_NOTE: Final = "INSERT OR REPLACE INTO note VALUES (?, ?, ?)"
_NOTE: Final = "SELECT value FROM note WHERE site = ?1 AND name = ?2"


@cache
def _read(categories: int) -> str:
    """One person and the newest datum of each of so many categories, in one statement.

    Beside `max()` SQLite takes the other columns from the row that holds the maximum (documented with `SELECT`).
    """
    held = ", ".join(f"?{n}" for n in range(3, 3 + categories))
    return (
        f"SELECT {_SUBJECT}, {_DATUM}, max(d.collected) FROM subject s LEFT JOIN datum d"
        f" ON d.site = ?1 AND d.subject = ?2 AND d.category IN ({held})"
        " WHERE s.site = ?1 AND s.subject = ?2" + (" GROUP BY d.category" if categories > 1 else "")
    )


_READ_ONE: Final = _read(1)
_FAILED: Final = "the disk failed under the database; the process must open it anew"
_new = tuple.__new__  # a NamedTuple out of a row, without the detour over `_make`


class Connection:
    """The one connection, and whose turn it is at it. `broken` says why nothing is served any more, or ""."""

    def __init__(self, db: apsw.Connection) -> None:
        self.db = db
        self.turns = Turns()
        self.broken = ""
        self.site = 0  # the site's number in this file
        self.tickets: Iterator[int] = count()

    def undo(self) -> None:
        """Roll back, if SQLite has not done so already (a full disk, an I/O error)."""
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
        for subject, categories in asks:
            if len(categories) == 1:
                row = self._execute(_READ_ONE, (self._site, subject, categories[0])).fetchall()[0]
                if row[7] is not None:
                    out.append((_new(Subject, row[:6]), [_new(Datum, row[6:19])]))
                else:
                    out.append((None if row[0] is None else _new(Subject, row[:6]), []))
            else:
                out.append(self._read_many(subject, categories))
        return out

    def _read_many(self, subject: bytes, categories: Sequence[str]) -> tuple[Subject | None, list[Datum]]:
        if not categories:
            return self._subject(subject), []
        rows = self._execute(_read(len(categories)), (self._site, subject, *categories)).fetchall()
        if not rows or rows[0][0] is None:
            return None, []
        data = {row[8]: _new(Datum, row[6:19]) for row in rows if row[7] is not None}
        return _new(Subject, rows[0][:6]), [data[category] for category in categories if category in data]

    def _subject(self, subject: bytes) -> Subject | None:
        rows = self._execute(_SUBJECT_OF, (self._site, subject)).fetchall()
        return _new(Subject, rows[0]) if rows else None

    async def subjects(self, ids: Sequence[bytes], lock: Lock = "share") -> list[Subject | None]:
        return [self._subject(subject) for subject in ids]

    async def add_subjects(self, subjects: Sequence[Subject]) -> None:
        self._write(_ADD_SUBJECT, ((self._site, *subject[:5]) for subject in subjects))

    async def change_subject(self, subject: Subject) -> None:
        self._execute(_CHANGE_SUBJECT, (self._site, subject.subject, subject.keys, subject.facts, subject.version))
        if not self._at.db.changes():
            raise Clash(f"the person's row is not live at version {subject.version - 1}; read it under a lock first")

    async def living(self) -> int:
        rows: list[Any] = self._execute(_LIVING_COUNT, (self._site,)).fetchall()
        return int(rows[0][0])

    async def drop_subject(self, subject: bytes) -> None:
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
            for statement in _PURGE:
                self._execute(statement, (self._site, subject, limit - removed))
                removed += self._at.db.changes()
            if removed < limit:
                self._execute(_PURGED, (self._site, subject))
        return removed

    async def put(self, data: Sequence[Datum]) -> None:
        self._write(_PUT, ((self._site, *datum) for datum in data))

    async def remove(self, rows: Sequence[tuple[bytes, bytes]]) -> None:
        self._write(_REMOVE, ((self._site, *row) for row in rows))

    async def held(self, subject: bytes) -> list[Datum]:
        return [_new(Datum, row) for row in self._execute(_HELD, (self._site, subject))]

    async def due(self, now: int, limit: int) -> list[Datum]:
        return [_new(Datum, row) for row in self._execute(_DUE, (self._site, now, limit))]

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
        site, ticket = self._site, self._at.tickets.__next__
        if len(leaves) == 1:
            self._execute(_LEAF, (ticket(), site, *leaves[0]))
        else:
            self._write(_LEAF, ((ticket(), site, event, entry) for event, entry in leaves))
        if len(traces) == 1:
            subject, event, sealed = traces[0]
            self._execute(_TRACE, (site, subject, ticket(), event, sealed))
        else:
            self._write(_TRACE, ((site, subject, ticket(), event, sealed) for subject, event, sealed in traces))

    async def traces(self, subject: bytes) -> list[Trace]:
        return [_new(Trace, row) for row in self._execute(_TRACES, (self._site, subject))]

    async def has_event(self, event: bytes, subject: bytes | None = None) -> bool:
        return bool(self._execute(_HAS_EVENT, (self._site, subject, event)).fetchall())

    async def pending(self, limit: int) -> list[Pending]:
        return [_new(Pending, row) for row in self._execute(_PENDING, (self._site, limit))]

    async def log_state(self) -> LogState:
        return _new(LogState, self._execute(_LOG_STATE, (self._site,)).fetchall()[0])

    async def sequenced(self, before: LogState, after: LogState, tickets: Sequence[int]) -> None:
        self._execute(_MOVE_LOG, (self._site, *after, *before))
        if not self._at.db.changes():
            raise Unavailable("the log has moved meanwhile; read its state again and sequence from there")
        self._write(_SEQUENCED, ((self._site, ticket) for ticket in tickets))

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

    def _write(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        if self._execute is _ended:
            self._execute()
        self._at.db.executemany(statement, rows)


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
