"""A person answers a new version; what was declined limits again after a restore, and what was agreed to is on record."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from avow.app import Avow
from avow.errors import BadValue, CallError, Refused, Superseded, UnknownWord
from avow.gate import Actor
from avow.policy.model import Policy
from avow.practices.collecting import Submission
from tests.shops import ADA, BEA, POLICY, Clock, arrived, dated, elsewhere, opened, publish

USES = "categories: [name, email, postal-address, phone], for: [order], by: [fulfilment, site], needs: [request]"
WIDE = POLICY.replace(USES, USES.replace("[order]", "[order, marketing]").replace(", needs: [request]", ""))
TELLS = """- id: C-8
  says: You are told before a new use of what you gave.
  source: {section: Changes, sentence: 1}
  change: {must: [contact-affected]}
"""
SECOND, THIRD = "2026-04-01", "2026-05-01"


@asynccontextmanager
async def changed(folder: Path, first: str = POLICY, *texts: str) -> AsyncIterator[tuple[Avow, str, list[str]]]:
    """The shop with Ada, who came under the first version, once all are in force; and the versions' digests."""
    clock, days = Clock(), (SECOND, THIRD)
    async with opened(folder, clock, policy=dated(first, "2026-01-01")) as shop:
        who = await shop.collect("order", ADA)
        await shop.agree(who, "news", words="Yes, send me news")
        for text, day in zip(texts or (WIDE,), days, strict=False):
            await publish(shop, dated(text, day))
    clock.forward(days=80)
    async with opened(folder, clock, policy=dated(first, "2026-01-01")) as shop:
        yield shop, who, [one.digest for one in shop.publishing.versions()]


async def may(shop: Avow, who: str) -> bool:
    try:
        await shop.use(who, "email", purpose="marketing")
    except Refused:
        return False
    return True


async def test_who_agrees_is_held_under_the_newer_version_from_then_on(tmp_path: Path) -> None:
    async with changed(tmp_path) as (shop, who, (_, second)):
        assert not await may(shop, who)
        await shop.answer_version(who, second, agree=True, words="I agree to the version of 1 April")
        assert await may(shop, who)
        await shop.answer_version(who, second, agree=False, words="No")
        assert not await may(shop, who)
        told = await shop.export(who)
        assert sorted((one["about"], one["withdrawn"] is None, one["words"]) for one in told["consents"]) == [
            (f"agreed/{second[:32]}", False, "I agree to the version of 1 April"),
            ("consent/news", True, "Yes, send me news"),
            (f"declined/{second[:32]}", True, "No"),
        ]
        assert [one["action"] for one in told["events"]].count("agree-version") == 1
        assert [one["action"] for one in told["events"]].count("decline-version") == 1
        assert await shop.inspect(who) == []


async def test_a_narrower_version_in_between_keeps_binding_what_was_held_then(tmp_path: Path) -> None:
    async with changed(tmp_path, WIDE, POLICY, WIDE) as (shop, who, (_, second, third)):
        assert not await may(shop, who)
        bea = await shop.collect("order", BEA)
        assert await may(shop, bea)
        await shop.answer_version(who, second, agree=True, words="Yes")
        assert not await may(shop, who)
        await shop.answer_version(who, third, agree=True, words="Yes")
        assert await may(shop, who)


async def test_a_notice_that_arrived_lifts_what_promised_no_more_than_that_until_it_comes_back(tmp_path: Path) -> None:
    async with changed(tmp_path, POLICY + TELLS, WIDE + TELLS) as (shop, who, (_, second)):
        subject, digest = bytes.fromhex(who), bytes.fromhex(second)
        assert not await may(shop, who)
        await shop.answering.told(subject, digest, (), arrived)
        assert await may(shop, who)
        await shop.answering.untold(subject, digest)
        assert not await may(shop, who)
        await shop.answering.told(subject, digest, (), arrived)
        await shop.answer_version(who, second, agree=False, words="No")
        assert not await may(shop, who)


async def test_a_version_without_that_promise_is_not_lifted_by_a_notice(tmp_path: Path) -> None:
    async with changed(tmp_path) as (shop, who, (_, second)):
        await shop.answering.told(bytes.fromhex(who), bytes.fromhex(second), (), arrived)
        assert not await may(shop, who)


