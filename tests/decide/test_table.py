"""What the table holds: every answer of every cell, made beforehand."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from avow.decide.decide import decide
from avow.decide.grants import Key, grants
from avow.decide.nevers import mentions
from avow.decide.request import Allow, Facts, Obligation, Refuse, Request, bits
from avow.decide.table import compile_policy, single_bits, span, subsets
from avow.policy.model import Choose, Condition, Keep, Never, Policy, Use
from tests.decide.small import (
    HERE,
    PAYMENTS,
    POLICE,
    category,
    collect,
    contact,
    cookie,
    keep,
    keep_apart,
    many_policies,
    needs,
    never,
    policy,
    right,
    share,
    shop,
    use,
)


def answer(made: Policy, ask: Request, *held: Condition) -> Allow | Refuse:
    return decide(compile_policy(made), ask, Facts.of(*held))


USE = Request("use", "site", "order", ("name",))
SHARE = Request("share", "site", "order", ("name",), "payments")
MAIL = Request("mail", "site", "news", ("email",))
COLLECT = Request("collect", "person", "order", ("name",), None, "order")


@pytest.mark.parametrize(
    ("clause", "ask", "guards"),
    [
        pytest.param(collect("name"), COLLECT, ["volunteered"], id="collecting-needs-a-volunteer"),
        pytest.param(collect("name"), COLLECT._replace(actor="site"), ["volunteered"], id="so-does-an-import"),
        pytest.param(use("name"), USE, ["in-time"], id="use-needs-a-datum-in-time"),
        pytest.param(
            use("name", by=("packer",)), USE._replace(actor="packer"), ["in-time", "standing"], id="staff-stand"
        ),
        pytest.param(
            use("name", by=("person",)),
            USE._replace(actor="person"),
            ["in-time", "identified"],
            id="persons-are-identified",
        ),
        pytest.param(share("name"), SHARE, ["in-time", "contract"], id="a-processor-has-a-contract"),
        pytest.param(
            share("name", to=("processor",)),
            SHARE._replace(recipient="processor"),
            ["in-time", "contract"],
            id="an-undeclared-processor-too",
        ),
        pytest.param(
            share("name", to=("police",)),
            SHARE._replace(recipient="police"),
            ["in-time", "case"],
            id="an-authority-has-a-case",
        ),
        pytest.param(
            share("name", to=("fraud-prevention",), way="sell"),
            SHARE._replace(action="sell", recipient="fraud-prevention"),
            ["in-time", "case"],
            id="fraud-prevention-has-a-case",
        ),
        pytest.param(
            share("name", to=("public",), way="summarise"),
            SHARE._replace(action="summarise", recipient="public"),
            [],
            id="statistics-have-no-guard",
        ),
        pytest.param(contact("mail"), MAIL, ["in-time", "no-opt-out"], id="mail-stops-at-an-opt-out"),
        pytest.param(
            contact("mail", despite=True), MAIL, ["in-time", "notice-owed"], id="but-a-notice-owed-may-pass-it"
        ),
        pytest.param(
            cookie("cart"), Request("set-cookie", "site", "order", ("cart",)), ["on-path"], id="cookies-have-paths"
        ),
    ],
)
def test_a_grant_comes_with_its_guards_and_no_others(clause: Any, ask: Request, guards: list[Condition]) -> None:
    made = policy({"P-1": [clause]}, recipients=(PAYMENTS, POLICE))
    held = Facts.of(*guards)
    table = compile_policy(made)
    assert isinstance(decide(table, ask, held), Allow)
    for left_out in guards:
        refused = decide(table, ask, Facts(held.held & ~bits([left_out])))
        assert refused == Refuse(("P-1",), f"`{ask.action}` needs `{left_out}` as well", (left_out,))


def test_every_subset_of_conditions_has_its_own_answer() -> None:
    made = policy(
        {
            "P-1": [use("name", when=needs("request"))],
            "P-2": [use("name", when=needs("consent"))],
            "P-3": [never("use", unless=[["consent"], ["approval", "case"]])],
        }
    )
    table = compile_policy(made)
    both = needs("request", "in-time")
    expected: dict[frozenset[Condition], tuple[str, ...] | None] = {
        both: None,  # the never stands
        needs("consent", "in-time"): ("P-2",),
        needs("consent"): None,  # past its retention
        both | {"consent"}: ("P-1", "P-2"),
        both | {"approval"}: None,  # half an alternative is none
        both | {"approval", "case"}: ("P-1",),
        needs("approval", "case", "in-time"): None,  # lifted, but nobody grants
        needs(): None,
    }
    for held, promises in expected.items():
        found = decide(table, USE, Facts(bits(held)))
        assert (found.promises if isinstance(found, Allow) else None) == promises


def test_a_refusal_names_the_nevers_before_the_grants_that_lack_something() -> None:
    made = policy({"P-1": [use("name", when=needs("request"))], "P-2": [never("use", unless=[["consent"]])]})
    assert answer(made, USE).promises == ("P-2",)
    assert answer(made, USE, "consent").promises == ("P-1",)


def test_a_refusal_tells_the_fewest_conditions_that_would_have_changed_it() -> None:
    made = policy(
        {"P-1": [use("name", when=needs("request"))], "P-2": [never("use", unless=[["approval", "case"], ["consent"]])]}
    )
    refused = answer(made, USE, "in-time")
    assert isinstance(refused, Refuse)
    assert refused.missing == ("request", "consent")


def test_where_nothing_grants_the_promises_that_state_the_limits_are_named() -> None:
    made = policy({"P-1": [use("name", purposes=("news",))], "P-2": [never(otherwise=True)], "P-3": [use("email")]})
    assert answer(made, USE).promises == ("P-1", "P-2")
    assert answer(made, USE._replace(categories=("phone",))).promises == ("P-2",)


def test_a_default_deny_promise_blocks_nothing_of_its_own() -> None:
    made = policy({"P-1": [use("name")], "P-2": [never(otherwise=True)]})
    assert answer(made, USE, "in-time") == Allow(("P-1",))


def test_a_kind_in_a_never_covers_the_declared_recipients_of_that_kind() -> None:
    made = policy({"P-1": [share("name")], "P-2": [never("share", to=("processor",))]}, recipients=(PAYMENTS,))
    assert answer(made, SHARE, "in-time", "contract").promises == ("P-2",)


def test_a_kind_in_a_grant_is_only_for_those_that_are_not_declared() -> None:
    made = policy({"P-1": [share("name", to=("processor",))]}, recipients=(PAYMENTS,))
    assert isinstance(answer(made, SHARE, "in-time", "contract"), Refuse)


def test_what_a_processor_holds_is_never_collected_and_the_promises_that_speak_of_it_say_so() -> None:
    made = policy(
        {"P-1": [collect("card", form="page")], "P-2": [collect("card", "name")], "P-3": [use("name")]},
        categories=(category("card", held_by="payments"), category("name"), category("email", "mail")),
        recipients=(PAYMENTS,),
        forms={"order": None, "page": "payments"},
    )
    for form in ("order", "page"):
        refused = answer(made, COLLECT._replace(categories=("card",), form=form), "volunteered")
        assert refused == Refuse(("P-1", "P-2"), "`collect` is never allowed here")
    assert answer(made, COLLECT, "volunteered").promises == ("P-2",)
    assert mentions(made, "card") == ("P-1", "P-2")


def test_what_is_kept_apart_is_never_tied_to_a_person_nor_collected_into_the_vault() -> None:
    made = policy({"P-1": [keep_apart("ip"), use("ip")]}, categories=(category("ip", apart="visits"), category("name")))
    everything = Facts((1 << 14) - 1)
    table = compile_policy(made)
    assert decide(table, Request("link", "site", "order", ("ip",)), everything).promises == ("P-1",)
    assert isinstance(decide(table, COLLECT._replace(categories=("ip",)), everything), Refuse)
    assert isinstance(decide(table, USE._replace(categories=("ip",)), everything), Allow)
    assert isinstance(decide(table, Request("access", "person", "rights", ("ip",)), everything), Refuse)


def test_no_cookies_at_all_refuses_every_cookie_by_its_promise() -> None:
    made = policy({"P-1": [cookie(None)], "P-2": [cookie("pay", at="payments")]}, recipients=(PAYMENTS,))
    for name in ("pay", "anything"):
        assert answer(made, Request("set-cookie", "site", "", (name,)), "on-path").promises == ("P-1",)


def test_a_cookie_that_is_not_declared_is_refused_by_the_promises_about_those_that_are() -> None:
    made = policy({"P-1": [cookie("cart")], "P-2": [use("name")]})
    assert answer(made, Request("set-cookie", "site", "", ("spy",)), "on-path").promises == ("P-1",)


@pytest.mark.parametrize(
    ("ask", "held", "promises"),
    [
        (Request("erase", "person", "rights", ("name",)), ["identified"], ("P-2",)),
        (Request("erase", "site", "rights", ("name",)), [], ("P-2",)),
        (Request("erase", "packer", "rights", ("name",)), ["standing"], ("P-2",)),
        (Request("access", "person", "rights", ("name",)), ["identified", "in-time"], ()),
        (Request("correct", "site", "rights", ("name",)), ["identified", "in-time"], ()),
    ],
)
def test_a_persons_own_rights_are_never_refused(ask: Request, held: list[Condition], promises: tuple[str, ...]) -> None:
    made = policy({"P-1": [never()], "P-2": [right("erase")]})
    assert answer(made, ask, *held) == Allow(promises)
    for left_out in held:
        assert isinstance(answer(made, ask, *(name for name in held if name != left_out)), Refuse)


def test_staff_may_not_read_all_about_a_person_under_the_persons_own_right() -> None:
    made = policy({"P-1": [right("access")]})
    assert isinstance(decide(compile_policy(made), Request("access", "packer", "rights", ("name",)), Facts(-1)), Refuse)


@pytest.mark.parametrize(
    ("clauses", "ask", "obligations"),
    [
        pytest.param(
            {
                "P-1": [contact("mail")],
                "P-2": [right("opt-out", of=("mail",))],
                "P-3": [right("opt-out", of=("phone",))],
            },
            MAIL,
            (Obligation("opt-out-link", "", "P-2"),),
            id="mail-carries-a-way-out",
        ),
        pytest.param(
            {"P-1": [contact("mail")]},
            MAIL,
            (Obligation("opt-out-link", "", ""),),
            id="even-where-no-promise-asks-for-it",
        ),
        pytest.param(
            {"P-1": [contact("phone")]},
            Request("call", "site", "news", ("phone",)),
            (Obligation("record-call", "", "P-1"),),
            id="calls-are-recorded",
        ),
        pytest.param(
            {"P-1": [share("name", to=("police",))]},
            SHARE._replace(recipient="police"),
            (Obligation("tell-the-person", "", "P-1"),),
            id="the-person-is-told-of-a-legal-disclosure",
        ),
        pytest.param(
            {"P-1": [collect("name")], "P-2": [keep("name", days=30), keep(days=365)]},
            COLLECT,
            (Obligation("erase-by", "30 days", "P-2"),),
            id="what-is-collected-has-its-end",
        ),
        pytest.param(
            {"P-1": [collect("name")], "P-2": [Keep((), ("order",), None, "order-closed", HERE)]},
            COLLECT,
            (Obligation("erase-by", "order-closed", "P-2"),),
            id="or-the-event-that-ends-it",
        ),
        pytest.param(
            {"P-1": [collect("name")], "P-2": [Choose(("order",), (), (), "order", "mail", written=False, place=HERE)]},
            COLLECT,
            (Obligation("confirm", "mail", "P-2"),),
            id="a-choice-is-confirmed",
        ),
        pytest.param(
            {"P-1": [collect("name")], "P-2": [Choose(("news",), (), (), "order", "mail", written=False, place=HERE)]},
            COLLECT,
            (),
            id="another-purpose's-choice-is-not",
        ),
    ],
)
def test_an_answer_carries_its_obligations(
    clauses: dict[str, Iterable[Any]], ask: Request, obligations: tuple[Obligation, ...]
) -> None:
    made = policy(clauses, recipients=(PAYMENTS, POLICE))
    assert decide(compile_policy(made), ask, Facts(-1)) == Allow(("P-1",), obligations)


def test_durations_are_said_in_days_or_else_in_hours() -> None:
    made = [keep(days=1), keep(days=14)]
    assert [span(one.term) for one in made if one.term] == ["1 day", "14 days"]
    assert span(made[0].term / 2) == "12 hours" if made[0].term else False


def test_alike_cells_are_one_value() -> None:
    table = compile_policy(policy({"P-1": [use("name", "email", "phone", purposes=("order", "news"))]}))
    used = [cell for key, cell in table.cells.items() if key[0] == "use"]
    assert len(used) == 6
    assert len({id(cell) for cell in used}) == 1


def test_subsets_are_all_there_once() -> None:
    assert sorted(subsets(0b1011)) == [0, 1, 2, 3, 8, 9, 10, 11]
    assert list(single_bits(0b1011)) == [1, 2, 8]


def walked(made: Policy, key: Key, held: int) -> bool:
    """The same question answered the slow way: every grant and every never looked at."""
    kinds = {recipient.name: recipient.kind for recipient in made.recipients.values()}
    if key[0] not in {"access", "correct", "erase"}:
        for promise in made.promises:
            for clause in promise.clauses:
                if isinstance(clause, Never) and not clause.otherwise:
                    covered = (
                        (not clause.actions or key[0] in clause.actions)
                        and (not clause.by or key[1] in clause.by)
                        and (not clause.purposes or key[2] in clause.purposes)
                        and (not clause.categories or key[3] in clause.categories)
                        and (not clause.recipients or {key[4], kinds.get(key[4] or "")} & set(clause.recipients))
                    )
                    if covered and not any(bits(one) & ~held == 0 for one in clause.unless):
                        return False
    return any(grant.key == key and grant.needs & ~held == 0 for grant in grants(made))


@given(many_policies())
@settings(max_examples=20)
def test_the_table_answers_as_if_every_rule_were_walked(made: Policy) -> None:
    made = replace(made, promises=tuple(p for p in made.promises if all(isinstance(c, Use | Never) for c in p.clauses)))
    table = compile_policy(made)
    for key, cell in table.cells.items():
        ask = Request(key[0], key[1], key[2], (key[3],), key[4], key[5])  # type: ignore[arg-type]  # it is an action
        for held in subsets(cell.mask):
            assert isinstance(decide(table, ask, Facts(held)), Allow) == walked(made, key, held)


def test_the_shop_has_a_cell_for_whatever_is_granted_and_no_other() -> None:
    made = shop()
    assert set(compile_policy(made).cells) == {grant.key for grant in grants(made)}
