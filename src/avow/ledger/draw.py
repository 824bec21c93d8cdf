"""A draw among entries of a contest that anybody checks again, offline, from one file and the log's key.

Closing puts a statement on record: which entries take part, how many win, and the hash of a seed that nobody is shown
yet. Luck is the root of the log's tree at a size that follows from where that statement stands: `AFTER` entries further
on. Winners are the first entries in the order of SHA-256(seed | root | entry). Pure, and imports nothing of avow but the
ledger. What this prevents and what it does not: docs/contests.md. Format: docs/formats.md, 3.6.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from itertools import pairwise
from typing import Any, Final, NamedTuple

from avow.ledger.checkpoint import Checkpoint, Key, open_note, read, read_key
from avow.ledger.entry import Entry, decode
from avow.ledger.faults import LedgerError, Malformed, Unproved
from avow.ledger.tree import check_consistency, check_inclusion, leaf_hash
from avow.ledger.verify import Claim, Finding

VERSION: Final = 1
AFTER: Final = 256  # entries of the log between the statement and the tree whose root is the luck
CLOSED: Final = "contest-close"  # the kinds of the log's entries
DRAWN: Final = "contest-draw"
MOST: Final = 1_000_000  # winners

_NOTE: Final = "avow/1 contest entry"
_HASH: Final = 32
_ID: Final = 16
_STATEMENT: Final[Mapping[str, Any]] = {
    "site": str, "kind": str, "number": int, "contest": _ID, "closed": int, "winners": int, "seed": _HASH,
    "entries": _HASH, "aside": _HASH,
}  # fmt: skip
_RESULT: Final[Mapping[str, Any]] = {
    "contest": _ID, "statement": _HASH, "size": int, "root": _HASH, "seed": _HASH, "winners": (_ID,),
}  # fmt: skip
_PLACED: Final[Mapping[str, Any]] = {"index": int, "entry": bytes, "path": (_HASH,)}
_FIRST: Final[Mapping[str, Any]] = {"checkpoint": str, "path": (_HASH,)}
_WHOLE: Final[Mapping[str, Any]] = {
    "avow-draw": int, "statement": _STATEMENT, "entries": (_ID,), "aside": (_ID,), "result": _RESULT,
    "proof": {"closed": _PLACED, "drawn": _PLACED, "root": (_HASH,), "first": _FIRST, "checkpoint": str},
}  # fmt: skip


class Drawn(NamedTuple):
    """What was found out about a draw. `claim` is None as soon as there is any fault.

    `early`: a checkpoint that was signed before the luck existed has the statement in it. `result` is None while only
    the closing is on record.
    """

    claim: Claim | None
    faults: tuple[Finding, ...]
    early: bool
    statement: Mapping[str, Any]
    result: Mapping[str, Any] | None
    entries: int
    size: int
    root: bytes


def entry_id(request: bytes) -> bytes:
    """The public name of an entry, 16 bytes, of the service request (16 random bytes) that it is."""
    return sha256(b"avow/1 contest entry\n" + request).digest()[:_ID]


def entry_text(site: str, kind: str, number: int, name: bytes, at: int) -> str:
    """What the log's key signs for who enters the contest of this number, at `at` (ms): the text of a signed note."""
    return f"{_NOTE}\n{site}\n{kind}\n{number}\n{name.hex()}\n{at}\n"


def listed(ids: Sequence[bytes]) -> bytes:
    """The digest of a list of entries."""
    return sha256(b"avow/1 contest entries\n" + len(ids).to_bytes(8, "big") + b"".join(ids)).digest()


def stated(statement: Mapping[str, Any]) -> bytes:
    """The commitment of the log's entry to a statement."""
    return sha256(b"avow/1 contest closed\n" + _canonical(statement)).digest()


def resulted(result: Mapping[str, Any]) -> bytes:
    """The commitment of the log's entry to a result."""
    return sha256(b"avow/1 contest drawn\n" + _canonical(result)).digest()


def seed_hash(seed: bytes) -> bytes:
    """What a statement says of its seed."""
    return sha256(b"avow/1 contest seed\n" + seed).digest()


def luck_size(index: int) -> int:
    """The size of the tree whose root is the luck, for a statement that is the log's entry `index`."""
    return index + 1 + AFTER


def winners(seed: bytes, root: bytes, ids: Iterable[bytes], count: int) -> list[bytes]:
    """The first `count` entries in the order of their hashes; all of them if there are no more. Seed and root: 32 bytes."""
    start = sha256(b"avow/1 contest draw\n" + seed + root)

    def place(entry: bytes) -> tuple[bytes, bytes]:
        hashed = start.copy()
        hashed.update(entry)
        return hashed.digest(), entry

    return sorted(ids, key=place)[:count]


def is_draw(text: str) -> bool:
    """Whether a file means to be one of these; says nothing about whether it is right."""
    return text.lstrip()[:1] == "{" and '"avow-draw"' in text


