"""Cedar's own engine gives the same answers, naming the same promises, from an export that shares no code with the table.

AVOW_CAMPAIGN=1 asks 100,000 times for each policy instead of some thousand times.
"""

import os
import re
from pathlib import Path

import pytest
from hypothesis import given, settings

from avow.decide.cedar import export
from avow.policy.model import Policy
from avow.policy.parse import read
from tests.decide.oracle import POLICIES as FOLDER
from tests.decide.oracle import ask_both, run
from tests.decide.small import many_policies, shop

POLICIES = sorted(FOLDER.glob("*.yaml"))
COUNT = 100_000 if os.environ.get("AVOW_CAMPAIGN") else 1_500


def test_all_five_policies_are_there() -> None:
    assert len(POLICIES) >= 5


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_cedar_gives_the_same_answers_for_a_real_policy(path: Path) -> None:
    result = ask_both(read(path), COUNT, seed=1)
    assert result.differing == []
    assert result.count == COUNT
    assert 0.3 < result.allowed / result.count < 0.7, "neither answer may be rare"
    assert result.named > result.allowed, "promises were compared for allowed and for refused requests"


def test_cedar_gives_the_same_answers_for_a_policy_with_one_of_everything() -> None:
    result = ask_both(shop(), COUNT, seed=2)
    assert result.differing == []


@given(many_policies())
@settings(max_examples=25)
def test_cedar_gives_the_same_answers_for_any_policy(policy: Policy) -> None:
    assert ask_both(policy, 60, seed=6).differing == []


def statements(policy: Policy) -> list[str]:
    return re.split(r"(?=^@id)", export(policy), flags=re.MULTILINE)


@pytest.mark.parametrize(
    "start",
    [
        '@id("S-2")\npermit',
        '@id("S-5")\npermit',
        '@id("built-in")\npermit (principal, action in [Action::"access"',
        '@id("S-4")\nforbid',
        '@id("S-6")\nforbid',
        '@id("guard")\nforbid (principal, action, resource)\nwhen { !',
    ],
)
def test_a_clause_dropped_from_the_export_is_noticed(start: str) -> None:
    everything = statements(shop())
    without = [statement for statement in everything if not statement.startswith(start)]
    assert len(without) < len(everything)
    assert ask_both(shop(), 1500, seed=3, text="".join(without)).differing


def test_a_condition_dropped_from_the_export_is_noticed() -> None:
    text = export(shop()).replace('"notified"', "")
    assert text != export(shop())
    assert ask_both(shop(), 1500, seed=4, text=text.replace('["consent", ]', '["consent"]')).differing


def test_a_batch_of_a_campaign_reports_its_figures() -> None:
    figures = run(200, 5, policy=POLICIES[0].stem)
    assert figures["ok"]
    assert figures["requests"] == 200 == figures["allowed"] + figures["refused"]
