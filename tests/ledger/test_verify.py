from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from avow.ledger.checkpoint import COSIGNATURE, Signer
from avow.ledger.entry import decode, encode
from avow.ledger.faults import Malformed
from avow.ledger.folder import files as folder_files
from avow.ledger.tiles import bundle
from avow.ledger.verify import BACKWARDS, MOST, Report, verify_log
from tests.ledger import logs

ENTRIES = logs.entries(600)
WITNESS = Signer("witness.example/w1", b"w" * 32, COSIGNATURE)


def kinds(report: Report) -> set[str]:
    return {fault.what for fault in report.faults}


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 600])
def test_a_log_that_is_whole_is_internally_consistent(size: int) -> None:
    report = verify_log(logs.log(ENTRIES[:size]).get, logs.KEY)
    assert report.faults == ()
    assert (report.claim, report.size) == ("internally consistent", size)


@pytest.mark.parametrize("old", [0, 1, 255, 256, 257, 599, 600])
def test_with_a_checkpoint_held_outside_the_claim_is_larger(old: int) -> None:
    held = logs.note(ENTRIES[:old])
    assert verify_log(logs.log(ENTRIES).get, logs.KEY, [held]).claim == "consistent with a checkpoint held outside"


def test_an_empty_log_is_held_against_an_empty_checkpoint() -> None:
    held = logs.note([])
    assert verify_log(logs.log([]).get, logs.KEY, [held]).claim == "consistent with a checkpoint held outside"


def test_with_a_witness_it_is_witnessed() -> None:
    files = logs.log(ENTRIES)
    text = files["checkpoint"].decode().split("\n\n")[0] + "\n"
    files["checkpoint"] += WITNESS.sign(text, 1_700_000_000).encode()
    report = verify_log(files.get, logs.KEY, witnesses=[str(WITNESS.key)])
    assert report.claim == "witnessed"
    assert report.witnesses == (("witness.example/w1", 1_700_000_000),)


def test_a_witness_that_was_asked_for_and_did_not_sign_is_not_claimed() -> None:
    assert verify_log(logs.log(ENTRIES).get, logs.KEY, witnesses=[str(WITNESS.key)]).claim == "internally consistent"


def test_a_witness_signature_that_does_not_verify_is_a_fault() -> None:
    files = logs.log(ENTRIES)
    files["checkpoint"] += WITNESS.sign("another text\n", 1).encode()
    assert kinds(verify_log(files.get, logs.KEY, witnesses=[str(WITNESS.key)])) == {"checkpoint"}


def test_an_older_log_than_the_checkpoint_held_outside_is_rolled_back() -> None:
    """DAM-16."""
    report = verify_log(logs.log(ENTRIES[:500]).get, logs.KEY, [logs.note(ENTRIES)])
    assert (report.claim, kinds(report)) == (None, {"rolled-back"})


def test_a_fork_is_noticed_only_with_a_checkpoint_held_outside() -> None:
    forked = [*ENTRIES[:300], *logs.entries(300, seed=2)]
    assert verify_log(logs.log(forked).get, logs.KEY).claim == "internally consistent"
    assert kinds(verify_log(logs.log(forked).get, logs.KEY, [logs.note(ENTRIES[:400])])) == {"held"}


def test_another_key_is_not_the_logs() -> None:
    other = Signer(logs.ORIGIN, b"o" * 32)
    assert kinds(verify_log(logs.log(ENTRIES, other).get, logs.KEY)) == {"checkpoint"}


def test_a_checkpoint_held_outside_of_another_key_is_a_fault_and_no_proof() -> None:
    other = Signer(logs.ORIGIN, b"o" * 32)
    report = verify_log(logs.log(ENTRIES).get, logs.KEY, [logs.note(ENTRIES[:9], other)])
    assert (report.claim, kinds(report)) == (None, {"held"})


def test_another_origin_is_another_log() -> None:
    assert kinds(verify_log(logs.log(ENTRIES, origin="elsewhere").get, logs.KEY)) == {"checkpoint"}
    held = logs.note(ENTRIES[:9], origin="elsewhere")
    assert kinds(verify_log(logs.log(ENTRIES).get, logs.KEY, [held])) == {"held"}


@pytest.mark.parametrize("data", [None, b"", b"\xff", b"no note\n"])
def test_a_log_without_a_checkpoint_claims_nothing(data: bytes | None) -> None:
    files = logs.log(ENTRIES)
    del files["checkpoint"]
    if data is not None:
        files["checkpoint"] = data
    assert verify_log(files.get, logs.KEY)[:3] == (None, 0, b"")


