"""The bare side of appending to the ledger (18, 18g). See `avow.bench.bare`."""

import os
from collections import defaultdict
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from avow.bench.ratio import Side
from avow.ledger import tiles
from avow.ledger.checkpoint import Checkpoint, Signer, sign
from avow.ledger.entry import EVENT
from avow.ledger.tiles import WIDTH, Tile
from avow.ledger.tree import Frontier
from avow.sequencer import _SYNCFS as SYNCFS
from avow.store import disk
from avow.store.interface import LogState
from avow.store.sqlite import EMPTY
from avow.store.sqlite_statements import MOVE_LOG, RECORD, SEQUENCED
from avow.store.sqlite_transaction import Connection


class BareLedger:
    """A ledger that grows by batches: rows in and out again, two hashes an entry, files and checkpoint, each forced.

    The entries are still in memory when they are sequenced, so they are not read again. All are of one length.
    """

    def __init__(self, at: Connection, folder: Path, kept: Path, signer: Signer) -> None:
        self._at = at
        self._folder = folder
        self._kept = kept
        self._signer = signer
        self._state = EMPTY
        self._edge = Frontier()
        self._full: dict[tiles.Level, int] = defaultdict(int)  # tiles that will not change any more
        self._open: dict[tiles.Level, list[bytes]] = defaultdict(list)  # what is in the one that will
        kept.mkdir()
        for level in ("entries", *range(4)):  # up to 2^32 entries
            (folder / "tile" / str(level)).mkdir(parents=True)

    def appending(self, batches: Sequence[Sequence[bytes]], group: int) -> Side:
        """Each round a batch, recorded so many a transaction and then sequenced."""

        async def side(number: int) -> int:
            at, batch = self._at, batches[number]
            execute, first, ticket = at.db.execute, at.ticket, at.ticket
            for start in range(0, len(batch), group):
                some = batch[start : start + group]
                rows = [(n, at.site, entry[EVENT], entry, None, None) for n, entry in enumerate(some, ticket + 1)]
                ticket += len(some)
                execute("BEGIN IMMEDIATE")
                at.db.executemany(RECORD, rows)
                execute("COMMIT")
            at.ticket = ticket
            self._sequence(batch, first)
            return len(batch)

        return side

    def _sequence(self, batch: Sequence[bytes], first: int) -> None:
        at, before = self._at, self._state
        self._write(self._grown(batch))
        after = self._state = LogState(before.size + len(batch), self._edge.root())
        at.db.execute("BEGIN IMMEDIATE")
        at.db.execute(MOVE_LOG, (at.site, *after, *before, at.ticket))
        for statement in SEQUENCED:
            at.db.execute(statement, (at.site, first, at.ticket))
        at.db.execute("COMMIT")
        note = sign(Checkpoint(self._signer.key.name, *after), self._signer).encode()
        for folder in (self._kept, self._folder):
            disk.write(folder / tiles.CHECKPOINT, note)

    def _grown(self, batch: Sequence[bytes]) -> list[tuple[Tile, bytes]]:
        """The files that become new or longer."""
        made = []
        length = len(batch[0]).to_bytes(2, "big")
        rows = self._edge.extend([sha256(b"\x00" + entry).digest() for entry in batch])
        levels: list[tuple[tiles.Level, Sequence[bytes]]] = [("entries", batch), *enumerate(rows)]
        for level, new in levels:
            row = [*self._open[level], *new]
            for start in range(0, len(row), WIDTH):
                part = row[start : start + WIDTH]
                data = length + length.join(part) if level == "entries" else b"".join(part)
                made.append((Tile(level, self._full[level] + start // WIDTH, len(part)), data))
            whole = len(row) // WIDTH
            self._full[level] += whole
            self._open[level] = row[whole * WIDTH :]
        return made

    def _write(self, made: Sequence[tuple[Tile, bytes]]) -> None:
        handles = []
        for tile, data in made:
            path = f"{self._folder}/{tile.path}"
            if tile.width < WIDTH:
                Path(path).parent.mkdir(exist_ok=True)
            handles.append(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600))
            os.write(handles[-1], data)
        if SYNCFS is None:
            for handle in handles:
                os.fsync(handle)
        else:
            SYNCFS(handles[0])
        for handle in handles:
            os.close(handle)
