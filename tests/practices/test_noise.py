"""The noise of figures: what OpenDP draws is what the documents say, and nothing else would pass."""

import math
import random
from collections import Counter
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import pytest

from avow.errors import OperatorError
from avow.practices import noise
from avow.practices.noise import laplace

DRAWN = 60_000


def chance(n: int, each: int, epsilon: int) -> float:
    """Of noise n, by the discrete Laplace distribution (Ghosh, Roughgarden and Sundararajan 2009)."""
    kept = math.exp(-epsilon / (1000 * each))
    return (1 - kept) / (1 + kept) * kept ** abs(n)


def far(drawn: Sequence[int], each: int, epsilon: int) -> float:
    """How many standard deviations the chi-square of what was drawn lies above what it should be."""
    seen, span = Counter(drawn), 3 * each * 1000 // epsilon
    bins = [(seen[n], DRAWN * chance(n, each, epsilon)) for n in range(-span, span + 1)]
    rest = DRAWN - sum(count for count, _ in bins), DRAWN - sum(one for _, one in bins)
    off = sum((count - expected) ** 2 / expected for count, expected in [*bins, rest])
    return (off - len(bins)) / math.sqrt(2 * len(bins))


@pytest.mark.parametrize(("each", "epsilon"), [(1, 250), (1, 1000), (3, 600)])
@pytest.mark.parametrize("count", [1000, 1001])
def test_what_is_added_is_discrete_laplace_noise_whatever_the_count(each: int, epsilon: int, count: int) -> None:
    """AUD-10: an even count gives away no more than an odd one: there are no low bits."""
    drawn = [one - count for one in laplace([count] * DRAWN, each, epsilon)]
    assert far(drawn, each, epsilon) < 8


DICE = random.Random(7)
NOTHING = [0] * DRAWN


@pytest.mark.parametrize(
    "drawn",
    [
        pytest.param(lambda: [round(DICE.expovariate(1.0) - DICE.expovariate(1.0)) for _ in NOTHING], id="rounded"),
        pytest.param(lambda: [round(DICE.gauss(0, math.sqrt(2))) for _ in NOTHING], id="gaussian"),
        pytest.param(lambda: laplace(NOTHING, 10, 9_000), id="a-tenth-stronger"),
        pytest.param(lambda: [abs(one) for one in laplace(NOTHING, 1, 1000)], id="never-below"),
        pytest.param(lambda: [one // 2 * 2 for one in laplace(NOTHING, 1, 1000)], id="even"),
    ],
)
def test_other_noise_would_be_noticed(drawn: Callable[[], list[int]]) -> None:
    assert far(drawn(), 1, 1000) > 8


@pytest.mark.parametrize("epsilon", [1, 3, 7, 100, 250, 333, 700, 999, 1000])
@pytest.mark.parametrize("each", [1, 2, 3, 7, 10])
def test_opendp_vouches_for_the_epsilon_that_is_stated(each: int, epsilon: int) -> None:
    made = noise._measurement(each, epsilon)
    assert Fraction(made.map(each)) <= Fraction(epsilon, 1000)
    assert Fraction(made.map(each)) > Fraction(epsilon, 1001)  # and it does not add more than that takes


def test_figures_are_whole_numbers_and_some_of_nothing_are_below_nothing() -> None:
    drawn = laplace([0] * 1000, 1, 250)
    assert {type(one) for one in drawn} == {int}
    assert min(drawn) < 0


@pytest.mark.parametrize("count", [1.0, True, -1, None, 1 << 60])
def test_what_is_no_count_is_not_taken(count: Any) -> None:
    with pytest.raises(ValueError, match="whole number"):
        laplace([count], 1, 250)


def test_where_opendp_is_missing_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    noise._measurement.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "opendp.prelude", None)
    with pytest.raises(OperatorError, match=r"avow\[statistics\]"):
        laplace([1], 1, 250)
