"""A person sees everything, corrects it, and goes without a trace that can be read."""

from pathlib import Path

import pytest

from avow.errors import BadValue, Refused
from avow.residue import scan
from tests.shops import ADA, BEA, Clock, opened


async def test_the_export_has_every_value_consent_request_and_event(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        who = await shop.collect("order", ADA)
        await shop.agree(who, "news", words="Yes, send me news")
        await shop.use(who, "name", purpose="order", by=shop.staff("kim", role="fulfilment"))
        told = await shop.export(who)
    assert {one["category"]: one["value"] for one in told["data"]} == ADA
    assert {one["source"] for one in told["data"]} == {"person"}
    assert told["consents"][0]["words"] == "Yes, send me news"
    assert [one["kind"] for one in told["requests"]] == ["order"]
    assert [one["action"] for one in told["events"]] == ["register", "consent", "use"]
    assert "kim" not in str(told)


async def test_another_person_gets_no_export(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        ada, bea = await shop.collect("order", ADA), await shop.collect("order", BEA)
        with pytest.raises(Refused):
            await shop.export(ada, by=shop.person(bea))
        with pytest.raises(Refused):
            await shop.export(ada, by=shop.staff("kim", role="fulfilment"))


async def test_a_correction_replaces_the_value_and_moves_the_look_up(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        who = await shop.collect("order", ADA)
        await shop.correct(who, "email", "ada@lovelace.example")
        assert await shop.use(who, "email", purpose="order") == "ada@lovelace.example"
        assert await shop.find("email", ADA["email"]) == []
        assert await shop.find("email", "Ada@Lovelace.example ") == [who]


async def test_an_opt_out_survives_the_correction_of_the_address(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        who = await shop.collect("order", ADA)
        await shop.opt_out(who, "mail")
        await shop.correct(who, "email", "ada@lovelace.example")
        with pytest.raises(Refused):
            await shop.reach(who, "mail", purpose="order")


async def test_the_erased_are_unreadable_and_unfindable_and_the_others_are_not(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        ada, bea = await shop.collect("order", ADA), await shop.collect("order", BEA)
        await shop.backup(tmp_path / "backup")
        await shop.erase(ada)
        for attempt in (
            shop.use(ada, "name", purpose="order"), shop.export(ada), shop.seen(ada), shop.erase(ada),
            shop.correct(ada, "name", "A"), shop.ask(ada, "order"), shop.collect("order", ADA, who=ada),
        ):  # fmt: skip
            with pytest.raises(Refused):
                await attempt
        assert await shop.find("email", ADA["email"]) == []
        assert await shop.use(bea, "name", purpose="order") == BEA["name"]
    values = {name: value.encode() for name, value in (ADA | {f"bea-{k}": v for k, v in BEA.items()}).items()}
    found, size = scan(tmp_path, values)
    assert not found
    assert size > 50_000


async def test_after_a_restore_the_erased_stay_erased_and_the_narrowed_narrow(tmp_path: Path) -> None:
    """DAM-16."""
    clock = Clock()
    async with opened(tmp_path, clock) as shop:
        ada, bea = await shop.collect("order", ADA), await shop.collect("order", BEA)
        await shop.agree(bea, "news", words="Yes")
        await shop.backup(tmp_path / "backup")
        clock.forward(hours=1)
        await shop.opt_out(ada, "mail")
        await shop.erase(ada)
        await shop.withdraw(bea, "news")
        await shop.opt_out(bea, "post")
        late = await shop.collect("order", ADA)
    recovered = await shop.restore(
        shop.policy, f"sqlite:///{tmp_path}/shop.db", tmp_path / "backup", clock=clock, folder=tmp_path / "avow"
    )
    assert recovered.erasures == 1
    async with opened(tmp_path, clock) as shop:
        assert await shop.find("email", ADA["email"]) == []
        for attempt in (
            shop.use(ada, "name", purpose="order"),
            shop.use(late, "name", purpose="order"),
            shop.reach(bea, "mail", purpose="news"),
            shop.reach(bea, "post", purpose="order"),
        ):
            with pytest.raises(Refused):
                await attempt
        assert await shop.use(bea, "name", purpose="order") == BEA["name"]


async def test_a_doubtful_number_is_corrected_and_imported_once_it_is_confirmed_to_be_no_card(tmp_path: Path) -> None:
    doubtful = "order 4111111111111111"
    async with opened(tmp_path) as shop:
        who = await shop.collect("order", ADA)
        with pytest.raises(BadValue):
            await shop.correct(who, "postal-address", doubtful)
        await shop.correct(who, "postal-address", doubtful, no_card=True)
        with pytest.raises(BadValue):
            await shop.correct(who, "postal-address", "card 4111111111111111", no_card=True)
        records = [(2, BEA | {"postal-address": doubtful})]
        assert (await shop.bring(records, form="order", source="old shop")).people == 0
        assert (await shop.bring(records, form="order", source="old shop", no_card=["postal-address"])).people == 1
