"""The wire: one contract on both sides, frames read strictly, errors that travel, and nobody who can stop the server."""

import asyncio
import inspect
import json
import logging
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avow import errors
from avow.desk.desk import Desk as Beside
from avow.desk.interface import TRIES, Desk, Operator
from avow.errors import (
    AvowError,
    BadValue,
    CallError,
    Denied,
    KeyFault,
    OperatorError,
    Refused,
    TooMany,
    Unavailable,
)
from avow.wire import Client, OperatorClient, Secret, serving
from avow.wire import client as client_module
from avow.wire.address import place, private
from avow.wire.client import Line, carried
from avow.wire.contract import fits, methods
from avow.wire.faults import BY_NAME, put, take
from avow.wire.frames import CALL, DEPTH, BadFrame, Pipe, decode, encode
from avow.wire.server import CONNECTIONS, EACH
from tests.desk.beds import PASSWORD, Bed, desk

ADA = {"name": "Ada Quill", "email": "ada@quill.example"}


# -- one contract ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("contract", "client"), [(Desk, Client), (Operator, OperatorClient)])
def test_the_client_has_every_method_of_the_contract_and_the_desk_takes_the_same_names(
    contract: type, client: type
) -> None:
    told = methods(contract)
    assert len(told) == len([one for one in vars(contract).values() if inspect.isfunction(one) and one.__doc__])
    for name, method in told.items():
        theirs = inspect.signature(getattr(contract, name))
        assert inspect.signature(getattr(client, name)) == theirs, name
        assert list(inspect.signature(getattr(Beside, name)).parameters)[1:] == list(method.parameters), name
        assert vars(client)[name] is not vars(Line).get(name), name


def as_the_contract(client: Client, operator: OperatorClient) -> tuple[Desk, Operator]:
    """That this type-checks says that the clients are what their contracts want."""
    return client, operator


@pytest.mark.parametrize(
    ("value", "hint", "fit"),
    [
        ("a", str, True), (1, str, False), (True, int, False), (1, int, True), (1, bool, False), (None, str | None, True),
        ({"a": "b"}, dict[str, str], True), ({"a": 1}, dict[str, str], False), (["a", 1], list[str], False),
        ("abc", list[str], False), (None, str, False), ({}, dict[str, str] | None, True),
    ],
)  # fmt: skip
def test_an_argument_is_of_its_type_or_is_refused(value: object, hint: object, fit: bool) -> None:
    assert fits(hint)(value) is fit


# -- a contract to try it with -----------------------------------------------------------------------------------------


class Works(Protocol):
    """What a test can ask for."""

    async def echo(self, text: str) -> str:
        """The same text."""

    async def wait(self, name: str) -> str:
        """Wait until somebody releases this name."""

    async def fail(self, how: str) -> None:
        """Fail in this way."""

    async def lie(self) -> str:
        """Give what is no text."""


