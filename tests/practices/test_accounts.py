"""Credentials: sealed, of one owner and kind, gone with their person."""

import asyncio
from pathlib import Path

import pytest

from avow.errors import Refused
from avow.store.interface import Credential
from tests.shops import ADA, BEA, opened

KIM = bytes(15) + b"k"


async def test_what_was_given_comes_back_to_its_owner_alone_and_only_under_its_kind(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        ada, bea = [bytes.fromhex(await shop.collect("order", one)) for one in (ADA, BEA)]
        assert await shop.accounts.give(ada, "password", b"hash of ada's")
        assert [one.told for one in await shop.accounts.of(ada, "password")] == [b"hash of ada's"]
        assert (await shop.accounts.of(bea, "password"), await shop.accounts.of(ada, "passkey")) == ([], [])
        assert "credential" in [event["action"] for event in await shop.seen(ada.hex())]
        assert await shop.inspect(ada.hex()) == []


async def test_a_first_one_is_kept_once_even_when_two_come_at_the_same_time(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        ada = bytes.fromhex(await shop.collect("order", ADA))
        kept = await asyncio.gather(*(shop.accounts.give(ada, "password", bytes([n]), first=True) for n in range(8)))
        assert sum(kept) == 1
        assert [one.told for one in await shop.accounts.of(ada, "password")] == [bytes([kept.index(True)])]


async def test_it_goes_with_the_person_and_nobody_erased_gets_one(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        ada = await shop.collect("order", ADA)
        await shop.accounts.give(bytes.fromhex(ada), "password", b"hash")
        await shop.erase(ada)
        assert await shop.accounts.of(bytes.fromhex(ada), "password") == []
        with pytest.raises(Refused):
            await shop.accounts.give(bytes.fromhex(ada), "password", b"hash")


async def test_one_that_was_put_in_another_place_proves_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        ada, bea = [bytes.fromhex(await shop.collect("order", one)) for one in (ADA, BEA)]
        await shop.accounts.give(ada, "password", b"hash")
        await shop.accounts.give_staff(KIM, "password", b"hash of kim's")
        async with shop._gate.store.transaction() as tx:
            (kept,) = await tx.credentials(ada, "password")
            (staffs,) = await tx.credentials(KIM, "password")
            for moved in (
                kept._replace(owner=bea), kept._replace(kind="passkey"), kept._replace(row=b"r" * 16),
                staffs._replace(owner=bytes(16)), Credential(bea, "passkey", bytes(16), 1, b"x"),
            ):  # fmt: skip
                await tx.put_credential(moved)
        assert await shop.accounts.of(bea, "password") == await shop.accounts.of(ada, "passkey") == []
        assert await shop.accounts.of(bea, "passkey") == await shop.accounts.of_staff(bytes(16), "password") == []
        assert [one.told for one in await shop.accounts.of_staff(KIM, "password")] == [b"hash of kim's"]


async def test_of_two_who_take_one_away_one_is_told_so(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        await shop.accounts.give_staff(KIM, "invitation", b"kim")
        taken = await asyncio.gather(*(shop.accounts.take_staff(KIM, "invitation") for _ in range(4)))
        assert sorted(taken) == [False, False, False, True]
        assert await shop.accounts.of_staff(KIM, "invitation") == []
