"""What a new version changes, in sentences for people."""

from dataclasses import replace

import pytest

from avow.decide.changed import changed
from avow.policy.model import Clause, Protect
from tests.decide.small import HERE, needs, policy, shop, use
from tests.policy.five import SITES, next_of, policy_of


@pytest.mark.parametrize("site", SITES)
def test_every_promise_of_both_versions_stands_there_with_its_mark(site: str) -> None:
    old, new = policy_of(site), next_of(site)
    said = changed(old, new)
    assert [one.id for one in said.promises] == [promise.id for promise in new.promises]
    was = {promise.id: promise for promise in old.promises}
    for pledge, promise in zip(said.promises, new.promises, strict=True):
        assert pledge.now == promise.says
        assert pledge.before == (was[promise.id].says if promise.id in was else "")
        assert (pledge.mark == "new") is (promise.id not in was)
        assert (pledge.mark in ("same", "reworded")) is not bool(pledge.gone or pledge.come)


def test_who_gets_data_has_a_part_of_its_own() -> None:
    said = changed(policy_of("audiomidi"), next_of("audiomidi"))
    by_name = {one.name: one for one in said.receivers}
    assert {name: one.mark for name, one in by_name.items()} == {
        "payments": "same", "gear-makers": "changed", "workshop": "new", "trade-press": "changed",
    }  # fmt: skip
    (sentence,) = by_name["workshop"].more
    assert sentence.promises == ("AUD-9",)
    assert "pass your name, your telephone number and what you order on to Fretwell Repairs" in sentence.words
    assert by_name["trade-press"].less
    assert not by_name["trade-press"].more
    assert said.receiving


def test_no_sentence_shows_a_name_of_the_policy_file() -> None:
    for site in SITES:
        said = changed(policy_of(site), next_of(site))
        assert all("`" not in one.words and one.words.endswith(".") for one in (*said.more, *said.less, *said.also))


def test_a_version_and_itself_say_nothing() -> None:
    same = changed(policy_of("aitpro"), policy_of("aitpro"))
    assert (same.more, same.less, same.also, same.wider) == ((), (), (), False)
    assert {one.mark for one in same.promises} == {"same"}
    assert {one.mark for one in same.receivers} == {"same"}
    assert same.receiving == ("Nobody gets data that they did not get before.",)


def said(old: list[Clause], new: list[Clause]) -> tuple[list[str], list[str]]:
    """What the site may do now, and may no longer, between two small policies."""
    one = changed(policy({"P-1": old}), policy({"P-1": new}))
    return [each.words for each in one.more], [each.words for each in one.less]


def test_a_use_that_needs_less_says_what_it_needed_before() -> None:
    strict, loose = use("name", when=needs("consent", "request")), use("name", when=needs("request"))
    more, less = said([strict], [loose])
    asked, agreed = "you have an open request that calls for it", "you agreed to it and still do"
    assert more == [
        f"Our system may now use name, for order, only if {asked}; before, only if {asked} and {agreed}.",
    ]
    assert less == []
    more, less = said([loose], [strict])
    assert more == []
    assert less == [f"Our system may no longer use name, for order; now, only if {asked} and {agreed}."]


def test_what_no_answer_shows_stands_among_what_may_be_done_and_what_is_neither_by_itself() -> None:
    more, less = said([Protect(("backup",), HERE)], [Protect(("tls",), HERE)])
    assert more == ["No longer promised: There are backups, and what was erased stays erased in them."]
    assert less == ["Promised now: Pages and forms are encrypted on their way, and never sent in the open."]
    old = policy({"P-1": [use("name")]})
    other = replace(old, controller=replace(old.controller, contact={"email": "other@small.example"}))
    also = changed(old, other)
    assert ([one.words for one in also.also], also.more, also.less) == (
        ["The contact by email is other@small.example now."], (), (),
    )  # fmt: skip


def test_who_still_gets_the_same_in_another_way_is_not_said_to_get_less() -> None:
    """A court gets the same from fewer hands."""
    said = changed(policy_of("aitpro"), next_of("aitpro"))
    assert said.receiving == ("Nobody gets data that they did not get before.",)
    assert next(one for one in said.receivers if one.name == "court").less


def test_a_change_of_who_somebody_is_stands_with_them() -> None:
    old = shop()
    elsewhere = replace(old.recipients["payments"], says="Elsewhere")
    said = changed(old, replace(old, recipients={**old.recipients, "payments": elsewhere}))
    (one,) = [each for each in said.receivers if each.name == "payments"]
    assert (one.mark, [each.words for each in one.more]) == (
        "changed", ["The recipient Elsewhere is described as “Elsewhere” now, before as “payments”."],
    )  # fmt: skip
