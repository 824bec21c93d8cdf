"""Ratios 18, 19 and 20: appending to the ledger, verifying all of it, proving one entry."""

import random
from hashlib import sha256
from pathlib import Path
from typing import Final

from avow.bench.bare_ledger import BareLedger
from avow.bench.bare_sqlite import connection
from avow.bench.ratio import MICROSECONDS, Check, Measured, Scale, faults, in_turn, rates
from avow.bench.raw_sqlite import RawSqlite
from avow.bench.shop import BATCH
from avow.ledger import tiles
from avow.ledger.checkpoint import Checkpoint, Signer, sign
from avow.ledger.entry import EVENT, Entry, decode, encode
from avow.ledger.folder import files
from avow.ledger.growth import Edge
from avow.ledger.tiles import Tiles
from avow.ledger.tree import Frontier, check_inclusion, leaf_hash
from avow.ledger.verify import verify_log
from avow.sequencer import Log
from avow.store import open_store
from avow.store.interface import Leaf, Store

SIGNER: Final = Signer("bench", b"bench" + bytes(27))
AT: Final = 1_770_000_000_000  # ms
GROUP: Final = 8  # entries a transaction, where eight callers wait together
_LOG: Final = "CREATE TABLE log (number INTEGER PRIMARY KEY, event BLOB NOT NULL, entry BLOB NOT NULL) STRICT"
_APPEND: Final = "INSERT INTO log (event, entry) VALUES (?, ?)"


def entries(count: int, seed: int) -> list[bytes]:
    """Entries as the recorder makes them, a millisecond apart."""
    dice = random.Random(seed)
    made = []
    for number in range(count):
        chance = dice.randbytes(112)
        entry = Entry(
            chance[:16], AT + number, "use", chance[16:32], ("B-1",), "done", chance[32:48], chance[48:64], chance[64:96]
        )  # fmt: skip
        made.append(encode(entry))
    return made


async def append(folder: Path, scale: Scale) -> Measured:
    """18g: as entries come in service, one group commit of eight callers after the other (see ratio 5)."""
    return await _append(folder, scale, scale.of(4_000), GROUP)


async def append_hundred(folder: Path, scale: Scale) -> Measured:
    """18: a hundred a transaction, as an import makes them."""
    return await _append(folder, scale, scale.of(10_000), BATCH)


async def _append(folder: Path, scale: Scale, each: int, group: int) -> Measured:
    """Entries recorded so many a transaction and then sequenced into tiles, durably, with a signed checkpoint; against
    the same bytes inserted so many a transaction.
    """
    batches = [entries(each, number) for number in range(scale.rounds)]
    raw = RawSqlite(folder)
    raw.execute(_LOG)
    store, other = [await open_store(f"sqlite:///{folder}/{name}.db", "bench") for name in ("ours", "bare")]
    try:
        log = await Log.open(folder / "ledger", store, SIGNER, folder / "kept")
        bare = BareLedger(connection(other), folder / "bare", folder / "bare-kept", SIGNER)

        async def plain(number: int) -> int:
            batch = batches[number]
            for start in range(0, each, group):
                raw.execute("BEGIN IMMEDIATE")
                raw.many(_APPEND, [(entry[EVENT], entry) for entry in batch[start : start + group]])
                raw.execute("COMMIT")
            return each

        async def ours(number: int) -> int:
            batch = batches[number]
            for start in range(0, each, group):
                async with store.transaction() as tx:
                    await tx.record([Leaf(entry[EVENT], entry) for entry in batch[start : start + group]], ())
            while await log.sequence(AT):
                pass
            return each

        speeds = await rates(scale.rounds, plain, ours, bare.appending(batches, group))
        wanted = [entry for batch in batches for entry in batch]
        rows = [entry for (entry,) in raw.execute("SELECT entry FROM log ORDER BY number")]
        why = faults(
            [
                ("raw rows", rows == wanted, True),
                *await _sequenced("", folder / "ledger", store, wanted),
                *await _sequenced("bare ", folder / "bare", other, wanted),
            ]
        )
        log.close()
        return Measured(*speeds[:2], scale.rounds, not why, why=why, bare=speeds[2])
    finally:
        raw.close()
        await store.close()
        await other.close()


