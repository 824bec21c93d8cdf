"""The middleware that counts: which answers are pages, what it takes of a request, and what it never does."""

import logging
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from random import Random
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from avow.doors.counting import Counting
from avow.doors.guard import Guard, Report
from avow.store.visits import DAY, HOUR
from avow.visits import OTHER, Counted
from tests.visits.beds import FIREFOX, MINUTE, START, address, policy

NIGHT = START // DAY * DAY + DAY + 31 * MINUTE
PARTS = {"": "home", "goods": "goods"}


async def _page(_) -> Response:
    answer = HTMLResponse('<a href="/privacy">Policy</a> 2014-06-30')
    answer.set_cookie("visit", "q1Zt7Yx0mVb3Kd9LrTn5Pg", secure=True, httponly=True, samesite="lax")
    return answer


async def _text(_) -> Response:
    return PlainTextResponse("x")


async def _away(_) -> Response:
    return RedirectResponse("/")


async def _broken(_) -> Response:
    return HTMLResponse("broken", 503)


APP = Starlette(
    routes=[
        Route("/", _page), Route("/goods/{one:path}", _page), Route("/else", _page), Route("/text", _text),
        Route("/away", _away), Route("/broken", _broken),
    ]
)  # fmt: skip


class Here:
    """A counted site, and visitors to it."""

    def __init__(self, folder, site: str) -> None:
        self.now = START
        self.reports: list[Report] = []
        self.counted = Counted.open(policy(site), folder, random=Random(1).randbytes, now=START)
        guard = Guard(
            APP,
            policy(site),
            clock=self.clock,
            random=Random(2).randbytes,
            hosts=["shop.example"],
            report=self.reports.append,
        )
        self.app = Counting(guard, self.counted, parts=PARTS, clock=self.clock)

    def clock(self) -> datetime:
        return datetime.fromtimestamp(self.now / 1000, UTC)

    async def get(self, path: str, number: int, *, agent: str = FIREFOX, **headers: str) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, client=(address(number), 4711))
        async with httpx.AsyncClient(transport=transport, base_url="https://shop.example") as one:
            return await one.get(
                path, headers={"user-agent": agent} | {k.replace("_", "-"): v for k, v in headers.items()}
            )

    def told(self) -> dict[tuple[str, ...], int]:
        self.counted.settle(NIGHT)
        assert self.counted.stored is not None
        found = {tuple(cell.dimensions.values()): cell.visits for cell in self.counted.stored.cells(0, NIGHT)}
        self.visits = found.pop((), 0)
        for name in ("Europe and around", "under 1 minute"):
            assert found.pop((name,), 0) == (
                0 if self.counted.promised.cookie and self.counted.log is None else self.visits
            )
        return found


@asynccontextmanager
async def here(folder, site: str = "daminion"):
    made = Here(folder, site)
    try:
        yield made
    finally:
        made.app.close()


async def test_pages_are_counted_by_part_and_nothing_else_is(tmp_path) -> None:
    """DAM-6, TOC-7."""
    async with here(tmp_path) as site:
        for number in range(10):
            for path in ("/", "/goods/lamp", "/else", "/text", "/away", "/broken", "/missing"):
                await site.get(path, number)
        assert site.told() == {("home",): 10, ("goods",): 10, (OTHER,): 10}


async def test_a_path_is_one_of_a_closed_list_whatever_stands_in_it(tmp_path) -> None:
    """AIT-2, TOC-8, DAM-7: names in paths and queries."""
    async with here(tmp_path) as site:
        for number in range(10):
            await site.get(
                f"/goods/jane-roe-{number}?from=jane-roe", number, referer=f"https://mail.example/jane-roe-{number}"
            )
        assert site.told() == {("goods",): 10}
        assert b"jane" not in (tmp_path / "daminion.visits.db").read_bytes()


async def test_an_address_with_a_person_in_it_is_refused_and_no_visit(tmp_path, caplog) -> None:
    """AIT-2, TOC-8: e-mail in a query string."""
    caplog.set_level(logging.DEBUG, "avow")
    async with here(tmp_path) as site:
        for number in range(10):
            assert (await site.get("/?m=jane.roe@mail.example", number)).status_code == 400
        assert site.told() == {}
        assert "jane" not in caplog.text + repr(site.reports)


@pytest.mark.parametrize("signal", [{}, {"sec_gpc": "1"}], ids=["cookies-blocked", "gpc"])
async def test_counting_works_without_cookies(tmp_path, signal) -> None:
    """DAM-20: refusing them changes nothing."""
    async with here(tmp_path) as site:
        for _ in range(3):
            for number in range(7):
                answer = await site.get("/", number, **signal)
                assert ("set-cookie" in answer.headers) is not bool(signal)
        assert site.told() == {("home",): 7}


async def test_the_cookie_tells_visits_apart_and_is_never_kept(tmp_path) -> None:
    """DAM-20."""
    async with here(tmp_path) as site:
        tokens = [Random(number).randbytes(16).hex() for number in range(7)]
        for token in tokens:
            await site.get("/", 1)
            await site.get("/goods/x", 1, cookie=f"__Host-visit={token}")
        assert site.told() == {("home",): 7, ("goods",): 7}
        raw = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
        assert not any(token.encode() in raw or bytes.fromhex(token) in raw for token in tokens)


