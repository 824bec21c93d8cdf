"""What versions mean for one person: which of their data, what came of the notice, what they answered, what limits hold."""

from pathlib import Path

import pytest

from avow.app import Avow
from avow.errors import Refused
from avow.practices.meaning import Meaning
from tests.practices.test_answering import TELLS, WIDE
from tests.shops import ADA, BEA, POLICY, Clock, arrived, dated, opened, publish

FIRST, SECOND, THIRD = "2026-01-01", "2026-04-01", "2026-05-01"
ALL = ("email", "items", "name", "postal-address")


async def of(shop: Avow, who: str) -> list[Meaning]:
    return await shop.meanings.of(bytes.fromhex(who), None)


async def test_a_version_to_come_tells_what_of_theirs_it_makes_more_of_and_an_answer_counts_before_its_day(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path, policy=dated(POLICY, FIRST)) as shop:
        who = await shop.collect("order", ADA)
        assert await of(shop, who) == []
        wide = dated(WIDE, SECOND)
        await publish(shop, wide)
        (one,) = await of(shop, who)
        held = tuple(sorted(ADA))
        assert one == Meaning(wide.digest[:16], "", "", None, False, held, held)
        await shop.answer_version(who, wide.digest.hex(), agree=True, words="Yes")
        (one,) = await of(shop, who)
        assert (one.answer, one.lifted) == ("agreed", True)
        await shop.answer_version(who, wide.digest.hex(), agree=False, words="No")
        (one,) = await of(shop, who)
        assert (one.answer, one.lifted) == ("declined", False)


async def test_only_versions_after_something_of_theirs_concern_somebody_newest_first(tmp_path: Path) -> None:
    clock, versions = Clock(), (dated(WIDE, SECOND), dated(POLICY, THIRD))
    async with opened(tmp_path, clock, policy=dated(POLICY, FIRST)) as shop:
        ada = await shop.collect("order", ADA)
        for one in versions:
            await publish(shop, one)
    clock.forward(days=40)
    async with opened(tmp_path, clock, policy=dated(POLICY, FIRST)) as shop:
        bea = await shop.collect("order", BEA)
        assert [one.version for one in await of(shop, ada)] == [one.digest[:16] for one in reversed(versions)]
        (third,) = await of(shop, bea)
        assert third.version == versions[1].digest[:16]
        assert third.more == ()  # it is narrower
        assert third.categories == tuple(sorted(BEA))
    clock.forward(days=40)
    async with opened(tmp_path, clock, policy=dated(POLICY, FIRST)) as shop:
        assert await of(shop, await shop.collect("order", {**BEA, "email": "cy@quill.example"})) == []


async def test_a_notice_that_arrived_lifts_the_older_limits_where_it_may(tmp_path: Path) -> None:
    wide = dated(WIDE + TELLS, SECOND)
    async with opened(tmp_path, policy=dated(POLICY + TELLS, FIRST)) as shop:
        who = await shop.collect("order", ADA)
        await publish(shop, wide)
        await shop.answering.told(bytes.fromhex(who), wide.digest, (), arrived)
        (one,) = await of(shop, who)
        assert (one.notice, one.lifted) == ("arrived", True)
        await shop.answering.untold(bytes.fromhex(who), wide.digest)
        (one,) = await of(shop, who)
        assert (one.notice, one.lifted) == ("", False)


async def test_whoever_is_erased_is_told_of_nothing_and_counts_are_of_who_stands_by_their_answer(
    tmp_path: Path,
) -> None:
    wide = dated(WIDE, SECOND)
    async with opened(tmp_path, policy=dated(POLICY, FIRST)) as shop:
        await publish(shop, wide)
        ada, bea = await shop.collect("order", ADA), await shop.collect("order", BEA)
        for who in (ada, bea):
            await shop.answer_version(who, wide.digest.hex(), agree=True, words="Yes")
        await shop.answer_version(bea, wide.digest.hex(), agree=False, words="No")
        assert await shop.meanings.answers(wide.digest[:16], 10) == (1, 1)
        await shop.erase(ada)
        assert await of(shop, ada) == []
        assert await shop.meanings.answers(wide.digest[:16], 10) == (0, 1)


async def test_who_may_not_see_what_is_held_does_not_see_it_here(tmp_path: Path) -> None:
    async with opened(tmp_path, policy=dated(POLICY, FIRST)) as shop:
        who = await shop.collect("order", ADA)
        await publish(shop, dated(WIDE, SECOND))
        before = shop.now()
        await shop.correct(who, "email", "mallory@quill.example", by=shop.person(who, before))
        with pytest.raises(Refused):
            await shop.meanings.of(bytes.fromhex(who), before)
