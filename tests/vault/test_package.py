"""A package opens for the recipient that it was sealed to, and says whose it is and for whom."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwe, jws
from joserfc.jwk import ECKey, OKPKey

from avow.errors import CallError, Tampered
from avow.vault.package import TYPE, pack, pair, public_key, published, signer, unpack

SITE = signer(bytes(range(32)))
CLAIMS: dict[str, Any] = {"aud": "carrier", "avow": {"data": {"name": "Ada Quillfeather"}}}


def sealed(claims: dict[str, Any] = CLAIMS) -> tuple[str, dict[str, Any]]:
    private, public = pair()
    return pack(claims, SITE, public), private


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=40), max_size=6))
def test_what_is_packed_is_what_the_recipient_reads(data: dict[str, str]) -> None:
    claims = {"aud": "carrier", "data": data}
    package, private = sealed(claims)
    assert unpack(package, private, published(SITE), recipient="carrier") == claims


def test_keys_on_the_nist_curves_serve_as_well() -> None:
    key = ECKey.generate_key("P-256", private=True)
    package = pack(CLAIMS, SITE, public_key(key.as_dict(private=True)))
    assert unpack(package, key.as_dict(private=True), published(SITE), recipient="carrier") == CLAIMS


def test_any_jose_library_opens_it() -> None:
    """By the library's own two steps, not by `unpack`."""
    package, private = sealed()
    inner = jwe.decrypt_compact(package, OKPKey.import_key(private), algorithms=["ECDH-ES+A256KW", "A256GCM"]).plaintext
    assert inner is not None
    signed = jws.deserialize_compact(inner, OKPKey.import_key(published(SITE)), algorithms=["Ed25519"])
    assert json.loads(signed.payload) == CLAIMS
    assert signed.headers()["typ"] == TYPE


def test_nobody_reads_it_without_the_key() -> None:
    package, _ = sealed()
    assert "Ada" not in package
    with pytest.raises(Tampered):
        unpack(package, pair()[0], published(SITE), recipient="carrier")


def test_a_package_for_one_recipient_is_none_for_another() -> None:
    """Not even when who got it seals it anew for somebody else."""
    package, private = sealed()
    inner = jwe.decrypt_compact(package, OKPKey.import_key(private), algorithms=["ECDH-ES+A256KW", "A256GCM"]).plaintext
    other, public = pair()
    again = jwe.encrypt_compact(
        {"alg": "ECDH-ES+A256KW", "enc": "A256GCM"}, inner or b"", OKPKey.import_key(public),
        algorithms=["ECDH-ES+A256KW", "A256GCM"],
    )  # fmt: skip
    with pytest.raises(Tampered):
        unpack(again, other, published(SITE), recipient="reseller")


def test_another_signer_a_flipped_byte_and_rubbish_are_noticed() -> None:
    package, private = sealed()
    with pytest.raises(Tampered):
        unpack(package, private, published(signer(bytes(32))), recipient="carrier")
    for at in range(0, len(package), 7):
        flipped = package[:at] + ("A" if package[at] != "A" else "B") + package[at + 1 :]
        try:
            assert unpack(flipped, private, published(SITE), recipient="carrier") == CLAIMS  # spare bits of base64
        except Tampered:
            continue
        assert at > 0
    for rubbish in ("", ".", "a.b.c.d.e", "x" * 2_000_000, package[:-30]):
        with pytest.raises(Tampered):
            unpack(rubbish, private, published(SITE), recipient="carrier")


def test_a_signature_of_another_kind_of_text_is_none() -> None:
    private, public = pair()
    signed = jws.serialize_compact({"alg": "Ed25519", "typ": "JWT"}, json.dumps(CLAIMS), SITE, algorithms=["Ed25519"])
    package = jwe.encrypt_compact(
        {"alg": "ECDH-ES+A256KW", "enc": "A256GCM"}, signed, OKPKey.import_key(public),
        algorithms=["ECDH-ES+A256KW", "A256GCM"],
    )  # fmt: skip
    with pytest.raises(Tampered):
        unpack(package, private, published(SITE), recipient="carrier")


@pytest.mark.parametrize(
    "key",
    [{}, {"kty": "oct", "k": "AAAA"}, {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}, {"kty": "OKP", "crv": "X25519"},
     {"kty": "OKP", "crv": "X25519", "x": "AAAA"}, {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}, {"kty": ["OKP"]}],
)  # fmt: skip
def test_what_is_no_key_to_seal_to_is_refused(key: dict[str, Any]) -> None:
    with pytest.raises(CallError):
        public_key(key)


def test_a_private_half_is_not_kept() -> None:
    private, public = pair()
    assert public_key(private | {"kid": "x"}) == public


@pytest.mark.parametrize("letters", [20_000, 65_000, 500_000])
def test_what_somebody_wrote_at_length_opens_as_well(letters: int) -> None:
    claims = {"aud": "carrier", "data": {"message": "é" * letters}}
    package, private = sealed(claims)
    assert unpack(package, private, published(SITE), recipient="carrier") == claims


def test_what_no_package_may_hold_is_not_packed() -> None:
    with pytest.raises(CallError, match="fewer categories"):
        sealed({"aud": "carrier", "data": {"message": "x" * 3_000_000}})


def test_a_key_that_nothing_can_be_sealed_to_is_no_key() -> None:
    with pytest.raises(CallError):  # of low order: whatever is sealed to it, everybody opens
        public_key({"kty": "OKP", "crv": "X25519", "x": "A" * 43})
