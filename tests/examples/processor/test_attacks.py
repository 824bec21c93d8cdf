"""The payment company attacked: an order charged twice, words smuggled into mail, calls that break it, a vault away."""

import asyncio
import json
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from avow.app import Avow
from avow.doors.guard import Guard, Report
from avow.doors.payment import SIGNATURE, sign
from avow.errors import Unavailable
from avow.policy.parse import read
from tests.examples.processor.test_processor import ADA, CARD, HERE, ORDER, SECRET, SHOP, Bed, company

DECLINED = {"card": "4000 0000 0000 0002", "card-expiry": "09/31"}


async def call(bed: Bed, path: str, body: bytes, id: str = "n-1") -> int:
    headers = {SIGNATURE: sign(SECRET, bed.clock.ms, id, body)}
    return (await bed.client.post(path, content=body, headers=headers)).status_code


async def announce(bed: Bed, change: dict[str, Any]) -> int:
    return await call(bed, "/api/sessions", json.dumps({"merchant": SHOP.name, **ORDER._asdict(), **change}).encode())


def heading(page: str) -> str:
    return "".join(re.findall("<h1>(.*?)</h1>", page))


@pytest.mark.parametrize("brand", ["cardhouse", "keyhouse"])
async def test_the_network_is_asked_for_no_order_that_another_checkout_charged(
    tmp_path: Path, asked: list[str], brand: str
) -> None:
    """DAM-17: the buyer has the order open in two windows and pays in both."""
    given = CARD | (ADA if brand == "keyhouse" else {})
    async with company(tmp_path / "c", brand) as bed:
        first, second = await bed.start(), await bed.start()
        assert heading((await bed.client.post(first, data=given)).text) == "Paid"
        assert heading((await bed.client.post(second, data=given)).text) == "Paid"
        assert heading((await bed.client.get(second)).text) == "Paid"
        await bed.client.post(f"{second}/cancel")
        assert [one.status for one in await bed.settled()] == ["paid"]
        assert asked == ["paid"]
        if brand == "keyhouse":
            assert len(await bed.shop.find("email", ADA["email"])) == 1
            assert len(bed.mails) == 1


async def test_two_windows_that_pay_at_once_are_one_charge(
    tmp_path: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """DAM-17: the second window pays while the first one's order is on its way into the vault."""
    entered, go_on, real = asyncio.Event(), asyncio.Event(), Avow.collect

    async def slow(self: Avow, *given: Any, **more: Any) -> str:
        if not entered.is_set():  # the first one alone waits
            entered.set()
            await go_on.wait()
        return await real(self, *given, **more)

    async with company(tmp_path / "c", "keyhouse") as bed:
        first, second = await bed.start(), await bed.start()
        monkeypatch.setattr(Avow, "collect", slow)
        paying = asyncio.create_task(bed.client.post(first, data=ADA | CARD))
        await entered.wait()
        assert heading((await bed.client.post(second, data=ADA | CARD)).text) == "One moment"
        go_on.set()
        assert heading((await paying).text) == "Paid"
        assert asked == ["paid"]
        assert len(await bed.shop.find("email", ADA["email"])) == 1


async def test_a_declined_card_in_one_window_lets_the_other_one_pay(tmp_path: Path, asked: list[str]) -> None:
    async with company(tmp_path / "c", "cardhouse") as bed:
        first, second = await bed.start(), await bed.start()
        await bed.client.post(first, data=DECLINED)
        assert heading((await bed.client.post(second, data=CARD)).text) == "Paid"
        assert asked == ["declined", "paid"]


async def test_a_vault_that_is_away_charges_nothing_and_the_order_can_be_paid_afterwards(
    tmp_path: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: Any, **__: Any) -> str:
        raise Unavailable("the vault is away")

    async with company(tmp_path / "c", "keyhouse") as bed:
        path = await bed.start()
        with monkeypatch.context() as patched:
            patched.setattr(Avow, "collect", away)
            assert (await bed.client.post(path, data=ADA | CARD)).status_code == 503
        assert asked == []
        assert heading((await bed.client.post(path, data=ADA | CARD)).text) == "Paid"


async def test_news_that_cannot_be_sent_undoes_no_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: Any, **__: Any) -> str:
        raise Unavailable("the vault is away")

    async with company(tmp_path / "c", "keyhouse") as bed:
        path = await bed.start()
        monkeypatch.setattr(Avow, "reach", away)
        assert heading((await bed.client.post(path, data=ADA | CARD)).text) == "Paid"
        assert [one.status for one in await bed.settled()] == ["paid"]
        assert bed.mails == []


