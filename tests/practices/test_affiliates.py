"""A click of an affiliate's link: what it serves, how long it lasts, what it is worth, and what is left of it."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from avow.app import Avow
from avow.errors import CallError, KeyGone, Refused, UnknownWord
from avow.policy.affiliates import programme
from avow.policy.parse import read
from avow.practices.affiliates import _count, _months
from avow.practices.disclosing import WAYS
from avow.rows import unpack
from tests.desk.beds import POLICIES
from tests.shops import Clock, elsewhere, opened

AITPRO = read(POLICIES / "aitpro.yaml")
CLICK = ("affiliate-ip", "affiliate-click", "affiliate-source")
ONE_MS = timedelta(milliseconds=1)
ORDER = {"name": "Ada Quill", "email": "ada@quill.example", "items": "1 × Bolt"}


def site(folder: Path, clock: Clock) -> Any:
    """The web designers' site."""
    return opened(folder, clock, policy=AITPRO, private=True)


async def came(shop: Avow, number: str = "7f3a9c", source: str = "harbourpress") -> str:
    """Somebody followed a link."""
    given = {"affiliate-ip": "203.0.113.9", "affiliate-click": number, "affiliate-source": source}
    return await shop.collect("affiliate-link", given, affiliate_link=True)


async def credited(shop: Avow, number: str = "7f3a9c", commission: int = 1180) -> bool:
    """Whether a sale that came with this number earned anybody anything."""
    click = await shop.affiliates.click(number)
    return click is not None and await shop.affiliates.credit(click, commission)


async def counted(shop: Avow) -> dict[str, list[int]]:
    """What the months have, all of them together: affiliate -> sales, commission. Behind the report, which tells less."""
    out: dict[str, list[int]] = {}
    async with shop._gate.store.transaction() as tx:
        for owed in (await _months(tx)).values():
            for name, (sales, amount) in owed.items():
                before = out.setdefault(name, [0, 0])
                out[name] = [before[0] + sales, before[1] + amount]
    return out


def test_only_a_policy_with_an_affiliates_cookie_has_a_programme() -> None:
    found = programme(AITPRO)
    assert found is not None
    assert (found.form, found.purpose, found.source, found.number, found.lifetime, found.promises) == (
        "affiliate-link", "commission", "affiliate-source", "affiliate-click", timedelta(days=30), ("AIT-8", "AIT-3", "AIT-9"),
    )  # fmt: skip
    others = [programme(read(POLICIES / f"{name}.yaml")) for name in ("aimini", "aitoc", "audiomidi", "daminion")]
    assert others == [None] * 4


async def test_a_sale_within_thirty_days_is_credited_and_a_millisecond_later_it_is_not(tmp_path: Path) -> None:
    """AIT-3, AIT-8, AIT-9: at the very millisecond, whether swept already or not."""
    clock = Clock()
    async with site(tmp_path, clock) as shop:
        await came(shop, "in-time")
        late = await came(shop, "late")
        clock.now += timedelta(days=30)
        assert await credited(shop, "in-time")
        clock.now += ONE_MS
        assert not await credited(shop, "late")
        with pytest.raises(Refused) as refused:
            await shop.use(late, "affiliate-source", purpose="commission")
        assert refused.value.promises == ("AIT-8",)
        assert await counted(shop) == {"harbourpress": [1, 1180]}
        await shop.sweep()
        assert await shop.affiliates.click("late") is None
        assert not await shop.affiliates.credit(bytes.fromhex(late), 1180)


async def test_a_click_is_one_commission_however_often_and_wherever_it_is_asked_for(tmp_path: Path) -> None:
    """AIT-9: again, twenty times at once, after a restart, and for an order of somebody else's."""
    clock = Clock()
    async with site(tmp_path, clock) as shop:
        await came(shop)
        click = await shop.affiliates.click("7f3a9c")
        assert click is not None
        both = await asyncio.gather(*(shop.affiliates.credit(click, 1180) for _ in range(20)))
        assert sorted(both) == [*[False] * 19, True]
        assert not await credited(shop)
    async with site(tmp_path, clock) as shop:
        assert not await shop.affiliates.credit(click, 1180)
        assert await counted(shop) == {"harbourpress": [1, 1180]}


