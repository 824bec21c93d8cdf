"""Move pending entries into the ledger: tiles on disk, the log's state, a signed checkpoint. In this order:

    1  read pending entries          the store; nothing has changed
    2  write and force the tiles     files that no state and no checkpoint speaks of yet
    3  compare-and-swap              one transaction: the state moves, the pending entries go. From here they count
    4  keep the checkpoint           in the checkpoint store, which no backup holds and no restore touches
    5  publish the checkpoint        beside the tiles, by rename

Dying after 1 or 2 leaves the entries pending: the next attempt reads them again and writes the same files anew. Dying
after 3 or 4 leaves a state without its checkpoint, which opening signs. So nothing is lost or doubled at any step.

One process sequences a folder (a lock says so). The clock is passed in. Rules and files: docs/formats.md, section 3.
"""

import asyncio
import ctypes
import os
import platform
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple, Self

from avow.errors import OperatorError, RolledBack, Tampered, Unavailable
from avow.ledger import checkpoint, tiles
from avow.ledger.checkpoint import Checkpoint, Key, Signer
from avow.ledger.entry import AT, EVENT
from avow.ledger.faults import LedgerError
from avow.ledger.folder import VERSIONS, files
from avow.ledger.growth import Edge
from avow.ledger.tiles import WIDTH, Tile, Tiles
from avow.ledger.verify import BACKWARDS
from avow.store import disk
from avow.store.interface import LogState, Store

FEW: Final = 8  # files that are forced one by one; more of them by one call for the whole file system
BATCH: Final = 10_000  # entries moved at a time: about 2 MB of files
ALL: Final = 1 << 40  # more pending entries than fit any disk


class Window(NamedTuple):
    """How long entries wait before they are in the tree, in ms: the oldest one now, and the longest wait so far."""

    waiting: int
    longest: int


@dataclass(frozen=True, slots=True)
class Inclusion:
    """Proof that an entry is in the log: check it with `avow.ledger.tree.check_inclusion` and the log's key alone."""

    index: int
    entry: bytes
    proof: tuple[bytes, ...]
    checkpoint: str