class Worker:
    """Does it."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.done: list[str] = []
        self.events: dict[str, asyncio.Event] = {}
        self.started = asyncio.Condition()

    async def echo(self, text: str) -> str:
        return text

    async def wait(self, name: str) -> str:
        event = self.events.setdefault(name, asyncio.Event())
        async with self.started:
            self.begun.append(name)
            self.started.notify_all()
        await event.wait()
        self.done.append(name)
        return name

    async def until_begun(self, number: int) -> None:
        async with self.started, asyncio.timeout(10):
            await self.started.wait_for(lambda: len(self.begun) >= number)

    async def fail(self, how: str) -> None:
        raise {"refused": Refused(["C-1"], "no"), "denied": Denied(), "other": ValueError(f"ada@quill.example {how}")}[
            how
        ]

    async def lie(self) -> str:
        return 7  # type: ignore[return-value]  # on purpose


class WorksClient(Line):
    contract = Works
    echo = carried(Works.echo)
    wait = carried(Works.wait)
    fail = carried(Works.fail)
    lie = carried(Works.lie)


@asynccontextmanager
async def working(folder: Path, **more: float) -> AsyncIterator[tuple[Worker, WorksClient, str]]:
    worker, address = Worker(), str(folder / "run" / "works.sock")
    async with (
        serving(worker, address, contract=Works),
        WorksClient(address, **more) as client,  # type: ignore[arg-type]  # `timeout`
    ):
        yield worker, client, address
        for event in worker.events.values():
            event.set()


# -- calls -------------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def over_a_socket(folder: Path, site: str) -> AsyncIterator[tuple[Bed, Client]]:
    address = str(folder / "run/desk.sock")
    async with desk(folder, site) as bed, serving(bed.desk, address), Client(address) as client:
        yield bed, client


async def test_the_desk_is_the_same_over_a_socket(tmp_path: Path) -> None:
    async with over_a_socket(tmp_path, "daminion") as (bed, client):
        session = await client.register("registration", ADA, password=PASSWORD)
        assert (await client.held(session))["data"] == (await bed.desk.held(session))["data"]
        assert await client.about() == await bed.desk.about()
        assert (await client.collect("contact", ADA | {"message": "Hello"}))["receipt"]
        with pytest.raises(Denied):
            await client.held("x" * 43)
        with pytest.raises(CallError):
            await client.collect("no-such-form", {})


async def test_the_operator_is_served_at_an_address_of_its_own_and_nowhere_else(tmp_path: Path) -> None:
    own, web = str(tmp_path / "op/operator.sock"), str(tmp_path / "run/desk.sock")
    async with (
        desk(tmp_path, "aitoc") as bed,
        serving(bed.desk, own, contract=Operator),
        serving(bed.desk, web),
        OperatorClient(own) as operator,
        OperatorClient(web) as strange,
        Client(web) as client,
    ):
        await operator.set_agreement("What I see stays here.")
        session = await client.accept(await operator.invite_first("kim", "admin"), PASSWORD)
        assert (await client.colleague(session))["agreement"] == "What I see stays here."
        assert (await operator.health())["serving"] is True
        with pytest.raises(Unavailable, match="another contract"):
            await strange.invite_first("eve", "admin")


async def test_calls_pass_each_other_on_one_connection(tmp_path: Path) -> None:
    async with working(tmp_path) as (worker, client, _):
        slow = asyncio.create_task(client.wait("slow"))
        await worker.until_begun(1)
        assert await asyncio.gather(*(client.echo(str(n)) for n in range(200))) == [str(n) for n in range(200)]
        worker.events["slow"].set()
        assert await slow == "slow"


async def test_a_connection_has_so_many_calls_in_flight_and_the_next_one_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "IN_FLIGHT", 10 * EACH)  # a client that knows no bounds
    async with working(tmp_path) as (worker, client, address):
        calls = [asyncio.create_task(client.wait(str(n))) for n in range(EACH + 5)]
        await worker.until_begun(EACH)
        async with WorksClient(address) as other:  # another connection is served meanwhile
            assert await other.echo("here") == "here"
        assert len(worker.begun) == EACH
        worker.events["0"].set()
        await worker.until_begun(EACH + 1)
        for name in list(worker.events):
            worker.events[name].set()
        for task in calls:
            worker.events.setdefault(str(calls.index(task)), asyncio.Event()).set()
        assert await asyncio.gather(*calls) == [str(n) for n in range(EACH + 5)]


async def test_a_call_that_is_given_up_is_made_to_its_end_and_disturbs_no_other(tmp_path: Path) -> None:
    async with working(tmp_path) as (worker, client, _):
        call = asyncio.create_task(client.wait("given up"))
        await worker.until_begun(1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        worker.events["given up"].set()
        assert await client.echo("on") == "on"
        assert worker.done == ["given up"]


async def test_a_client_that_is_lost_costs_nothing(tmp_path: Path) -> None:
    async with working(tmp_path) as (worker, client, address):
        async with WorksClient(address) as lost:
            call = asyncio.create_task(lost.wait("lost"))
            await worker.until_begun(1)
        with pytest.raises(Unavailable, match="unknown whether"):
            await call
        worker.events["lost"].set()
        assert await client.echo("on") == "on"
        assert worker.done == ["lost"]


async def test_an_answer_that_does_not_come_in_time_is_unavailable(tmp_path: Path) -> None:
    async with working(tmp_path, timeout=0.05) as (_, client, _address):
        with pytest.raises(Unavailable, match="unknown whether"):
            await client.wait("never")


async def test_a_client_connects_again_when_the_server_is_back(tmp_path: Path) -> None:
    address = str(tmp_path / "run/works.sock")
    async with WorksClient(address) as client:
        with pytest.raises(Unavailable, match="avow serve"):
            await client.echo("early")
        for _ in range(2):
            async with serving(Worker(), address, contract=Works):
                assert await client.echo("here") == "here"
            assert list((tmp_path / "run").iterdir()) == []
            with pytest.raises(Unavailable):
                await client.echo("gone")


async def test_a_server_that_stops_lets_calls_in_flight_end(tmp_path: Path) -> None:
    worker, address = Worker(), str(tmp_path / "run/works.sock")
    async with WorksClient(address) as client:
        async with serving(worker, address, contract=Works):
            call = asyncio.create_task(client.wait("last"))
            await worker.until_begun(1)
            asyncio.get_running_loop().call_soon(worker.events["last"].set)
        assert await call == "last"


# -- errors ------------------------------------------------------------------------------------------------------------


async def test_errors_travel_by_name_and_what_is_not_expected_says_nothing_of_anybody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with working(tmp_path) as (_, client, _address):
        with pytest.raises(Refused) as refused:
            await client.fail("refused")
        assert (refused.value.promises, refused.value.reason) == (("C-1",), "no")
        with pytest.raises(Denied):
            await client.fail("denied")
        with caplog.at_level(logging.ERROR), pytest.raises(Unavailable) as other:
            await client.fail("other")
        assert "ValueError" in caplog.text
        assert "ada@" not in caplog.text + str(other.value)
        with pytest.raises(Unavailable, match="contract"):
            await client.lie()
        assert await client.echo("on") == "on"


def test_every_error_that_a_caller_may_catch_travels() -> None:
    for name, kind in BY_NAME.items():
        error = Refused(["A-1"], "because") if kind is Refused else kind("what was wrong")
        again = take(json.loads(encode(put(error, "x"))))
        assert (type(again), str(again)) == (kind, str(error)), name
    missing = {
        one.__name__ for one in vars(errors).values() if isinstance(one, type) and issubclass(one, AvowError)
    } - BY_NAME.keys()
    assert missing == {"AvowError", "PolicyError"}  # a desk that serves has a policy that stands
    assert isinstance(take({"name": "OSError", "message": "x"}), Unavailable)


async def test_a_call_that_is_too_long_or_no_text_is_the_callers_and_nobody_elses(tmp_path: Path) -> None:
    async with working(tmp_path) as (_, client, _address):
        for bad in ("x" * CALL, "\ud800"):
            with pytest.raises(BadValue):
                await client.echo(bad)
        with pytest.raises(CallError):
            await client.echo(b"bytes")  # type: ignore[arg-type]  # on purpose
        assert await client.echo("ü \U0001f600") == "ü \U0001f600"


# -- who speaks badly --------------------------------------------------------------------------------------------------


@asynccontextmanager
async def raw(address: str) -> AsyncIterator[tuple[Pipe, asyncio.StreamWriter]]:
    """A connection after its greeting."""
    reader, writer = await asyncio.open_unix_connection(address)
    pipe = Pipe(reader, writer)
    assert (await pipe.read() or {})["avow"] == 1
    yield pipe, writer
    writer.close()


@pytest.mark.parametrize(
    "frame",
    [
        {"id": 1, "call": "__class__", "with": {}}, {"id": 1, "call": "begun", "with": {}},
        {"id": 1, "call": "until_begun", "with": {"number": 0}}, {"id": 1, "call": "echo", "with": {}},
        {"id": 1, "call": "echo", "with": {"text": 1}}, {"id": 1, "call": "echo", "with": {"text": "a", "by": "me"}},
        {"id": 1, "call": "echo", "with": ["a"]}, {"id": 1, "call": None, "with": {}}, {"id": 1, "call": {}, "with": {}},
    ],
)  # fmt: skip
async def test_what_the_contract_does_not_have_is_refused(tmp_path: Path, frame: dict[str, object]) -> None:
    async with working(tmp_path) as (_, client, address), raw(address) as (pipe, _writer):
        await pipe.write(frame)
        assert (await pipe.read() or {})["fault"]["name"] == "CallError"
        assert await client.echo("on") == "on"


@pytest.mark.parametrize(
    "sent",
    [
        b"\xff\xff\xff\xff", (CALL + 17).to_bytes(4) + b"x", b"\0\0\0\2[]", b"\0\0\0\1{", b"\0\0\0\4nul\xff",
        b"\0\0\0\2{}", b'\0\0\0\x22{"id":true,"call":"echo","with":{}}', b"GET / HTTP/1.1\r\n\r\n", b"\0\0",
    ],
)  # fmt: skip
async def test_who_does_not_speak_the_protocol_is_hung_up_on(tmp_path: Path, sent: bytes) -> None:
    async with working(tmp_path) as (_, client, address), raw(address) as (pipe, writer):
        writer.write(sent)
        if len(sent) < 4:
            writer.write_eof()
        async with asyncio.timeout(10):
            assert await pipe.read() is None
        assert await client.echo("on") == "on"


async def test_more_connections_than_there_is_room_for_are_hung_up_on(tmp_path: Path) -> None:
    async with working(tmp_path) as (_, client, address):
        await client.echo("first")
        pipes = [await asyncio.open_unix_connection(address) for _ in range(CONNECTIONS)]
        ends = [asyncio.create_task(reader.read(1)) for reader, _ in pipes]
        async with asyncio.timeout(10):
            assert sorted([await end for end in ends]) == [b"", *[b"\0"] * (CONNECTIONS - 1)]
        for _, writer in pipes:
            writer.close()
        assert await client.echo("on") == "on"


@given(
    st.recursive(
        st.none() | st.booleans() | st.text() | st.integers(-(2**62), 2**62),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    )
)
def test_what_is_plain_comes_back_as_it_was(value: object) -> None:
    try:
        assert decode(encode({"it": value})) == {"it": value}
    except BadFrame:
        assert str(value).count("[") + str(value).count("{") >= DEPTH


@given(st.binary(max_size=64))
def test_bytes_that_are_no_frame_are_never_more_than_a_bad_frame(raw: bytes) -> None:
    with suppress(BadFrame):
        assert isinstance(decode(raw), dict)


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":2}', '{"a":NaN}', '{"a":1e999}', '{"a":' + "9" * 20 + "}", '{"a":"\\ud800"}', "[" * 100_000,
        '{"a":' * DEPTH + "[]" + "}" * DEPTH, '{"\\ud800":1}', "", "1", "{} {}",
    ],
)  # fmt: skip
def test_json_that_is_ambiguous_too_deep_or_no_text_is_no_frame(text: str) -> None:
    with pytest.raises(BadFrame):
        decode(text.encode())


# -- where it is reached -----------------------------------------------------------------------------------------------


async def test_a_socket_is_its_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        async with serving(Worker(), str(tmp_path / "run/works.sock"), contract=Works):
            assert (tmp_path / "run").stat().st_mode & 0o777 == 0o700
            assert (tmp_path / "run/works.sock").stat().st_mode & 0o777 == 0o600
    finally:
        os.umask(before)


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


@pytest.mark.parametrize("address", ["", "desk", "host:", ":7000", "host:99999", "host:x", "/" + "x" * 120])
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


async def test_too_many_tries_travel_too(tmp_path: Path) -> None:
    async with over_a_socket(tmp_path, "aitoc") as (_, client):
        for _ in range(TRIES):
            with pytest.raises(Denied):
                await client.sign_in("email", ADA["email"], "wrong password")
        with pytest.raises(TooMany):
            await client.sign_in("email", ADA["email"], "wrong password")
