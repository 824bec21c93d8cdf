"""An answer to a complaint says where else there is to turn to, and no other answer does."""

from pathlib import Path

import pytest

from avow.policy.outside import beside, outside
from avow.policy.parse import read

POLICIES = Path(__file__).parents[2] / "policies"
SITES = ("aimini", "aitoc", "aitpro", "audiomidi", "daminion")


@pytest.mark.parametrize("site", SITES)
def test_every_real_policy_has_offices_its_own_or_those_that_there_are_by_law(site: str) -> None:
    found = outside(read(POLICIES / f"{site}.yaml"))
    told = beside(" We are sorry. ", found)
    assert told.startswith("We are sorry.\n\n-- \n")
    assert all(f"* {office}\n" in told for office in found)
    assert ("the Better Business Bureau of your region" in told) is (site == "aitpro")
    assert len(found) == (2 if site == "aitpro" else 1)


def test_another_answer_ends_with_its_own_words() -> None:
    assert beside("At nine.\n", ()) == "At nine.\n"
