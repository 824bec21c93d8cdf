"""Whoever puts an older row of a person back in the place of a narrower one is not believed: not by its mark, not after a
restart, a sweep, a restore, and not while the site serves.
"""

import errno
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import apsw
import pytest

from avow.app import Avow
from avow.errors import Refused, Tampered
from avow.policy.parse import parse
from avow.store.interface import Subject
from tests.shops import ADA, BEA, POLICY, Clock, elsewhere, opened

Narrow = Callable[[Avow, str], Awaitable[object]]


async def _close(shop: Avow, who: str) -> None:
    await shop.close_request(who, (await shop.export(who))["requests"][0]["id"])


NARROWINGS: dict[str, Narrow] = {
    "withdrawn": lambda shop, who: shop.withdraw(who, "news"),
    "opted-out": lambda shop, who: shop.opt_out(who, "mail"),
    "closed": _close,
}


async def row_of(shop: Avow, who: str) -> Subject:
    async with shop._gate.store.transaction() as tx:
        (row,) = await tx.subjects([bytes.fromhex(who)])
    assert row is not None
    return row


def put_back(folder: Path, row: Subject) -> None:
    """As a thief does, who has the file while it is closed."""
    thief = apsw.Connection(str(folder / "shop.db"))
    values = row.keys, row.facts, row.version, row.subject
    thief.execute("UPDATE subject SET keys = ?, facts = ?, version = ? WHERE subject = ?", values)
    thief.close()


async def customer(shop: Avow) -> str:
    who = await shop.collect("order", ADA)
    await shop.agree(who, "news", words="Yes, send me news")
    return who


async def is_refused(shop: Avow, who: str) -> None:
    for act in (shop.reach(who, "mail", purpose="news"), shop.use(who, "name", purpose="order")):
        with pytest.raises(Tampered, match="older"):
            await act


@pytest.mark.parametrize("narrow", NARROWINGS.values(), ids=NARROWINGS)
async def test_after_a_restart(tmp_path: Path, narrow: Narrow) -> None:
    async with opened(tmp_path) as shop:
        who = await customer(shop)
        older = await row_of(shop, who)
        await narrow(shop, who)
    put_back(tmp_path, older)
    async with opened(tmp_path) as shop:
        await is_refused(shop, who)


async def test_a_sweep_at_the_opening_does_not_write_it_anew(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as shop:
        who = await customer(shop)
        await shop.collect("click", {"visit-code": "a click"}, who=who)
        older = await row_of(shop, who)
        await shop.withdraw(who, "news")
    put_back(tmp_path, older)
    clock.forward(days=31)  # the click is due now
    for _ in range(2):
        async with opened(tmp_path, clock) as shop:
            assert shop.swept.skipped == 1
            await is_refused(shop, who)


async def test_while_the_site_serves(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        who = await customer(shop)
        older = await row_of(shop, who)
        await shop.reach(who, "mail", purpose="news")  # so that the row is known to be right
        await shop.withdraw(who, "news")
        with pytest.raises(Tampered, match="older"):
            shop._gate.standing(older, shop._gate.now())


async def test_after_a_restore_that_narrowed_again(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as shop:
        who = await customer(shop)
        older = await row_of(shop, who)
        await shop.backup(tmp_path / "backup")
        await shop.withdraw(who, "news")
    corner = parse(POLICY, "corner")
    done = await Avow.restore(corner, elsewhere(tmp_path), tmp_path / "backup", folder=tmp_path / "avow", clock=clock)
    assert done.narrowings == 1
    async with opened(tmp_path, clock) as shop:
        with pytest.raises(Refused):
            await shop.reach(who, "mail", purpose="news")
        assert await shop.use(who, "name", purpose="order") == ADA["name"]
    put_back(tmp_path, older)
    async with opened(tmp_path, clock) as shop:
        await is_refused(shop, who)


async def test_a_journal_that_fails_after_the_commit_takes_nothing_back(tmp_path: Path, caplog: Any) -> None:
    async with opened(tmp_path) as shop:
        ada, bea = await shop.collect("order", ADA), await shop.collect("order", BEA | {"email": ADA["email"]})
        journal: Any = shop.keystore.journal
        write = journal._write

        def full(record: bytes) -> None:
            if b'"standing"' in record:
                raise OSError(errno.ENOSPC, "No space left on device")
            write(record)

        journal._write = full
        await shop.opt_out(ada, "mail")
        assert "an older row would be believed" in caplog.text
        for who in (ada, bea):
            with pytest.raises(Refused):
                await shop.reach(who, "mail", purpose="order")
