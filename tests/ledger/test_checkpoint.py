import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avow.ledger.checkpoint import COSIGNATURE, Checkpoint, Signer, key, open_note, parse, read, read_key, sign
from avow.ledger.faults import Malformed, Unproved
from tests.ledger.logs import ORIGIN, SIGNER

PUBLISHED = json.loads((Path(__file__).parents[1] / "conformance/ledger/notes.json").read_text())
OPENS = [pytest.param(case, id=case["id"]) for case in PUBLISHED["opens"]]
HEAD = Checkpoint(ORIGIN, 7, bytes(range(32)))
OTHER = Signer(ORIGIN, b"o" * 32)
WITNESS = Signer("witness.example/w1", b"w" * 32, COSIGNATURE)


# -- against the published values ----------------------------------------------------------------------------------


@pytest.mark.parametrize("case", OPENS)
def test_published_notes_open_with_their_published_keys(case: dict[str, Any]) -> None:
    keys = [read_key(one) for one in case["keys"]]
    text, signatures = open_note(case["note"], keys)
    assert text == case["text"]
    assert [(str(one.key), one.seconds) for one in signatures] == list(zip(case["keys"], case["seconds"], strict=True))


@pytest.mark.parametrize(
    "case", [case for case in PUBLISHED["opens"] if "checkpoint" in case], ids=lambda case: case["id"]
)
def test_published_checkpoints_read_as_they_were_meant(case: dict[str, Any]) -> None:
    head = read(case["note"], read_key(case["keys"][0]))
    expected = case["checkpoint"]
    assert (head.origin, head.size, b64encode(head.root).decode()) == tuple(expected.values())
    assert head.text() == case["text"]


@pytest.mark.parametrize("case", OPENS)
def test_a_published_note_with_one_character_of_its_text_changed_does_not_open(case: dict[str, Any]) -> None:
    changed = case["note"].replace(case["text"], case["text"].replace("a", "b", 1), 1)
    with pytest.raises(Unproved):
        open_note(changed, [read_key(one) for one in case["keys"]])


def test_a_signature_is_made_as_published() -> None:
    signs = PUBLISHED["signs"]
    signer = Signer(signs["name"], b64decode(signs["key"].split("+", 4)[4])[1:])
    assert signer.sign(signs["text"]) == signs["line"]


@pytest.mark.parametrize("text", PUBLISHED["bad_keys"])
def test_published_bad_keys_are_refused(text: str) -> None:
    with pytest.raises(Malformed):
        read_key(text)


def test_no_part_of_a_key_is_a_key() -> None:
    text = PUBLISHED["opens"][1]["keys"][0]
    for start in range(len(text)):
        for end in range(start + 1, len(text) + 1):
            if (start, end) != (0, len(text)):
                with pytest.raises(Malformed):
                    read_key(text[start:end])


# -- signing and reading -------------------------------------------------------------------------------------------


@given(st.integers(0, 10**18), st.binary(min_size=32, max_size=32))
def test_what_is_signed_reads_back(size: int, root: bytes) -> None:
    head = Checkpoint(ORIGIN, size, root)
    assert read(sign(head, SIGNER), SIGNER.key) == head


def test_another_key_of_the_same_name_does_not_read_it() -> None:
    with pytest.raises(Unproved, match="no signature of a trusted key"):
        read(sign(HEAD, OTHER), SIGNER.key)


def test_a_signature_that_claims_the_key_and_does_not_verify_spoils_the_note() -> None:
    good, bad = sign(HEAD, SIGNER), sign(HEAD._replace(size=8), SIGNER)
    with pytest.raises(Unproved, match="does not verify"):
        open_note(good + bad.rpartition("\n\n")[2], (SIGNER.key,))


def test_signatures_of_strangers_are_passed_over() -> None:
    note = sign(HEAD, SIGNER) + OTHER.sign(HEAD.text())
    assert [one.key for one in open_note(note, (SIGNER.key,))[1]] == [SIGNER.key]


