"""The root key file: made once, never shown to others, and a wrong one is named as wrong."""

import os
import pickle
from pathlib import Path

import pytest

from avow.errors import KeyFault
from avow.store.root import FileRoot


@pytest.fixture
def root(tmp_path: Path) -> FileRoot:
    return FileRoot.create(tmp_path / "root.key", os.urandom)


def test_what_it_wraps_it_unwraps_also_after_opening_it_anew(root: FileRoot) -> None:
    sealed = root.wrap(b"secret", b"here")
    assert FileRoot.open(root.path, os.urandom).unwrap(sealed, b"here") == b"secret"


def test_the_file_is_its_owners_alone(root: FileRoot) -> None:
    assert root.path.stat().st_mode & 0o777 == 0o600


def test_a_key_is_never_overwritten(root: FileRoot) -> None:
    before = root.path.read_bytes()
    for write in (lambda: FileRoot.create(root.path, os.urandom), lambda: root.backup(root.path)):
        with pytest.raises(KeyFault, match="never overwritten"):
            write()
    assert root.path.read_bytes() == before


def test_a_missing_key_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(KeyFault, match="from its backup"):
        FileRoot.open(tmp_path / "none.key", os.urandom)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_key_that_others_may_reach_is_refused(root: FileRoot, mode: int) -> None:
    root.path.chmod(mode)
    with pytest.raises(KeyFault, match="chmod 600"):
        FileRoot.open(root.path, os.urandom)


def test_every_damaged_file_is_refused(root: FileRoot) -> None:
    whole = root.path.read_bytes()
    damaged = [whole[:n] for n in range(len(whole))] + [whole + b"\n", whole.replace(b"key 1", b"key 2")]
    damaged += [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(len(whole))]
    for text in damaged:
        root.path.write_bytes(text)
        with pytest.raises(KeyFault):
            FileRoot.open(root.path, os.urandom)


def test_a_folder_is_no_key(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with pytest.raises(KeyFault, match="not a file"):
        FileRoot.open(tmp_path, os.urandom)


def test_a_wrong_root_key_is_named_as_wrong_with_both_fingerprints(root: FileRoot, tmp_path: Path) -> None:
    other = FileRoot.create(tmp_path / "other.key", os.urandom)
    with pytest.raises(KeyFault, match=f"holds root key {other.fingerprint}.*needs {root.fingerprint}"):
        other.unwrap(root.wrap(b"secret", b"here"), b"here")


def test_what_is_wrapped_for_elsewhere_or_changed_does_not_unwrap(root: FileRoot) -> None:
    sealed = root.wrap(b"secret", b"here")
    with pytest.raises(KeyFault, match="another site"):
        root.unwrap(sealed, b"there")
    for at in range(len(sealed)):
        with pytest.raises(KeyFault):
            root.unwrap(sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :], b"here")
        with pytest.raises(KeyFault):
            root.unwrap(sealed[:at], b"here")


def test_a_backup_opens_the_same_when_the_first_file_is_lost(root: FileRoot, tmp_path: Path) -> None:
    sealed = root.wrap(b"secret", b"here")
    root.backup(tmp_path / "safe.key")
    root.path.unlink()
    assert FileRoot.open(tmp_path / "safe.key", os.urandom).unwrap(sealed, b"here") == b"secret"


def test_the_key_is_neither_printed_nor_pickled(root: FileRoot) -> None:
    assert root._secret.hex() not in repr(root)
    with pytest.raises(TypeError):
        pickle.dumps(root)
