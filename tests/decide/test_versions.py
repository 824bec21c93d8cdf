"""What a difference says is what asking both versions everything says; and a fault in it would show."""

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from avow.decide import difference as module
from avow.decide.difference import Difference, difference
from avow.decide.table import Cell
from avow.policy.model import Policy
from tests.decide.small import needs, never, policy, use
from tests.decide.versions import Loop, pair, run

OLD = policy({"P-1": [use("name", when=needs("consent"))], "P-2": [never("use", by=("packer",))]})
NEW = policy({"P-1": [use("name", "email", when=needs("request")), use("name", when=needs("consent", "request"))]})


def test_a_few_generated_pairs_are_told_as_asking_everything_tells_them() -> None:
    result = run(3, seed=25)
    assert result["ok"], result["first"]
    assert result["wider"] and result["narrower"]  # noqa: PT018 - one claim: both sorts came up


def first_gone(found: Difference) -> Difference:
    return replace(found, widened=found.widened[1:])


def one_too_many(found: Difference) -> Difference:
    return replace(found, narrowed=(*found.narrowed, found.widened[0]))


def another_condition(found: Difference) -> Difference:
    return replace(found, widened=(replace(found.widened[0], when=("consent", "request")), *found.widened[1:]))


def another_promise(found: Difference) -> Difference:
    return replace(found, widened=(replace(found.widened[0], promises=("P-2",)), *found.widened[1:]))


def another_count(found: Difference) -> Difference:
    return replace(found, widened=(replace(found.widened[0], decisions=3), *found.widened[1:]))


@pytest.mark.parametrize("spoil", [first_gone, one_too_many, another_condition, another_promise, another_count])
def test_a_difference_that_says_anything_else_is_caught(spoil: Callable[[Difference], Difference]) -> None:
    found, loop = difference(OLD, NEW), Loop(OLD, NEW)
    assert loop.disagrees(found) == []
    assert loop.disagrees(spoil(found)) != []


def test_a_difference_that_looks_past_the_conditions_of_one_version_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = module._turn  # the fault is planted in the comparing itself

    def short_sighted(refusing: Cell, allowing: Cell, mask: int) -> object:
        return honest(refusing, allowing, mask & allowing.mask)

    monkeypatch.setattr(module, "_turn", short_sighted)
    assert not run(3, seed=25)["ok"]


def test_the_pairs_are_of_many_sorts() -> None:
    dice = random.Random(25)
    pairs: list[tuple[Policy, Policy]] = [pair(dice) for _ in range(100)]
    assert sum(one.recipients != two.recipients for one, two in pairs) > 5
    assert sum(one.categories != two.categories for one, two in pairs) > 5
    assert sum(difference(one, two).nothing for one, two in pairs) < 30
