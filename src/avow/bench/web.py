"""Ratio 24: a small web application behind the guard, against the same without; over HTTP, by a real server.

Both stand in one server process, each on a port of its own, and eight callers on kept connections ask each in turn.
One round is a visit by each caller: three pages, a style sheet and a form.
"""

import asyncio
import os
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route

from avow.bench.ratio import Measured, Scale, faults, rates
from avow.doors.guard import Guard
from avow.policy.parse import read

CALLERS: Final = 8
HOST: Final = "127.0.0.1"
POLICY: Final = Path(__file__).parents[1] / "policies" / "aitoc.yaml"
ITEMS: Final = "\n".join(
    f'<li><a href="/item/{n}">Lamp {n}</a>, a lamp to read by, from 20 to 90.</li>' for n in range(20)
)
PAGE: Final = f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Lamps</title><link rel="stylesheet" href="/static/shop.css">
<nav><a href="/">Home</a> <a href="/cart">Cart</a></nav><main><h1>Lamps: all &amp; every</h1><ul>{ITEMS}</ul>
<form method="post" action="/order"><label>Name <input name="name"></label><button>Order</button></form></main>
<footer><a href="/privacy">Privacy policy of 2017-06-06</a></footer></html>"""
STYLE: Final = "main { max-width: 40rem; margin: auto }\n" * 20
FORM: Final = (
    b"name=Ada+Osei&email=ada%40shop.example&postal-address=1+Quay+Street%2C+Leith&items=2+lamps&phone=%2B441314960000"
)
BROWSER: Final = (
    "Host: 127.0.0.1\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36\r\n"
    "Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8\r\nAccept-Language: en\r\nAccept-Encoding: gzip, br\r\n"
    "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: navigate\r\n"
)
VISIT: Final = (
    *(f"GET {path} HTTP/1.1\r\n{BROWSER}\r\n".encode() for path in ("/", "/item/1", "/item/2", "/static/shop.css")),
    (
        f"POST /order HTTP/1.1\r\n{BROWSER}Content-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(FORM)}\r\n\r\n"
    ).encode()
    + FORM,
)  # fmt: skip


def shop() -> Starlette:
    """The application."""

    async def page(_: Request) -> HTMLResponse:
        return HTMLResponse(PAGE)

    async def style(_: Request) -> PlainTextResponse:
        return PlainTextResponse(STYLE, media_type="text/css")

    async def order(request: Request) -> HTMLResponse:
        async with request.form() as form:
            return HTMLResponse(PAGE, 200 if form["name"] == "Ada Osei" else 400)

    return Starlette(
        routes=[
            Route("/", page),
            Route("/item/{number:int}", page),
            Route("/static/shop.css", style),
            Route("/order", order, methods=["POST"]),
        ]
    )


def guarded(app: Any) -> Guard:
    """The application behind the guard of a policy that promises much of it."""
    return Guard(
        app, read(POLICY), hosts=[HOST], plain_hosts=[HOST], clock=lambda: datetime.now(UTC), random=os.urandom
    )  # fmt: skip


_NOSNIFF: Final = b"\r\nx-content-type-options: nosniff\r\n"


class Caller:
    """A kept connection that asks one thing after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.right = self.held = 0  # answers that are as they should be; those with the policy's headers

    async def visit(self) -> None:
        """Everything that one visit asks for."""
        for request in VISIT:
            self._writer.write(request)
            head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0])
            body = await self._reader.readexactly(length)
            self.right += head.startswith(b"http/1.1 200") and body in (PAGE.encode(), STYLE.encode())
            page = body != STYLE.encode()
            self.held += (b"\r\ncontent-security-policy: default-src 'none'" in head) == page and _NOSNIFF in head

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


async def guard(_: Path, scale: Scale) -> Measured:
    """24: requests a second, guard on by guard off."""
    sockets = [socket.create_server((HOST, 0), backlog=64) for _ in range(2)]
    ports = [one.getsockname()[1] for one in sockets]
    fds = [one.fileno() for one in sockets]
    command = [sys.executable, "-c", f"from avow.bench.web import serve; serve({fds})"]
    server = subprocess.Popen(command, pass_fds=fds)  # noqa: ASYNC220, S603 - once, at the start; our own program
    try:
        callers = [[Caller(*await asyncio.open_connection(HOST, port)) for _ in range(CALLERS)] for port in ports]
        visits = scale.of(20)
        for side in callers:
            await asyncio.gather(*(caller.visit() for caller in side))  # what is only done once, is done

        def asking(side: list[Caller]) -> Any:
            async def ask(number: int) -> int:  # noqa: ARG001 - every round is alike
                for _ in range(visits):
                    await asyncio.gather(*(caller.visit() for caller in side))
                return visits * CALLERS * len(VISIT)

            return ask

        speeds = await rates(scale.rounds, *map(asking, callers))
        wanted = (visits * scale.rounds + 1) * CALLERS * len(VISIT)
        right = [sum(caller.right for caller in side) for side in callers]
        held = [sum(caller.held for caller in side) for side in callers]
        checks = [("raw answers", right[0], wanted), ("answers", right[1], wanted), ("held", held, [0, wanted])]
        for caller in (*callers[0], *callers[1]):
            caller.close()
        why = faults(checks)
        return Measured(speeds[0], speeds[1], scale.rounds, not why, why=why)
    finally:
        server.terminate()
        server.wait()
        for one in sockets:
            one.close()


def serve(fds: list[int]) -> None:
    """Both sides on one server, told apart by their ports."""
    sockets = [socket.socket(fileno=fd) for fd in fds]
    plain = shop()
    sides = dict(zip((one.getsockname()[1] for one in sockets), (plain, guarded(plain)), strict=True))

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await sides[scope["server"][1]](scope, receive, send)

    config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off")
    asyncio.run(uvicorn.Server(config).serve(sockets=sockets))
