"""Kill this process at its n-th write to disk: SIGKILL, as a power switch for one program.

Counted is every write, truncation, sync, rename and removal, whether by SQLite (through a VFS of apsw that stands
between it and the files) or by Python's `os`. Nothing is cleaned up: what the kernel has, it keeps; what was still in
the process is gone.
"""

import os
import signal
from collections.abc import Callable
from typing import Any

import apsw

_OS = ("write", "pwrite", "fsync", "fdatasync", "rename", "replace", "unlink", "remove", "ftruncate", "truncate")


class Switch:
    """Counts, and kills at `at`; 0 only counts. Make one a process, before any database is opened."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.count = 0
        self.write = os.write  # the real one, for telling the parent
        for name in _OS:
            setattr(os, name, self._counted(getattr(os, name)))
        self._vfs = _Vfs(self)

    def tick(self) -> None:
        """One more write is about to happen. Half of the kills come just before it, half just after the one before."""
        self.count += 1
        if self.count == self.at:
            os.kill(os.getpid(), signal.SIGKILL)

    def _counted(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            self.tick()
            return call(*args, **kwargs)

        return counted


class _Vfs(apsw.VFS):
    def __init__(self, switch: Switch) -> None:
        self.switch = switch
        super().__init__(name="killing", base="unix", makedefault=True)

    def xOpen(self, name: Any, flags: list[int]) -> "_File":  # noqa: N802 - SQLite's own name
        return _File(self.switch, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802 - SQLite's own name
        self.switch.tick()
        super().xDelete(filename, syncdir)


class _File(apsw.VFSFile):
    def __init__(self, switch: Switch, name: Any, flags: list[int]) -> None:
        self.switch = switch
        super().__init__("unix", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - SQLite's own name
        self.switch.tick()
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite's own name
        self.switch.tick()
        super().xSync(flags)

    def xTruncate(self, size: int) -> None:  # noqa: N802 - SQLite's own name
        self.switch.tick()
        super().xTruncate(size)
