"""The terms of a datum, as bytes: the same for the same terms alone, and moments that sort."""

from hypothesis import given
from hypothesis import strategies as st

from avow.store.terms import COLLECTED, DUE, NO_END, Terms, decode, due, moment, when

MOMENTS = st.integers(-(2**62), 2**62)
WORDS = st.text(st.characters(codec="utf-8"), max_size=6)
TERMS = st.builds(
    Terms, policy=st.binary(min_size=16, max_size=16), collected=MOMENTS, due=st.none() | MOMENTS,
    purposes=WORDS, form=WORDS, source=WORDS,
)  # fmt: skip


@given(TERMS)
def test_what_is_encoded_is_decoded(terms: Terms) -> None:
    assert decode(terms.encode()) == terms
    assert due(terms.encode()) == terms.due


@given(TERMS, TERMS)
def test_two_terms_have_the_same_bytes_only_if_they_are_the_same(one: Terms, other: Terms) -> None:
    assert (one.encode() == other.encode()) == (one == other)


@given(MOMENTS, MOMENTS)
def test_moments_sort_as_their_bytes_do_and_no_end_comes_last(one: int, other: int) -> None:
    assert (moment(one) < moment(other)) == (one < other)
    assert when(moment(one)) == one
    assert moment(one) < NO_END


@given(TERMS)
def test_a_database_finds_the_moments_where_the_format_says(terms: Terms) -> None:
    data = terms.encode()
    assert data[COLLECTED] == moment(terms.collected)
    assert data[DUE] == (NO_END if terms.due is None else moment(terms.due))


@given(st.binary(max_size=80))
def test_what_is_no_terms_decodes_to_something_and_never_fails(data: bytes) -> None:
    assert isinstance(decode(data), Terms)
