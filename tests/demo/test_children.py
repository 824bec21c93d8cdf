"""Processes of the demo end with it, however it ends, and one that fails is named with what it said."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from avow.demo.children import started, until
from avow.errors import OperatorError

WAITS = "import sys; sys.stdin.read()"


async def never() -> None:
    raise OSError("nobody there")


async def test_a_process_is_told_its_line_and_ends_with_the_block(tmp_path: Path) -> None:
    program = "import sys; print('heard', sys.stdin.readline(), flush=True); sys.stdin.read()"
    async with started("web", ["-c", program], tmp_path / "logs/web.log", told=b"this\n") as child:
        assert child.process.returncode is None
    assert child.process.returncode == -signal.SIGTERM


async def test_one_that_ends_too_early_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    program = "import sys; print('\\n'.join(map(str, range(50)))); sys.exit('no key')"
    async with started("vault of aimini", ["-c", program], tmp_path / "v.log") as child:
        with pytest.raises(OperatorError, match=r"(?s)`vault of aimini` ended with status 1.*\n  46\n") as failed:
            await until(child, never)
        assert str(failed.value).endswith("no key")


async def test_one_that_does_not_answer_in_time_is_named(tmp_path: Path) -> None:
    async with started("web", ["-c", WAITS], tmp_path / "web.log") as child:
        with pytest.raises(OperatorError, match=r"`web` does not answer after 0 s \(nobody there\)"):
            await until(child, never, within=0.0)


async def test_one_that_will_not_listen_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("avow.demo.children.PATIENCE", 0.1)
    program = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    )
    async with started("web", ["-c", program], tmp_path / "web.log") as child:

        async def deaf() -> None:
            if "deaf" not in child.log.read_text():
                raise OSError("not yet")

        await until(child, deaf)
    assert child.process.returncode == -signal.SIGKILL


def test_when_the_demo_is_killed_its_web_process_notices(tmp_path: Path) -> None:
    """Both hold the writing end of a pipe, so its reading end comes to an end when both are gone."""
    reading, writing = os.pipe()
    parent = (
        "import asyncio, os\nfrom pathlib import Path\nfrom avow.demo.children import started\n"
        "async def run():\n"
        "    program = 'from avow.demo.serving import SiteClock, listen_to_the_demo as wait; wait(SiteClock(0))'\n"
        f"    async with started('web', ['-c', program], Path('{tmp_path}/web.log'), hands=[{writing}]):\n"
        "        print('ready', flush=True)\n"
        "        await asyncio.sleep(60)\n"
        "asyncio.run(run())\n"
    )
    command = [sys.executable, "-c", parent]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, pass_fds=[writing]) as demo:
        os.close(writing)
        assert demo.stdout is not None
        assert demo.stdout.readline() == "ready\n"
        demo.kill()
    with os.fdopen(reading, "rb") as pipe:
        assert pipe.read() == b""
