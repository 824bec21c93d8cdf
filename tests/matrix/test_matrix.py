"""Who may do what: every route of every door, by everybody, for their own, another's, and nobody's data.

The routes are read off the apps themselves. One that has no row in the table fails the first test.
"""

import inspect
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from avow.desk.interface import Operator
from avow.doors.api import make_api
from avow.doors.api.app import path_of
from avow.doors.centre.app import make_centre
from avow.doors.console.app import make_console
from avow.doors.payment import Sandbox
from examples.shop import Orders, Urls, make_shop, read_site
from tests.desk.beds import SITES
from tests.examples.processor.test_processor import company
from tests.examples.shop.beds import form, shop
from tests.matrix import table
from tests.matrix.asking import Surface, api, faults, pages, paths
from tests.matrix.company import COMPANY, EVERYBODY, house, ways
from tests.matrix.company import faults as payment_faults
from tests.matrix.people import SITE, TARGETS, Scene, given, scene
from tests.matrix.table import API, API_PAGES, CENTRE, CONSOLE, CONSOLE_FILES, SHOP, Row

ORIGIN = "https://console.x.example"


@asynccontextmanager
async def reached(app: ASGIApp, base: str = "https://x.example") -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=base) as http:
        yield http


def centre(at: Scene) -> Any:
    return make_centre(at.bed.desk, at.bed.policy, shop_url="https://shop.x.example")


def console(at: Scene) -> Any:
    return make_console(
        at.bed.desk, at.bed.policy, origin=ORIGIN, policy_page="https://privacy.x.example/policy", clock=at.bed.clock,
        random=os.urandom,
    )  # fmt: skip


async def test_every_route_has_its_row(tmp_path: Path) -> None:
    async with scene(tmp_path) as at:
        known = {path_of(name) for name in API} | API_PAGES
        assert paths(make_api(at.bed.desk, at.bed.policy).routes) == known
        assert paths(centre(at).routes) - CENTRE.keys() == set()
        assert paths(console(at)._app._app.routes) - CONSOLE_FILES == CONSOLE.keys()


async def test_the_api_gives_each_role_what_is_theirs_and_nothing_else(tmp_path: Path) -> None:
    async with scene(tmp_path) as at, reached(make_api(at.bed.desk, at.bed.policy)) as http:
        assert await faults(Surface("api", API, api(http)), at) == []


async def test_the_centre_gives_each_role_what_is_theirs_and_nothing_else(tmp_path: Path) -> None:
    async with scene(tmp_path) as at, reached(centre(at)) as http:
        there = {path: row for path, row in CENTRE.items() if path in paths(centre(at).routes)}
        assert len(there) >= 18
        words = {"contest": "00" * 16, "digest": at.bed.policy.digest.hex(), "token": "none"}
        only_get = frozenset(
            path.format(**words) for path in there
            if path in {"/policy", "/promises", "/package-key.json", "/statistics"} or path.startswith(("/contests", "/changes"))
        )  # fmt: skip
        assert await faults(Surface("centre", there, pages(http, only_get, **words)), at) == []


async def test_the_console_gives_each_role_what_is_theirs_and_nothing_else(tmp_path: Path) -> None:
    """AUD-5."""
    async with scene(tmp_path) as at, reached(console(at), ORIGIN) as http:
        assert await faults(Surface("console", CONSOLE, pages(http)), at) == []


