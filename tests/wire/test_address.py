"""A desk is reached at a socket of its owner or at a private address, by who holds the secret."""

import asyncio
import os
import socket
from pathlib import Path

import pytest

from avow.errors import (
    CallError,
    KeyFault,
    OperatorError,
    Unavailable,
)
from avow.wire import Secret, serving
from avow.wire.address import place, private
from tests.wire.works import Worker, Works, WorksClient


async def test_a_socket_is_its_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        async with serving(Worker(), str(tmp_path / "run/works.sock"), contract=Works):
            assert (tmp_path / "run").stat().st_mode & 0o777 == 0o700
            assert (tmp_path / "run/works.sock").stat().st_mode & 0o777 == 0o600
    finally:
        os.umask(before)


async def test_a_socket_deep_in_the_house_is_reached_all_the_same(tmp_path: Path) -> None:
    deep = tmp_path / ("a" * 60) / ("b" * 60) / "works.sock"
    for _ in range(2):  # the second finds what the first left
        async with serving(Worker(), str(deep), contract=Works):
            async with WorksClient(str(deep)) as client:
                assert await client.echo("here") == "here"
            with pytest.raises(OperatorError, match="another process"):
                async with serving(Worker(), str(deep), contract=Works):
                    pass


async def test_a_name_that_no_socket_can_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="choose a shorter one"):
        async with serving(Worker(), str(tmp_path / ("x" * 120)), contract=Works):
            pass


async def test_a_socket_for_a_group_is_that_groups_and_nobody_elses(tmp_path: Path) -> None:
    async with serving(Worker(), str(tmp_path / "run/works.sock"), contract=Works, group=os.getegid()):
        assert (tmp_path / "run").stat().st_mode & 0o777 == 0o710
        assert (tmp_path / "run/works.sock").stat().st_mode & 0o777 == 0o660


async def test_a_folder_that_lets_others_in_holds_no_socket(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o755)
    with pytest.raises(OperatorError, match="chmod 700"):
        async with serving(Worker(), str(tmp_path / "open/works.sock"), contract=Works):
            pass


async def test_two_do_not_serve_at_one_place_and_what_a_dead_one_left_is_in_nobodys_way(tmp_path: Path) -> None:
    address = tmp_path / "run/works.sock"
    async with serving(Worker(), str(address), contract=Works):
        with pytest.raises(OperatorError, match="another process"):
            async with serving(Worker(), str(address), contract=Works):
                pass
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(address))
    async with serving(Worker(), str(address), contract=Works), WorksClient(str(address)) as client:
        assert await client.echo("on") == "on"
    address.write_text("a file")
    with pytest.raises(OperatorError, match="no socket"):
        async with serving(Worker(), str(address), contract=Works):
            pass


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "2606:4700::1111", "8.8.8.8", "::ffff:8.8.8.8"])
async def test_a_public_address_is_refused_with_the_promise_that_forbids_it(host: str) -> None:
    secret = Secret(b"x" * 32, os.urandom)
    with pytest.raises(OperatorError, match="DAM-8"):
        async with serving(Worker(), f"{host}:0", contract=Works, secret=secret, promise="DAM-8"):
            pass


@pytest.mark.parametrize("host", ["127.0.0.1", "10.1.2.3", "192.168.0.9", "::1", "fd00::1", "localhost"])
async def test_a_private_address_is_taken(host: str) -> None:
    assert (await private(host, 7000))[1] == 7000


@pytest.mark.parametrize("address", ["", "desk", "host:", ":7000", "host:99999", "host:x"])
def test_what_names_no_place_is_said(address: str) -> None:
    with pytest.raises(OperatorError):
        place(address)


# -- over tcp ----------------------------------------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_over_tcp_both_sides_show_that_they_hold_the_secret_and_frames_are_sealed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(os.urandom(32).hex().encode())
    (tmp_path / "secret").chmod(0o600)
    secret, address = Secret.read(tmp_path / "secret", os.urandom), f"127.0.0.1:{free_port()}"
    async with serving(Worker(), address, contract=Works, secret=secret):
        async with WorksClient(address, secret=secret) as client:
            assert await asyncio.gather(*(client.echo(str(n)) for n in range(50))) == [str(n) for n in range(50)]
        async with WorksClient(address, secret=Secret(b"y" * 32, os.urandom)) as stranger:
            with pytest.raises(Unavailable, match="another secret"):
                await stranger.echo("let me in")
        async with WorksClient(address) as stranger:
            with pytest.raises(Unavailable, match="wants the secret"):
                await stranger.echo("let me in")


async def test_what_is_heard_on_the_network_is_sealed_and_a_changed_frame_ends_the_connection(tmp_path: Path) -> None:
    secret, inner, outer = Secret(b"s" * 32, os.urandom), free_port(), free_port()
    heard, spoil = bytearray(), asyncio.Event()

    async def between(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", inner)

        async def pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while data := await source.read(4096):
                heard.extend(data)
                sink.write(data[:-1] + bytes([data[-1] ^ 1]) if spoil.is_set() else data)
            sink.close()

        await asyncio.gather(pass_on(reader, far_writer), pass_on(far_reader, writer))

    async with serving(Worker(), f"127.0.0.1:{inner}", contract=Works, secret=secret):
        proxy = await asyncio.start_server(between, "127.0.0.1", outer)
        async with WorksClient(f"127.0.0.1:{outer}", secret=secret) as client:
            assert await client.echo("ada@quill.example") == "ada@quill.example"
            assert b"avow" in heard
            assert b"quill" not in heard
            spoil.set()
            with pytest.raises(Unavailable):
                await client.echo("again")
            spoil.clear()
            assert await client.echo("on") == "on"
        proxy.close()


async def test_an_address_without_a_secret_is_not_served(tmp_path: Path) -> None:
    with pytest.raises(CallError, match="secret"):
        async with serving(Worker(), "127.0.0.1:0", contract=Works):
            pass


def test_a_secret_that_others_may_read_or_that_is_short_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    with pytest.raises(KeyFault, match="make one"):
        Secret.read(file, os.urandom)
    file.write_bytes(b"x" * 40)
    file.chmod(0o644)
    with pytest.raises(KeyFault, match="chmod 600"):
        Secret.read(file, os.urandom)
    file.chmod(0o600)
    assert Secret.read(file, os.urandom).key == b"x" * 40
    file.write_bytes(b"x")
    with pytest.raises(KeyFault, match="longer"):
        Secret.read(file, os.urandom)
