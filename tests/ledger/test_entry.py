import json
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avow.ledger.entry import LATEST, MAX_ENTRY, OUTCOMES, Entry, as_json, decode, encode
from avow.ledger.faults import Malformed
from tests.ledger.logs import START, entry

VECTORS = json.loads((Path(__file__).parents[1] / "conformance/ledger/entries.json").read_text())
ENTRY = entry(Random(1), START)._replace(promises=("DAM-16", "AIM-9"), kind="collect")
LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDS = st.builds(str.__add__, st.sampled_from(LETTERS), st.text(f"{LETTERS}0123456789-", max_size=63))
IDS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=64)
ENTRIES = st.builds(
    Entry,
    event=st.binary(min_size=16, max_size=16),
    at=st.integers(0, LATEST),
    kind=WORDS,
    policy=st.binary(min_size=16, max_size=16),
    promises=st.lists(IDS, unique=True, max_size=5).map(tuple),
    outcome=st.sampled_from(OUTCOMES),
    actor=st.binary(min_size=16, max_size=16),
    tag=st.binary(min_size=16, max_size=16),
    commitment=st.binary(min_size=32, max_size=32),
    flags=st.sampled_from([0, 1]),
)


@given(ENTRIES)
def test_what_is_encoded_decodes_to_the_same_entry(one: Entry) -> None:
    assert decode(encode(one)) == one


@given(ENTRIES, st.data())
def test_bytes_that_decode_are_the_only_encoding_of_what_they_say(one: Entry, data: Any) -> None:
    changed = bytearray(encode(one))
    for _ in range(data.draw(st.integers(1, 3))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    try:
        decoded = decode(bytes(changed))
    except Malformed:
        return
    assert encode(decoded) == bytes(changed)


@given(st.binary(max_size=200))
def test_any_bytes_are_an_entry_or_malformed_and_nothing_else(data: bytes) -> None:
    with suppress(Malformed):
        assert encode(decode(data)) == data


def test_an_entry_with_two_promises_takes_at_most_130_bytes() -> None:
    assert len(encode(ENTRY)) <= 130


def test_the_longest_entry_fits_the_length_of_a_bundle() -> None:
    longest = ENTRY._replace(kind="k" * 64, promises=tuple(f"{number:064d}" for number in range(255)))
    assert len(encode(longest)) == MAX_ENTRY <= 0xFFFF


@pytest.mark.parametrize("cut", [0, 1, 3, 104, 105, -1])
def test_a_shortened_entry_is_malformed(cut: int) -> None:
    with pytest.raises(Malformed):
        decode(encode(ENTRY)[:cut])


@pytest.mark.parametrize("more", [b"\x00", b"\x03abc"])
def test_bytes_after_the_end_are_malformed(more: bytes) -> None:
    with pytest.raises(Malformed):
        decode(encode(ENTRY) + more)


@pytest.mark.parametrize(
    ("at", "byte"),
    [pytest.param(0, 2, id="version"), pytest.param(1, 2, id="flag"), pytest.param(2, 0, id="no-outcome"),
     pytest.param(2, 4, id="outcome")],
)  # fmt: skip
def test_an_unknown_beginning_is_malformed(at: int, byte: int) -> None:
    data = bytearray(encode(ENTRY))
    data[at] = byte
    with pytest.raises(Malformed, match="unknown version, flag or outcome"):
        decode(bytes(data))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"event": b"short"}, id="event"),
        pytest.param({"policy": bytes(32)}, id="policy"),
        pytest.param({"actor": b""}, id="actor"),
        pytest.param({"tag": bytes(15), "actor": bytes(17)}, id="lengths-that-add-up"),
        pytest.param({"commitment": bytes(31)}, id="commitment"),
        pytest.param({"at": -1}, id="before-1970"),
        pytest.param({"at": LATEST + 1}, id="too-late"),
        pytest.param({"kind": ""}, id="no-kind"),
        pytest.param({"kind": "Use"}, id="capital"),
        pytest.param({"kind": "k" * 65}, id="long-kind"),
        pytest.param({"outcome": "maybe"}, id="outcome"),
        pytest.param({"flags": 2}, id="flags"),
        pytest.param({"promises": ("A", "A")}, id="promise-twice"),
        pytest.param({"promises": ("",)}, id="empty-promise"),
        pytest.param({"promises": ("A B",)}, id="space"),
        pytest.param({"promises": ("A\n",)}, id="control"),
        pytest.param({"promises": ("é" * 33,)}, id="long-promise"),
        pytest.param({"promises": tuple(map(str, range(256)))}, id="too-many"),
    ],
)
def test_what_the_format_does_not_allow_is_not_encoded(change: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        encode(ENTRY._replace(**change))


def test_the_promises_keep_the_order_of_the_policy() -> None:
    assert decode(encode(ENTRY)).promises == ("DAM-16", "AIM-9")


def test_for_people_bytes_are_hex_and_the_rest_is_plain() -> None:
    told = as_json(ENTRY)
    assert told["event"] == ENTRY.event.hex()
    assert (told["kind"], told["at"], told["promises"]) == ("collect", START, ["DAM-16", "AIM-9"])


def test_the_time_stands_so_that_bytes_sort_as_times_do() -> None:
    earlier, later = (encode(ENTRY._replace(at=at))[3:9] for at in (255, 256))
    assert earlier < later


@pytest.mark.parametrize("case", VECTORS["entries"], ids=lambda case: case["id"])
def test_the_vectors_encode_and_decode_as_written(case: dict[str, Any]) -> None:
    decoded = decode(bytes.fromhex(case["bytes"]))
    assert as_json(decoded) == case["entry"]
    assert encode(decoded).hex() == case["bytes"]


@pytest.mark.parametrize("case", VECTORS["malformed"], ids=lambda case: case["id"])
def test_the_vectors_that_are_no_entries_are_refused(case: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        decode(bytes.fromhex(case["bytes"]))
