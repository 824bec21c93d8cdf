"""PostgreSQL's wire: connections in pipeline mode, and a few of them kept open.

All statements of a batch go out together and are answered in order, so a batch is one round trip whatever it holds.
Built on libpq as psycopg wraps it (`psycopg.pq`), below its cursors: values go as the bytes that they are, statements
are prepared once for each connection, and the loop watches the socket all the time instead of anew for each query.
docs/decisions/0012 has the measurement.
"""

import asyncio
import struct
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import psycopg
from psycopg import pq
from psycopg.pq.abc import PGconn, PGresult

from avow.errors import AvowError, OperatorError, Unavailable
from avow.store.interface import Clash

SESSION: Final = """
SET search_path = avow;
SET jit = off;
SET plan_cache_mode = force_generic_plan;
SET enable_seqscan = off;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET lock_timeout = '30s';
SET idle_in_transaction_session_timeout = '60s';
SET client_connection_check_interval = '5s'
"""
# A plan is made once for each connection, when tables may be empty; so the ways that only pay on small tables are
# closed to it. Every statement of the hot paths is served by an index.

_OK: Final = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)
_SYNC: Final = pq.ExecStatus.PIPELINE_SYNC
_ABORTED: Final = pq.ExecStatus.PIPELINE_ABORTED
_BAD: Final = pq.ConnStatus.BAD
_BINARY: Final = [[1] * n for n in range(20)]

Value = bytes | None


class Call(NamedTuple):
    """One statement to run: its name among the prepared ones, and its values as PostgreSQL's binary format has them."""

    statement: bytes
    values: Sequence[Value] = ()


class Failed(Exception):
    """The server refused a statement. `state` is its five-character code, `place` the constraint, if one was hurt."""

    def __init__(self, state: str, place: str = "") -> None:
        self.state = state
        self.place = place
        super().__init__(state)


class Lost(Exception):
    """The connection is gone. `sent`: the batch may have reached the server."""

    def __init__(self, *, sent: bool = True) -> None:
        self.sent = sent
        super().__init__()


class Link:
    """One connection in pipeline mode. `dead` once it is of no use any more."""

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._connection = connection
        self._pgconn: PGconn = connection.pgconn
        self._socket = self._pgconn.socket
        self._loop = asyncio.get_running_loop()
        self._results: list[PGresult] = []  # of the batch that is coming in
        self._waiting: deque[asyncio.Future[list[PGresult]] | None] = deque()  # a batch each; None: nobody waits
        self.dead = False
        self._pgconn.enter_pipeline_mode()
        self._loop.add_reader(self._socket, self._readable)

    @property
    def busy(self) -> bool:
        """Whether a batch is under way whose results somebody wanted."""
        return any(future is not None for future in self._waiting)

    async def prepare(self, statements: Mapping[bytes, str]) -> None:
        """Have all of these ready, in one round trip."""
        for name, statement in statements.items():
            self._pgconn.send_prepare(name, statement.encode())
        await self._answers(self._end_batch(wait=True))

    async def run(self, calls: Sequence[Call]) -> list[PGresult]:
        """Send these and wait for all of their results. Raises `Failed` for the first refused, or `Lost`."""
        self._send(calls)
        return await self._answers(self._end_batch(wait=True))

    def forget(self, calls: Sequence[Call]) -> None:
        """Send these and do not wait: for the end of what changed nothing. Fails silently; `dead` then says so."""
        try:
            self._send(calls)
        except Lost:
            return
        _ = self._end_batch(wait=False)

    def close(self) -> None:
        """Hang up. What waits here is told that the connection is lost."""
        self._lost()

    def _send(self, calls: Sequence[Call]) -> None:
        if self.dead:
            raise Lost(sent=False)
        send = self._pgconn.send_query_prepared
        try:
            for statement, values in calls:
                send(statement, values, _BINARY[len(values)], 1)
        except psycopg.Error:
            self._lost()
            raise Lost(sent=False) from None  # a commit is the last of its batch, and the batch was not ended

    def _end_batch(self, *, wait: bool) -> asyncio.Future[list[PGresult]]:
        future: asyncio.Future[list[PGresult]] = self._loop.create_future()
        try:
            self._pgconn.pipeline_sync()
            self._waiting.append(future if wait else None)
            if self._pgconn.flush():
                self._loop.add_writer(self._socket, self._writable)
        except psycopg.Error:
            self._lost()
            if wait and not future.done():
                future.set_exception(Lost())
        return future

    async def _answers(self, future: asyncio.Future[list[PGresult]]) -> list[PGresult]:
        results = await future
        for result in results:
            if result.status not in _OK:
                raise _failure(result)
        return results

    def _writable(self) -> None:
        try:
            if self._pgconn.flush() == 0:
                self._loop.remove_writer(self._socket)
        except psycopg.Error:
            self._lost()

    def _readable(self) -> None:
        pgconn = self._pgconn
        try:
            pgconn.consume_input()
            while self._waiting and not pgconn.is_busy():
                result = pgconn.get_result()
                if result is None:  # the end of one statement's results, or of everything
                    if pgconn.status == _BAD:
                        self._lost()
                elif result.status == _SYNC:
                    self._deliver()
                else:
                    self._results.append(result)
        except psycopg.Error:
            self._lost()

    def _deliver(self) -> None:
        future, results, self._results = self._waiting.popleft(), self._results, []
        if future is None:
            if any(result.status not in _OK for result in results):
                self._lost()
        elif not future.done():
            future.set_result(results)

    def _lost(self) -> None:
        if self.dead:
            return
        self.dead = True
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        waiting, self._waiting = self._waiting, deque()
        # What the server said before it hung up (that it shuts down, that it ended this session) is not an outcome.
        for future in waiting:
            if future is not None and not future.done():
                future.set_exception(Lost())
        self._pgconn.finish()


