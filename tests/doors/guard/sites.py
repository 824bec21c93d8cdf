"""A guarded application and a client for it, in one process."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from avow.doors.guard import Guard, Report
from tests.policy.five import policy_of

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
HOST = "shop.example"
TOKEN = "pJ3x_Qm8rT-vZ0kLw9bYhg"
CARD = "4111 1111 1111 1111"


def chance(count: int) -> bytes:
    return bytes(range(count))


def guarded(app: Any, site: str = "audiomidi", reports: list[Report] | None = None, **options: Any) -> Guard:
    heard = [] if reports is None else reports
    given: dict[str, Any] = {"hosts": [HOST], "clock": lambda: NOW, "random": chance, "report": heard.append} | options
    return Guard(app, policy_of(site), **given)


@asynccontextmanager
async def visit(
    app: Any, site: str = "audiomidi", *, base: str = f"https://{HOST}", **options: Any
) -> AsyncIterator[tuple[httpx.AsyncClient, list[Report]]]:
    """A client of the guarded application, and what the guard reports meanwhile."""
    reports: list[Report] = []
    transport = httpx.ASGITransport(guarded(app, site, reports, **options))
    async with httpx.AsyncClient(transport=transport, base_url=base) as client:
        yield client, reports


def app_of(
    answer: Callable[[Request], Response | Awaitable[Response]], paths: Iterable[str] = ("/{path:path}",)
) -> Starlette:
    """An application that answers everything so."""
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    return Starlette(routes=[Route(path, answer, methods=methods) for path in paths])


def page_app(body: str, **headers: str) -> Starlette:
    return app_of(lambda _: HTMLResponse(body, headers=headers))


def cookie_app(*headers: str, facts: Iterable[str] = ()) -> Starlette:
    """Sets these cookies in every answer, after it has found these facts."""

    def answer(request: Request) -> Response:
        request.scope["avow.facts"].update(facts)
        response = PlainTextResponse("here")
        for header in headers:
            response.raw_headers.append((b"Set-Cookie", header.encode("latin-1")))
        return response

    return app_of(answer)


async def _echo(request: Request) -> Response:
    told = {
        "body": (await request.body()).decode("utf-8", "replace"),
        "cookies": request.cookies,
        "gpc": request.scope["avow.gpc"],
        "doubtful": list(request.scope["avow.doubtful"]),
    }
    return JSONResponse(told)


ECHO = app_of(_echo)


def kinds(reports: list[Report]) -> list[str]:
    return [report.kind for report in reports]


def named(reports: list[Report]) -> set[str]:
    return {promise for report in reports for promise in report.promises}