def verify_draw(text: str, verifier_key: str, held: Sequence[str] = (), entered: Sequence[str] = ()) -> Drawn:
    """Check a draw's file.

    `verifier_key` is the log's, obtained from the site and not with the file. `held` are checkpoints (signed notes)
    that the caller kept since before the draw, `entered` the notes that people were given when they entered. Raises
    `Malformed` for what is no such file, key or note, for a note of another contest, and for a checkpoint held of a size
    that the file proves nothing about: then the log itself is to be verified with it.
    """
    key = read_key(verifier_key)
    told = _read(text)
    return _Check(key, told).run(held, entered)


def _read(text: str) -> dict[str, Any]:
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        raise Malformed("the file of a draw is JSON") from None
    if not isinstance(told, dict) or told.get("avow-draw") != VERSION:
        raise Malformed(f"the file of a draw says `avow-draw` {VERSION}")
    drawn = told.get("result") is not None
    proof: Mapping[str, Any] = _WHOLE["proof"] if drawn else dict(_WHOLE["proof"]) | {"drawn": None}
    _shaped(told, dict(_WHOLE) | {"proof": proof} | ({} if drawn else {"result": None}), "the file")
    return told


def _shaped(value: Any, shape: Any, where: str) -> None:
    """Raise `Malformed` unless the value is of exactly this shape."""
    if isinstance(shape, Mapping):
        if not isinstance(value, dict) or value.keys() != shape.keys():
            raise Malformed(f"{where} has not exactly the parts {', '.join(shape)}")
        for name, part in shape.items():
            _shaped(value[name], part, f"`{name}`")
    elif isinstance(shape, tuple):
        if not isinstance(value, list):
            raise Malformed(f"{where} is a list")
        for one in value:
            _shaped(one, shape[0], f"what stands in {where}")
    elif not _plain(value, shape):
        raise Malformed(f"{where} is not what docs/formats.md, 3.6, says")


def _plain(value: Any, shape: Any) -> bool:
    if shape is None:
        return value is None
    if shape is int:
        return type(value) is int and 0 <= value < 1 << 62
    if not isinstance(value, str):
        return False
    if shape is str:
        return True
    try:
        data = bytes.fromhex(value)
    except ValueError:
        return False
    return data.hex() == value and (shape is bytes or len(data) == shape)


