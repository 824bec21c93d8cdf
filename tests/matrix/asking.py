"""One cell of the matrix: who asks, for whose, at which route; what should come of it, and what did."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

import httpx
from starlette.routing import BaseRoute

from avow.doors.api.app import path_of
from tests.matrix.people import BUSINESS, HIDDEN, ROLES, STAFF, TARGETS, Scene
from tests.matrix.table import Kind, Row

Send = Callable[[str, Mapping[str, Any]], Awaitable[httpx.Response]]
_FORM = {"content-type": "application/x-www-form-urlencoded"}


class Surface(NamedTuple):
    """A door: its rows, and how one asks there."""

    name: str
    rows: Mapping[str, Row]
    send: Send


def api(http: httpx.AsyncClient) -> Send:
    """By JSON."""

    async def send(method: str, body: Mapping[str, Any]) -> httpx.Response:
        return await http.post(path_of(method), json=body)

    return send


def pages(http: httpx.AsyncClient, only_get: frozenset[str] = frozenset(), **words: str) -> Send:
    """By posted form. `words` stand for what is in braces, in paths and in what is sent."""

    async def send(path: str, body: Mapping[str, Any]) -> httpx.Response:
        path = path.format(**words)
        body = {name: words.get(str(value).strip("{}"), value) for name, value in body.items()}
        if path in only_get:
            return await http.get(path)
        return await http.post(path, content=urlencode(body, doseq=True), headers=_FORM)

    return send


def paths(routes: list[BaseRoute]) -> set[str]:
    """Where an app answers, but for its style sheets."""
    return {path for one in routes if not (path := getattr(one, "path", "?")).startswith("/design/")}


def came_of(response: httpx.Response) -> str:
    """`yes`, `no`, or `turned away`: whoever it was, nobody verified them."""
    if response.status_code < 300:
        return "yes"
    if response.headers.get("content-type", "").startswith("text/html"):
        away = response.status_code == 403 and 'name="session"' not in response.text
        return "turned away" if away else "no"
    return "turned away" if response.status_code == 401 else "no"


def should(row: Row, role: str, target: str) -> set[str]:
    """What may come of it."""
    if row.kind in {Kind.OPEN, Kind.VISITOR}:
        return {"yes", "no", "turned away"}
    yes = {"no", "turned away"} if row.no else {"yes"}
    if row.kind is Kind.CUSTOMER:
        return yes if role == "customer" and target in {"own", "other"} else {"turned away"}
    if row.kind is Kind.PROCESSOR or role not in STAFF or target in {"other site", "absent"}:
        return {"turned away"}
    if row.kind is Kind.STAFF:
        return yes
    if row.kind is Kind.ADMIN:
        return yes if role == "admin" else {"no"}
    return yes if role in (row.roles or BUSINESS) and target == "own" else {"no", "turned away"}


def may_see(row: Row, role: str, target: str) -> set[tuple[str, str]]:
    """(word of a person, category) that may stand in the answer."""
    if row.kind in {Kind.CUSTOMER, Kind.VISITOR} and role == "customer" and target in {"own", "other"}:
        return {("Adaquill", name) for name in ("name", "email", "phone", "postal-address", "shipping-address", "billing-address", "items", "message")}  # fmt: skip
    if row.kind is Kind.WORK and role in BUSINESS and target == "own":
        return {("Adaquill", name) for name in BUSINESS[role][2]}
    return set()


def seen(text: str, at: Scene) -> set[tuple[str, str]]:
    """(word, category) of each value that stands in a text."""
    return {
        (one.word, name)
        for one in (at.ada, at.bea, at.cy, at.dee)
        for name, value in one.values.items()
        if value in text
    }


async def faults(surface: Surface, at: Scene) -> list[str]:
    """Every cell in which something came out that should not, or somebody got what is not theirs."""
    found = []
    for path, row in surface.rows.items():
        for role in ROLES:
            for target in TARGETS:
                response = await surface.send(path, await _filled(row, role, target, at))
                cell = f"{surface.name} {path}: {role} / {target}"
                came = came_of(response)
                if came not in should(row, role, target) or response.status_code >= 500:
                    found.append(f"{cell}: {response.status_code}, {came}")
                if extra := seen(response.text, at) - may_see(row, role, target):
                    found.append(f"{cell}: shows {sorted(extra)}")
    return found


async def _filled(row: Row, role: str, target: str, at: Scene) -> dict[str, Any]:
    session = await at.session(role, target)
    if row.kind is not Kind.WORK:
        return {name: session if value == "{session}" else value for name, value in row.sent.items()}
    request = await at.request(role, target)
    _, purpose, categories = BUSINESS.get(role, ("", "answer", frozenset({"email", "message"})))
    task = "A" * 43
    if "{task}" in row.sent.values() and role in BUSINESS and target == "own":
        task = (await at.bed.desk.task(session, request, purpose))["task"]
    shown = sorted(categories - HIDDEN.get(role, frozenset()))
    filled = {
        "{session}": session, "{request}": request, "{purpose}": purpose, "{task}": task, "{categories}": shown,
    }  # fmt: skip
    return {name: filled.get(value, value) if isinstance(value, str) else value for name, value in row.sent.items()}
