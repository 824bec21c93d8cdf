"""What a new version of a policy changes is found in its answers."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from avow.decide.asides import Aside
from avow.decide.decide import decide
from avow.decide.difference import difference
from avow.decide.request import Allow, Facts, Request, bits
from avow.decide.table import compile_policy
from avow.policy.model import Contract, Policy, RequestKind
from avow.policy.parse import read
from tests.decide.small import PAYMENTS, collect, cookie, keep, many_policies, needs, never, policy, shop, use

POLICIES = sorted((Path(__file__).parents[2] / "policies").glob("*.yaml"))
STRICT = policy({"P-1": [use("name", when=needs("consent"))], "P-2": [never("use", by=("packer",))]})
LOOSE = policy({"P-1": [use("name")], "P-2": [never("use", by=("packer",))]})


def pairs(found: Iterable[Aside]) -> list[tuple[str, bool]]:
    return [(one.says, one.wider) for one in found]


def test_the_same_policy_differs_in_nothing() -> None:
    same = difference(shop(), shop())
    assert same.nothing
    assert not same.wider
    assert (same.widened, same.narrowed, same.promises, same.words) == ((), (), {}, ())
    assert (same.retention, same.cookies, same.conditions) == ((), (), ())
    assert same.decisions > 100


def test_a_need_taken_away_widens_and_the_way_back_narrows() -> None:
    there = difference(STRICT, LOOSE)
    (change,) = there.widened
    assert change.says == "`use` of `name` for `order` by `site`"
    assert (change.promises, change.when, change.decisions) == (("P-1",), ("in-time",), 1)
    assert there.narrowed == ()
    assert there.promises == {"P-1": (1, 0)}
    assert there.wider
    back = difference(LOOSE, STRICT)
    assert (back.widened, back.narrowed) == (there.narrowed, there.widened)
    assert not back.wider


def test_a_never_taken_away_widens_what_it_refused() -> None:
    old = policy({"P-1": [use("name")], "P-2": [never("use")]})
    new = policy({"P-1": [use("name")], "P-3": [never("sell")]})
    change = difference(old, new)
    assert len(change.widened) == 1
    assert (change.added, change.removed) == (("P-3",), ("P-2",))


def test_words_alone_are_told_from_meaning() -> None:
    first, second = STRICT.promises
    said = replace(first, says="in other words", clauses=tuple(reversed(first.clauses)))
    meant = replace(second, says="something else", clauses=(never("sell"),))
    change = difference(STRICT, replace(STRICT, promises=(said, meant)))
    assert change.words == ("P-1",)
    assert not change.wider


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ([keep("name", days=30)], [keep("name", days=31)], ("for 30 days", "for 31 days", True)),
        ([keep("name", days=30)], [keep("name", days=7)], ("for 30 days", "for 7 days", False)),
        ([keep("name", days=30)], [], ("for 30 days", "until the person is erased", True)),
        ([], [replace(keep("name"), term=None, until="told")], ("until the person is erased", "until `told`", False)),
    ],
)
def test_a_change_of_retention_is_found(old: list[Any], new: list[Any], expected: tuple[str, str, bool]) -> None:
    change = difference(policy({"P-1": [collect("name"), *old]}), policy({"P-1": [collect("name"), *new]}))
    before, now, wider = expected
    assert pairs(change.retention) == [(f"`name` through `order`: kept {before} before, {now} now", wider)]
    assert change.wider is wider


def test_changes_of_cookies_are_found() -> None:
    old = policy({"P-1": [cookie("cart"), cookie("gone")]})
    longer = replace(cookie("cart"), lifetime=timedelta(days=30), paths=("/",))
    change = difference(old, policy({"P-1": [longer, cookie("new")]}))
    assert pairs(change.cookies) == [
        ("the cookie `cart` lives 30 days, before until the browser closes", True),
        ("the cookie `cart` is set on `/`", True),
        ("the cookie `gone` is gone", False),
        ("the cookie `new` is new", True),
    ]


def test_what_is_counted_of_visits_is_compared() -> None:
    old = shop()
    name, one = next(iter(old.categories.items()))
    new = replace(old, categories={**old.categories, name: replace(one, apart="visits", counts=("region",))})
    assert pairs(difference(old, new).visits) == [(f"`{name}` counts `region` of visits now", True)]
    assert difference(old, new).wider
    assert pairs(difference(new, old).visits) == [(f"`{name}` counts `region` of visits no more", False)]


def test_a_condition_that_holds_more_often_is_found() -> None:
    old = shop()
    longer = replace(PAYMENTS, contract=Contract(PAYMENTS.contract.from_, PAYMENTS.contract.to.replace(year=2030)))  # type: ignore[union-attr]  # it has one
    new = replace(
        old,
        requests={"order": RequestKind("order", ("order", "news"))},
        recipients={**old.recipients, "payments": longer},
    )
    change = difference(old, new)
    assert change.widened == ()
    assert [aside.says for aside in change.conditions] == [
        "a request of the kind `order` serves `news` now",
        "the contract of `payments` runs from 2026-01-01 up to 2030-01-01 now",
    ]
    assert change.wider
    assert not difference(new, old).wider


@given(many_policies(), many_policies())
@settings(max_examples=20)
def test_what_is_widened_was_refused_before_and_is_allowed_now(old: Policy, new: Policy) -> None:
    before, after = compile_policy(old), compile_policy(new)
    for change in difference(old, new).widened:
        action, actor, purpose, category, recipient, form = change.key
        ask = Request(action, actor, purpose, (category,), recipient, form)  # type: ignore[arg-type]  # it is an action
        facts = Facts(bits(change.when))
        assert not isinstance(decide(before, ask, facts), Allow)
        assert isinstance(decide(after, ask, facts), Allow)


def test_two_real_policies_are_compared_whole() -> None:
    change = difference(read(POLICIES[0]), read(POLICIES[1]))
    assert change.widened
    assert change.narrowed
    assert change.decisions > 1000
