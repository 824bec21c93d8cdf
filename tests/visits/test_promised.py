"""Who may look at visits, and for what: the policy's own table answers, and a refusal names the promise."""

import pytest

from avow.decide.decide import decide
from avow.decide.request import Facts, Refuse, Request
from avow.decide.table import compile_policy
from avow.errors import Refused
from avow.policy.model import CONDITIONS
from avow.visits import Promised
from tests.visits.beds import policy

ROLES = ("fulfilment", "support", "contest-desk", "marketing", "admin", "site", "person", "nobody")


@pytest.mark.parametrize(
    ("site", "counted", "days", "cookie"),
    [
        ("aimini", {}, 0, ""), ("audiomidi", {}, 0, ""), ("aitpro", {"network": "network-domain"}, 0, ""),
        (
            "aitoc",
            {"browser": "browser-type", "system": "operating-system", "section": "page-use", "visitors": "page-use"},
            0, "visit",
        ),
        (
            "daminion",
            {"address": "ip", "region": "visit-region", "duration": "visit-time", "section": "visit-section"},
            7, "visit",
        ),
    ],
)  # fmt: skip
def test_what_is_counted_is_what_the_policy_promises(site, counted, days, cookie) -> None:
    """TOC-7, AIT-2, DAM-5, DAM-6."""
    promised = Promised.of(policy(site))
    assert promised.categories == counted
    assert promised.kept == days * 86_400_000
    assert promised.cookie == cookie


@pytest.mark.parametrize("purpose", list(policy("daminion").purposes))
@pytest.mark.parametrize("role", ROLES)
def test_addresses_are_for_diagnosis_and_administration_by_admins_alone(role, purpose) -> None:
    """DAM-5, DAM-23: each role asks for each purpose."""
    promised = Promised.of(policy("daminion"))
    allowed = {("admin", "diagnose"), ("admin", "administer"), ("site", "diagnose"), ("site", "administer")}
    allowed |= {("site", "visit-statistics")}  # tells visits apart; no person looks
    if (role, purpose) in allowed:
        assert set(promised.may(role, purpose, ["ip"], standing=True)) <= {"DAM-5", "DAM-6"}
        return
    with pytest.raises(Refused) as refused:
        promised.may(role, purpose, ["ip"], standing=True)
    if role in {"fulfilment", "support", "contest-desk", "marketing"}:
        assert "DAM-5" in refused.value.promises
    if role != "nobody" and purpose not in {"diagnose", "administer", "visit-statistics"}:
        assert "DAM-23" in refused.value.promises


@pytest.mark.parametrize(
    ("site", "actor", "purpose", "promise"),
    [
        ("daminion", "admin", "marketing", "DAM-6"), ("daminion", "admin", "fraud", "DAM-6"),
        ("daminion", "admin", "patterns", "DAM-13"), ("aitoc", "admin", "marketing", "TOC-7"),
        ("aitoc", "site", "newsletter", "TOC-7"), ("aitoc", "site", "fraud", "TOC-7"),
        ("aitpro", "admin", "marketing", "AIT-4"), ("aitpro", "site", "order", "AIT-4"),
    ],
)  # fmt: skip
def test_statistics_serve_nothing_else(site, actor, purpose, promise) -> None:
    """DAM-6, TOC-7, AIT-4."""
    promised = Promised.of(policy(site))
    with pytest.raises(Refused) as refused:
        promised.may(actor, purpose, promised.statistics, standing=True)
    assert promise in refused.value.promises


@pytest.mark.parametrize(
    ("site", "purposes"),
    [("daminion", ["visit-statistics"]), ("aitoc", ["traffic", "customise"]), ("aitpro", ["traffic"]), ("aimini", [])],
)
def test_admins_may_look_at_the_statistics_for_what_they_are_counted_for(site, purposes) -> None:
    promised = Promised.of(policy(site))
    assert promised.purposes("admin", promised.statistics) == purposes
    assert promised.purposes("marketing", promised.statistics) == []


def test_who_has_not_signed_sees_nothing_where_the_policy_asks_for_it() -> None:
    promised = Promised.of(policy("aitoc"))
    with pytest.raises(Refused) as refused:
        promised.may("admin", "traffic", promised.statistics, standing=False)
    assert refused.value.promises == ("TOC-13",)


@pytest.mark.parametrize("actor", ["site", "person", *ROLES[:5]])
@pytest.mark.parametrize(("site", "promise"), [("daminion", "DAM-7"), ("aitoc", "TOC-8"), ("aitpro", "AIT-4")])
def test_no_visit_may_be_tied_to_a_person(site, promise, actor) -> None:
    """DAM-7, TOC-8, AIT-4: `link` is refused for every purpose, whatever holds but that the person asks themself."""
    read = policy(site)
    table, known = compile_policy(read), {*read.roles, "site", "person"}
    held = Facts.of(*(name for name in CONDITIONS if name != "identified"))
    for category in Promised.of(read).categories.values():
        for purpose in read.purposes:
            answer = decide(table, Request("link", actor, purpose, (category,)), held)
            assert isinstance(answer, Refuse)
            assert promise in answer.promises or actor not in known
