"""Nothing that a merchant can change in a policy goes by without the difference saying so."""

from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import date, timedelta
from typing import Any

import pytest

from avow.decide.asides import Aside
from avow.decide.difference import PARTS, Difference, difference
from avow.policy.model import (
    Attestation,
    Category,
    Change,
    Choose,
    Clause,
    Collect,
    Contract,
    Controller,
    Form,
    Inform,
    Keep,
    KeepApart,
    Never,
    Policy,
    Protect,
    Purpose,
    Recipient,
    RequestKind,
    Right,
    Role,
    Source,
)
from tests.decide.small import HERE, PAYMENTS, collect, cookie, needs, never, policy, shop, use
from tests.policy.five import SITES, policy_of


def said(old: Policy, new: Policy, part: str) -> list[tuple[str, bool]]:
    return [(one.says, one.wider) for one in getattr(difference(old, new), part)]


def of(*clauses: Clause, **more: Any) -> Policy:
    """A small policy with one promise, and one that uses what is asked."""
    return policy({"P-1": clauses, "P-2": [use("name")]}, recipients=(PAYMENTS,), forms=FORMS, **more)


FORMS = {"order": None, "card-page": "payments"}
ONE = Choose(("news",), (), (), "order", "mail", False, HERE)
TWO = Choose((), ("payments",), ("name", "email"), "order", None, True, HERE)
ASK = Right(("ask",), ("mail", "phone"), (), timedelta(days=14), ("an office",), HERE)
STOP = Right(("opt-out",), ("link",), (), None, (), HERE)
POST = Change(("post",), timedelta(days=7), HERE)
TELL = Inform(("partner-notice",), ("payments",), HERE)
CARD = Collect("card-page", ("name",), ("email",), ("order",), HERE)


