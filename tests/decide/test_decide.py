"""How a request is decided, whatever the policy."""

from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avow.decide import decide as module
from avow.decide.decide import decide
from avow.decide.request import NOTHING, Allow, Facts, Refuse, Request, bits, names
from avow.decide.table import Table, compile_policy
from avow.policy.model import ACTIONS, CONDITIONS, RECIPIENT_KINDS, Policy
from tests.decide.small import CATEGORIES, PURPOSES, many_policies, needs, never, policy, share, shop, use

SHOP = shop()
TABLE = compile_policy(SHOP)
EVERYTHING = (1 << len(CONDITIONS)) - 1
USE = Request("use", "site", "order", ("name",))

ASKS = st.builds(
    Request,
    st.sampled_from(ACTIONS),
    st.sampled_from(("site", "person", "packer", "stranger")),
    st.sampled_from((*PURPOSES, "rights", "undeclared")),
    st.lists(st.sampled_from((*CATEGORIES, "cart", "undeclared")), min_size=1, max_size=3).map(tuple),
    st.sampled_from((None, "payments", "police", *RECIPIENT_KINDS, "undeclared")),
    st.sampled_from((None, None, "order", "card-page", "undeclared")),
)
HELD = st.integers(0, EVERYTHING)


@st.composite
def likely(draw: st.DrawFn) -> tuple[Table, Request, Facts]:
    """A request that some cell of a policy is about, most often."""
    table = TABLE if draw(st.booleans()) else compile_policy(draw(many_policies()))
    if draw(st.integers(0, 3)) == 0:
        return table, draw(ASKS), Facts(draw(HELD))
    action, actor, purpose, category, recipient, form = draw(st.sampled_from(list(table.cells)))
    ask = Request(action, actor, purpose, (category,), recipient, form)  # type: ignore[arg-type]  # it is an action
    return table, ask, Facts(draw(st.one_of(HELD, st.just(EVERYTHING))))


@given(likely(), HELD)
def test_more_facts_never_turn_an_allowance_into_a_refusal(asked: tuple[Table, Request, Facts], more: int) -> None:
    table, ask, facts = asked
    if isinstance(decide(table, ask, facts), Allow):
        assert isinstance(decide(table, ask, Facts(facts.held | more)), Allow)
        assert isinstance(decide(table, ask, Facts(facts.held, {ask.categories[0]: more})), Allow)


@given(likely(), st.lists(st.sampled_from((*CATEGORIES, "undeclared")), max_size=3))
def test_asking_for_more_never_turns_a_refusal_into_an_allowance(
    asked: tuple[Table, Request, Facts], more: list[str]
) -> None:
    table, ask, facts = asked
    if isinstance(decide(table, ask, facts), Refuse):
        assert isinstance(decide(table, ask._replace(categories=(*ask.categories, *more)), facts), Refuse)


@given(likely())
def test_an_answer_names_promises_that_exist_in_the_policys_order(asked: tuple[Table, Request, Facts]) -> None:
    table, ask, facts = asked
    answer = decide(table, ask, facts)
    assert answer.promises == table.in_order(answer.promises)
    assert table.in_order(answer.promises) == answer.promises
    if isinstance(answer, Allow):
        assert {duty.promise for duty in answer.obligations} <= {*table.order, ""}


@given(likely())
def test_what_a_refusal_misses_would_have_changed_it_and_nothing_less(asked: tuple[Table, Request, Facts]) -> None:
    table, ask, facts = asked
    answer = decide(table, ask, facts)
    if isinstance(answer, Refuse) and answer.missing:
        lacking = bits(answer.missing)
        assert not lacking & facts.held
        assert isinstance(decide(table, ask, Facts(facts.held | lacking)), Allow)
        for name in answer.missing:
            assert isinstance(decide(table, ask, Facts(facts.held | lacking & ~bits([name]))), Refuse)
    elif isinstance(answer, Refuse):
        assert isinstance(decide(table, ask, Facts(EVERYTHING)), Refuse)


