"""Each host has its own app, and a name that nobody has gets nobody's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from avow.demo.dispatch import Hosts


def app(word: str, lived: list[str], *, fails: bool = False) -> Starlette:
    @asynccontextmanager
    async def life(_: Starlette) -> AsyncIterator[dict[str, str]]:
        if fails:
            raise OSError(f"{word} has no socket")
        lived.append(f"+{word}")
        yield {"word": word}
        lived.append(f"-{word}")

    async def say(request: Request) -> PlainTextResponse:
        return PlainTextResponse(request.state.word)

    return Starlette(routes=[Route("/", say)], lifespan=life)


async def bare(scope: Any, receive: Any, send: Any) -> None:
    assert scope["type"] == "http"  # as small apps do that know no lifespan
    await PlainTextResponse("bare")(scope, receive, send)


async def live(hosts: Hosts, *asks: str) -> tuple[list[Any], list[str]]:
    """Start it, ask each of these hosts, stop it: the lifespan's messages, and the answers."""
    said: list[Any] = []
    answers: list[str] = []
    client = httpx.AsyncClient(transport=httpx.ASGITransport(hosts))

    async def receive() -> dict[str, str]:
        if not said:
            return {"type": "lifespan.startup"}
        for host in asks:
            answer = await client.get("https://demo/", headers={"Host": host})
            answers.append(f"{answer.status_code} {answer.text}")
        return {"type": "lifespan.shutdown"}

    async def send(message: Any) -> None:
        said.append(message)

    await hosts({"type": "lifespan"}, receive, send)
    await client.aclose()
    return said, answers


async def test_a_request_reaches_the_app_of_its_host_with_that_apps_state() -> None:
    lived: list[str] = []
    hosts = Hosts({"a.localhost": app("a", lived), "b.localhost": app("b", lived), "c.localhost": bare})
    said, answers = await live(hosts, "a.localhost:8443", "B.localhost.:1", "c.localhost", "d.localhost:8443", "")
    assert [message["type"] for message in said] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert [answer[:8] for answer in answers] == ["200 a", "200 b", "200 bare", "421 no s", "421 no s"]
    assert lived == ["+a", "+b", "-b", "-a"]


async def test_when_one_app_does_not_start_none_serves_and_those_that_did_stop() -> None:
    lived: list[str] = []
    said, answers = await live(Hosts({"a": app("a", lived), "b": app("b", lived, fails=True)}))
    assert [message["type"] for message in said] == ["lifespan.startup.failed"]
    assert "b has no socket" in said[0]["message"]
    assert (lived, answers) == (["+a", "-a"], [])


@pytest.mark.parametrize("host", ["evil.example", "a.localhost.evil.example", "privacy.a.localhost"])
async def test_a_name_that_only_looks_alike_is_nobodys(host: str) -> None:
    _, answers = await live(Hosts({"a.localhost": bare}), host)
    assert answers[0].startswith("421")