@pytest.mark.parametrize(
    ("part", "old", "new", "expected"),
    [
        ("forms", collect("name"), Collect("order", (), ("name",), ("order",), HERE),
         [("the form `order`: `name` need not be given any more", False)]),
        ("forms", Collect("order", (), ("name",), ("order",), HERE), collect("name"),
         [("the form `order`: `name` must be given now; before, it was up to the person", True)]),
        ("forms", CARD, replace(CARD, asks=("name", "phone")), [("the form `card-page` asks for `phone` now", True)]),
        ("forms", CARD, replace(CARD, optional=()), [("the form `card-page` no longer asks for `email`", False)]),
        ("forms", CARD, replace(CARD, purposes=("order", "news"), optional=()), [
            ("the form `card-page` asks for `name` for `news`, `order` now", True),
            ("the form `card-page` no longer asks for `email`", False)]),
        ("choices", ONE, replace(ONE, confirm=None), [("agreeing to `news` counts without being confirmed by mail now", True)]),
        ("choices", replace(ONE, confirm=None), ONE, [("agreeing to `news` counts only once it is confirmed by mail now", False)]),
        ("choices", ONE, replace(ONE, form=None), [("agreeing to `news` is put on no form of its own now", False)]),
        ("choices", ONE, replace(ONE, purposes=("order",)), [
            ("agreeing to `news` is no longer possible", False), ("agreeing to `order` is possible now", False)]),
        ("choices", TWO, replace(TWO, written=False),
         [("agreeing to `payments` having `name`, `email` counts without being in writing now", True)]),
        ("choices", TWO, replace(TWO, purposes=("news",)),
         [("agreeing to `payments` having `name`, `email` is for `news` now", True)]),
        ("choices", TWO, replace(TWO, categories=("name",)),
         [("agreeing to `payments` having `email` is no longer possible", False)]),
        ("rights", ASK, replace(ASK, routes=("mail",)), [("the right to `ask`: no longer `phone`", True)]),
        ("rights", ASK, replace(ASK, routes=("mail", "phone", "form")), [("the right to `ask`: now `form` as well", False)]),
        ("rights", ASK, replace(ASK, within=timedelta(days=30)),
         [("the right to `ask`: answered within 30 days now, before answered within 14 days", True)]),
        ("rights", ASK, replace(ASK, within=timedelta(days=7)),
         [("the right to `ask`: answered within 7 days now, before answered within 14 days", False)]),
        ("rights", ASK, replace(ASK, within=None),
         [("the right to `ask`: without a time to answer in now, before answered within 14 days", True)]),
        ("rights", ASK, replace(ASK, offices=()), [("`an office` is no longer named for complaints", True)]),
        ("rights", ASK, replace(ASK, rights=("complain",)), [
            ("the right to `ask` is no longer promised", True), ("the right to `complain` is promised now", False)]),
        ("rights", STOP, replace(STOP, channels=("mail",)), [
            ("the right to `opt-out` (`post`) is no longer promised", True),
            ("the right to `opt-out` (`phone`) is no longer promised", True)]),
        ("protection", Protect(("tls", "backup"), HERE), Protect(("tls",), HERE), [("`backup` is no longer promised", True)]),
        ("protection", KeepApart(("name",), HERE), KeepApart(("email",), HERE), [
            ("`name` is no longer promised to be kept apart", True), ("`email` is promised to be kept apart now", False)]),
        ("duties", POST, replace(POST, duties=("announce",)), [
            ("`post` is no longer promised", True), ("`announce` is promised now", False)]),
        ("duties", POST, replace(POST, duties=("post", "accept-by-use")), [("`accept-by-use` is promised now", True)]),
        ("duties", POST, replace(POST, bounce=timedelta(days=3)),
         [("for a notice to come back undelivered 3 days are left now", True)]),
        ("duties", POST, replace(POST, bounce=None), [("for a notice to come back undelivered no time is stated now", True)]),
        ("told", TELL, replace(TELL, recipients=()), [
            ("`partner-notice` (about `payments`) is no longer promised", True), ("`partner-notice` is promised now", False)]),
        ("cookies", cookie("pay", at="payments"), cookie("pay", "news", at="payments"),
         [("the cookie `pay` of `payments` serves `news`, before `order`", True)]),
        ("cookies", cookie("pay", at="payments", when=needs("consent")), cookie("pay", at="payments"),
         [("the cookie `pay` of `payments` needs nothing now", True)]),
        ("cookies", cookie("pay"), cookie("pay", at="payments"), [
            ("the cookie `pay` is gone", False), ("the cookie `pay` of `payments` is new", True)]),
        ("cookies", replace(cookie("pay"), paths=("/",)), replace(cookie("pay"), paths=("/cart", "/buy")),
         [("the cookie `pay` is set on `/cart`, `/buy`", False)]),
        ("cookies", replace(cookie("pay"), paths=("/cart",)), replace(cookie("pay"), paths=("/cartoons",)),
         [("the cookie `pay` is set on `/cartoons`", True)]),
    ],
)  # fmt: skip
def test_a_clause_that_says_something_else_is_told(
    part: str, old: Clause, new: Clause, expected: list[tuple[str, bool]]
) -> None:
    assert said(of(old), of(new), part) == expected
    assert difference(of(old), of(new)).wider is any(wider for _, wider in expected)


DAY, OTHER_DAY = date(2026, 1, 1), date(2028, 1, 1)
KNOWN = Recipient(
    "payments", "processor", "Cardhouse", "https://a.example", Contract(DAY, OTHER_DAY, "C-1"), "https://a.example"
)
DECLARED: list[tuple[str, Any, dict[str, tuple[Any, bool]]]] = [  # where, what, and each field with another value: is that wider?
    ("categories", Category("name", "Name", "your name"), {
        "term": ("Age", True), "says": ("your name and age", True), "look_up": (True, True), "channel": ("mail", False),
        "held_by": ("payments", True), "apart": ("visits", False), "counts": (("region",), True)}),
    ("purposes", Purpose("order", "Purpose", "to fill your order"), {
        "term": ("Marketing", True), "says": ("to fill your order and to advertise", True)}),
    ("requests", RequestKind("order", ("order",), "an order"), {"serves": (("order", "news"), True), "says": ("a wish", False)}),
    ("recipients", KNOWN, {
        "kind": ("third-party", True), "says": ("Elsewhere", True), "policy": ("https://b.example", False),
        "contract": (Contract(DAY, date(2029, 1, 1), "C-1"), True), "origin": ("https://b.example", True)}),
    ("roles", Role("packer", "people who pack"), {"says": ("anybody", True)}),
    ("forms", Form("order", "the order form"), {"says": ("the form", False), "at": ("payments", True), "opens": ("order", True)}),
]  # fmt: skip


