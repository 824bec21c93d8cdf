"""The payment company in the matrix: who asks there, for which checkout, and what should come of it.

It has no accounts. A checkout's page is for who was given its address, which nobody guesses; a buyer is known again by
their own browser's mark; a merchant signs. What customers, staff and operator of a shop hold means nothing here.
"""

import json
import os
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from enum import StrEnum, auto
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx
from starlette.routing import BaseRoute, Route

from avow.doors.payment import SIGNATURE, Order, sign
from examples.processor.company import SESSION
from examples.processor.notices import Merchant
from tests.examples.processor.test_processor import CARD, ORDER, OTHER, SHOP, Bed, company
from tests.matrix.people import ROLES, TARGETS, Scene, given

SIGNING: Final = {"its merchant": SHOP, "another merchant": OTHER}
BUYERS: Final = {"ada": "Adaquill", "bea": "Beamarrow", "cy, erased": "Cythistle"}
EVERYBODY: Final = (*ROLES, *SIGNING, *BUYERS)
ASKED: Final = ("name", "email", "postal-address", "phone")
_NEW: Final = {"name": "Somebody New", "email": "new@x.example", "postal-address": "4 New Lane", "phone": "+1 555 0100"}
_STEPPED: Final = {"card": "4000 0025 0000 3155", "card-expiry": "09/31"}
_STEP: Final = re.compile(r'name="step" value="([^"]+)"')


class Kind(StrEnum):
    """Who may."""

    OPEN = auto()  # anybody; it shows nothing of anybody
    PAYER = auto()  # who has the checkout's address, while it can be paid
    MERCHANT = auto()  # who signs, for their own orders


class Row(NamedTuple):
    """One route and method. In what is sent, `{step}` is the bank's question about this checkout."""

    kind: Kind
    sent: Mapping[str, Any] = {}  # never changed
    fills: bool = False  # shows a returning buyer what they gave


COMPANY: Final[dict[str, Row]] = {
    "GET /": Row(Kind.OPEN), "GET /privacy": Row(Kind.OPEN),
    "POST /api/sessions": Row(Kind.MERCHANT, ORDER._asdict()), "POST /api/outcome": Row(Kind.MERCHANT, {"reference": "{reference}"}),
    "GET /pay/{id}": Row(Kind.PAYER, fills=True), "POST /pay/{id}": Row(Kind.PAYER, _NEW | CARD),
    "POST /pay/{id}/confirm": Row(Kind.PAYER, {"step": "{step}", "answer": "yes"}),
    "POST /pay/{id}/cancel": Row(Kind.PAYER),
}  # fmt: skip


class House(NamedTuple):
    """The company, and the marks that its buyers' browsers keep."""

    bed: Bed
    marks: Mapping[str, str]
    elsewhere: Bed  # the other brand


def ways(routes: list[BaseRoute]) -> set[str]:
    """Method and path of each route, but for style sheets."""
    found = [one for one in routes if isinstance(one, Route) and not one.path.startswith("/design/")]
    assert len(found) + 1 == len(routes)
    return {f"{method} {one.path}" for one in found for method in (one.methods or ()) if method != "HEAD"}


@asynccontextmanager
async def house(folder: Path) -> AsyncIterator[House]:
    """Three people bought something once; one of them was erased."""
    async with company(folder / "keyhouse", "keyhouse") as bed, company(folder / "cardhouse", "cardhouse") as other:
        marks = {}
        for role, word in BUYERS.items():
            values = given(word)
            path = await bed.start(ORDER._replace(reference=f"R-{word}"))
            paid = await bed.client.post(path, data={name: values[name] for name in ASKED} | CARD)
            marks[role] = paid.headers["set-cookie"].partition(";")[0]
        (who,) = await bed.shop.find("email", given(BUYERS["cy, erased"])["email"])
        await bed.shop.erase(who)
        bed.client.cookies.clear()
        yield House(bed, marks, other)


class Cell(NamedTuple):
    """Who asks, at which route, for which checkout."""

    way: str
    row: Row
    role: str
    target: str


