"""What was held when the promises changed keeps the older ones: under three of the five policies and their next versions."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from avow.errors import AvowError, Refused, UnknownWord
from avow.policy.model import Collect, Policy
from avow.policy.parse import read
from avow.practices.owing import NoticeKind
from tests.desk.beds import Bed, Clock, desk

NEXT = Path(__file__).parent / "next"
ADA = {
    "name": "Ada Quill", "email": "ada@quill.example", "postal-address": "7 Lantern Lane", "items": "One Web shield",
    "message": "hello",
}  # fmt: skip
BEA = ADA | {"name": "Bea Marrow", "email": "bea@marrow.example"}


def to_come(site: str) -> Policy:
    return read(NEXT / f"{site}.yaml")


async def ordered(bed: Bed, who: dict[str, str]) -> str:
    """Who gave what an order asks for, under the version in force."""
    asks = {name for _, one in bed.policy.clauses(Collect) if one.form == "order" for name in one.asks}
    await bed.desk.collect("order", {name: who[name] for name in asks})
    return (await bed.shop.find("email", who["email"]))[-1]


async def published(bed: Bed) -> str:
    new = to_come(bed.policy.site)
    await bed.desk.publish(new.source, (await bed.desk.published())[-1]["digest"])
    return new.digest.hex()


def on_its_day(site: str) -> Clock:
    clock = Clock()
    day = to_come(site).version
    clock.now = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return clock


async def planned(bed: Bed, who: str) -> bool:
    """Whether what they ordered may be looked at to plan products, which the new version alone states."""
    try:
        await bed.shop.use(who, "items", purpose="planning")
    except Refused:
        return False
    return True


async def test_a_change_reaches_only_what_is_collected_from_then_on_unless_somebody_agrees(tmp_path: Path) -> None:
    """TOC-2: publish a wider version, then use old data the new way."""
    async with desk(tmp_path, "aitoc") as bed:
        ada = await ordered(bed, ADA)
        with pytest.raises(UnknownWord):
            await bed.shop.use(ada, "items", purpose="planning")
        digest = await published(bed)
    async with desk(tmp_path, "aitoc", clock=on_its_day("aitoc")) as bed:
        bea = await ordered(bed, BEA)
        assert (await planned(bed, ada), await planned(bed, bea)) == (False, True)
        both = await bed.shop.use_each([bea, ada], "items", purpose="planning")
        assert [isinstance(one, Refused) for one in both] == [False, True]
        await bed.shop.correct(ada, "items", "Two Web shields")  # put right, it still is what came then
        assert not await planned(bed, ada)
        await bed.shop.answer_version(ada, digest, agree=True, words="Agreed")
        assert await planned(bed, ada)
        await bed.shop.answer_version(ada, digest, agree=False, words="No")
        assert not await planned(bed, ada)


async def test_a_new_use_is_refused_for_each_until_their_notice_has_arrived(tmp_path: Path) -> None:
    """AIT-17: use before notice; use for someone whose notice bounced; and whoever declines is not overruled by a notice."""
    async with desk(tmp_path, "aitpro") as bed:
        ada, bea, cid = [await ordered(bed, ADA | {"email": f"{name}@quill.example"}) for name in ("ada", "bea", "cid")]
        digest = await published(bed)
        await bed.desk.new_versions.round()
        assert len(bed.sent) == 3
        name = bed.shop.owing.name(NoticeKind.NEW_USE, f"{digest[:32]} {bea}")
        await bed.shop.reaching._mark(bytes.fromhex(bea), name, "bounced", ("sent",))
        await bed.shop.answer_version(cid, digest, agree=False, words="No")
        bed.clock.forward(days=8)
        await bed.desk.new_versions.round()
    clock = on_its_day("aitpro")
    async with desk(tmp_path, "aitpro", clock=clock) as bed:
        assert [await planned(bed, one) for one in (ada, bea, cid)] == [True, False, False]
        await bed.shop.answer_version(cid, digest, agree=True, words="I have thought better of it")
        assert await planned(bed, cid)


async def test_nothing_is_used_for_what_is_stated_nowhere_however_it_is_named(tmp_path: Path) -> None:
    """AIT-19: 1,000 generated requests for unstated purposes."""
    dice, letters = random.Random(19), "abcdefghijklmnopqrstuvwxyz-"
    async with desk(tmp_path, "aitpro") as bed:
        ada = await ordered(bed, ADA)
        known, roles = list(bed.policy.categories), [*bed.policy.roles]
        stated = [*bed.policy.purposes, "new-use", "rights"]
        for _ in range(1_000):
            purpose = "".join(dice.choices(letters, k=dice.randint(1, 16))) if dice.random() < 0.8 else "new-use"
            if purpose in stated and purpose != "new-use":
                continue
            by = None if dice.random() < 0.3 else bed.shop.staff("kim", role=dice.choice(roles))
            with pytest.raises((Refused, UnknownWord)) as told:
                await bed.shop.use(ada, dice.choice(known), purpose=purpose, by=by)
            if isinstance(told.value, Refused):
                assert told.value.promises
        wrong = [one for one in await bed.shop.seen(ada) if one["action"] == "use" and one["outcome"] == "done"]
        assert wrong == []


async def test_what_is_narrower_holds_for_what_was_held_before_from_the_same_moment(tmp_path: Path) -> None:
    """AIT-8 in its next words: IP addresses of affiliate links are kept for 14 days, those held already among them."""
    click = {"affiliate-ip": "203.0.113.7", "affiliate-click": "7f" * 16, "affiliate-source": "harbourpress"}
    clock = on_its_day("aitpro")
    day, clock.now = clock.now, clock.now - timedelta(days=13)
    async with desk(tmp_path, "aitpro", clock=clock) as bed:
        await bed.desk.publish(
            to_come("aitpro").source, (await bed.desk.published())[-1]["digest"]
        )  # before it was collected
        who = await bed.shop.collect("affiliate-link", click, affiliate_link=True)
    for hours, left in ((0, True), (25, False)):
        clock.now = day + timedelta(hours=hours)
        async with desk(tmp_path, "aitpro", clock=clock) as bed:
            try:
                values = {one["category"] for one in (await bed.shop.export(who))["data"]}
            except AvowError:
                values = set()
            assert ("affiliate-ip" in values) is left