@asynccontextmanager
async def shop_over(at: Scene, folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    """The reference shop before this desk. Nobody pays in it."""
    orders = Orders(folder / "orders.db")
    async with httpx.AsyncClient() as nowhere:
        sandbox = Sandbox(
            "https://pay.x.example", SITE, b"s" * 32, client=nowhere, clock=at.bed.desk._room.now,
            fresh_id=lambda: os.urandom(12).hex(), seen=orders,
        )  # fmt: skip
        urls = Urls("https://shop.x.example", "https://privacy.x.example", "https://pay.x.example")
        app = make_shop(
            read_site(SITE), at.bed.desk, at.bed.policy, sandbox, orders=orders, urls=urls, clock=at.bed.clock,
            random=os.urandom,
        )  # fmt: skip
        async with reached(app, urls.shop) as http:
            yield http
    orders.close()


async def test_the_shop_gives_each_role_what_is_theirs_and_nothing_else(tmp_path: Path) -> None:
    """AUD-4."""
    async with scene(tmp_path) as at, shop_over(at, tmp_path) as http:
        slug = next(iter(read_site(SITE).products))
        asked = form((await http.get(f"/goods/{slug}")).text, "/cart", product=slug)
        cart = form((await http.post("/cart", data=asked.fields)).text, "/checkout").fields["cart"]
        checkout = await http.post("/checkout", data={"cart": cart, "session": await at.session("customer", "own")})
        assert at.ada.values["name"] in checkout.text  # so there is something that could leak
        there = {
            path: row
            for path, row in SHOP.items()
            if (await http.post(path.format(slug=slug, code="x"))).status_code not in {404, 405}
        }
        assert len(there) >= 23
        assert await faults(Surface("shop", there, pages(http, slug=slug, cart=cart)), at) == []


@pytest.mark.parametrize("site", SITES)
async def test_every_route_of_each_shop_has_its_row(tmp_path: Path, site: str) -> None:
    async with shop(tmp_path, site) as bed:
        assert paths(bed.app._app.routes) - SHOP.keys() == set()  # type: ignore[attr-defined]  # inside the guard


async def test_what_is_the_operators_is_at_no_door(tmp_path: Path) -> None:
    async with scene(tmp_path) as at, reached(make_api(at.bed.desk, at.bed.policy)) as http:
        for name, _ in inspect.getmembers(Operator, inspect.isfunction):
            if not name.startswith("_"):
                assert (await http.post(path_of(name), json={})).status_code == 404


@pytest.mark.parametrize("brand", ["cardhouse", "keyhouse"])
async def test_every_route_of_the_payment_company_has_its_row(tmp_path: Path, brand: str) -> None:
    async with company(tmp_path / brand, brand) as bed:
        assert ways(bed.app._app.routes) == COMPANY.keys()


async def test_a_route_that_has_no_row_is_noticed(tmp_path: Path) -> None:
    async with company(tmp_path / "c", "cardhouse") as bed:
        bed.app._app.routes.append(Route("/pay/{id}/receipt", lambda _: JSONResponse({}), methods=["POST"]))
        assert ways(bed.app._app.routes) - COMPANY.keys() == {"POST /pay/{id}/receipt"}


async def test_the_payment_company_gives_each_role_what_is_theirs_and_nothing_else(tmp_path: Path) -> None:
    """AIM-5."""
    async with scene(tmp_path) as at, house(tmp_path) as there:
        assert await payment_faults(there, at) == []


async def test_a_leak_at_the_payment_company_is_found(tmp_path: Path) -> None:
    async with scene(tmp_path) as at, house(tmp_path) as there:
        planted = Leaking(there.bed.app, "/privacy")
        async with reached(planted, str(there.bed.client.base_url)) as http:
            leaking = there._replace(bed=there.bed._replace(client=http))
            found = await payment_faults(leaking, at, {"GET /privacy": COMPANY["GET /privacy"]})
        assert len(found) == len(EVERYBODY) * len(TARGETS)
        lax = {"GET /pay/{id}": COMPANY["GET /pay/{id}"]._replace(fills=False)}
        assert any("Adaquill" in one for one in await payment_faults(there, at, lax))


class Leaking:
    """A door with a planted defect: one method shows Bea's address to whoever asks."""

    def __init__(self, inner: ASGIApp, path: str) -> None:
        self.inner, self.path = inner, path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        shown = JSONResponse(given("Beamarrow")["postal-address"])
        await (shown if scope["path"] == self.path else self.inner)(scope, receive, send)


@pytest.mark.parametrize("method", ["about", "held", "queue", "look"])
async def test_a_planted_leak_is_found(tmp_path: Path, method: str) -> None:
    async with scene(tmp_path) as at, reached(Leaking(make_api(at.bed.desk, at.bed.policy), path_of(method))) as http:
        found = await faults(Surface("api", {method: API[method]}, api(http)), at)
        assert any("Beamarrow" in one for one in found)


async def test_a_row_that_says_too_little_is_found(tmp_path: Path) -> None:
    async with scene(tmp_path) as at, reached(make_api(at.bed.desk, at.bed.policy)) as http:
        lax = {"queue": Row(table.CUSTOMER, API["queue"].sent), "invite": Row(table.STAFF, API["invite"].sent)}
        found = await faults(Surface("api", lax, api(http)), at)
        assert any("queue" in one for one in found)
        assert any("invite" in one for one in found)