async def _sequenced(whose: str, folder: Path, store: Store, wanted: list[bytes]) -> list[Check]:
    """Whether these entries are in the log, all of them and no others, and no longer in the database."""
    report, read = verify_log(files(folder), str(SIGNER.key)), Tiles(files(folder), len(wanted))
    if report.faults:
        return [(whose + "faults of the log", len(report.faults), 0)]
    found = [entry for number in range(-(-read.size // tiles.WIDTH)) for entry in read.entries(number)]
    async with store.transaction() as tx:
        state = await tx.log_state()
    return [
        (whose + "entries", report.size, len(wanted)),
        (whose + "entries are those recorded", found == wanted, True),
        (whose + "state", state, (read.size, read.root())),
        (whose + "rows left", connection(store).db.execute("SELECT count(*) FROM event").get, 0),
    ]


async def verify(folder: Path, scale: Scale) -> Measured:
    """19: the whole ledger verified; against a scan that reads the same files, decodes every entry and hashes it, which
    is what anybody does who only wants to use the log (docs/decisions/0040).
    """
    count = scale.of(100_000)
    size = _written(folder, entries(count, 19))
    read = files(folder)
    sound: list[bool] = []
    seen: list[int] = []

    async def plain(number: int) -> int:  # noqa: ARG001 - every round reads the same log
        total = 0
        for tile in tiles.tiles_of(size):
            data = read(tile.path) or b""
            if tile.level == "entries":
                scanned = [(decode(entry), sha256(entry).digest()) for entry in tiles.split(data)]
                total += len(scanned)
        seen.append(total)
        return total

    async def ours(number: int) -> int:  # noqa: ARG001 - as above
        report = verify_log(read, str(SIGNER.key))
        sound.append(report.claim is not None and report.size == count)
        return report.size

    speeds = await rates(scale.rounds, plain, ours)
    why = faults([("verified", sum(sound), scale.rounds), ("read", sum(seen), scale.rounds * count)])
    return Measured(*speeds, scale.rounds, not why, why=why)


async def prove(folder: Path, scale: Scale) -> Measured:
    """20: an inclusion proof made from the files of a log of a million entries, by one of ten thousand."""
    logs = []
    for name, count in (("small", scale.of(10_000)), ("large", scale.of(1_000_000))):
        _written(folder / name, entries(count, 20))
        logs.append(_Prover(folder / name, count, scale.of(300)))
    slow, fast = await in_turn(scale.rounds, logs[0].prove, logs[1].prove)
    why = faults([("proofs that hold", [log.sound() for log in logs], [scale.rounds * scale.of(300)] * 2)])
    return Measured(slow * 1e6, fast * 1e6, scale.rounds, not why, MICROSECONDS, why)


class _Prover:
    """Proves entries drawn at random, and keeps the proofs to be checked afterwards."""

    def __init__(self, folder: Path, size: int, each: int) -> None:
        self._tiles = Tiles(files(folder), size)
        self._dice = random.Random(size)
        self._each = each
        self._made: list[tuple[int, bytes, list[bytes]]] = []

    async def prove(self, _: int) -> int:
        size = self._tiles.size
        for _n in range(self._each):
            index = self._dice.randrange(size)
            entry = self._tiles.entries(index // tiles.WIDTH)[index % tiles.WIDTH]
            self._made.append((index, entry, self._tiles.inclusion(index)))
        return self._each

    def sound(self) -> int:
        """How many of the proofs lead from their entry to the root."""
        root = self._tiles.root()
        for index, entry, proof in self._made:
            check_inclusion(leaf_hash(entry), index, self._tiles.size, proof, root)
        return len(self._made)


def _written(folder: Path, data: list[bytes]) -> int:
    """The files of a log of these entries; how many they are."""
    grown = Edge(0, Frontier(), (), ()).grown(data)
    for tile, content in grown.files:
        path = folder / tile.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (folder / tiles.CHECKPOINT).write_text(sign(Checkpoint("bench", grown.size, grown.frontier.root()), SIGNER))
    return grown.size