def test_a_witness_signs_the_time_too() -> None:
    note = sign(HEAD, SIGNER) + WITNESS.sign(HEAD.text(), 1_700_000_000)
    by_log, by_witness = open_note(note, (SIGNER.key, WITNESS.key))[1]
    assert (by_log.seconds, by_witness.seconds) == (0, 1_700_000_000)


def test_a_witness_signature_with_another_time_does_not_verify() -> None:
    line = WITNESS.sign(HEAD.text(), 1_700_000_000)
    data = bytearray(b64decode(line.split()[2]))
    data[11] ^= 1
    forged = f"\N{EM DASH} {WITNESS.key.name} {b64encode(bytes(data)).decode()}\n"
    with pytest.raises(Unproved):
        open_note(sign(HEAD, SIGNER) + forged, (SIGNER.key, WITNESS.key))


def test_a_key_survives_its_line() -> None:
    for one in (SIGNER.key, WITNESS.key):
        assert read_key(str(one)) == one


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "a\tb", "a\N{NO-BREAK SPACE}b", "a\x00b"])
def test_a_key_name_has_no_space_and_no_plus(name: str) -> None:
    with pytest.raises(Malformed):
        key(name, bytes(32))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("o\n7\n", id="no-root"),
        pytest.param("\n7\n{root}\n", id="no-origin"),
        pytest.param("o\n07\n{root}\n", id="leading-zero"),
        pytest.param("o\n-7\n{root}\n", id="negative"),
        pytest.param("o\n7x\n{root}\n", id="letters"),
        pytest.param("o\n\N{ARABIC-INDIC DIGIT SEVEN}\n{root}\n", id="other-digits"),
        pytest.param("o\n7\nAAAA\n", id="short-root"),
        pytest.param("o\n7\n{root}", id="no-newline"),
        pytest.param("o\n7\n{root}\n\nmore\n", id="empty-line"),
        pytest.param("o\n7\n{spaced}\n", id="root-with-space"),
        pytest.param("o\n7\n{loose}\n", id="root-in-a-second-spelling"),
    ],
)
def test_a_text_that_is_no_checkpoint_is_malformed(text: str) -> None:
    root = b64encode(HEAD.root).decode()
    loose = root[:-2] + chr(ord(root[-2]) + 1) + "="  # other bits where nothing is read
    with pytest.raises(Malformed):
        parse(text.format(root=root, spaced=root[:4] + " " + root[4:], loose=loose))


def test_extension_lines_are_read_and_signed_over() -> None:
    head = HEAD._replace(extensions=("time 5",))
    note = sign(head, SIGNER)
    assert read(note, SIGNER.key).extensions == ("time 5",)
    with pytest.raises(Unproved):
        read(note.replace("time 5", "time 6"), SIGNER.key)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda note: note[:-1], id="no-last-newline"),
        pytest.param(lambda note: note.replace("\n\n", "\n"), id="no-empty-line"),
        pytest.param(lambda note: note + "more\n", id="a-line-that-is-no-signature"),
        pytest.param(lambda note: note.replace("\N{EM DASH}", "-"), id="a-hyphen"),
        pytest.param(lambda note: note.replace("\n7\n", "\n7\r\n"), id="carriage-return"),
        pytest.param(lambda note: note + "\n", id="an-empty-last-line"),
        pytest.param(lambda note: "x" * 70_000 + note, id="too-long"),
        pytest.param(lambda _: "", id="nothing"),
    ],
)
def test_a_note_that_is_not_exactly_formed_is_malformed(spoil: Callable[[str], str]) -> None:
    with pytest.raises((Malformed, Unproved)):
        read(spoil(sign(HEAD, SIGNER)), SIGNER.key)


@given(st.text(max_size=200))
def test_any_text_is_refused_and_nothing_else(text: str) -> None:
    with pytest.raises((Malformed, Unproved)):
        read(text, SIGNER.key)
