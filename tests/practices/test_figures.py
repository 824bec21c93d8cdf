"""Questions in their one form, months, and what noise of a strength does."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avow.errors import BadValue, CallError
from avow.practices import figures
from avow.practices.figures import CELLS, Question, begins, declared, least, margin, month, month_of, numbered, question
from tests.practices.test_noise import chance

AT = begins(numbered("2030-01"))
KEYS = {"items": ("Lark", "Tern"), "interest": ("drums", "keys", "strings")}
words = st.text("abcdefghij ", min_size=1, max_size=9).filter(str.strip)


def ask(by: tuple[str, ...] = ("items",), keys: dict[str, tuple[str, ...]] = KEYS, **more: object) -> Question:
    given_ = {"span": ("2026-01", "2026-03"), "recipient": None, "purpose": "patterns", "each": 1, "epsilon": 250}
    return question(("items",), by, keys, at=AT, **(given_ | more))  # type: ignore[arg-type]


@given(st.permutations(["items", "interest", "month"]))
def test_the_same_question_has_one_name_however_it_is_worded(by: list[str]) -> None:
    assert ask(tuple(by)).id == ask(("interest", "items", "month")).id


@pytest.mark.parametrize(
    "other",
    [
        {"by": ("items", "month")}, {"span": ("2026-01", "2026-02")}, {"recipient": "press"}, {"purpose": "statistics"},
        {"by": ("items", "month"), "each": 2}, {"epsilon": 251}, {"keys": {"items": ("Lark",)}},
    ],
)  # fmt: skip
def test_another_question_has_another_name(other: dict[str, object]) -> None:
    assert ask(**other).id != ask().id  # type: ignore[arg-type]


def test_the_table_has_a_cell_for_each_combination_of_keys_and_months() -> None:
    asked = ask(("month", "interest", "items"))
    assert len(asked.cells()) == len(set(asked.cells())) == 3 * 2 * 3
    assert asked.cells()[:2] == [("drums", "Lark", "2026-01"), ("drums", "Lark", "2026-02")]
    assert ask(()).cells() == [()]


def test_nobody_counts_in_more_cells_than_there_are() -> None:
    assert ask((), each=9).each == 1


@pytest.mark.parametrize("keys", [CELLS, CELLS + 1, 10**9])
def test_a_table_is_measured_before_it_is_made(keys: int) -> None:
    many = {"items": range(keys)}
    if keys <= CELLS:
        assert len(ask(keys=many).cells()) == keys  # type: ignore[arg-type]
    else:
        with pytest.raises(CallError, match=f"{keys:,} cells"):
            ask(keys=many)  # type: ignore[arg-type]


@given(st.integers(1001 * 12, 2999 * 12))
def test_months_are_numbered_without_a_gap(number: int) -> None:
    assert numbered(month(number)) == number
    assert month_of(begins(number)) == number
    assert month_of(begins(number) - 1) == number - 1


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - Hypothesis wants them so
def test_a_moment_is_in_the_month_that_the_calendar_says(moment: datetime) -> None:
    at = int((moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))
    assert month(month_of(at)) == f"{moment:%Y-%m}"


@pytest.mark.parametrize(
    "text", ["", "2026", "2026-13", "2026-00", "0000-01", "9999-12", "26-01", "2026-1", "2026-01-01", "２０２６-01"]
)
def test_what_is_no_month_says_how_one_is_written(text: str) -> None:
    with pytest.raises(CallError, match="2026-03"):
        numbered(text)


@given(st.lists(words, min_size=1, max_size=30))
def test_keys_have_one_form_whatever_their_order_case_and_spaces(keys: list[str]) -> None:
    kept = declared(keys)
    assert declared(kept) == kept
    assert [one.casefold() for one in declared([f" {key.upper()}  " for key in reversed(keys)])] == [
        one.casefold() for one in kept
    ]
    assert all(one.casefold() < other.casefold() for one, other in pairwise(kept))


@pytest.mark.parametrize(
    "keys", [[], ["", " "], ["12345 6"], ["a@b"], ["=a"], ["a\u202eb"], ["a\n\nb", "<b>"], ["x" * 65]]
)
def test_what_is_no_name_of_goods_is_not_declared(keys: list[str]) -> None:
    with pytest.raises(BadValue):
        declared(keys)


@given(st.integers(1, 10), st.integers(50, 1000))
def test_the_stated_bounds_are_those_of_the_noise_and_no_smaller_ones_would_do(each: int, epsilon: int) -> None:
    def above(t: int) -> float:
        """The chance of noise of t or more."""
        kept = chance(1, each, epsilon) / chance(0, each, epsilon)
        return kept**t / (1 + kept)

    smallest, off = least(each, epsilon), margin(each, epsilon)
    assert above(smallest) <= 0.01 * (1 + 1e-9)
    assert smallest == figures.GROUP or above(smallest - 1) > 0.01
    assert 2 * above(off + 1) <= 0.05 * (1 + 1e-9)
    assert off == 0 or 2 * above(off) > 0.05
