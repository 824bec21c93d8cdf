"""The floor on SQLite: a plain shop's tables by the same driver, with the same durability, indexes and grouping.

It is a shop's as shops are: any number of processes may open the file (`locking_mode` as SQLite has it by default),
and a read by itself needs no transaction around it.

The rows are comparable, not the same: what a plain shop has no use for (key ids, versions of a sealed value) is left
out. A record row is a minimal honest one: when, who, about whom, what, why, and what became of it; with an index by
person, since "who looked at me" is a look-up with us as well.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from time import time
from typing import Any, Final

import apsw

from avow.bench.shop import PURPOSE, Person

_SETTINGS: Final = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA temp_store = MEMORY;
PRAGMA cache_size = -65536;
"""
_TABLES: Final = """
CREATE TABLE person (
    site INTEGER NOT NULL, person BLOB NOT NULL, created INTEGER NOT NULL, PRIMARY KEY (site, person)
) STRICT, WITHOUT ROWID;
CREATE TABLE datum (
    site INTEGER NOT NULL, person BLOB NOT NULL, row BLOB NOT NULL, category TEXT NOT NULL, purposes TEXT NOT NULL,
    source TEXT NOT NULL, collected INTEGER NOT NULL, due INTEGER, value TEXT NOT NULL,
    PRIMARY KEY (site, person, category, row)
) STRICT, WITHOUT ROWID;
CREATE INDEX datum_due ON datum (site, due) WHERE due IS NOT NULL;
CREATE TABLE lookup (
    site INTEGER NOT NULL, category TEXT NOT NULL, value TEXT NOT NULL, person BLOB NOT NULL,
    PRIMARY KEY (site, category, value, person)
) STRICT, WITHOUT ROWID;
CREATE INDEX lookup_of_person ON lookup (site, person);
CREATE TABLE record (
    number INTEGER PRIMARY KEY, at INTEGER NOT NULL, actor TEXT NOT NULL, person BLOB NOT NULL, action TEXT NOT NULL,
    categories TEXT NOT NULL, purpose TEXT NOT NULL, outcome TEXT NOT NULL
) STRICT;
CREATE INDEX record_of_person ON record (person);
"""
READ: Final = "SELECT value FROM datum WHERE site = ? AND person = ? AND category = ?"
HELD: Final = "SELECT category, purposes, source, collected, due, value FROM datum WHERE site = ? AND person = ?"
PERSON: Final = "INSERT INTO person VALUES (?, ?, ?)"
DATUM: Final = "INSERT INTO datum VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
LOOKUP: Final = "INSERT INTO lookup VALUES (?, ?, ?, ?)"
RECORD: Final = (
    "INSERT INTO record (at, actor, person, action, categories, purpose, outcome) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
SITE: Final = 1


class RawSqlite:
    """A plain shop in one file."""

    def __init__(self, folder: Path) -> None:
        self.db = apsw.Connection(str(folder / "raw.db"))
        for _ in self.db.execute(_SETTINGS + _TABLES):
            pass
        self.execute = self.db.execute
        self.many = self.db.executemany

    def add(self, people: Sequence[Person], at: int) -> list[bytes]:
        """People with what they gave and a record row each, in one transaction; their ids."""
        ids = [os.urandom(16) for _ in people]
        data = [
            (SITE, who, os.urandom(16), category, PURPOSE, "order", at, None, value)
            for one, who in zip(people, ids, strict=True)
            for category, value in one.given.items()
        ]
        categories = " ".join(people[0].given)
        self.execute("BEGIN IMMEDIATE")
        self.many(PERSON, [(SITE, who, at) for who in ids])
        self.many(DATUM, data)
        self.many(LOOKUP, [(SITE, "email", one.given["email"], who) for one, who in zip(people, ids, strict=True)])
        self.many(RECORD, [(at, "site:import", who, "collect", categories, PURPOSE, "done") for who in ids])
        self.execute("COMMIT")
        return ids

    def count(self, table: str) -> int:
        """Rows of a table."""
        found: Any = self.execute(f"SELECT count(*) FROM {table}").get
        return int(found)

    def close(self) -> None:
        """Release the file."""
        self.db.close()


def now() -> int:
    """Milliseconds since 1970, for a plain shop's rows."""
    return int(time() * 1000)