@given(many_policies(), ASKS, HELD)
@settings(max_examples=20)
def test_a_never_without_exceptions_always_wins(made: Policy, ask: Request, held: int) -> None:
    sealed = replace(made, promises=(*made.promises, *policy({"Z": [never("use", "share", "mail")]}).promises))
    if ask.action in {"use", "share", "mail"}:
        assert isinstance(decide(compile_policy(sealed), ask, Facts(held)), Refuse)


GARBAGE = st.one_of(
    st.none(), st.text(max_size=3), st.integers(), st.lists(st.text(max_size=2)), st.just({}), st.just(())
)


@given(GARBAGE, GARBAGE, GARBAGE, st.one_of(GARBAGE, st.tuples(GARBAGE)), GARBAGE, GARBAGE, HELD)
def test_garbage_is_refused_and_never_an_error(
    action: Any, actor: Any, purpose: Any, categories: Any, recipient: Any, form: Any, held: int
) -> None:
    assert isinstance(decide(TABLE, Request(action, actor, purpose, categories, recipient, form), Facts(held)), Refuse)


def test_facts_that_are_no_facts_are_refused() -> None:
    assert isinstance(decide(TABLE, USE, Facts(None)), Refuse)  # type: ignore[arg-type]  # planted
    assert isinstance(decide(TABLE, USE, None), Refuse)  # type: ignore[arg-type]  # planted


@pytest.mark.parametrize(
    ("ask", "answer"),
    [
        (USE._replace(action=cast("Any", "borrow")), module.NO_ACTION),
        (USE._replace(actor="stranger"), module.NO_ACTOR),
        (USE._replace(purpose="gossip"), module.NO_PURPOSE),
        (USE._replace(categories=("shoe-size",)), module.NO_CATEGORY),
        (USE._replace(categories=()), module.EMPTY),
        (USE._replace(recipient="payments"), module.WANTS_RECIPIENT),
        (USE._replace(form="order"), module.WANTS_FORM),
        (USE._replace(action="share"), module.WANTS_RECIPIENT),
        (USE._replace(action="share", recipient="a stranger"), module.NO_RECIPIENT),
        (USE._replace(action="collect", actor="person"), module.WANTS_FORM),
        (USE._replace(action="collect", actor="person", form="quiz"), module.NO_FORM),
        (USE._replace(action="collect", actor="person", form="order", recipient="payments"), module.WANTS_RECIPIENT),
        (Request("set-cookie", "site", "gossip", ("cart",)), module.NO_PURPOSE),
    ],
)
def test_an_unknown_word_is_refused_by_default_and_names_no_promise(ask: Request, answer: Refuse) -> None:
    assert decide(TABLE, ask, Facts(EVERYTHING)) is answer
    assert answer.promises == () == answer.missing


def every_question() -> list[tuple[Request, Facts]]:
    """Requests in and out of the shop's words, most of them granted by nothing, each under several facts."""
    return [
        (Request(cast("Any", action), actor, purpose, (category,), recipient, form), Facts(held))
        for action, recipient, form in (
            ("use", None, None), ("link", None, None), ("set-cookie", None, None), ("collect", None, "order"),
            ("share", "payments", None), ("share", "list-broker", None), ("sell", "list-broker", None), ("share", "?", None),
        )
        for actor in ("site", "packer", "?")
        for purpose in ("order", "news", "?")
        for category in ("email", "ip", "card", "cart", "?")
        for held in (0, EVERYTHING, bits(["request"]), bits(["consent", "approval"]), EVERYTHING - bits(["case"]))
    ]  # fmt: skip


