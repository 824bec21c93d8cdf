"""The Merkle tree of RFC 6962, section 2.1: hashes, growing, proofs and their verification.

Pure. Indices count leaves from 0. A node at (level, index) is the root over the 2**level leaves from
index * 2**level on, all of them present. Section numbers of RFC 9162 stand where it says how to verify.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final

from avow.ledger.faults import Unproved

EMPTY: Final = sha256(b"").digest()  # the root of no leaves
Node = Callable[[int, int], bytes]  # (level, index) -> hash

TILE_HEIGHT: Final = 8  # levels of the tree that one tile covers (C2SP tlog-tiles)


def leaf_hash(entry: bytes) -> bytes:
    """The hash of one leaf."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return sha256(b"\x01" + left + right).digest()


def parents(row: Sequence[bytes]) -> list[bytes]:
    """The row of nodes above an even row."""
    each = iter(row)
    return [sha256(b"\x01" + left + right).digest() for left, right in zip(each, each, strict=True)]


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over these leaf hashes."""
    frontier = Frontier()
    frontier.extend(leaves)
    return frontier.root()


class Frontier:
    """A tree that only grows: its right edge, one hash for each bit of its size, enough to append and to tell the root.

    `edge[level]` is the last complete node of that level while it has no parent yet.
    """

    def __init__(self, edge: Sequence[bytes | None] = ()) -> None:
        self.edge = list(edge)

    @property
    def size(self) -> int:
        """How many leaves it has."""
        return sum(1 << level for level, node in enumerate(self.edge) if node is not None)

    def copy(self) -> "Frontier":
        """One that grows apart from this one."""
        return Frontier(self.edge)

    def extend(self, leaves: Sequence[bytes]) -> list[Sequence[bytes]]:
        """Append leaf hashes. Answers the newly completed nodes at levels 0, 8, 16, ...: what tiles are made of."""
        tiled: list[Sequence[bytes]] = []
        row: Sequence[bytes] = leaves
        level = 0
        while row:
            if level % TILE_HEIGHT == 0:
                tiled.append(row)
            if level == len(self.edge):
                self.edge.append(None)
            waiting = self.edge[level]
            if waiting is not None:
                row = [waiting, *row]
            odd = len(row) % 2
            self.edge[level] = row[-1] if odd else None
            row = parents(row[:-1] if odd else row)
            level += 1
        return tiled

    def root(self) -> bytes:
        """The root over all of it."""
        root: bytes | None = None
        for node in self.edge:
            if node is not None:
                root = node if root is None else node_hash(node, root)
        return EMPTY if root is None else root


def frontier(size: int, node: Node) -> Frontier:
    """The right edge of a tree of this size whose nodes can be looked up."""
    return Frontier(
        [node(level, (size >> level) - 1) if size >> level & 1 else None for level in range(size.bit_length())]
    )


def inclusion(index: int, size: int, node: Node) -> list[bytes]:
    """The proof that leaf `index` is in the tree of `size` (RFC 6962, 2.1.1), nearest sibling first.

    Raises `ValueError` unless 0 <= index < size.
    """
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    proof: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        split = start + _split(end - start)
        if index < split:
            proof.append(_span(split, end, node))
            end = split
        else:
            proof.append(_span(start, split, node))
            start = split
    proof.reverse()
    return proof


def consistency(old: int, new: int, node: Node) -> list[bytes]:
    """The proof that the tree of `new` leaves begins with the tree of `old` (RFC 6962, 2.1.2).

    Empty when they are the same or `old` is 0. Raises `ValueError` unless 0 <= old <= new.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} does not begin with one of {old}")
    if old in {0, new}:
        return []
    proof: list[bytes] = []
    start, end = 0, new
    while end != old:
        split = start + _split(end - start)
        if old <= split:
            proof.append(_span(split, end, node))
            end = split
        else:
            proof.append(_span(start, split, node))
            start = split
    if start:  # else the old root is itself a node of the new tree, and the verifier has it
        proof.append(_span(start, end, node))
    proof.reverse()
    return proof


def check_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Verify that the leaf hash stands at `index` in the tree (RFC 9162, 2.1.3.2). Raises `Unproved`."""
    if not 0 <= index < size:
        raise Unproved(f"leaf {index} is not in a tree of {size}")
    if len(leaf) != len(EMPTY):
        raise Unproved("the leaf hash is not 32 bytes")
    at, last, node = index, size - 1, leaf
    for other in proof:
        if len(other) != len(EMPTY) or not last:
            raise Unproved("the proof is longer than the tree is high, or one of its hashes is not 32 bytes")
        if at & 1 or at == last:
            node = node_hash(other, node)
            at, last = _past_single(at, last)
        else:
            node = node_hash(node, other)
        at >>= 1
        last >>= 1
    if last or node != root:
        raise Unproved(f"the proof does not lead from leaf {index} to the root of {size}")


def check_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """Verify that the new tree begins with the old one (RFC 9162, 2.1.4.2). Raises `Unproved`."""
    wrong = Unproved(f"the proof does not show that the tree of {new} begins with the tree of {old}")
    if not 0 <= old <= new or any(len(one) != len(EMPTY) for one in proof):
        raise wrong
    if old in {0, new}:  # nothing to show
        if proof or (old_root != new_root if old == new else old_root != EMPTY):
            raise wrong
        return
    path = list(proof) if old & (old - 1) else [old_root, *proof]  # a full old tree is its own first node
    if not path:
        raise wrong
    at, last = old - 1, new - 1
    while at & 1:
        at >>= 1
        last >>= 1
    older = newer = path[0]
    for other in path[1:]:
        if not last:
            raise wrong
        if at & 1 or at == last:
            older, newer = node_hash(other, older), node_hash(other, newer)
            at, last = _past_single(at, last)
        else:
            newer = node_hash(newer, other)
        at >>= 1
        last >>= 1
    if last or older != old_root or newer != new_root:
        raise wrong


def _past_single(at: int, last: int) -> tuple[int, int]:
    """Skip the levels on which a node of the right edge has no sibling and so no hash in the proof."""
    while at and not at & 1:
        at >>= 1
        last >>= 1
    return at, last


def _split(width: int) -> int:
    """The largest power of two below `width`, which is at least 2."""
    return 1 << (width - 1).bit_length() - 1


def _span(start: int, end: int, node: Node) -> bytes:
    """The root over leaves `start` to `end`, where `start` is a multiple of a power of two no smaller than the span."""
    edge: list[bytes] = []
    while start < end:
        level = (end - start).bit_length() - 1
        edge.append(node(level, start >> level))
        start += 1 << level
    root = edge.pop()
    while edge:
        root = node_hash(edge.pop(), root)
    return root
