"""Keys: wraps open for whom they were made, and commit to what is in them."""

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from hypothesis import given, settings
from hypothesis import strategies as st

from avow.errors import CallError, Tampered
from avow.vault.keys import WRAP, EpochKey, SubjectKey, commit, commitment, expand, tag

VECTORS = json.loads((Path(__file__).parents[1] / "conformance" / "vault" / "keys.json").read_text())
EPOCH = EpochKey("daminion", 3, b"E" * 32)
NAME, SECRET, NONCE = b"k" * 16, b"S" * 32, b"n" * 12
SECRETS = st.binary(min_size=32, max_size=32)


@given(SECRETS, st.binary(max_size=40), SECRETS, st.binary(min_size=12, max_size=12))
def test_a_wrapped_key_unwraps(secret: bytes, name: bytes, epoch: bytes, nonce: bytes) -> None:
    key = EpochKey("aim", 1, epoch)
    wrap = key.wrap(name, secret, nonce)
    assert len(wrap) == WRAP
    assert key.unwrap(name, wrap) == secret


@pytest.mark.parametrize(("epoch", "name"), [
    pytest.param(EpochKey("daminion", 4, b"E" * 32), NAME, id="epoch-number"),
    pytest.param(EpochKey("aim", 3, b"E" * 32), NAME, id="site"),
    pytest.param(EpochKey("daminion", 3, b"F" * 32), NAME, id="epoch-key"),
    pytest.param(EPOCH, b"j" * 16, id="key-id"),
])  # fmt: skip
def test_a_wrap_opens_for_nobody_else(epoch: EpochKey, name: bytes) -> None:
    with pytest.raises(Tampered):
        epoch.unwrap(name, EPOCH.wrap(NAME, SECRET, NONCE))


def test_no_bit_of_a_wrap_can_be_turned() -> None:
    wrap = EPOCH.wrap(NAME, SECRET, NONCE)
    for at in range(len(wrap) * 8):
        turned = bytearray(wrap)
        turned[at // 8] ^= 1 << at % 8
        with pytest.raises(Tampered):
            EPOCH.unwrap(NAME, bytes(turned))


def test_an_authentic_wrap_of_another_key_than_it_commits_to_is_refused() -> None:
    other = EPOCH.seal(NAME, commit(NAME, b"T" * 32) + SECRET, NONCE)
    assert EPOCH.open(NAME, other)  # whoever holds the epoch key can make it
    with pytest.raises(Tampered, match="commits"):
        EPOCH.unwrap(NAME, other)


def test_a_wrap_moves_to_a_new_epoch_as_it_is() -> None:
    new = EpochKey("daminion", 4, b"N" * 32)
    wrap = new.seal(NAME, EPOCH.open(NAME, EPOCH.wrap(NAME, SECRET, NONCE)), b"m" * 12)
    assert new.unwrap(NAME, wrap) == SECRET


@given(SECRETS, st.binary(max_size=30))
@settings(max_examples=20)
def test_derived_keys_are_hkdf_s(secret: bytes, label: bytes) -> None:
    assert expand(secret, label) == HKDFExpand(SHA512(), 32, label).derive(secret)


def test_every_use_has_a_key_of_its_own() -> None:
    key = SubjectKey(NAME, SECRET)
    assert len({SECRET, key.ledger_key, commit(NAME, SECRET), expand(SECRET, b"avow/1 root fingerprint")}) == 4
    assert key.ledger_key == key.ledger_key == expand(SECRET, b"avow/1 ledger")


def test_a_tag_is_16_bytes_and_a_commitment_32() -> None:
    assert len(tag(SECRET, b"event")) == 16
    assert len(commitment(b"opening" + b"payload")) == 32
    assert commitment(b"opening" + b"payload") != commitment(b"openinh" + b"payload") != commitment(b"openinh" + b"pay")


@pytest.mark.parametrize("key", [SubjectKey(NAME, SECRET), EPOCH])
def test_a_key_is_neither_printed_nor_pickled(key: SubjectKey | EpochKey) -> None:
    assert "S" * 8 not in repr(key)
    assert SECRET.hex() not in repr(key)
    with pytest.raises(TypeError):
        pickle.dumps(key)


def test_keys_of_another_length_are_refused() -> None:
    for make in (lambda: SubjectKey(NAME, b"short"), lambda: SubjectKey(b"short", SECRET),
                 lambda: EpochKey("aim", 1, b"short"), lambda: EPOCH.wrap(NAME, SECRET, b"short")):  # fmt: skip
        with pytest.raises(CallError):
            make()


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in VECTORS["wraps"]])
def test_wrap_vector(case: dict[str, Any]) -> None:
    epoch = EpochKey(case["site"], case["epoch"], bytes.fromhex(case["epoch_key"]))
    name, wrap = bytes.fromhex(case["key_id"]), bytes.fromhex(case["wrap"])
    if case["expect"] == "opens":
        secret = bytes.fromhex(case["key"])
        assert epoch.unwrap(name, wrap) == secret
        assert epoch.wrap(name, secret, wrap[1:13]) == wrap
    else:
        with pytest.raises(Tampered):
            epoch.unwrap(name, wrap)


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in VECTORS["derived"]])
def test_derivation_vector(case: dict[str, Any]) -> None:
    key = SubjectKey(bytes.fromhex(case["key_id"]), bytes.fromhex(case["key"]))
    assert key.ledger_key.hex() == case["ledger_key"]
    assert commit(key.id, bytes.fromhex(case["key"])).hex() == case["key_commitment"]
    assert tag(key.ledger_key, bytes.fromhex(case["event"])).hex() == case["tag"]
    assert commitment(bytes.fromhex(case["opening"] + case["payload"])).hex() == case["commitment"]