async def test_only_the_person_answers_and_only_to_what_was_published(tmp_path: Path) -> None:
    async with changed(tmp_path) as (shop, who, (_, second)):
        subject, digest, person = bytes.fromhex(who), bytes.fromhex(second), Actor("person", "person", identified=True)
        for actor in (Actor("site", "site", standing=True), Actor("person", "person")):
            with pytest.raises(CallError, match="only the person"):
                await shop.answering.answer(subject, digest, actor, "Yes", agree=True)
        with pytest.raises(BadValue):
            await shop.answering.answer(subject, digest, person, " ", agree=True)
        for unknown in (bytes(16), digest[:15], b""):
            with pytest.raises(UnknownWord):
                await shop.answering.answer(subject, unknown, person, "Yes", agree=True)
        assert not await may(shop, who)


async def test_a_version_to_come_can_be_declined_and_agreeing_to_it_counts_when_it_is_in_force(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as shop:
        ada, bea = await shop.collect("order", ADA), await shop.collect("order", BEA)
        await publish(shop, dated(WIDE, SECOND))
        second = shop.publishing.versions()[-1].digest
        await shop.answer_version(ada, second, agree=True, words="Yes")
        await shop.answer_version(bea, second, agree=False, words="No")
        assert not await may(shop, ada)
        clock.forward(days=80)
        with pytest.raises(Superseded):
            await shop.answer_version(ada, second, agree=False, words="No")
    async with opened(tmp_path, clock) as shop:
        assert await may(shop, ada)
        assert not await may(shop, bea)


# -- laundering -------------------------------------------------------------------------------------------------------


async def test_a_correction_keeps_the_version_that_the_datum_came_under(tmp_path: Path) -> None:
    async with changed(tmp_path) as (shop, who, _):
        await shop.correct(who, "email", "ada@lantern.example")
        assert not await may(shop, who)


async def test_an_import_over_somebody_who_is_held_makes_nothing_younger(tmp_path: Path) -> None:
    async with changed(tmp_path) as (shop, who, _):
        row = {"name": ADA["name"], "email": ADA["email"], "postal-address": ADA["postal-address"]}
        brought = await shop.bring([(1, row)], form="order", source="old shop, 2025")
        assert (brought.people, brought.known) == (0, 1)
        assert not await may(shop, who)


async def test_a_consent_given_before_permits_no_more_than_it_did(tmp_path: Path) -> None:
    by_phone = POLICY.replace("contact: {through: [mail], for: [news]", "contact: {through: [phone], for: [news]")
    async with changed(tmp_path, by_phone, POLICY) as (shop, who, _):
        bea = await shop.collect("order", BEA)
        for one in (who, bea):
            with pytest.raises(Refused):
                await shop.reach(one, "mail", purpose="news")
        await shop.agree(bea, "news", words="Yes, send me news")
        assert await shop.reach(bea, "mail", purpose="news") == BEA["email"]
        await shop.withdraw(bea, "news")
        assert not [token for token in (await shop.standing(bea))[0] if "news" in token]


@pytest.mark.parametrize("at_last", ["declines", "agrees", "declines-again"])
async def test_a_backup_from_before_the_answers_is_narrowed_by_them_and_never_widened(
    tmp_path: Path, at_last: str
) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as shop:
        who = await shop.collect("order", ADA)
        await publish(shop, dated(WIDE, SECOND))
    clock.forward(days=80)
    async with opened(tmp_path, clock) as shop:
        second = shop.publishing.versions()[-1].digest
        if at_last != "agrees":
            await shop.answer_version(who, second, agree=True, words="Yes")
        await shop.backup(tmp_path / "backup")
        await shop.answer_version(who, second, agree=False, words="No")
        if at_last != "declines":
            await shop.answer_version(who, second, agree=True, words="Yes after all")
        if at_last == "declines-again":
            await shop.answer_version(who, second, agree=False, words="No")
    policy: Policy = dated(POLICY, "2026-01-01")
    await Avow.restore(policy, elsewhere(tmp_path), tmp_path / "backup", clock=clock, folder=tmp_path / "avow")
    async with opened(tmp_path, clock) as shop:
        standing = {token for token in (await shop.standing(who))[0] if second[:32] in token}
        assert standing == (set() if at_last == "agrees" else {f"declined/{second[:32]}"})
        assert not await may(shop, who)


async def test_only_the_person_adds_to_what_is_held_of_them(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        who = bytes.fromhex(await shop.collect("order", ADA))
        kim = Actor("fulfilment", "kim", standing=True)
        for one in (
            Submission("order", ADA, Actor("site", "import", standing=True), who, source="old shop, 2025"),
            Submission("order", ADA, kim, who, through="phone"),
        ):
            with pytest.raises(CallError, match="only the person"):
                await shop._collecting.collect((one,))
