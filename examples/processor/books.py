"""The company's own books: checkouts, messages that were seen, and which browser's mark stands for which buyer.

SQLite on disk. Nothing personal is in here: a checkout is a reference and an amount, a buyer is an opaque id.
"""

import hashlib
import sqlite3
from pathlib import Path
from typing import NamedTuple

_SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE IF NOT EXISTS checkout (
    id TEXT PRIMARY KEY, merchant TEXT NOT NULL, reference TEXT NOT NULL, amount INTEGER NOT NULL,
    currency TEXT NOT NULL, description TEXT NOT NULL, return_url TEXT NOT NULL, cancel_url TEXT NOT NULL,
    opened INTEGER NOT NULL, state TEXT NOT NULL, payment TEXT NOT NULL, at INTEGER NOT NULL, tries INTEGER NOT NULL,
    told INTEGER NOT NULL
) STRICT;
UPDATE checkout SET state = 'open' WHERE state = 'paying';
DROP INDEX IF EXISTS paid_once;
CREATE UNIQUE INDEX IF NOT EXISTS charged_once ON checkout (merchant, reference) WHERE state IN ('paying', 'paid');
CREATE INDEX IF NOT EXISTS of_order ON checkout (merchant, reference);
CREATE TABLE IF NOT EXISTS seen (id TEXT PRIMARY KEY, until INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS buyer (mark BLOB PRIMARY KEY, who TEXT NOT NULL, until INTEGER NOT NULL) STRICT;
"""


class Checkout(NamedTuple):
    """One order on its way to being paid. `state`: open, paying, paid, declined, cancelled. `told`: 1 once the merchant
    has taken the notice in.
    """

    id: str
    merchant: str
    reference: str
    amount: int
    currency: str
    description: str
    return_url: str
    cancel_url: str
    opened: int
    state: str = "open"
    payment: str = ""
    at: int = 0
    tries: int = 0
    told: int = 0


class Books:
    """On one file; the event loop's thread alone uses it."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Let the file go."""
        self._db.close()

    def open(self, checkout: Checkout) -> None:
        """A new one."""
        self._db.execute(f"INSERT INTO checkout VALUES ({', '.join('?' * len(checkout))})", checkout)

    def get(self, id: str) -> Checkout | None:
        """The one of this id; or, where its order is being charged or is paid in another one, that one."""
        row = self._db.execute(
            "SELECT one.* FROM checkout AS named JOIN checkout AS one"
            " ON one.merchant = named.merchant AND one.reference = named.reference"
            " WHERE named.id = ? AND (one.id = named.id OR one.state IN ('paying', 'paid'))"
            " ORDER BY one.state IN ('paying', 'paid') DESC LIMIT 1",
            (id,),
        ).fetchone()
        return None if row is None else Checkout(*row)

    def of(self, merchant: str, reference: str) -> Checkout | None:
        """The one that a merchant's order is charged in, or else the newest."""
        row = self._db.execute(
            "SELECT * FROM checkout WHERE merchant = ? AND reference = ?"
            " ORDER BY state IN ('paying', 'paid') DESC, opened DESC LIMIT 1",
            (merchant, reference),
        ).fetchone()
        return None if row is None else Checkout(*row)

    def take(self, id: str) -> bool:
        """Begin to charge: of two at once one is told True. False, too, where another checkout charges the same order or
        has: the card network is asked by nobody who was told False.
        """
        try:
            taken = self._db.execute(
                "UPDATE checkout SET state = 'paying', tries = tries + 1 WHERE id = ? AND state = 'open'", (id,)
            )
        except sqlite3.IntegrityError:  # charged_once
            return False
        return taken.rowcount == 1

    def settle(self, id: str, state: str, payment: str, at: int) -> None:
        """What became of one that was taken."""
        self._db.execute("UPDATE checkout SET state = ?, payment = ?, at = ? WHERE id = ?", (state, payment, at, id))

    def told(self, id: str) -> None:
        """The merchant has taken the notice in."""
        self._db.execute("UPDATE checkout SET told = 1 WHERE id = ?", (id,))

    def untold(self) -> list[Checkout]:
        """Those whose merchants do not know yet."""
        rows = self._db.execute("SELECT * FROM checkout WHERE told = 0 AND state IN ('paid', 'declined', 'cancelled')")
        return [Checkout(*row) for row in rows]

    def first(self, id: str, until: int) -> bool:
        """Whether a message's id comes for the first time."""
        return self._db.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (id, until)).rowcount == 1

    def forget(self, now: int) -> None:
        """Drop what nobody asks for any more."""
        self._db.execute("DELETE FROM seen WHERE until < ?", (now,))
        self._db.execute("DELETE FROM buyer WHERE until < ?", (now,))

    def know(self, mark: str, who: str, until: int) -> None:
        """From now on this mark stands for this buyer."""
        self._db.execute("INSERT OR REPLACE INTO buyer VALUES (?, ?, ?)", (_hidden(mark), who, until))

    def buyer(self, mark: str, now: int) -> str | None:
        """Whom a mark stands for."""
        row = self._db.execute("SELECT who FROM buyer WHERE mark = ? AND until >= ?", (_hidden(mark), now)).fetchone()
        return None if row is None else str(row[0])


def _hidden(mark: str) -> bytes:
    return hashlib.sha256(mark.encode("utf-8", "replace")).digest()
