"""Sealed messages: they open where they belong, and nowhere else."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avow.errors import AvowError, CallError, Tampered
from avow.vault import envelope
from avow.vault.binding import Binding
from avow.vault.keys import SubjectKey
from tests.vault import transplant

VECTORS = json.loads((Path(__file__).parents[1] / "conformance" / "vault" / "messages.json").read_text())["cases"]
HOME = Binding("site", b"s" * 16, "datum", b"r" * 16, "email", "text", 1, "ordinary").encode()
KEY = SubjectKey(b"k" * 16, b"K" * 32)
NONCE = b"n" * 12
MESSAGE = envelope.seal(KEY, b"ann@example.org", HOME, NONCE)


@given(st.binary(max_size=300), st.binary(min_size=12, max_size=12), st.binary(min_size=32, max_size=32))
def test_what_is_sealed_opens_where_it_was_sealed(plain: bytes, nonce: bytes, secret: bytes) -> None:
    key = SubjectKey(b"i" * 16, secret)
    message = envelope.seal(key, plain, HOME, nonce)
    assert envelope.open_(key, message, HOME) == plain
    assert len(message) == len(plain) + envelope.OVERHEAD
    assert envelope.key_id(message) == key.id


def test_a_value_moved_anywhere_else_does_not_open() -> None:
    figures = transplant.run(count=300, seed=1)
    assert figures["ok"], figures
    assert figures["tried"] == 300


def test_the_transplant_harness_catches_a_binding_that_forgets_a_field() -> None:
    for name in ("site", "subject", "row", "category", "version", "kept_as", "schema"):
        assert not transplant.run(count=300, seed=1, forget=name)["ok"], name


def test_no_bit_can_be_turned() -> None:
    for at in range(len(MESSAGE) * 8):
        turned = bytearray(MESSAGE)
        turned[at // 8] ^= 1 << at % 8
        with pytest.raises(Tampered):
            envelope.open_(KEY, bytes(turned), HOME)


def test_a_message_cut_off_or_drawn_out_does_not_open() -> None:
    for wrong in [*(MESSAGE[:n] for n in range(len(MESSAGE))), MESSAGE + b"\0"]:
        with pytest.raises(Tampered):
            envelope.open_(KEY, wrong, HOME)


def test_another_key_does_not_open_even_under_the_same_id() -> None:
    for other in (SubjectKey(b"k" * 16, b"J" * 32), SubjectKey(b"j" * 16, b"K" * 32)):
        with pytest.raises(Tampered):
            envelope.open_(other, MESSAGE, HOME)


@pytest.mark.parametrize("wrong", [b"", b"\x01", MESSAGE[: envelope.OVERHEAD - 1], b"\x02" + MESSAGE[1:]])
def test_what_is_no_message_names_no_key(wrong: bytes) -> None:
    with pytest.raises(Tampered):
        envelope.key_id(wrong)


def test_a_nonce_of_another_length_is_refused() -> None:
    with pytest.raises(CallError):
        envelope.seal(KEY, b"", HOME, b"n" * 16)


def test_no_error_names_a_value() -> None:
    with pytest.raises(Tampered) as caught:
        envelope.open_(KEY, MESSAGE[:-1], HOME)
    for told in (str(caught.value), repr(caught.value.__context__), repr(KEY)):
        assert "ann" not in told
        assert KEY._secret.hex() not in told


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in VECTORS])
def test_vector(case: dict[str, Any]) -> None:
    place: dict[str, Any] = {
        name: bytes.fromhex(v) if name in {"subject", "row"} else v for name, v in case["binding"].items()
    }
    key = SubjectKey(bytes.fromhex(case["key_id"]), bytes.fromhex(case["key"]))
    message = bytes.fromhex(case["message"])
    binding = Binding(**place).encode()
    if "encoded_binding" in case:
        assert binding.hex() == case["encoded_binding"]
    if case["expect"] == "opens":
        plain = bytes.fromhex(case["plaintext"])
        assert envelope.open_(key, message, binding) == plain
        assert envelope.seal(key, plain, binding, message[17:29]) == message
    else:
        with pytest.raises(AvowError) as caught:
            envelope.open_(key, message, binding)
        assert type(caught.value).__name__ == case["expect"]
