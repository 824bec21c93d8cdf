"""A policy that contradicts itself, or grants what nothing can reach, is told so, at the right place."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from avow.decide.faults import faults
from avow.decide.table import compile_policy
from avow.policy.model import Place, Policy
from avow.policy.parse import read
from tests.decide.small import (
    PAYMENTS,
    category,
    collect,
    contact,
    cookie,
    needs,
    never,
    policy,
    right,
    share,
    shop,
    use,
)

POLICIES = sorted((Path(__file__).parents[2] / "policies").glob("*.yaml"))


def found(made: Policy) -> list[str]:
    return [str(fault) for fault in faults(made, compile_policy(made))]


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_the_real_policies_have_none(path: Path) -> None:
    assert found(read(path)) == []


def test_a_permission_that_a_never_refuses_wholly_is_a_contradiction() -> None:
    there = replace(use("name", "email"), place=Place(12, 5))
    made = policy({"P-1": [there], "P-2": [never("use", categories=("name", "email"))]})
    assert found(made) == [
        (
            "12:5: `P-1` allows `use` of `name` for `order` by `site` and 1 more like it, which `P-2` never allows; "
            "narrow `P-1`, or give the never of `P-2` an `unless`"
        )
    ]


def test_a_never_with_an_exception_contradicts_nothing() -> None:
    assert found(policy({"P-1": [use("name")], "P-2": [never("use", unless=[["consent"]])]})) == []


@pytest.mark.parametrize(
    ("clause", "why"),
    [
        pytest.param(contact("post"), "no category has the channel `post`", id="no-address-to-write-to"),
        pytest.param(collect("card"), "all that it asks for is held by others or kept apart", id="only-the-card"),
        pytest.param(
            use("name", purposes=("news",), when=needs("request")), "no kind of request serves `news`", id="no-request"
        ),
        pytest.param(use("name", when=needs("contract")), "a contract needs a recipient", id="a-contract-with-nobody"),
        pytest.param(use("name", when=needs("case")), "`case` is about a recipient", id="a-case-for-nobody"),
        pytest.param(share("name", to=("processor",)), "`processor` has none", id="a-processor-without-a-contract"),
        pytest.param(use(purposes=("order",)), "it names nothing", id="nothing"),
    ],
)
def test_a_permission_that_nothing_can_reach_is_a_fault(clause: Any, why: str) -> None:
    made = policy(
        {"P-1": [clause]}, categories=(category("name"), category("card", held_by="payments")), recipients=(PAYMENTS,)
    )
    (fault,) = found(made)
    assert fault.startswith("7:3: this permission of `P-1` can never be reached: ")
    assert why in fault


@pytest.mark.parametrize(
    "clause",
    [collect("name", form="card-page"), cookie("pay", at="payments"), cookie(None), right("opt-out"), share("name")],
)
def test_what_happens_elsewhere_or_is_no_action_is_no_fault(clause: Any) -> None:
    assert found(replace(shop(), promises=policy({"P-1": [clause]}).promises)) == []


@pytest.mark.parametrize(
    ("clause", "count"),
    [
        (never("erase"), 1),
        (never("access", "correct", by=("person",)), 2),
        (never("access", by=("packer",)), 0),
        (never("access", purposes=("news",)), 0),
        (never(), 0),
    ],
)
def test_a_never_against_a_persons_own_rights_is_a_fault(clause: Any, count: int) -> None:
    all_of_them = found(policy({"P-1": [clause]}))
    assert len(all_of_them) == count
    assert all("a person's own rights are never refused" in fault for fault in all_of_them)


def test_faults_come_in_the_order_of_the_file() -> None:
    made = policy(
        {
            "P-1": [replace(contact("post"), place=Place(30, 1))],
            "P-2": [replace(use("name", when=needs("case")), place=Place(9, 1))],
        }
    )
    assert [fault.line for fault in faults(made, compile_policy(made))] == [9, 30]
