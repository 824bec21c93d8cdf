"""A backup comes back only where it belongs, and whatever stops a restore, nothing that was narrowed is wide again."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from shutil import copy2
from typing import Any, TypeVar

import apsw
import pytest

from avow.app import Avow
from avow.errors import AvowError, KeyFault, KeyGone, OperatorError, Refused, RolledBack, Unavailable
from avow.gate import Gate
from avow.policy.parse import parse
from avow.practices.inspecting import Inspecting
from avow.practices.recovery import Recovered, Recovery
from avow.store.journal import Journal
from avow.store.keystore import Keystore
from avow.store.sqlite import SqliteStore
from avow.store.sqlite_transaction import SqliteTransaction
from tests.shops import ADA, BEA, POLICY, Clock, opened

CORNER = parse(POLICY, "corner")
CLEO = {"name": "Cleo Thornquist", "email": "cleo@thornquist.example", "postal-address": "2 Mill Yard, Farwater"}
T = TypeVar("T")


async def restore(folder: Path, source: Path, url: str = "") -> Recovered:
    url = url or f"sqlite:///{folder}/shop.db"
    return await Avow.restore(CORNER, url, source, folder=folder / "avow", clock=Clock())


async def narrowed(folder: Path, **more: Any) -> tuple[str, str, bytes]:
    """A shop with a backup, after which one person was erased, and another withdrew, opted out and closed a request."""
    async with opened(folder, sequence_every=Clock.NEVER, **more) as shop:
        ada, bea = await shop.collect("order", ADA), await shop.collect("order", BEA)
        await shop.agree(ada, "news", words="yes")
        async with shop._gate.store.transaction() as tx:
            (row,) = await tx.subjects([bytes.fromhex(bea)])
            assert row is not None
        await shop.backup(folder / "backup")
        await shop.collect("order", CLEO)
        await shop.withdraw(ada, "news")
        await shop.opt_out(ada, "post")
        await shop.erase(bea)
        return ada, bea, bytes.fromhex(row.keys.split()[0].partition(":")[2])


async def wide(shop: Avow, ada: str, bea: str, key: bytes) -> list[str]:
    """What had been narrowed and is not."""
    wrong = []
    for name, act in {
        "a withdrawal": lambda: shop.reach(ada, "mail", purpose="news"),
        "an opt-out": lambda: shop.reach(ada, "post", purpose="order"),
        "an erasure": lambda: shop.use(bea, "name", purpose="order"),
    }.items():
        if await refusal(act) is not Refused:
            wrong.append(name)
    if await shop.find("email", BEA["email"]):
        wrong.append("a look-up")
    try:
        shop.keystore.get(key, 0)
        wrong.append("a key")
    except KeyGone:
        pass
    if await shop.use(ada, "name", purpose="order") != ADA["name"]:
        wrong.append("what was not narrowed")
    return wrong


async def refusal(act: Callable[[], Awaitable[object]]) -> type[AvowError] | None:
    try:
        await act()
    except AvowError as error:
        return type(error)
    return None


@pytest.mark.parametrize("any_url", ["sqlite", "postgres"], indirect=True)
async def test_a_restore_narrows_again_and_tells_whom_it_lost(tmp_path: Path, any_url: str) -> None:
    ada, bea, key = await narrowed(tmp_path, url=any_url)
    assert await restore(tmp_path, tmp_path / "backup", any_url) == Recovered(1, 0, 3)
    async with opened(tmp_path, url=any_url) as shop:
        assert await wide(shop, ada, bea, key) == []
        assert await shop.census() == []
        assert (await shop.recovery.replay(list(shop.keystore.journal.entries()))) == Recovered(0, 0, 0)
        async with shop._gate.store.transaction() as tx:
            await tx.drop_subject(bytes.fromhex(ada))
        assert await shop.census() != []  # a loss that no restore told of


STOPS: dict[str, tuple[type, str]] = {
    "settling": (Recovery, "settle"),
    "replaying": (Recovery, "replay"),
    "erasing": (Recovery, "_erase"),
    "narrowing": (Recovery, "_narrow"),
    "recording": (Gate, "change"),
    "destroying": (Keystore, "destroy"),
    "counting": (Inspecting, "lost"),
    "noting": (Recovery, "replayed"),
}


@pytest.mark.parametrize("where", STOPS)
async def test_a_restore_that_is_stopped_is_finished_by_the_next_opening(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    ada, bea, key = await narrowed(tmp_path)

    def stopped(*_: object, **__: object) -> None:
        raise RuntimeError("stopped here")

    with monkeypatch.context() as patch:
        patch.setattr(*STOPS[where], stopped)
        with pytest.raises(RuntimeError):
            await restore(tmp_path, tmp_path / "backup")
    async with opened(tmp_path) as shop:
        assert await wide(shop, ada, bea, key) == []
        assert await shop.census() == []


@pytest.mark.parametrize("point", range(0, 40, 3))
async def test_a_restore_that_is_killed_is_finished_by_the_next_opening(tmp_path: Path, point: int) -> None:
    ada, bea, key = await narrowed(tmp_path)
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        _kill_at(point)
        asyncio.run(restore(tmp_path, tmp_path / "backup"))
        os._exit(0)
    _, status = os.waitpid(pid, 0)  # noqa: ASYNC222 - nothing else runs here meanwhile
    assert os.WIFSIGNALED(status) or (point > 15 and os.WEXITSTATUS(status) == 0)
    async with opened(tmp_path) as shop:
        assert await wide(shop, ada, bea, key) == []
        assert await shop.census() == []


def _kill_at(point: int) -> None:
    """Die at the call so numbered of those that write."""
    left = [point]

    def deadly(call: Callable[..., T]) -> Callable[..., T]:
        def counted(*args: Any, **kwargs: Any) -> T:
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1
            return call(*args, **kwargs)

        return counted

    for kind, name in (
        (Journal, "append"), (SqliteStore, "restore"), (SqliteTransaction, "__aexit__"), (Keystore, "destroy"),
    ):  # fmt: skip
        setattr(kind, name, deadly(getattr(kind, name)))


async def test_a_database_file_put_back_by_hand_is_narrowed_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        ada = await shop.collect("order", ADA)
        await shop.agree(ada, "news", words="yes")
    copy2(tmp_path / "shop.db", tmp_path / "copy.db")
    async with opened(tmp_path, sequence_every=Clock.NEVER) as shop:
        await shop.opt_out(ada, "mail")
        shop.log.sequence = _unavailable  # type: ignore[method-assign, assignment]  # the log stays where the copy is
    copy2(tmp_path / "copy.db", tmp_path / "shop.db")
    for _ in range(2):  # at the second opening the journal knows of it already
        async with opened(tmp_path) as shop:
            assert await refusal(lambda: shop.reach(ada, "mail", purpose="order")) is Refused
            assert await shop.use(ada, "name", purpose="order") == ADA["name"]


async def _unavailable(*_: object) -> int:
    raise Unavailable("the disk is full")


# -- a backup that is not this site's ----------------------------------------------------------------------------------


@pytest.mark.parametrize("any_url", ["sqlite", "postgres"], indirect=True)
async def test_a_backup_of_another_keystore_is_refused_and_changes_nothing(
    tmp_path: Path, any_url: str, sqlite_url: str, postgres: Any
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    other = postgres.new_database() if any_url.startswith("postgres") else f"sqlite:///{there}/shop.db"
    async with opened(here, url=any_url) as shop:
        ada = await shop.collect("order", ADA)
    async with opened(there, url=other) as shop:
        await shop.collect("order", BEA)
        await shop.backup(tmp_path / "backup")
    with pytest.raises(KeyFault):
        await restore(here, tmp_path / "backup", any_url)
    async with opened(here, url=any_url) as shop:
        assert await shop.use(ada, "name", purpose="order") == ADA["name"]
        assert await shop.census() == []


async def test_a_backup_that_the_ledger_did_not_grow_out_of_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        ada = await shop.collect("order", ADA)
        await shop.sequence_all()
        await shop.backup(tmp_path / "backup")
        await shop.collect("order", BEA)
    with apsw.Connection(str(tmp_path / "backup/store.sqlite")) as copy:
        copy.execute("UPDATE log SET root = zeroblob(32)")
    copy.close()
    with pytest.raises(RolledBack):
        await restore(tmp_path, tmp_path / "backup")
    async with opened(tmp_path) as shop:
        assert await shop.use(ada, "name", purpose="order") == ADA["name"]
        assert await shop.census() == []


async def test_a_file_that_holds_another_site_too_takes_no_backup(tmp_path: Path) -> None:
    plaza = parse(POLICY.replace("site: corner", "site: plaza"), "plaza")
    url = f"sqlite:///{tmp_path}/shop.db"
    async with opened(tmp_path) as shop:
        await shop.collect("order", ADA)
        await shop.backup(tmp_path / "backup")
    async with Avow.open(plaza, url, folder=tmp_path / "plaza", clock=Clock()) as shop:
        bea = await shop.collect("order", BEA)
    with pytest.raises(OperatorError, match="new file"):
        await restore(tmp_path, tmp_path / "backup")
    async with Avow.open(plaza, url, folder=tmp_path / "plaza", clock=Clock()) as shop:
        assert await shop.use(bea, "name", purpose="order") == BEA["name"]


async def test_a_lost_database_comes_back_into_a_new_file(tmp_path: Path) -> None:
    """DAM-16."""
    ada, bea, key = await narrowed(tmp_path)
    (tmp_path / "shop.db").unlink()
    await restore(tmp_path, tmp_path / "backup")
    async with opened(tmp_path) as shop:
        assert await wide(shop, ada, bea, key) == []
        assert await shop.census() == []
