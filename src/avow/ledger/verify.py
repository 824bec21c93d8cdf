"""The offline verifier: given the log's files and its key, what can be claimed?

It trusts the key, the checkpoints that the caller held outside, and SHA-256; nothing that the log says of itself.
Every entry is decoded strictly, every hash is computed anew from the entries. Pure, and imports nothing of avow but
the ledger, so that it can be read, copied and run by those who do not trust the rest.

What it cannot see: acts that never came to the record; entries made up and appended by whoever holds the log's key;
and, without a checkpoint held outside or a witness, a whole log replaced by another under the same key.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final, Literal, NamedTuple

from avow.ledger import tiles, tree
from avow.ledger.checkpoint import Checkpoint, Key, Signature, open_note, parse, read, read_key
from avow.ledger.entry import AT, EVENT, FIXED, HEADS, words
from avow.ledger.faults import LedgerError, Malformed
from avow.ledger.published import Watch
from avow.ledger.tiles import WIDTH, Read, Tile

BACKWARDS: Final = 600_000  # ms: an entry may be this much older than one before it (clocks set right, late commits)
MOST: Final = 100  # findings in one report; a log with more is not better understood by more

Claim = Literal["internally consistent", "consistent with a checkpoint held outside", "witnessed"]


class Finding(NamedTuple):
    """One thing that is wrong: a short word for what kind, the file or entry, and a sentence."""

    what: str
    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


class Report(NamedTuple):
    """What the verifier found. `claim` is the most that can be claimed, None as soon as there is any fault.

    `size` and `root` are those of the checkpoint; 0 and empty when it could not be read. `witnesses` are the
    witnesses asked for that cosigned it, with the second since 1970-01-01 UTC at which each did.
    """

    claim: Claim | None
    size: int
    root: bytes
    faults: tuple[Finding, ...]
    witnesses: tuple[tuple[str, int], ...] = ()


def verify_log(
    read_file: Read, verifier_key: str, trusted: Sequence[str] = (), witnesses: Sequence[str] = (),
    versions: Sequence[tuple[str, bytes]] | None = None,
) -> Report:  # fmt: skip
    """Verify a whole log, and the versions of the policy that it was made under, where they are passed: each one's signed
    statement and bytes, oldest first.

    `verifier_key` is the log's, obtained from the site beforehand and not from the log's own files. `trusted` are
    checkpoints (signed notes) that the caller kept, of any age. `witnesses` are verifier keys of type 4. Raises
    `Malformed` only when one of the keys cannot be read; whatever is wrong with the log is in the report.
    """
    key = read_key(verifier_key)
    watch = None if versions is None else Watch(versions, key, BACKWARDS)
    return _Verifier(read_file, key, tuple(map(read_key, witnesses)), watch).run(trusted)


class _Verifier:
    """One run. What was found, and how far the tree has been computed."""

    def __init__(self, read_file: Read, key: Key, witnesses: tuple[Key, ...], watch: Watch | None = None) -> None:
        self.watch = watch
        self.read = read_file
        self.key = key
        self.witnesses = witnesses
        self.faults: list[Finding] = []
        self.frontier = tree.Frontier()
        self.rows: list[list[bytes]] = []  # by tile level from 1 on: hashes of the tile that is still open
        self.full: list[int] = []  # by tile level from 1 on: how many full tiles came before it
        self.seen: set[bytes] = set()  # events
        self.words: set[bytes] = set()  # kinds and promises that were found canonical
        self.latest = 0  # ms, of the entries so far

    def run(self, trusted: Sequence[str]) -> Report:
        head, cosigned = self.head()
        if head is None:
            return Report(None, 0, b"", tuple(self.faults))
        held = self.held(trusted, head)
        if self.walk(head.size, held) and self.frontier.root() != head.root:
            self.found("root", tiles.CHECKPOINT, f"the entries do not lead to the signed root of {head.size}")
        for place, message in self.watch.end() if self.watch else ():
            self.found("version", place, message)
        names = tuple((one.key.name, one.seconds) for one in cosigned)
        return Report(self.claim(bool(held), bool(names)), head.size, head.root, tuple(self.faults), names)

    def claim(self, held: bool, witnessed: bool) -> Claim | None:
        if self.faults:
            return None
        if witnessed:
            return "witnessed"
        return "consistent with a checkpoint held outside" if held else "internally consistent"

    # -- the checkpoints ----------------------------------------------------------------------------------------

    def head(self) -> tuple[Checkpoint | None, tuple[Signature, ...]]:
        """The log's own checkpoint, once its signature and origin are right."""
        data = self.read(tiles.CHECKPOINT)
        if data is None:
            self.found("checkpoint", tiles.CHECKPOINT, "there is no checkpoint")
            return None, ()
        try:
            note = data.decode()
            head = read(note, self.key)
            _, signatures = open_note(note, (self.key, *self.witnesses))
        except (LedgerError, UnicodeDecodeError) as error:
            self.found("checkpoint", tiles.CHECKPOINT, str(error))
            return None, ()
        if head.origin != self.key.name:
            self.found("checkpoint", tiles.CHECKPOINT, f"it is of the log `{head.origin}`, not of `{self.key.name}`")
            return None, ()
        return head, tuple(one for one in signatures if one.key in self.witnesses)

    def held(self, trusted: Sequence[str], head: Checkpoint) -> list[Checkpoint]:
        """The checkpoints held outside that this log must begin with, by size."""
        held = []
        for number, note in enumerate(trusted, 1):
            place = f"checkpoint {number} held outside"
            try:
                one = parse(open_note(note, (self.key,))[0])
            except LedgerError as error:
                self.found("held", place, str(error))
                continue
            if one.origin != head.origin:
                self.found("held", place, f"it is of the log `{one.origin}`, not of `{head.origin}`")
            elif one.size > head.size:
                self.found("rolled-back", place, f"it promises {one.size} entries, the log has {head.size}")
            else:
                held.append(one)
        return sorted(held, key=lambda one: one.size)

    # -- the tree -----------------------------------------------------------------------------------------------

    def walk(self, size: int, held: list[Checkpoint]) -> bool:
        """Go through all entries, bundle by bundle. False when it had to stop before the end."""
        waiting = held[::-1]
        for number in range(-(-size // WIDTH)):
            start = number * WIDTH
            width = min(WIDTH, size - start)
            entries = self.bundle(number, width)
            if entries is None:
                return False
            self.check_entries(entries, start)
            if self.watch:
                self.watch.see(entries, start)
            leaves = [sha256(b"\x00" + entry).digest() for entry in entries]
            while waiting and waiting[-1].size <= start + width:
                self.check_held(waiting.pop(), leaves, start)
            self.check_tile(Tile(0, number, width), leaves)
            self.grow(leaves)
        for one in reversed(waiting):  # held before the first entry, and the log is still empty
            self.check_held(one, [], size)
        for level, row in enumerate(self.rows, 1):
            if row:
                self.check_tile(Tile(level, self.full[level - 1], len(row)), row)
        return True

    def bundle(self, number: int, width: int) -> list[bytes] | None:
        tile = Tile("entries", number, width)
        try:
            data = tiles.fetch(self.read, tile)
            entries = tiles.split(data)
        except LedgerError as error:
            self.found("bundle", tile.path, str(error))
            return None
        if len(entries) < width or (len(entries) > width and self.read(tile.path) is not None):
            self.found("bundle", tile.path, f"it holds {len(entries)} entries instead of {width}")
            return None
        return entries[:width]

    def grow(self, leaves: list[bytes]) -> None:
        """Add to the tree, and compare the tiles above that became full by it."""
        for level, row in enumerate(self.frontier.extend(leaves)[1:], 1):
            if level > len(self.rows):
                self.rows.append([])
                self.full.append(0)
            open_row = self.rows[level - 1]
            open_row += row
            if len(open_row) == WIDTH:  # a bundle completes at most one node of each level
                self.check_tile(Tile(level, self.full[level - 1], WIDTH), open_row)
                self.full[level - 1] += 1
                open_row.clear()

    def check_tile(self, tile: Tile, row: Sequence[bytes]) -> None:
        """The tile's file against the hashes computed from the entries."""
        data = self.read(tile.path)
        if data is None:
            try:
                data = tiles.exact(self.read, tile)
            except LedgerError as error:
                self.found("tile", tile.path, str(error))
                return
        if data == b"".join(row):
            return
        wrong = [at for at, one in enumerate(row) if data[at * tiles.HASH : (at + 1) * tiles.HASH] != one]
        where = f"hash {wrong[0]} (of {len(wrong)} wrong)" if wrong else "what follows the last hash"
        self.found("tile", tile.path, f"{where} is not that of the entries")

    def check_held(self, one: Checkpoint, leaves: list[bytes], start: int) -> None:
        """The log at the size of a checkpoint held outside against that checkpoint."""
        then = self.frontier.copy()
        then.extend(leaves[: one.size - start])
        if then.root() != one.root:
            self.found("held", f"entries 0 to {one.size}", "the log does not begin with the checkpoint held outside")

    # -- the entries --------------------------------------------------------------------------------------------

    def check_entries(self, entries: list[bytes], start: int) -> None:
        """Form, events and times of a bundle's entries. Fast where all is well; then one by one to say where not."""
        events = {entry[EVENT] for entry in entries}
        times = [entry[AT] for entry in entries]
        latest = max(self.latest, int.from_bytes(max(times), "big"))
        if (
            {entry[:3] for entry in entries} <= HEADS
            and self.all_canonical({entry[FIXED:] for entry in entries})
            and len(events) == len(entries)
            and self.seen.isdisjoint(events)
            and int.from_bytes(min(times), "big") >= latest - BACKWARDS
        ):
            self.seen |= events
            self.latest = latest
        else:
            for index, entry in enumerate(entries, start):
                self.check_entry(entry, index)

    def all_canonical(self, tails: set[bytes]) -> bool:
        for tail in tails - self.words:
            try:
                words(tail)
            except Malformed:
                return False
            self.words.add(tail)
        return True

    def check_entry(self, entry: bytes, index: int) -> None:
        place = f"entry {index}"
        if entry[:3] not in HEADS or not self.all_canonical({entry[FIXED:]}):
            self.found("entry", place, "its bytes are not of the form of an entry")
            return
        at, event = int.from_bytes(entry[AT], "big"), entry[EVENT]
        if event in self.seen:
            self.found("twice", place, f"the event {event.hex()} was there before")
        if at < self.latest - BACKWARDS:
            self.found("time", place, f"it is {(self.latest - at) // 1000} seconds older than one before it")
        self.seen.add(event)
        self.latest = max(self.latest, at)

    def found(self, what: str, place: str, message: str) -> None:
        if len(self.faults) < MOST:
            self.faults.append(Finding(what, place, message))
