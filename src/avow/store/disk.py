"""Files that survive: written, forced to the disk, and only then given their name.

Every folder change is forced too: a rename that the disk has forgotten never happened. Linux and macOS; POSIX locks.
"""

import errno
import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

from avow.errors import OperatorError, SecondWriter, Unavailable

_CHUNK: Final = 1 << 20


def write(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Replace the file by `data`, whole or not at all: write beside it, force, rename, force the folder.

    Raises `Unavailable`; the old file then stands, unless only the last step failed.
    """
    beside = path.with_name(path.name + ".new")
    try:
        with suppress(FileNotFoundError):
            beside.unlink()
        _fill(beside, data, mode)
        beside.rename(path)
        sync_folder(path.parent)
    except OSError as error:
        raise Unavailable(f"`{path}` could not be written: {error.strerror}") from error


def create(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Write a new file, whole or not at all; it is on disk when this returns. Nobody else makes one here meanwhile.

    Raises `FileExistsError`, `Unavailable`.
    """
    if os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    write(path, data, mode)


def _fill(path: Path, data: bytes, mode: int) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        write_all(file, data)
        os.fsync(file)
    finally:
        os.close(file)


def write_all(file: int, data: bytes) -> None:
    """Write every byte to an open file, in as many calls as it takes."""
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def sync_folder(folder: Path) -> None:
    """Force a folder's entries to the disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_file(path: Path) -> None:
    """Force a file's bytes to the disk."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def shred(path: Path) -> None:
    """Overwrite a file where it lies, force it, and remove it. A file that is not there is done already.

    On disks that move what is overwritten (most flash, copy-on-write file systems) the old bytes may stay below: what
    must never be read again has to be unreadable by its key, not by this.
    """
    try:
        with suppress(FileNotFoundError):
            handle = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
            try:
                left = os.fstat(handle).st_size
                while left > 0:
                    left -= os.write(handle, bytes(min(left, _CHUNK)))
                os.fsync(handle)
            finally:
                os.close(handle)
            path.unlink()
            sync_folder(path.parent)
    except OSError as error:
        raise Unavailable(f"`{path}` could not be removed: {error.strerror}") from error


class Lock:
    """The right to write in a place, held by one process until `close` or its death (flock, released by the kernel)."""

    def __init__(self, path: Path) -> None:
        """Take it, or raise `SecondWriter` at once; `OperatorError` where nothing may be written."""
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise OperatorError(f"`{path}` cannot be written: {error.strerror}; make its folder writable") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._file)
            raise SecondWriter(
                f"another process already writes in `{path.parent}`; stop that one, or use its socket"
            ) from None

    def close(self) -> None:
        """Give it up. More than once is harmless."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
