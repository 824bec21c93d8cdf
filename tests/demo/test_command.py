"""`avow demo` as people start and stop it."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from avow.demo.house import _is_new
from avow.errors import CallError

AVOW = [sys.executable, "-m", "avow", "demo"]
WIDE = os.environ | {"COLUMNS": "120"}


@contextmanager
def taken() -> Iterator[int]:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen(1)
        yield door.getsockname()[1]


@contextmanager
def started(*options: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([*AVOW, *options], stdout=subprocess.PIPE, text=True, env=WIDE) as demo:
        try:
            yield demo
        finally:
            demo.terminate()  # a test that failed leaves nothing running


def test_the_check_buys_in_every_shop_on_free_ports_and_says_so() -> None:
    with taken() as port, taken() as guide:
        ports = ["--port", str(port), "--guide", str(guide)]
        run = subprocess.run([*AVOW, "--check", *ports], capture_output=True, text=True, check=False, env=WIDE)
    assert (run.returncode, run.stderr) == (0, "")
    rows = {line.split()[0]: line for line in run.stdout.splitlines() if line.endswith(" works")}
    assert sorted(rows) == ["aimini", "aitoc", "aitpro", "audiomidi", "daminion"]
    assert all(" paid " in row and " refused by " in row for row in rows.values())
    assert " none " in rows["aimini"]


def test_it_prints_one_address_and_when_it_is_stopped_nothing_is_left() -> None:
    with started("--port", "1025") as demo:
        assert demo.stdout is not None
        said = ""
        for line in demo.stdout:
            said += line
            if found := re.search(r"open +(http://localhost:\d+)", line):
                break
        else:
            pytest.fail(f"it ended before it said where to look: {said}")
        (folder,) = re.findall(r"the data lie in (\S+),", said)
        assert "Five shops" in httpx.get(found[1]).text
        assert folder in running()
        demo.terminate()
        rest = demo.stdout.read()
    assert (demo.returncode, rest.splitlines()[-1]) == (0, "stopped; everything is closed")
    assert folder not in running()
    assert not Path(folder).exists()
    with pytest.raises(httpx.ConnectError):
        httpx.get(found[1])


def test_stopped_while_it_starts_it_leaves_nothing_either() -> None:
    with started() as demo:
        assert demo.stdout is not None
        demo.stdout.readline()
        demo.send_signal(signal.SIGINT)
        assert demo.stdout.read().endswith("stopped; everything is closed\n")
    assert demo.returncode == 0


def running() -> str:
    return subprocess.run(["ps", "-ewwo", "args"], capture_output=True, text=True, check=True).stdout


def test_a_folder_of_something_else_or_of_half_a_demo_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other/letter.txt").write_text("dear")
    with pytest.raises(CallError, match="was not made by the demo"):
        _is_new(tmp_path / "other")
    assert _is_new(tmp_path / "new")
    with pytest.raises(CallError, match="stopped before it was ready"):
        _is_new(tmp_path / "new")
