"""A site with people who live a life, and the hands of somebody who has its files and its database.

The thief writes with SQL and with a hex editor, never through the gate, and has no key. Everything that is changed can
be put back, so that one site serves thousands of tamperings.
"""

import shutil
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from typing import Any, Final, Self

import apsw

from avow.app import Avow
from avow.ledger.folder import files, versions
from avow.ledger.tiles import tiles_of
from avow.ledger.verify import verify_log
from avow.policy.parse import parse
from avow.rows import unpack
from tests.shops import POLICY, Clock, opened

PEOPLE: Final = 4
KEYS: Final = {
    "subject": ("site", "subject"), "datum": ("site", "subject", "category", "row"), "event": ("ticket",),
    "filed": ("site", "subject", "ticket"),
    "consent": ("site", "subject", "row"), "request": ("site", "subject", "row"),
    "lookup": ("site", "category", "hash", "subject"),
}  # fmt: skip
HARBOUR: Final = parse(POLICY.replace("site: corner", "site: harbour"), "harbour")
Row = dict[str, Any]


def given(number: int) -> dict[str, str]:
    """What person `number` gives through the form of an order."""
    return {
        "name": f"Person Number{number:03}", "email": f"person{number:03}@tampering.example",
        "postal-address": f"{number} Tampering Lane", "phone": f"+44 20 7946 0{number:03}",
    }  # fmt: skip


