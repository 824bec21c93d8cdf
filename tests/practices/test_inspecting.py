"""Whoever changes, removes or rolls back rows behind the gate is noticed, and an honest store raises no alarm."""

from pathlib import Path

import pytest

from avow.errors import Tampered
from avow.rows import marked, ordinary
from avow.store.interface import Transaction
from tests.shops import ADA, BEA, Clock, opened


async def busy(shop: object) -> tuple[str, str]:
    """Two people with a life: collected, consented, corrected, partly ended."""
    ada, bea = await shop.collect("order", ADA), await shop.collect("order", BEA)  # type: ignore[attr-defined]  # a site
    await shop.agree(ada, "news", words="yes")  # type: ignore[attr-defined]  # a site
    await shop.correct(ada, "name", "Ada Q.")  # type: ignore[attr-defined]  # a site
    await shop.collect("click", {"visit-code": "a click"}, who=ada)  # type: ignore[attr-defined]  # a site
    return ada, bea


async def test_an_honest_store_raises_no_alarm(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as shop:
        ada, bea = await busy(shop)
        clock.forward(days=31)
        await shop.sweep()
        await shop.withdraw(ada, "news")
        assert await shop.inspect(ada) == []
        assert await shop.inspect(bea) == []
        await shop.erase(bea)
        assert await shop.census() == []
        assert await shop.inspect(ada) == []


async def _remove_a_value(tx: Transaction, who: bytes) -> None:
    (first, *_) = await tx.held(who)
    await tx.remove([(who, first.row)])


async def _roll_a_value_back(tx: Transaction, who: bytes) -> None:
    (name,) = [datum for datum in await tx.held(who) if datum.category == "name"]
    await tx.remove([(who, name.row)])
    await tx.put([name._replace(version=1)])


async def _swap_two_values(tx: Transaction, who: bytes) -> None:
    first, second, *_ = await tx.held(who)
    await tx.remove([(who, first.row), (who, second.row)])
    await tx.put([first._replace(sealed=second.sealed), second._replace(sealed=first.sealed)])


async def _flip_a_bit(tx: Transaction, who: bytes) -> None:
    first, *_ = await tx.held(who)
    await tx.remove([(who, first.row)])
    await tx.put([first._replace(sealed=first.sealed[:-1] + bytes([first.sealed[-1] ^ 1]))])


@pytest.mark.parametrize("attack", [_remove_a_value, _roll_a_value_back, _swap_two_values, _flip_a_bit])
async def test_a_change_behind_the_gate_is_noticed(tmp_path: Path, attack: object) -> None:
    async with opened(tmp_path) as shop:
        ada, bea = await busy(shop)
        async with shop._gate.store.transaction() as tx:
            await attack(tx, bytes.fromhex(ada))  # type: ignore[operator]  # one of the above
        assert await shop.inspect(ada) != []
        assert await shop.inspect(bea) == []


async def test_a_consent_written_behind_the_gate_is_noticed_before_it_is_believed(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        ada, bea = await busy(shop)
        async with shop._gate.store.transaction() as tx:
            (row,) = await tx.subjects([bytes.fromhex(bea)], "change")
            assert row is not None
            await tx.change_subject(row._replace(facts=f"{row.facts} consent/news", version=row.version + 1))
        with pytest.raises(Tampered):
            await shop.reach(bea, "mail", purpose="news")
        assert await shop.inspect(bea) != []
        assert await shop.inspect(ada) == []


async def test_a_person_removed_behind_the_gate_is_missed_at_the_census(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        ada, _ = await busy(shop)
        async with shop._gate.store.transaction() as tx:
            await tx.drop_subject(bytes.fromhex(ada))
        assert await shop.census() != []


async def test_the_space_behind_the_mark_of_a_standing_is_part_of_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        ada, _ = await busy(shop)
        async with shop._gate.store.transaction() as tx:
            (row,) = await tx.subjects([bytes.fromhex(ada)], "change")
            assert row is not None
            key = shop.keystore.get(ordinary(row), shop._gate.now())
            right = marked(shop._gate.policy.site, row._replace(facts=row.facts[33:], version=row.version + 1), key)
            await tx.change_subject(right._replace(facts=f"{right.facts[:32]}!{right.facts[33:]}"))
        with pytest.raises(Tampered):
            await shop.use(ada, "name", purpose="order")


async def test_a_ledger_whose_files_hold_no_entries_any_more_is_an_alarm_and_no_crash(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        ada = await shop.collect("order", ADA)
        await shop.sequence_all()
        (bundle,) = [path for path in (shop.places.ledger / "tile" / "entries").rglob("*") if path.is_file()]
        data = bytearray(bundle.read_bytes())
        data[2] ^= 1  # the version of the first entry
        bundle.write_bytes(data)
        with pytest.raises(Tampered, match="ledger"):
            await shop._inspecting.census()
        assert "ledger" in str(await shop.inspect(ada))
