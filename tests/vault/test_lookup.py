"""Finding by value without the value: what counts as the same, and what does not."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avow.errors import BadValue
from avow.vault.lookup import VERSION, broad, broad_hash, keyed_hash, normalise, same_mailbox

VECTORS = json.loads((Path(__file__).parents[1] / "conformance" / "vault" / "look-ups.json").read_text())
TERMS = st.sampled_from(["EmailAddress", "TelephoneNumber", "Name", "PhysicalAddress"])


@pytest.mark.parametrize(("term", "one", "other", "same"), [
    pytest.param("EmailAddress", "Ann@Example.org", " ann@example.ORG\n", True, id="mail-case-and-ends"),
    pytest.param("EmailAddress", "jos\u00e9@example.org", "jose\u0301@example.org", True, id="mail-composition"),
    pytest.param("EmailAddress", "stra\u00dfe@example.org", "STRASSE@example.org", True, id="mail-fold"),
    pytest.param("EmailAddress", "a.nn@example.org", "ann@example.org", False, id="mail-dots-count"),
    pytest.param("EmailAddress", "ann+x@example.org", "ann@example.org", False, id="mail-suffix-counts"),
    pytest.param("EmailAddress", "a nn@example.org", "ann@example.org", False, id="mail-inner-space-counts"),
    pytest.param("TelephoneNumber", "+44 (0)20 7946-0018", "0044 20 79460018", True, id="phone-writing"),
    pytest.param("TelephoneNumber", "\uff0b44 20 79460018", "+442079460018", True, id="phone-wide-signs"),
    pytest.param("TelephoneNumber", "(0)20 7946 0018", "020 7946 0018", True, id="phone-brackets-at-home"),
    pytest.param("TelephoneNumber", "020 7946 0018", "+44 20 7946 0018", False, id="phone-no-country-guessed"),
    pytest.param("TelephoneNumber", "\u0664\u0664\u0662", "442", True, id="phone-other-digits"),
    pytest.param("Name", "  Ann \t Lee ", "ann lee", True, id="plain-white-space"),
    pytest.param("Name", "Ann Lee", "AnnLee", False, id="plain-words"),
])  # fmt: skip
def test_same(term: str, one: str, other: str, *, same: bool) -> None:
    assert (keyed_hash(b"k" * 32, term, one) == keyed_hash(b"k" * 32, term, other)) is same


def test_a_postal_address_is_known_again_however_it_is_broken_into_lines_and_not_another_house() -> None:
    one = broad_hash(b"k" * 32, "PhysicalAddress", "1 Lantern Lane\nVentura, CA 93003")
    assert broad_hash(b"k" * 32, "PhysicalAddress", " 1, LANTERN LANE, Ventura (CA) 93003.") == one
    assert broad_hash(b"k" * 32, "PhysicalAddress", "2 Lantern Lane\nVentura, CA 93003") != one
    assert broad_hash(b"k" * 32, "PhysicalAddress", "---")  # no letters: it stays what it is


@given(TERMS, st.text(st.characters(codec="utf-8"), max_size=20))
def test_what_is_normal_stays_as_it_is(term: str, value: str) -> None:
    try:
        once = normalise(term, value)
    except BadValue:
        return
    assert normalise(term, once) == once


@pytest.mark.parametrize(("term", "value"), [
    ("EmailAddress", " \n"), ("TelephoneNumber", "call me"), ("TelephoneNumber", "+"), ("TelephoneNumber", "00"), ("Name", ""), ("Name", "\ud800"),
])  # fmt: skip
def test_nothing_to_look_up_by_is_refused_without_naming_the_value(term: str, value: str) -> None:
    with pytest.raises(BadValue, match=term) as caught:
        normalise(term, value)
    assert "call" not in str(caught.value)


def test_another_key_gives_another_hash() -> None:
    assert keyed_hash(b"k" * 32, "Name", "ann") != keyed_hash(b"l" * 32, "Name", "ann")


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in VECTORS["cases"]])
def test_vector(case: dict[str, Any]) -> None:
    assert VECTORS["version"] == VERSION
    if case["expect"] == "hash":
        assert normalise(case["term"], case["value"]) == case["normal"]
        assert keyed_hash(bytes.fromhex(VECTORS["key"]), case["term"], case["value"]).hex() == case["hash"]
    else:
        with pytest.raises(BadValue):
            normalise(case["term"], case["value"])


@pytest.mark.parametrize(("one", "other"), [
    ("ann@example.org", "Ann+news@EXAMPLE.org."), ("ann@example.org", '"a\\nn"@example.org'),
    ("ann@m\u00fcller.example", "ann@xn--mller-kva.example"), ("ann@m\u00fcller.example", "ann@XN--MLLER-KVA.example"),
    ("ann@example.org", "\uff41nn@example\uff0eorg"), ("ann@example.org", "a\u200bnn@exam\u00adple.org"),
    ("kate@example.org", "\u212aate@example.org"), ("ann@example.org", "ann @ example.org"),
])  # fmt: skip
def test_broadly_the_same_mail_address(one: str, other: str) -> None:
    assert broad_hash(b"k" * 32, "EmailAddress", one) == broad_hash(b"k" * 32, "EmailAddress", other)


@pytest.mark.parametrize(("one", "other"), [
    ("ann@example.org", "anne@example.org"), ("ann@example.org", "ann@example.com"), ("a.nn@example.org", "ann@example.org"),
    ("+a@example.org", "+b@example.org"), ("ann@xn--example.org", "ann@example.org"),
])  # fmt: skip
def test_not_even_broadly_the_same(one: str, other: str) -> None:
    assert broad("EmailAddress", one) != broad("EmailAddress", other)


@given(TERMS, st.text(st.characters(codec="utf-8"), max_size=30))
def test_what_is_the_same_is_broadly_the_same(term: str, value: str) -> None:
    try:
        normal = normalise(term, value)
    except BadValue:
        return
    assert broad(term, normal) == broad(term, value)


@pytest.mark.parametrize(("one", "other", "same"), [
    ("Ann@example.org", "ann@EXAMPLE.org", True), ("ann+x@example.org", "ann@example.org", False),
    ("\u212aate@example.org", "kate@example.org", False), ("stra\u00dfe@example.org", "strasse@example.org", False),
    ("ann@stra\u00dfe.example", "ann@strasse.example", False), ("ann@\u03c3.example", "ann@\u03c2.example", False),
    ("ann@STRA\u1e9eE.example", "ann@stra\u00dfe.example", True), ("ann@\u03a3.example", "ann@\u03c3.example", True),
])  # fmt: skip
def test_one_mailbox(one: str, other: str, *, same: bool) -> None:
    assert same_mailbox(one, other) is same
