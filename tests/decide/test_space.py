"""Every never is proved over the whole space, and a proof notices a table that is wrong in one answer."""

from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from avow.decide.request import Allow
from avow.decide.space import RIGHTS_EXCEPTION, UNDECLARED, counterparts, prove, size, things
from avow.decide.table import Cell, Table, compile_policy
from avow.policy.model import Never, Policy
from avow.policy.parse import read
from tests.decide.small import HERE, category, cookie, keep_apart, needs, never, policy, share, shop, use

POLICIES = sorted((Path(__file__).parents[2] / "policies").glob("*.yaml"))


def broken(made: Policy, table: Table) -> set[str]:
    return {proof.promise for proof in prove(made, table) if not proof.proved}


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_every_never_of_a_real_policy_is_proved(path: Path) -> None:
    made = read(path)
    proofs = prove(made, compile_policy(made))
    nevers = [p.id for p in made.promises for c in p.clauses if isinstance(c, Never) and not c.otherwise]
    assert set(nevers) <= {proof.promise for proof in proofs}
    assert [proof for proof in proofs if not proof.proved] == []
    assert all(proof.decisions > 0 for proof in proofs)


def test_an_answer_flipped_against_a_never_is_noticed_wherever_it_is() -> None:
    made = shop()
    table = compile_policy(made)
    nevers = {promise.id for promise in made.promises if any(isinstance(c, Never) for c in promise.clauses)}
    flipped = 0
    for key, cell in table.cells.items():
        for held, answer in cell.answers.items():
            if not isinstance(answer, Allow) and nevers & {*answer.promises}:
                wrong = Cell(cell.mask, {**cell.answers, held: Allow(("S-1",))})
                assert broken(made, replace(table, cells={**table.cells, key: wrong})) == {*answer.promises}
                flipped += 1
                break  # one answer of each cell: every answer takes long and shows no more
    assert flipped > 3


@pytest.mark.parametrize(
    ("key", "promise"),
    [
        (("link", "site", "order", "ip", None, None), "S-11"),
        (("collect", "person", "order", "card", None, "order"), "S-10"),
        (("collect", "site", UNDECLARED, "ip", None, "order"), "S-11"),
        (("sell", UNDECLARED, UNDECLARED, UNDECLARED, "list-broker", None), "S-6"),
        (("share", "site", "order", "name", "payments", "order"), "S-4"),
        (("share", "site", "order", "no such thing", "payments", None), "S-4"),
    ],
)
def test_a_cell_that_nothing_grants_is_noticed_in_the_table(key: tuple[str, ...], promise: str) -> None:
    made = shop()
    table = compile_policy(made)
    planted = replace(table, cells={**table.cells, key: Cell(0, {0: Allow(())})})  # type: ignore[dict-item]  # as above
    assert promise in broken(made, planted)


def test_a_never_left_out_of_the_table_is_noticed_where_it_refuses_anything() -> None:
    made = shop()
    refusing = {"S-6": True, "S-4": False}  # all that the shop grants to others falls under an exception of S-4
    for left_out, noticed in refusing.items():
        without = tuple(p for p in made.promises if p.id != left_out)
        assert broken(made, compile_policy(replace(made, promises=without))) == ({left_out} if noticed else set())


def test_an_exception_that_the_table_takes_too_widely_is_noticed() -> None:
    strict = policy({"P-1": [use("name")], "P-2": [never("use", unless=[["consent", "approval"]])]})
    loose = policy({"P-1": [use("name")], "P-2": [never("use", unless=[["consent"], ["approval"]])]})
    (proof,) = prove(strict, compile_policy(loose))
    assert not proof.proved
    assert proof.counterexample
    assert proof.counterexample.startswith("use name for order by site while ")


def test_a_proof_prints_its_size_its_exceptions_and_its_time() -> None:
    made = policy(
        {"P-1": [use("name")], "P-2": [never("use", by=("site",), unless=[["consent"], ["case", "approval"]])]}
    )
    ticks = count(5, 2)
    (proof,) = prove(made, compile_policy(made), lambda: float(next(ticks)))
    # 4 purposes x 4 categories, each under 8 subsets of the exceptions; the granted one under 16: in-time counts there
    assert proof.decisions == 4 * 4 * 8 + 8
    assert (proof.promise, proof.says, proof.proved) == ("P-2", "use by site", True)
    assert proof.unless == ("consent", "approval and case")
    assert proof.seconds == 2.0


def test_the_persons_own_rights_are_an_exception_of_a_never_that_meets_them() -> None:
    made = policy({"P-1": [never()]})
    (proof,) = prove(made, compile_policy(made))
    assert proof.proved
    assert proof.unless == (RIGHTS_EXCEPTION,)


def test_what_other_clauses_imply_is_proved_as_well() -> None:
    made = policy(
        {"P-1": [keep_apart("ip")], "P-2": [cookie(None)], "P-3": [use("card")]},
        categories=(
            category("ip", apart="visits"),
            category("card", held_by="payments"),
            category("tax", apart="books"),
        ),
    )
    proofs = prove(made, compile_policy(made))
    assert [(proof.promise, proof.says) for proof in proofs] == [
        ("P-1", "link ip"),
        ("P-2", "set-cookie"),
        ("P-1", "collect ip"),
        ("P-3", "collect card"),
        ("", "collect tax"),
    ]
    assert all(proof.proved for proof in proofs)


def test_a_default_deny_promise_is_no_never_to_prove() -> None:
    made = policy({"P-1": [never(otherwise=True)]})
    assert prove(made, compile_policy(made)) == []


def test_the_space_has_undeclared_words_kinds_and_what_is_left_out() -> None:
    made = shop()
    sent = list(counterparts(made, "share"))
    assert (None, None) in sent
    assert (UNDECLARED, None) in sent
    assert ("public", None) in sent
    assert list(counterparts(made, "collect"))[-1] == (None, UNDECLARED)
    assert list(counterparts(made, "use")) == [(None, None)]
    assert things(made, "set-cookie") == ("cart", "pay", UNDECLARED)
    assert size(made) == 4 * 4 * (6 * 9 + 6 * 10 * 3 + 6 * 4 - 6 * 1 + 3 * 1)


def test_a_recipients_kind_is_looked_up_for_the_proof_too() -> None:
    made = shop()
    made = replace(
        made,
        promises=policy(
            {"P-1": [share("name", when=needs("request"))], "P-2": [never("share", to=("processor",))]}
        ).promises,
    )
    free = compile_policy(replace(made, promises=made.promises[:1]))
    assert broken(made, free) == {"P-2"}
    assert HERE.line == 7
