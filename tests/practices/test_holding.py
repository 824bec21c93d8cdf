"""A changed contact is on hold: who controls the new one alone gets nothing out and ends nothing for three days."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from avow.app import Avow
from avow.decide.facts import add
from avow.errors import Refused
from avow.practices.holding import HOLD, begin, ended, on_hold
from avow.residue import scan
from tests.shops import ADA, Clock, opened

NEW = "thief@elsewhere.example"
TERM = timedelta(milliseconds=HOLD)


async def changed(shop: Avow, clock: Clock) -> tuple[str, int]:
    """Somebody whose address was changed, and when they had shown who they are before that."""
    who = await shop.collect("order", ADA)
    shown = shop.now()
    clock.forward(minutes=5)
    await shop.correct(who, "email", NEW, by=shop.person(who, shown))
    clock.forward(minutes=5)
    return who, shown


async def test_who_came_after_the_change_sees_nothing_ends_nothing_and_changes_no_contact(tmp_path: Path) -> None:
    """DAM-13 and AIT-18: who controls the corrected address alone is not the person yet."""
    clock = Clock()
    async with opened(tmp_path, clock) as shop:
        who, shown = await changed(shop, clock)
        for late in (shop.person(who), shop.person(who, shop.now())):
            for attempt in (
                shop.export(who, by=late), shop.seen(who, by=late), shop.leave(who, after=timedelta(0), by=late),
                shop.correct(who, "email", "third@elsewhere.example", by=late),
            ):  # fmt: skip
                with pytest.raises(Refused, match="three days") as refused:
                    await attempt
                assert refused.value.promises == ("C-6",)
        with pytest.raises(Refused, match="three days"):
            await shop.erase(who)
        refused_events = [one for one in (await shop.export(who, by=shop.person(who, shown)))["events"] if one["outcome"] == "refused"]  # fmt: skip
        assert len(refused_events) == 9  # each is on record
        assert await shop.inspect(who) == []


async def test_who_had_shown_who_they_are_before_goes_on(tmp_path: Path) -> None:
    """DAM-13: people clear up what is inaccurate about them."""
    clock = Clock()
    async with opened(tmp_path, clock) as shop:
        who, shown = await changed(shop, clock)
        mine = shop.person(who, shown)
        assert NEW in {one["value"] for one in (await shop.export(who, by=mine))["data"]}
        await shop.correct(who, "name", "Ada L.", by=shop.person(who))  # no contact: anybody verified may


async def test_after_three_days_it_is_over_and_the_old_address_is_gone(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as shop:
        who, _ = await changed(shop, clock)
        clock.now += TERM
        assert NEW in {one["value"] for one in (await shop.export(who))["data"]}
        await shop.sweep()
        assert {one["value"] for one in (await shop.export(who))["data"] if one["category"] == "email"} == {NEW}
        assert not [token for token in (await shop.standing(who))[0] if token.startswith("changed/")]
        assert await shop.inspect(who) == []
        assert await shop.find("email", ADA["email"]) == []
        assert await shop.find("email", NEW) == [who]
    found, _ = scan(tmp_path, {"old": ADA["email"].encode()})
    assert not found


async def test_the_old_address_is_kept_for_the_hold_serves_nothing_and_finds_nobody(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as shop:
        who, shown = await changed(shop, clock)
        told = (await shop.export(who, by=shop.person(who, shown)))["data"]
        (before,) = [one for one in told if one["value"] == ADA["email"]]
        assert (before["source"], before["purposes"]) == ("replaced", [])
        assert before["due"] < shown + 5 * 60_000 + HOLD
        assert await shop.reach(who, "mail", purpose="order") == NEW
        assert await shop.find("email", ADA["email"]) == []
        assert await shop.inspect(who) == []


async def test_called_off_the_old_address_is_on_file_again_and_nothing_is_on_hold(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as shop:
        who, shown = await changed(shop, clock)
        await shop.correct(who, "email", "another@elsewhere.example", by=shop.person(who, shown))
        assert await shop.call_off(who) == ["email"]
        told = await shop.export(who)
        assert [one["value"] for one in told["data"] if one["category"] == "email"] == [ADA["email"]]
        assert told["events"][-1]["action"] == "call-off"
        assert await shop.find("email", ADA["email"]) == [who]
        assert await shop.find("email", NEW) == []
        assert await shop.call_off(who) == []
        assert await shop.inspect(who) == []


async def test_another_address_in_a_form_is_a_change_too_and_the_same_one_in_other_letters_is_not(
    tmp_path: Path,
) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as shop:
        who = await shop.collect("order", ADA)
        clock.forward(hours=1)
        await shop.collect("order", ADA | {"email": ADA["email"].upper()}, who=who)
        await shop.correct(who, "email", ADA["email"].title())
        assert (await shop.export(who))["data"]
        await shop.collect("order", ADA | {"email": NEW}, who=who)
        clock.forward(hours=1)
        with pytest.raises(Refused, match="three days"):
            await shop.export(who)
        assert await shop.call_off(who) == ["email"]
        assert NEW not in {one["value"] for one in (await shop.export(who))["data"]}
        assert await shop.find("email", NEW) == []
        assert await shop.inspect(who) == []


async def test_an_erasure_waits_until_a_change_is_beyond_doubt(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as shop:
        who = await shop.collect("order", ADA)
        shown = shop.now()
        await shop.leave(who, after=TERM, by=shop.person(who, shown))
        clock.forward(days=2)
        await shop.correct(who, "email", NEW, by=shop.person(who, shown))
        clock.forward(days=2)
        await shop.sweep()
        assert (await shop.leaving(who)) == clock.now + timedelta(days=1)
        clock.forward(days=1, seconds=1)
        await shop.sweep()
        with pytest.raises(Refused):
            await shop.export(who)


@given(some.lists(some.tuples(some.sampled_from(("email", "phone")), some.integers(0, 3 * HOLD)), max_size=6))
def test_a_hold_lasts_from_the_newest_change_and_what_is_over_leaves_no_token(changes: list[tuple[str, int]]) -> None:
    line, newest = add("", "consent/news"), dict[str, int]()
    for category, at in sorted(changes, key=lambda one: one[1]):
        line = begin(line, category, at)
        newest[category] = at
    last = max(newest.values(), default=0)
    for at in (last, last + 1, last + HOLD - 1, last + HOLD):
        assert on_hold(line, at) == {name: since + HOLD for name, since in newest.items() if since + HOLD > at}
        assert set(ended(line, at).split()) == {
            "consent/news", *(f"changed/{name}@{until}" for name, until in on_hold(line, at).items()),
        }  # fmt: skip