def _failure(result: PGresult) -> Failed:
    state = result.error_field(pq.DiagnosticField.SQLSTATE) or b""
    place = result.error_field(pq.DiagnosticField.CONSTRAINT_NAME) or b""
    return Failed(state.decode(), place.decode())


class Links:
    """A few connections, handed out to who has waited longest."""

    def __init__(self, connect: Callable[[], Awaitable[Link]], most: int) -> None:
        self._connect = connect
        self._most = most
        self._open = 0
        self._idle: list[Link] = []
        self._waiting: deque[asyncio.Future[Link | None]] = deque()
        self._closed = False

    async def take(self) -> Link:
        """A live connection. Raises what connecting raises."""
        while True:
            if self._closed:
                raise Unavailable("the store has been closed")
            while self._idle:
                link = self._idle.pop()  # the last one used: its caches are warm
                if not link.dead:
                    return link
                self._open -= 1
            if self._open < self._most:
                break
            turn: asyncio.Future[Link | None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                handed = await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():  # it came and was called off in the same moment
                    self._hand(turn.result())
                raise
            if handed is not None:
                return handed
        self._open += 1
        try:
            return await self._connect()
        except BaseException:
            self._open -= 1
            self._hand(None)
            raise

    def give(self, link: Link) -> None:
        """Hand it back."""
        if link.dead or self._closed:
            link.close()
            self._open -= 1
            self._hand(None)
        else:
            self._hand(link)

    def close(self) -> None:
        """Hang up all that are idle now, and the others when they are given back."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()
            self._open -= 1
        while self._waiting:
            self._hand(None)

    def _hand(self, link: Link | None) -> None:
        """Give a connection, or the right to make one, to who has waited longest."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(link)
                return
        if link is not None:
            self._idle.append(link)


# -- errors -------------------------------------------------------------------------------------------------------

# SQLSTATE classes after which the same may be tried again: connection, resources, operator's intervention, system.
_AGAIN: Final = ("08", "53", "57", "58")
_AGAIN_TOO: Final = ("40001", "40P01", "55P03", "25P03", "25P04")  # serialisation, deadlock, lock or idle time over
_CLASH: Final = ("23", "22012")  # integrity; a division that statements make to refuse what does not fit


def translated(error: Failed | Lost, *, committing: bool) -> AvowError:
    """Ours for the server's. `committing`: a commit was among what was sent."""
    if isinstance(error, Lost):
        if committing and error.sent:
            return Unavailable(
                "the connection to the database was lost while committing and the outcome is unknown: ask for the "
                "event before trying again"
            )
        return Unavailable("the connection to the database was lost; nothing was written")
    told = f"SQLSTATE {error.state}" + (f", `{error.place}`" if error.place else "")
    if error.state.startswith(_CLASH):
        return Clash(f"what was to be written contradicts what is there ({told})")
    if error.state.startswith(_AGAIN) or error.state in _AGAIN_TOO:
        return Unavailable(f"the database could not do it now ({told}); nothing was written")
    return OperatorError(f"the database refused a statement ({told}); see the server's log")


# -- values in PostgreSQL's binary format ---------------------------------------------------------------------------

BYTEA: Final = 17
INT8: Final = 20
INT4: Final = 23
TEXT: Final = 25
_HEAD: Final = struct.Struct(">iiiii")
_EMPTY: Final = struct.Struct(">iii")
_NULL: Final = b"\xff\xff\xff\xff"


def int8(number: int) -> bytes:
    """A bigint."""
    return number.to_bytes(8, "big", signed=True)


def int4(number: int) -> bytes:
    """An integer."""
    return number.to_bytes(4, "big", signed=True)


def maybe_int8(number: int | None) -> bytes | None:
    """A bigint or NULL."""
    return None if number is None else number.to_bytes(8, "big", signed=True)


def array(kind: int, items: Sequence[Value]) -> bytes:
    """A one-dimensional array of values that are encoded already. `kind` is the OID of its elements' type."""
    if not items:
        return _EMPTY.pack(0, 0, kind)
    parts = [_HEAD.pack(1, None in items, kind, len(items), 1)]
    for item in items:
        if item is None:
            parts.append(_NULL)
        else:
            parts += (len(item).to_bytes(4, "big"), item)
    return b"".join(parts)
