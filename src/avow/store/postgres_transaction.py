# ruff: noqa: D102 - what each method does stands in the contract
"""PostgreSQL: the transaction. Writes wait here and go out with the next question, or with the commit.

So a transaction that only writes is one round trip, one that reads and then writes is two. Statements refuse by
themselves what does not fit (a NULL where none may be, a division by zero), since the commit is already on its way
behind them.
"""

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Final, Self

from psycopg.pq.abc import PGresult

from avow.errors import Unavailable
from avow.store import postgres_statements as sql
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
from avow.store.postgres_link import (
    BYTEA,
    INT4,
    INT8,
    TEXT,
    Call,
    Failed,
    Link,
    Links,
    Lost,
    Value,
    array,
    int4,
    int8,
    maybe_int8,
    translated,
)
from avow.store.postgres_messages import PostgresMessages
from avow.store.postgres_releases import PostgresReleases
from avow.store.postgres_rows import Decoder, new, number, rows, text
from avow.store.terms import moment

_DATUM_ROW: Final[tuple[Decoder, ...]] = (bytes, text, text, number, bytes, bytes)


def _data(result: PGresult) -> list[Datum]:
    return [new(Datum, row) for row in rows(result, bytes, *_DATUM_ROW)]


def _subject(get: Callable[[int, int], Any], row: int, first: int, subject: bytes) -> Subject:
    return new(
        Subject,
        (
            subject, number(get(row, first)), get(row, first + 1).decode(), get(row, first + 2).decode(),
            number(get(row, first + 3)), "erased" if number(get(row, first + 4)) else "live",
        ),
    )  # fmt: skip


def _datum(get: Callable[[int, int], Any], row: int, first: int, subject: bytes) -> Datum | None:
    name = get(row, first)
    if name is None:
        return None
    return new(
        Datum,
        (
            subject, name, get(row, first + 1).decode(), get(row, first + 2).decode(), number(get(row, first + 3)),
            get(row, first + 4), get(row, first + 5),
        ),
    )  # fmt: skip


