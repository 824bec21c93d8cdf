"""The HTTP API: the desk by JSON, errors as problems, and nothing of anybody where it does not belong."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from avow.desk.interface import LOOKS, TRIES
from avow.doors.api import make_api
from avow.doors.api.app import METHODS, path_of
from avow.doors.api.around import LARGEST
from avow.doors.api.problems import KIND
from avow.errors import Tampered
from avow.wire import Client
from tests.desk.beds import PASSWORD, Bed, desk
from tests.doors.api.fuzz import run

MAIL = "ada@quill.example"
ADA = {"name": "Ada Quill", "email": MAIL}


class Api:
    """`await api("held", session=…)`."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def __call__(self, method: str, bearer: str = "", **body: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {bearer}"} if bearer else {}
        return await self.http.post(path_of(method), json=body, headers=headers)


@asynccontextmanager
async def api(folder: Path, site: str = "daminion") -> AsyncIterator[tuple[Bed, Api]]:
    async with desk(folder, site) as bed:
        transport = httpx.ASGITransport(make_api(bed.desk, bed.policy))
        async with httpx.AsyncClient(transport=transport, base_url="https://api.shop.example") as http:
            yield bed, Api(http)


async def test_a_shop_in_another_language_registers_a_customer_and_shows_what_is_held(tmp_path: Path) -> None:
    async with api(tmp_path) as (_, call):
        answer = await call("register", form="registration", given=ADA, password=PASSWORD)
        assert answer.status_code == 200
        session = answer.json()
        held = (await call("held", session=session)).json()
        assert {one["category"]: one["value"] for one in held["data"]} == ADA
        assert (await call("held", bearer=session)).json()["data"] == held["data"]
        renewed = (await call("renew", bearer=session)).json()
        assert (await call("held", session=session)).status_code == 401
        answer = await call("sign_out", session=renewed)
        assert (answer.status_code, answer.content) == (204, b"")


async def test_a_refusal_names_the_promises_and_is_a_problem(tmp_path: Path) -> None:
    async with api(tmp_path) as (bed, call):
        session = await bed.staff("kim", next(iter(bed.policy.roles)))
        refused = await call("invite", session=session, name="eve", role="admin")
        told = refused.json()
        assert (refused.status_code, refused.headers["content-type"]) == (403, KIND)
        assert told["type"] == "/docs#Refused"
        taken = await bed.desk.collect("contact", ADA | {"message": "Hello"})
        refused = await call("task", session=session, request=taken["request"], purpose="news")
        assert refused.status_code in {403, 404}


async def test_each_error_has_its_status(tmp_path: Path) -> None:
    async with api(tmp_path) as (_, call):
        session = (await call("register", form="registration", given=ADA, password=PASSWORD)).json()
        answers = {
            401: await call("held", session="x"),
            404: await call("collect", form="no-such-form", given={}),
            422: await call("register", form="registration", given=ADA, password="short"),
        }
        for _ in range(TRIES):
            await call("sign_in", category="email", value=MAIL, password="wrong password")
        answers[429] = await call("sign_in", category="email", value=MAIL, password=PASSWORD)
        for status, answer in answers.items():
            assert (answer.status_code, answer.json()["status"]) == (status, status)
            assert answer.headers["content-type"] == KIND
        assert answers[401].headers["www-authenticate"] == "Bearer"
        assert int(answers[429].headers["retry-after"]) > 0
        read = [(await call("held", session=session)).status_code for _ in range(LOOKS + 1)]
        assert read == [200] * LOOKS + [429]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422), (b"{", 422), (b"[]", 422), (b"null", 422), (b"[" * 100_000, 400), (b'{"session":"\\ud800"}', 422),
        (b'{"session":1}', 422), (b'{"session":"x","by":"me"}', 422), (b'{"session":"' + b"x" * 600 + b'"}', 422),
        (b"x" * (LARGEST + 1), 413), (b"\xff", 400),
    ],
)  # fmt: skip
async def test_a_body_that_the_document_does_not_describe_is_a_problem_and_is_not_repeated(
    tmp_path: Path, body: bytes, status: int
) -> None:
    async with api(tmp_path) as (_, call):
        answer = await call.http.post("/v1/held", content=body, headers={"content-type": "application/json"})
        assert (answer.status_code, answer.headers["content-type"]) == (status, KIND)
        assert len(answer.content) < 600


