"""Notices owed: fixed words, made of the policy's own; nobody's free text goes into them."""

from pathlib import Path

import pytest

from avow.errors import BadValue, UnknownWord
from avow.mail import notices
from avow.mail.notices import KINDS, Notice
from avow.policy.model import Choose, Policy
from avow.policy.parse import read

POLICIES = Path(__file__).parents[2] / "policies"
SITES = ("aimini", "aitoc", "aitpro", "audiomidi", "daminion")
AT = 1_772_355_600_000  # 1 March 2026
CENTRE = "https://privacy.example/confirm/Ab-_9"


def every(policy: Policy) -> list[Notice]:
    """One of each kind, with words that this policy has."""
    purpose, category = next(iter(policy.purposes)), next(iter(policy.categories))
    return [
        notices.code(policy, "01234567"),
        notices.confirm(policy, [purpose], link=CENTRE, until=AT),
        notices.contact_changed(policy, category, at=AT, undo=CENTRE, until=AT),
        notices.erasure_planned(policy, due=AT, undo=CENTRE),
        notices.disclosed(
            policy, [category], "authority", purpose, at=AT, promise=policy.promises[0].id, centre=CENTRE
        ),
        notices.new_use(policy, [purpose], since=AT, days=7, promises=[policy.promises[0].id], centre=CENTRE),
    ]


@pytest.mark.parametrize("site", SITES)
def test_every_kind_of_notice_is_sayable_at_every_site_and_names_the_controller(site: str) -> None:
    policy = read(POLICIES / f"{site}.yaml")
    made = every(policy)
    assert tuple(one.kind for one in made) == KINDS
    for one in made:
        assert policy.controller.name in one.subject + one.text
        assert "\n" not in one.subject
        assert "{" not in one.text
        assert one.text.isascii() or policy.controller.name in one.text


@pytest.mark.parametrize("site", SITES)
def test_a_notice_leads_nowhere_but_to_the_page_that_it_is_about(site: str) -> None:
    for one in every(read(POLICIES / f"{site}.yaml")):
        assert [line for line in one.text.splitlines() if "://" in line] in ([], [CENTRE])


def test_what_is_to_be_confirmed_stands_in_the_mail_in_the_words_of_the_choice() -> None:
    policy = read(POLICIES / "aitoc.yaml")
    clause = next(c for p in policy.promises for c in p.clauses if isinstance(c, Choose) and c.confirm)
    text = notices.confirm(policy, clause.purposes, link=CENTRE, until=AT).text
    assert "Aitoc Software may use your data to send you the newsletter." in text
    assert "until 1 March 2026" in text


TEXT = "Buy now\r\nBcc: all@shop.example"


@pytest.mark.parametrize("odd", [TEXT, "", "buy now", "https://evil.example/"])
def test_nobodys_text_gets_into_a_notice(odd: str) -> None:
    policy = read(POLICIES / "daminion.yaml")
    purpose, category = next(iter(policy.purposes)), next(iter(policy.categories))
    with pytest.raises(BadValue):
        notices.code(policy, odd)
    with pytest.raises(UnknownWord):
        notices.confirm(policy, [odd], link=CENTRE, until=AT)
    with pytest.raises(UnknownWord):
        notices.contact_changed(policy, odd, at=AT, undo=CENTRE, until=AT)
    with pytest.raises(UnknownWord):
        notices.new_use(policy, [odd], since=AT, days=7, promises=["P-1"], centre=CENTRE)
    for what, whom, why, by in (
        (odd, "authority", purpose, policy.promises[0].id), (category, odd, purpose, policy.promises[0].id),
        (category, "authority", odd, policy.promises[0].id), (category, "authority", purpose, odd),
    ):  # fmt: skip
        with pytest.raises(UnknownWord):
            notices.disclosed(policy, [what], whom, why, at=AT, promise=by, centre=CENTRE)


@pytest.mark.parametrize(
    "link",
    ["buy now", "javascript:alert(1)", "https://x.example/?mail=ada@quill.example", "https://x.example/a b",
     "https://x.example/\nBuy", "https://ada@x.example/"],
)  # fmt: skip
def test_a_link_with_anything_else_in_it_is_none(link: str) -> None:
    with pytest.raises(BadValue):
        notices.erasure_planned(read(POLICIES / "aimini.yaml"), due=AT, undo=link)
