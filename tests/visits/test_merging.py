"""Values below K: none is told, nothing is lost, and the order in which visits came does not matter."""

from collections.abc import Sequence

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from avow.errors import CallError
from avow.visits import merging
from avow.visits.merging import OTHER, K, Tally

WORDS = st.sampled_from(["a", "b", "c", "d", OTHER])
VISITS = st.lists(st.tuples(WORDS, st.integers(0, 30)), max_size=80)


def tally(visits: Sequence[tuple[str, int]]) -> Tally:
    made = Tally()
    for value, visitor in visits:
        made.add(value, visitor.to_bytes(16))
    return made


@given(VISITS)
def test_every_figure_is_of_k_visitors_or_more_and_no_visit_is_lost(visits: list[tuple[str, int]]) -> None:
    assume(len({visitor for _, visitor in visits}) >= K)
    told = tally(visits).told()
    assert told.total() == len(visits)
    for value in told:
        had = {
            visitor for one, visitor in visits if (one == value if value != OTHER else one not in told or one == OTHER)
        }
        assert len(had) >= K


@given(VISITS, st.randoms(use_true_random=False))
def test_the_order_of_visits_does_not_matter(visits: list[tuple[str, int]], random) -> None:
    assume(len({visitor for _, visitor in visits}) >= K)
    assert tally(visits).told() == tally(random.sample(visits, len(visits))).told()


@given(VISITS)
def test_a_value_that_is_told_is_told_as_it_was(visits: list[tuple[str, int]]) -> None:
    assume(len({visitor for _, visitor in visits}) >= K)
    for value, count in tally(visits).told().items():
        assert value == OTHER or count == sum(one == value for one, _ in visits)


def test_one_visitor_who_comes_often_is_still_one() -> None:
    """DAM-7."""
    assert tally([("a", n) for n in range(9)] + [("b", 100)] * 50 + [("c", n) for n in range(20, 25)]).told() == {
        "a": 9, OTHER: 55
    }  # fmt: skip


def test_the_rarest_joins_others_that_are_too_few() -> None:
    visits = [("a", n) for n in range(9)] + [("b", n) for n in range(20, 26)] + [("c", 30)]
    assert tally(visits).told() == {"a": 9, OTHER: 7}
    assert tally(visits[9:]).told() == {OTHER: 7}


def test_fewer_than_k_are_not_told_of() -> None:
    with pytest.raises(CallError, match="too few"):
        tally([("a", 1)] * 40 + [("b", n) for n in range(1, K)]).told()


def test_values_without_end_are_told_apart_up_to_a_number(monkeypatch) -> None:
    monkeypatch.setattr(merging, "VALUES", 10)
    made = tally([(f"value {n}", n) for n in range(1000)])
    assert len(made._visits) <= 11
    assert made.told() == {OTHER: 1000}
