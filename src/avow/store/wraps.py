"""The wrapped keys of one epoch, in an SQLite file of their own.

Knows no key: it holds wraps, and makes those that are deleted unreadable in its files. Why it is set up like this:
WAL and synchronous=FULL make a commit one forced write; secure_delete zeroes what is deleted in the pages, and a
checkpoint that truncates, whose success is checked, empties the log of older images of them. Layout: docs/formats.md,
2.4. The file belongs to one process: the keystore's lock says so, and the exclusive mode holds it.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self

import apsw

from avow.errors import OperatorError, Tampered, Unavailable
from avow.store import disk

_SCHEMA: Final = """
create table wraps (id blob primary key, wrap blob not null) without rowid, strict;
create table secrets (name text primary key, wrap blob not null) without rowid, strict;
create table marks (name text primary key, value integer not null) without rowid, strict;
"""
_APPLICATION: Final = 0x61766F77  # "avow"
_FORMAT: Final = 1


class Wraps:
    """Wraps by key id, wraps of the site's secrets by name, and a few counters (`marks`)."""

    def __init__(self, path: Path, *, fresh: bool) -> None:
        """Open the file, or make it when `fresh`. Raises `OperatorError`, `Unavailable`."""
        self.path = path
        if fresh:
            disk.create(path, b"")  # SQLite would make it readable by others
        with _disk(path):
            self._db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
            try:
                self._prepare(fresh=fresh)
            except BaseException:
                self._db.close()
                raise

    def _prepare(self, *, fresh: bool) -> None:
        for setting in ("locking_mode=exclusive", "journal_mode=wal", "synchronous=full", "secure_delete=on",
                        "temp_store=memory"):  # fmt: skip
            self._db.pragma(*setting.split("="))
        if fresh:
            with self._db:
                self._db.execute(_SCHEMA)
            self._db.pragma("application_id", _APPLICATION)
            self._db.pragma("user_version", _FORMAT)
        if (self._db.pragma("application_id"), self._db.pragma("user_version")) != (_APPLICATION, _FORMAT):
            raise OperatorError(f"`{self.path}` is no file of wraps of this version; put it back from the backup")
        if self._db.pragma("journal_mode") != "wal" or self._db.pragma("secure_delete") != 1:
            raise OperatorError(f"SQLite cannot be set up safely for `{self.path}`; put it on a local disk")

    @contextmanager
    def commit(self) -> Iterator[Self]:
        """Everything inside is on disk when this ends; nothing of it when it ends with an exception."""
        with _disk(self.path), self._db:
            yield self

    def put(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Insert wraps by key id; ascending ids go fastest and leave no copies behind."""
        self._db.executemany("insert into wraps values (?, ?)", rows)

    def put_secrets(self, rows: Iterable[tuple[str, bytes]]) -> None:
        """Insert wraps of site secrets by name."""
        self._db.executemany("insert into secrets values (?, ?)", rows)

    def delete(self, ids: Iterable[bytes]) -> None:
        """Remove wraps; those that are not there are done already. Call `scrub` after the commit."""
        self._db.executemany("delete from wraps where id = ?", [(one,) for one in ids])

    def get(self, id: bytes) -> bytes | None:
        """The wrap of a key."""
        with _disk(self.path):
            wrap: bytes | None = self._db.execute("select wrap from wraps where id = ?", (id,)).get
        return wrap

    def secrets(self) -> list[tuple[str, bytes]]:
        """All wraps of site secrets."""
        with _disk(self.path):
            return [(str(name), bytes(wrap)) for name, wrap in self._db.execute("select name, wrap from secrets")]

    def all(self) -> Iterator[tuple[bytes, bytes]]:
        """Every wrap, by ascending id."""
        yield from self._db.execute("select id, wrap from wraps order by id")

    def count(self) -> int:
        """How many wraps there are."""
        return int(self._db.execute("select count(*) from wraps").get)

    def mark(self, name: str) -> int:
        """A counter; 0 if it was never set."""
        with _disk(self.path):
            return self._db.execute("select value from marks where name = ?", (name,)).get or 0

    def set_mark(self, name: str, value: int) -> None:
        """Set a counter, inside a commit."""
        self._db.execute("insert or replace into marks values (?, ?)", (name, value))

    def scrub(self) -> None:
        """Empty the log, so that no deleted wrap stays in it. Raises `OperatorError` when that did not succeed."""
        with _disk(self.path):
            busy, left, _ = self._db.execute("pragma wal_checkpoint(truncate)").get
        log = self.path.with_name(self.path.name + "-wal")
        if busy or left > 0 or (log.exists() and log.stat().st_size):
            raise OperatorError(f"the log of `{self.path}` could not be emptied; deleted keys may stay readable in it:"
                                " stop whatever else reads the file, and start again")  # fmt: skip

    def copy(self, path: Path) -> None:
        """A consistent copy without anything that was deleted, into a file that does not exist yet."""
        with _disk(self.path):
            self._db.execute("vacuum into ?", (str(path),))

    def close(self) -> None:
        """Close the file. More than once is harmless."""
        with _disk(self.path):
            self._db.close()


@contextmanager
def _disk(path: Path) -> Iterator[None]:
    """SQLite's errors as ours."""
    try:
        yield
    except (apsw.CorruptError, apsw.NotADBError) as error:
        raise Tampered(f"`{path}` is damaged; put the keystore back from its backup") from error
    except (apsw.CantOpenError, apsw.BusyError) as error:
        raise OperatorError(f"`{path}` cannot be opened; put the keystore back, or stop who else has it") from error
    except (apsw.IOError, apsw.FullError, apsw.ReadOnlyError) as error:
        raise Unavailable(f"the disk refused `{path}`; nothing was done") from error
