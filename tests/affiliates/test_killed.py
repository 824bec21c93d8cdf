"""The server was down on the day: what a killed process held of a click is gone before the next one answers anybody."""

import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.affiliates.serving import CLICK

LIFE = 30 * 86_400_000
SOCKET = "run/desk.sock"


@contextmanager
def process(folder: Path, ahead: int, *more: str) -> Iterator["subprocess.Popen[str]"]:
    """One that ends by kill -9, if the block did not kill it."""
    words = [sys.executable, "-m", "tests.affiliates.serving", str(folder), str(ahead), *more]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as child:
        try:
            yield child
        finally:
            child.send_signal(signal.SIGKILL)
            child.wait()


def held(folder: Path) -> tuple[int, int]:
    """What the files have: data of clicks, and people who live."""
    db = sqlite3.connect(f"file:{folder}/shop.db?mode=ro", uri=True)
    try:
        (data,) = db.execute("SELECT count(*) FROM datum").fetchone()
        (people,) = db.execute("SELECT count(*) FROM subject WHERE state = 0").fetchone()
    finally:
        db.close()
    return data, people


def opened(child: "subprocess.Popen[str]") -> None:
    """Wait until it answers."""
    assert child.stdout is not None
    assert child.stdout.readline() == "open\n"


@pytest.mark.parametrize(("ahead", "left"), [(LIFE, 3), (LIFE + 1, 0), (LIFE + 86_400_000, 0)])
def test_a_server_that_was_down_on_the_day_has_swept_when_its_door_opens(tmp_path: Path, ahead: int, left: int) -> None:
    """AIT-8: killed with the click on disk; to the last millisecond it stays, from the next one it is gone."""
    with process(tmp_path, 0, "note") as child:
        opened(child)
    assert held(tmp_path)[0] == 3
    assert (tmp_path / SOCKET).exists()  # what a kill leaves lying; nobody answers there
    (tmp_path / SOCKET).unlink()
    with process(tmp_path, ahead) as child:
        while not (tmp_path / SOCKET).exists():  # from the first moment at which anybody could ask
            assert child.poll() is None
            time.sleep(0.0005)
    assert held(tmp_path) == (left, left // 3)  # as the second kill left it, at that moment
    whole = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert CLICK["affiliate-ip"].encode() not in whole
