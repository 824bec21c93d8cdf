"""The port that browsers reach."""

import asyncio
import socket

import pytest

from avow.serve.port import Port


async def nagle_is_off(door: socket.socket) -> bool:
    """Whether a connection that comes in by it is answered without waiting for acknowledgements."""
    came: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()

    async def take(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await came.put(writer)

    async with await asyncio.start_server(take, sock=door):
        _, calling = await asyncio.open_connection(*door.getsockname()[:2])
        answering = await came.get()
        off = answering.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        for writer in (calling, answering):
            writer.close()
        return bool(off)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_what_comes_in_by_it_is_answered_at_once(host: str) -> None:
    assert await nagle_is_off(Port(host, 0).opened())


async def test_a_socket_that_does_not_say_what_it_is_would_be_noticed() -> None:
    assert not await nagle_is_off(socket.create_server(("127.0.0.1", 0)))
