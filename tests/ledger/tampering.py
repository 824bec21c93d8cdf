"""Tamper with whole logs on disk, as somebody without the log's key would and as somebody with it: all of it noticed.

What is assumed: the auditor has the log's verifier key and one checkpoint from before. Whoever holds the signing key
may still append what never happened; that no log can show, and it is not tried here. `run` is given a verifier with
one check taken out (`defect`) to see that it would be missed.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any, Final
from unittest.mock import patch

from avow.ledger import tiles
from avow.ledger.checkpoint import Checkpoint, Key, Signer, parse
from avow.ledger.entry import decode, encode
from avow.ledger.folder import files
from avow.ledger.tiles import bundle, parse_path, split
from avow.ledger.verify import BACKWARDS, _Verifier, verify_log
from tests.ledger import logs

THIEF = Signer(logs.ORIGIN, b"t" * 32)
Files = dict[str, bytes]
Changes = dict[str, bytes | None]  # None: the file is removed


class Case:
    """A log, the checkpoint that the auditor held (of at least half of it), and dice."""

    def __init__(self, data: list[bytes], held: int, dice: Random, whole: Files) -> None:
        self.data = data
        self.held = held
        self.dice = dice
        self.whole = whole

    def old(self) -> int:
        """An entry below the held checkpoint."""
        return self.dice.randrange(self.held)

    def any(self) -> int:
        return self.dice.randrange(len(self.data))

    def path(self, *, entries: bool) -> str:
        return self.dice.choice([
            path for path in self.whole
            if path != tiles.CHECKPOINT and (parse_path(path).level == "entries") == entries
        ])  # fmt: skip

    def stranger(self) -> bytes:
        return encode(logs.entry(self.dice, logs.START + self.dice.randrange(5000)))

    def becomes(self, data: list[bytes], signer: Signer | None = logs.SIGNER) -> Changes:
        """The files of another log in the place of this one; without a signer the checkpoint stays."""
        new = logs.log(data, signer or logs.SIGNER)
        if signer is None:
            new[tiles.CHECKPOINT] = self.whole[tiles.CHECKPOINT]
        return {**dict.fromkeys(self.whole), **new}

    def changed(self, how: str, at: int) -> list[bytes]:
        """The entries with one flipped, deleted, inserted, or put elsewhere."""
        data = list(self.data)
        match how:
            case "flip":
                data[at] = flipped(data[at], self.dice)
            case "delete":
                del data[at]
            case "insert":
                data.insert(at, self.stranger())
            case "replace":
                data[at] = self.stranger()
            case "reorder":
                other = (at + self.dice.randrange(1, len(data))) % len(data)
                data[at], data[other] = data[other], data[at]
        return data


def flipped(data: bytes, dice: Random) -> bytes:
    changed = bytearray(data)
    changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
    return bytes(changed)


HOW = ("flip", "delete", "insert", "replace", "reorder")


# -- without the key: files alone ----------------------------------------------------------------------------------


def bundle_alone(case: Case) -> Changes:
    """One bundle changed, the tiles left as they are."""
    path = case.path(entries=True)
    inner = Case(split(case.whole[path]), 1, case.dice, {})
    return {path: bundle(inner.changed(case.dice.choice(HOW), inner.any()))} if len(inner.data) > 1 else {path: b""}


def bit(case: Case) -> Changes:
    """One bit anywhere: bundles, hash tiles, the checkpoint."""
    path = case.dice.choice(list(case.whole))
    return {path: flipped(case.whole[path], case.dice)}


def hash_tile(case: Case) -> Changes:
    path = case.path(entries=False)
    return {path: flipped(case.whole[path], case.dice)}


def truncated(case: Case) -> Changes:
    path = case.dice.choice(list(case.whole))
    return {path: case.whole[path][: case.dice.randrange(len(case.whole[path]))]}


def longer(case: Case) -> Changes:
    path = case.dice.choice(list(case.whole))
    return {path: case.whole[path] + case.dice.choice((b"\x00", bytes(32), bundle([case.stranger()])))}


def removed(case: Case) -> Changes:
    return {case.dice.choice(list(case.whole)): None}


def swapped_files(case: Case) -> Changes:
    """Two bundles exchanged, together with their tiles."""
    one, other = case.dice.sample([path for path in case.whole if path.startswith("tile/0/") and ".p" not in path], 2)
    pairs = [(one, other), (one.replace("/0/", "/entries/"), other.replace("/0/", "/entries/"))]
    return {name: case.whole[of] for left, right in pairs for name, of in ((left, right), (right, left))}


def rebuilt(case: Case) -> Changes:
    """Entries changed and every tile made anew to fit; the checkpoint cannot be."""
    data = case.changed(case.dice.choice(HOW), case.any())
    return case.becomes(data, signer=None)


def rebuilt_late(case: Case) -> Changes:
    """The same above the held checkpoint: nothing but the signed root can tell."""
    data = list(case.data)
    data[case.dice.randrange(case.held, len(data))] = case.stranger()
    return case.becomes(data, signer=None)


def another_key(case: Case) -> Changes:
    """The log as it is, or changed, signed by a thief's key under the log's name."""
    same = case.dice.random() < 0.5
    return case.becomes(case.data if same else case.changed(case.dice.choice(HOW), case.any()), THIEF)


def another_size(case: Case) -> Changes:
    """The checkpoint's size or root changed under its old signature."""
    note = case.whole[tiles.CHECKPOINT].decode()
    head = parse(note.split("\n\n")[0] + "\n")
    size, root = (head.size - 1, head.root) if case.dice.random() < 0.5 else (head.size, case.dice.randbytes(32))
    return {tiles.CHECKPOINT: note.replace(head.text(), Checkpoint(head.origin, size, root).text()).encode()}


