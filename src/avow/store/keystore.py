"""The keystore: a local folder that holds every person's key, wrapped, apart from the data it opens.

    lock                 who writes here
    keystore             site and current epoch; replaced by renaming
    epoch-N.key          the epoch's key, wrapped by the root key
    wraps-N.db           the wraps, under the epoch's key
    ../FOLDER.journal    what was narrowed; beside the folder, for no backup or restore of the folder may touch it

What holds. A key is on disk before `take` hands it out, and is handed out once. When `destroy` returns, the key is in
no file of the folder, not even wrapped. A folder older than what the journal knows is refused. After a crash at any
point `open` finishes what was begun. One process, one thread. Formats: docs/formats.md, 2; for operators: docs/keys.md.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final, Self

from avow.errors import CallError, KeyFault, KeyGone, OperatorError, RolledBack, Tampered
from avow.store import disk
from avow.store.journal import MAGIC, Journal
from avow.store.wraps import Wraps
from avow.vault.binding import fields
from avow.vault.keys import KEY, NONCE, EpochKey, RootProvider, SubjectKey

POOL: Final = 1024  # keys made durable in one commit: less than 5 us of forced write each on a slow disk
CACHE: Final = 8192  # keys kept ready, about 2.5 kB each
TTL: Final = 60_000  # ms that a key is kept ready
_ID_CHANCE: Final = 12
_DESTROYED_AT_ONCE: Final = 10_000  # keys in one entry of the journal
_POINTER: Final = re.compile(r"avow keystore 1\nsite ([^\n]+)\nepoch ([1-9][0-9]{0,8})\n")
_EPOCH_FILE: Final = re.compile(r"(?:epoch-([0-9]+)\.key(?:\.new)?|wraps-([0-9]+)\.db(?:-wal|-shm|-journal)?)")
_JOURNAL_KEY: Final = "journal"
BEGUN: Final = "begun"  # the first entry of a journal that was begun anew, because the one before was lost

Step = Callable[[str], None]


def _on(_: str) -> None:
    """No test watches."""


class Keystore:
    """One site's keys. `journal` is open as long as the keystore is, and shared with whoever narrows."""

    journal: Journal
    _epoch: EpochKey
    _wraps: Wraps

    def __init__(
        self, folder: Path, root: RootProvider, site: str, random: Callable[[int], bytes], journal: Path | None,
        step: Step,
    ) -> None:  # fmt: skip
        if "\n" in site or not site:
            raise CallError("a site's name is one line")
        self.folder = folder
        self.site = site
        self._journal_path = journal or folder.with_name(folder.name + ".journal")
        self._root = root
        self._random = random
        self._step = step
        self._pool: list[SubjectKey] = []
        self._taken: dict[bytes, SubjectKey] = {}  # handed out since the cache was last tidied
        self._cache: OrderedDict[bytes, tuple[SubjectKey, int]] = OrderedDict()  # key, until when; oldest first
        self._secrets: dict[str, bytes] = {}
        if folder.stat().st_mode & 0o077:
            raise KeyFault(f"the keystore `{folder}` is open to others; run `chmod 700 {folder}`")
        self._lock = disk.Lock(folder / "lock")

    # -- beginning and ending -----------------------------------------------------------------------------------

    @classmethod
    def create(
        cls, folder: Path, root: RootProvider, site: str, random: Callable[[int], bytes], *,
        journal: Path | None = None, step: Step = _on,
    ) -> Self:  # fmt: skip
        """Make an empty keystore and its journal. Raises `OperatorError` where one stands, `RolledBack` where only
        its journal stands.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        keys = cls(folder, root, site, random, journal, step)
        try:
            if (folder / "keystore").exists():
                raise OperatorError(f"a keystore stands in `{folder}` already; open it, or name another folder")
            keys._begin()
        except BaseException:
            keys._release()
            raise
        return keys

    @classmethod
    def open(
        cls, folder: Path, root: RootProvider, site: str, random: Callable[[int], bytes], *,
        journal: Path | None = None, step: Step = _on,
    ) -> Self:  # fmt: skip
        """Open a keystore, and finish what a crash left unfinished: destroyed keys, a half-done rewrap.

        Raises `KeyFault` (missing, wrong or exposed keys), `SecondWriter`, `RolledBack` (a copy older than what the
        journal knows, or a journal older than what the keystore knows), `Tampered`.
        """
        if not folder.is_dir():
            raise KeyFault(f"there is no keystore at `{folder}`; put it back from its backup: without it nothing that"
                           " is sealed can be read")  # fmt: skip
        keys = cls(folder, root, site, random, journal, step)
        try:
            keys._load()
            keys._catch_up(older=False)
            keys._discard(other_than=keys._epoch.number)
        except BaseException:
            keys._release()
            raise
        return keys

    def close(self) -> None:
        """Give everything up. Keys made ahead and never handed out are removed; the journal's end is remembered."""
        unused, self._pool = [key.id for key in self._pool], []
        try:
            with self._wraps.commit():
                self._wraps.delete(unused)
                self._wraps.set_mark("journal", self.journal.last)
            self._wraps.scrub()
        finally:
            self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- keys ---------------------------------------------------------------------------------------------------

    def take(self, count: int) -> list[SubjectKey]:
        """New keys, already on disk, that nobody has had or will have again. Raises `Unavailable`."""
        if len(self._pool) < count:
            self._make(max(POOL, count))
        keys, self._pool = self._pool[:count], self._pool[count:]
        if len(self._taken) + count <= CACHE:
            self._taken.update((key.id, key) for key in keys)
        return keys

    def top_up(self) -> None:
        """Make keys ahead when half of them are used; for a quiet moment, so that no `take` has to wait."""
        if len(self._pool) < POOL // 2:
            self._make(POOL)

    def get(self, key_id: bytes, now: int) -> SubjectKey:
        """The key of this id. Raises `KeyGone` when it was destroyed or never was, `Tampered`."""
        held = self._cache.get(key_id)
        if held is not None and now < held[1]:
            return held[0]
        self.purge(now)
        if key_id in self._cache:  # was among those handed out
            return self._cache[key_id][0]
        wrap = self._wraps.get(key_id)
        if wrap is None:
            raise KeyGone("the key of this value was destroyed; nothing opens it again")
        key = SubjectKey(key_id, self._epoch.unwrap(key_id, wrap))
        self._cache[key_id] = key, now + TTL
        while len(self._cache) > CACHE:
            self._cache.popitem(last=False)
        return key

    def purge(self, now: int) -> None:
        """Drop the keys that have been ready for `TTL`; call it now and then also when nobody reads."""
        while self._cache:
            key_id, (_, until) = next(iter(self._cache.items()))
            if now < until:
                break
            del self._cache[key_id]
        while self._taken:  # handed out when no clock was at hand: their time begins now
            key_id, key = self._taken.popitem()
            self._cache[key_id] = key, now + TTL

    def destroy(self, key_ids: Iterable[bytes]) -> None:
        """Make these keys unreadable for good; when this returns they are in no file of the folder.

        The intent is journalled first: neither a crash nor an older copy of the folder brings a key back. Ids that
        are not there are done already. Raises `Unavailable`, `OperatorError`.
        """
        wanted = dict.fromkeys(key_ids)
        for key_id in wanted:
            self._cache.pop(key_id, None)
            self._taken.pop(key_id, None)
        there = [key_id for key_id in wanted if self._wraps.get(key_id) is not None]
        for start in range(0, len(there), _DESTROYED_AT_ONCE):
            some = there[start : start + _DESTROYED_AT_ONCE]
            number = self.journal.append("destroy", {"keys": " ".join(key_id.hex() for key_id in some)})
            self._step("destroy: journalled")
            self._delete(some, number)
        self._wraps.scrub()
        self._step("destroy: scrubbed")

    def site_key(self, name: str) -> bytes:
        """A named 32-byte secret of the site, made and on disk at its first use."""
        secret = self._secrets.get(name)
        if secret is None:
            secret = self._random(KEY)
            wrap = self._epoch.wrap(_secret_name(name), secret, self._random(NONCE))
            with self._wraps.commit():
                self._wraps.put_secrets([(name, wrap)])
                generation = self._newer()
            self._step("site key: durable")
            self._announce(generation)
            self._secrets[name] = secret
        return secret

    # -- epochs -------------------------------------------------------------------------------------------------

    def rewrap(self, backup: Callable[[Self], None] | None = None, root: RootProvider | None = None) -> None:
        """Begin a new epoch: every surviving key wrapped anew, then the old epoch's key destroyed.

        After it, wraps that had been deleted are unreadable in every copy of the old file, except together with a
        copy of the old epoch's key: `backup` is called when only the new epoch counts and the old key still stands;
        let it replace the keystore's backup. `root` changes the root key too. Nothing else runs meanwhile: about 10 s
        for a million keys. A crash before the pointer moves leaves the old epoch, afterwards the new one.
        """
        root = root or self._root
        old, number = self._wraps, self._epoch.number + 1
        self._discard(other_than=self._epoch.number)
        secret = self._random(KEY)
        disk.create(self._epoch_path(number), root.wrap(secret, self._context(number)))
        self._step("rewrap: epoch key durable")
        epoch = EpochKey(self.site, number, secret)
        fresh, generation = self._rewrapped(epoch)
        self._step("rewrap: wraps durable")
        self._point(number)
        self._epoch, self._wraps, self._root = epoch, fresh, root
        old.close()
        self._step("rewrap: pointer moved")
        self._announce(generation)
        if backup is not None:
            backup(self)
        self._step("rewrap: backed up")
        self._discard(other_than=number)
        self._step("rewrap: old epoch gone")

    def _rewrapped(self, epoch: EpochKey) -> tuple[Wraps, int]:
        """The wraps under a new epoch, in a new file, on disk, each of them tried; and the new generation."""
        old = self._wraps
        fresh = Wraps(self._wraps_path(epoch.number), fresh=True)
        try:
            with fresh.commit():
                fresh.put((i, epoch.seal(i, self._epoch.open(i, w), self._random(NONCE))) for i, w in old.all())
                for name, secret in self._secrets.items():
                    fresh.put_secrets([(name, epoch.wrap(_secret_name(name), secret, self._random(NONCE)))])
                for mark in ("batch", "destroyed", "generation", "journal"):
                    fresh.set_mark(mark, old.mark(mark))
                generation = self._newer(fresh)
            fresh.scrub()
            disk.sync_folder(self.folder)
            self._step("rewrap: wraps written")
            tried = sum(1 for key_id, wrap in fresh.all() if epoch.unwrap(key_id, wrap))
            if tried != old.count():
                raise OperatorError("not every key was wrapped anew; the old epoch stays")
        except BaseException:
            fresh.close()
            self._discard(other_than=self._epoch.number)
            raise
        return fresh, generation

    # -- backups ------------------------------------------------------------------------------------------------

    def backup(self, folder: Path) -> None:
        """A copy of the keystore into `folder`, while serving; an older one of this site there is replaced and shredded.

        With the root key, the copy opens also what is erased from now on: keep one, keep it short, and never beside
        the data. It holds neither the journal nor the root key. Raises `OperatorError`, `Unavailable`.
        """
        fresh, older = (folder.with_name(folder.name + end) for end in (".new", ".old"))
        if older.exists() and not folder.exists():  # a crash between the two renamings
            older.rename(folder)
        _leave_out(folder)
        if folder.exists() and (folder == self.folder or _pointer(folder)[0] != self.site):
            raise OperatorError(f"`{folder}` holds something else than a backup of this keystore; name another folder")
        _remove(fresh)
        _remove(older)
        number = self._epoch.number
        fresh.mkdir(mode=0o700, parents=True)
        copy = self._wraps_path(number, fresh)
        disk.create(copy, b"")
        self._wraps.copy(copy)
        disk.sync_file(copy)
        disk.create(self._epoch_path(number, fresh), self._epoch_path(number).read_bytes())
        disk.create(fresh / "keystore", _pointer_text(self.site, number))
        self._step("backup: copied")
        if folder.exists():
            folder.rename(older)
        fresh.rename(folder)
        disk.sync_folder(folder.parent)
        self._step("backup: in place")
        _remove(older)

    @classmethod
    def restore(
        cls, backup: Path, folder: Path, root: RootProvider, site: str, random: Callable[[int], bytes], *,
        journal: Path | None = None, new_journal: bool = False, step: Step = _on,
    ) -> Self:  # fmt: skip
        """Put a backup in the place of a keystore that is lost, and destroy again what was destroyed since.

        What was sealed under keys younger than the backup is lost, and says `KeyGone`. `folder` must not exist.
        `new_journal` begins a new journal where the old one is lost too: then erasures since the backup are not
        known, and have to be asked for again. Raises as `open` does.
        """
        _leave_out(folder)
        if folder.exists():
            raise OperatorError(f"`{folder}` exists; move it away before a backup takes its place")
        _pointer(backup)
        beside = folder.with_name(folder.name + ".new")
        _remove(beside)
        beside.mkdir(mode=0o700, parents=True)
        for path in sorted(backup.iterdir()):
            if path.name == "keystore" or _EPOCH_FILE.fullmatch(path.name):
                disk.create(beside / path.name, path.read_bytes())
        path = journal or folder.with_name(folder.name + ".journal")
        keys = cls(beside, root, site, random, path, step)
        try:
            keys._load(new_journal=new_journal)
            keys._catch_up(older=True)
        finally:
            keys._release()
        step("restore: caught up")
        beside.rename(folder)
        disk.sync_folder(folder.parent)
        return cls.open(folder, root, site, random, journal=path, step=step)

    # -- parts --------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        if self._journal_path.exists():
            if self._journal_path.stat().st_size > len(MAGIC):
                raise RolledBack(f"a journal stands at `{self._journal_path}` and its keystore is gone; restore the"
                                 " keystore from its backup")  # fmt: skip
            self._journal_path.unlink()
        self._discard(other_than=0)
        secret = self._random(KEY)
        disk.create(self._epoch_path(1), self._root.wrap(secret, self._context(1)))
        self._epoch = EpochKey(self.site, 1, secret)
        self._wraps = Wraps(self._wraps_path(1), fresh=True)
        self._secrets[_JOURNAL_KEY] = self._random(KEY)
        wrap = self._epoch.wrap(_secret_name(_JOURNAL_KEY), self._secrets[_JOURNAL_KEY], self._random(NONCE))
        with self._wraps.commit():
            self._wraps.put_secrets([(_JOURNAL_KEY, wrap)])
        self._wraps.scrub()
        self._step("create: wraps durable")
        self.journal = Journal.create(self._journal_path, self._secrets[_JOURNAL_KEY])
        self._step("create: journal durable")
        self._point(1)
        disk.sync_folder(self.folder.parent)

    def _load(self, *, new_journal: bool = False) -> None:
        site, number = _pointer(self.folder)
        if site != self.site:
            raise KeyFault(f"the keystore in `{self.folder}` is that of site `{site}`, not of `{self.site}`")
        for path in (self._epoch_path(number), self._wraps_path(number)):
            if not path.is_file():
                raise KeyFault(f"`{path}` is missing; put the keystore back from its backup")
        secret = self._root.unwrap(self._epoch_path(number).read_bytes(), self._context(number))
        self._epoch = EpochKey(self.site, number, secret)
        self._wraps = Wraps(self._wraps_path(number), fresh=False)
        self._secrets = {n: self._epoch.unwrap(_secret_name(n), wrap) for n, wrap in self._wraps.secrets()}
        if _JOURNAL_KEY not in self._secrets:
            raise Tampered(f"the keystore in `{self.folder}` lacks a secret it was made with; restore its backup")
        if new_journal and not self._journal_path.exists():
            Journal.create(self._journal_path, self._secrets[_JOURNAL_KEY]).close()
            with self._wraps.commit():
                for mark in ("destroyed", "journal"):
                    self._wraps.set_mark(mark, 0)
        self.journal = Journal.open(self._journal_path, self._secrets[_JOURNAL_KEY])
        if new_journal and not self.journal.last:
            self.journal.append(BEGUN, {"journal": self._random(8).hex()})

    def _catch_up(self, *, older: bool) -> None:
        """Compare keystore and journal, and destroy what was to be destroyed. `older`: a backup is being put back."""
        self.journal.expect(self._wraps.mark("journal"))
        generation, known, destroyed = self._wraps.mark("generation"), 0, self._wraps.mark("destroyed")
        pending: list[tuple[int, list[bytes]]] = []
        for entry in self.journal.entries():
            if entry.kind == "keystore":
                known = max(known, int(entry.fields["generation"]))
            elif entry.kind == "destroy" and entry.number > destroyed:
                pending.append((entry.number, [bytes.fromhex(key) for key in str(entry.fields["keys"]).split()]))
        if generation < known and not older:
            raise RolledBack(f"the keystore in `{self.folder}` is an older copy: it is at {generation}, and the journal"
                             f" knows {known}; put the newer one back, or restore this one as a backup (docs/keys.md)")  # fmt: skip
        for number, ids in pending:
            self._delete(ids, number)
        self._wraps.scrub()
        if older:
            with self._wraps.commit():
                self._wraps.set_mark("generation", max(generation, known))
                generation = self._newer()
            self._wraps.scrub()
        if generation > known:
            self._announce(generation)

    def _make(self, count: int) -> None:
        """Make keys ahead, in one commit. Ids ascend: a counter, then chance; so the file only grows at its end."""
        batch = self._wraps.mark("batch") + 1
        head = batch.to_bytes(4, "big")
        ids = sorted(head + self._random(_ID_CHANCE) for _ in range(count))
        secrets, nonces = self._random(KEY * count), self._random(NONCE * count)
        keys = [SubjectKey(key_id, secrets[n * KEY : (n + 1) * KEY]) for n, key_id in enumerate(ids)]
        wraps = [
            self._epoch.wrap(key_id, secrets[n * KEY : (n + 1) * KEY], nonces[n * NONCE : (n + 1) * NONCE])
            for n, key_id in enumerate(ids)
        ]
        with self._wraps.commit():
            self._wraps.put(zip(ids, wraps, strict=True))
            self._wraps.set_mark("batch", batch)
            generation = self._newer()
        self._step("take: durable")
        self._announce(generation)
        self._pool += keys

    def _newer(self, wraps: Wraps | None = None) -> int:
        """Inside a commit: the next generation. An older copy lacks it, and the journal will tell."""
        wraps = wraps or self._wraps
        generation = wraps.mark("generation") + 1
        wraps.set_mark("generation", generation)
        wraps.set_mark("journal", self.journal.last)
        return generation

    def _announce(self, generation: int) -> None:
        """Let the journal know a generation. Before anybody is given what is new in it."""
        self.journal.append("keystore", {"generation": generation})
        self._step("announced")

    def _delete(self, ids: Sequence[bytes], number: int) -> None:
        with self._wraps.commit():
            self._wraps.delete(ids)
            self._wraps.set_mark("destroyed", number)
            self._wraps.set_mark("journal", self.journal.last)
        self._step("destroy: deleted")

    def _point(self, number: int) -> None:
        disk.write(self.folder / "keystore", _pointer_text(self.site, number))

    def _discard(self, *, other_than: int) -> None:
        """Destroy every epoch but one: first its key, which makes the rest unreadable wherever it was copied."""
        found = {path: _EPOCH_FILE.fullmatch(path.name) for path in sorted(self.folder.iterdir())}
        for path, form in found.items():  # `epoch-` sorts before `wraps-`
            if form and int(form[1] or form[2]) != other_than:
                disk.shred(path)
                self._step("discarded")

    def _release(self) -> None:
        for part in ("_wraps", "journal", "_lock"):
            if hasattr(self, part):
                getattr(self, part).close()
        self._cache.clear()
        self._taken.clear()
        self._secrets.clear()

    def _context(self, number: int) -> bytes:
        return fields(b"avow/1 epoch", self.site.encode(), number.to_bytes(4, "big"))

    def _epoch_path(self, number: int, folder: Path | None = None) -> Path:
        return (folder or self.folder) / f"epoch-{number}.key"

    def _wraps_path(self, number: int, folder: Path | None = None) -> Path:
        return (folder or self.folder) / f"wraps-{number}.db"


def _pointer(folder: Path) -> tuple[str, int]:
    """Site and epoch of the keystore in a folder. Raises `KeyFault`."""
    try:
        text = (folder / "keystore").read_text(errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        raise KeyFault(f"there is no keystore in `{folder}`; put it back from its backup") from None
    form = _POINTER.fullmatch(text)
    if form is None:
        raise KeyFault(f"`{folder / 'keystore'}` is damaged; put the keystore back from its backup")
    return form[1], int(form[2])


def _pointer_text(site: str, number: int) -> bytes:
    return f"avow keystore 1\nsite {site}\nepoch {number}\n".encode()


def _secret_name(name: str) -> bytes:
    """What a site secret's wrap is bound to: never as short as a key id's 16 bytes, so neither passes for the other."""
    return b"avow/1 site secret " + name.encode()


def _leave_out(folder: Path) -> None:
    """An empty folder is as good as none."""
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def _remove(folder: Path) -> None:
    """Shred a folder of ours."""
    if folder.exists():
        for path in sorted(folder.iterdir()):
            disk.shred(path)
        folder.rmdir()
