# ruff: noqa: ASYNC240, D102, S608 - files are next door; what each method does stands in the contract; statements are put together from constants alone
"""SQLite: the embedded store. One process, one connection, one transaction at a time, on the loop's own thread.

Why no second thread: a hop there and back costs many times what a read costs. Why an exclusive connection
(`locking_mode`): nobody else may write here anyway, and a transaction then starts without system calls. So other
programs cannot look into the file while it is served; they get `database is locked`. WAL, synchronous=FULL,
secure_delete. SQL by apsw, which brings a SQLite without the WAL-reset fault of 3.7.0 to 3.51.2.
"""

import asyncio
import hashlib
from pathlib import Path
from typing import Any, Final

import apsw

from avow.errors import OperatorError, SecondWriter, Tampered, Unavailable
from avow.store import disk
from avow.store.interface import Check, LogState, Size
from avow.store.migrate import SQLITE, missing, steps
from avow.store.sqlite_transaction import Connection, SqliteTransaction, name_of, translated

OLDEST: Final = (3, 51, 3)  # of SQLite: see the module
APPLICATION: Final = 0x41564F57  # "AVOW", in the file's header: a file of something else is never written to
FILE: Final = "store.sqlite"  # the name in a backup
CACHE: Final = 64 << 10  # KiB of pages held in memory, at most
EMPTY: Final = LogState(0, hashlib.sha256().digest())
COUNTED: Final = {
    table: f"SELECT count(*) FROM {table} WHERE site = ?1"
    for table in (
        "subject",
        "datum",
        "consent",
        "request",
        "lookup",
        "suppression",
        "log",
        "policy",
        "note",
        "credential",
        "leaving",
        "message",
        "release",
        "budget",
    )
} | {
    "trace": "SELECT count(*) FROM event WHERE site = ?1 AND subject IS NOT NULL",
    "leaf": "SELECT count(*) FROM event WHERE site = ?1 AND ticket > (SELECT sequenced FROM log WHERE site = ?1)",
}

_SETTINGS: Final = f"""
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA secure_delete = ON;
PRAGMA trusted_schema = OFF;
PRAGMA cell_size_check = ON;
PRAGMA temp_store = MEMORY;
PRAGMA cache_size = -{CACHE};
"""

_OPEN_SITE: Final = (
    "INSERT INTO site (name, openings) VALUES (?1, (SELECT 1 + coalesce(max(openings), 0) FROM site))"
    " ON CONFLICT (name) DO UPDATE SET openings = excluded.openings RETURNING number, openings"
)
_OPEN_LOG: Final = "INSERT OR IGNORE INTO log VALUES (?, ?, ?, 0, 0)"


# what the marks and the events themselves say of the last ticket given
_FURTHEST: Final = """SELECT max(sequenced, filed, (SELECT coalesce(max(ticket), 0) FROM event))
FROM log WHERE site = ?"""


