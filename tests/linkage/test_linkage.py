"""DAM-7 under attack: visits are joined to persons no better than by lot; and the same attack uses what a defect gives it."""

import pytest

from tests.linkage.attack import Outcome
from tests.linkage.harness import _PLANTED, DEFECTS, DOUBT, outcomes

PEOPLE = 64


async def test_with_everything_on_disk_a_visit_is_joined_to_a_person_no_better_than_by_lot() -> None:
    """DAM-7: 64 people among 128 others; each kind of record on its own."""
    shared: list[set[bytes]] = []
    found = await outcomes(PEOPLE, 1, shared=shared)
    assert shared == [set()]
    assert {"operational log", "daminion.visits.db:cells in all"} <= found.keys()
    for kind, one in found.items():
        assert len(one.chances) == PEOPLE, kind
        assert all(0 < chance <= 0.2 for chance in one.chances), kind
        assert one.unlikely > DOUBT / len(found), (kind, one.hits, one.expected)


@pytest.mark.parametrize("defect", DEFECTS)
async def test_the_same_attack_succeeds_with_a_planted_defect(defect: str) -> None:
    """DAM-7: a shared id, an exact time, or rows in the order of visits."""
    shared: list[set[bytes]] = []
    found = await outcomes(160 if defect == "row-order" else PEOPLE, 2, DEFECTS[defect], shared)
    assert shared[0] or defect != "shared-id"
    one = next(one for kind, one in found.items() if kind.endswith(_PLANTED[defect]))
    assert one.unlikely < DOUBT
    if defect != "row-order":
        assert one.hits >= PEOPLE * 0.95


def test_how_likely_hits_are_is_exact() -> None:
    assert Outcome(0, [0.5] * 3).unlikely == pytest.approx(1)
    assert Outcome(3, [0.5] * 3).unlikely == pytest.approx(1 / 8)
    assert Outcome(2, [0.5, 0.1]).unlikely == pytest.approx(0.05)