async def test_two_sales_of_one_affiliate_at_once_are_both_counted(tmp_path: Path) -> None:
    """AIT-9: no update is lost."""
    async with site(tmp_path, Clock()) as shop:
        for number in range(12):
            await came(shop, f"click {number}", "plainpages" if number % 3 else "harbourpress")
        assert all(await asyncio.gather(*(credited(shop, f"click {number}", 100) for number in range(12))))
        assert await counted(shop) == {"harbourpress": [4, 400], "plainpages": [8, 800]}


async def test_with_the_credit_nothing_of_the_click_is_left(tmp_path: Path) -> None:
    """AIT-9, AIT-10: no datum, no event, no key."""
    async with site(tmp_path, Clock()) as shop:
        who = await came(shop)
        keys = await keys_of(shop, who)
        assert await credited(shop)
        with pytest.raises(Refused):
            await shop.export(who)
        for key in keys:
            with pytest.raises(KeyGone):
                shop.keystore.get(key, 0)
        await shop.sweep()
        async with shop._gate.store.transaction() as tx:
            assert await tx.held(bytes.fromhex(who)) == []
            assert await tx.traces(bytes.fromhex(who)) == []
        await shop.sequence_all()
        assert await shop.census() == []


@pytest.mark.parametrize("purpose", [one for one in AITPRO.purposes if one != "commission"])
async def test_no_other_purpose_gets_a_click(tmp_path: Path, purpose: str) -> None:
    """AIT-3: traffic, marketing, and whatever else the policy knows; as the site, and as an admin who has standing."""
    async with site(tmp_path, Clock()) as shop:
        who = await came(shop)
        await shop.staff_roll.set_agreement("what I learn stays here")
        for role in AITPRO.roles:
            await shop.staff_roll.join("kim", role, signs="what I learn stays here")
            for by in (None, shop.staff("kim", role)):
                for category in CLICK:
                    with pytest.raises(Refused) as refused:
                        await shop.use(who, category, purpose=purpose, by=by)
                    assert {"AIT-3", "AIT-9", "AIT-19"} & set(refused.value.promises)
            with pytest.raises(Refused):
                await shop.use(who, "affiliate-source", purpose="commission", by=shop.staff("kim", role))


async def test_fraud_is_no_purpose_of_this_policy_and_a_click_is_not_noted_without_a_link(tmp_path: Path) -> None:
    """AIT-3."""
    async with site(tmp_path, Clock()) as shop:
        who = await came(shop)
        with pytest.raises(UnknownWord, match="fraud"):
            await shop.use(who, "affiliate-ip", purpose="fraud")
        given = {"affiliate-ip": "203.0.113.9", "affiliate-click": "forged", "affiliate-source": "harbourpress"}
        with pytest.raises(Refused) as refused:
            await shop.collect("affiliate-link", given)
        assert refused.value.promises == ("AIT-3",)
        assert await shop.affiliates.click("forged") is None


@pytest.mark.parametrize(
    "recipient", ["affiliate", "payments", "court", "third-party:a friend", "list-broker:x", "public:all"]
)
async def test_nobody_outside_gets_a_click(tmp_path: Path, recipient: str) -> None:
    """AIT-9, AIT-10: shared or sold, for whatever purpose; a court has no case here."""
    async with site(tmp_path, Clock()) as shop:
        who = await came(shop)
        for purpose in AITPRO.purposes:
            for way in WAYS:
                with pytest.raises(Refused) as refused:
                    await shop.disclose(who, CLICK, recipient=recipient, purpose=purpose, way=way)
                assert "AIT-10" in refused.value.promises


