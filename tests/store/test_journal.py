"""The journal: on disk before it answers, and every change to what was written is noticed."""

import errno
import logging
import os
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avow.errors import AvowError, CallError, RolledBack, SecondWriter, Tampered, Unavailable
from avow.store.journal import MAGIC, Journal

KEY = b"J" * 32
ENTRIES: list[tuple[str, dict[str, str | int]]] = [
    ("erasure", {"subject": "00" * 16, "keys": "11" * 16 + " " + "22" * 16, "at": 1_700_000_000_000}),
    ("withdrawal", {"subject": "00" * 16, "about": "consent/share/some-shop/email@1700000000000"}),
    ("opt-out", {"subject": "aa" * 16, "channel": "mail"}),
    ("do-not-contact", {"channel": "phone", "hash": "ff" * 32, "at": 5}),
]


def _written(path: Path) -> list[int]:
    """Write the entries; where each ends in the file."""
    journal = Journal.create(path, KEY)
    ends = [path.stat().st_size]
    for number, (kind, told) in enumerate(ENTRIES, 1):
        assert journal.append(kind, told) == number
        ends.append(path.stat().st_size)
    journal.close()
    return ends


def _read(path: Path) -> list[tuple[int, str, dict[str, str | int]]]:
    journal = Journal.open(path, KEY)
    try:
        return [(entry.number, entry.kind, dict(entry.fields)) for entry in journal.entries()]
    finally:
        journal.close()


WHOLE = [(number, kind, told) for number, (kind, told) in enumerate(ENTRIES, 1)]


def test_what_was_written_is_read_again_in_order_and_from_any_number(tmp_path: Path) -> None:
    _written(tmp_path / "j")
    assert _read(tmp_path / "j") == WHOLE
    journal = Journal.open(tmp_path / "j", KEY)
    assert [entry.number for entry in journal.entries(since=2)] == [3, 4]
    assert (journal.last, journal.torn) == (4, 0)
    assert journal.append("closed", {"row": "00" * 16}) == 5
    assert [entry.kind for entry in journal.entries(since=4)] == ["closed"]
    journal.close()


def test_no_bit_of_an_entry_can_be_turned(tmp_path: Path) -> None:
    assert _noticed(tmp_path / "j", Journal.open)


def test_the_check_above_catches_a_journal_that_does_not_verify(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("avow.store.journal.hmac.compare_digest", lambda _one, _other: True)
    assert not _noticed(tmp_path / "j", Journal.open)


def _noticed(path: Path, open_: Callable[[Path, bytes], Journal]) -> bool:
    """Whether a turned bit in any byte makes the journal refuse."""
    _written(path)
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << at % 8)]) + whole[at + 1 :])
        try:
            open_(path, KEY).close()
        except (Tampered, ValueError):
            continue
        return False
    return True


def test_an_entry_removed_doubled_or_moved_is_noticed(tmp_path: Path) -> None:
    ends = _written(tmp_path / "j")
    whole = (tmp_path / "j").read_bytes()
    one, two, three, four = (whole[start:end] for start, end in pairwise(ends))
    for bad in (two + three + four, one + three + four, one + two + two + three, two + one + three, one + two + four):
        (tmp_path / "j").write_bytes(MAGIC + bad)
        with pytest.raises(Tampered):
            Journal.open(tmp_path / "j", KEY)


def test_another_key_does_not_read_it(tmp_path: Path) -> None:
    _written(tmp_path / "j")
    with pytest.raises(Tampered):
        Journal.open(tmp_path / "j", b"K" * 32)


def test_an_unfinished_last_entry_is_dropped_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ends = _written(tmp_path / "j")
    whole = (tmp_path / "j").read_bytes()
    for cut in range(ends[3] + 1, ends[4]):
        (tmp_path / "j").write_bytes(whole[:cut])
        with caplog.at_level(logging.WARNING, "avow.journal"):
            journal = Journal.open(tmp_path / "j", KEY)
        assert (journal.last, journal.torn) == (3, cut - ends[3])
        assert journal.append(*ENTRIES[3]) == 4
        journal.close()
        assert (tmp_path / "j").read_bytes() == whole
    assert "never acknowledged" in caplog.text


def test_room_that_was_never_written_is_dropped_too(tmp_path: Path) -> None:
    _written(tmp_path / "j")
    with (tmp_path / "j").open("ab") as file:
        file.write(bytes(4096))
    assert _read(tmp_path / "j") == WHOLE


def test_entries_cut_off_at_the_end_are_noticed_by_who_knows_the_number(tmp_path: Path) -> None:
    ends = _written(tmp_path / "j")
    (tmp_path / "j").write_bytes((tmp_path / "j").read_bytes()[: ends[2]])
    journal = Journal.open(tmp_path / "j", KEY)
    journal.expect(2)
    with pytest.raises(RolledBack):
        journal.expect(4)
    journal.close()


def test_a_missing_journal_is_said_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(RolledBack):
        Journal.open(tmp_path / "j", KEY)
    assert not (tmp_path / "j").exists()


@pytest.mark.parametrize("told", [
    {"about": "ann@example.org"}, {"name": "Ann"}, {"note": "l\u00e9a"}, {"note": "a\nb"}, {"kind": "x"}, {"x": "a, b"},
])  # fmt: skip
def test_what_could_be_a_personal_value_is_refused(tmp_path: Path, told: dict[str, str | int]) -> None:
    journal = Journal.create(tmp_path / "j", KEY)
    with pytest.raises(CallError):
        journal.append("erasure", told)
    assert (tmp_path / "j").read_bytes() == MAGIC
    journal.close()


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    _written(tmp_path / "j")
    journal = Journal.open(tmp_path / "j", KEY)
    with pytest.raises(SecondWriter):
        Journal.open(tmp_path / "j", KEY)
    journal.close()


def test_a_full_disk_leaves_the_journal_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _written(tmp_path / "j")
    journal = Journal.open(tmp_path / "j", KEY)
    real, calls = os.write, iter([lambda file, data: real(file, bytes(data)[:7]), _refuse])

    def write(file: int, data: bytes) -> int:
        return next(calls)(file, data)

    with monkeypatch.context() as m:
        m.setattr(os, "write", write)
        with pytest.raises(Unavailable, match="nothing was done"):
            journal.append("closed", {})
    assert journal.append("closed", {}) == 5
    journal.close()
    assert _read(tmp_path / "j") == [*WHOLE, (5, "closed", {})]


def test_after_a_failed_sync_nothing_is_trusted_any_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _written(tmp_path / "j")
    journal = Journal.open(tmp_path / "j", KEY)
    with monkeypatch.context() as m:
        m.setattr(os, "fdatasync", lambda file: _refuse(file, b""))
        with pytest.raises(Unavailable, match="unknown"):
            journal.append("closed", {})
    with pytest.raises(Unavailable):
        journal.append("closed", {})
    journal.close()


def _refuse(_file: int, _data: bytes) -> int:
    raise OSError(errno.ENOSPC, "no space left")


@given(st.binary(max_size=200))
@settings(max_examples=100)
def test_any_bytes_as_a_journal_give_an_error_of_ours_or_an_empty_one(
    tmp_path_factory: pytest.TempPathFactory, junk: bytes
) -> None:
    path = tmp_path_factory.mktemp("junk") / "j"
    path.write_bytes(MAGIC + junk)
    with suppress(AvowError):
        assert _read(path) == []
