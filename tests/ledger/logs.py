"""Whole logs for tests: made in memory, without the sequencer, so that it and the verifier are held against another."""

from random import Random

from avow.ledger import tiles
from avow.ledger.checkpoint import Checkpoint, Signer, sign
from avow.ledger.entry import OUTCOMES, Entry, encode
from avow.ledger.tree import leaf_hash, node_hash, root_of

ORIGIN = "log.example/shop"
SIGNER = Signer(ORIGIN, b"s" * 32)
KEY = str(SIGNER.key)
START = 1_700_000_000_000  # ms


def entry(dice: Random, at: int, kind: str = "use") -> Entry:
    chance = dice.randbytes(16 * 4 + 32)
    return Entry(
        chance[:16], at, kind, b"policy-of-16-bit", ("DAM-16", "AIM-9")[: dice.randrange(3)],
        dice.choice(OUTCOMES), chance[16:32], chance[32:48], chance[64:], 0,
    )  # fmt: skip


def entries(count: int, seed: int = 1) -> list[bytes]:
    dice = Random(seed)
    return [
        encode(entry(dice, START + 7 * number, dice.choice(("collect", "use", "share")))) for number in range(count)
    ]


def plain_root(leaves: list[bytes]) -> bytes:
    """RFC 6962, 2.1, word for word: recursive and slow, to hold the fast one against."""
    if len(leaves) < 2:
        return leaves[0] if leaves else root_of(())
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(plain_root(leaves[:split]), plain_root(leaves[split:]))


def note(data: list[bytes], signer: Signer = SIGNER, origin: str = ORIGIN) -> str:
    """The signed checkpoint of a log of these entries."""
    return _signed([leaf_hash(one) for one in data], signer, origin)


def _signed(leaves: list[bytes], signer: Signer, origin: str) -> str:
    return sign(Checkpoint(origin, len(leaves), root_of(leaves)), signer)


def log(data: list[bytes], signer: Signer = SIGNER, origin: str = ORIGIN) -> dict[str, bytes]:
    """The files of a log of these entries."""
    rows = [[leaf_hash(one) for one in data]]
    while len(rows[-1]) >= tiles.WIDTH:
        row = rows[-1]
        rows.append([root_of(row[at : at + 256]) for at in range(0, len(row) - len(row) % 256, 256)])
    files = {tiles.CHECKPOINT: _signed(rows[0], signer, origin).encode()}
    for tile in tiles.tiles_of(len(data)):
        span = slice(tile.number * tiles.WIDTH, tile.number * tiles.WIDTH + tile.width)
        files[tile.path] = tiles.bundle(data[span]) if tile.level == "entries" else b"".join(rows[tile.level][span])
    return files
