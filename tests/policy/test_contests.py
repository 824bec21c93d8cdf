"""Which contests a policy has."""

from pathlib import Path

import pytest

from avow.policy.contests import contests
from avow.policy.parse import parse, read
from tests.corner import POLICY

POLICIES = Path(__file__).parents[2] / "policies"


def test_a_contest_is_a_request_whose_data_wait_for_one_event() -> None:
    (one,) = contests(read(POLICIES / "daminion.yaml")).values()
    assert (one.kind, one.forms, one.event, one.promises) == ("contest", ("contest",), "winners-told", ("DAM-4",))
    assert one.categories == ("name", "postal-address", "phone", "email")


@pytest.mark.parametrize("site", ["aimini", "aitoc", "aitpro", "audiomidi"])
def test_a_real_policy_without_such_a_form_has_none(site: str) -> None:
    assert contests(read(POLICIES / f"{site}.yaml")) == {}


def with_contest(*more: tuple[str, str]) -> str:
    text = POLICY.replace("  order: {serves: [order]}\n", "  order: {serves: [order]}\n  entry: {serves: [contest]}\n")
    for before, after in (("  contest: {}\n", "  contest: {opens: entry}\n"), *more):
        assert before in text
        text = text.replace(before, after)
    return text


def test_what_is_kept_otherwise_or_by_two_kinds_until_one_event_is_no_contest() -> None:
    assert [*contests(parse(with_contest(), "corner"))] == ["entry"]
    assert contests(parse(with_contest(("until: winner-told", 'for: "30 days"')), "corner")) == {}
    other = with_contest(
        ("  entry: {serves: [contest]}\n", "  entry: {serves: [contest]}\n  other: {serves: [contest]}\n"),
        ("  contest: {opens: entry}\n", "  contest: {opens: entry}\n  second: {opens: other}\n"),
        ("  collect: {form: contest, asks: [entry, email], for: [contest]}\n",
         "  collect:\n" + "".join(f"  - {{form: {one}, asks: [entry, email], for: [contest]}}\n" for one in ("contest", "second"))),
        ("keep: {forms: [contest],", "keep: {forms: [contest, second],"),
    )  # fmt: skip
    assert contests(parse(other, "corner")) == {}
