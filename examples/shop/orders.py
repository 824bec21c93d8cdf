"""The shop's own memory of orders: reference, amount, state, and a receipt by which to add to the order. No person.

Who ordered is in the vault alone; the receipt is sealed by the vault and reads nothing.
"""

import sqlite3
from pathlib import Path
from typing import Final, NamedTuple

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS orders (
  reference TEXT PRIMARY KEY, origin TEXT NOT NULL UNIQUE, amount INTEGER NOT NULL, state TEXT NOT NULL,
  receipt TEXT NOT NULL, goes_to TEXT NOT NULL, placed INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS seen (id TEXT PRIMARY KEY, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;
"""
OPEN: Final = "open"
_DAY: Final = 86_400_000  # ms


class Placed(NamedTuple):
    """One order. `origin`: the form that it came by, so that a form makes one order; `state`: as the payment company
    words it; `goes_to`: where it is paid; `placed`: ms.
    """

    reference: str
    origin: str
    amount: int
    state: str
    receipt: str
    goes_to: str
    placed: int


class Orders:
    """In one SQLite file (`:memory:` for a test). It is `avow.doors.payment.Seen` as well."""

    def __init__(self, path: Path | str) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON; {_SCHEMA}")

    def close(self) -> None:
        """Give the file back."""
        self._db.close()

    def place(self, order: Placed) -> None:
        """Remember an order. Raises `sqlite3.IntegrityError` for a second one of the same form."""
        self._db.execute("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?)", order)

    def find(self, reference: str) -> Placed | None:
        """By its reference."""
        return self._one("SELECT * FROM orders WHERE reference = ?", reference)

    def of_form(self, origin: str) -> Placed | None:
        """By the form that it came by."""
        return self._one("SELECT * FROM orders WHERE origin = ?", origin)

    def _one(self, statement: str, value: str) -> Placed | None:
        row = self._db.execute(statement, (value,)).fetchone()
        return None if row is None else Placed(*row)

    def settle(self, reference: str, state: str, receipt: str) -> None:
        """How it stands from now on, and by which receipt more is added."""
        self._db.execute("UPDATE orders SET state = ?, receipt = ? WHERE reference = ?", (state, receipt, reference))

    def first(self, id: str, until: int) -> bool:
        """Whether a notice of this id comes for the first time; remembered until then (ms), and on disk."""
        self._db.execute("DELETE FROM seen WHERE until < ?", (until - _DAY,))
        return self._db.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (id, until)).rowcount == 1
