"""The keystore: a key is on disk before it is used, gone when it is destroyed, and nothing brings it back."""

import multiprocessing
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from avow.errors import CallError, KeyFault, KeyGone, OperatorError, RolledBack, SecondWriter, Tampered, Unavailable
from avow.store import keystore
from avow.store.keystore import TTL, Keystore
from avow.store.root import FileRoot
from avow.store.wraps import Wraps
from tests.store import keystore_crashes

SITE = "daminion"


class Place:
    """A folder with a root key and, once made, a keystore."""

    def __init__(self, folder: Path) -> None:
        self.root = FileRoot.create(folder / "root.key", os.urandom)
        self.folder = folder / "keys"
        self.journal = folder / "keys.journal"
        self.backup = folder / "backup"

    def create(self) -> Keystore:
        return Keystore.create(self.folder, self.root, SITE, os.urandom)

    def open(self) -> Keystore:
        return Keystore.open(self.folder, self.root, SITE, os.urandom)

    def restore(self, **more: Any) -> Keystore:
        return Keystore.restore(self.backup, self.folder, self.root, SITE, os.urandom, **more)

    def lies(self, secret: bytes) -> bool:
        return keystore_crashes._lies(self.folder, secret)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setattr(keystore, "POOL", 32)
    return Place(tmp_path)


@pytest.fixture
def keys(place: Place) -> Iterator[Keystore]:
    with place.create() as made:
        yield made


# -- keys ---------------------------------------------------------------------------------------------------------


def test_a_key_outlives_the_process_and_opens_the_same(place: Place) -> None:
    with place.create() as keys:
        taken = keys.take(3)
    with place.open() as keys:
        assert [keys.get(key.id, 0)._secret for key in taken] == [key._secret for key in taken]


def test_a_key_is_never_handed_out_twice_also_after_deaths(place: Place) -> None:
    place.create().close()
    seen: list[bytes] = []
    for count in (1, 31, 32, 33, 100):
        keys = place.open()
        seen += [key.id for key in keys.take(count)] + [key.id for key in keys.take(2)]
        keys._release()  # as a death would: what was made ahead stays on disk
    assert len(set(seen)) == len(seen) == 197 + 10


def test_a_key_is_on_disk_before_it_is_handed_out(keys: Keystore) -> None:
    assert all(keys._wraps.get(key.id) for key in keys.take(40))


def test_keys_never_handed_out_are_removed_at_the_end(place: Place) -> None:
    with place.create() as keys:
        keys.take(1)
    with place.open() as keys:
        assert keys._wraps.count() == 1


def test_keys_are_made_ahead_in_a_quiet_moment(keys: Keystore) -> None:
    keys.take(30)
    keys.top_up()
    announced = keys.journal.last
    keys.take(30)
    assert keys.journal.last == announced


def test_an_unknown_key_is_gone(keys: Keystore) -> None:
    with pytest.raises(KeyGone):
        keys.get(b"?" * 16, 0)


def test_a_key_is_kept_ready_for_its_time_and_no_longer(keys: Keystore) -> None:
    taken = keys.take(2)
    first = keys.get(taken[0].id, 1000)
    assert keys.get(taken[0].id, 1000 + TTL - 1) is first
    assert keys.get(taken[0].id, 1000 + TTL) is not first
    keys.purge(1000 + 2 * TTL)
    assert not keys._cache


def test_no_more_keys_are_kept_ready_than_the_bound(keys: Keystore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keystore, "CACHE", 10)
    for key in [*keys.take(8), *keys.take(25)]:
        keys.get(key.id, 0)
    assert len(keys._cache) + len(keys._taken) <= 10


def test_site_secrets_last_and_differ(place: Place) -> None:
    with place.create() as keys:
        mail, phone = keys.site_key("look-up/email/1"), keys.site_key("look-up/phone/1")
        assert keys.site_key("look-up/email/1") == mail != phone
    with place.open() as keys:
        assert (keys.site_key("look-up/email/1"), keys.site_key("look-up/phone/1")) == (mail, phone)


# -- destroying ---------------------------------------------------------------------------------------------------


def test_a_destroyed_key_is_gone_at_once_and_for_good_and_the_others_stay(place: Place) -> None:
    with place.create() as keys:
        gone, stays = keys.take(2)
        keys.get(gone.id, 0)
        keys.destroy([gone.id])
        with pytest.raises(KeyGone):
            keys.get(gone.id, 0)
        assert keys.get(stays.id, 0) is stays
    with place.open() as keys:
        with pytest.raises(KeyGone):
            keys.get(gone.id, 0)
        keys.get(stays.id, 0)