@pytest.mark.parametrize("remembered", [0, 1, 7, module.REMEMBERED])
def test_what_a_table_remembers_changes_no_answer(monkeypatch: pytest.MonkeyPatch, remembered: int) -> None:
    monkeypatch.setattr(module, "REMEMBERED", remembered)
    used = compile_policy(SHOP)
    asked = every_question()
    answers = [decide(used, ask, facts) for ask, facts in asked]
    assert [decide(used, ask, facts) for ask, facts in reversed(asked)] == answers[::-1]
    for (ask, facts), answer in zip(asked, answers, strict=True):
        assert decide(replace(used, ungranted={}, alike={}, refusals={}), ask, facts) == answer
    assert 0 < len(used.ungranted) <= max(1, remembered)


def test_a_table_remembers_no_word_that_its_policy_lacks() -> None:
    table = compile_policy(SHOP)
    for number in range(200):
        word = f"word-{number}"
        for ask in (
            USE._replace(actor=word), USE._replace(purpose=word), USE._replace(categories=(word,)), USE._replace(form=word),
            USE._replace(action="share", recipient=word), Request("set-cookie", "site", "order", (word,)),
        ):  # fmt: skip
            assert isinstance(decide(table, ask, Facts(EVERYTHING)), Refuse)
    assert table.ungranted == {}
    assert len(table.alike) == 1  # all strange cookies are one


def test_several_categories_are_allowed_together_or_not_at_all() -> None:
    made = policy({"P-1": [use("email")], "P-2": [use("name", when=needs("request"))], "P-3": [use("name", "email")]})
    table = compile_policy(made)
    both = USE._replace(categories=("name", "email"))
    held = Facts.of("in-time", "request")
    assert decide(table, both, held) == Allow(("P-1", "P-2", "P-3"))
    assert decide(table, both._replace(categories=("name", "email", "phone")), held).promises == ()
    only_one = Facts(bits(["request"]), {"name": bits(["in-time"])})
    assert decide(table, both, only_one) == Refuse(("P-1", "P-3"), "`use` needs `in-time` as well", ("in-time",))
    assert decide(table, both._replace(categories=("name", "name")), only_one) == Allow(("P-2", "P-3"))


def test_a_refusal_of_several_names_the_refusing_ones_only_and_misses_what_all_miss() -> None:
    made = policy(
        {
            "P-1": [use("email", when=needs("consent"))],
            "P-2": [use("name", when=needs("request"))],
            "P-3": [use("phone")],
            "P-4": [never("use", categories=("ip",))],
        },
        categories=SHOP.categories.values(),
    )
    table = compile_policy(made)
    three = decide(table, USE._replace(categories=("phone", "name", "email")), Facts.of("in-time"))
    assert isinstance(three, Refuse)
    assert (three.promises, three.missing) == (("P-1", "P-2"), ("request", "consent"))
    hopeless = decide(table, USE._replace(categories=("name", "ip")), Facts.of("in-time"))
    assert isinstance(hopeless, Refuse)
    assert (hopeless.promises, hopeless.missing) == (("P-2", "P-4"), ())


def test_conditions_are_bits_in_their_order() -> None:
    assert names(EVERYTHING) == CONDITIONS
    assert names(bits(["in-time", "volunteered"])) == ("volunteered", "in-time")
    assert Facts(3).by_category is NOTHING
    assert Facts.of("consent", postal_address=["in-time"]).by_category == {"postal-address": bits(["in-time"])}


def test_only_what_is_refused_by_a_never_changes_when_the_never_goes() -> None:
    made = policy(
        {"P-1": [share("name")], "P-2": [never("share", unless=[["consent"]])]}, recipients=SHOP.recipients.values()
    )
    ask = Request("share", "site", "order", ("name",), "payments")
    refused = decide(compile_policy(made), ask, Facts.of("in-time", "contract"))
    assert refused == Refuse(("P-2",), "`share` is never allowed here unless `consent` holds", ("consent",))
    freed = compile_policy(replace(made, promises=made.promises[:1]))
    assert isinstance(decide(freed, ask, Facts.of("in-time", "contract")), Allow)
    assert isinstance(decide(freed, ask, Facts.of("in-time")), Refuse)