class PostgresTransaction(PostgresMessages, PostgresReleases):
    """See `interface.Transaction`. Takes a connection with its first batch, and holds it to its end."""

    __slots__ = ("_begun", "_ended", "_link", "_links", "_site", "_waiting", "_wrote")

    def __init__(self, links: Links, site: bytes) -> None:
        self._links = links
        self._site = site
        self._link: Link | None = None
        self._waiting: list[Call] = []  # writes that have not gone out yet
        self._begun = False
        self._wrote = False
        self._ended = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._ended = True
        try:
            if error is None and (self._waiting or self._wrote):
                done = (await self._go([sql.COMMIT], committing=True))[0]
                if done.command_status != b"COMMIT":  # a refused statement was passed over by the caller
                    raise Clash("a statement of this transaction had been refused, so nothing was written")
                self._begun = False
            elif error is None and self._begun and self._link is not None:
                self._link.forget([sql.COMMIT])  # nothing was written, so nobody need wait for it
                self._begun = False
        finally:
            if self._link is not None:
                self._leave(self._link)

    def _leave(self, link: Link) -> None:
        """Give the connection back, rolled back if need be."""
        if link.busy:  # a batch that nobody awaits any more may still wait for a lock, or commit: hang up
            link.close()
        elif self._begun:
            link.forget([sql.ROLLBACK])
        self._links.give(link)
        self._link = None

    async def _go(self, calls: list[Call], *, committing: bool = False) -> list[PGresult]:
        """Send what waits and these, in one round trip; the results of these."""
        batch = [*self._waiting, *calls] if self._begun else [sql.BEGIN, *self._waiting, *calls]
        if self._link is None:
            self._link = await self._links.take()
        if self._waiting:
            self._wrote = True
            self._waiting = []
        self._begun = True
        try:
            results = await self._link.run(batch)
        except (Failed, Lost) as failed:
            raise translated(failed, committing=committing) from None
        return results[len(batch) - len(calls) :]

    async def _ask(self, statement: bytes, *values: Value) -> PGresult:
        self._check()
        return (await self._go([Call(statement, (self._site, *values))]))[0]

    async def _do(self, statement: bytes, *values: Value) -> int:
        """Write now; how many rows it came to."""
        done = await self._ask(statement, *values)
        self._wrote = True
        return done.command_tuples or 0

    def _later(self, statement: bytes, *values: Value) -> None:
        self._check()
        self._waiting.append(Call(statement, (self._site, *values)))

    def _check(self) -> None:
        if self._ended:
            raise Clash("the transaction has ended; nothing can be read or written in it any more")

    def _lock(self, subjects: Sequence[bytes], lock: Lock) -> Call:
        """In ascending order, so that nobody waits for each other in a ring.

        A statement of its own, before the one that reads: at READ COMMITTED each statement sees what was committed
        when it began, so only a statement that begins once the locks are held sees what their last holder wrote.
        Both travel in one batch.
        """
        keys = sorted({subject[:8] for subject in subjects})
        if len(keys) == 1:
            return Call(sql.LOCKS[lock, False], keys)
        return Call(sql.LOCKS[lock, True], (array(INT8, keys),))

    # -- people and their data

    async def read(
        self, asks: Sequence[tuple[bytes, Sequence[str]]], lock: Lock = "share"
    ) -> list[tuple[Subject | None, list[Datum]]]:
        self._check()
        if len(asks) == 1 and len(asks[0][1]) == 1:
            subject, (category,) = asks[0]
            read = Call(sql.READ_ONE, (self._site, subject, category.encode()))
            result = (await self._go([self._lock((subject,), lock), read]))[1]
            if not result.ntuples:
                return [(None, [])]
            datum = _datum(result.get_value, 0, 5, subject)
            return [(_subject(result.get_value, 0, 0, subject), [] if datum is None else [datum])]
        if not asks:
            return []
        return await self._read_many(asks, lock)

    async def _read_many(
        self, asks: Sequence[tuple[bytes, Sequence[str]]], lock: Lock
    ) -> list[tuple[Subject | None, list[Datum]]]:
        wanted = [(n, subject, name) for n, (subject, names) in enumerate(asks) for name in names or (None,)]
        read = Call(
            sql.READ_MANY,
            (
                self._site,
                array(INT4, [int4(n) for n, _, _ in wanted]),
                array(BYTEA, [subject for _, subject, _ in wanted]),
                array(TEXT, [None if name is None else name.encode() for _, _, name in wanted]),
            ),
        )
        result = (await self._go([self._lock([subject for subject, _ in asks], lock), read]))[1]
        get = result.get_value
        subjects: list[Subject | None] = [None] * len(asks)
        data: list[dict[str, Datum]] = [{} for _ in asks]
        for row in range(result.ntuples):
            n = number(get(row, 0))  # type: ignore[arg-type]  # the number of an ask is never NULL
            subject = asks[n][0]
            if subjects[n] is None:
                subjects[n] = _subject(get, row, 1, subject)
            datum = _datum(get, row, 6, subject)
            if datum is not None:
                data[n][datum.category] = datum
        return [
            (subjects[n], [data[n][name] for name in names if name in data[n]]) for n, (_, names) in enumerate(asks)
        ]

    async def subjects(self, ids: Sequence[bytes], lock: Lock = "share") -> list[Subject | None]:
        self._check()
        if not ids:
            return []
        ask = Call(sql.SUBJECTS, (self._site, array(BYTEA, ids)))
        result = (await self._go([self._lock(ids, lock), ask]))[1]
        get: Callable[[int, int], Any] = result.get_value
        found = {name: _subject(get, row, 1, name) for row in range(result.ntuples) for name in (get(row, 0),)}
        return [found.get(subject) for subject in ids]

    async def add_subjects(self, subjects: Sequence[Subject]) -> None:
        if subjects:
            self._later(
                sql.ADD_SUBJECTS,
                array(BYTEA, [one.subject for one in subjects]),
                array(INT8, [int8(one.created) for one in subjects]),
                array(TEXT, [one.keys.encode() for one in subjects]),
                array(TEXT, [one.facts.encode() for one in subjects]),
                array(INT4, [int4(one.version) for one in subjects]),
            )

    async def change_subject(self, subject: Subject) -> None:
        self._later(
            sql.CHANGE_SUBJECT, subject.subject, subject.keys.encode(), subject.facts.encode(), int4(subject.version)
        )

    async def living(self) -> int:
        ((count,),) = rows(await self._ask(sql.LIVING_COUNT), number)
        return int(count)

    async def drop_subject(self, subject: bytes) -> None:
        self._later(sql.END_SUBJECT, subject)
        for statement in sql.FORGET:
            self._later(statement, subject)

    async def purge(self, limit: int) -> int:
        removed = 0
        while removed < limit:
            found = rows(await self._ask(sql.TO_PURGE), bytes)
            if not found:
                break
            ((subject,),) = found
            for statement in (sql.PURGE_DATA, sql.PURGE_TRACES):
                removed += (await self._ask(statement, subject, int8(limit - removed))).command_tuples or 0
            self._wrote = True
            if removed < limit:
                self._later(sql.PURGED, subject)
        return removed

    async def put(self, data: Sequence[Datum]) -> None:
        if data:
            self._later(
                sql.PUT,
                array(BYTEA, [one.subject for one in data]),
                array(BYTEA, [one.row for one in data]),
                array(TEXT, [one.category.encode() for one in data]),
                array(TEXT, [one.kept_as.encode() for one in data]),
                array(INT4, [int4(one.version) for one in data]),
                array(BYTEA, [one.terms for one in data]),
                array(BYTEA, [one.sealed for one in data]),
            )

    async def remove(self, rows: Sequence[tuple[bytes, bytes]]) -> None:
        people: dict[bytes, list[bytes]] = {}
        for subject, row in rows:
            people.setdefault(subject, []).append(row)
        for subject, theirs in people.items():
            self._later(sql.REMOVE, subject, array(BYTEA, theirs))

    async def held(self, subject: bytes) -> list[Datum]:
        return _data(await self._ask(sql.HELD, subject))

    async def due(self, now: int, limit: int) -> list[Datum]:
        return _data(await self._ask(sql.DUE, moment(now), int8(limit)))

    async def awaiting(self, event: str, limit: int) -> list[Datum]:
        return _data(await self._ask(sql.AWAITING, event.encode(), int8(limit)))

    async def keys_in_use(self, subject: bytes) -> set[str]:
        return {name for (name,) in rows(await self._ask(sql.KEYS_IN_USE, subject), text)}

    # -- what people agreed to, asked for, and are found by

    async def put_consent(self, consent: Consent) -> None:
        self._later(
            sql.PUT_CONSENT, consent.subject, consent.row, consent.about.encode(), int8(consent.given),
            maybe_int8(consent.withdrawn), consent.policy, consent.sealed,
        )  # fmt: skip

    async def consents(self, subject: bytes) -> list[Consent]:
        result = await self._ask(sql.CONSENTS, subject)
        return [new(Consent, row) for row in rows(result, bytes, bytes, text, number, number, bytes, bytes)]

    async def put_request(self, request: ServiceRequest) -> None:
        self._later(
            sql.PUT_REQUEST, request.subject, request.row, request.kind.encode(), int8(request.opened),
            maybe_int8(request.closed),
        )  # fmt: skip

    async def requests(self, subject: bytes) -> list[ServiceRequest]:
        result = await self._ask(sql.REQUESTS, subject)
        return [new(ServiceRequest, row) for row in rows(result, bytes, bytes, text, number, number)]

    async def open_requests(self, kinds: Sequence[str], limit: int) -> list[ServiceRequest]:
        result = await self._ask(sql.OPEN_REQUESTS, array(TEXT, [kind.encode() for kind in kinds]), int8(limit))
        return [new(ServiceRequest, row) for row in rows(result, bytes, bytes, text, number, number)]

    async def open_request(self, row: bytes) -> ServiceRequest | None:
        found = rows(await self._ask(sql.OPEN_REQUEST, row), bytes, bytes, text, number, number)
        return next((new(ServiceRequest, one) for one in found), None)

    async def put_credential(self, credential: Credential) -> None:
        self._later(
            sql.PUT_CREDENTIAL, credential.owner, credential.kind.encode(), credential.row, int8(credential.since),
            credential.sealed,
        )  # fmt: skip

    async def credentials(self, owner: bytes, kind: str) -> list[Credential]:
        result = await self._ask(sql.CREDENTIALS, owner, kind.encode())
        return [new(Credential, row) for row in rows(result, bytes, text, bytes, number, bytes)]

    async def drop_credential(self, owner: bytes, kind: str, row: bytes) -> bool:
        return bool(await self._do(sql.DROP_CREDENTIAL, owner, kind.encode(), row))

    async def put_leaving(self, subject: bytes, due: int) -> None:
        self._later(sql.PUT_LEAVING, subject, int8(due))

    async def drop_leaving(self, subject: bytes) -> None:
        self._later(sql.DROP_LEAVING, subject)

    async def leaving_due(self, now: int, limit: int) -> list[bytes]:
        result = await self._ask(sql.LEAVING_DUE, int8(now), int8(limit))
        return [subject for (subject,) in rows(result, bytes)]

    async def purge_messages(self, before: int, limit: int, keep: str = "") -> int:
        return await self._do(sql.PURGE_MESSAGES, int8(before), int8(limit), keep.encode())

    async def put_lookups(self, lookups: Sequence[LookUp]) -> None:
        if lookups:
            self._later(
                sql.PUT_LOOKUPS,
                array(TEXT, [one.category.encode() for one in lookups]),
                array(BYTEA, [one.hash for one in lookups]),
                array(BYTEA, [one.subject for one in lookups]),
            )

    async def find(self, category: str, hash: bytes) -> list[bytes]:
        return [subject for (subject,) in rows(await self._ask(sql.FIND, category.encode(), hash), bytes)]

    async def drop_lookups(self, subject: bytes, category: str) -> None:
        self._later(sql.DROP_LOOKUPS, subject, category.encode())

    async def suppress(self, entry: Suppression) -> None:
        self._later(sql.SUPPRESS, entry.channel.encode(), entry.hash, int8(entry.since))

    async def suppressed(self, channel: str, hash: bytes) -> bool:
        return bool((await self._ask(sql.SUPPRESSED, channel.encode(), hash)).ntuples)

    async def suppressions(self) -> list[Suppression]:
        return [new(Suppression, row) for row in rows(await self._ask(sql.SUPPRESSIONS), text, bytes, number)]

    async def unsuppress(self, channel: str, hash: bytes) -> None:
        self._later(sql.UNSUPPRESS, channel.encode(), hash)

    # -- the record

    async def record(self, leaves: Sequence[Leaf], traces: Sequence[Trace]) -> None:
        if leaves:
            self._later(
                sql.LEAVES, array(BYTEA, [event for event, _ in leaves]), array(BYTEA, [entry for _, entry in leaves])
            )
        if traces:
            self._later(
                sql.TRACES_IN,
                array(BYTEA, [subject for subject, _, _ in traces]),
                array(BYTEA, [event for _, event, _ in traces]),
                array(BYTEA, [sealed for _, _, sealed in traces]),
            )

    async def file(self, limit: int) -> bool:  # noqa: ARG002 - here an index is kept with every insert
        return False

    async def traces(self, subject: bytes) -> list[Trace]:
        return [new(Trace, row) for row in rows(await self._ask(sql.TRACES, subject), bytes, bytes, bytes)]

    async def has_event(self, event: bytes, subject: bytes | None = None) -> bool:
        return bool((await self._ask(sql.HAS_EVENT, subject, event)).ntuples)

    async def pending(self, limit: int) -> list[Pending]:
        return [new(Pending, row) for row in rows(await self._ask(sql.PENDING, int8(limit)), number, bytes, bytes)]

    async def log_state(self) -> LogState:
        return new(LogState, rows(await self._ask(sql.LOG_STATE), number, bytes)[0])

    async def sequenced(self, before: LogState, after: LogState, tickets: Sequence[int]) -> None:
        moved = await self._ask(sql.MOVE_LOG, int8(after.size), after.root, int8(before.size), before.root)
        if not moved.command_tuples:
            raise Unavailable("the log has moved meanwhile; read its state again and sequence from there")
        self._wrote = True
        if tickets:
            self._later(sql.SEQUENCED, array(INT8, [int8(ticket) for ticket in tickets]))

    # -- the site itself

    async def put_policy(self, digest: bytes, version: str, source: str, since: int) -> None:
        self._later(sql.PUT_POLICY, digest, version.encode(), source.encode(), int8(since))

    async def policies(self) -> list[tuple[bytes, str, str, int]]:
        found = rows(await self._ask(sql.POLICIES), bytes, text, text, number)
        return [(digest, version, source, since) for digest, version, source, since in found]

    async def set_note(self, name: str, value: str) -> None:
        self._later(sql.SET_NOTE, name.encode(), value.encode())

    async def note(self, name: str) -> str | None:
        for (value,) in rows(await self._ask(sql.NOTE, name.encode()), text):
            return str(value)
        return None
