"""The noise of a release: OpenDP's discrete Laplace, on whole numbers alone.

Its sampler works on integers and fractions of unlimited size, so that no low bit of a floating-point number tells
anything. Its chance comes from the operating system and cannot be handed in: whoever makes the noise decides what is
private, and a seed would be a way to take it off again.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache
from math import inf, nextafter
from typing import Any

from avow.errors import OperatorError

Noise = Callable[[Sequence[int], int, int], list[int]]  # counts, cells of one contributor, thousandths of epsilon
_MOST = 1 << 53  # of a count: no table of people or visits comes near it


def laplace(counts: Sequence[int], each: int, epsilon: int) -> list[int]:
    """The counts with noise: whole numbers, some of them negative.

    One contributor changes `each` of the counts by 1 at most. Then what comes out of all of them together is
    differentially private with `epsilon` thousandths (pure, unbounded neighbours: somebody more, or somebody less).
    Raises `OperatorError` where OpenDP is not installed.
    """
    if any(type(count) is not int or not 0 <= count <= _MOST for count in counts):
        raise ValueError("a count is a whole number, and not negative")
    noisy: list[int] = _measurement(each, epsilon)(list(counts))
    return noisy


@lru_cache(256)
def _measurement(each: int, epsilon: int) -> Any:
    """OpenDP's own measurement, whose own proof says that it costs no more than was stated."""
    try:
        import opendp.prelude as dp  # noqa: PLC0415 - large, and only who releases figures waits for it
    except ImportError:
        raise OperatorError(
            "figures are released with OpenDP, which is not installed here: pip install 'avow[statistics]'"
        ) from None
    dp.enable_features("contrib")
    space = dp.vector_domain(dp.atom_domain(T="i64")), dp.l1_distance(T="i64")
    scale, stated = 1000 * each / epsilon, Fraction(epsilon, 1000)
    for _ in range(64):  # the scale is rounded, so it may be short by a last bit: go up until the proof holds
        made: Any = dp.m.make_laplace(*space, scale=scale)
        if Fraction(made.map(each)) <= stated:
            return made
        scale = nextafter(scale, inf)
    raise OperatorError("OpenDP does not vouch for the stated epsilon; install the version that is locked")
