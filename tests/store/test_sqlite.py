# ruff: noqa: ASYNC240 - files and processes are what these tests are about
"""What is SQLite's own: one writer, files, deaths, a disk that is full or fails."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from avow.errors import OperatorError, SecondWriter, Tampered, Unavailable
from avow.store import open_store
from avow.store.interface import Clash, Leaf, LogState, Trace
from avow.store.turns import Turns
from tests.store.contract import KIM, LOU, Bed, datum, fill, held, id_, person, row_of


@pytest.fixture
def bed(tmp_path: Path, sqlite_url: str) -> Bed:
    return Bed(sqlite_url, tmp_path)


WRITER = """
import asyncio, sys
from avow.store import open_store
from tests.store.contract import datum, fill, KIM
async def main():
    store = await open_store(sys.argv[1], "shop")
    await fill(store, datum(1))
    async with store.transaction() as tx:
        await tx.put([datum(2)])
        await tx.drop_subject(KIM)
        print("acknowledged", flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""


def another_process(url: str) -> "subprocess.Popen[str]":
    root = Path(__file__).parents[2]
    return subprocess.Popen([sys.executable, "-c", WRITER, url], stdout=subprocess.PIPE, text=True, cwd=root)


async def test_after_kill_9_the_acknowledged_is_there_and_the_unfinished_is_not(bed: Bed) -> None:
    with another_process(bed.url) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "acknowledged\n"
        with pytest.raises(SecondWriter):
            await bed.open()
        other.kill()
    store = await bed.open()
    assert await held(store) == [datum(1)]
    assert await row_of(store) == person()
    await bed.close()


async def test_a_second_writer_in_the_same_process_is_refused(bed: Bed, tmp_path: Path) -> None:
    store = await bed.open()
    (tmp_path / "other-name.db").symlink_to(tmp_path / "store.db")
    for url in (bed.url, f"sqlite:///{tmp_path}/other-name.db"):
        with pytest.raises(SecondWriter, match="another process"):
            await open_store(url, "shop")
    await fill(store)
    await (await bed.reopen()).close()


async def test_other_programs_are_kept_out_while_it_is_served(bed: Bed, tmp_path: Path) -> None:
    await fill(await bed.open())
    stranger = apsw.Connection(str(tmp_path / "store.db"))
    with pytest.raises(apsw.BusyError):
        stranger.execute("SELECT * FROM subject").fetchall()
    await bed.close()
    stranger.execute("BEGIN IMMEDIATE")
    with pytest.raises(SecondWriter, match="another program"):
        await bed.open()
    stranger.close()
    await bed.open()
    await bed.close()


async def test_files_are_for_their_owner_alone(bed: Bed, tmp_path: Path) -> None:
    store = await bed.open()
    await fill(store)
    await store.backup(tmp_path / "copy")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"store.db", "store.db-wal", "store.db.lock", "store.sqlite"}
    assert [path.name for path in files if path.stat().st_mode & 0o077] == []
    await bed.close()


@pytest.mark.parametrize("text", [b"a letter, and no database at all\n" * 99, None], ids=["no-database", "another's"])
async def test_a_file_of_something_else_is_refused_and_left_alone(bed: Bed, tmp_path: Path, text: bytes | None) -> None:
    path = tmp_path / "store.db"
    if text is None:
        db = apsw.Connection(str(path))
        db.execute("CREATE TABLE theirs (a)")
        db.close()
    else:
        path.write_bytes(text)
    before = path.read_bytes()
    with pytest.raises(OperatorError, match=r"something else|cannot be opened"):
        await bed.open()
    assert path.read_bytes() == before


async def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match=r"the folder .* does not exist"):
        await open_store(f"sqlite:///{tmp_path}/nowhere/store.db", "shop")


async def test_two_sites_may_share_a_file_one_after_the_other(bed: Bed) -> None:
    await fill(await bed.open("one"), datum(1))
    await bed.close()
    other = await bed.open("two")
    assert (await row_of(other), await held(other)) == (None, [])
    await fill(other, datum(1, sealed=b"of the other"))
    await bed.close()
    assert await held(await bed.open("one")) == [datum(1)]
    await bed.close()


