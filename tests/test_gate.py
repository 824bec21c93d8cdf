"""The gate decides, records, commits, and only then releases."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from avow.app import Avow
from avow.errors import (
    AvowError,
    BadValue,
    CallError,
    NotHeld,
    OperatorError,
    PolicyError,
    Refused,
    Tampered,
    UnknownWord,
)
from avow.policy.parse import parse
from avow.rows import pack, unpack
from tests.shops import ADA, BEA, POLICY, Clock, dated, opened, publish


async def test_staff_read_what_an_open_request_needs(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        kim = shop.staff("kim", role="fulfilment")
        who = await shop.collect("order", ADA)
        assert await shop.use(who, "postal-address", purpose="order", by=kim) == ADA["postal-address"]


async def test_a_refusal_names_the_promises_and_is_on_record(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        pat = shop.staff("pat", role="marketing")
        who = await shop.collect("order", ADA)
        with pytest.raises(Refused) as refused:
            await shop.use(who, "email", purpose="marketing", by=pat)
        assert "C-1" in refused.value.promises
        assert "C-7" in refused.value.promises
        *_, last = await shop.seen(who)
        assert (last["outcome"], last["role"], last["purpose"]) == ("refused", "marketing", "marketing")


async def test_after_the_request_is_closed_the_same_use_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        who = await shop.collect("order", ADA)
        (request,) = [one["id"] for one in (await shop.export(who))["requests"]]
        await shop.close_request(who, request)
        with pytest.raises(Refused):
            await shop.use(who, "name", purpose="order")


async def test_all_categories_or_none(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        who = await shop.collect("order", ADA)
        assert await shop.use_all(who, ("name", "email"), purpose="order") == {k: ADA[k] for k in ("name", "email")}
        with pytest.raises(Refused):
            await shop.use_all(who, ("name", "entry"), purpose="order")


async def test_what_is_allowed_and_not_held_says_so(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        who = await shop.collect("order", ADA)
        with pytest.raises(NotHeld):
            await shop.use(who, "phone", purpose="order")


async def test_several_people_are_read_in_one_transaction_each_by_their_own_right(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        ada, bea = await shop.collect("order", ADA), await shop.collect("order", BEA)
        await shop.erase(bea)
        first, second = await shop.use_each([ada, bea], "name", purpose="order")
        assert first == {"name": ADA["name"]}
        assert isinstance(second, Refused)


async def test_every_act_leaves_exactly_one_entry(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        await shop.sequence()
        before = shop.log.size
        who = await shop.collect("order", ADA)
        await shop.use(who, "name", purpose="order")
        with pytest.raises(Refused):
            await shop.use(who, "name", purpose="marketing")
        await shop.erase(who)
        await shop.sequence()
        assert shop.log.size - before == 4


@pytest.mark.parametrize(
    ("given", "error"),
    [
        pytest.param({}, CallError, id="nothing"),
        pytest.param(ADA | {"birthday": "1815-12-10"}, UnknownWord, id="a-category-that-the-policy-does-not-name"),
        pytest.param(ADA | {"entry": "a poem"}, Refused, id="a-category-that-the-form-does-not-ask"),
        pytest.param({"name": "Ada"}, CallError, id="a-required-field-missing"),
        pytest.param(ADA | {"name": "x" * 65537}, BadValue, id="too-long"),
        pytest.param(ADA | {"name": "card 4111 1111 1111 1111"}, BadValue, id="a-card-number"),
        pytest.param(ADA | {"phone": "4111111111111111"}, BadValue, id="what-may-be-a-card-number"),
        pytest.param(ADA | {"name": ""}, BadValue, id="empty"),
        pytest.param(ADA | {"name": 7}, BadValue, id="no-text"),
        pytest.param(ADA | {"name": "\ud800"}, BadValue, id="a-lone-surrogate"),
    ],
)
async def test_what_may_not_be_taken_in_is_refused_and_nothing_is_stored(
    tmp_path: Path, given: dict[str, str], error: type[Exception]
) -> None:
    """AUD-1, DAM-2."""
    async with opened(tmp_path) as shop:
        with pytest.raises(error) as raised:
            await shop.collect("order", given)
        assert not any(value in str(raised.value) for value in ADA.values())
        assert await shop.find("email", ADA["email"]) == []


async def test_a_doubtful_number_is_taken_once_the_sender_confirms_that_it_is_no_card(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        who = await shop.collect("order", ADA | {"phone": "4111111111111111"}, no_card=["phone"])
        assert await shop.use(who, "phone", purpose="order") == "4111111111111111"


@pytest.mark.parametrize(
    "attempt",
    [
        pytest.param(lambda shop, who: shop.use(who, "shoe-size", purpose="order"), id="category"),
        pytest.param(lambda shop, who: shop.use(who, "name", purpose="gossip"), id="purpose"),
        pytest.param(lambda shop, _: shop.staff("kim", role="king"), id="role"),
        pytest.param(lambda shop, _: shop.collect("survey", ADA), id="form"),
        pytest.param(lambda shop, who: shop.reach(who, "pigeon", purpose="order"), id="channel"),
        pytest.param(lambda shop, _: shop.use("ada", "name", purpose="order"), id="person"),
        pytest.param(lambda shop, who: shop.ask(who, "favour"), id="request"),
        pytest.param(lambda shop, _: shop.find("name", "Ada"), id="look-up"),
    ],
)
async def test_unknown_words_are_named(tmp_path: Path, attempt: Callable[[Avow, str], Awaitable[object]]) -> None:
    async with opened(tmp_path) as shop:
        who = await shop.collect("order", ADA)
        with pytest.raises(UnknownWord):
            await attempt(shop, who)


async def test_nobody_is_told_whether_an_unknown_person_exists(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        ada = await shop.collect("order", ADA)
        await shop.erase(ada)
        told = []
        for who in (ada, "00" * 16):
            with pytest.raises(Refused) as refused:
                await shop.use(who, "name", purpose="order")
            told.append(str(refused.value))
        assert told[0] == told[1]


async def test_data_under_an_older_policy_keep_its_limits(tmp_path: Path) -> None:
    wider = dated(
        POLICY.replace(
            "categories: [name, email, postal-address, phone], for: [order], by: [fulfilment, site], needs: [request]",
            "categories: [name, email, postal-address, phone], for: [order, marketing], by: [fulfilment, site, marketing]",
        ),
        "2026-06-01",
    )
    clock = Clock()
    async with opened(tmp_path, clock) as shop:
        ada = await shop.collect("order", ADA)
        await publish(shop, wider)
    clock.forward(days=92)
    async with opened(tmp_path, clock) as shop:
        bea = await shop.collect("order", BEA)
        assert await shop.use(bea, "email", purpose="marketing") == BEA["email"]
        with pytest.raises(Refused):
            await shop.use(ada, "email", purpose="marketing")


async def test_an_older_version_that_was_changed_in_the_database_is_noticed(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop, shop._gate.store.transaction() as tx:
        await tx.put_policy(b"x" * 16, "2020-01-01", POLICY, 0)
    with pytest.raises(Tampered):
        async with opened(tmp_path):
            pass


async def test_a_naive_clock_is_refused(tmp_path: Path) -> None:
    clock = Clock(Clock().now.replace(tzinfo=None))
    with pytest.raises(CallError, match="time zone"):
        async with opened(tmp_path, clock):
            pass


async def test_a_policy_that_promises_a_private_server_does_not_open_in_the_open(tmp_path: Path) -> None:
    promise = """- id: C-8
  says: Data live on a private server.
  source: {section: Safety, sentence: 1}
  protect: {by: [private-server]}
