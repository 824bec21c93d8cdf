"""How the ledger's files grow: the right edge of the tree, and what adding entries to it writes.

Pure. Only the last file of each level can change, from one partial width to a wider one or to full.
"""

from collections.abc import Callable
from hashlib import sha256
from typing import NamedTuple, Self

from avow.ledger import tiles, tree
from avow.ledger.tiles import WIDTH, Tile, Tiles


class Edge(NamedTuple):
    """The right edge of the log, and the files by which it came to be."""

    size: int
    frontier: tree.Frontier
    open_bundle: tuple[bytes, ...]  # the entries of the last bundle while it is partial
    open_tiles: tuple[tuple[bytes, ...], ...]  # by level, the hashes of the last tile while it is partial
    files: tuple[tuple[Tile, bytes], ...] = ()

    @classmethod
    def of(cls, read: Tiles) -> Self:
        """The edge of a log that is there. Raises `LedgerError` when its last files are not."""
        size = read.size
        open_bundle = tuple(read.entries(size // WIDTH)) if size % WIDTH else ()
        rows = []
        for level in range(tiles.levels(size)):
            count = size >> tree.TILE_HEIGHT * level
            rows.append(tuple(read.node(tree.TILE_HEIGHT * level, at) for at in range(count - count % WIDTH, count)))
        return cls(size, read.frontier(), open_bundle, tuple(rows))

    def grown(self, entries: list[bytes]) -> "Edge":
        """With these entries added. Pure."""
        frontier = self.frontier.copy()
        rows = frontier.extend([sha256(b"\x00" + entry).digest() for entry in entries])
        made: list[tuple[Tile, bytes]] = []
        whole = [*self.open_bundle, *entries]
        open_bundle = _cut("entries", self.size // WIDTH, whole, tiles.bundle, made)
        open_tiles = []
        for level in range(max(len(rows), len(self.open_tiles))):
            before = self.open_tiles[level] if level < len(self.open_tiles) else ()
            new = rows[level] if level < len(rows) else ()
            number = (self.size >> tree.TILE_HEIGHT * level) // WIDTH
            open_tiles.append(_cut(level, number, [*before, *new], b"".join, made) if new else before)
        return Edge(self.size + len(entries), frontier, open_bundle, tuple(open_tiles), tuple(made))


def _cut(
    level: tiles.Level, number: int, row: list[bytes], join: Callable[[list[bytes]], bytes],
    made: list[tuple[Tile, bytes]],
) -> tuple[bytes, ...]:  # fmt: skip
    """Cut a level's open row into files from `number` on; what stays open, which is the last one when partial."""
    part: list[bytes] = []
    for start in range(0, len(row), WIDTH):
        part = row[start : start + WIDTH]
        made.append((Tile(level, number + start // WIDTH, len(part)), join(part)))
    return tuple(part) if len(part) < WIDTH else ()