async def test_a_backup_of_another_site_or_a_damaged_one_is_refused(bed: Bed, tmp_path: Path) -> None:
    store = await bed.open()
    await fill(store, *(datum(n, sealed=bytes(2000)) for n in range(50)))
    await store.backup(tmp_path / "copy")
    await bed.close()
    other = Bed(f"sqlite:///{tmp_path}/other.db", tmp_path)
    elsewhere = await other.open("elsewhere")
    with pytest.raises(OperatorError, match="another site"):
        await elsewhere.restore(tmp_path / "copy")
    await other.close()
    copy = tmp_path / "copy" / "store.sqlite"
    damaged = bytearray(copy.read_bytes())
    damaged[3 * 4096 : 6 * 4096] = bytes(3 * 4096)
    copy.write_bytes(damaged)
    store = await bed.open()
    with pytest.raises(OperatorError, match=r"damaged|could not be restored"):
        await store.restore(tmp_path / "copy")
    assert len(await held(store)) == 50
    await bed.close()


def everything_on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def test_what_was_deleted_is_in_no_file_once_scrubbed(bed: Bed, tmp_path: Path) -> None:
    store = await bed.open()
    values = [b"canary %04d" % n + bytes(80) for n in range(200)]
    await fill(store, *(datum(n, sealed=value) for n, value in enumerate(values)))
    async with store.transaction() as tx:
        await tx.remove([(KIM, one.row) for one in await tx.held(KIM)][:199])
    assert values[0] in everything_on_disk(tmp_path)  # the log still tells: the check can see
    await store.scrub()
    left = [value for value in values if value in everything_on_disk(tmp_path)]
    assert left == values[199:]
    await bed.close()


async def test_a_full_disk_loses_nothing_and_is_survived(bed: Bed) -> None:
    store: Any = await bed.open()
    await fill(store, datum(1))
    pages = store._at.db.pragma("page_count")
    store._at.db.pragma("max_page_count", pages)
    with pytest.raises(Unavailable, match=r"FullError.*nothing was written"):
        async with store.transaction() as tx:
            await tx.put([datum(n, sealed=bytes(9000)) for n in range(2, 9)])
    assert await held(store) == [datum(1)]
    store._at.db.pragma("max_page_count", 1 << 30)
    async with store.transaction() as tx:
        await tx.put([datum(2)])
    assert len(await held(store)) == 2
    await bed.close()


class Disk(apsw.VFS):
    """The real disk, but `failing` makes every force to it fail."""

    failing = False

    def __init__(self) -> None:
        super().__init__("failing-disk", "", makedefault=True)

    def xOpen(self, name: Any, flags: list[int]) -> "File":  # noqa: N802 - SQLite's name
        return File(name, flags)


class File(apsw.VFSFile):
    def __init__(self, name: Any, flags: list[int]) -> None:
        super().__init__("unix", name, flags)

    def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite's name
        if Disk.failing:
            raise apsw.IOError("planted")
        super().xSync(flags)


@pytest.fixture
def disk() -> Iterator[type[Disk]]:
    made = Disk()
    yield Disk
    Disk.failing = False
    made.unregister()
    apsw.set_default_vfs("unix")


async def test_after_a_force_that_failed_nothing_is_acknowledged_until_opened_anew(bed: Bed, disk: type[Disk]) -> None:
    store = await bed.open()
    await fill(store, datum(1))
    disk.failing = True
    with pytest.raises(Unavailable, match="outcome is unknown"):
        async with store.transaction() as tx:
            await tx.put([datum(2)])
    disk.failing = False
    with pytest.raises(Unavailable, match="open it anew"):
        await held(store)
    store = await bed.reopen()
    assert datum(1) in await held(store)
    await bed.close()