class _Check:
    """One run over a file of the right shape."""

    def __init__(self, key: Key, told: Mapping[str, Any]) -> None:
        self.key = key
        self.statement: Mapping[str, Any] = told["statement"]
        self.result: Mapping[str, Any] | None = told["result"]
        self.entries = _many(told["entries"])
        self.aside = _many(told["aside"])
        self.proof: Mapping[str, Any] = told["proof"]
        self.faults: list[Finding] = []

    def run(self, held: Sequence[str], entered: Sequence[str]) -> Drawn:
        head = self.signed("checkpoint", self.proof["checkpoint"])
        first = self.signed("first", self.proof["first"]["checkpoint"])
        early = outside = False
        if head is not None and first is not None:
            index = int(self.proof["closed"]["index"])
            closed = self.placed("closed", CLOSED, stated(self.statement), head)
            self.check_lists(closed)
            self.check_first(first, head, index)
            if self.result is not None:
                self.check_luck(self.result, head, index)
                self.check_result(self.result, head, closed)
            early = first.size < luck_size(index)
            outside = self.check_held(held, (first, head), index)
            self.check_entered(entered)
        claim: Claim | None = "consistent with a checkpoint held outside" if outside else "internally consistent"
        size, root = (head.size, head.root) if head else (0, b"")
        return Drawn(
            None if self.faults else claim, tuple(self.faults), early and not self.faults, self.statement, self.result,
            len(self.entries), size, root,
        )  # fmt: skip

    def signed(self, place: str, note: str) -> Checkpoint | None:
        """A checkpoint of the log that the key is of."""
        try:
            one = read(note, self.key)
        except LedgerError as error:
            self.found("checkpoint", place, str(error))
            return None
        if one.origin != self.key.name:
            self.found("checkpoint", place, f"it is of the log `{one.origin}`, not of `{self.key.name}`")
            return None
        return one

    def placed(self, place: str, kind: str, commitment: bytes, head: Checkpoint) -> Entry | None:
        """The log's entry in its place, that commits to what the file says."""
        told = self.proof[place]
        data = bytes.fromhex(told["entry"])
        try:
            entry = decode(data)
            check_inclusion(leaf_hash(data), told["index"], head.size, _many(told["path"]), head.root)
        except LedgerError as error:
            self.found("entry", place, str(error))
            return None
        if entry.kind != kind or entry.outcome != "done":
            self.found("entry", place, f"the log's entry is none of the kind `{kind}`")
        if entry.commitment != commitment:
            self.found("entry", place, "the log's entry commits to something else than the file says")
        return entry

    def check_lists(self, closed: Entry | None) -> None:
        if self.statement["site"] != self.key.name:
            self.found("statement", "site", f"it is of another site than the log, `{self.key.name}`")
        if closed is not None and self.statement["closed"] > closed.at:
            self.found("statement", "closed", "entering closed later than the statement was put on record")
        if self.statement["number"] < 1:
            self.found("statement", "number", "the contests of a kind are counted from 1")
        if not 1 <= self.statement["winners"] <= MOST:
            self.found("statement", "winners", f"there are 1 to {MOST} winners")
        for name, ids in (("entries", self.entries), ("aside", self.aside)):
            if any(one >= other for one, other in pairwise(ids)):
                self.found("list", name, "the list is not in order, or names an entry twice")
            if listed(ids).hex() != self.statement[name]:
                self.found("list", name, "the list is not the one that the statement was made over")
        if not set(self.entries).isdisjoint(self.aside):
            self.found("list", "aside", "an entry takes part and is set aside")

    def check_first(self, first: Checkpoint, head: Checkpoint, index: int) -> None:
        if first.size <= index:
            self.found("checkpoint", "first", "the statement is not in the checkpoint given out at the closing")
        try:
            check_consistency(first.size, head.size, _many(self.proof["first"]["path"]), first.root, head.root)
        except Unproved as error:
            self.found("checkpoint", "first", str(error))

    def check_luck(self, result: Mapping[str, Any], head: Checkpoint, index: int) -> None:
        size, root = result["size"], bytes.fromhex(result["root"])
        if size != luck_size(index):
            self.found("luck", "size", f"the luck is the root at {luck_size(index)} entries, and nowhere else")
        try:
            check_consistency(size, head.size, _many(self.proof["root"]), root, head.root)
        except Unproved as error:
            self.found("luck", "root", str(error))

    def check_result(self, result: Mapping[str, Any], head: Checkpoint, closed: Entry | None) -> None:
        seed, root = bytes.fromhex(result["seed"]), bytes.fromhex(result["root"])
        if result["contest"] != self.statement["contest"] or result["statement"] != stated(self.statement).hex():
            self.found("result", "statement", "the result is of another statement")
        if seed_hash(seed).hex() != self.statement["seed"]:
            self.found("result", "seed", "the seed is not the one that was committed to")
        if winners(seed, root, self.entries, self.statement["winners"]) != _many(result["winners"]):
            self.found("result", "winners", "these are not the winners that the draw gives")
        drawn = self.placed("drawn", DRAWN, resulted(result), head)
        if self.proof["drawn"]["index"] < result["size"]:
            self.found("result", "drawn", "the result was on record before its luck existed")
        if drawn is not None and closed is not None and drawn.at < closed.at:
            self.found("result", "drawn", "it was drawn before entering closed")

    def check_held(self, held: Sequence[str], known: Sequence[Checkpoint], index: int) -> bool:
        """Whether a checkpoint held outside has the statement in it. Raises `Malformed` where nothing can be said."""
        found = False
        for number, note in enumerate(held, 1):
            place = f"checkpoint {number} held outside"
            one = self.signed(place, note)
            if one is None:
                continue
            alike = [other for other in known if other.size == one.size]
            if not alike:
                raise Malformed(
                    f"the file proves nothing about a checkpoint of {one.size} entries; it knows those of "
                    f"{known[0].size} and {known[-1].size}. Verify the log itself with yours"
                )
            if any(other.root != one.root for other in alike):
                self.found("held", place, "the log that you were shown is another one than the draw was made from")
            found |= one.size > index
        return found

    def check_entered(self, entered: Sequence[str]) -> None:
        """Whoever was told that they had entered is in one of the lists."""
        for number, note in enumerate(entered, 1):
            place = f"entry {number} held outside"
            try:
                text, _ = open_note(note, (self.key,))
            except LedgerError as error:
                raise Malformed(f"{place} is no note that the log's key signed: {error}") from None
            lines = text.split("\n")
            wanted = [_NOTE, self.statement["site"], self.statement["kind"], str(self.statement["number"])]
            if len(lines) != 7 or lines[:4] != wanted:
                raise Malformed(f"{place} is of another contest than the file")
            if lines[4] not in {name.hex() for name in (*self.entries, *self.aside)}:
                self.found("dropped", place, "it was taken in, and the draw leaves it out")

    def found(self, what: str, place: str, message: str) -> None:
        self.faults.append(Finding(what, place, message))


def _canonical(told: Mapping[str, Any]) -> bytes:
    return json.dumps(told, sort_keys=True, separators=(",", ":")).encode()


def _many(texts: Iterable[str]) -> list[bytes]:
    return [bytes.fromhex(text) for text in texts]
