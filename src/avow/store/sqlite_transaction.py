# ruff: noqa: ARG002, D102 - one writer needs no lock on people; what each method does stands in the contract
"""SQLite: the transaction."""

import json
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from operator import attrgetter
from types import TracebackType
from typing import Any, Final, NoReturn, Self

import apsw

from avow.errors import AvowError, OperatorError, Tampered, Unavailable
from avow.store import sqlite_statements as sql
from avow.store.interface import (
    Clash,
    Consent,
    Credential,
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
from avow.store.sqlite_messages import SqliteMessages
from avow.store.sqlite_releases import SqliteReleases
from avow.store.terms import COLLECTED, POLICY, moment
from avow.store.turns import Turns

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


class SqliteTransaction(SqliteMessages, SqliteReleases):
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
            found = execute(sql.FIRST_TWO, (site, subject, categories[0])).fetchall()
            if len(found) == 1:
                row, kept_as, version, terms, sealed = found[0]
                out.append((person, [_new(Datum, (subject, row, categories[0], kept_as, version, terms, sealed))]))
            else:
                out.append((person, self._newest(subject, categories) if found else []))
        return out

    def _newest(self, subject: bytes, categories: Sequence[str]) -> list[Datum]:
        if not categories:
            return []
        rows = self._execute(sql.newest(len(categories)), (self._site, subject, *categories))
        data = {row[2]: _new(Datum, row[:7]) for row in rows}
        return [data[category] for category in categories if category in data]

    def _subject(self, subject: bytes) -> Subject | None:
        known = self._at.people.get(subject)
        if known is not None:
            return known
        for row in self._execute(sql.SUBJECT_OF, (self._site, subject)):
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
        self._write(sql.ADD_SUBJECT, ((self._site, *subject[:5]) for subject in subjects))

    async def change_subject(self, subject: Subject) -> None:
        self._at.people.pop(subject.subject, None)
        self._execute(sql.CHANGE_SUBJECT, (self._site, subject.subject, subject.keys, subject.facts, subject.version))
        if not self._at.db.changes():
            raise Clash(f"the person's row is not live at version {subject.version - 1}; read it under a lock first")

    async def living(self) -> int:
        rows: list[Any] = self._execute(sql.LIVING_COUNT, (self._site,)).fetchall()
        return int(rows[0][0])

    async def drop_subject(self, subject: bytes) -> None:
        self._at.people.pop(subject, None)
        self._execute(sql.END_SUBJECT, (self._site, subject))
        for statement in sql.FORGET:
            self._execute(statement, (self._site, subject))

    async def purge(self, limit: int) -> int:
        removed = 0
        while removed < limit:
            found = self._execute(sql.TO_PURGE, (self._site,)).fetchall()
            if not found:
                break
            ((subject,),) = found
            self._execute(sql.PURGE, (self._site, subject, limit - removed))
            removed += self._at.db.changes()
            tickets = self._rows(sql.SOME_OF, subject, limit - removed)
            for statement in sql.PURGE_EVENT:
                self._write(statement, ((self._site, ticket) for (ticket,) in tickets))
            self._write(sql.UNFILE, ((self._site, subject, ticket) for (ticket,) in tickets))
            removed += len(tickets)
            if removed < limit:
                self._execute(sql.PURGED, (self._site, subject))
        return removed

    async def put(self, data: Sequence[Datum]) -> None:
        if len(data) == 1:
            self._execute(sql.PUT, (self._site, *data[0]))
        else:
            self._write(sql.PUT, ((self._site, *datum) for datum in data))

    async def remove(self, rows: Sequence[tuple[bytes, bytes]]) -> None:
        self._write(sql.REMOVE, ((self._site, *row) for row in rows))

    async def held(self, subject: bytes) -> list[Datum]:
        data: list[Datum] = [_new(Datum, row) for row in self._execute(sql.HELD, (self._site, subject))]
        data.sort(key=_ROW)  # here: SQLite would copy every value in order to sort
        data.sort(key=_TERMS)
        if data and data[0].terms[POLICY] != data[-1].terms[POLICY]:  # which the terms begin with, before the moment
            data.sort(key=_collected)
        return data

    async def due(self, now: int, limit: int) -> list[Datum]:
        return [_new(Datum, row) for row in self._execute(sql.DUE, (self._site, moment(now), limit))]

    async def awaiting(self, event: str, limit: int) -> list[Datum]:
        return [_new(Datum, row) for row in self._execute(sql.AWAITING, (self._site, event, limit))]

    async def keys_in_use(self, subject: bytes) -> set[str]:
        return {name for (name,) in self._execute(sql.KEYS_IN_USE, (self._site, subject))}

    # -- what people agreed to, asked for, and are found by

    async def put_consent(self, consent: Consent) -> None:
        self._execute(sql.PUT_CONSENT, (self._site, *consent))

    async def consents(self, subject: bytes) -> list[Consent]:
        return [_new(Consent, row) for row in self._execute(sql.CONSENTS, (self._site, subject))]

    async def put_request(self, request: ServiceRequest) -> None:
        self._execute(sql.PUT_REQUEST, (self._site, *request))

    async def requests(self, subject: bytes) -> list[ServiceRequest]:
        return [_new(ServiceRequest, row) for row in self._execute(sql.REQUESTS, (self._site, subject))]

    async def open_requests(self, kinds: Sequence[str], limit: int) -> list[ServiceRequest]:
        asked = (self._site, json.dumps(list(kinds)), limit)
        return [_new(ServiceRequest, row) for row in self._execute(sql.OPEN_REQUESTS, asked)]

    async def open_request(self, row: bytes) -> ServiceRequest | None:
        return next((_new(ServiceRequest, found) for found in self._rows(sql.OPEN_REQUEST, row)), None)

    async def put_credential(self, credential: Credential) -> None:
        self._execute(sql.PUT_CREDENTIAL, (self._site, *credential))

    async def credentials(self, owner: bytes, kind: str) -> list[Credential]:
        return [_new(Credential, row) for row in self._execute(sql.CREDENTIALS, (self._site, owner, kind))]

    async def drop_credential(self, owner: bytes, kind: str, row: bytes) -> bool:
        self._execute(sql.DROP_CREDENTIAL, (self._site, owner, kind, row))
        return bool(self._at.db.changes())

    async def put_leaving(self, subject: bytes, due: int) -> None:
        self._execute(sql.PUT_LEAVING, (self._site, subject, due))

    async def drop_leaving(self, subject: bytes) -> None:
        self._execute(sql.DROP_LEAVING, (self._site, subject))

    async def leaving_due(self, now: int, limit: int) -> list[bytes]:
        return [subject for (subject,) in self._rows(sql.LEAVING_DUE, now, limit)]

    async def purge_messages(self, before: int, limit: int, keep: str = "") -> int:
        self._execute(sql.PURGE_MESSAGES, (self._site, before, limit, keep))
        return self._at.db.changes()

    async def put_lookups(self, lookups: Sequence[LookUp]) -> None:
        self._write(sql.PUT_LOOKUP, ((self._site, *lookup) for lookup in lookups))

    async def find(self, category: str, hash: bytes) -> list[bytes]:
        return [subject for (subject,) in self._execute(sql.FIND, (self._site, category, hash))]

    async def drop_lookups(self, subject: bytes, category: str) -> None:
        self._execute(sql.DROP_LOOKUPS, (self._site, subject, category))

    async def suppress(self, entry: Suppression) -> None:
        self._execute(sql.SUPPRESS, (self._site, *entry))

    async def suppressed(self, channel: str, hash: bytes) -> bool:
        return bool(self._execute(sql.SUPPRESSED, (self._site, channel, hash)).fetchall())

    async def suppressions(self) -> list[Suppression]:
        return [_new(Suppression, row) for row in self._execute(sql.SUPPRESSIONS, (self._site,))]

    async def unsuppress(self, channel: str, hash: bytes) -> None:
        self._execute(sql.UNSUPPRESS, (self._site, channel, hash))

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
            self._execute(sql.RECORD, rows[0])
        else:
            self._write(sql.RECORD, rows)

    async def file(self, limit: int) -> bool:
        ((_, filed),) = self._rows(sql.MARKS)
        given = self._at.ticket
        found = self._rows(sql.LAST_OF, filed, given, limit - 1) or self._rows(sql.LAST, filed, given)
        last = found[0][0]
        if last == filed:
            if given - filed > FAR:  # other sites' events lie between: do not look through them again and again
                self._execute(sql.MOVE_ON, (self._site, given))
            return False
        self._execute(sql.FILE, (self._site, filed, last))
        self._execute(sql.FILED, (self._site, last))
        return True

    async def traces(self, subject: bytes) -> list[Trace]:
        return [_new(Trace, row) for row in self._execute(sql.TRACES, (self._site, subject))]

    async def has_event(self, event: bytes, subject: bytes | None = None) -> bool:
        if subject is not None and any(trace.event == event for trace in await self.traces(subject)):
            return True
        return bool(self._rows(sql.PENDING_EVENT, event))

    async def pending(self, limit: int) -> list[Pending]:
        return [_new(Pending, row) for row in self._execute(sql.PENDING, (self._site, limit, self._at.ticket))]

    async def log_state(self) -> LogState:
        return _new(LogState, self._rows(sql.LOG_STATE)[0])

    async def sequenced(self, before: LogState, after: LogState, tickets: Sequence[int]) -> None:
        ((mark, _),) = self._rows(sql.MARKS)
        last = max(tickets, default=mark)
        self._execute(sql.MOVE_LOG, (self._site, *after, *before, last))
        if not self._at.db.changes():
            raise Unavailable("the log has moved meanwhile; read its state again and sequence from there")
        if self._rows(sql.WAITING_UP_TO, mark, last) != [(len(tickets),)]:
            raise Clash("entries go into the log in the order of their tickets, and an older one was left out")
        for statement in sql.SEQUENCED:
            self._execute(statement, (self._site, mark, last))

    # -- the site itself

    async def put_policy(self, digest: bytes, version: str, source: str, since: int) -> None:
        self._execute(sql.PUT_POLICY, (self._site, digest, version, source, since))

    async def policies(self) -> list[tuple[bytes, str, str, int]]:
        return list(self._execute(sql.POLICIES, (self._site,)))

    async def set_note(self, name: str, value: str) -> None:
        self._execute(sql.SET_NOTE, (self._site, name, value))

    async def note(self, name: str) -> str | None:
        for (value,) in self._execute(sql.NOTE, (self._site, name)):
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
