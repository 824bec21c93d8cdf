"""One contract on both sides, calls that pass each other, errors that travel, and nobody who can stop the server."""

import asyncio
import inspect
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from avow import errors
from avow.desk.desk import Desk as Beside
from avow.desk.interface import TRIES, Desk, Operator
from avow.errors import (
    AvowError,
    BadValue,
    CallError,
    Denied,
    Refused,
    TooMany,
    Unavailable,
)
from avow.wire import Client, OperatorClient, serving
from avow.wire import client as client_module
from avow.wire.client import Line
from avow.wire.contract import fits, methods
from avow.wire.faults import BY_NAME, put, take
from avow.wire.frames import CALL, encode
from avow.wire.server import EACH
from tests.desk.beds import PASSWORD, Bed, desk
from tests.wire.works import Worker, Works, WorksClient, working

ADA = {"name": "Ada Quill", "email": "ada@quill.example"}


# -- one contract ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("contract", "client"), [(Desk, Client), (Operator, OperatorClient)])
def test_the_client_has_every_method_of_the_contract_and_the_desk_takes_the_same_names(
    contract: type, client: type
) -> None:
    told = methods(contract)
    parts = [one for part in contract.__mro__ for one in vars(part).values() if inspect.iscoroutinefunction(one)]
    assert len(told) == len([one for one in parts if one.__doc__])
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
        for strange in (10**30, float("inf"), [[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]], {"a": {"\ud800": 1}}):
            with pytest.raises(BadValue):
                await client.echo(strange)  # type: ignore[arg-type]  # on purpose
        with pytest.raises(CallError):
            await client.echo(b"bytes")  # type: ignore[arg-type]  # on purpose
        assert await client.echo("ü \U0001f600") == "ü \U0001f600"


async def test_too_many_tries_travel_too(tmp_path: Path) -> None:
    async with over_a_socket(tmp_path, "aitoc") as (_, client):
        for _ in range(TRIES):
            with pytest.raises(Denied):
                await client.sign_in("email", ADA["email"], "wrong password")
        with pytest.raises(TooMany):
            await client.sign_in("email", ADA["email"], "wrong password")