async def test_an_event_put_there_by_somebody_else_moves_no_mark(bed: Bed) -> None:
    """A ticket that was never given: whatever follows it would count as sequenced and filed already."""
    store: Any = await bed.open()
    forged = (1 << 62, store._at.site, b"f" * 16, b"forged", KIM, b"forged")
    store._at.db.execute("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?)", forged)
    async with store.transaction() as tx:
        assert await tx.pending(9) == []
        while await tx.file(1):
            pass
        await tx.record([Leaf(id_(1), b"entry")], [Trace(KIM, id_(1), b"opening")])
        assert [one.event for one in await tx.pending(9)] == [id_(1)]
        assert await tx.file(1)
        assert [one.event for one in await tx.traces(KIM)] == [id_(1), b"f" * 16]  # and whoever opens it notices


@pytest.mark.parametrize("mark", ["sequenced", "filed"])
async def test_a_mark_beyond_what_was_written_is_noticed_at_the_opening(bed: Bed, tmp_path: Path, mark: str) -> None:
    await fill(await bed.open())
    await bed.close()
    thief = apsw.Connection(str(tmp_path / "store.db"))
    thief.execute(f"UPDATE log SET {mark} = 1 << 62")
    thief.close()
    with pytest.raises(Tampered, match="never written"):
        await bed.open()


async def test_a_mark_set_back_files_nothing_twice(bed: Bed, tmp_path: Path) -> None:
    store = await bed.open()
    async with store.transaction() as tx:
        await tx.record([Leaf(id_(1), b"entry")], [Trace(KIM, id_(1), b"opening")])
        await tx.sequenced(await tx.log_state(), LogState(1, b"r" * 32), [(await tx.pending(1))[0].ticket])
        assert await tx.file(9)
    await bed.close()
    thief = apsw.Connection(str(tmp_path / "store.db"))
    thief.execute("UPDATE log SET filed = 0, sequenced = 0")
    thief.close()
    store = await bed.open()
    async with store.transaction() as tx:
        assert await tx.file(9)
        assert len(await tx.traces(KIM)) == 1
        assert await tx.pending(9) == []


async def test_a_site_does_not_look_through_another_sites_events_again_and_again(bed: Bed) -> None:
    async with (await bed.open("other")).transaction() as tx:
        await tx.record(
            [Leaf(id_(n), b"entry") for n in range(20)], [Trace(KIM, id_(n), b"opening") for n in range(20)]
        )
    await bed.close()
    store: Any = await bed.open()
    async with store.transaction() as tx:
        assert not await tx.file(9)
        (marks,) = tx._rows("SELECT sequenced, filed FROM log WHERE site = ?1")
        assert marks == (store._at.ticket, store._at.ticket)
        await tx.record([Leaf(id_(77), b"entry")], [Trace(LOU, id_(77), b"opening")])
        assert [one.event for one in await tx.pending(9)] == [id_(77)]
        assert [one.event for one in await tx.traces(LOU)] == [id_(77)]


async def test_no_entry_is_left_out_of_the_log(bed: Bed) -> None:
    store = await bed.open()
    async with store.transaction() as tx:
        await tx.record([Leaf(id_(n), b"entry") for n in range(3)], [])
        state, waiting = await tx.log_state(), await tx.pending(9)
    with pytest.raises(Clash, match="left out"):
        async with store.transaction() as tx:
            await tx.sequenced(state, LogState(1, b"r" * 32), [waiting[1].ticket])
    async with store.transaction() as tx:
        assert (await tx.log_state(), await tx.pending(9)) == (state, waiting)


async def test_turns_come_in_the_order_of_asking_and_survive_who_goes_away() -> None:
    turns = Turns()
    order: list[int] = []

    async def one(n: int) -> None:
        await turns.take()
        order.append(n)
        await asyncio.sleep(0)
        turns.give()

    await turns.take()
    tasks = [asyncio.create_task(one(n)) for n in range(6)]
    await asyncio.sleep(0)
    tasks[2].cancel()
    turns.give()  # task 0 is called, and called off in the same moment
    tasks[0].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert order == [1, 3, 4, 5]
    assert not turns.taken
