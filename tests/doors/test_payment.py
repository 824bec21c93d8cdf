"""Signed messages: what is forged, altered, late or repeated is refused; what is right says a reference and a status."""

import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avow.doors.payment import FRESH, LONGEST, SIGNATURE, Notice, Order, Redirect, Sandbox, check, sign
from avow.errors import CallError, Denied, Unavailable

SECRET = b"s" * 32
NOW = 1_700_000_000_000
PAID = {"reference": "R-1", "payment": "P-1", "status": "paid", "amount": 4900, "currency": "USD", "at": NOW}
ORDER = Order("R-1", 4900, "USD", "Archive Server", "https://shop.example/back", "https://shop.example/cart")


class Remembered:
    """Ids in memory."""

    def __init__(self) -> None:
        self.ids: set[str] = set()

    def first(self, id: str, until: int) -> bool:
        assert until >= NOW + FRESH
        new = id not in self.ids
        self.ids.add(id)
        return new


def company(answer: httpx.Response | Exception, asked: list[httpx.Request] | None = None) -> Sandbox:
    """A sandbox whose company gives this answer."""

    def handle(request: httpx.Request) -> httpx.Response:
        if asked is not None:
            asked.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    client = httpx.AsyncClient(transport=httpx.MockTransport(handle))
    return Sandbox("https://pay.example/", "shop", SECRET, client=client, clock=lambda: NOW, fresh_id=lambda: "m1",
                   seen=Remembered())  # fmt: skip


def signed(told: Any = None, at: int = NOW, secret: bytes = SECRET) -> tuple[dict[str, str], bytes]:
    body = json.dumps(PAID if told is None else told).encode()
    return {SIGNATURE: sign(secret, at, "n1", body)}, body


def test_a_signed_notice_says_reference_and_status_once() -> None:
    sandbox = company(httpx.Response(200))
    headers, body = signed()
    assert sandbox.verify(headers, body) == Notice("n1", "R-1", "P-1", "paid", 4900, "USD", NOW)
    with pytest.raises(Denied):
        sandbox.verify(headers, body)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        pytest.param(*signed(secret=b"x" * 32), id="by-another-secret"),
        pytest.param(*signed(at=NOW - FRESH - 1), id="late"),
        pytest.param(*signed(at=NOW + FRESH + 1), id="from-tomorrow"),
        pytest.param({}, signed()[1], id="unsigned"),
        pytest.param(signed()[0], signed(PAID | {"amount": 1})[1], id="with-another-amount"),
        pytest.param({SIGNATURE: signed()[0][SIGNATURE].replace("id=n1", "id=n2")}, signed()[1], id="with-another-id"),
        pytest.param({SIGNATURE: signed()[0][SIGNATURE].replace("t=1", "t=01")}, signed()[1], id="with-another-moment"),
        pytest.param(*signed(PAID | {"status": "perhaps"}), id="of-no-known-status"),
        pytest.param(*signed(PAID | {"amount": True}), id="with-an-amount-that-is-none"),
        pytest.param(*signed([PAID]), id="that-is-a-list"),
        pytest.param(*signed({"reference": "R-1"}), id="that-is-not-whole"),
        pytest.param(*signed(PAID | {"reference": "R" * LONGEST}), id="that-is-too-long"),
    ],
)
def test_a_notice_is_refused(headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(Denied):
        company(httpx.Response(200)).verify(headers, body)


@given(st.text(max_size=200), st.binary(max_size=200))
def test_whatever_stands_in_the_header_is_read_without_an_error_of_another_kind(header: str, body: bytes) -> None:
    with pytest.raises(Denied):
        check(SECRET, header, body, NOW)


async def test_an_order_is_announced_by_a_signed_call_and_answered_with_where_to_go() -> None:
    asked: list[httpx.Request] = []
    sandbox = company(httpx.Response(200, json={"url": "https://pay.example/pay/abc"}), asked)
    assert await sandbox.start(ORDER) == Redirect("https://pay.example/pay/abc", {})
    (request,) = asked
    assert check(SECRET, request.headers[SIGNATURE], request.content, NOW) == "m1"
    assert json.loads(request.content) == ORDER._asdict() | {"merchant": "shop"}
    assert str(request.url) == "https://pay.example/api/sessions"


async def test_how_a_payment_stands_can_be_asked() -> None:
    assert await company(httpx.Response(200, json={"status": None})).outcome("R-1") is None
    found = await company(httpx.Response(200, json=PAID)).outcome("R-1")
    assert found is not None
    assert (found.reference, found.status) == ("R-1", "paid")


@pytest.mark.parametrize(
    "answer",
    [httpx.Response(500), httpx.Response(200, text="<html>"), httpx.Response(200, json=[1]), httpx.ConnectError("")],
)
async def test_a_company_that_does_not_answer_as_it_should_is_unavailable(answer: httpx.Response | Exception) -> None:
    with pytest.raises(Unavailable):
        await company(answer).start(ORDER)


async def test_what_cannot_be_meant_is_not_announced() -> None:
    with pytest.raises(CallError):
        await company(httpx.Response(200)).start(ORDER._replace(amount=0))
    with pytest.raises(CallError):
        Sandbox("https://pay.example", "shop", b"short", client=httpx.AsyncClient(), clock=lambda: NOW,
                fresh_id=str, seen=Remembered())  # fmt: skip