def declaring(base: Any, where: str, one: Any) -> Policy:
    made: Policy = replace(base, **{where: {**getattr(base, where), one.name: one}})
    return made


def every_field() -> Iterator[Any]:
    for where, one, others in DECLARED:
        for each in fields(one):
            if each.name not in ("name", "place"):
                value, wider = others[each.name]  # a new field of the model stops here, until it is told
                yield pytest.param(where, one, each.name, value, wider, id=f"{where}-{each.name}")


@pytest.mark.parametrize(("where", "one", "name", "value", "wider"), [*every_field()])
def test_whatever_is_declared_otherwise_is_told(where: str, one: Any, name: str, value: Any, *, wider: bool) -> None:
    base = of(collect("name"))
    old, new = declaring(base, where, one), declaring(base, where, replace(one, **{name: value}))
    found = difference(old, new)
    assert found.asides
    assert found.wider is wider
    assert all(aside.words and "`" not in aside.words for aside in found.asides)


@pytest.mark.parametrize("where", ["categories", "purposes", "requests", "recipients", "roles", "forms"])
def test_whatever_is_declared_anew_or_no_more_is_told(where: str) -> None:
    base = of(collect("name"))
    one = next(each for place, each, _ in DECLARED if place == where)
    more = declaring(base, where, replace(one, name="another"))
    for old, new, word in ((base, more, "new"), (more, base, "gone")):
        found = difference(old, new)
        assert [aside.says.endswith(f"is {word}") for aside in (*found.declared, *found.forms)] == [True]
        assert found.wider is (where == "requests" and word == "new")  # an open one of that kind makes a condition hold


@pytest.mark.parametrize(
    ("changed", "wider"),
    [
        ({"controller": Controller("Another Company", {"email": "privacy@small.example"})}, True),
        ({"controller": Controller("SMALL.", {"email": "privacy@small.example"})}, None),
        ({"controller": Controller("Small", {"email": "other@small.example"})}, False),
        ({"controller": Controller("Small", {"phone": "1", "email": "privacy@small.example"})}, False),
        ({"controller": Controller("Small", {})}, True),
        ({"controller": Controller("Small", {"email": "privacy@small.example"}, "https://small.example")}, False),
        ({"site": "another"}, True),
    ],
)
def test_who_makes_the_promises_is_told(changed: Any, wider: bool | None) -> None:
    found = difference(of(collect("name")), replace(of(collect("name")), **changed))
    assert found.nothing is (wider is None)
    assert found.wider is bool(wider)


def test_words_that_differ_in_nothing_but_their_dress_mean_the_same() -> None:
    old = shop()
    new = replace(old, purposes={**old.purposes, "order": replace(old.purposes["order"], says="  FOR order. ")})
    assert difference(old, new).nothing


def test_who_vouches_for_a_promise_and_where_it_stands_is_told() -> None:
    base = of(collect("name"))

    def put(**changed: Any) -> Policy:
        return replace(base, promises=(replace(base.promises[0], **changed), base.promises[1]))

    vouched, sooner = (put(attest=Attestation("contract", day)) for day in (OTHER_DAY, DAY))
    assert said(vouched, base, "beside") == [("P-1 rests on nobody's word any more", True)]
    assert said(vouched, sooner, "beside") == [("P-1 rests on `contract` until 2026-01-01 now", True)]
    assert said(base, vouched, "beside") == [("P-1 rests on `contract` until 2028-01-01 now", False)]
    assert said(base, put(source=Source("t", 2)), "beside") == [("P-1 stands in `t, sentence 2` now", False)]