class Site:
    """One site in a folder, with a checkpoint kept elsewhere. Use `live` once, then tamper and `undo`."""

    def __init__(self, folder: Path, dice: Random) -> None:
        self.folder = folder
        self.dice = dice
        self.clock = Clock()
        self.people: list[str] = []
        self.older: dict[str, list[Row]] = {}  # rows of everybody as they were half-way, by table
        self.held = ""  # the auditor's checkpoint
        self.shop: Avow
        self.harbour: Avow
        self.noted_wraps: list[bytes] = []
        self.noted_values: list[bytes] = []
        self.noted_tiles: list[str] = []
        self._stack = AsyncExitStack()
        self._undo: list[Callable[[], object]] = []

    # -- its life -----------------------------------------------------------------------------------------------

    async def open(self) -> Self:
        """Open the shop in whatever state its files are."""
        self.shop = await self._stack.enter_async_context(
            opened(self.folder / "corner", self.clock, sequence_every=Clock.NEVER)
        )
        return self

    async def close(self) -> None:
        """Close everything that is open."""
        await self._stack.aclose()
        self._stack = AsyncExitStack()

    async def live(self) -> None:
        """Everything that writes, in two halves; older rows and older files are kept from between them."""
        (self.folder / "corner").mkdir(parents=True)
        (self.folder / "harbour").mkdir()
        await self.open()
        for number in range(PEOPLE):
            self.people.append(await self._arrive(self.shop, number))
        self.older = {table: self.rows(table) for table in KEYS}
        await self.shop.sequence_all()
        await self.close()
        shutil.copytree(self.folder / "corner", self.folder / "older")
        await self.open()
        for who in self.people:
            await self._go_on(who)
        gone = await self._arrive(self.shop, PEOPLE)
        await self.shop.erase(gone)
        await self.shop.sequence_all()
        self.held = self.shop.log.checkpoint()
        async with opened(self.folder / "harbour", self.clock, policy=HARBOUR) as self.harbour:
            self.theirs = await self._arrive(self.harbour, 0)
            self.sealed_there = self.rows("datum", shop=self.harbour)
            self.wraps_there = self.wraps(self.theirs, shop=self.harbour)

    async def _arrive(self, shop: Avow, number: int) -> str:
        def later() -> None:
            self.clock.forward(minutes=20)  # longer than an event may be late

        who = await shop.collect("order", given(number))
        later()
        await shop.collect("order", given(number), who=who)
        later()
        await shop.collect("click", {"visit-code": f"click {number}"}, who=who)
        later()
        await shop.collect("contest", {"entry": f"entry {number}", "email": given(number)["email"]}, who=who)
        later()
        await shop.agree(who, "news", words=f"yes, says {number}")
        await shop.agree_to(who, "share", "third-party:Acme", ["email"], words=f"Acme may, says {number}")
        later()
        return who

    async def _go_on(self, who: str) -> None:
        self.clock.forward(minutes=20)
        await self.shop.correct(who, "name", f"A Right Name {who[:4]}")
        await self.shop.correct(who, "phone", "+44 20 7946 0999")
        await self.shop.withdraw(who, "consent/share/third-party%3AAcme/email")
        requests = (await self.shop.export(who))["requests"]
        await self.shop.close_request(who, requests[0]["id"])
        self.clock.forward(minutes=20)
        await self.shop.opt_out(who, "phone")
        await self.shop.use(who, "name", purpose="order")

    # -- its database ---------------------------------------------------------------------------------------------

    @staticmethod
    def _db(shop: Avow) -> apsw.Connection:
        return shop._gate.store._at.db  # type: ignore[attr-defined,no-any-return]  # SQLite's, as nobody should have it

    def rows(self, table: str, who: str = "", shop: Avow | None = None) -> list[Row]:
        """The rows of a table, or of one person in it."""
        where, values = ("WHERE subject = ?", (bytes.fromhex(who),)) if who else ("", ())
        cursor = self._db(shop or self.shop).execute(f"SELECT * FROM {table} {where}", values)
        return [dict(zip((name for name, *_ in cursor.getdescription()), row, strict=True)) for row in cursor]

    def replace(self, table: str, old: Row | None, new: Row | None) -> None:
        """Put a row in the place of another one behind the gate; None is no row."""
        self._swap(table, old, new)
        self._undo.append(lambda: self._swap(table, new, old))

    def _swap(self, table: str, old: Row | None, new: Row | None) -> None:
        db = self._db(self.shop)
        with db:
            if old is not None:
                where = " AND ".join(f"{name} = ?" for name in KEYS[table])
                db.execute(f"DELETE FROM {table} WHERE {where}", [old[name] for name in KEYS[table]])
            if new is not None:
                texts = {name for _, name, kind, *_ in db.execute(f"PRAGMA table_info({table})") if kind == "TEXT"}
                marks = ", ".join("CAST(? AS TEXT)" if name in texts else "?" for name in new)
                db.execute(f"INSERT INTO {table} VALUES ({marks})", list(new.values()))

    # -- its keystore and files ------------------------------------------------------------------------------------

    def wraps(self, who: str, shop: Avow | None = None) -> dict[bytes, bytes]:
        """The wraps of a person's keys, by key id."""
        (row,) = self.rows("subject", who, shop)
        keys = unpack(row["keys"]).values()
        return {key: bytes((shop or self.shop).keystore._wraps.get(key) or b"") for key in keys}

    def put_wrap(self, key: bytes, wrap: bytes | None) -> None:
        """Put a wrap into the keystore's file behind its back."""
        before = self.shop.keystore._wraps.get(key)
        self._wrap(key, wrap)
        self._undo.append(lambda: self._wrap(key, before))

    def _wrap(self, key: bytes, wrap: bytes | None) -> None:
        wraps = self.shop.keystore._wraps
        with wraps.commit():
            wraps.delete([key])
            if wrap is not None:
                wraps.put([(key, wrap)])

    async def note(self) -> None:
        """Remember which bytes to look for in the files, once they are closed."""
        await self.shop.sequence_all()
        self.noted_wraps = [wrap for who in self.people for wrap in self.wraps(who).values()]
        self.noted_tiles = [tile.path for tile in tiles_of(self.shop.log.size)]
        self.noted_values = [bytes(row["sealed"]) for who in self.people for row in self.rows("datum", who)]

    def undo(self) -> None:
        """Everything as it was before the last tampering."""
        while self._undo:
            self._undo.pop()()

    # -- who notices ------------------------------------------------------------------------------------------------

    async def faults(self, people: Sequence[str]) -> list[str]:
        """What the shop's own inspection says, with the keys read anew as they are a minute later."""
        self.shop.keystore._cache.clear()
        self.shop.keystore._taken.clear()
        self.shop._gate.store._at.people.clear()  # type: ignore[attr-defined]  # SQLite's
        wrong = await self.shop.census()
        for who in people:
            if not wrong:
                wrong += await self.shop.inspect(who)
        return wrong

    def verified(self) -> list[str]:
        """What the auditor says, who has the log, its key and one older checkpoint."""
        ledger = self.shop.places.ledger
        report = verify_log(files(ledger), self.shop.verifier_key, [self.held], versions=versions(ledger))
        return [str(fault) for fault in report.faults]


def flipped(value: bytes | str, dice: Random) -> bytes:
    """The bytes with one bit turned. A text's too: SQLite looks at no character."""
    changed = bytearray(value.encode() if isinstance(value, str) else value)
    changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
    return bytes(changed)
