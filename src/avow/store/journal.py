"""The journal: what has been narrowed, beyond the reach of any restore.

Erasures, withdrawals, opt-outs and do-not-contact entries are written here first and on disk before anything else
happens. A backup never holds the journal, and a restore never touches it: it is replayed instead. Entries hold opaque
ids, keyed hashes, names of the policy and moments; never a personal value. Format: docs/formats.md, 2.5.

Each entry's MAC covers the one before, so an entry that is changed, removed, inserted or moved is noticed. Entries cut
off at the very end are noticed against a number kept elsewhere: `expect`.
"""

import hmac
import json
import logging
import os
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Self

from avow.errors import CallError, RolledBack, Tampered, Unavailable
from avow.store import disk

MAGIC: Final = b"avow journal 1\n"
_MAC: Final = 32
_LENGTH = struct.Struct(">II")  # the body's length, and the same with every bit turned: a changed length is noticed
_NUMBER = struct.Struct(">Q")
MOST: Final = 1 << 20  # bytes of one body
_OPAQUE: Final = re.compile(r"(?:[a-z0-9 ./:_-]|@(?=[0-9]))*")  # ids, hashes, names, moments: no address fits

log = logging.getLogger("avow.journal")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. `number` counts from 1; `kind` is a word; `fields` are opaque ids, keyed hashes, names, moments."""

    number: int
    kind: str
    fields: Mapping[str, str | int]


class Journal:
    """An append-only file. One process at a time; who opens a second gets `SecondWriter`."""

    def __init__(self, path: Path, key: bytes) -> None:
        """Use `create` or `open`."""
        self.path = path
        self._key = key
        self._lock = disk.Lock(path)
        self._file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        self._broken = False
        self.last = 0  # number of the newest entry
        self.torn = 0  # bytes of an entry never acknowledged, dropped when this was opened
        self._mac = hmac.digest(key, MAGIC, "sha256")
        self._end = len(MAGIC)  # where the next entry goes

    @classmethod
    def create(cls, path: Path, key: bytes) -> Self:
        """Begin an empty journal. `key` is a 32-byte secret of the site. Raises `FileExistsError`."""
        disk.create(path, MAGIC)
        return cls(path, key)

    @classmethod
    def open(cls, path: Path, key: bytes) -> Self:
        """Verify every entry, and drop one that a crash left unfinished (`torn` and the log say so).

        Raises `RolledBack` when there is no journal, `Tampered` when an entry is not as it was written.
        """
        if not path.is_file():
            raise RolledBack(f"there is no journal at `{path}`; put it back: without it, who was erased or opted out"
                             " since a backup is not known (docs/keys.md)")  # fmt: skip
        journal = cls(path, key)
        try:
            journal._settle()
        except BaseException:
            journal.close()
            raise
        return journal

    def append(self, kind: str, fields: Mapping[str, str | int]) -> int:
        """Add an entry; it is on disk when its number is returned.

        Raises `CallError` for a field that could be a personal value, and `Unavailable` when the disk refused: then
        nothing was added, unless the message says that it is unknown, and the journal must be opened anew.
        """
        if self._broken:
            raise Unavailable("the journal's disk failed before; start again when it is in order")
        record, mac = self._record(self.last + 1, kind, fields)
        try:
            self._write(record)
        except OSError as error:
            self._take_back(error)
        self.last, self._mac, self._end = self.last + 1, mac, self._end + len(record)
        return self.last

    def entries(self, since: int = 0) -> Iterator[Entry]:
        """The entries after number `since`, oldest first, each verified again. Raises `Tampered`."""
        for entry, _, _ in self._walk():
            if entry.number > since:
                yield entry

    def expect(self, number: int) -> None:
        """Raise `RolledBack` if the newest entry is older than one that is known elsewhere."""
        if self.last < number:
            raise RolledBack(f"the journal `{self.path}` ends at entry {self.last}, and entry {number} was written;"
                             " put the newer journal back")  # fmt: skip

    def close(self) -> None:
        """Give the file and the lock up. More than once is harmless."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        self._lock.close()

    # -- writing ------------------------------------------------------------------------------------------------

    def _record(self, number: int, kind: str, fields: Mapping[str, str | int]) -> tuple[bytes, bytes]:
        if "kind" in fields:
            raise CallError("`kind` is no field of its own in a journal entry")
        for name, value in (("kind", kind), *fields.items()):
            if isinstance(value, str) and not _OPAQUE.fullmatch(value):
                raise CallError(
                    f"`{name}` of a journal entry is no id, hash, name or moment; nothing else may be there"
                )
        text = json.dumps({"kind": kind} | dict(fields), separators=(",", ":"), sort_keys=True)
        body = _NUMBER.pack(number) + text.encode()
        if len(body) > MOST:
            raise CallError("a journal entry is too long; write it as several")
        covered = _LENGTH.pack(len(body), len(body) ^ 0xFFFFFFFF) + body
        mac = hmac.digest(self._key, self._mac + covered, "sha256")
        return covered + mac, mac

    def _write(self, record: bytes) -> None:
        os.lseek(self._file, self._end, os.SEEK_SET)
        disk.write_all(self._file, record)
        try:
            os.fdatasync(self._file)
        except OSError as error:
            self._broken = True  # after a failed sync the kernel may forget what was not written: trust nothing
            raise Unavailable("the journal could not be forced to disk, it is unknown whether the entry stands; "
                              "start again when the disk is in order") from error  # fmt: skip

    def _take_back(self, error: OSError) -> None:
        try:
            os.ftruncate(self._file, self._end)
            os.fdatasync(self._file)
        except OSError:
            self._broken = True
        raise Unavailable(f"the journal could not be written: {error.strerror}; nothing was done") from error

    # -- reading ------------------------------------------------------------------------------------------------

    def _settle(self) -> None:
        for entry, mac, end in self._walk(settle=True):
            self.last, self._mac, self._end = entry.number, mac, end
        size = os.fstat(self._file).st_size
        if size > self._end:
            self.torn = size - self._end
            log.warning("journal %s: %d bytes of an unfinished entry dropped; it was never acknowledged",
                        self.path, self.torn)  # fmt: skip
            os.ftruncate(self._file, self._end)
            os.fsync(self._file)

    def _walk(self, *, settle: bool = False) -> Iterator[tuple[Entry, bytes, int]]:
        """Entries with their MACs and where they end. With `settle`, an unfinished one at the end ends the walk instead of raising."""
        with self.path.open("rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                raise Tampered(f"`{self.path}` is no journal of this version; put it back")
            size = os.fstat(file.fileno()).st_size
            mac, number = hmac.digest(self._key, MAGIC, "sha256"), 0
            while file.tell() < size:
                left = size - file.tell()
                head = file.read(_LENGTH.size)
                length, turned = _LENGTH.unpack(head) if len(head) == _LENGTH.size else (0, 0)
                sound = length ^ turned == 0xFFFFFFFF and length <= MOST
                rest = file.read(length + _MAC) if sound else b""
                if settle and left <= _LENGTH.size + MOST + _MAC and _unfinished(head, sound, length, rest, file):
                    return
                number += 1
                body, found = rest[:-_MAC], rest[-_MAC:]
                mac = hmac.digest(self._key, mac + head + body, "sha256")
                if not hmac.compare_digest(mac, found) or body[: _NUMBER.size] != _NUMBER.pack(number):
                    raise Tampered(f"entry {number} of the journal `{self.path}` is not as it was written; put it back")
                fields = json.loads(body[_NUMBER.size :])
                yield Entry(number, fields.pop("kind"), fields), mac, file.tell()


def _unfinished(head: bytes, sound: bool, length: int, rest: bytes, file: BinaryIO) -> bool:
    """Whether a crash can have left this as the last entry: cut off, or room that was never written (all zero)."""
    if sound:
        return len(rest) < length + _MAC
    return len(head) < _LENGTH.size or not any(head + file.read())
