"""What a new version changes, in sentences for people."""

import pytest

from avow.decide.changed import changed
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
