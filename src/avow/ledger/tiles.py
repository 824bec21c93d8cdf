"""The ledger as files: the C2SP tlog-tiles layout.

Pure: it names files, makes and reads their bytes, and asks for them through a `Read`. Full files never change; a
partial one stands for the sizes of the tree that need it. 256 hashes or entries a file.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from typing import Final, Literal, NamedTuple

from avow.ledger import tree
from avow.ledger.faults import Malformed, Unproved

Read = Callable[[str], bytes | None]  # path -> bytes; None when there is no such file

CHECKPOINT: Final = "checkpoint"
WIDTH: Final = 1 << tree.TILE_HEIGHT  # 256
HASH: Final = 32  # bytes
LEVELS: Final = 64
KEPT: Final = (4, 512)  # folded tiles that a `Tiles` keeps, of level 0 and of those above: 16 KiB each, so 8 MiB

_Kept = OrderedDict[tuple[int, int, int], list[list[bytes]]]
Level = int | Literal["entries"]
_PATH: Final = re.compile(
    r"tile/(entries|0|[1-9][0-9]?)/(x(?!000)[0-9]{3}/(?:x[0-9]{3}/)*)?([0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?"
)
_LENGTHS: Final = {size: size.to_bytes(2, "big") for size in range(1024)}  # the common ones, made once


class Tile(NamedTuple):
    """Which file: a level of hashes, or the entries; its number in the level, from 0; how many it holds, 1 to 256."""

    level: Level
    number: int
    width: int

    @property
    def path(self) -> str:
        """Its name, for example `tile/0/x001/234.p/5`."""
        groups = f"{self.number % 1000:03d}"
        rest = self.number // 1000
        while rest:
            groups = f"x{rest % 1000:03d}/{groups}"
            rest //= 1000
        return f"tile/{self.level}/{groups}" + ("" if self.width == WIDTH else f".p/{self.width}")


def parse_path(path: str) -> Tile:
    """The tile that a path names. Raises `Malformed` for any other path, and for a second spelling of one."""
    parts = _PATH.fullmatch(path)
    if not parts or (parts[1] != "entries" and int(parts[1]) >= LEVELS) or int(parts[4] or 1) >= WIDTH:
        raise Malformed(f"`{path}` is no path of a tile")
    number = int((parts[2] or "").replace("x", "").replace("/", "") + parts[3])
    return Tile("entries" if parts[1] == "entries" else int(parts[1]), number, int(parts[4] or WIDTH))


def width_of(level: Level, number: int, size: int) -> int:
    """How many a tile holds in a tree of `size`: 256 when full, 0 when it is not there yet."""
    height = 0 if level == "entries" else tree.TILE_HEIGHT * level
    return max(0, min(WIDTH, (size >> height) - number * WIDTH))


def levels(size: int) -> int:
    """How many levels of hash tiles a tree of `size` has."""
    return -(-size.bit_length() // tree.TILE_HEIGHT)


def tiles_of(size: int) -> Iterator[Tile]:
    """Every tile and bundle that a tree of `size` needs, lowest first."""
    for level in ("entries", *range(levels(size))):
        height = 0 if level == "entries" else tree.TILE_HEIGHT * level
        for number in range(-(-(size >> height) // WIDTH)):
            yield Tile(level, number, width_of(level, number, size))


def growth(old: int, new: int) -> Iterator[Tile]:
    """The tiles and bundles that are new or wider in a tree of `new` than in one of `old`."""
    for level in ("entries", *range(levels(new))):
        height = 0 if level == "entries" else tree.TILE_HEIGHT * level
        if old >> height == new >> height:
            continue
        for number in range((old >> height) // WIDTH, -(-(new >> height) // WIDTH)):
            yield Tile(level, number, width_of(level, number, new))


def bundle(entries: Iterable[bytes]) -> bytes:
    """Entries as a bundle's bytes: each with its length before it, two bytes, big-endian."""
    return b"".join([part for entry in entries for part in (_LENGTHS.get(len(entry)) or _length(entry), entry)])


def _length(entry: bytes) -> bytes:
    return len(entry).to_bytes(2, "big")


