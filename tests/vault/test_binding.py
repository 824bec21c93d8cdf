"""The place of a value, as bytes."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avow.errors import CallError
from avow.vault.binding import Binding, fields, place

IDS = st.binary(min_size=16, max_size=16)
WORDS = st.text(st.characters(codec="utf-8"), max_size=5)
PLACES = st.builds(
    Binding, site=WORDS, subject=IDS, table=WORDS, row=IDS, category=WORDS, type=WORDS,
    version=st.integers(0, 2**64 - 1), kept_as=WORDS, schema=st.integers(0, 2**16 - 1),
)  # fmt: skip


@given(PLACES, PLACES)
def test_two_places_have_the_same_bytes_only_if_they_are_the_same(one: Binding, other: Binding) -> None:
    assert (one.encode() == other.encode()) == (one == other)


@given(st.lists(st.binary(max_size=4), max_size=4), st.lists(st.binary(max_size=4), max_size=4))
def test_lists_of_fields_are_never_confused(one: list[bytes], other: list[bytes]) -> None:
    assert _tells_apart(fields, one, other)


def test_the_check_above_catches_fields_without_lengths() -> None:
    assert not _tells_apart(lambda *parts: b"".join(parts), [b"ab", b"c"], [b"a", b"bc"])


def _tells_apart(join: Callable[..., bytes], one: list[bytes], other: list[bytes]) -> bool:
    return (join(*one) == join(*other)) == (one == other)


@given(PLACES)
@settings(max_examples=20)
def test_the_quick_way_gives_the_same_bytes(one: Binding) -> None:
    assert place(*one) == one.encode()


@pytest.mark.parametrize("wrong", [b"", b"15 bytes long..", b"17 bytes long....", b"x" * 32])
def test_an_id_of_another_length_is_refused(wrong: bytes) -> None:
    good = Binding("site", b"s" * 16, "datum", b"r" * 16, "email", "text", 1, "ordinary")
    for bad in (good._replace(subject=wrong), good._replace(row=wrong)):
        with pytest.raises(CallError):
            bad.encode()