class Log:
    """The ledger of one site, growing. Open it with `Log.open`."""

    def __init__(self, folder: Path, store: Store, signer: Signer, kept: Path, step: Callable[[str], None]) -> None:
        self._folder = folder
        self._store = store
        self._signer = signer
        self._kept = kept
        self._step = step
        self._read = files(folder)
        self._turn = asyncio.Lock()
        self._longest = 0
        self._state: LogState
        self._edge: Edge
        self._tiles: Tiles
        self._note = ""
        self._lock = disk.Lock(folder / "lock")

    @classmethod
    async def open(
        cls, folder: Path, store: Store, signer: Signer, kept: Path, step: Callable[[str], None] = lambda _: None
    ) -> Self:
        """Open the log in `folder`, or begin one; finish what a crash left.

        The signer's name is the log's origin. `kept` is the checkpoint store: a folder outside every backup. `step`
        is told each step before it is taken, for tests. Raises `RolledBack` when the database, the files or the
        checkpoint store is older than another of them (after restoring a backup on purpose: `reconcile` first),
        `Tampered` when a checkpoint does not verify, `SecondWriter` when another process sequences here.
        """
        for path in (folder, kept):
            try:
                path.mkdir(parents=True, exist_ok=True, mode=0o700)
            except OSError as error:
                raise OperatorError(f"`{path}` cannot be a folder: {error.strerror}; move away what is there") from None
        log = cls(folder, store, signer, kept / tiles.CHECKPOINT, step)
        try:
            async with store.transaction() as tx:
                state = await tx.log_state()
            log._load(state)
            log._settle(state)
        except BaseException:
            log.close()
            raise
        return log

    def close(self) -> None:
        """Let another process sequence here."""
        self._lock.close()

    # -- growing ------------------------------------------------------------------------------------------------

    async def sequence(self, now: int, limit: int = BATCH) -> int:
        """Move up to `limit` pending entries into the tree; how many were moved. When it returns they are in the
        signed and published checkpoint. `now` in ms.

        Raises `Unavailable` when the store or the disk did not answer: the entries are then still pending or already
        in the tree, and calling again is right in both cases.
        """
        async with self._turn:
            async with self._store.transaction() as tx:
                before = await tx.log_state()
                pending = await tx.pending(limit)
            if before != self._state:  # an earlier attempt whose outcome was unknown did commit
                self._load(before)
                self._settle(before)
            if not pending:
                return 0
            grown = self._edge.grown([leaf.entry for leaf in pending])
            self._step("files")
            await asyncio.to_thread(self._write, grown.files)
            self._step("commit")
            after = LogState(grown.size, grown.frontier.root())
            async with self._store.transaction() as tx:
                await tx.sequenced(before, after, [leaf.ticket for leaf in pending])
            self._publish(after)  # before the state is taken up: who dies or fails here settles when called again
            self._state, self._edge = after, grown._replace(files=())
            self._tiles.grow(after.size)
            self._tidy(before.size, after.size)
            self._longest = max(self._longest, now - int.from_bytes(pending[0].entry[AT], "big"))
            return len(pending)

    async def window(self, now: int) -> Window:
        """How long entries wait before they are in the tree: what happened since could still be cut off unseen."""
        async with self._store.transaction() as tx:
            first = await tx.pending(1)
        waiting = max(0, now - int.from_bytes(first[0].entry[AT], "big")) if first else 0
        return Window(waiting, max(self._longest, waiting))

    # -- reading ------------------------------------------------------------------------------------------------

    @property
    def size(self) -> int:
        """How many entries the tree has."""
        return self._state.size

    @property
    def root(self) -> bytes:
        """The root of the tree."""
        return self._state.root

    @property
    def key(self) -> Key:
        """With what checkpoints are verified; give it to auditors yourself."""
        return self._signer.key

    def checkpoint(self) -> str:
        """The newest signed checkpoint: what an auditor keeps."""
        return self._note

    def root_at(self, size: int) -> bytes:
        """The root of the tree when it had `size` entries. Raises `IndexError` beyond the tree."""
        if not 0 <= size <= self.size:
            raise IndexError(f"a tree of {self.size} has no root at {size}")
        return self._tiles.root(size)

    def signed(self, text: str) -> str:
        """A note of the log's key over another text than a checkpoint's; the caller sees to it that it reads as none."""
        return f"{text}\n{self._signer.sign(text)}"

    def find(self, event: bytes, at: int | None = None) -> int | None:
        """The index of an event's entry, None when it is not in the tree (it may be pending).

        With the entry's time `at` (ms) few bundles are read: entries stand nearly in the order of their times, none
        older by more than `BACKWARDS` than one before it. Without, all of them may be, the newest first.
        """
        bundles = -(-self.size // WIDTH)
        span = range(bundles) if at is None else self._around(at, bundles)
        for number in reversed(span):
            for within, entry in enumerate(self._tiles.entries(number)):
                if entry[EVENT] == event:
                    return number * WIDTH + within
        return None

    def entry(self, index: int) -> bytes:
        """The bytes of one entry. Raises `IndexError` beyond the tree."""
        if not 0 <= index < self.size:
            raise IndexError(f"entry {index} is not in a tree of {self.size}")
        return self._tiles.entries(index // WIDTH)[index % WIDTH]

    def entries(self) -> Iterator[bytes]:
        """The bytes of every entry in the tree, oldest first."""
        for number in range(-(-self.size // WIDTH)):
            yield from self._tiles.entries(number)

    def inclusion(self, index: int) -> Inclusion:
        """The proof that an entry is in the tree of the newest checkpoint. Raises `IndexError` beyond the tree."""
        return Inclusion(index, self.entry(index), tuple(self._tiles.inclusion(index)), self._note)

    def consistency(self, old: int) -> tuple[bytes, ...]:
        """The proof that the tree of the newest checkpoint begins with the tree of `old` entries."""
        return tuple(self._tiles.consistency(old))

    def export(self, folder: Path) -> int:
        """Copy the log at its newest checkpoint into an empty folder, for an auditor; how many files. Without a key:
        an auditor gets that from elsewhere. Raises `FileExistsError` when something is there.
        """
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise FileExistsError(f"`{folder}` is not empty; name a new folder for the export")
        note, size = self._note, self.size
        copied = 0
        for copied, tile in enumerate(tiles.tiles_of(size), 1):  # noqa: B007 - the count is the answer
            path = folder / tile.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(tiles.exact(self._read, tile))
        (folder / tiles.CHECKPOINT).write_text(note)
        published = sorted(path for path in (self._folder / VERSIONS).glob("*") if path.suffix in (".yaml", ".note"))
        if published:
            (folder / VERSIONS).mkdir()
        for path in published:
            (folder / VERSIONS / path.name).write_bytes(path.read_bytes())
        return copied + 1 + len(published)

    def _around(self, at: int, bundles: int) -> range:
        """The bundles that can hold an entry of time `at`.

        A bundle that begins more than `BACKWARDS` after `at` has only later entries behind it; before one that begins
        more than `BACKWARDS` earlier there are only earlier ones. Both hold however the times are mixed within bounds.
        """
        low, high = 0, bundles
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if self._begins(middle) > at + BACKWARDS else (middle + 1, high)
        end, low = low, 0
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if self._begins(middle) < at - BACKWARDS else (low, middle)
        return range(max(0, low - 1), end)

    def _begins(self, number: int) -> int:
        return int.from_bytes(self._tiles.entries(number)[0][AT], "big")

    # -- opening ------------------------------------------------------------------------------------------------

    def _load(self, state: LogState) -> None:
        """Take up the tree where the state says it stands."""
        self._tiles = Tiles(self._read, state.size)
        if not _holds(self._tiles, state):
            raise RolledBack(
                f"the ledger in `{self._folder}` does not hold the {state.size} entries that the database has "
                f"sequenced; put the ledger's folder back, it is kept apart from the database and is never older"
            )
        self._state = state
        self._edge = Edge.of(self._tiles)

    def _settle(self, state: LogState) -> None:
        """Hold the state against every checkpoint given out, and sign it if it has none yet."""
        kept = _read_checkpoint(self._kept, self._signer.key)
        if kept is None and state.size:
            raise RolledBack(
                f"there is no checkpoint in `{self._kept.parent}`, though {state.size} entries were sequenced; put "
                f"that folder back, or keep a checkpoint there that an auditor holds"
            )
        for path in (self._kept, self._folder / tiles.CHECKPOINT):
            given = _read_checkpoint(path, self._signer.key)
            if given is None:
                continue
            if given.size > state.size:
                raise RolledBack(
                    f"the database has {state.size} entries in the ledger, but `{path}` promises {given.size}; it is "
                    f"an older one. If it was restored from a backup on purpose, reconcile the ledger"
                )
            if not _holds(self._tiles, LogState(given.size, given.root)):
                raise RolledBack(f"the ledger in `{self._folder}` does not begin as `{path}` promises; it is another")
        self._publish(state)

    def _publish(self, state: LogState) -> None:
        """Sign the state, unless it is signed already, and give it out: first to the checkpoint store."""
        note = checkpoint.sign(Checkpoint(self._signer.key.name, *state), self._signer)
        for step, path in (("keep", self._kept), ("publish", self._folder / tiles.CHECKPOINT)):
            self._step(step)
            if _bytes(path) != note.encode():
                disk.write(path, note.encode())
        self._note = note

    # -- files --------------------------------------------------------------------------------------------------

    def _write(self, made: Sequence[tuple[Tile, bytes]]) -> None:
        """Write files so that they and their names are on disk when this returns.

        All are written before any is forced, so that the disk can take them together. A file in the way is the
        leftover of an attempt that died; no checkpoint speaks of it.
        """
        folders: set[Path] = set()
        handles: list[int] = []
        try:
            for tile, data in made:
                path = self._folder / tile.path
                folders |= _folders(path.parent, self._folder)
                handles.append(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600))
                disk.write_all(handles[-1], data)
            self._step("force")
            if len(handles) > FEW and _SYNCFS is not None:
                if _SYNCFS(handles[0]):
                    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
            else:
                for handle in handles:
                    os.fsync(handle)
                for folder in folders:
                    disk.sync_folder(folder)
        except OSError as error:
            raise Unavailable(f"the ledger in `{self._folder}` could not be written: {error.strerror}") from error
        finally:
            for handle in handles:
                os.close(handle)

    def _tidy(self, old: int, new: int) -> None:
        """Remove partial files of tiles that are full now. Losing this to a crash only leaves files nobody needs."""
        self._step("tidy")
        for tile in tiles.growth(old, new):
            if tile.width == WIDTH and tiles.width_of(tile.level, tile.number, old):
                partial = (self._folder / tile.path).with_name(f"{tile.number % 1000:03d}.p")
                with suppress(OSError):
                    for path in partial.iterdir():
                        path.unlink()
                    partial.rmdir()


def grew_out_of(folder: Path, state: LogState, key: Key, kept: Path) -> None:
    """Raise `RolledBack` unless the ledger holds the kept checkpoint and begins with the tree of `state`."""
    promised = _promised(kept, key)
    read = Tiles(files(folder), max(promised.size, state.size))
    if not _holds(read, LogState(promised.size, promised.root)):
        raise RolledBack(f"the ledger in `{folder}` does not hold the checkpoint in `{kept}`; put its folder back")
    if not _holds(read, state):
        raise RolledBack(f"the ledger in `{folder}` did not grow out of this database; it is another site's")


def _promised(kept: Path, key: Key) -> Checkpoint:
    promised = _read_checkpoint(kept / tiles.CHECKPOINT, key)
    if promised is None:
        raise RolledBack(f"there is no checkpoint in `{kept}` to move forward to; put that folder back")
    return promised


async def reconcile(folder: Path, store: Store, key: Key, kept: Path) -> int:
    """After the database was restored from a backup on purpose: move its log state forward to the kept checkpoint.

    The ledger stays as it is; pending entries that are in it already are dropped, by their event; how many. Entries
    of acts that the restored database knows nothing of stay on record: the acts did happen. Raises `RolledBack` when
    the ledger does not hold the kept checkpoint or did not grow out of the database's state: then it is another.
    """
    lock = disk.Lock(folder / "lock")
    try:
        promised = _promised(kept, key)
        after = LogState(promised.size, promised.root)
        async with store.transaction() as tx:
            before = await tx.log_state()
            grew_out_of(folder, before, key, kept)
            if before.size >= after.size:
                return 0
            read = Tiles(files(folder), after.size)
            there = _events(read, before.size, after.size)
            doubled = [leaf.ticket for leaf in await tx.pending(ALL) if leaf.event in there]
            await tx.sequenced(before, after, doubled)
        return len(doubled)
    finally:
        lock.close()


def _holds(read: Tiles, state: LogState) -> bool:
    """Whether the tiles lead to this root at this size."""
    try:
        return read.root(state.size) == state.root
    except (LedgerError, IndexError):
        return False


def _events(read: Tiles, start: int, end: int) -> set[bytes]:
    """The events of entries `start` to `end`."""
    found: set[bytes] = set()
    for number in range(start // WIDTH, -(-end // WIDTH)):
        entries = read.entries(number)
        found.update(entry[EVENT] for entry in entries[max(0, start - number * WIDTH) : end - number * WIDTH])
    return found


def _read_checkpoint(path: Path, key: Key) -> Checkpoint | None:
    data = _bytes(path)
    if data is None:
        return None
    try:
        given = checkpoint.read(data.decode(), key)
    except (LedgerError, UnicodeDecodeError) as error:
        raise Tampered(f"the checkpoint `{path}` does not verify with the log's key: {error}") from None
    if given.origin != key.name:
        raise Tampered(f"the checkpoint `{path}` is of the log `{given.origin}`, not of `{key.name}`")
    return given


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _folders(folder: Path, top: Path) -> set[Path]:
    """Make a folder; every folder whose list of names then changes, or will when a file is put there."""
    changed = {folder}
    missing = []
    while folder != top and not folder.exists():
        missing.append(folder)
        folder = folder.parent
        changed.add(folder)
    for one in reversed(missing):
        one.mkdir(mode=0o700)
    return changed


def _syncfs() -> Callable[[int], int] | None:
    """Linux's call that forces a whole file system: one wait for eighty files. Since 5.8 it tells of failed writes.

    It also waits for what others wrote there, so a few files are better forced one by one.
    """
    release = platform.release().split(".")
    if platform.system() != "Linux" or [int(part) for part in release[:2] if part.isdigit()] < [5, 8]:
        return None
    call = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    return call if callable(call) else None


_SYNCFS: Final = _syncfs()