@pytest.mark.parametrize(
    "change",
    [
        {"reference": "R-7\r\nBcc: all@evil.example"},
        {"reference": "R-7 now read https://evil.example"},
        {"reference": "R" * 65},  # more than a notice can carry
        {"reference": "\ud800"},
        {"description": "A prize\n\nFetch it at https://evil.example"},
        {"return_url": f"{SHOP.origin}/\r\nSet-Cookie: a=b"},
        {"currency": "not money"},
        {"currency": "U" * 65},
    ],
)
async def test_no_words_are_smuggled_into_mail_or_headers_by_an_order(tmp_path: Path, change: dict[str, Any]) -> None:
    """AIM-7."""
    async with company(tmp_path / "c", "keyhouse") as bed:
        assert await announce(bed, change) == 403


async def test_the_news_holds_nothing_that_the_merchant_wrote(tmp_path: Path) -> None:
    """AIM-7: a notice of status outside its template."""
    async with company(tmp_path / "c", "keyhouse") as bed:
        path = await bed.start(ORDER._replace(description="Fetch your prize at https://evil.example"))
        await bed.client.post(path, data=ADA | CARD)
        ((_, _, text),) = bed.mails
        assert text == "Thank you. Your order R-7 at aimini (USD 49.00) is paid.\n"


@pytest.mark.parametrize(
    "address", ["ada", "ada@", "@quill.example", "a@b, c@d", "ada@quill.example\nBcc: b@evil.example"]
)
async def test_what_is_no_address_pays_nothing(tmp_path: Path, asked: list[str], address: str) -> None:
    async with company(tmp_path / "c", "keyhouse") as bed:
        answer = await bed.client.post(await bed.start(), data=ADA | CARD | {"email": address})
        assert answer.status_code == 422
        assert "no e-mail address" in answer.text
        assert (asked, bed.mails) == ([], [])


@pytest.mark.parametrize(
    ("currency", "amount", "says"), [("USD", 4905, "USD 49.05"), ("JPY", 500, "JPY 500"), ("KWD", 1250, "KWD 1.250")]
)
async def test_an_amount_is_shown_in_its_currencys_units(tmp_path: Path, currency: str, amount: int, says: str) -> None:
    async with company(tmp_path / "c", "cardhouse") as bed:
        path = await bed.start(ORDER._replace(currency=currency, amount=amount))
        assert heading((await bed.client.get(path)).text) == f"Pay {says}"


@pytest.mark.parametrize("body", [b"[" * 16_000, b'{"merchant": ' * 1_000, b"\xff", b"null", b'{"merchant": []}'])
async def test_a_call_that_is_no_call_is_refused_and_breaks_nothing(tmp_path: Path, body: bytes) -> None:
    async with company(tmp_path / "c", "cardhouse") as bed:
        for path in ("/api/sessions", "/api/outcome"):
            assert await call(bed, path, body) == 403


async def test_a_checkout_that_ran_out_is_not_said_to_be_open(tmp_path: Path) -> None:
    async with company(tmp_path / "c", "cardhouse") as bed:
        await bed.start()
        bed.clock.now += timedelta(minutes=29)
        waiting = await bed.merchant.outcome("R-7")
        bed.clock.now += timedelta(minutes=2)
        late = await bed.merchant.outcome("R-7")
        assert (waiting and waiting.status, late and late.status) == ("open", "expired")


@pytest.mark.parametrize("brand", ["cardhouse", "keyhouse"])
async def test_every_page_that_the_policy_page_leads_to_is_there(tmp_path: Path, brand: str) -> None:
    async with company(tmp_path / "c", brand) as bed:
        for page in ("/", "/privacy", await bed.start()):
            shown = (await bed.client.get(page)).text
            for link in set(re.findall(r'(?:href|src)="(/[^"]*)"', shown)):
                assert (await bed.client.get(link)).status_code == 200, link


@pytest.mark.parametrize(
    "says", ["ada@quill.example", "4242424242424242", "YWRhQHF1aWxsLmV4YW1wbGU", "likes-harps-and-lives-in-leith"]
)
async def test_a_cookie_of_the_companys_that_says_something_of_its_buyer_is_stripped_and_reported(says: str) -> None:
    """AIM-4: an address, a card, the address again in base64, a trait; and a cookie beside the one that is declared."""
    reports: list[Report] = []

    async def telling(scope: Scope, receive: Receive, send: Send) -> None:
        answer = PlainTextResponse("hello")
        for name in ("buyer", "trait"):
            answer.set_cookie(name, says, secure=True, httponly=True, samesite="lax")
        await answer(scope, receive, send)

    guard = Guard(
        telling, read(HERE / "keyhouse.yaml"), hosts=["keyhouse.example"], clock=lambda: datetime.now(UTC),
        random=os.urandom, report=reports.append,
    )  # fmt: skip
    async with httpx.AsyncClient(transport=httpx.ASGITransport(guard), base_url="https://keyhouse.example") as http:
        assert "set-cookie" not in (await http.get("/")).headers
    assert [(one.kind, one.promises) for one in reports] == [("cookie", ("KEY-3",))] * 2
    assert not any(says in one.says for one in reports)
