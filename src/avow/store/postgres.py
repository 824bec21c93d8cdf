# ruff: noqa: ASYNC240, D102, S608 - files are next door; what each method does stands in the contract; own constants only
"""PostgreSQL 15 or newer: any number of transactions, over a few connections in pipeline mode.

Its tables live in a schema of their own, `avow`, so it may share a database. A backup holds one site and nothing of
the others in the same database: each table by COPY, all in one snapshot.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import psycopg

from avow.errors import OperatorError, Unavailable
from avow.store import disk
from avow.store.interface import Check, LogState, Size
from avow.store.migrate import POSTGRES, missing, steps
from avow.store.postgres_link import SESSION, Failed, Link, Links, Lost, translated
from avow.store.postgres_statements import STATEMENTS
from avow.store.postgres_transaction import PostgresTransaction

OLDEST: Final = 150000
MOST: Final = 8  # connections
EMPTY: Final = LogState(0, hashlib.sha256().digest())
TABLES: Final = (
    "subject", "datum", "consent", "request", "trace", "lookup", "suppression", "leaf", "log", "policy", "note",
    "credential", "leaving", "message", "release", "budget",
)  # fmt: skip
# the schema step that a table came with, if not the first
SINCE: Final = {"credential": 3, "leaving": 3, "message": 4, "release": 5, "budget": 5}
NUMBERED: Final = ("leaf", "trace")  # tables whose tickets are counted by a sequence
CONTENTS: Final = "contents.json"
_UPGRADING: Final = 0x41564F57  # an advisory lock: one process at a time brings the schema up

Connection = psycopg.AsyncConnection[tuple[Any, ...]]


class PostgresStore:
    """See `interface.Store`. Made by `open_postgres`."""

    gathers = True

    def __init__(self, url: str, site: str, number: int) -> None:
        self.site = site
        self._url = url
        self._number = number
        self._site = number.to_bytes(2, "big", signed=True)
        self._links = Links(lambda: _link(url), MOST)

    def transaction(self) -> PostgresTransaction:
        return PostgresTransaction(self._links, self._site)

    async def scrub(self) -> None:
        try:
            async with await _connect(self._url, autocommit=True) as connection:
                for table in TABLES:
                    await connection.execute(f"VACUUM {table}".encode())
        except psycopg.Error as error:
            raise OperatorError(f"what was deleted could not be vacuumed ({_name(error)}); sweep again") from error

    async def backup(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise OperatorError(f"a backup needs an empty folder, and `{folder}` is not empty")
        try:
            async with await _connect(self._url) as connection:
                await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
                await connection.set_read_only(True)
                step = await _step(connection)
                tables = {table: await _columns(connection, table) for table in _tables(step)}
                for table, columns in tables.items():
                    await self._copy_out(connection, table, columns, folder / table)
        except psycopg.Error as error:
            raise Unavailable(f"the backup in `{folder}` is not whole ({_name(error)}); remove it") from error
        contents = {"site": self.site, "step": step, "tables": tables}
        disk.create(folder / CONTENTS, json.dumps(contents, indent=1).encode())  # last: without it there is no backup

    async def _copy_out(self, connection: Connection, table: str, columns: Sequence[str], path: Path) -> None:
        disk.create(path, b"")
        statement = (
            f"COPY (SELECT {', '.join(columns)} FROM {table} WHERE site = {self._number}) TO STDOUT (FORMAT binary)"
        )
        with path.open("wb") as file:
            async with connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
                async for part in copy:
                    file.write(part)
        disk.sync_file(path)

    async def restore(self, folder: Path, check: Check | None = None) -> None:
        try:
            contents = json.loads((folder / CONTENTS).read_bytes())
        except (OSError, ValueError) as error:
            raise OperatorError(f"`{folder}` holds no backup of a PostgreSQL store (`{CONTENTS}`)") from error
        if contents["site"] != self.site:
            raise OperatorError(f"the backup `{folder}` holds another site than `{self.site}`")
        missing(range(1, contents["step"] + 1), steps(POSTGRES))
        try:
            async with await _connect(self._url) as connection, connection.transaction():
                await connection.execute(f"LOCK TABLE {', '.join(TABLES)} IN SHARE ROW EXCLUSIVE MODE".encode())
                for table in TABLES:
                    await connection.execute(f"DELETE FROM {table} WHERE site = {self._number}".encode())
                for table in _tables(contents["step"]):
                    await self._copy_in(connection, table, contents["tables"][table], folder / table)
                for table in NUMBERED:
                    await connection.execute(
                        f"SELECT setval(s, greatest((SELECT max(ticket) FROM {table}), nextval(s)))"
                        f" FROM pg_get_serial_sequence('{table}', 'ticket') s".encode()
                    )
                if check is not None:  # in the transaction still: what it refuses was never there
                    notes = f"SELECT name, value FROM note WHERE site = {self._number}"
                    told: Any = await (await connection.execute(notes.encode())).fetchall()
                    state = await _row(connection, f"SELECT size, root FROM log WHERE site = {self._number}")
                    check(dict(told), LogState(*state))
        except (OSError, KeyError, psycopg.Error) as error:
            name = _name(error) if isinstance(error, psycopg.Error) else type(error).__name__
            raise OperatorError(f"`{folder}` could not be restored ({name}); nothing was changed") from error
        await self.scrub()

    async def _copy_in(self, connection: Connection, table: str, columns: Sequence[str], path: Path) -> None:
        """By way of a table of its own, as the site may have another number here than where it was backed up."""
        names = ", ".join(columns)
        passing = f"CREATE TEMPORARY TABLE arriving ON COMMIT DROP AS SELECT {names} FROM {table} LIMIT 0"
        await connection.execute(passing.encode())
        async with connection.cursor() as cursor:
            async with cursor.copy(f"COPY arriving ({names}) FROM STDIN (FORMAT binary)".encode()) as copy:
                with path.open("rb") as file:
                    while part := file.read(1 << 18):
                        await copy.write(part)
            await cursor.execute(
                f"INSERT INTO {table} (site, {names}) SELECT {self._number}, {names} FROM arriving".encode()
            )
            await cursor.execute(b"DROP TABLE arriving")

    async def size(self) -> Size:
        try:
            async with await _connect(self._url, autocommit=True) as connection:
                rows = {}
                total = 0
                for table in TABLES:
                    counted = (
                        f"SELECT count(*), pg_total_relation_size('{table}') FROM {table} WHERE site = {self._number}"
                    )
                    rows[table], held = await _row(connection, counted)
                    total += held
        except psycopg.Error as error:
            raise Unavailable(f"the database did not answer ({_name(error)})") from error
        return Size(total, rows)

    async def close(self) -> None:
        self._links.close()


def _tables(step: int) -> list[str]:
    """The tables of a schema at this step: an older backup has fewer."""
    return [table for table in TABLES if SINCE.get(table, 1) <= step]


async def open_postgres(url: str, site: str) -> PostgresStore:
    """Connect, check the server, bring the schema up, and find or make the site.

    Raises `Unavailable` if it does not answer, `OperatorError` if it may not be used: too old, a replica, one that
    does not force to disk, or with a newer schema than this program knows.
    """
    try:
        async with await _connect(url) as connection:
            await _check(connection)
            await _upgrade(connection)
            number = await _number(connection, site)
    except psycopg.OperationalError as error:
        raise Unavailable(f"the database did not answer ({_name(error)}); nothing was written") from error
    except psycopg.Error as error:
        raise OperatorError(f"the database could not be made ready ({_name(error)}); see the server's log") from error
    return PostgresStore(url, site, number)


async def _connect(url: str, *, autocommit: bool = False) -> Connection:
    connection = await psycopg.AsyncConnection.connect(
        url, autocommit=True, connect_timeout=10, application_name="avow"
    )
    try:
        await connection.execute(SESSION)
        await connection.set_autocommit(autocommit)
    except BaseException:
        await connection.close()
        raise
    return connection


async def _link(url: str) -> Link:
    try:
        connection = await _connect(url, autocommit=True)
        try:
            (commit,) = await _row(connection, "SHOW synchronous_commit")
            if commit in {"off", "local"}:  # stronger settings stay as the operator made them
                await connection.execute("SET synchronous_commit = on")
            link = Link(connection)
        except BaseException:
            await connection.close()
            raise
    except psycopg.Error as error:
        raise Unavailable(f"the database did not answer ({_name(error)}); nothing was written") from error
    try:
        await link.prepare(STATEMENTS)
    except BaseException as error:
        link.close()
        if isinstance(error, Failed | Lost):
            raise translated(error, committing=False) from error
        raise
    return link


async def _check(connection: Connection) -> None:
    if connection.info.server_version < OLDEST:
        raise OperatorError(
            f"the server is PostgreSQL {connection.info.server_version // 10000}; 15 is the oldest that will do"
        )
    for setting, wrong, why in (
        ("in_hot_standby", "on", "is a replica, and what is decided must be decided on the primary"),
        ("fsync", "off", "does not force what it commits to disk (`fsync = off`)"),
        ("full_page_writes", "off", "may tear pages in a power cut (`full_page_writes = off`)"),
    ):
        if await _row(connection, f"SHOW {setting}") == (wrong,):
            raise OperatorError(f"the server {why}; name another one")
    (encoding,) = await _row(connection, "SHOW server_encoding")
    if encoding != "UTF8":
        raise OperatorError(f"the database keeps its text as `{encoding}`; make one with the encoding UTF8")


async def _upgrade(connection: Connection) -> None:
    """Apply the schema's missing steps, in the transaction that is under way; one process at a time."""
    await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_UPGRADING,))
    if await _row(connection, "SELECT to_regnamespace('avow') IS NULL") == (True,):
        await connection.execute("CREATE SCHEMA avow")
    await connection.execute("CREATE TABLE IF NOT EXISTS migration (number integer PRIMARY KEY, name text NOT NULL)")
    applied = [number for (number,) in await (await connection.execute("SELECT number FROM migration")).fetchall()]
    for step in missing(applied, steps(POSTGRES)):
        await connection.execute(step.sql.encode())
        await connection.execute("INSERT INTO migration VALUES (%s, %s)", (step.number, step.name))


