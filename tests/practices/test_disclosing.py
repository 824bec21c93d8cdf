"""Personal data go out to one recipient at a time, for what a promise allows, sealed to that recipient, and on record."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from avow.app import Avow
from avow.errors import CallError, NotHeld, Refused, UnknownWord
from avow.vault.package import unpack
from tests.desk.beds import POLICIES
from tests.outside import gets, on_file
from tests.policy.five import policy_of
from tests.practices import racing
from tests.shops import ADA, BEA, START, Clock, dated, opened, publish

ORDER = {
    "name": "Ada Quillfeather", "email": "ada@quillfeather.example", "shipping-address": "7 Lantern Lane, Farwater",
    "billing-address": "7 Lantern Lane, Farwater", "phone": "+44 20 7946 0001",
}  # fmt: skip
PARCEL = ("name", "shipping-address", "phone")


@asynccontextmanager
async def daminion(folder: Path, clock: Clock | None = None) -> AsyncIterator[Avow]:
    async with opened(folder, clock, policy=policy_of("daminion"), private=True) as shop:
        yield shop


async def order_of(shop: Avow, who: str) -> str:
    (one,) = (await shop.export(who))["requests"]
    return str(one["id"])


async def refused(
    shop: Avow, who: str, recipient: str, *names: str, purpose: str = "order", **more: Any
) -> tuple[str, ...]:
    """The promises that refuse, and that nothing of it went out."""
    before = (await shop.export(who))["disclosures"]
    with pytest.raises(Refused) as error:
        await gets(shop, who, names or PARCEL, recipient, purpose, **more)
    assert (await shop.export(who))["disclosures"] == before
    return error.value.promises


# -- processors -----------------------------------------------------------------------------------------------------


async def test_dam_10_the_carrier_gets_what_one_order_needs_and_until_when(tmp_path: Path) -> None:
    """DAM-10: "Companies that work for us under contract may use your data for the one transaction at hand"."""
    async with daminion(tmp_path) as shop:
        who = await shop.collect("order", ORDER)
        private = await on_file(shop, "carrier")
        package = await shop.disclose(who, PARCEL, recipient="carrier", purpose="order", within=timedelta(days=3))
        claims = unpack(package.sealed, private, shop.disclosing.verifier, recipient="carrier")
        assert claims["avow"]["data"] == {name: ORDER[name] for name in PARCEL}
        assert claims["exp"] - claims["iat"] == 3 * 86_400
        assert (claims["iss"], claims["avow"]["promises"]) == ("daminion", ["DAM-10"])
        (told,) = (await shop.export(who))["disclosures"]
        assert (told["recipient"], told["categories"], told["purpose"]) == ("carrier", PARCEL, "order")
        assert who not in str(claims)
        assert await shop.inspect(who) == []


async def test_dam_10_no_other_order_no_further_field_no_second_purpose(tmp_path: Path) -> None:
    """DAM-10: broken: other order, extra field, second purpose."""
    async with daminion(tmp_path) as shop:
        ada, bea = await shop.collect("order", ORDER), await shop.collect("order", ORDER | {"name": "Bea Marrowstone"})
        theirs = await order_of(shop, bea)
        assert await refused(shop, ada, "carrier", request=theirs) == ("DAM-10",)
        assert await refused(shop, ada, "carrier", "email") == ("DAM-10",)
        assert await refused(shop, ada, "carrier", *PARCEL, "billing-address") == ("DAM-10",)
        for purpose in ("mailing-list", "patterns", "marketing", "statistics"):
            assert "DAM-10" in await refused(shop, ada, "carrier", purpose=purpose)
        assert await gets(shop, ada, PARCEL, "carrier", "order", request=await order_of(shop, ada))


async def test_dam_10_nothing_after_the_order_is_closed_or_the_contract_is_over(tmp_path: Path) -> None:
    """DAM-10: broken: expired contract, other order."""
    clock = Clock()
    async with daminion(tmp_path, clock) as shop:
        who = await shop.collect("order", ORDER)
        request = await order_of(shop, who)
        await shop.close_request(who, request)
        assert await refused(shop, who, "carrier", request=request) == ("DAM-10",)
        assert await refused(shop, who, "carrier") == ("DAM-10",)
        await shop.collect("order", ORDER, who=who)
        clock.now = datetime(2030, 12, 31, 23, 59, 59, tzinfo=UTC)
        package_until = (await shop.disclose(who, PARCEL, recipient=await _filed(shop), purpose="order")).told.until
        assert package_until == int(datetime(2031, 1, 1, tzinfo=UTC).timestamp() * 1000)  # no longer than the contract
        clock.forward(seconds=1)
        assert await refused(shop, who, "carrier") == ("DAM-10",)


async def _filed(shop: Avow) -> str:
    await on_file(shop, "carrier")
    return "carrier"


async def test_what_came_with_the_order_goes_out_and_not_what_came_later(tmp_path: Path) -> None:
    clock = Clock()
    async with daminion(tmp_path, clock) as shop:
        who = await shop.collect("order", ORDER)
        first = await order_of(shop, who)
        clock.forward(days=1)
        await shop.collect("order", ORDER | {"shipping-address": "1 Other Quay"}, who=who)
        second = next(one["id"] for one in (await shop.export(who))["requests"] if one["id"] != first)
        with pytest.raises(CallError, match="several open requests"):
            await gets(shop, who, PARCEL, "carrier", "order")
        assert (await gets(shop, who, PARCEL, "carrier", "order", request=first))["shipping-address"] == ORDER[
            "shipping-address"
        ]
        assert (await gets(shop, who, PARCEL, "carrier", "order", request=second))["shipping-address"] == "1 Other Quay"


async def test_dam_10_what_came_with_another_order_or_after_this_one_does_not_go_out_for_it(tmp_path: Path) -> None:
    """DAM-10: broken: other order."""
    clock = Clock()
    async with daminion(tmp_path, clock) as shop:
        who = await shop.collect("order", ORDER)
        first = await order_of(shop, who)
        async with shop._gate.store.transaction() as tx:  # a field that this order did not have
            (row,) = [one for one in await tx.held(bytes.fromhex(who)) if one.category == "phone"]
            await tx.remove([(row.subject, row.row)])
        clock.forward(days=1)
        await shop.collect("order", ORDER | {"phone": "+44 20 7946 0999"}, who=who)
        assert "phone" not in await gets(shop, who, PARCEL, "carrier", "order", request=first)
        clock.forward(seconds=1)
        third = await shop.ask(who, "order")  # which brought nothing with it
        with pytest.raises(NotHeld):
            await gets(shop, who, PARCEL, "carrier", "order", request=third)


async def test_without_a_key_on_file_nothing_goes_out(tmp_path: Path) -> None:
    async with daminion(tmp_path) as shop:
        who = await shop.collect("order", ORDER)
        with pytest.raises(CallError, match="no key on file"):
            await shop.disclose(who, PARCEL, recipient="carrier", purpose="order")
        assert (await shop.export(who))["disclosures"] == []
        private = await on_file(shop, "carrier")
        package = await shop.disclose(who, PARCEL, recipient="carrier", purpose="order")
        assert unpack(package.sealed, private, shop.disclosing.verifier, recipient="carrier")
        assert await shop.recipients.remove("carrier")
        with pytest.raises(CallError, match="no key on file"):
            await shop.disclose(who, PARCEL, recipient="carrier", purpose="order")


async def test_who_was_taken_off_the_list_is_not_put_back_by_an_older_backup_or_row(tmp_path: Path) -> None:
    clock, url = Clock(), f"sqlite:///{tmp_path}/off.db"
    async with opened(tmp_path, clock, policy=policy_of("daminion"), private=True, url=url) as shop:
        await on_file(shop, "carrier")
        await shop.backup(tmp_path / "backup")
        owner = shop.recipients._owner("carrier")
        async with shop._gate.store.transaction() as tx:
            (row,) = await tx.credentials(owner, "recipient")
        assert await shop.recipients.remove("carrier")
        async with shop._gate.store.transaction() as tx:  # as a thief does, who has the older row
            await tx.put_credential(row)
        assert await shop.recipients.known("carrier") is None
        policy = shop.policy
    await Avow.restore(policy, url, tmp_path / "backup", folder=tmp_path / "avow", clock=clock, private=True)
    async with opened(tmp_path, clock, policy=policy, private=True, url=url) as shop:
        who = await shop.collect("order", ORDER)
        with pytest.raises(CallError, match="no key on file"):
            await shop.disclose(who, PARCEL, recipient="carrier", purpose="order")
        assert not await shop.recipients.remove("carrier")
        assert await gets(shop, who, PARCEL, "carrier", "order")
    async with opened(tmp_path, clock, policy=policy, private=True, url=url) as shop:
        assert await shop.recipients.known("carrier") is not None


# -- third parties ----------------------------------------------------------------------------------------------------


async def agreed(shop: Avow, who: str, way: str, *names: str) -> None:
    await shop.agree_to(who, way, "gear-makers", names, words="Yes, the guild may", how="sharing-choice")  # type: ignore[arg-type]


async def test_aud_9_nothing_goes_out_but_by_this_persons_consent_to_this_recipient(tmp_path: Path) -> None:
    """AUD-9: "Nothing personal is shared, traded, sold or rented out unless you agreed"; broken: without, before, after
    withdrawal, with someone else's consent, with consent for another recipient.
    """
    async with opened(tmp_path, policy=policy_of("audiomidi")) as shop:
        card = {name: ADA[name] for name in ("name", "email", "postal-address")}
        ada, bea = await shop.collect("order", card), await shop.collect("order", BEA)
        offers = {"purpose": "partner-offers"}
        assert await refused(shop, ada, "gear-makers", "email", **offers) == ("AUD-9",)
        await agreed(shop, ada, "share", "email")
        assert await gets(shop, ada, ["email"], "gear-makers", "partner-offers") == {"email": ADA["email"]}
        assert await refused(shop, bea, "gear-makers", "email", **offers) == ("AUD-9",)
        assert await refused(shop, ada, "gear-makers", "name", **offers) == ("AUD-9",)
        assert await refused(shop, ada, "gear-makers", "email", "name", **offers) == ("AUD-9",)
        assert await refused(shop, ada, "gear-makers", "email", way="sell", **offers) == ("AUD-9",)
        assert await refused(shop, ada, "third-party:Other Guild", "email", **offers) == ("AUD-9",)
        await shop.withdraw(ada, "consent/share")
        assert await refused(shop, ada, "gear-makers", "email", **offers) == ("AUD-9",)


async def test_dam_1_and_11_a_sale_wants_its_own_consent_in_writing_and_sharing_a_written_approval(
    tmp_path: Path,
) -> None:
    """DAM-1: "Nobody buys your name from us unless you expressly agreed, in writing"; DAM-11: "only after you approved it in
    writing, naming who and what"; broken: sale under a general sharing consent, approval after the fact, for another.
    """
    async with daminion(tmp_path) as shop:
        who = await shop.collect("order", ORDER)
        offers = {"purpose": "partner-offers"}
        assert await refused(shop, who, "reseller", "name", **offers) == ("DAM-11",)
        await shop.agree_to(
            who, "approve", "reseller", ["name"], words="I approve that they have my name", how="approval"
        )
        assert await gets(shop, who, ["name"], "reseller", "partner-offers") == {"name": ORDER["name"]}
        assert await refused(shop, who, "reseller", "email", **offers) == ("DAM-11",)
        assert "DAM-11" in await refused(shop, who, "third-party:Others", "name", **offers)
        assert await refused(shop, who, "reseller", "name", way="sell", **offers) == ("DAM-1",)
        await shop.agree_to(who, "sell", "reseller", ["name"], words="They may buy my name", how="approval")
        assert await gets(shop, who, ["name"], "reseller", "partner-offers", way="sell") == {"name": ORDER["name"]}
        for broker in ("list-company", "list-broker:Hollow Lists"):
            assert "DAM-12" in await refused(shop, who, broker, "name", **offers)
            assert "DAM-12" in await refused(shop, who, broker, "name", way="sell", **offers)


@pytest.mark.parametrize("site", ["aimini", "aitpro", "aitoc"])
async def test_where_the_policy_shares_with_nobody_nothing_goes_out_to_anybody(tmp_path: Path, site: str) -> None:
    """AIM-1: "We never sell, rent or give away customer information."; AIT-7 and AIT-10: shared with no one."""
    policy = policy_of(site)
    form = next(name for name in ("contact", "question") if name in policy.forms)
    async with opened(tmp_path, policy=policy, private=True) as shop:
        who = await shop.collect(form, {"email": ADA["email"], "message": "Hello there"})
        never = {"aimini": "AIM-1", "aitpro": "AIT-21", "aitoc": None}[site]
        for recipient in ("third-party:Acme", "list-broker:Acme", "public:everybody"):
            for way in ("share", "sell"):
                for purpose in policy.purposes:
                    for name in ("email", "message"):
                        found = await refused(shop, who, recipient, name, purpose=purpose, way=way)
                        assert found
                        assert never is None or never in found


async def test_what_came_under_an_older_version_goes_out_only_if_that_one_allows_it_too(tmp_path: Path) -> None:
    text, now = (POLICIES / "daminion.yaml").read_text(), "[name, shipping-address, phone]\n    with: [carrier]"
    assert now in text
    before, after = dated(text.replace(now, now.replace(", phone", "")), "2010-02-01"), dated(text, "2026-03-02")
    async with opened(tmp_path, policy=before, private=True) as shop:
        who = await shop.collect("order", ORDER)
        assert await refused(shop, who, "carrier", "phone") == ()
        await publish(shop, after)
    async with opened(tmp_path, Clock(START + timedelta(days=1)), policy=after, private=True) as shop:
        for names in (["phone"], [*PARCEL]):
            assert await refused(shop, who, "carrier", *names) == ()
        assert await gets(shop, who, ["name"], "carrier", "order")
        await shop.correct(who, "phone", "+44 20 7946 0777")  # put right, it still is what came then
        assert await refused(shop, who, "carrier", "phone") == ()
        assert await gets(shop, await shop.collect("order", ORDER), PARCEL, "carrier", "order")


async def test_a_recipient_that_hides_in_its_name_is_none(tmp_path: Path) -> None:
    async with daminion(tmp_path) as shop:
        who = await shop.collect("order", ORDER)
        for name in ("Acme\ud800", "Ac\nme", "Ac\u200bme", "", "x" * 201, "Acme\x1b[2J"):
            with pytest.raises(UnknownWord):
                await shop.disclose(who, ["name"], recipient=f"third-party:{name}", purpose="partner-offers")
            with pytest.raises(UnknownWord):
                await shop.agree_to(who, "sell", f"third-party:{name}", ["name"], words="Yes", how="approval")


# -- how it is kept ------------------------------------------------------------------------------------------------------


async def test_a_disclosure_is_refused_where_it_cannot_be_meant(tmp_path: Path) -> None:
    async with daminion(tmp_path) as shop:
        who = await shop.collect("contact", {"email": ORDER["email"], "message": "Hello"})
        for categories, recipient, purpose in (
            (["shoe-size"], "carrier", "order"), (["name"], "nobody", "order"), (["name"], "carrier", "gossip"),
        ):  # fmt: skip
            with pytest.raises(UnknownWord):
                await shop.disclose(who, categories, recipient=recipient, purpose=purpose)
        for categories in ([], ["name", "name"]):
            with pytest.raises(CallError):
                await shop.disclose(who, categories, recipient="carrier", purpose="order")
        await shop.agree_to(who, "approve", "reseller", ["name"], words="I approve", how="approval")
        with pytest.raises(NotHeld):
            await gets(shop, who, ["name"], "reseller", "partner-offers")


async def test_what_went_out_stays_on_record_when_the_person_is_erased(tmp_path: Path) -> None:
    async with daminion(tmp_path) as shop:
        who = await shop.collect("order", ORDER)
        await gets(shop, who, PARCEL, "carrier", "order")
        stays = [one.what for one in await shop.staying(who)]
        assert stays == ["disclosures", "record"]
        erased = await shop.erase(who)
        assert [one.what for one in erased.stays] == stays
        with pytest.raises(Refused):
            await gets(shop, who, PARCEL, "carrier", "order")
        async with shop._gate.store.transaction() as tx:  # the row is there, without a value of theirs in it
            await tx.purge(1000)
            kept = await tx.held(bytes.fromhex(who))
        assert [one.category for one in kept] == ["avow:disclosure"]


async def test_a_row_about_a_disclosure_that_is_removed_or_altered_is_noticed(tmp_path: Path) -> None:
    async with daminion(tmp_path) as shop:
        who = await shop.collect("order", ORDER)
        await gets(shop, who, PARCEL, "carrier", "order")
        async with shop._gate.store.transaction() as tx:
            (row,) = [one for one in await tx.held(bytes.fromhex(who)) if one.category == "avow:disclosure"]
            await tx.remove([(row.subject, row.row)])
        assert any("gone" in one for one in await shop.inspect(who))


async def test_aud_9_no_disclosure_begins_once_a_withdrawal_was_acknowledged() -> None:
    """AUD-9: withdrawal stops the next one; in 10,000 races (`tests.campaign disclosure-race`), here in a few."""
    told = await racing.run(20, 7)
    assert told["ok"], told
    assert (await racing.run(3, 7, planted=True))["late"] >= 3