def test_destroying_again_changes_nothing(keys: Keystore) -> None:
    key = keys.take(1)[0]
    keys.destroy([key.id, key.id])
    before = keys.journal.last
    keys.destroy([key.id])
    keys.destroy([])
    assert keys.journal.last == before


def _residue(keys: Keystore, seed: int) -> int:
    """Take and destroy in many patterns; how many of the destroyed wraps lie in the folder's files."""
    dice = Random(seed)
    live: list[bytes] = []
    gone: dict[bytes, bytes] = {}
    for _ in range(12):
        live += [key.id for key in keys.take(dice.choice([1, 50, 400]))]
        start = dice.randrange(len(live))
        chosen = dice.choice([dice.sample(live, len(live) // 2), live[start : start + 200], live[::3], live[-1:]])
        gone |= {key: keys._wraps.get(key) or b"" for key in chosen}
        keys.destroy(chosen)
        live = [key for key in live if key not in gone]
    here = b"".join(path.read_bytes() for path in keys.folder.iterdir())
    parts = (slice(1, 13), slice(13, 29), slice(45, 61), slice(-16, None))
    assert all((keys._wraps.get(key) or b"?" * 99) in here for key in live[:50])  # it looks where the wraps are
    return sum(any(wrap[part] in here for part in parts) or key in here for key, wrap in gone.items())


@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_of_a_destroyed_key_lies_in_the_files(keys: Keystore, seed: int) -> None:
    left = _residue(keys, seed)
    assert left == 0


@pytest.mark.parametrize("defect", ["secure_delete off", "no scrub"])
def test_the_scan_catches_a_keystore_that_does_not_scrub(
    keys: Keystore, monkeypatch: pytest.MonkeyPatch, defect: str
) -> None:
    if defect == "no scrub":
        monkeypatch.setattr(Wraps, "scrub", lambda _: None)
    else:
        keys._wraps._db.pragma("secure_delete", "off")
    left = _residue(keys, 1)
    assert left > 0


def test_a_log_that_cannot_be_emptied_is_said(keys: Keystore, monkeypatch: pytest.MonkeyPatch) -> None:
    key = keys.take(1)[0]

    class Stuck:
        get = (1, 5, 0)

        def execute(self, _sql: str) -> "Stuck":
            return self

    monkeypatch.setattr(keys._wraps, "_db", Stuck())
    with pytest.raises(OperatorError, match="could not be emptied"):
        keys._wraps.scrub()
    monkeypatch.undo()
    keys.destroy([key.id])


# -- epochs -------------------------------------------------------------------------------------------------------


def test_after_a_rewrap_the_living_open_and_an_old_copy_says_nothing_without_the_old_epoch_key(place: Place) -> None:
    with place.create() as keys:
        gone, *stay = keys.take(10)
        secret = keys.site_key("look-up")
        old_file, old_wraps = keys._wraps.path, {key.id: keys._wraps.get(key.id) for key in stay}
        keys._wraps.scrub()
        copy = old_file.read_bytes()
        assert (keys._wraps.get(gone.id) or b"") in copy
        old_epoch = (place.folder / "epoch-1.key").read_bytes()
        keys.destroy([gone.id])
        keys.rewrap()
        assert [keys.get(key.id, TTL * 2)._secret for key in stay] == [key._secret for key in stay]
        assert keys.site_key("look-up") == secret
        assert all(keys._wraps.get(key) != wrap for key, wrap in old_wraps.items())
        wrap = copy[copy.index(gone.id) + 16 :][:93]
        with pytest.raises(Tampered):
            keys._epoch.unwrap(gone.id, wrap)
        keys.take(50)
    assert not place.lies(old_epoch[25:])
    assert not old_file.exists()
    with place.open() as keys:
        assert [keys.get(key.id, 0)._secret for key in stay] == [key._secret for key in stay]


def test_a_rewrap_lets_the_backup_be_replaced_before_the_old_epoch_ends(place: Place) -> None:
    with place.create() as keys:
        key = keys.take(1)[0]
        keys.backup(place.backup)
        keys.rewrap(lambda one: one.backup(place.backup))
        assert [path.name for path in sorted(place.backup.iterdir())] == ["epoch-2.key", "keystore", "wraps-2.db"]
    shutil.rmtree(place.folder)
    with place.restore() as keys:
        assert keys.get(key.id, 0)._secret == key._secret


def test_a_rewrap_whose_backup_fails_keeps_the_old_epoch_until_the_next_start(place: Place) -> None:
    keys = place.create()
    key = keys.take(1)[0]

    def fails(_: Keystore) -> None:
        raise Unavailable("no room")

    with pytest.raises(Unavailable):
        keys.rewrap(fails)
    assert (place.folder / "epoch-1.key").exists()
    keys.take(40)
    keys.close()
    with place.open() as keys:
        assert keys.get(key.id, 0)._secret == key._secret
    assert not (place.folder / "epoch-1.key").exists()


def test_the_root_key_is_changed_by_a_rewrap(place: Place, tmp_path: Path) -> None:
    with place.create() as keys:
        key = keys.take(1)[0]
        new = FileRoot.create(tmp_path / "new.key", os.urandom)
        keys.rewrap(root=new)
    with pytest.raises(KeyFault, match=new.fingerprint):
        place.open()
    with Keystore.open(place.folder, new, SITE, os.urandom) as keys:
        assert keys.get(key.id, 0)._secret == key._secret


# -- starting -----------------------------------------------------------------------------------------------------


def test_a_second_process_is_refused_and_the_first_goes_on(place: Place, keys: Keystore) -> None:
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    other = context.Process(target=_try_open, args=(str(place.folder), str(place.root.path), answers))
    other.start()
    assert "another process" in answers.get(timeout=30)
    other.join()
    with pytest.raises(SecondWriter):
        place.open()
    assert keys.take(1)


def _try_open(folder: str, root: str, answers: Any) -> None:
    try:
        Keystore.open(Path(folder), FileRoot.open(Path(root), os.urandom), SITE, os.urandom)
    except SecondWriter as error:
        answers.put(str(error))


def _wrong_root(place: Place) -> None:
    place.root.path.unlink()
    place.root = FileRoot.create(place.root.path, os.urandom)


def _wrong_epoch(place: Place) -> None:
    path = place.folder / "epoch-1.key"
    path.write_bytes(path.read_bytes()[:-1] + b"\0")


def _damaged_pointer(place: Place) -> None:
    (place.folder / "keystore").write_text("avow keystore 1\nsite daminion\nepoch 0\n")


BAD_STARTS: list[tuple[type[Exception], str, Callable[[Place], object]]] = [
    (KeyFault, "needs", _wrong_root),
    (KeyFault, "epoch key", _wrong_epoch),
    (KeyFault, "damaged", _damaged_pointer),
    (KeyFault, "missing", lambda place: (place.folder / "epoch-1.key").unlink()),
    (KeyFault, "missing", lambda place: (place.folder / "wraps-1.db").unlink()),
    (KeyFault, "no keystore", lambda place: (place.folder / "keystore").unlink()),
    (KeyFault, "no keystore", lambda place: shutil.rmtree(place.folder)),
    (KeyFault, "chmod 700", lambda place: place.folder.chmod(0o755)),
    (RolledBack, "no journal", lambda place: place.journal.unlink()),
    (RolledBack, "journal", lambda place: place.journal.write_bytes(b"avow journal 1\n")),
    (Tampered, "damaged", lambda place: (place.folder / "wraps-1.db").write_bytes(b"x" * 9000)),
]


@pytest.mark.parametrize(("error", "says", "spoil"), BAD_STARTS)
def test_a_bad_start_is_refused_with_a_reason(
    place: Place, error: type[Exception], says: str, spoil: Callable[[Place], object]
) -> None:
    with place.create() as keys:
        keys.take(1)
    spoil(place)
    with pytest.raises(error, match=says):
        place.open()
    with pytest.raises(error, match=says):  # and nothing was made or locked by the first try
        place.open()


def test_the_keystore_of_another_site_is_refused(place: Place) -> None:
    place.create().close()
    with pytest.raises(KeyFault, match="that of site `daminion`"):
        Keystore.open(place.folder, place.root, "aim", os.urandom)
    (place.folder / "keystore").write_text("avow keystore 1\nsite aim\nepoch 1\n")
    with pytest.raises(KeyFault, match="another site"):
        Keystore.open(place.folder, place.root, "aim", os.urandom)


def test_a_keystore_is_never_made_over_another_nor_beside_the_journal_of_a_lost_one(place: Place) -> None:
    place.create().close()
    with pytest.raises(OperatorError, match="already"):
        place.create()
    with place.open() as keys:
        keys.take(1)
    shutil.rmtree(place.folder)
    with pytest.raises(RolledBack, match="restore"):
        place.create()


def test_a_site_without_a_name_is_refused(place: Place) -> None:
    with pytest.raises(CallError):
        Keystore.create(place.folder, place.root, "", os.urandom)


def test_a_wrap_put_in_anothers_place_does_not_open(place: Place) -> None:
    with place.create() as keys:
        one, other = keys.take(2)
        wrap = keys._wraps.get(other.id)
        keys._wraps._db.execute("update wraps set wrap = ? where id = ?", (wrap, one.id))
        keys._taken.clear()
        with pytest.raises(Tampered):
            keys.get(one.id, 0)


# -- older copies -------------------------------------------------------------------------------------------------


def test_an_older_copy_of_the_folder_is_refused(place: Place, tmp_path: Path) -> None:
    for change in (lambda keys: keys.take(40), lambda keys: keys.site_key("new"), lambda keys: keys.rewrap()):
        with place.create() if not place.folder.exists() else place.open() as keys:
            keys.take(1)
        shutil.copytree(place.folder, tmp_path / "old")
        with place.open() as keys:
            change(keys)
        place.folder.rename(tmp_path / "newer")
        (tmp_path / "old").rename(place.folder)
        with pytest.raises(RolledBack, match="older copy"):
            place.open()
        shutil.rmtree(place.folder)
        (tmp_path / "newer").rename(place.folder)
        place.open().close()


def test_the_check_above_catches_a_keystore_that_does_not_tell_the_journal(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Keystore, "_announce", lambda *_: None)
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        test_an_older_copy_of_the_folder_is_refused(place, tmp_path)


def test_an_older_copy_that_lacks_only_a_destruction_destroys_again(place: Place, tmp_path: Path) -> None:
    with place.create() as keys:
        gone = keys.take(1)[0]
    shutil.copytree(place.folder, tmp_path / "old")
    with place.open() as keys:
        keys.destroy([gone.id])
    shutil.rmtree(place.folder)
    (tmp_path / "old").rename(place.folder)
    with place.open() as keys, pytest.raises(KeyGone):
        keys.get(gone.id, 0)


def test_a_restored_backup_keeps_the_destroyed_gone_and_says_what_is_lost(place: Place) -> None:
    with place.create() as keys:
        gone, stays = keys.take(2)
        wrap = keys._wraps.get(gone.id) or b""
        place.backup.mkdir()  # an empty one is as good as none
        keys.backup(place.backup)
        keys.destroy([gone.id])
        younger = keys.take(40)[-1]
    shutil.rmtree(place.folder)
    with place.restore() as keys:
        assert keys.get(stays.id, 0)._secret == stays._secret
        for lost in (gone, younger):
            with pytest.raises(KeyGone):
                keys.get(lost.id, 0)
        assert younger.id not in {key.id for key in keys.take(50)}
    assert not place.lies(wrap)
    place.open().close()


def test_a_backup_replaces_the_one_before_and_nothing_else(place: Place, tmp_path: Path) -> None:
    with place.create() as keys:
        gone, *_ = keys.take(2)
        wrap = keys._wraps.get(gone.id) or b""
        keys.backup(place.backup)
        assert keystore_crashes._lies(place.backup, wrap)
        keys.destroy([gone.id])
        keys.backup(place.backup)
        assert not keystore_crashes._lies(place.backup, wrap)
        assert all(path.stat().st_mode & 0o077 == 0 for path in [place.backup, *place.backup.iterdir()])
        (tmp_path / "photos" / "summer").mkdir(parents=True)
        for other in (tmp_path / "photos", place.folder):
            with pytest.raises(OperatorError):
                keys.backup(other)


def test_a_restore_needs_the_journal_or_the_word_that_it_is_lost(place: Place) -> None:
    with place.create() as keys:
        gone, stays = keys.take(2)
        keys.backup(place.backup)
        keys.destroy([gone.id])
    shutil.rmtree(place.folder)
    place.journal.unlink()
    with pytest.raises(RolledBack, match="no journal"):
        place.restore()
    with place.restore(new_journal=True) as keys:
        keys.get(stays.id, 0)
    with pytest.raises(OperatorError, match="move it away"):
        place.restore()


def test_without_the_root_key_neither_keystore_nor_backup_opens(place: Place) -> None:
    with place.create() as keys:
        keys.backup(place.backup)
    _wrong_root(place)
    with pytest.raises(KeyFault):
        place.open()
    shutil.rmtree(place.folder)
    with pytest.raises(KeyFault):
        place.restore()


# -- deaths -------------------------------------------------------------------------------------------------------


def test_a_death_at_any_step_or_write_loses_nothing_and_brings_nothing_back() -> None:
    figures = keystore_crashes.run(20, 1, steps=True)
    assert figures["ok"], figures["faults"]
    assert figures["kills"] > 50
    assert {step.split(":")[0] for step in figures["steps"]} >= {"create", "take", "destroy", "rewrap", "backup"}


@pytest.mark.parametrize("defect", keystore_crashes.DEFECTS)
def test_the_deaths_catch_a_planted_defect(defect: str) -> None:
    assert not keystore_crashes.run(10, 1, defect=defect)["ok"]
