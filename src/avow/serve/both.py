"""Vault and doors as two processes of one command: started together, stopped together, and neither without the other."""

import asyncio
import os
import signal
import sys
import threading
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final

from avow.errors import OperatorError

_PATIENCE: Final = {"doors": 20.0, "vault": 60.0}  # seconds to stop in; doors first, so that no call is cut off
_VAULTS: Final = frozenset(("AVOW_ROOT_KEY", "AVOW_DATABASE", "AVOW_FOLDER"))


async def together(
    arguments: Mapping[str, Sequence[str]], stop: asyncio.Event, tell: Callable[[str, str], None]
) -> None:
    """Run `avow serve` as vault and as doors, each with its arguments, until `stop`.

    Raises `OperatorError` when one of them ends by itself; the other is stopped then.
    """
    children = {only: await _started(arguments[only], only) for only in ("vault", "doors")}
    ends = {asyncio.create_task(child.wait()): name for name, child in children.items()}
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((*ends, stopping), return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        ended = [name for task, name in ends.items() if task.done()]
        for name in ("doors", "vault"):
            await _ended(children[name], _PATIENCE[name])
        await asyncio.gather(*ends)
    if ended and not stop.is_set():
        raise OperatorError(f"the {ended[0]} process ended with status {children[ended[0]].returncode}; see above")
    tell("", "stopped")


async def _started(arguments: Sequence[str], only: str) -> Process:
    """A child that ends when we do: it holds the other end of a pipe. The doors are not told where keys and data are."""
    environment = {name: value for name, value in os.environ.items() if only == "vault" or name not in _VAULTS}
    command = (sys.executable, "-m", "avow", "serve", *arguments, "--only", only, "--until-input-ends")
    return await asyncio.create_subprocess_exec(*command, stdin=PIPE, env=environment, start_new_session=True)


async def _ended(child: Process, patience: float) -> None:
    if child.returncode is None:
        with suppress(ProcessLookupError):
            child.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(patience):
                await child.wait()
        except TimeoutError:
            child.kill()


def until_told(*, input_ends: bool = False) -> asyncio.Event:
    """An event that SIGTERM and SIGINT set, and the end of standard input if that is asked for."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if input_ends:

        def wait() -> None:
            while os.read(0, 4096):
                pass
            with suppress(RuntimeError):  # the loop has ended already
                loop.call_soon_threadsafe(stop.set)

        threading.Thread(target=wait, daemon=True).start()
    return stop
