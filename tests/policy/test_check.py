"""Faults beyond words: what each rule must not mind. What it must find are the cases in tests/conformance/policy."""

from pathlib import Path
from typing import Final

import pytest

from avow.policy.check import RULES, faults
from avow.policy.parse import parse, read
from avow.policy.starter import starter
from tests.policy.cases import FILES, FOLDER, parsed

ROOT: Final = Path(__file__).parents[2]
SMALL: Final = (FOLDER / "good-smallest.yaml").read_text()
HEAD: Final = "- id: P-2\n  says: More.\n  source: {section: More, sentence: 1}\n"


def with_recipients(text: str, *lines: str) -> str:
    return text.replace("forms:", "\n".join(["recipients:", *(f"  {line}" for line in lines), "forms:"]), 1)


def test_every_rule_finds_something_in_the_broken_policies() -> None:
    policies = [policy for name in FILES if (policy := parsed(name)[0]) is not None]
    for rule in RULES:
        assert any(list(rule(policy)) for policy in policies), rule.__name__


def test_every_rule_has_a_section_in_the_documentation() -> None:
    text = (ROOT / "docs" / "policy-language.md").read_text()
    for number, rule in enumerate(RULES, 1):
        section = f"5.{number}"
        assert (rule.__doc__ or "").split(":")[0] == section
        assert f"**{section}** " in text


@pytest.mark.parametrize("name", ["aimini", "aitoc", "aitpro", "audiomidi", "daminion"])
def test_the_five_policies_have_no_fault(name: str) -> None:
    assert faults(read(ROOT / "policies" / f"{name}.yaml")) == []


def test_faults_come_in_the_order_of_the_file_and_once() -> None:
    text = with_recipients(SMALL, "b: {is: processor, says: B}", "a: {is: processor, says: A}")
    found = faults(parse(text))
    assert found == sorted(set(found))
    assert [fault.line for fault in found] == [10, 10, 11, 11]


def test_what_a_processor_holds_need_not_be_used_by_the_merchant() -> None:
    pay = 'pay: {is: processor, says: Pay, policy: "https://pay.example", contract: {from: 2026-01-01, to: 2027-01-01}}'
    text = with_recipients(SMALL, pay)
    text = text.replace("purposes:", "  card: {is: PaymentCardNumber, held-by: pay}\npurposes:")
    text = text.replace("promises:", "  page: {at: pay}\npromises:")
    text += HEAD + "  collect: {form: page, asks: [card], for: [order]}\n"
    assert faults(parse(text)) == []


def test_a_contract_that_begins_later_than_the_policy_is_no_fault_of_the_text() -> None:
    pay = 'pay: {is: processor, says: Pay, policy: "https://pay.example", contract: {from: 2026-06-01, to: 2027-01-01}}'
    assert faults(parse(with_recipients(SMALL, pay))) == []


def test_a_term_for_a_form_and_a_term_for_a_category_may_differ() -> None:
    text = (
        SMALL
        + HEAD
        + (
            "  keep:\n  - {categories: [email], for: 30 days}\n  - {forms: [order], for: 60 days}\n"
            "  - {categories: [email], forms: [order], for: 90 days}\n  - {for: 1 week}\n"
        )
    )
    assert faults(parse(text)) == []


def test_the_same_term_said_twice_is_no_conflict() -> None:
    text = SMALL + HEAD + "  keep:\n  - {categories: [email], for: 2 weeks}\n  - {categories: [email], for: 14 days}\n"
    assert faults(parse(text)) == []


def test_one_cookie_name_on_two_origins_is_two_cookies() -> None:
    shop = 'shop-help: {is: third-party, says: Help, origin: "https://help.example"}'
    text = (
        with_recipients(SMALL, shop)
        + HEAD
        + (
            "  cookies:\n  - {name: id, for: order, paths: [/a]}\n  - {name: id, for: order, paths: [/b], at: shop-help}\n"
        )
    )
    assert faults(parse(text)) == []


def test_somebody_elses_cookie_may_stand_beside_cookies_none() -> None:
    shop = 'shop-help: {is: third-party, says: Help, origin: "https://help.example"}'
    text = with_recipients(SMALL, shop) + HEAD + "  cookies: [none, {name: id, for: order, at: shop-help}]\n"
    assert faults(parse(text)) == []


def test_a_choice_counts_when_only_a_never_waits_for_the_consent() -> None:
    text = SMALL + HEAD + "  choose: {for: [order], form: order}\n  never: {do: [use], unless: [consent]}\n"
    assert faults(parse(text)) == []


def test_a_choice_about_a_kind_of_recipient_offers_consent_for_its_declared_ones() -> None:
    text = (
        with_recipients(SMALL, "club: {is: third-party, says: the club}")
        + HEAD
        + (
            "  choose: {with: [third-party], categories: [email], form: order}\n"
            "  share: {categories: [email], with: [club], for: [order], needs: [consent]}\n"
        )
    )
    assert faults(parse(text)) == []


def test_a_link_partner_that_people_are_told_about_may_have_an_origin() -> None:
    text = with_recipients(SMALL, 'club: {is: third-party, says: the club, origin: "https://club.example"}')
    text += HEAD + "  inform: {of: [partner-notice], about: [club]}\n"
    assert faults(parse(text)) == []


def test_a_large_policy_is_checked_in_linear_time() -> None:
    more = "".join(f"- id: X-{n}\n  says: More.\n  source: {{section: M, sentence: 1}}\n"
                   f"  keep: {{categories: [email], for: {n + 1} days}}\n" for n in range(150))  # fmt: skip
    assert len(faults(parse(SMALL + more))) == 149


def test_the_starter_stops_being_sound_when_it_is_broken() -> None:
    assert faults(parse(starter().replace("choose: {for: [news], form: contact, confirm: mail}", "")))
