"""What the console offers to pass on is what the promises grant the role, and nothing else."""

import pytest

from avow.decide.decide import decide
from avow.decide.request import Allow, Facts, Request
from avow.doors.console.grants import FRAUD, GROUNDS, Grant, Grants
from avow.policy.model import Action, Condition
from avow.policy.parse import read
from avow.practices import cases
from tests.desk.beds import POLICIES, SITES
from tests.policy.five import table_of

ALWAYS: tuple[Condition, ...] = ("standing", "in-time", "no-opt-out", "contract")
CASED = {  # site -> role -> recipients
    "aimini": {}, "audiomidi": {}, "aitpro": {"admin": ["court"]}, "daminion": {"admin": ["court"]},
    "aitoc": {"fraud-desk": ["agency", "fraud-bureau"]},
}  # fmt: skip


@pytest.mark.parametrize("site", SITES)
def test_a_role_is_offered_the_cases_that_the_policy_lets_it_disclose(site: str) -> None:
    policy = read(POLICIES / f"{site}.yaml")
    found = {role: [one.recipient for one in Grants(policy).by_case(role)] for role in policy.roles}
    assert {role: whom for role, whom in found.items() if whom} == CASED[site]


def allowed(site: str, role: str, grant: Grant, facts: tuple[Condition, ...]) -> bool:
    action: Action = "sell" if grant.way == "sell" else "share"
    ask = [
        Request(action, role, purpose, (category,), grant.recipient)
        for purpose, _ in grant.purposes for category, _ in grant.categories
    ]  # fmt: skip
    return all(isinstance(decide(table_of(site), one, Facts.of(*facts)), Allow) for one in ask)


@pytest.mark.parametrize("site", SITES)
def test_each_grant_is_allowed_with_what_it_takes_and_refused_without(site: str) -> None:
    """AUD-9, AIT-21, TOC-10, DAM-11: by the decision itself, asked for each purpose and category of each grant."""
    policy = read(POLICIES / f"{site}.yaml")
    for role in policy.roles:
        grants = [*Grants(policy).by_case(role)]
        grants += [one for purpose in policy.purposes for one in Grants(policy).for_task(role, purpose)]
        for one in grants:
            assert allowed(site, role, one, (*ALWAYS, *one.needs)), (role, one)
            assert not allowed(site, role, one, ALWAYS), (role, one)


def test_a_request_is_offered_only_to_who_works_for_a_purpose_that_it_serves() -> None:
    grants = Grants(read(POLICIES / "daminion.yaml"))
    assert [one.recipient for one in grants.for_task("fulfilment", "order")] == ["carrier"]
    assert grants.for_task("fulfilment", "order-status") == []
    assert [one.recipient for one in grants.for_task("support", "answer")] == ["reseller"]
    assert grants.for_task("marketing", "marketing") == []


def test_grounds_against_fraud_go_with_a_purpose_against_fraud() -> None:
    court = Grants(read(POLICIES / "aitpro.yaml")).by_case("admin")[0]
    agency = Grants(read(POLICIES / "aitoc.yaml")).by_case("fraud-desk")[0]
    assert [name for name, _ in court.grounds] == ["law"]
    assert [name for name, _ in agency.grounds] == ["law", "prevent", "investigate"]


def test_the_console_knows_the_grounds_and_kinds_that_the_desk_takes() -> None:
    assert tuple(name for name, _, _ in GROUNDS) == cases.GROUNDS
    assert FRAUD == cases.FRAUD


def test_a_recipient_that_is_not_declared_is_told_by_name_and_kind() -> None:
    grants = Grants(read(POLICIES / "aitoc.yaml"))
    assert grants.whom("fraud-bureau") == "the Shop Fraud Bureau"
    assert grants.whom("authority:Harbour Police").startswith("Harbour Police (")
