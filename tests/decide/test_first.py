"""What must happen before a new version takes effect is read off the promises of the old one."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from avow.decide.difference import difference
from avow.decide.first import first, touched
from avow.policy.model import Change, ChangeDuty, Protect, Role
from tests.decide.small import HERE, collect, cookie, keep, needs, policy, use
from tests.policy.five import SITES, next_of, policy_of

STRICT, LOOSE = use("name", when=needs("consent")), use("name")


def steps(*duties: ChangeDuty, old: Any = STRICT, new: Any = LOOSE) -> list[tuple[str, str]]:
    """From a policy with these duties, each a promise of its own."""
    change = {f"C-{n}": [Change((duty,), None, HERE)] for n, duty in enumerate(duties)}
    before, after = (policy({"P-1": [clause], **change}) for clause in (old, new))
    return [(one.duty, one.promise) for one in first(difference(before, after), before)]


@pytest.mark.parametrize(
    ("duties", "expected"),
    [
        (("post",), [("post", "C-0"), ("ask", "")]),
        (("announce", "post"), [("post", "C-1"), ("announce", "C-0"), ("ask", "")]),
        (("contact-affected",), [("contact-affected", "C-0")]),
        (("contact-affected", "forward-only"), [("contact-affected", "C-0"), ("ask", "C-1")]),
        (("forward-only", "post"), [("post", "C-1"), ("ask", "C-0")]),
        (("accept-by-use",), [("ask", "")]),
        ((), [("ask", "")]),
    ],
)
def test_what_comes_before_a_wider_version(duties: tuple[ChangeDuty, ...], expected: list[tuple[str, str]]) -> None:
    assert steps(*duties) == expected


def test_what_only_narrows_is_posted_and_announced_and_asks_nobody() -> None:
    every: tuple[ChangeDuty, ...] = ("post", "announce", "forward-only", "contact-affected", "accept-by-use")
    assert steps(*every, old=LOOSE, new=STRICT) == [("post", "C-0"), ("announce", "C-1")]


def test_the_duties_are_those_of_the_version_in_force_and_not_of_the_one_to_come() -> None:
    old = policy({"P-1": [STRICT]})
    new = replace(old, promises=policy({"P-1": [LOOSE], "P-2": [Change(("contact-affected",), None, HERE)]}).promises)
    assert [one.duty for one in first(difference(old, new), old)] == ["ask"]


def test_a_duty_of_two_promises_is_said_with_both() -> None:
    assert steps("post", "post", old=LOOSE, new=STRICT) == [("post", "C-0"), ("post", "C-1")]


@pytest.mark.parametrize(
    ("site", "expected"),
    [
        ("aimini", [("ask", "")]),
        ("audiomidi", [("post", "AUD-13"), ("ask", "")]),
        ("aitpro", [("contact-affected", "AIT-17")]),
        ("aitoc", [("post", "TOC-2"), ("announce", "TOC-15"), ("ask", "TOC-2")]),
        ("daminion", [("ask", "")]),
    ],
)
def test_what_comes_first_for_the_real_policies(site: str, expected: list[tuple[str, str]]) -> None:
    steps = first(difference(policy_of(site), next_of(site)), policy_of(site))
    assert [(one.duty, one.promise) for one in steps] == expected
    assert all(len(one.says) > 20 for one in steps)


def test_touched_is_what_is_held_already_and_serves_more() -> None:
    """Of the five sites and their next versions; what is collected anew only, or by a processor, touches nobody."""
    found = {name: touched(difference(policy_of(name), next_of(name)), policy_of(name)) for name in SITES}
    assert found == {
        "aimini": ("order-reference",), "aitoc": ("postal-address", "items"), "aitpro": ("phone", "message", "items"),
        "audiomidi": ("name", "items", "phone", "interest"), "daminion": ("phone",),
    }  # fmt: skip


def test_what_only_narrows_or_is_collected_anew_touches_nobody() -> None:
    narrow = policy({"P-1": [STRICT]})
    assert touched(difference(policy({"P-1": [LOOSE]}), narrow), narrow) == ()
    assert touched(difference(narrow, policy({"P-1": [STRICT, collect("name")]})), narrow) == ()


def about(*new: Any, **declared: Any) -> tuple[str, ...]:
    """What is touched where a policy with one use of a name, kept 30 days, becomes this one."""
    clauses: list[Any] = [collect("name", "email"), STRICT, keep("name", "email"), Protect(("tls", "backup"), HERE)]
    old = policy({"P-1": clauses})
    after = replace(old, promises=policy({"P-1": [*new, *clauses[len(new) :]]}).promises, **declared)
    return touched(difference(old, after), old)


def test_what_is_kept_longer_is_touched() -> None:
    asks, kept = collect("name", "email"), keep("email")
    assert about() == ()
    assert about(asks, LOOSE) == ("name",)
    assert about(asks, STRICT, replace(kept, categories=("name", "email"), term=timedelta(days=90))) == (
        "email",
        "name",
    )
    assert about(asks, LOOSE, replace(kept, term=timedelta(days=90))) == ("email", "name")


def test_what_no_single_category_shows_touches_everything_held() -> None:
    asks, kept = collect("name", "email"), keep("name", "email")
    assert about(asks, LOOSE, kept, Protect(("tls",), HERE)) == ("email", "name", "phone")


def test_a_cookie_and_a_form_touch_nothing_that_is_held() -> None:
    optional = replace(collect("name"), optional=("email",))
    assert (
        about(
            collect("name", "email"), STRICT, keep("name", "email"), Protect(("tls", "backup"), HERE), cookie("guest")
        )
        == ()
    )
    old = policy({"P-1": [optional]})
    assert touched(difference(old, policy({"P-1": [collect("name", "email")]})), old) == ()


def test_a_new_role_touches_nothing_by_what_everybody_may_do() -> None:
    roles = {"packer": Role("packer"), "clerk": Role("clerk")}
    assert about(roles=roles) == ()
    assert about(collect("name", "email"), use("name"), roles=roles) == ("name",)