def test_a_key_that_cannot_be_read_is_the_callers_fault() -> None:
    with pytest.raises(Malformed):
        verify_log(logs.log([]).get, "no key")


def test_a_finding_names_the_file_and_the_place() -> None:
    files = logs.log(ENTRIES)
    spoiled = bytearray(files["tile/entries/001"])
    spoiled[10] ^= 1
    files["tile/entries/001"] = bytes(spoiled)
    report = verify_log(files.get, logs.KEY)
    assert {"tile/0/001", "checkpoint"} <= {fault.place for fault in report.faults}
    assert "hash 0 (of 1 wrong)" in "".join(map(str, report.faults))


@pytest.mark.parametrize("path", ["tile/entries/001", "tile/0/001", "tile/1/000.p/2", "tile/entries/002.p/88"])
def test_a_missing_file_is_named(path: str) -> None:
    files = logs.log(ENTRIES)
    del files[path]
    assert path in {fault.place for fault in verify_log(files.get, logs.KEY).faults}


@pytest.mark.parametrize("path", ["tile/0/001", "tile/1/000.p/2", "tile/entries/002.p/88"])
def test_a_file_with_more_in_it_than_it_should_hold_is_named(path: str) -> None:
    files = logs.log(ENTRIES)
    files[path] += bundle([ENTRIES[0]]) if "entries" in path else bytes(32)
    assert {path} == {fault.place for fault in verify_log(files.get, logs.KEY).faults}


def test_a_log_with_the_partial_files_gone_still_verifies_from_the_full_ones() -> None:
    files = logs.log(ENTRIES)
    early = logs.log(ENTRIES[:200])
    full = {path: data for path, data in files.items() if ".p/" not in path}
    full["checkpoint"] = early["checkpoint"]
    assert verify_log(full.get, logs.KEY).claim == "internally consistent"


@pytest.mark.parametrize(
    ("late", "what"),
    [
        pytest.param(BACKWARDS, set(), id="as-late-as-allowed"),
        pytest.param(BACKWARDS + 1, {"time"}, id="a-millisecond-later"),
    ],
)
@pytest.mark.parametrize("index", [5, 300])
def test_times_may_run_backwards_up_to_the_stated_bound(late: int, what: set[str], index: int) -> None:
    before = decode(ENTRIES[index - 1]).at
    spoiled = list(ENTRIES)
    spoiled[index] = encode(decode(ENTRIES[index])._replace(at=before - late))
    assert kinds(verify_log(logs.log(spoiled).get, logs.KEY)) == what


@pytest.mark.parametrize(("first", "second"), [(3, 7), (3, 300)])
def test_an_event_that_comes_twice_is_noticed(first: int, second: int) -> None:
    spoiled = list(ENTRIES)
    spoiled[second] = encode(decode(ENTRIES[second])._replace(event=decode(ENTRIES[first]).event))
    report = verify_log(logs.log(spoiled).get, logs.KEY)
    assert [(fault.what, fault.place) for fault in report.faults] == [("twice", f"entry {second}")]


@pytest.mark.parametrize("spoil", [
    pytest.param(lambda data: b"\x02" + data[1:], id="version"),
    pytest.param(lambda data: data + b"\x00", id="left-over"),
    pytest.param(lambda data: data[:50], id="short"),
    pytest.param(lambda _: b"", id="nothing"),
    pytest.param(lambda data: data[:105] + b"\x03USE\x00", id="a-kind-in-capitals"),
])  # fmt: skip
def test_an_entry_that_is_not_canonical_is_noticed_even_when_signed(spoil: Callable[[bytes], bytes]) -> None:
    spoiled = list(ENTRIES)
    spoiled[300] = spoil(spoiled[300])
    report = verify_log(logs.log(spoiled).get, logs.KEY)
    assert [(fault.what, fault.place) for fault in report.faults] == [("entry", "entry 300")]


def test_a_report_stops_at_a_hundred_findings() -> None:
    dice = Random(1)
    spoiled = [dice.randbytes(40) for _ in range(300)]
    assert len(verify_log(logs.log(spoiled).get, logs.KEY).faults) == MOST


def test_a_folder_is_read_as_it_lies(tmp_path: Path) -> None:
    for path, data in logs.log(ENTRIES).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    assert verify_log(folder_files(tmp_path), logs.KEY).claim == "internally consistent"
    assert folder_files(tmp_path)("tile") is None
    assert folder_files(tmp_path)("checkpoint/more") is None


def test_large_logs_with_three_levels_of_tiles_verify() -> None:
    data = logs.entries(65_536 + 300)
    report = verify_log(logs.log(data).get, logs.KEY, [logs.note(data[:65_536])])
    assert report.claim == "consistent with a checkpoint held outside"