async def test_a_click_is_no_way_to_somebody_who_ordered(tmp_path: Path) -> None:
    """AIT-9: who asks for a credit in the name of a buyer ends nobody and reads nothing; nor is anybody found by a number."""
    async with site(tmp_path, Clock()) as shop:
        buyer = await shop.collect("order", ORDER)
        assert not await shop.affiliates.credit(bytes.fromhex(buyer), 1180)
        given = {"affiliate-ip": "203.0.113.9", "affiliate-click": "hers", "affiliate-source": "harbourpress"}
        await shop.collect("affiliate-link", given, who=buyer, affiliate_link=True)
        assert not await shop.affiliates.credit(bytes.fromhex(buyer), 1180)
        assert (await shop.export(buyer))["data"]
        assert await counted(shop) == {}
        with pytest.raises(UnknownWord, match="not found by"):
            await shop.find("affiliate-click", "hers")


@pytest.mark.parametrize("commission", [-1, 10**12 + 1])
async def test_a_commission_that_is_no_sum_is_refused(tmp_path: Path, commission: int) -> None:
    """AIT-9."""
    async with site(tmp_path, Clock()) as shop:
        await came(shop)
        with pytest.raises(CallError):
            await credited(shop, commission=commission)
        assert await credited(shop)


async def test_a_restore_brings_no_click_back_neither_one_that_ended_nor_one_that_was_credited(tmp_path: Path) -> None:
    """AIT-8, AIT-9."""
    clock = Clock()
    async with site(tmp_path, clock) as shop:
        over, sold = await came(shop, "over"), await came(shop, "sold")
        keys = [key for who in (over, sold) for key in await keys_of(shop, who)]
        await shop.backup(tmp_path / "backup")
        assert await credited(shop, "sold")
        clock.now += timedelta(days=30) + ONE_MS
        await shop.sweep()
    url = elsewhere(tmp_path)
    await Avow.restore(AITPRO, url, tmp_path / "backup", folder=tmp_path / "avow", clock=clock, private=True)
    async with site(tmp_path, clock) as shop:
        for number in ("over", "sold"):
            assert await shop.affiliates.click(number) is None
            assert not await credited(shop, number)
        for who in (over, sold):
            assert not await shop.affiliates.credit(bytes.fromhex(who), 1)
        for key in keys:
            with pytest.raises(KeyGone):
                shop.keystore.get(key, 0)
        assert await shop.census() == []


async def keys_of(shop: Avow, who: str) -> list[bytes]:
    """Every key of somebody."""
    async with shop._gate.store.transaction() as tx:
        (row,) = await tx.subjects([bytes.fromhex(who)])
        assert row is not None
    return list(unpack(row.keys).values())


async def test_a_credit_of_the_months_last_moment_is_in_what_is_told_of_that_month(
    tmp_path: Path, postgres: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AIT-9: what was told stands for good; a payout that grew by one sale would tell of that one. On a database that lets a
    report read while a credit is on its way.
    """
    clock, there, on = Clock(datetime(2026, 3, 31, 12, tzinfo=UTC)), asyncio.Event(), asyncio.Event()

    async def slowly(*of: Any) -> None:
        there.set()
        await on.wait()
        await _count(*of)

    async with opened(tmp_path, clock, policy=AITPRO, private=True, url=postgres.new_database()) as shop:
        for number in range(5):
            await came(shop, str(number))
            assert await credited(shop, str(number), 100)
        await came(shop, "last")
        monkeypatch.setattr("avow.practices.affiliates._count", slowly)
        last = asyncio.create_task(credited(shop, "last", 777))
        await there.wait()
        clock.forward(hours=13)
        report = asyncio.create_task(shop.affiliates.payouts("kim"))
        await asyncio.wait([report], timeout=0.5)
        on.set()
        assert await last
        told = await report
        assert [(one.month, one.sales, one.commission) for one in told] == [("2026-03", 6, 1277)]
        assert await shop.affiliates.payouts("kim") == told