async def test_names_and_values_that_somebody_sent_are_not_in_the_answer(tmp_path: Path) -> None:
    async with api(tmp_path) as (_, call):
        bad: list[dict[str, Any]] = [{MAIL: "x"}, {"given": {MAIL: 1}, "form": MAIL}, {"form": [MAIL], "given": MAIL}]
        for body in bad:
            answer = await call("collect", **body)
            assert (answer.status_code, MAIL in answer.text) == (422, False)


async def test_a_session_is_given_once_and_never_in_an_address(tmp_path: Path) -> None:
    async with api(tmp_path) as (_, call):
        session = (await call("register", form="registration", given=ADA, password=PASSWORD)).json()
        assert (await call("held", bearer=session, session=session)).status_code == 422
        assert (await call("held")).status_code == 401
        assert (await call.http.post(f"/v1/held?session={session}", json={})).status_code == 401
        assert (await call.http.get(f"/v1/held?session={session}")).status_code == 405
        document = json.dumps((await call.http.get("/openapi.json")).json()["paths"])
        assert '"in": "query"' not in document
        assert '"in": "path"' not in document


async def test_a_vault_that_is_away_or_broken_is_unavailable_and_says_nothing_of_itself(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed, Client(str(tmp_path / "nobody.sock")) as away:

        class Broken(type(bed.desk)):  # type: ignore[misc]  # the real one, with one call that fails
            async def held(self, session: str) -> dict[str, Any]:
                raise Tampered(f"row 7 of ada was changed, says {session}")

        for one in (away, Broken(bed.shop, bytes)):
            transport = httpx.ASGITransport(make_api(one, bed.policy))
            async with httpx.AsyncClient(transport=transport, base_url="https://api.shop.example") as http:
                answer = await http.post("/v1/held", json={"session": "x"})
                assert answer.status_code == 503
                assert answer.headers["retry-after"] == "10"
                assert "ada" not in answer.text
                assert "sock" not in answer.text


async def test_the_document_is_openapi_3_1_and_has_every_method_of_the_contract(tmp_path: Path) -> None:
    async with api(tmp_path) as (_, call):
        document = (await call.http.get("/openapi.json")).json()
        assert document["openapi"].startswith("3.1")
        assert set(document["paths"]) == {path_of(name) for name in METHODS}
        for path in document["paths"].values():
            assert path["post"]["responses"].keys() >= {"401", "403", "404", "422", "429", "503"}


async def test_the_page_for_people_loads_nothing_from_elsewhere_and_runs_nothing(tmp_path: Path) -> None:
    async with api(tmp_path) as (_, call):
        page = await call.http.get("/docs")
        assert page.status_code == 200
        assert "<script" not in page.text
        assert "http" not in page.text.replace("HTTP", "")
        assert "script-src" not in page.headers["content-security-policy"]
        assert "default-src 'none'" in page.headers["content-security-policy"]
        for name in METHODS:
            assert path_of(name) in page.text
        assert (await call.http.get("/redoc")).status_code == 404


async def test_every_answer_may_be_kept_by_nobody(tmp_path: Path) -> None:
    async with api(tmp_path) as (_, call):
        for answer in (await call("about"), await call("held"), await call.http.get("/nowhere")):
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["x-content-type-options"] == "nosniff"


async def test_the_document_says_that_a_session_may_come_either_way(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        document = make_api(bed.desk, bed.policy).openapi()
    for name, method in METHODS.items():
        either: list[dict[str, list[str]]] | None = [{"HTTPBearer": []}, {}] if "session" in method.parameters else None
        assert document["paths"][path_of(name)]["post"].get("security") == either


def test_schemathesis_finds_no_5xx_and_nothing_that_the_document_does_not_say() -> None:
    found = run(count=240, seed=7)
    assert found["breaches"] == []
    assert found["ok"]
    assert found["requests"] >= 160
    assert found["statuses"].keys() > {"200", "401", "422"}


class Spoiled:
    """An API of which one method answers what it should not."""

    def __init__(self, inner: ASGIApp, status: int, body: object) -> None:
        self.inner, self.answer = inner, JSONResponse(body, status)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self.answer if scope["path"] == "/v1/about" else self.inner)(scope, receive, send)


@pytest.mark.parametrize(
    ("status", "body"), [(500, {}), (200, ["no object"]), (418, {}), (422, {"title": "no problem"})]
)
def test_schemathesis_finds_a_planted_defect(status: int, body: object) -> None:
    found = run(count=2, seed=7, around=lambda app: Spoiled(app, status, body))
    assert found["ok"] is False
    assert all("/v1/about" in one for one in found["breaches"])
    assert found["breaches"]