async def _number(connection: Connection, site: str) -> int:
    """The site's number, a new one if it is not known. Under the lock that `_upgrade` took."""
    find = "SELECT number FROM site WHERE name = %s"
    row = await (await connection.execute(find, (site,))).fetchone()
    if row is None:
        row = await (
            await connection.execute("INSERT INTO site (name) VALUES (%s) RETURNING number", (site,))
        ).fetchone()
    (number,) = row or (0,)
    await connection.execute(
        "INSERT INTO log (site, size, root) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING", (number, *EMPTY)
    )
    return int(number)


async def _step(connection: Connection) -> int:
    (number,) = await _row(connection, "SELECT max(number) FROM migration")
    return int(number)


async def _columns(connection: Connection, table: str) -> list[str]:
    """All of a table's columns but the site's number, which is this database's own."""
    cursor = await connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
        " AND attname <> 'site' ORDER BY attnum",
        (table,),
    )
    return [name for (name,) in await cursor.fetchall()]


async def _row(connection: Connection, query: str) -> tuple[Any, ...]:
    row = await (await connection.execute(query.encode())).fetchone()
    if row is None:
        raise OperatorError("the database answered nothing where it must answer; see the server's log")
    return row


def _name(error: psycopg.Error) -> str:
    """The class and code of what happened. The server's message could hold values, so it is not shown."""
    return type(error).__name__ + (f", SQLSTATE {error.sqlstate}" if error.sqlstate else "")
