"""Cells below K: none is left, nothing is lost, and the order in which visits came does not matter."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avow.errors import CallError
from avow.visits.merging import OTHER, K, merged, merged_parts

WORDS = st.sampled_from(["a", "b", "c", "d"])
VALUES = st.lists(st.tuples(WORDS, WORDS, WORDS), min_size=K, max_size=60)
PARTS = st.lists(st.sets(WORDS | st.just(OTHER), max_size=4), min_size=K, max_size=60)


@given(VALUES)
def test_every_cell_has_k_visits_or_more_and_none_is_lost(visits: list[tuple[str, ...]]) -> None:
    cells = merged(visits)
    assert all(count >= K for count in cells.values())
    assert cells.total() == len(visits)


@given(VALUES, st.randoms(use_true_random=False))
def test_the_order_of_visits_does_not_matter(visits: list[tuple[str, ...]], random) -> None:
    assert merged(visits) == merged(random.sample(visits, len(visits)))


@given(VALUES)
def test_a_merged_cell_gives_values_up_from_the_last_and_invents_none(visits: list[tuple[str, ...]]) -> None:
    known = Counter(visits)
    for cell in merged(visits):
        kept = next((at for at, value in enumerate(cell) if value == OTHER), len(cell))
        assert set(cell[kept:]) <= {OTHER}
        assert any(visit[:kept] == cell[:kept] for visit in known)


@given(PARTS)
def test_every_part_has_k_visits_or_more_and_every_visit_is_in_one(visits: list[set[str]]) -> None:
    parts = merged_parts(visits)
    assert all(K <= count <= len(visits) for count in parts.values())
    for part, count in parts.items():
        if part != OTHER:
            assert count == sum(part in visit for visit in visits)
    assert all(visit & parts.keys() or OTHER in parts for visit in visits)


def test_what_is_rare_loses_its_last_value_first() -> None:
    visits = [("Europe", "long")] * 5 + [("Europe", "short")] * 3 + [("Asia", "short")] * 3
    assert merged(visits) == {("Europe", "long"): 5, (OTHER, OTHER): 6}
    visits += [("Europe", "middle"), ("Europe", "middle")]
    assert merged([*visits, ("Asia", "long"), ("Asia", "long")]) == {
        ("Europe", "long"): 5, ("Europe", OTHER): 5, ("Asia", OTHER): 5
    }  # fmt: skip


def test_the_smallest_cell_joins_a_rest_that_is_too_small() -> None:
    assert merged([("a",)] * 9 + [("b",)] * 6 + [("c",)]) == {("a",): 9, (OTHER,): 7}


def test_one_alone_takes_others_along() -> None:
    assert merged([("a",)] * 5 + [("b",)]) == {(OTHER,): 6}
    assert merged_parts([{"a"}] * 5 + [{"b"}]) == {OTHER: 6}


def test_without_values_there_is_one_cell() -> None:
    assert merged([()] * 7) == {(): 7}


@pytest.mark.parametrize("merge", [merged, merged_parts])
def test_fewer_than_k_are_not_told_of(merge) -> None:
    with pytest.raises(CallError, match="too few"):
        merge([("a",)] * (K - 1))
