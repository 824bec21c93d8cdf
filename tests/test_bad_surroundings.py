"""A disk that is full or read-only, and a clock that goes back: an error of the right family, and nothing lost."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import apsw
import pytest

from avow.app import Avow
from avow.errors import AvowError, CallError, OperatorError, Unavailable
from avow.ledger.folder import files
from avow.ledger.verify import verify_log
from avow.policy.parse import parse
from tests.shops import ADA, BEA, POLICY, Clock, elsewhere, opened
from tests.test_bad_input import says_what_to_do

# -- the disk ----------------------------------------------------------------------------------------------------------------


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system of its own that is soon full."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def remount(disk: Path, how: str) -> None:
    """Read-only, or not."""
    subprocess.run(["mount", "-o", f"remount,{how}", str(disk)], check=True)


async def _full(disk: Path, opening: Callable[[], Any]) -> None:
    """Fill the disk under an open site; it says so, loses nothing, and goes on once there is room."""
    async with opening() as shop:
        ada = await shop.collect("order", ADA)
        filler = disk / "filler"
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(512))
        people, failed = [], 0
        for _ in range(3000):  # there is room for some in what was allotted before
            try:
                people.append(await shop.collect("order", BEA | {"name": "Bea " * 400}))
                await shop.sequence()
            except Unavailable as error:
                says_what_to_do(error)
                failed += 1
                if failed > 3:
                    break
        assert failed
        filler.unlink()
    async with opening() as shop:
        assert await shop.use_all(ada, tuple(ADA), purpose="order") == ADA
        assert len(await shop.find("email", BEA["email"])) == len(people)
        assert await shop.census() == []
        for who in people[-2:]:
            assert await shop.inspect(who) == []
        assert await shop.collect("order", BEA)


@pytest.mark.parametrize("part", ["database", "keys", "ledger"])
async def test_a_full_disk_is_unavailable_and_what_was_acknowledged_is_there(tmp_path: Path, part: str) -> None:
    with small_disk(tmp_path / "small", "2m") as disk:
        here = tmp_path / "here"
        here.mkdir()
        if part != "database":
            (here / "avow").mkdir()
            (disk / part).mkdir(mode=0o700)
            (here / "avow" / part).symlink_to(disk / part)
        url = f"sqlite:///{disk if part == 'database' else here}/shop.db"
        await _full(disk, lambda: opened(here, url=url, sequence_every=timedelta(milliseconds=20)))


async def test_a_folder_that_may_not_be_written_is_an_error_of_the_operator(tmp_path: Path) -> None:
    """A read-only file system, which holds for root too."""
    with small_disk(tmp_path / "small", "4m") as disk:
        async with opened(disk) as shop:
            ada = await shop.collect("order", ADA)
        remount(disk, "ro")
        with pytest.raises((OperatorError, Unavailable)) as raised:
            async with opened(disk):
                pass
        says_what_to_do(raised.value)
        remount(disk, "rw")
        async with opened(disk) as shop:
            assert await shop.use_all(ada, tuple(ADA), purpose="order") == ADA


# -- the clock ---------------------------------------------------------------------------------------------------------------


async def test_a_clock_that_goes_back_stands_still_and_the_record_stays_sound(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as shop:
        who = await shop.collect("order", ADA)
        clock.forward(hours=-5)
        await shop.use(who, "name", purpose="order")
        first, last = [event["at"] for event in await shop.seen(who)]
        assert first == last
    with pytest.raises(OperatorError) as raised:  # over a restart it cannot: what was due would be young again
        async with opened(tmp_path, clock):
            pass
    says_what_to_do(raised.value)
    clock.forward(hours=5, minutes=-5)  # a little is let pass
    async with opened(tmp_path, clock) as shop:
        await shop.use(who, "name", purpose="order")
        assert await shop.inspect(who) == []
        assert await shop.sequence_all() > 0
        assert verify_log(files(shop.places.ledger), shop.verifier_key, []).faults == ()
        at = [event["at"] for event in await shop.seen(who)]
        assert at == sorted(at)


async def test_a_demo_moves_its_clock_forward_only(tmp_path: Path) -> None:
    async with opened(tmp_path, demo=True) as shop:
        await shop.move_clock(timedelta(days=1))
        with pytest.raises(CallError) as raised:
            await shop.move_clock(timedelta(days=-1))
        says_what_to_do(raised.value)


async def test_whoever_writes_the_database_makes_no_demo_of_a_site(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        await shop.collect("order", ADA)
    thief = apsw.Connection(str(tmp_path / "shop.db"))
    thief.execute("DELETE FROM note")
    thief.execute("DELETE FROM event")
    thief.close()
    with pytest.raises(AvowError):
        async with opened(tmp_path, demo=True):
            pass


async def test_a_demo_whose_backup_comes_back_keeps_its_time(tmp_path: Path) -> None:
    async with opened(tmp_path, demo=True) as shop:
        who = await shop.collect("order", ADA)
        await shop.sequence_all()
        await shop.backup(tmp_path / "backup")
        await shop.move_clock(timedelta(days=30))
        await shop.use(who, "name", purpose="order")
        moved = shop._gate.now()
    corner = parse(POLICY, "corner")
    await Avow.restore(corner, elsewhere(tmp_path), tmp_path / "backup", folder=tmp_path / "avow", clock=Clock())
    async with opened(tmp_path, demo=True) as shop:
        assert shop._gate.now() == moved
        assert await shop.use(who, "name", purpose="order") == ADA["name"]