class SqliteStore:
    """See `interface.Store`. Made by `open_sqlite`."""

    gathers = False

    def __init__(self, site: str, path: Path, lock: disk.Lock, db: apsw.Connection) -> None:
        self.site = site
        self._at = Connection(db)
        self._path = path
        self._lock = lock

    def transaction(self) -> SqliteTransaction:
        return SqliteTransaction(self._at)

    def arrive(self) -> None:
        """Bring the schema to its newest step, find or make the site, and begin a new range of tickets.

        A ticket is opening and count in one number: never used twice, always rising, and nothing has to be read or
        written to have the next one. 2^40 acts an opening, 2^23 openings.
        """
        db = self._at.db
        db.execute("BEGIN IMMEDIATE")
        try:
            _upgrade(db)
            found: Any = db.execute(_OPEN_SITE, (self.site,)).fetchall()
            ((self._at.site, openings),) = found
            db.execute(_OPEN_LOG, (self._at.site, *EMPTY))
            found = db.execute(_FURTHEST, (self._at.site,)).fetchall()
            if found[0][0] >= openings << 40:
                raise Tampered("the database speaks of events that were never written; restore it")
            db.execute("COMMIT")
        except BaseException:
            self._at.undo()
            raise
        self._at.ticket = openings << 40

    async def scrub(self) -> None:
        await self._at.turns.take()
        try:
            # In the file secure_delete has overwritten what was deleted; the log before it still tells of it.
            busy_frames, moved = self._at.db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        except apsw.Error as error:
            raise OperatorError(f"what was deleted could not be scrubbed ({name_of(error)}); sweep again") from error
        finally:
            self._at.turns.give()
        log = self._path.with_name(self._path.name + "-wal")
        if busy_frames or moved or (log.exists() and log.stat().st_size):
            raise OperatorError(f"what was deleted may still be read in `{log}`; sweep again")

    async def backup(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise OperatorError(f"a backup needs an empty folder, and `{folder}` is not empty")
        path = folder / FILE
        disk.create(path, b"")
        try:
            copy = apsw.Connection(str(path))
            try:
                with copy.backup("main", self._at.db, "main") as work:
                    while not work.done:  # what this connection writes meanwhile, SQLite puts into the copy as well
                        await self._at.turns.take()
                        try:
                            work.step(256)
                        finally:
                            self._at.turns.give()
                        await asyncio.sleep(0)
                copy.execute("PRAGMA journal_mode = DELETE")
            finally:
                copy.close()
            disk.sync_file(path)
            disk.sync_folder(folder)
        except apsw.Error as error:
            raise Unavailable(f"the backup in `{folder}` is not whole ({name_of(error)}); remove it") from error

    async def restore(self, folder: Path, check: Check | None = None) -> None:
        path = folder / FILE
        if not path.is_file():
            raise OperatorError(f"`{folder}` holds no backup of a SQLite store (`{FILE}`)")
        await self._at.turns.take()
        try:
            copy = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
            try:
                _check(copy, path)
                if copy.execute("PRAGMA integrity_check(1)").fetchall() != [("ok",)]:
                    raise OperatorError(f"the backup `{path}` is damaged; take another one")
                found: Any = copy.execute("SELECT number FROM site WHERE name = ?", (self.site,)).fetchall()
                if not found:
                    raise OperatorError(f"the backup `{path}` holds another site than `{self.site}`")
                if self._at.db.execute("SELECT 1 FROM site WHERE name <> ?", (self.site,)).fetchall():
                    raise OperatorError(
                        f"`{self._path}` holds other sites than `{self.site}`, which the backup would take the place "
                        "of; restore into a new file"
                    )
                if check is not None:
                    check(*_told(copy, found[0][0]))
                self._at.people.clear()
                with self._at.db.backup("main", copy, "main") as work:  # one transaction: all of it or nothing
                    work.step(-1)
            finally:
                copy.close()
            self.arrive()
        except apsw.Error as error:
            raise OperatorError(f"`{path}` could not be restored ({name_of(error)})") from error
        finally:
            self._at.turns.give()
        await self.scrub()

    async def size(self) -> Size:
        files = [self._path, self._path.with_name(self._path.name + "-wal")]
        rows: dict[str, int] = {}
        for name, statement in COUNTED.items():
            found: Any = self._at.db.execute(statement, (self._at.site,))
            ((rows[name],),) = found
        return Size(sum(file.stat().st_size for file in files if file.exists()), rows)

    async def close(self) -> None:
        await self._at.turns.take()
        self._at.broken = "the store has been closed"
        self._at.db.close()
        self._at.turns.give()
        self._lock.close()


def open_sqlite(path: Path, site: str) -> SqliteStore:
    """Open or make the file. Raises `SecondWriter`, `OperatorError`, `Unavailable`."""
    if tuple(int(part) for part in apsw.sqlite_lib_version().split(".")) < OLDEST:
        raise OperatorError(f"SQLite {apsw.sqlite_lib_version()} may corrupt its log; install apsw >= 3.51.3")
    path = path.resolve()
    if not path.parent.is_dir():
        raise OperatorError(f"the folder `{path.parent}` of the database does not exist; make it first")
    lock = disk.Lock(path.with_name(path.name + ".lock"))
    db: apsw.Connection | None = None
    try:
        if not path.exists():
            disk.create(path, b"")
        db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
        # Without this a join is planned anew at every execution, to look at the values bound: four times the cost.
        db.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
        db.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
        _check(db, path)
        for _ in db.execute(_SETTINGS):
            pass
        store = SqliteStore(site, path, lock, db)
        store.arrive()
    except BaseException as error:
        if db is not None:
            db.close()
        lock.close()
        if isinstance(error, apsw.BusyError):
            raise SecondWriter(f"another program has `{path}` open; close it first") from error
        if isinstance(error, apsw.Error) and not isinstance(error, apsw.IOError | apsw.FullError):
            raise OperatorError(f"`{path}` cannot be opened ({name_of(error)})") from error
        translated(error)
    return store


def _check(db: apsw.Connection, path: Path) -> None:
    """Raise `OperatorError` unless the file is new or one of ours."""
    mark = db.pragma("application_id")
    if mark != APPLICATION and not (mark == 0 and db.pragma("schema_version") == 0):
        raise OperatorError(f"`{path}` is a database of something else than avow; name another file")


def _told(copy: apsw.Connection, site: int) -> tuple[dict[str, str], LogState]:
    """A copy's notes and log state."""
    notes: Any = copy.execute("SELECT name, value FROM note WHERE site = ?", (site,)).fetchall()
    state: Any = copy.execute("SELECT size, root FROM log WHERE site = ?", (site,)).fetchall()
    return dict(notes), LogState(*state[0]) if state else EMPTY


def _upgrade(db: apsw.Connection) -> None:
    """Apply the schema's missing steps. In the caller's transaction, as everything of SQLite's schema can be."""
    db.pragma("application_id", APPLICATION)
    db.execute("CREATE TABLE IF NOT EXISTS migration (number INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT")
    applied = [number for (number,) in db.execute("SELECT number FROM migration")]
    for step in missing(applied, steps(SQLITE)):
        db.execute(step.sql)
        db.execute("INSERT INTO migration VALUES (?, ?)", (step.number, step.name))