async def test_a_cookie_that_comes_with_gpc_is_not_used(tmp_path) -> None:
    """DAM-20."""
    async with here(tmp_path) as site:
        for number in range(7):
            await site.get("/", 1, cookie=f"__Host-visit=token-{number}", sec_gpc="1")
        assert site.told() == {}


@pytest.mark.parametrize("site", ["aimini", "audiomidi"])
async def test_where_nothing_is_promised_nothing_is_counted(tmp_path, site) -> None:
    async with here(tmp_path, site) as one:
        for number in range(10):
            await one.get("/", number)
        one.counted.settle(NIGHT)
        assert one.counted.nothing
    assert list(tmp_path.iterdir()) == []


async def test_hostile_requests_are_counted_like_any_other_and_leave_no_words(tmp_path, caplog) -> None:
    """AIT-2, TOC-8."""
    caplog.set_level(logging.DEBUG)
    hostile = [
        "",
        "\xff\xfe",
        "jane@roe.example",
        "A" * 60_000,
        "${jndi:ldap://jane}",
        "Firefox/' OR 1=1 --",
        "4242424242424242",
    ]
    async with here(tmp_path, "aitoc") as site:
        for number, agent in enumerate(hostile):
            headers = [(b"host", b"shop.example"), (b"user-agent", agent.encode("latin-1"))]
            scope = {
                "type": "http", "method": "GET", "scheme": "https", "path": "/", "raw_path": b"/", "query_string": b"",
                "headers": headers, "client": (address(number), 1), "http_version": "1.1", "extensions": {},
            }  # fmt: skip
            sent: list[Any] = []

            async def receive():
                return {"type": "http.request", "body": b"", "more_body": False}

            async def send(message, sent=sent) -> None:
                sent.append(message)

            await site.app(scope, receive, send)
            assert sent[0]["status"] == 200
        assert site.told() == {(OTHER,): 7, ("home",): 7}
        raw = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
        assert not any(word in raw for word in (b"jane", b"jndi", b"4242", b"OR 1"))
        assert "jane" not in caplog.text


async def test_whatever_fails_what_is_due_is_looked_for_again_in_a_minute_and_the_page_is_served(
    tmp_path, caplog
) -> None:
    """DAM-5: an operator who has moved the folder of keys away must not have stopped the erasing for good."""
    keys = tmp_path / "daminion.addresses.keys"
    async with here(tmp_path) as site:
        keys.rmdir()
        assert (await site.get("/", 1)).status_code == 200
        assert site.app._timer is not None
        assert "FileNotFoundError" in caplog.text
        assert str(tmp_path) not in caplog.text


async def test_it_ends_with_the_application_and_writes_what_is_enough(tmp_path) -> None:
    async with here(tmp_path) as site:
        for number in range(8):
            await site.get("/", number)
        told: list[str] = []
        came = iter(("lifespan.startup", "lifespan.shutdown"))

        async def receive() -> dict[str, str]:
            return {"type": next(came)}

        async def send(message) -> None:
            told.append(message["type"])

        await site.app({"type": "lifespan", "asgi": {"version": "3.0"}}, receive, send)
        assert told == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
        again = Counted.reading(policy("daminion"), tmp_path, random=bytes)
        assert again.stored is not None
        assert sum(cell.visits for cell in again.stored.cells(0, NIGHT) if not cell.dimensions) == 8
        again.close()
        assert (await site.get("/", 1)).status_code == 200  # what comes later is served, and not counted


async def test_no_outside_counter_is_called_in(tmp_path) -> None:
    """AIT-4: an analytics script in a page is blocked by the browser, and reported."""

    async def page(_) -> Response:
        return HTMLResponse(
            '<script src="https://analytics.example/a.js"></script><img src="https://pixel.example/p.gif">'
        )

    reports: list[Report] = []
    guard = Guard(
        Starlette(routes=[Route("/", page)]), policy("aitpro"), clock=lambda: datetime.now(UTC), random=Random(1).randbytes,
        hosts=["shop.example"], report=reports.append,
    )  # fmt: skip
    counted = Counted.open(policy("aitpro"), tmp_path, random=Random(1).randbytes, now=START)
    app = Counting(guard, counted, parts=PARTS, clock=lambda: datetime.now(UTC))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://shop.example") as one:
        answer = await one.get("/")
    app.close()
    policies = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policies
    assert "script-src" not in policies
    found = [one for one in reports if one.kind in {"script", "subresource"}]
    assert len(found) >= 2
    assert any("AIT-4" in one.promises for one in found)


async def test_a_request_writes_nothing(tmp_path) -> None:
    """DAM-7: no file's time is a visitor's."""
    async with here(tmp_path) as site:
        await site.get("/", 1)
        before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
        site.now += 3 * HOUR
        for number in range(10):
            await site.get("/", number)
        assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
