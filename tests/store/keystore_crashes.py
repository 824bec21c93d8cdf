"""Kill a process that uses a keystore, at any write, sync, rename or step of its own, and see what the next one finds.

Every way to the disk is counted: the calls of the operating system that our code makes, and those of SQLite (through
a VFS over its own). A try kills at one of them, half of the time in the middle of a write. The next process must find
every key that was handed out, none that was destroyed, and the secrets and entries that were acknowledged.

The tries run in a process of their own, which has one thread and forks for each.
"""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, Final

import apsw

from avow.errors import KeyFault, KeyGone
from avow.store import keystore
from avow.store.keystore import Keystore
from avow.store.root import FileRoot
from avow.store.wraps import Wraps

SITE: Final = "daminion"
COUNTED: Final = ("write", "fsync", "fdatasync", "unlink", "rename", "ftruncate", "open")
DEFECTS: Final = ("no scrub", "not durable", "pointer stays", "old epoch stays")
NEVER: Final = 1 << 60
TOP: Final = Path(__file__).parents[2]


def run(count: int, seed: int, *, defect: str = "", steps: bool = False) -> dict[str, Any]:
    """`count` kills at points chosen by `seed`; with `steps`, one more at every named step. `defect`: see `_plant`."""
    told = subprocess.run(
        [sys.executable, "-m", "tests.store.keystore_crashes", str(count), str(seed), defect, str(int(steps))],
        check=True, capture_output=True, text=True, cwd=TOP,
    )  # fmt: skip
    return dict(json.loads(told.stdout))