"""
    policy = parse(POLICY + promise, "private")
    with pytest.raises(OperatorError, match="C-8"):
        async with opened(tmp_path, policy=policy):
            pass
    async with opened(tmp_path, policy=policy, private=True):
        pass


async def test_a_private_server_that_listens_on_a_public_address_does_not_open(tmp_path: Path) -> None:
    server = await asyncio.start_server(lambda _r, w: w.close(), "0.0.0.0", 0)
    promise = """- id: C-8
  says: Data live on a private server.
  source: {section: Safety, sentence: 1}
  protect: {by: [private-server]}
"""
    try:
        with pytest.raises(OperatorError, match="listens on"):
            async with opened(tmp_path, policy=parse(POLICY + promise, "private"), private=True):
                pass
    finally:
        server.close()
        await server.wait_closed()


async def test_a_policy_with_faults_does_not_open(tmp_path: Path) -> None:
    with pytest.raises(PolicyError):
        async with opened(
            tmp_path, policy=parse(POLICY.replace("contract: {from: 2020-01-01, to: 2027-01-01}", ""), "x")
        ):
            pass


async def test_a_clock_far_behind_the_record_does_not_open(tmp_path: Path) -> None:
    clock = Clock()
    clock.forward(days=40)
    async with opened(tmp_path, clock) as shop:
        await shop.collect("order", ADA)
    clock.forward(days=-1)
    with pytest.raises(OperatorError, match="behind"):
        async with opened(tmp_path, clock):
            pass
    clock.forward(days=1, minutes=-5)
    async with opened(tmp_path, clock):
        pass


@pytest.mark.parametrize("terms", [{"due": None}, {"policy": b"p" * 16}, {"purposes": "marketing"}, {"collected": 0}])
async def test_a_value_with_changed_terms_does_not_open_and_holds_nobody_else_up(
    tmp_path: Path, terms: dict[str, Any]
) -> None:
    """AUD-12, TOC-1."""
    async with opened(tmp_path) as shop:
        ada = await shop.collect("click", {"visit-code": "one click"})
        bea = await shop.collect("click", {"visit-code": "another click"})
        async with shop._gate.store.transaction() as tx:
            (code,) = await tx.held(bytes.fromhex(ada))
            await tx.remove([(code.subject, code.row)])
            await tx.put([code._replace(terms=code.came()._replace(**terms).encode())])
        first, second = await shop.use_each([ada, bea], "visit-code", purpose="credit")
        assert isinstance(first, AvowError)
        assert second == {"visit-code": "another click"}


async def test_a_transplanted_value_does_not_open(tmp_path: Path) -> None:
    """TOC-4, DAM-25."""
    async with opened(tmp_path) as shop:
        ada, bea = await shop.collect("order", ADA), await shop.collect("order", BEA)
        async with shop._gate.store.transaction() as tx:
            (ada_name,) = [d for d in await tx.held(bytes.fromhex(ada)) if d.category == "name"]
            (bea_name,) = [d for d in await tx.held(bytes.fromhex(bea)) if d.category == "name"]
            await tx.put([bea_name._replace(sealed=ada_name.sealed, version=bea_name.version + 1)])
        with pytest.raises(Tampered):
            await shop.use(bea, "name", purpose="order")


def test_keys_survive_their_line() -> None:
    keys = {"until-told": bytes(16), "ordinary": bytes(range(16)), "due-2026-01-01": b"k" * 16}
    assert unpack(pack(keys)) == keys
    assert pack(keys).startswith("ordinary:")
