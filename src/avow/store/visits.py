"""Visits on disk, in SQLite files of their own: cells that say how many, and for an operational log sealed addresses.

No row of a cell is of one visit. The tables are ordered by what their rows say (WITHOUT ROWID), and a batch is written
in that order, so that neither numbers nor places of rows tell in which order anything came. There is no WAL, for the
same reason, and so that another process reads without leave to write. Nothing here is in the vault's database or backups.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import apsw

from avow.errors import OperatorError, Unavailable
from avow.store import disk

HOUR: Final = 3_600_000  # ms
DAY: Final = 24 * HOUR
_ABOUT: Final = "CREATE TABLE about (site TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;"
_CELLS: Final = f"""{_ABOUT}
CREATE TABLE cells (
  since INTEGER NOT NULL, hours INTEGER NOT NULL, said TEXT NOT NULL, visits INTEGER NOT NULL,
  PRIMARY KEY (since, hours, said)
) STRICT, WITHOUT ROWID;
CREATE TABLE days (
  day INTEGER NOT NULL PRIMARY KEY, visitors INTEGER NOT NULL, runs INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"""
_ADDRESSES: Final = f"""{_ABOUT}
CREATE TABLE entries (
  since INTEGER NOT NULL, hours INTEGER NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (since, hours, sealed)
) STRICT, WITHOUT ROWID;
CREATE TABLE looks (
  hour INTEGER NOT NULL, role TEXT NOT NULL, purpose TEXT NOT NULL, promises TEXT NOT NULL, shown INTEGER NOT NULL,
  times INTEGER NOT NULL, PRIMARY KEY (hour, role, purpose, promises, shown)
) STRICT, WITHOUT ROWID;
"""


class Cell(NamedTuple):
    """So many visits, of at least K visitors, whose last page was within `hours` hours from `since` (ms).

    `dimensions` is empty for how many there were at all: an hour, or several with few visits each. Otherwise it is one
    category of the policy and its value: a day, or several. A visit is in one cell without dimensions, and for each
    category in one of its cells; of a category that counts sections, in one for each part of the site that it went to.
    """

    since: int
    hours: int
    dimensions: Mapping[str, str]
    visits: int


class Day(NamedTuple):
    """About so many different visitors on one day (ms of its first moment, UTC); `runs`: summed over so many starts of
    the process, so that who came under several of them is in it several times.
    """

    day: int
    visitors: int
    runs: int


class _File:
    """One SQLite file for one site."""

    def __init__(self, path: Path, site: str, schema: str, *, writes: bool, alone: bool = True) -> None:
        self._lock = disk.Lock(path.with_name(path.name + ".lock")) if writes and alone else None
        try:
            self._db = _opened(path, site, schema, writes=writes)
        except BaseException:
            self.close()
            raise

    @classmethod
    def open(cls, path: Path, site: str) -> Self:
        """To write, one process at a time; made if it is new. Raises `SecondWriter`, `OperatorError`."""
        return cls(path, site, writes=True)  # type: ignore[call-arg]  # the schema is each kind's own

    @classmethod
    def reading(cls, path: Path, site: str) -> Self:
        """To read, beside who writes. Raises `OperatorError` where there is no such file."""
        return cls(path, site, writes=False)  # type: ignore[call-arg]  # as above

    def close(self) -> None:
        """Give the file back. More than once is harmless."""
        if hasattr(self, "_db"):
            self._db.close()
        if self._lock is not None:
            self._lock.close()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            with self._db:
                yield
        except apsw.Error as error:
            raise Unavailable(f"the visits could not be written: {type(error).__name__}; nothing was") from error

    def _rows(self, sql: str, *values: int) -> list[tuple[Any, ...]]:
        try:
            return list(self._db.execute(sql, values))
        except apsw.Error as error:
            raise Unavailable(f"the visits could not be read: {type(error).__name__}; try again") from error


def _opened(path: Path, site: str, schema: str, *, writes: bool) -> apsw.Connection:
    try:
        if writes and not path.exists():
            disk.create(path, b"")
        db = apsw.Connection(str(path), apsw.SQLITE_OPEN_READWRITE if writes else apsw.SQLITE_OPEN_READONLY)
        db.set_busy_timeout(5_000)
        for name, value in (("journal_mode", "delete"), ("synchronous", "full"), ("secure_delete", True)):
            db.pragma(name, value)
        if writes and not db.pragma("user_version"):
            with db:
                db.execute(schema)
                db.execute("INSERT INTO about VALUES (?)", (site,))
                db.execute("PRAGMA user_version=1")
        found = db.execute("SELECT site FROM about").get
    except apsw.Error as error:
        raise OperatorError(f"`{path}` holds no visits that can be opened: {type(error).__name__}") from error
    if found != site:
        db.close()
        raise OperatorError(f"`{path}` has the visits of another site; name another file for `{site}`")
    return db


class Visited(_File):
    """The statistics: cells and days."""

    def __init__(self, path: Path, site: str, *, writes: bool) -> None:
        super().__init__(path, site, _CELLS, writes=writes)

    def add(self, cells: Iterable[Cell], days: Iterable[tuple[int, int]] = ()) -> None:
        """Add them to what is there; on disk when this returns, all or none. `days`: day and visitors."""
        rows = sorted((one.since, one.hours, _said(one.dimensions), one.visits) for one in cells)
        with self._writing():
            self._db.executemany(
                "INSERT INTO cells VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET visits = visits + excluded.visits",
                rows,
            )
            self._db.executemany(
                "INSERT INTO days VALUES (?, ?, 1) ON CONFLICT DO UPDATE"
                " SET visitors = visitors + excluded.visitors, runs = runs + 1", sorted(days),
            )  # fmt: skip

    def cells(self, since: int, until: int) -> list[Cell]:
        """Every cell that begins at `since` or later and before `until` (ms), in the order of their hours."""
        rows = self._rows(
            "SELECT * FROM cells WHERE since >= ? AND since < ? ORDER BY since, hours, said", since, until
        )
        return [Cell(began, hours, json.loads(said), visits) for began, hours, said, visits in rows]

    def days(self, since: int, until: int) -> list[Day]:
        """Visitors of the days that begin there."""
        return [
            Day(*row) for row in self._rows("SELECT * FROM days WHERE day >= ? AND day < ? ORDER BY day", since, until)
        ]


def _said(dimensions: Mapping[str, str]) -> str:
    return json.dumps(dict(dimensions), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


class Look(NamedTuple):
    """How often, within an hour (ms), a role was shown the addresses for a purpose, or refused them, and by which promises."""

    hour: int
    role: str
    purpose: str
    promises: str
    shown: bool
    times: int


class Addresses(_File):
    """The operational log: sealed batches, and who looked at them."""

    def __init__(self, path: Path, site: str, *, writes: bool, alone: bool = True) -> None:
        super().__init__(path, site, _ADDRESSES, writes=writes, alone=alone)

    @classmethod
    def beside(cls, path: Path, site: str) -> "Addresses":
        """To look at it beside who writes batches, and to count the look. Raises `OperatorError` where there is none."""
        if not path.exists():
            raise OperatorError(f"there is no operational log at `{path}`; name the folder of the process that counts")
        return cls(path, site, writes=True, alone=False)

    def add(self, since: int, hours: int, sealed: bytes) -> None:
        """One batch; on disk when this returns."""
        with self._writing():
            self._db.execute("INSERT INTO entries VALUES (?, ?, ?)", (since, hours, sealed))

    def entries(self, since: int) -> list[tuple[int, int, bytes]]:
        """The batches that begin then or later: since, hours, sealed."""
        return [(began, hours, sealed) for began, hours, sealed in self._rows(
            "SELECT * FROM entries WHERE since >= ? ORDER BY since, hours, sealed", since
        )]  # fmt: skip

    def erase(self, before: int, after: int) -> int:
        """Batches that began before the one (ms) or after the other are overwritten; how many."""
        with self._writing():
            self._db.execute("DELETE FROM entries WHERE since < ? OR since > ?", (before, after))
            return self._db.changes()

    def looked(self, look: Look) -> None:
        """Count a look."""
        with self._writing():
            self._db.execute(
                "INSERT INTO looks VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET times = times + excluded.times", look
            )  # fmt: skip

    def looks(self, since: int) -> list[Look]:
        """Those of this hour and later, newest first."""
        rows = self._rows(
            "SELECT * FROM looks WHERE hour >= ? ORDER BY hour DESC, role, purpose, promises, shown", since
        )
        return [Look(hour, role, why, ids, bool(shown), times) for hour, role, why, ids, shown, times in rows]