class Dying:
    """Counts the ways to the disk, and dies at one of them."""

    def __init__(self, at: int, *, torn: bool) -> None:
        self.at, self.torn, self.seen, self.steps = at, torn, 0, dict[int, str]()
        self.write = os.write  # the real one

    def touch(self, half: Callable[[], object] | None = None) -> None:
        self.seen += 1
        if self.seen == self.at:
            if half is not None and self.torn:
                half()
            os.kill(os.getpid(), signal.SIGKILL)

    def step(self, name: str) -> None:
        self.steps[self.seen + 1] = name
        self.touch()

    def watch(self) -> None:
        for name in COUNTED:
            setattr(os, name, self._counted(name, getattr(os, name)))
        self._vfs = _CountedVfs(self)

    def _counted(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **more: Any) -> Any:
            half = (lambda: real(args[0], bytes(args[1])[: len(args[1]) // 2])) if name == "write" else None
            self.touch(half)
            return real(*args, **more)

        return call


class _CountedVfs(apsw.VFS):
    def __init__(self, dying: Dying) -> None:
        super().__init__("dying", "unix", makedefault=True)
        self.dying = dying

    def xOpen(self, name: Any, flags: list[int]) -> "_CountedFile":  # noqa: N802 - SQLite's name
        return _CountedFile(self.dying, name, flags)

    def xDelete(self, name: str, sync: bool) -> None:  # noqa: N802
        self.dying.touch()
        super().xDelete(name, sync)


class _CountedFile(apsw.VFSFile):
    def __init__(self, dying: Dying, name: Any, flags: list[int]) -> None:
        super().__init__("unix", name, flags)
        self.dying = dying

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802
        self.dying.touch(lambda: super(_CountedFile, self).xWrite(bytes(data)[: len(data) // 2], offset))
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802
        self.dying.touch()
        super().xSync(flags)

    def xTruncate(self, size: int) -> None:  # noqa: N802
        self.dying.touch()
        super().xTruncate(size)


def _live(place: Path, dying: Dying, defect: str) -> None:
    """What the victim does; what it has been promised stands in `place/told`, line by line."""
    told = os.open(place / "told", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    root = FileRoot.open(place / "root.key", os.urandom)

    def tell(*words: str) -> None:
        dying.write(told, (" ".join(words) + "\n").encode())

    vars(keystore)["POOL"] = 8
    _plant(defect)
    dying.watch()
    keys = Keystore.create(place / "keys", root, SITE, os.urandom, step=dying.step)
    tell("created")

    def take(count: int) -> list[bytes]:
        taken = keys.take(count)
        for key in taken:
            tell("took", key.id.hex(), _print(key.id, key._secret), (keys._wraps.get(key.id) or b"").hex())
        return [key.id for key in taken]

    def destroy(ids: list[bytes]) -> None:
        for one in ids:
            tell("doomed", one.hex())
        keys.destroy(ids)
        for one in ids:
            tell("destroyed", one.hex())

    held = take(3)
    tell("secret", _print(b"", keys.site_key("look-up")))
    tell("entry", str(keys.journal.append("opt-out", {"subject": "00" * 16, "channel": "mail"})))
    destroy(held[:1])
    held += take(10)
    keys.backup(place / "backup")
    tell("backed-up")
    destroy(held[3:5])
    tell("epoch", (place / "keys" / "epoch-1.key").read_bytes()[25:].hex())
    keys.rewrap(lambda one: one.backup(place / "backup"))
    tell("rewrapped")
    held += take(4)
    destroy(held[6:9])
    keys.rewrap()
    tell("entry", str(keys.journal.append("opt-out", {"subject": "00" * 16, "channel": "post"})))
    keys.close()
    dying.write(os.open(place / "points", os.O_WRONLY | os.O_CREAT), json.dumps([dying.seen, dying.steps]).encode())


def _plant(defect: str) -> None:
    """Break the keystore on purpose; the checks must see it."""
    point = Keystore._point
    planted: dict[str, tuple[type, str, Callable[..., object]]] = {
        "no scrub": (Wraps, "scrub", _nothing),
        "not durable": (Wraps, "put", _nothing),
        "pointer stays": (Keystore, "_point", lambda keys, number: number > 1 or point(keys, number)),
        "old epoch stays": (Keystore, "_discard", _nothing),
    }
    if defect:
        owner, name, instead = planted[defect]
        setattr(owner, name, instead)


def _nothing(*_: object, **__: object) -> None:
    """Leave it undone."""


def _print(name: bytes, secret: bytes) -> str:
    return hashlib.sha256(name + secret).hexdigest()


class Told:
    """What the victim had been promised when it died."""

    def __init__(self, place: Path) -> None:
        lines = [line.split(" ", 3) for line in (place / "told").read_text().splitlines()]
        self.created = ["created"] in lines
        self.backed_up = ["backed-up"] in lines
        self.rewrapped = ["rewrapped"] in lines
        self.taken = {line[1]: line[2] for line in lines if line[0] == "took"}
        self.wraps = {line[1]: bytes.fromhex(line[3]) for line in lines if line[0] == "took" and len(line) > 3}
        self.doomed = {line[1] for line in lines if line[0] == "doomed"}
        self.destroyed = {line[1] for line in lines if line[0] == "destroyed"}
        self.secrets = [line[1] for line in lines if line[0] == "secret"]
        self.entries = [int(line[1]) for line in lines if line[0] == "entry"]
        self.epoch = [bytes.fromhex(line[1]) for line in lines if line[0] == "epoch"]
        points = place / "points"  # of a life that came to its end
        self.points = json.loads(points.read_text()) if points.exists() else None


def _check(place: Path) -> list[str]:
    """What does not hold after a death."""
    told, root = Told(place), FileRoot.open(place / "root.key", os.urandom)
    faults = [f"{key}: wrap still on disk" for key in told.destroyed if _lies(place / "keys", told.wraps[key])]
    if told.rewrapped and _lies(place / "keys", told.epoch[0]):
        faults.append("the old epoch's key is still on disk")
    try:
        keys = Keystore.open(place / "keys", root, SITE, os.urandom)
    except KeyFault:
        if told.created:
            raise
        keys = Keystore.create(place / "keys", root, SITE, os.urandom)
    with keys:
        faults += _lost(keys, told, told.taken.keys() - told.doomed)
        faults += [f"{key}: came back" for key in told.destroyed if _opens(keys, key)]
        gone = [key for key in told.doomed if not _opens(keys, key)]
        faults += [f"{key}: gone, but its wrap is not" for key in gone if _lies(place / "keys", told.wraps[key])]
        faults += [
            "a site secret changed" for secret in told.secrets if _print(b"", keys.site_key("look-up")) != secret
        ]
        entries = {entry.number for entry in keys.journal.entries()}
        faults += [f"entry {number} lost" for number in told.entries if number not in entries]
        if {key.id.hex() for key in keys.take(20)} & told.taken.keys():
            faults.append("a key was handed out twice")
        if len(list((place / "keys").glob("epoch-*"))) != 1:
            faults.append("more than one epoch is left")
    Keystore.open(place / "keys", root, SITE, os.urandom).close()
    return faults + (_check_backup(place, told, root) if told.backed_up else [])


def _check_backup(place: Path, told: Told, root: FileRoot) -> list[str]:
    """The folder is lost as well: what the backup gives back. The journal stays."""
    (place / "keys").rename(place / "lost")
    backup = next(path for path in (place / "backup", place / "backup.old", place / "backup.new") if path.exists())
    old = list(told.taken)[:13]  # those that the first backup already had
    with Keystore.restore(backup, place / "keys", root, SITE, os.urandom) as keys:
        faults = _lost(keys, told, set(old) - told.doomed)
        faults += [f"{key}: came back with the backup" for key in told.destroyed if _opens(keys, key)]
    shutil.rmtree(place / "keys")
    (place / "lost").rename(place / "keys")  # and now the operator puts the older copy back by hand
    return faults


def _lost(keys: Keystore, told: Told, expected: set[str]) -> list[str]:
    return [
        f"{key}: lost" for key in expected
        if not _opens(keys, key) or _print(bytes.fromhex(key), keys.get(bytes.fromhex(key), 0)._secret) != told.taken[key]
    ]  # fmt: skip


def _opens(keys: Keystore, key: str) -> bool:
    try:
        keys.get(bytes.fromhex(key), 0)
    except KeyGone:
        return False
    return True


def _lies(folder: Path, secret: bytes) -> bool:
    """Whether a part of a secret's bytes lies in a file of the folder."""
    parts = [secret[at : at + 16] for at in range(0, len(secret) - 15, 16)]
    return any(part in path.read_bytes() for path in folder.iterdir() for part in parts)


def _try(at: int, defect: str, *, torn: bool) -> tuple[list[str], Told]:
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        FileRoot.create(place / "root.key", os.urandom)
        (place / "told").touch()
        child = os.fork()
        if not child:
            try:
                _live(place, Dying(at, torn=torn), defect)
            except BaseException as error:  # noqa: BLE001 - the parent must hear of it, whatever it is
                os.write(2, f"{error!r}\n".encode())
                os._exit(1)
            os._exit(0)
        ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        faults = [] if ended in {0, -signal.SIGKILL} else [f"the victim failed before it was killed ({ended})"]
        try:
            faults += _check(place)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong is a finding
            faults.append(f"{type(error).__name__}: {error}")
        return [f"point {at}: {fault}" for fault in faults], Told(place)


def main(count: int, seed: int, defect: str, steps: bool) -> dict[str, Any]:
    """See `run`."""
    faults, whole = _try(NEVER, defect, torn=False)
    if whole.points is None:
        return {"ok": False, "points": 0, "kills": 0, "faults": faults}
    points, named = whole.points
    dice = Random(seed)
    kills = [int(at) for at in named] if steps else []
    kills += [dice.randint(1, points) for _ in range(count)]
    for at in kills:
        faults += _try(at, defect, torn=dice.random() < 0.5)[0]
    names = sorted(set(named.values()))
    return {"ok": not faults, "kills": len(kills), "points": float(points), "steps": names, "faults": faults[:20]}


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4] == "1")))  # noqa: T201
