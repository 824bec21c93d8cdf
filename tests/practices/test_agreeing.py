"""Consents, opt-outs and service requests hold from the moment they are given, and end when they are ended."""

from pathlib import Path

import pytest

from avow.errors import BadValue, CallError, Refused, Tampered, Unavailable, UnknownWord
from avow.policy.parse import parse
from avow.store.sqlite_transaction import SqliteTransaction
from tests.outside import gets
from tests.shops import ADA, BEA, POLICY, Clock, opened


async def test_news_needs_consent_and_stops_with_its_withdrawal(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        who = await shop.collect("order", ADA)
        with pytest.raises(Refused) as refused:
            await shop.reach(who, "mail", purpose="news")
        assert refused.value.promises == ("C-2",)
        await shop.agree(who, "news", words="Yes, send me news")
        assert await shop.reach(who, "mail", purpose="news") == ADA["email"]
        assert await shop.withdraw(who, "news")
        with pytest.raises(Refused):
            await shop.reach(who, "mail", purpose="news")
        assert not await shop.withdraw(who, "news")


async def test_nobody_agrees_to_what_the_policy_does_not_offer(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        who = await shop.collect("order", ADA)
        with pytest.raises(Refused):
            await shop.agree(who, "marketing", words="anything")
        with pytest.raises(BadValue):
            await shop.agree(who, "news", words=" ")


async def test_sharing_needs_this_persons_consent_for_this_recipient(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        ada, bea = await shop.collect("order", ADA), await shop.collect("order", BEA)
        await shop.agree_to(ada, "share", "third-party:Acme Lists", ["email"], words="Acme may have my e-mail")

        async def share(who: str, to: str) -> dict[str, str]:
            return await gets(shop, who, ["email"], to, "marketing")

        assert await share(ada, "third-party:Acme Lists") == {"email": ADA["email"]}
        for who, to in ((bea, "third-party:Acme Lists"), (ada, "third-party:Other"), (ada, "list-broker:Acme Lists")):
            with pytest.raises(Refused):
                await share(who, to)
        with pytest.raises(Refused):
            await gets(shop, ada, ["name"], "third-party:Acme Lists", "marketing")
        await shop.withdraw(ada, "consent/share/third-party%3AAcme%20Lists/email")
        with pytest.raises(Refused):
            await share(ada, "third-party:Acme Lists")


async def test_the_courier_gets_the_address_of_an_open_order_and_nothing_else(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        who = await shop.collect("order", ADA)
        shared = await gets(shop, who, ["postal-address"], "courier", "order")
        assert shared == {"postal-address": ADA["postal-address"]}
        with pytest.raises(Refused):
            await gets(shop, who, ["email"], "courier", "order")
        with pytest.raises(UnknownWord):
            await gets(shop, who, ["email"], "carrier", "order")


async def test_an_opt_out_holds_on_its_channel_from_now_on(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        who = await shop.collect("order", ADA | {"phone": "+1 555 0100"})
        await shop.opt_out(who, "phone")
        with pytest.raises(Refused):
            await shop.reach(who, "phone", purpose="order")
        assert await shop.reach(who, "mail", purpose="order") == ADA["email"]
        await shop.opt_in(who, "phone", proved=True)
        assert await shop.reach(who, "phone", purpose="order") == "+1 555 0100"


async def test_an_opt_out_outlives_erasure_and_binds_whoever_comes_with_the_same_address(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        who = await shop.collect("order", ADA)
        await shop.opt_out(who, "mail")
        await shop.erase(who)
        again = await shop.collect("order", ADA | {"email": ADA["email"].upper()})
        with pytest.raises(Refused):
            await shop.reach(again, "mail", purpose="order")
    async with opened(tmp_path) as shop:
        again = await shop.collect("order", ADA)
        with pytest.raises(Refused):
            await shop.reach(again, "mail", purpose="order")


async def test_a_service_request_opens_and_closes_what_it_serves(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        who = await shop.collect("order", ADA)
        (first,) = [one["id"] for one in (await shop.export(who))["requests"]]
        second = await shop.ask(who, "order")
        await shop.close_request(who, first)
        assert await shop.use(who, "name", purpose="order") == ADA["name"]
        await shop.close_request(who, second)
        with pytest.raises(Refused):
            await shop.use(who, "name", purpose="order")
        with pytest.raises(CallError):
            await shop.close_request(who, second)
        with pytest.raises(UnknownWord):
            await shop.ask(who, "favour")


@pytest.mark.parametrize("about", ["opt-out/mail", "request/order", "case/police/name"])
async def test_only_what_was_agreed_to_is_withdrawn(tmp_path: Path, about: str) -> None:
    async with opened(tmp_path) as shop:
        who = await shop.collect("order", ADA)
        await shop.opt_out(who, "mail")
        before = (await shop.export(who))["standing"]
        with pytest.raises(CallError):
            await shop.withdraw(who, about)
        assert (await shop.export(who))["standing"] == before


async def test_the_first_parts_of_a_token_withdraw_all_that_stands_below_and_a_restore_does_so_again(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as shop:
        who = await shop.collect("order", ADA)
        await shop.agree(who, "news", words="Yes")
        await shop.agree_to(who, "share", "third-party:Acme", ["email"], words="Acme may")
        await shop.backup(tmp_path / "backup")
        assert await shop.withdraw(who, "consent/share")
        ended = [one["about"] for one in (await shop.export(who))["consents"] if one["withdrawn"]]
        assert ended == ["consent/share/third-party%3AAcme/email"]
        assert await shop.reach(who, "mail", purpose="news") == ADA["email"]
        number = shop.keystore.journal.last
        assert not await shop.withdraw(who, "consent/share")
        assert shop.keystore.journal.last == number
    await shop.restore(
        shop.policy, f"sqlite:///{tmp_path}/shop.db", tmp_path / "backup", clock=Clock(), folder=tmp_path / "avow"
    )
    async with opened(tmp_path) as shop:
        with pytest.raises(Refused):
            await gets(shop, who, ["email"], "third-party:Acme", "marketing")


async def test_no_record_of_an_opted_out_address_is_reached_and_each_refusal_is_on_record(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        one, other = await shop.collect("order", ADA), await shop.collect("order", ADA | {"name": "A. Quillfeather"})
        await shop.opt_out(one, "mail")
        for _ in range(2):
            with pytest.raises(Refused) as refused:
                await shop.reach(other, "mail", purpose="order")
            assert refused.value.promises == ("C-1",)
        told = [(event["action"], event["outcome"]) for event in await shop.seen(other)]
        assert told == [("register", "done"), ("opt-out", "done"), ("mail", "refused"), ("mail", "refused")]
        assert await shop.reach(other, "post", purpose="order") == ADA["postal-address"]


async def test_a_listed_address_reached_by_correction_is_not_reached(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        ada, bea = await shop.collect("order", ADA), await shop.collect("order", BEA)
        await shop.opt_out(ada, "mail")
        await shop.correct(bea, "email", ADA["email"])
        assert "opt-out/mail" in (await shop.standing(bea))[0]
        with pytest.raises(Refused):
            await shop.reach(bea, "mail", purpose="order")


@pytest.mark.parametrize("way", ["corrected", "collected"])
async def test_an_opt_out_goes_along_to_a_new_address_and_outlives_erasure_there(tmp_path: Path, way: str) -> None:
    async with opened(tmp_path) as shop:
        who = await shop.collect("order", ADA)
        await shop.opt_out(who, "post")
        moved = ADA | {"postal-address": "1 New Road"}
        if way == "corrected":
            await shop.correct(who, "postal-address", "1 New Road")
        else:
            await shop.collect("order", moved, who=who)
        await shop.erase(who)
    async with opened(tmp_path) as shop:
        again = await shop.collect("order", moved)
        with pytest.raises(Refused):
            await shop.reach(again, "post", purpose="order")


async def test_only_who_proved_the_address_takes_it_off_the_list(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        gone = await shop.collect("order", ADA)
        await shop.opt_out(gone, "mail")
        await shop.erase(gone)
        stranger = await shop.collect("order", BEA | {"email": ADA["email"]})
        with pytest.raises(CallError, match="prove"):
            await shop.opt_in(stranger, "mail")
        with pytest.raises(Refused):
            await shop.reach(await shop.collect("order", ADA), "mail", purpose="order")
        await shop.opt_in(stranger, "mail", proved=True)
        assert await shop.reach(stranger, "mail", purpose="order") == ADA["email"]


async def test_an_opt_in_that_is_not_on_record_is_not_in_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> None:
        raise Unavailable("the disk is full")

    async with opened(tmp_path) as shop:
        who = await shop.collect("order", ADA)
        await shop.opt_out(who, "mail")
        number = shop.keystore.journal.last
        with monkeypatch.context() as failing:
            failing.setattr(SqliteTransaction, "record", full)
            with pytest.raises(Unavailable):
                await shop.opt_in(who, "mail", proved=True)
        assert shop.keystore.journal.last == number
        with pytest.raises(Refused):
            await shop.reach(who, "mail", purpose="order")
        await shop.opt_in(who, "mail", proved=True)
        kinds = [entry.kind for entry in shop.keystore.journal.entries(number)]
        assert kinds == ["contact-again", "opt-in"]


CHOICES = parse(
    POLICY.replace("choose: {for: [news], form: order}", "choose: {for: [news], form: contest, confirm: mail}")
    .replace("choose: {with: [third-party]", "choose: {with: [third-party, list-broker]")
    .replace("categories: [email], with: [third-party], for", "categories: [email, name], with: [third-party, list-broker], for")
    .replace("recipients:\n", "recipients:\n  hub: {is: list-broker, says: Hub}\n"),
    "corner",
)  # fmt: skip


async def test_what_is_to_be_confirmed_holds_once_it_is(tmp_path: Path) -> None:
    async with opened(tmp_path, policy=CHOICES) as shop:
        who = await shop.collect("order", ADA)
        consent = await shop.agree(who, "news", words="Yes")
        with pytest.raises(Refused):
            await shop.reach(who, "mail", purpose="news")
        assert (await shop.export(who))["consents"][0]["confirmed"] is None
        for _ in range(2):
            await shop.confirm(who, consent)
            assert await shop.reach(who, "mail", purpose="news") == ADA["email"]
        assert (await shop.export(who))["consents"][0]["confirmed"] is not None
        assert await shop.inspect(who) == []
        await shop.withdraw(who, "news")
        with pytest.raises(CallError):
            await shop.confirm(who, consent)


async def test_what_was_withdrawn_before_it_was_confirmed_or_is_somebody_elses_is_not_confirmed(tmp_path: Path) -> None:
    async with opened(tmp_path, policy=CHOICES) as shop:
        ada, bea = await shop.collect("order", ADA), await shop.collect("order", BEA)
        consent = await shop.agree(ada, "news", words="Yes")
        with pytest.raises(CallError):
            await shop.confirm(bea, consent)
        assert await shop.withdraw(ada, "news")
        with pytest.raises(CallError):
            await shop.confirm(ada, consent)
        with pytest.raises(Refused):
            await shop.reach(ada, "mail", purpose="news")


async def test_a_choice_holds_for_its_form_categories_and_kind_of_recipient_only(tmp_path: Path) -> None:
    async with opened(tmp_path, policy=CHOICES) as shop:
        who = await shop.collect("order", ADA)
        with pytest.raises(Refused):
            await shop.agree(who, "news", words="Yes", how="order")
        with pytest.raises(Refused):
            await shop.agree_to(who, "share", "third-party:Acme", ["name"], words="Yes")
        with pytest.raises(Refused):
            await shop.agree_to(who, "share", "authority:list-broker", ["email"], words="Yes")
        await shop.agree_to(who, "share", "third-party:Acme", ["email"], words="Yes")
        with pytest.raises(Refused):
            await gets(shop, who, ["email"], "list-broker:Acme", "marketing")
        with pytest.raises(UnknownWord):
            await shop.agree_to(who, "share", "third-party:hub", ["email"], words="Yes")
        assert (await gets(shop, who, ["email"], "third-party:Acme", "marketing")) != {}


async def test_what_a_consent_is_about_cannot_be_changed_before_it_is_confirmed(tmp_path: Path) -> None:
    waiting = POLICY.replace("choose: {for: [news], form: order}", "choose: {for: [news], form: order, confirm: mail}")
    async with opened(tmp_path, policy=parse(waiting, "corner")) as shop:
        who = await shop.collect("order", ADA)
        consent = bytes.fromhex(await shop.agree(who, "news", words="Yes, send me news", how="order"))
        async with shop._gate.store.transaction() as tx:
            (one,) = await tx.consents(bytes.fromhex(who))
            await tx.put_consent(one._replace(about="consent/share/third-party%3AEvil/email"))
        with pytest.raises(Tampered):
            await shop.confirm(who, consent.hex())
