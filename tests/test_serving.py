"""What a site is held to before and while it serves: its privacy, its upkeep, and how it tells what it did."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from avow import start
from avow.app import Avow
from avow.errors import KeyGone, OperatorError, Unavailable
from avow.policy.parse import parse
from avow.rows import unpack
from avow.store.sqlite_transaction import SqliteTransaction
from avow.upkeep import Upkeep
from tests.shops import ADA, POLICY, Clock, opened

SHELTERED = parse(
    POLICY
    + """- id: C-8
  says: What you tell us stays on a private server.
  source: {section: Safety, sentence: 1}
  protect: {by: [private-server]}
""",
    "sheltered",
)


def test_where_nobody_can_tell_who_listens_only_an_attested_private_server_is_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(start, "public_addresses", lambda: None)
    for private in (False, True):
        with pytest.raises(OperatorError):
            start.must_be_private(SHELTERED, private)
    start.must_be_private(SHELTERED, "attested")


def test_an_attestation_does_not_hide_a_public_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "public_addresses", lambda: ("198.51.100.1:80",))
    with pytest.raises(OperatorError, match="198"):
        start.must_be_private(SHELTERED, "attested")


async def test_the_folder_of_a_site_is_its_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        async with opened(tmp_path):
            pass
    finally:
        os.umask(before)
    open_to_others = [
        path for path in (tmp_path / "avow", *(tmp_path / "avow").rglob("*")) if path.stat().st_mode & 0o077
    ]
    assert open_to_others == []


# -- upkeep ------------------------------------------------------------------------------------------------------------

SOON = timedelta(milliseconds=10)


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something holds, ten seconds at most."""
    async with asyncio.timeout(10):
        while not await true():  # noqa: ASYNC110 - what is waited for tells nobody when it comes
            await asyncio.sleep(0.01)


async def test_what_is_due_goes_while_the_site_serves_within_an_hour_of_its_own_clock(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock, sequence_every=SOON) as shop:
        await shop.collect("click", {"visit-code": "code of the click"})
        clock.forward(days=30, minutes=59)

        async def swept() -> bool:
            return shop.swept.data == 1

        await until(swept)
        health = await shop.health()
        assert health.swept == clock.now
        assert (health.late, health.error, health.failing) == (False, "", 0)


async def test_the_log_grows_on_after_a_disk_that_was_full_for_a_moment(tmp_path: Path) -> None:
    async with opened(tmp_path, sequence_every=SOON) as shop:
        before, broken = shop.keystore.top_up, [True]

        def full() -> None:
            if broken[0]:
                raise Unavailable("the disk is full")
            before()

        shop.keystore.top_up = full  # type: ignore[method-assign]  # a disk that fills up

        async def failing() -> bool:
            return (await shop.health()).failing > 1

        await until(failing)
        assert (await shop.health()).error == "the disk is full"
        broken[0] = False
        size = shop.log.size
        await shop.collect("order", ADA)

        async def well() -> bool:
            return (await shop.health()).failing == 0 and shop.log.size > size

        await until(well)
        assert (await shop.health()).error == "the disk is full"  # the last one, told until there is another


async def test_a_fault_that_nobody_foresaw_is_told_without_its_words(tmp_path: Path) -> None:
    async with opened(tmp_path, sequence_every=Clock.NEVER) as shop:

        async def wrong() -> None:
            raise ValueError(ADA["email"])

        upkeep = Upkeep((wrong, shop.sequence))
        await shop.collect("order", ADA)
        await upkeep.turn()
        assert (upkeep.error, upkeep.failing, shop.log.size) == ("ValueError", 1, 3)  # with the policy's two


async def test_a_sweep_that_does_not_run_shows(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock, sequence_every=Clock.NEVER) as shop:
        assert not (await shop.health()).late
        await shop.collect("order", ADA)
        clock.forward(hours=3)
        health = await shop.health()
        assert health.late
        assert health.waiting == timedelta(hours=3)
        assert health.sequenced is None


async def test_an_erasure_whose_keys_could_not_be_destroyed_is_finished_while_the_site_serves(tmp_path: Path) -> None:
    async with opened(tmp_path, sequence_every=Clock.NEVER) as shop:
        who = await shop.collect("order", ADA)
        keys = await keys_of(shop, who)
        destroy = shop.keystore.destroy
        shop.keystore.destroy = full  # type: ignore[method-assign, assignment]  # a disk that is full for a moment
        with pytest.raises(Unavailable):
            await shop.erase(who)
        shop.keystore.destroy = destroy  # type: ignore[method-assign]  # there is room again
        await shop.upkeep.turn()
        assert gone(shop, keys) == [True]
        assert await shop.census() == []


async def test_an_erasure_that_was_not_committed_is_finished_with_every_key_made_since(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path, sequence_every=Clock.NEVER) as shop:
        who = await shop.collect("order", ADA)
        with monkeypatch.context() as patch:
            patch.setattr(SqliteTransaction, "record", full)
            with pytest.raises(Unavailable):
                await shop.erase(who)
        await shop.collect("click", {"visit-code": "a click"}, who=who)
        keys = await keys_of(shop, who)
        await shop.upkeep.turn()
        assert gone(shop, keys) == [True, True]
        assert await shop.find("email", ADA["email"]) == []
        assert await shop.census() == []
        assert (await shop.recovery.settle()).erasures == 0


def full(*_: object) -> None:
    raise Unavailable("the disk is full")


async def keys_of(shop: Avow, who: str) -> list[bytes]:
    """The ids of a person's keys."""
    async with shop._gate.store.transaction() as tx:
        (row,) = await tx.subjects([bytes.fromhex(who)])
        assert row is not None
    return list(unpack(row.keys).values())


def gone(shop: Avow, keys: list[bytes]) -> list[bool]:
    """Which of these were destroyed."""
    out = []
    for key in keys:
        try:
            shop.keystore.get(key, 0)
            out.append(False)
        except KeyGone:
            out.append(True)
    return out