@pytest.mark.parametrize(
    ("was", "now", "wider"),
    [
        (
            Keep(("name",), (), None, "told", HERE),
            Keep(("name",), (), None, "paid", HERE),
            True,
        ),  # nobody knows which is later
        (Keep(("name",), (), None, "told", HERE), Keep(("name",), (), timedelta(days=9), None, HERE), True),
        (Keep(("name",), (), timedelta(days=9), None, HERE), Keep(("name",), (), None, "told", HERE), True),
    ],
)
def test_two_ends_of_which_nobody_can_tell_the_later_are_wider(was: Keep, now: Keep, *, wider: bool) -> None:
    assert [found[1] for found in said(of(collect("name"), was), of(collect("name"), now), "retention")] == [wider]


def test_what_came_by_a_form_that_is_gone_is_still_compared() -> None:
    keep = Keep(("name",), ("order",), timedelta(days=9), None, HERE)
    old, new = of(collect("name"), keep), of(collect("name", form="card-page"))
    assert ("`name` through `order`: kept for 9 days before, until the person is erased now", True) in said(
        old, new, "retention"
    )


def test_a_role_that_may_do_nothing_makes_no_version_wider() -> None:
    base = of(collect("name"))
    found = difference(base, replace(base, roles={**base.roles, "guest": Role("guest")}))
    assert {change.key[0] for change in found.widened} == {"erase"}  # which only narrows, and everybody may
    assert not found.wider


def test_a_promise_is_changed_that_means_something_else_even_where_no_answer_shows_it() -> None:
    found = difference(of(collect("name"), never("sell")), of(collect("name"), never(otherwise=True)))
    assert (found.changed, found.words, found.nothing) == (("P-1",), (), False)


def mutated(clause: Any) -> Iterator[Clause]:
    """The clause with each of its lists a member shorter and each of its marks turned round."""
    for each in fields(clause):
        value = getattr(clause, each.name)
        if isinstance(value, tuple) and value:
            yield replace(clause, **{each.name: value[1:]})
        elif isinstance(value, bool):
            yield replace(clause, **{each.name: not value})
        elif isinstance(value, timedelta):
            yield replace(clause, **{each.name: value * 2})
        elif isinstance(value, frozenset) and value - {
            "case",
            "contract",
            "notice-owed",
        }:  # these the language asks for itself
            yield replace(clause, **{each.name: frozenset()})


@pytest.mark.parametrize("site", SITES)
def test_no_clause_of_a_real_policy_can_change_and_nobody_is_told(site: str) -> None:
    """A clause by itself, since another may say the same: it shows in an answer or beside it, a never at least as changed."""
    base = policy_of(site)
    silent = []
    for promise in base.promises:
        for clause in promise.clauses:
            old = replace(base, promises=(replace(promise, clauses=(clause,)),))
            for other in mutated(clause):
                found = difference(old, replace(old, promises=(replace(promise, clauses=(other,)),)))
                if found.changed != (promise.id,) or not (isinstance(clause, Never) or _told(found)):
                    silent.append((promise.id, clause, other))
    assert silent == []


def _told(found: Difference) -> bool:
    return bool(found.widened or found.narrowed or found.asides)


def test_every_part_is_said_by_the_names_and_for_people() -> None:
    found = difference(policy_of("daminion"), policy_of("aitoc"))
    assert {part for part in PARTS if getattr(found, part)} >= {
        "forms",
        "choices",
        "rights",
        "protection",
        "told",
        "declared",
    }
    for aside in found.asides:
        assert isinstance(aside, Aside)
        assert aside.says
        assert "`" not in aside.words
        assert aside.words.endswith((".", "?", "!"))
