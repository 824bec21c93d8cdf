"""Processes that the demo starts: each writes its own log, is told of by name when it fails, and ends with the demo."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from avow.errors import AvowError, OperatorError

PATIENCE: Final = 10.0  # seconds a process has to end by itself; then it is killed
_LAST: Final = 6  # lines of its log that are shown when it failed


@dataclass(frozen=True, slots=True)
class Child:
    """One running process."""

    name: str
    process: asyncio.subprocess.Process
    log: Path

    def failed(self) -> OperatorError:
        """What to raise when it has ended and should not have."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-_LAST:]
        said = "\n  ".join(lines) or "(it said nothing)"
        return OperatorError(
            f"the process `{self.name}` ended with status {self.process.returncode}; the end of {self.log}:\n  {said}"
        )


@asynccontextmanager
async def started(
    name: str, command: Sequence[str], log: Path, *, told: bytes = b"", hands: Sequence[int] = (),
    surroundings: Mapping[str, str] | None = None,
) -> AsyncIterator[Child]:  # fmt: skip
    """Run a program of this Python until the block ends. `told`: what it reads first; `hands`: file descriptors it gets.

    Its standard input stays open while the block lasts: a program that reads it to the end notices when the demo is
    gone, however that happened. It is in a session of its own, so that Ctrl-C reaches it through the demo alone.
    """
    log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with log.open("ab") as written:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *command, stdin=asyncio.subprocess.PIPE, stdout=written, stderr=written, pass_fds=hands,
            start_new_session=True, env=_own() | {"PYTHONUNBUFFERED": "1", **(surroundings or {})},
        )  # fmt: skip
    child = Child(name, process, log)
    try:
        if told and process.stdin:
            process.stdin.write(told)
            with suppress(ConnectionError):
                await process.stdin.drain()
        yield child
    finally:
        await _end(process)


def _own() -> dict[str, str]:
    """The surroundings, without what they say about some site of the user's own."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AVOW_")}


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), PATIENCE)
        except TimeoutError:
            process.kill()
            await process.wait()


async def until(child: Child, ready: Callable[[], Awaitable[object]], within: float = 60.0) -> None:
    """Ask until it answers. Raises `OperatorError` when the process ends before, or time is up."""
    loop = asyncio.get_running_loop()
    end = loop.time() + within
    while True:
        if child.process.returncode is not None:
            raise child.failed()
        try:
            await ready()
        except (AvowError, OSError) as error:
            if loop.time() > end:
                raise OperatorError(
                    f"the process `{child.name}` does not answer after {within:.0f} s ({error}); see {child.log}"
                ) from None
            await asyncio.sleep(0.1)
        else:
            return
