"""The server beside the vault: takes calls from a socket, makes them, answers."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

from avow.desk.interface import Desk
from avow.errors import CallError, Unavailable
from avow.wire.address import Secret, place, private, unix_socket
from avow.wire.contract import methods
from avow.wire.faults import put
from avow.wire.frames import ANSWER, CALL, BadFrame, Pipe, TooLong
from avow.wire.handshake import greet

CONNECTIONS: Final = 64  # at a time; the next one is hung up on
EACH: Final = 32  # calls in flight of one connection; the next one is not read before one of them is answered
ALL: Final = 128  # calls in flight of all connections
GRACE: Final = 10.0  # seconds that calls in flight have when the server stops

log = logging.getLogger("avow.wire")


class Server:
    """Serves one contract to any number of connections. Use `serving`, which listens and ends it."""

    def __init__(self, desk: object, contract: type = Desk, secret: Secret | None = None) -> None:
        self._desk = desk
        self._contract = contract
        self._methods = methods(contract)
        self._secret = secret
        self._all = asyncio.Semaphore(ALL)
        self._connections: set[asyncio.Task[None]] = set()
        self._calls: set[asyncio.Task[None]] = set()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until it ends. Nothing that comes over it stops the server."""
        task = asyncio.current_task()
        if task is None or len(self._connections) >= CONNECTIONS:
            writer.close()
            return
        self._connections.add(task)
        pipe = Pipe(reader, writer, takes=CALL, sends=ANSWER)
        try:
            await greet(pipe, self._contract, self._secret)
            await self._take_calls(pipe)
        except BadFrame as error:
            log.warning("hung up on a client: %s", error)
        except (OSError, asyncio.CancelledError):
            pass  # it is gone, or the server stops
        finally:
            self._connections.discard(task)
            pipe.close()

    async def _take_calls(self, pipe: Pipe) -> None:
        """A call that began is made to its end, though nobody may wait for it any more: acts are not left half done."""
        own = asyncio.Semaphore(EACH)
        while True:
            await own.acquire()
            if (frame := await pipe.read()) is None:
                return
            if not isinstance(frame.get("id"), int) or frame.keys() != {"id", "call", "with"}:
                raise BadFrame("no call")
            await self._all.acquire()
            call = asyncio.create_task(self._call(pipe, frame))
            self._calls.add(call)
            call.add_done_callback(lambda done: self._ended(done, own))

    def _ended(self, call: "asyncio.Task[None]", own: asyncio.Semaphore) -> None:
        self._calls.discard(call)
        self._all.release()
        own.release()

    async def _call(self, pipe: Pipe, frame: dict[str, Any]) -> None:
        answer = {"id": frame["id"]} | await self._answer(frame["call"], frame["with"])
        with suppress(OSError):  # nobody is there to take it
            try:
                await pipe.write(answer)
            except (TooLong, TypeError, ValueError) as error:
                said = Unavailable("the answer is too long to be sent") if isinstance(error, TooLong) else error
                await pipe.write({"id": frame["id"], "fault": put(said, str(frame["call"]))})
            return
        pipe.close()

    async def _answer(self, name: Any, given: Any) -> dict[str, Any]:
        method = self._methods.get(name) if isinstance(name, str) else None
        try:
            if method is None:
                raise CallError("the desk has no such method; the contract is `avow.desk.interface`")
            if not isinstance(given, dict):
                raise CallError(f"the arguments of `{method.name}` are to be an object")
            method.check(given)
            return {"gives": await getattr(self._desk, method.name)(**given)}
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller is told, and the server serves on
            return {"fault": put(error, method.name if method else "an unknown method")}

    async def stop(self) -> None:
        """Let calls in flight end, then hang up."""
        if self._calls:
            await asyncio.wait(self._calls, timeout=GRACE)
        for task in (*self._connections, *self._calls):
            task.cancel()
        await asyncio.gather(*self._connections, *self._calls, return_exceptions=True)


@asynccontextmanager
async def serving(
    desk: object, address: str, *, contract: type = Desk, secret: Secret | None = None, promise: str = "",
    group: int | None = None,
) -> AsyncIterator[Server]:  # fmt: skip
    """Serve a desk at an address until the block ends.

    `promise` is the id of the promise of a private server, for the message that refuses a public address. `group` may
    reach the Unix socket, too: then web processes can run as another user than the vault. Raises `OperatorError`.
    """
    server = Server(desk, contract, secret)
    where = place(address)
    if isinstance(where, Path):
        listening = await asyncio.start_unix_server(server.connected, sock=unix_socket(where, group))
    else:
        host, port = await private(*where, promise)
        if secret is None:
            raise CallError("an address wants a secret that both sides hold; name its file, or use a Unix socket")
        listening = await asyncio.start_server(server.connected, host, port)
    try:
        yield server
    finally:
        listening.close()
        await server.stop()
        if isinstance(where, Path):
            where.unlink(missing_ok=True)