# -- with the key --------------------------------------------------------------------------------------------------


def resigned(case: Case) -> Changes:
    """An old entry changed, every tile made anew, and signed by the log's own key."""
    return case.becomes(case.changed(case.dice.choice(HOW), case.old()))


def forked(case: Case) -> Changes:
    """The same beginning, then other entries, more of them than before."""
    more = logs.entries(len(case.data), case.dice.getrandbits(60))
    return case.becomes([*case.data[: case.old()], *more])


def rolled_back(case: Case) -> Changes:
    return case.becomes(case.data[: case.old()])


def replaced(case: Case) -> Changes:
    """Quite another log."""
    return case.becomes(logs.entries(len(case.data), case.dice.getrandbits(60)))


def event_again(case: Case) -> Changes:
    at = case.dice.randrange(len(case.data))
    doubled = encode(decode(case.data[at])._replace(commitment=case.dice.randbytes(32), at=logs.START + 6000))
    return case.becomes([*case.data, doubled])


def time_back(case: Case) -> Changes:
    late = encode(logs.entry(case.dice, logs.START - BACKWARDS - 1))
    return case.becomes([*case.data, late])


def no_entry(case: Case) -> Changes:
    """Something signed that is no canonical entry."""
    return case.becomes([*case.data, case.stranger() + case.dice.randbytes(1)])


KINDS: tuple[Callable[[Case], Changes], ...] = (
    bundle_alone, bit, hash_tile, truncated, longer, removed, swapped_files, rebuilt, rebuilt_late,
    another_key, another_size,
    resigned, forked, rolled_back, replaced, event_again, time_back, no_entry,
)  # fmt: skip


# -- verifiers with one check taken out ----------------------------------------------------------------------------


def _believe(note: str, _: Key) -> Checkpoint:
    return parse(note.rpartition("\n\n")[0] + "\n")


def _not_at_all(*_: object) -> None:
    """Look at nothing."""


_WALK: Final = _Verifier.walk
DEFECTS: Mapping[str, tuple[object, str, object]] = {
    "signature": ("avow.ledger.verify", "open_note", lambda note, _: (note.rpartition("\n\n")[0] + "\n", ())),
    "held": (_Verifier, "check_held", _not_at_all),
    "rolled-back": (_Verifier, "held", lambda *_: []),
    "tiles": (_Verifier, "check_tile", _not_at_all),
    "entries": (_Verifier, "check_entries", _not_at_all),
    "root": (_Verifier, "walk", lambda *given: _WALK(*given) and False),
}


@contextmanager
def planted(defect: str) -> Iterator[None]:
    """The verifier with this check taken out."""
    if not defect:
        yield
        return
    target, name, instead = DEFECTS[defect]
    if isinstance(target, str):
        with patch(f"{target}.{name}", instead), patch(f"{target}.read", _believe):
            yield
    else:
        with patch.object(target, name, instead):
            yield


# -- the harness ---------------------------------------------------------------------------------------------------


def run(count: int, seed: int, defect: str = "") -> Mapping[str, Any]:
    """`count` tamperings of every kind in turn, and a tenth as many verifications of the log as it was."""
    dice = Random(seed)
    data = logs.entries(dice.randrange(520, 800), dice.getrandbits(60))
    whole = logs.log(data)
    missed: dict[str, int] = {}
    alarms = 0
    with tempfile.TemporaryDirectory() as name, planted(defect):
        folder = Path(name)
        _lay(folder, dict(whole))
        for number in range(count):
            case = Case(data, dice.randrange(len(data) // 2, len(data)), dice, whole)
            held = logs.note(data[: case.held])
            kind = KINDS[number % len(KINDS)]
            changes = kind(case)
            _lay(folder, changes)
            if not verify_log(files(folder), logs.KEY, [held]).faults:
                missed[kind.__name__] = missed.get(kind.__name__, 0) + 1
            _lay(folder, {path: whole.get(path) for path in changes})
            if number % 10 == 0:
                claim = verify_log(files(folder), logs.KEY, [held]).claim
                alarms += claim != "consistent with a checkpoint held outside"
    return {
        "ok": not missed and not alarms, "tamperings": count, "missed": sum(missed.values()), "missed by kind": missed,
        "clean": -(-count // 10), "alarms": alarms,
    }  # fmt: skip


def _lay(folder: Path, changes: Changes) -> None:
    for path, data in changes.items():
        file = folder / path
        if data is None:
            file.unlink(missing_ok=True)
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
