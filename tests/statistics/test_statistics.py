"""Attacks on released figures, small. At full count: `make campaign NAMES=stats`."""

import pytest

from tests.statistics import attack, budget

# Requests: 120 about each person who is guessed at. With a budget of 1, thirty who are all guessed right are a defect.


async def test_nobody_is_made_out_by_differencing_and_averaging_beyond_what_epsilon_allows() -> None:
    """AUD-10, TOC-9, DAM-9: differencing two releases, a group of one, exhausting the budget."""
    figures = await attack.run(3_600, seed=4, budget=1000)
    assert figures["ok"], figures
    assert figures["trials"] == 30
    assert figures["answers"] == 30  # one answer a budget; all else was the same answer, or refused


@pytest.mark.parametrize(
    ("planted", "requests"), [("fresh noise", 4_800), ("no budget", 4_800), ("no noise", 3_600), ("no group", 600)]
)
async def test_the_attacker_makes_people_out_where_a_defect_is_planted(planted: str, requests: int) -> None:
    """AUD-10: fresh noise for the same question, a budget that is not spent, no noise, no minimum group."""
    assert not (await attack.run(requests, seed=5, planted=planted, budget=1000))["ok"]


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_a_hundred_callers_at_once_overspend_no_budget(kind: str) -> None:
    """AUD-10."""
    figures = await budget.run(200, seed=1, kind=kind)
    assert figures["ok"], figures
    assert figures["calls"] == 200


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_a_budget_that_is_read_before_it_is_spent_is_noticed(kind: str) -> None:
    figures = await budget.run(100, seed=1, kind=kind, planted=True)
    assert (figures["ok"], figures["rounds overspent"]) == (False, 1)
