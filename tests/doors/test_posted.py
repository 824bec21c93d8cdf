"""A form is read strictly: one kind of body, within its size, texts and nothing else."""

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from avow.doors.posted import FORM, LONGEST, MOST, posted


async def echo(request: Request) -> Response:
    return JSONResponse(await posted(request))


async def post(content: bytes, kind: str = FORM) -> httpx.Response:
    transport = httpx.ASGITransport(app=Starlette(routes=[Route("/", echo, methods=["POST"])]))
    async with httpx.AsyncClient(transport=transport, base_url="https://room.example") as client:
        return await client.post("/", content=content, headers={"content-type": kind})


async def test_names_and_texts_come_in_their_order_and_twice_where_they_came_twice() -> None:
    answer = await post(b"b=2&a=%C3%A9+x&b=&c", f"{FORM}; charset=utf-8")
    assert answer.json() == [["b", "2"], ["a", "é x"], ["b", ""], ["c", ""]]


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        pytest.param(b"{}", "application/json", 415, id="another-kind-of-body"),
        pytest.param(b"a=1", "", 415, id="no-kind-of-body"),
        pytest.param(b"a=" + b"x" * LONGEST, FORM, 413, id="too-long"),
        pytest.param(b"a=\xff", FORM, 400, id="bytes-that-no-browser-sends"),
        pytest.param(b"a=%ff", FORM, 400, id="no-text"),
        pytest.param(b"a=%00", FORM, 400, id="a-null-in-a-text"),
        pytest.param(b"a%00=1", FORM, 400, id="a-null-in-a-name"),
        pytest.param(b"&".join([b"a=1"] * (MOST + 1)), FORM, 400, id="too-many-fields"),
    ],
)
async def test_anything_else_is_turned_away(content: bytes, kind: str, status: int) -> None:
    assert (await post(content, kind)).status_code == status


async def test_as_much_as_may_be_is_read() -> None:
    assert (await post(b"a=" + b"x" * (LONGEST - 2))).status_code == 200