async def faults(at: House, scene: Scene, rows: Mapping[str, Row] = COMPANY) -> list[str]:
    """Every cell in which something came out that should not, or somebody did not get what is theirs."""
    tokens = {(role, target): await scene.session(role, target) for role in ROLES for target in TARGETS}
    found = []
    for way, row in rows.items():
        for role in EVERYBODY:
            for target in TARGETS:
                answer = await _asked(at, tokens, Cell(way, row, role, target))
                at.bed.client.cookies.clear()
                came = "yes" if answer.status_code < 400 and '"status":null' not in answer.text else "no"
                shown = {word for word in BUYERS.values() if any(one in answer.text for one in given(word).values())}
                if came != should(row, role, target) or answer.status_code >= 500:
                    found.append(f"{way}: {role} / {target}: {answer.status_code}, {came}")
                if shown != (right := may_see(row, role, target)):
                    found.append(f"{way}: {role} / {target}: shows {sorted(shown)}, and should show {sorted(right)}")
    return found


def should(row: Row, role: str, target: str) -> str:
    """What has to come of it."""
    if row.kind is Kind.MERCHANT:
        known = "amount" in row.sent or target in {"own", "other", "erased"}  # an order that is announced is new
        return "yes" if known and SIGNING.get(role) is _merchant(target) else "no"
    return "yes" if row.kind is Kind.OPEN or target in {"own", "other"} else "no"


def may_see(row: Row, role: str, target: str) -> set[str]:
    """Words of people who stand in the answer."""
    return {BUYERS[role]} if role in {"ada", "bea"} and row.fills and target in {"own", "other"} else set()


async def _asked(at: House, tokens: Mapping[tuple[str, str], str], cell: Cell) -> httpx.Response:
    method, _, path = cell.way.partition(" ")
    id_, order = await _checkout(at, cell.target)
    sent = {name: order.reference if value == "{reference}" else value for name, value in cell.row.sent.items()}
    headers = {"cookie": at.marks[cell.role]} if cell.role in at.marks else {}
    if token := tokens.get((cell.role, cell.target)):
        headers["authorization"] = f"Bearer {token}"
    if cell.row.kind is Kind.MERCHANT:
        told = order._asdict() if "amount" in sent else sent
        body, signed = _signed(at, SIGNING.get(cell.role, SHOP), told)
        return await at.bed.client.post(path, content=body, headers=headers | (signed if cell.role in SIGNING else {}))
    if "step" in sent:
        asking = id_ if cell.target in {"own", "other"} else (await _checkout(at, "own"))[0]
        question = await at.bed.client.post(f"/pay/{asking}", data=_NEW | _STEPPED)
        (sent["step"],) = _STEP.findall(question.text)
    return await at.bed.client.request(method, path.replace("{id}", id_), data=sent or None, headers=headers)


def _merchant(target: str) -> Merchant:
    return OTHER if target == "other" else SHOP


def _signed(at: House, merchant: Merchant, told: Mapping[str, Any]) -> tuple[bytes, dict[str, str]]:
    body = json.dumps({"merchant": merchant.name, **told}).encode()
    return body, {SIGNATURE: sign(merchant.secret, at.bed.clock.ms, os.urandom(8).hex(), body)}


async def _checkout(at: House, target: str) -> tuple[str, Order]:
    """A new one and its order: of the shop, of another shop, of the other company, run out, or none at all."""
    merchant = _merchant(target)
    order = ORDER._replace(
        reference=f"R-{os.urandom(8).hex()}",
        return_url=f"{merchant.origin}/order",
        cancel_url=f"{merchant.origin}/cart",
    )
    if target == "absent":
        return os.urandom(16).hex(), order
    if target == "other site":
        return (await at.elsewhere.start(order)).rpartition("/")[2], order
    now = at.bed.clock.now
    at.bed.clock.now -= timedelta(milliseconds=SESSION + 1 if target == "erased" else 0)
    body, headers = _signed(at, merchant, order._asdict())
    answer = await at.bed.client.post("/api/sessions", content=body, headers=headers)
    at.bed.clock.now = now
    return str(answer.json()["url"]).rpartition("/")[2], order
