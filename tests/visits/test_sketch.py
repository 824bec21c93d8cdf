"""The sketch of visitors: right within its stated error, and the same whatever comes twice or in another order."""

import hashlib

import pytest

from avow.visits.sketch import SIZE, Sketch


def filled(numbers) -> Sketch:
    sketch = Sketch()
    for number in numbers:
        sketch.add(hashlib.blake2b(number.to_bytes(8), digest_size=16).digest())
    return sketch


@pytest.mark.parametrize("count", [0, 1, 5, 100, 5_000, 20_000, 200_000])
def test_it_counts_within_four_standard_errors(count: int) -> None:
    assert filled(range(count)).count() == pytest.approx(count, rel=4 * 1.04 / SIZE**0.5, abs=0)


def test_who_comes_again_or_in_another_order_changes_nothing() -> None:
    assert filled([*range(3_000), *range(3_000)]).count() == filled(reversed(range(3_000))).count()


def test_it_is_4_kb_whatever_it_has_seen() -> None:
    assert len(filled(range(50_000))._registers) == 4096
