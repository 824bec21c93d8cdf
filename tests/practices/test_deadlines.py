"""A rights request says which right it asks for, which way it came, and until when there is an answer."""

from datetime import timedelta

import pytest

from avow.errors import UnknownWord
from avow.policy.model import RIGHTS, ROUTES
from avow.policy.parse import read
from avow.practices.deadlines import asked, due, giving, kind_of, kinds
from tests.desk.beds import POLICIES, SITES

DAY = 86_400_000


@pytest.mark.parametrize("right", RIGHTS)
@pytest.mark.parametrize("route", ROUTES)
def test_right_and_route_are_read_back_from_the_kind(right: str, route: str) -> None:
    kind = kind_of(right, route)
    assert asked(kind) == ("rights-request", right, route)
    assert kind in kinds("rights-request")


def test_a_right_or_route_that_is_none_is_refused() -> None:
    for right, route in (("forget", "mail"), ("access", "owl"), ("access/mail", "mail"), ("", "")):
        with pytest.raises(UnknownWord):
            kind_of(right, route)


def test_a_kind_that_says_nothing_asks_and_an_order_asks_for_no_right() -> None:
    assert asked("rights-request") == ("rights-request", "ask", None)
    assert asked("rights-request/x/y") == ("rights-request", "ask", None)
    assert asked("order") == ("order", None, None)
    assert asked("complaint").right == "complain"


def test_the_answer_is_due_when_the_policy_says_and_else_when_it_says_to_whoever_asks() -> None:
    aitpro = read(POLICIES / "aitpro.yaml")
    assert due(aitpro, kind_of("access", "letter"), 5) == 5 + 30 * DAY  # AIT-18
    assert due(aitpro, "complaint", 5) == 5 + 30 * DAY  # AIT-23
    assert due(aitpro, kind_of("opt-out", "phone"), 5) == 5 + 14 * DAY  # says no time: as to who asks, AIT-1
    assert due(aitpro, "order", 5) is None
    assert giving(aitpro, "access") == ("AIT-18",)


@pytest.mark.parametrize("site", SITES)
def test_every_site_promises_a_time_for_every_right(site: str) -> None:
    policy = read(POLICIES / f"{site}.yaml")
    for right in RIGHTS:
        moment = due(policy, kind_of(right, "mail"), 0)
        assert moment is not None
        assert timedelta(days=1).total_seconds() * 1000 <= moment <= 30 * DAY
