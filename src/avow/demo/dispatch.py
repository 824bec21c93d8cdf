"""One server, many hosts: each request goes to the app of the name it was sent to, and to no other."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, Final

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ELSEWHERE: Final = "no site of this demo has this name; open the guide for the addresses that there are\n"


class Hosts:
    """An ASGI app that asks the app of the request's host. The apps start and stop with it.

    The port in `Host` does not count, nor how the name is capitalised. A name that nobody has is answered with 421.
    """

    def __init__(self, apps: Mapping[str, ASGIApp]) -> None:
        self._apps = dict(apps)
        self._states: dict[str, dict[str, Any]] = {name: {} for name in apps}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass it on."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        name = _name(scope)
        if name not in self._apps:
            await PlainTextResponse(_ELSEWHERE, status_code=421)(scope, receive, send)
            return
        await self._apps[name]({**scope, "state": dict(self._states[name])}, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        """All apps start, or none serves."""
        await receive()
        try:
            async with AsyncExitStack() as stack:
                for name, app in self._apps.items():
                    await stack.enter_async_context(_living(app, self._states[name]))
                await send({"type": "lifespan.startup.complete"})
                await receive()
        except _Failed as failed:
            await send({"type": "lifespan.startup.failed", "message": str(failed)})
            return
        await send({"type": "lifespan.shutdown.complete"})


class _Failed(Exception):
    """An app did not start."""


@asynccontextmanager
async def _living(app: ASGIApp, state: dict[str, Any]) -> AsyncIterator[None]:
    """One app's lifespan. An app that has none ends or raises before it says that it has started, as ASGI allows."""
    told: asyncio.Queue[Message] = asyncio.Queue()
    ending = asyncio.Event()
    asked = iter(("lifespan.startup", "lifespan.shutdown"))

    async def receive() -> Message:
        kind = next(asked)
        if kind == "lifespan.shutdown":
            await ending.wait()
        return {"type": kind}

    async def send(message: Message) -> None:
        await told.put(message)

    life = asyncio.ensure_future(
        _run(app, {"type": "lifespan", "asgi": {"version": "3.0"}, "state": state}, receive, send)
    )
    first = asyncio.ensure_future(told.get())
    await asyncio.wait({life, first}, return_when=asyncio.FIRST_COMPLETED)
    if first.done() and first.result()["type"] == "lifespan.startup.failed":
        await life
        raise _Failed(first.result().get("message", "an app did not start"))
    first.cancel()
    try:
        yield
    finally:
        ending.set()
        await life


async def _run(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    with suppress(Exception):  # an app without a lifespan says so by raising; Starlette's says before that it failed
        await app(scope, receive, send)


def _name(scope: Scope) -> str:
    for key, value in scope.get("headers", ()):
        if key == b"host":
            return str(value.decode("latin-1")).partition(":")[0].rstrip(".").lower()
    return ""
