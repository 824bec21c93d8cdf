"""What a person's line says, for one request at one moment."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avow.decide import facts as line_of
from avow.decide.decide import decide
from avow.decide.facts import Circumstances, add, drop, facts, standing, tokens
from avow.decide.request import BIT, NOTHING, Allow, Request, names
from avow.decide.table import compile_policy
from avow.policy.model import CONDITIONS, Condition
from tests.decide.small import shop

TABLE = compile_policy(shop())
NOBODY = Circumstances()
USE = Request("use", "site", "order", ("name",))
NEWS = USE._replace(purpose="news")
SHARE = Request("share", "site", "order", ("name",), "police")
MAIL = Request("mail", "site", "news", ("email",))
AT = 1_000


def held(ask: Request, line: str, *, at: int = AT, **more: Any) -> set[Condition]:
    found = facts(TABLE, ask, line, at=at, circumstances=more.pop("circumstances", NOBODY), **more)
    assert not found.by_category
    return set(names(found.held))


@pytest.mark.parametrize(
    ("ask", "line", "condition"),
    [
        (NEWS, "consent/news", "consent"),
        (MAIL, "consent/news", "consent"),
        (NEWS, "consent/news@1001", "consent"),
        (USE, "request/order", "request"),
        (USE, "request/order@1001", "request"),
        (NEWS, "notified/news", "notified"),
        (SHARE, "consent/share/police/name", "consent"),
        (SHARE._replace(action="sell"), "consent/sell/police/name", "consent"),
        (SHARE, "approval/police/name", "approval"),
        (SHARE, "case/police/name@1001", "case"),
        (MAIL, "", "no-opt-out"),
        (MAIL, "opt-out/phone", "no-opt-out"),
        (MAIL, "opt-out/mail@1000", "no-opt-out"),
    ],
)
def test_a_token_makes_its_condition_hold(ask: Request, line: str, condition: Condition) -> None:
    assert condition in held(ask, line)
    assert condition in held(ask, add(line, "unknown/word")), "whatever else is in the line"


@pytest.mark.parametrize(
    ("ask", "line", "condition"),
    [
        pytest.param(USE, "consent/news", "consent", id="consent-to-another-purpose"),
        pytest.param(NEWS, "consent/news@1000", "consent", id="consent-that-ends-at-this-moment"),
        pytest.param(USE, "request/order@1000", "request", id="a-request-that-ends-at-this-moment"),
        pytest.param(NEWS, "request/order", "request", id="a-request-that-does-not-serve-the-purpose"),
        pytest.param(USE, "notified/news", "notified", id="notified-of-another-use"),
        pytest.param(SHARE, "consent/order", "consent", id="sharing-asks-for-more-than-consent-to-the-purpose"),
        pytest.param(SHARE, "consent/share/police/email", "consent", id="another-category"),
        pytest.param(SHARE, "consent/share/payments/name", "consent", id="another-recipient"),
        pytest.param(SHARE, "consent/sell/police/name", "consent", id="sale-is-not-sharing"),
        pytest.param(SHARE._replace(action="sell"), "consent/share/police/name", "consent", id="sharing-is-not-sale"),
        pytest.param(SHARE, "case/police/name@1000", "case", id="a-case-that-is-over"),
        pytest.param(USE, "approval/police/name", "approval", id="approval-without-a-recipient"),
        pytest.param(MAIL, "opt-out/mail", "no-opt-out", id="opted-out"),
        pytest.param(
            NEWS._replace(categories=("phone",)), "opt-out/phone", "no-opt-out", id="the-category's-own-channel"
        ),
        pytest.param(NEWS, "opt-out/phone", "no-opt-out", id="any-channel-for-a-category-without-one"),
        pytest.param(USE._replace(purpose="gossip"), "consent/", "consent", id="an-undeclared-purpose"),
    ],
)
def test_what_does_not_fit_holds_nothing(ask: Request, line: str, condition: Condition) -> None:
    assert condition not in held(ask, line)


@pytest.mark.parametrize(
    ("due", "at", "expected"),
    [(None, 10**15, True), (1000, 999, True), (1000, 1000, True), (1000, 1001, False)],
    ids=["no-end", "before", "exactly-as-old-as-promised", "a-millisecond-late"],
)
def test_a_datum_is_in_time_up_to_and_at_its_due(due: int | None, at: int, expected: bool) -> None:
    assert ("in-time" in held(USE, "", at=at, due={"name": due})) is expected


def test_a_datum_without_a_due_has_no_end() -> None:
    assert "in-time" in held(USE, "", due={"email": 1})


def moment(year: int, month: int = 1, day: int = 1) -> int:
    return int(datetime(year, month, day, tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("at", "expected"),
    [(moment(2026) - 1, False), (moment(2026), True), (moment(2027) - 1, True), (moment(2027), False)],
)
def test_a_contract_is_in_force_from_its_first_day_up_to_but_not_on_its_last(at: int, expected: bool) -> None:
    assert ("contract" in held(SHARE._replace(recipient="payments"), "", at=at)) is expected
    assert "contract" not in held(SHARE._replace(recipient="processor"), "", at=at, identity="payments")


def test_an_undeclared_recipient_is_known_by_its_identity() -> None:
    ask = SHARE._replace(recipient="authority")
    line = add(add("", line_of.case("Customs, 7th desk", "name", 2000)), line_of.approval("a/b", "name"))
    assert line == "approval/a%2Fb/name case/Customs%2C%207th%20desk/name@2000"
    assert "case" in held(ask, line, identity="Customs, 7th desk")
    assert "case" not in held(ask, line, identity="Customs, 8th desk")
    assert "case" not in held(ask, line)
    assert "approval" in held(ask, line, identity="a/b")


def test_a_declared_recipient_cannot_hide_behind_its_kind() -> None:
    line = "case/police/name@2000"
    assert "case" in held(SHARE, line)
    assert "case" not in held(SHARE._replace(recipient="authority"), line, identity="police")
    assert "case" not in held(SHARE._replace(recipient="payments"), line, identity="police")


@pytest.mark.parametrize(
    "name", ["identified", "volunteered", "notice_owed", "standing", "affiliate_link", "on_path", "aggregate"]
)
def test_circumstances_are_taken_as_they_are(name: str) -> None:
    condition: Any = name.replace("_", "-")
    assert condition in held(USE, "", circumstances=Circumstances(**{name: True}))
    assert condition not in held(USE, "consent/order request/order")


def test_several_categories_share_what_is_the_same_and_keep_what_is_not() -> None:
    ask = SHARE._replace(categories=("name", "email"))
    found = facts(
        TABLE,
        ask,
        "case/police/name@2000 request/order",
        at=AT,
        circumstances=NOBODY,
        due={"name": 999, "email": None},
    )
    assert set(names(found.held)) == {"request"}
    assert set(names(found.by_category["name"])) == {"case", "no-opt-out"}
    assert set(names(found.by_category["email"])) == {"in-time", "no-opt-out"}
    assert facts(TABLE, USE, "", at=AT, circumstances=NOBODY).by_category is NOTHING


def test_a_line_and_a_request_make_an_allowance() -> None:
    line = add("", line_of.request("order"))
    found = facts(TABLE, USE, line, at=AT, circumstances=NOBODY, due={"name": AT})
    assert decide(TABLE, USE, found) == Allow(("S-2",))
    late = facts(TABLE, USE, line, at=AT + 1, circumstances=NOBODY, due={"name": AT})
    assert not isinstance(decide(TABLE, USE, late), Allow)


TOKEN = st.sampled_from(
    (
        "consent/news",
        "consent/news@5",
        "consent/newsletter",
        "request/order/00",
        "request/order/01",
        "opt-out/mail",
        "x",
    )
)


@given(st.lists(TOKEN))
def test_a_line_is_sorted_and_has_no_token_twice(added: list[str]) -> None:
    line = ""
    for token in added:
        line = add(line, token)
    assert tokens(line) == tuple(sorted(set(added)))
    assert add(line, added[0]) == line if added else line == ""


@given(st.sets(TOKEN), TOKEN)
def test_what_was_added_can_be_dropped_again(before: set[str], token: str) -> None:
    line = " ".join(sorted(before - {token}))
    dropped = drop(add(line, token), token)
    assert token not in tokens(dropped)
    assert set(tokens(dropped)) <= set(tokens(line))


def test_dropping_takes_all_below_and_every_expiry_but_nothing_beside() -> None:
    line = "consent/news consent/news@5 consent/newsletter request/order/00 request/order/01"
    assert drop(line, "consent/news") == "consent/newsletter request/order/00 request/order/01"
    assert drop(line, "request/order") == "consent/news consent/news@5 consent/newsletter"
    assert drop(line, "request/order/00") == "consent/news consent/news@5 consent/newsletter request/order/01"


@pytest.mark.parametrize("token", ["", " ", "two words", "line\nbreak", "tab\t"])
def test_what_is_no_token_is_not_added(token: str) -> None:
    with pytest.raises(ValueError, match="one word"):
        add("", token)


def test_the_latest_of_several_expiries_counts() -> None:
    assert standing("case/a/b@5 case/a/b@9 consent/x consent/x@3") == {"case/a/b": 9, "consent/x": line_of.FOREVER}


@given(st.text(alphabet="acdeghkmnoprqstuw/@-0123456789٣ ", max_size=60), st.integers(0, 1 << 62))
def test_any_line_at_all_has_facts_and_no_more_than_exist(line: str, at: int) -> None:
    for ask in (USE, SHARE, MAIL):
        found = facts(TABLE, ask, line, at=at, circumstances=NOBODY)
        assert 0 <= found.held < 1 << len(CONDITIONS)


def test_an_expiry_without_end_is_no_expiry() -> None:
    assert "consent" not in held(NEWS, "consent/news@" + "9" * 5000)
    assert held(NEWS, "consent/news@") == {"in-time", "no-opt-out"}


def test_the_words_of_the_tokens_are_those_that_the_facts_look_for() -> None:
    assert line_of.consent("news") == "consent/news"
    assert line_of.consent_to("sell", "police", "name") == "consent/sell/police/name"
    assert line_of.opt_out("mail") == "opt-out/mail"
    assert line_of.notified("news") == "notified/news"
    assert line_of.request("order") == "request/order"
    assert BIT["consent"] == 8