def split(data: bytes) -> list[bytes]:
    """The entries in a bundle. Raises `Malformed` when the last one is cut short."""
    entries = []
    at, end = 0, len(data)
    while at < end:
        start = at + 2
        at = start + int.from_bytes(data[at:start], "big")
        entries.append(data[start:at])
    if at != end:
        raise Malformed("a bundle whose last entry is cut short")
    return entries


def hashes(data: bytes) -> list[bytes]:
    """The hashes in a tile. Raises `Malformed` when the last one is cut short."""
    if len(data) % HASH:
        raise Malformed("a tile whose last hash is cut short")
    return [data[at : at + HASH] for at in range(0, len(data), HASH)]


class Tiles:
    """The tree of one size, read from its tiles. A tile is folded once and kept for a while: the upper ones, which
    nearly every proof needs, for long; of the lowest only those of the proof at hand.

    Nothing is verified here: what a proof made from it is worth shows when it is checked against a signed root.
    """

    def __init__(self, read: Read, size: int) -> None:
        self._read = read
        self.size = size
        self._kept: tuple[_Kept, _Kept] = (OrderedDict(), OrderedDict())

    def grow(self, size: int) -> None:
        """The tree is now larger. What was read stays: tiles never change."""
        self.size = size

    def node(self, level: int, index: int) -> bytes:
        """The node at (level, index). Raises `Unproved` when its tile is missing or too short."""
        upper, inner = divmod(level, tree.TILE_HEIGHT)
        tile, within = divmod(index << inner, WIDTH)
        return self._rows(upper, tile)[inner][within >> inner]

    def frontier(self, size: int | None = None) -> tree.Frontier:
        """The right edge at `size`, by default the whole."""
        return tree.frontier(self.size if size is None else size, self.node)

    def root(self, size: int | None = None) -> bytes:
        """The root at `size`, by default the whole."""
        return self.frontier(size).root()

    def inclusion(self, index: int, size: int | None = None) -> list[bytes]:
        """The proof that entry `index` is in the tree of `size`, by default the whole."""
        return tree.inclusion(index, self.size if size is None else size, self.node)

    def consistency(self, old: int, new: int | None = None) -> list[bytes]:
        """The proof that the tree of `new`, by default the whole, begins with the tree of `old`."""
        return tree.consistency(old, self.size if new is None else new, self.node)

    def entries(self, number: int) -> list[bytes]:
        """The entries of one bundle. Raises `Unproved` when it is missing or too short."""
        width = width_of("entries", number, self.size)
        found = split(fetch(self._read, Tile("entries", number, width)))
        if len(found) < width:
            raise Unproved(f"`{Tile('entries', number, width).path}` holds fewer than {width} entries")
        return found[:width]

    def _rows(self, level: int, number: int) -> list[list[bytes]]:
        """A tile's hashes and, above them, every node that they complete."""
        width = width_of(level, number, self.size)
        above = level > 0
        kept, name = self._kept[above], (level, number, width)
        rows = kept.get(name)
        if rows is None:
            rows = kept[name] = self._fold(Tile(level, number, width))
            if len(kept) > KEPT[above]:
                kept.popitem(last=False)
        else:
            kept.move_to_end(name)
        return rows

    def _fold(self, tile: Tile) -> list[list[bytes]]:
        row = hashes(fetch(self._read, tile))[: tile.width]
        if len(row) < tile.width:
            raise Unproved(f"`{tile.path}` holds fewer than {tile.width} hashes")
        rows = [row]
        while len(row) > 1:
            row = tree.parents(row[: len(row) & ~1])
            rows.append(row)
        return rows


def fetch(read: Read, tile: Tile) -> bytes:
    """The tile's bytes, from the full file when the partial one is gone. Raises `Unproved` when neither is there."""
    data = read(tile.path)
    if data is None and tile.width < WIDTH:
        data = read(tile._replace(width=WIDTH).path)
    if data is None:
        raise Unproved(f"`{tile.path}` is missing")
    return data


def exact(read: Read, tile: Tile) -> bytes:
    """Just the tile's bytes: cut to its width when only the full file is left. Raises `Unproved`, `Malformed`."""
    data = fetch(read, tile)
    if tile.level != "entries":
        return data[: tile.width * HASH]
    return bundle(split(data)[: tile.width]) if tile.width < WIDTH else data
