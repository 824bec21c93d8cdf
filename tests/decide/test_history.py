"""Data and consents under older versions: docs/policy-language.md, section 7."""

from datetime import timedelta

import pytest

from avow.decide.facts import Circumstances
from avow.decide.history import History, agree, decline, ended, given
from avow.decide.request import Allow, Refuse, Request
from avow.decide.table import compile_policy
from avow.policy.model import Change, ChangeDuty, Clause, Keep, Policy
from tests.decide import histories
from tests.decide.small import HERE, category, contact, needs, policy, use

NAMES = [bytes([number]) * 16 for number in range(1, 6)]
FIRST, SECOND, THIRD = (name.hex() for name in NAMES[:3])
NAME = Request("use", "site", "news", ("name",))
BOTH = NAME._replace(categories=("name", "phone"))
WIDE, NARROW = [use("name", purposes=("order", "news"))], [use("name")]


def version(*clauses: Clause, duties: tuple[ChangeDuty, ...] = ("contact-affected",)) -> Policy:
    return policy({"R-1": [*clauses], "R-2": [Change(duties, None, HERE)]})


def allowed(versions: list[Policy], ask: Request, line: str = "", **came: int) -> bool:
    tables = dict(zip(NAMES, map(compile_policy, versions), strict=False))
    under = tuple((name, NAMES[place]) for name, place in came.items())
    found = History(tables).answer(ask, line, at=0, circumstances=Circumstances(standing=True), came=under)
    return isinstance(found, Allow)


def test_what_was_narrowed_once_stays_narrowed_for_what_was_held_then() -> None:
    versions = [version(*WIDE), version(*NARROW), version(*WIDE)]
    assert not allowed(versions, NAME, name=0)
    assert not allowed(versions, NAME, name=1)
    assert allowed(versions, NAME, name=2)


def test_an_older_version_that_never_heard_of_a_category_does_not_refuse_the_rest() -> None:
    old = policy({"R-1": WIDE}, categories=[category("name")])
    new = policy({"R-1": [use("name", "phone", purposes=("news",))]})
    assert allowed([old, new], BOTH, name=0, phone=1)
    assert not allowed([old, new], BOTH, name=1, phone=0)


@pytest.mark.parametrize(
    ("line", "duties", "expected"),
    [
        ("", ("contact-affected",), False),
        (f"agreed/{SECOND}", ("post",), True),
        (f"agreed/{FIRST}", ("post",), False),
        (f"agreed/{THIRD}", ("post",), False),  # that one is still to come
        (f"told/{SECOND}", ("contact-affected",), True),
        (f"told/{FIRST}", ("contact-affected",), False),
        (f"told/{SECOND}", ("post",), False),
        (f"told/{SECOND}", ("contact-affected", "forward-only"), False),
        (f"declined/{SECOND} told/{SECOND}", ("contact-affected",), False),
        (f"declined/{FIRST} told/{SECOND}", ("contact-affected",), True),
        (f"declined/{THIRD} told/{SECOND}", ("contact-affected",), False),
        (f"agreed/{SECOND} declined/{THIRD}", ("post",), True),
        (f"told/{SECOND}@5", ("contact-affected",), False),
    ],
)
def test_an_older_version_binds_until_it_is_lifted(line: str, duties: tuple[ChangeDuty, ...], expected: bool) -> None:
    versions = [version(*NARROW, duties=duties), version(*WIDE)]
    assert allowed(versions, NAME, line, name=0) == expected


def test_a_consent_permits_no_more_than_what_every_version_since_permits() -> None:
    mail = Request("mail", "site", "news", ("email",))
    by_mail = version(contact("mail", when=needs("consent")))
    by_phone = version(contact("phone", when=needs("consent")))
    versions = [by_phone, by_mail]
    assert not allowed(versions, mail, "consent/news", email=1)  # agreed to calls, under the first one
    assert allowed(versions, mail, given("", "consent/news", NAMES[1]), email=1)
    assert not allowed([by_mail, by_phone, by_mail], mail, "consent/news", email=2)
    assert allowed([by_phone, version(contact("mail"))], mail, "consent/news", email=1)  # needs none any more


def test_a_consent_ends_with_the_word_of_its_version_and_no_other_does() -> None:
    line = given(given("", "consent/news", NAMES[1]), "consent/news-2", NAMES[2])
    assert given(line, "consent/news", NAMES[2]).count("under/") == 2
    assert ended(line, "consent/news") == given("", "consent/news-2", NAMES[2])


def test_answers_take_each_other_back() -> None:
    line = agree(agree("request/order", NAMES[0]), NAMES[1])
    assert decline(line, NAMES[1], NAMES[2:]) == f"agreed/{FIRST} declined/{SECOND} request/order"
    assert agree(decline(line, NAMES[1], NAMES[2:]), NAMES[0]) == f"agreed/{FIRST} request/order"
    assert decline(f"agreed/{THIRD}", NAMES[1], NAMES[2:]) == f"declined/{SECOND}"


def test_data_of_a_version_that_nobody_knows_are_refused() -> None:
    made = History({NAMES[0]: compile_policy(version(*WIDE))})
    found = made.answer(NAME, "", at=0, circumstances=Circumstances(), came=(("name", NAMES[4]),))
    assert isinstance(found, Refuse)
    assert found.promises == ()


def test_the_shortest_retention_since_counts_and_a_longer_one_lengthens_nothing() -> None:
    def kept(days: int) -> Policy:
        return version(Keep(("name",), (), timedelta(days=days), None, HERE))

    made = History(dict(zip(NAMES, map(compile_policy, [kept(90), kept(7), kept(30)]), strict=False)))
    day = 86_400_000
    assert made.due(NAMES[0], "name", "order", 0, 90 * day) == 7 * day
    assert made.due(NAMES[2], "name", "order", 0, 30 * day) == 30 * day
    assert made.due(NAMES[1], "name", "order", 0, 5 * day) == 5 * day
    assert made.steady == {NAMES[1], NAMES[2]}


# -- many chains ------------------------------------------------------------------------------------------------------


def test_no_old_datum_is_used_in_a_way_that_only_a_newer_version_allows() -> None:
    found = histories.run(150, 7)
    assert (found["wrong"], found["ok"]) == (0, True), found


@pytest.mark.parametrize("skipped", ["the-middle", "the-oldest", "since-when-consents-stand", "declined"])
def test_a_planted_defect_is_caught(skipped: str, monkeypatch: pytest.MonkeyPatch) -> None:
    binding, consents = History.binding, History.old_consents
    if skipped == "the-middle":
        monkeypatch.setattr(History, "binding", lambda *a: tuple(p for p in binding(*a) if p == 0))
    elif skipped == "the-oldest":
        monkeypatch.setattr(History, "binding", lambda *a: tuple(p for p in binding(*a) if p))
    elif skipped == "declined":
        monkeypatch.setattr(History, "binding", lambda made, line: binding(made, line.replace("declined/", "x/")))
    else:
        monkeypatch.setattr(History, "old_consents", lambda *a: consents(*a) and {})
    assert histories.run(300, 7)["wrong"]
