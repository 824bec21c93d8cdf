"""The payment company over HTTP: one charge an order, signed calls, nothing kept of a card, a buyer known by one browser."""

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from avow.app import Avow
from avow.doors.payment import SIGNATURE, Notice, Order, Sandbox, sign
from avow.errors import Refused, Unavailable
from examples.processor.app import make_processor
from examples.processor.books import Books
from examples.processor.notices import Merchant

HERE = Path(__file__).parents[3] / "examples" / "processor"
SECRET = b"merchant secret of thirty-two by"
SHOP = Merchant("aimini", SECRET, "https://aimini.localhost:8443", "https://aimini.localhost:8443/payments/notice")
OTHER = Merchant(
    "audiomidi", b"another secret of thirty-two byt", "https://audiomidi.localhost:8443", "https://n.example"
)
ORDER = Order("R-7", 4900, "USD", "Aimini P2P", f"{SHOP.origin}/order", f"{SHOP.origin}/cart")
CARD = {"card": "4242 4242 4242 4242", "card-expiry": "09/31"}
ADA = {"name": "Ada Quill", "email": "ada@quill.example", "postal-address": "1 Lantern Lane", "phone": "+1 555 0199"}


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    @property
    def ms(self) -> int:
        return int(self.now.timestamp() * 1000)


class Bed(NamedTuple):
    client: httpx.AsyncClient
    merchant: Sandbox
    shop: Avow
    clock: Clock
    notices: list[tuple[str, Mapping[str, str], bytes]]
    mails: list[tuple[str, str, str]]
    folder: Path
    app: Any  # the company, inside its guard

    async def start(self, order: Order = ORDER) -> str:
        """The path of a new checkout."""
        return httpx.URL((await self.merchant.start(order)).url).path

    async def settled(self) -> list[Notice]:
        """The notices that the merchant got, verified."""
        await asyncio.sleep(0)
        for _ in range(20):
            await asyncio.sleep(0)
        return [self.merchant.verify(headers, body) for _, headers, body in self.notices]


@asynccontextmanager
async def company(folder: Path, brand: str, answers: list[int] | None = None) -> AsyncIterator[Bed]:
    clock, notices, mails = Clock(), [], []
    folder.mkdir()  # noqa: ASYNC240 - before anything is served

    async def deliver(url: str, headers: Mapping[str, str], body: bytes) -> int:
        notices.append((url, headers, body))
        return answers.pop(0) if answers else 200

    async def mail(to: str, subject: str, text: str) -> None:
        mails.append((to, subject, text))

    async def at_once(_: float) -> None:
        return None

    url = f"sqlite:///{folder}/vault.db"
    async with Avow.open(HERE / f"{brand}.yaml", url, folder=folder / "keys", clock=clock) as shop:
        books = Books(folder / "books.db")
        app = make_processor(
            shop, books, merchants={one.name: one for one in (SHOP, OTHER)}, deliver=deliver, mail=mail, clock=clock,
            random=os.urandom, hosts=("pay.localhost:8443", "pay.localhost"), pause=at_once,
        )  # fmt: skip
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="https://pay.localhost:8443") as client:
            sandbox = Sandbox(
                "https://pay.localhost:8443", SHOP.name, SECRET, client=client, clock=lambda: clock.ms,
                fresh_id=lambda: os.urandom(8).hex(), seen=Remembered(),
            )  # fmt: skip
            yield Bed(client, sandbox, shop, clock, notices, mails, folder, app)
        books.close()


class Remembered:
    def __init__(self) -> None:
        self.ids: set[str] = set()

    def first(self, id: str, until: int) -> bool:  # noqa: ARG002 - nothing is forgotten here
        new = id not in self.ids
        self.ids.add(id)
        return new


def on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


async def test_a_card_pays_and_the_merchant_hears_reference_and_status(tmp_path: Path) -> None:
    """AUD-1, AIT-20, DAM-3, DAM-24."""
    async with company(tmp_path / "c", "cardhouse") as bed:
        path = await bed.start()
        form = await bed.client.get(path)
        assert form.status_code == 200
        assert 'href="/privacy"' in form.text
        assert sorted(re.findall(r'<(?:input|textarea)[^>]* name="([^"]+)"', form.text)) == ["card", "card-expiry"]
        assert "set-cookie" not in form.headers
        paid = await bed.client.post(path, data=CARD)
        assert (paid.status_code, "<h1>Paid</h1>" in paid.text) == (200, True)
        (notice,) = await bed.settled()
        assert (notice.reference, notice.status, notice.amount) == ("R-7", "paid", 4900)
        assert bed.notices[0][0] == SHOP.notices
        asked = await bed.merchant.outcome("R-7")
        assert asked is not None
        assert asked.status == "paid"
        assert await bed.merchant.outcome("R-8") is None


async def test_nothing_of_a_card_is_left_on_any_disk(tmp_path: Path) -> None:
    """DAM-17, AIM-8, AIM-9: the vault, the books and every log of theirs are searched."""
    async with company(tmp_path / "c", "keyhouse") as bed:
        await bed.client.post(await bed.start(), data=ADA | CARD)
        await bed.shop.sequence_all()
        held = on_disk(bed.folder)
        assert len(held) > 10_000
        for value in (b"4242424242424242", b"4242 4242 4242 4242", b"09/31", *(one.encode() for one in ADA.values())):
            assert value not in held


async def test_a_double_click_is_one_charge(tmp_path: Path) -> None:
    async with company(tmp_path / "c", "cardhouse") as bed:
        path = await bed.start()
        answers = await asyncio.gather(*(bed.client.post(path, data=CARD) for _ in range(8)))
        assert {one.status_code for one in answers} == {200}
        assert [one.status for one in await bed.settled()] == ["paid"]
        again = await bed.client.post(path, data=CARD)
        assert "<h1>Paid</h1>" in again.text
        assert len(bed.notices) == 1


async def test_an_order_that_is_paid_is_not_charged_in_a_second_checkout(tmp_path: Path) -> None:
    async with company(tmp_path / "c", "cardhouse") as bed:
        first, second = await bed.start(), await bed.start()
        for path in (first, second):
            await bed.client.post(path, data=CARD)
        assert [one.status for one in await bed.settled()].count("paid") == 1
        with pytest.raises(Unavailable):  # 403
            await bed.start()


@pytest.mark.parametrize(
    ("card", "says"),
    [
        ({"card": "4000 0000 0000 0002", "card-expiry": "09/31"}, "declined this card"),
        ({"card": "4000 0000 0000 9995", "card-expiry": "09/31"}, "not enough on this card"),
        ({"card": "4242 4242 4242 4242", "card-expiry": "02/26"}, "has expired"),
        ({"card": "4242 4242 4242 4241", "card-expiry": "09/31"}, "not a card number"),
        ({"card": "4242 4242 4242 4242", "card-expiry": "13/31"}, "month and the year"),
        ({"card": "", "card-expiry": "09/31"}, "card is missing"),
        (CARD | {"cvv": "123"}, "does not ask for"),
        (CARD | {"name": "x" * 600}, "does not ask for"),
    ],
)
async def test_what_does_not_pay_is_said_and_the_next_card_pays(
    tmp_path: Path, card: dict[str, str], says: str
) -> None:
    """AIM-7, DAM-3."""
    async with company(tmp_path / "c", "cardhouse") as bed:
        path = await bed.start()
        answer = await bed.client.post(path, data=card)
        assert answer.status_code in (402, 422)
        assert says in answer.text
        assert "4242" not in answer.text.replace("4242 4242 4242 4242 is paid", "")  # what was typed is not shown again
        assert bed.notices == []
        assert "<h1>Paid</h1>" in (await bed.client.post(path, data=CARD)).text


async def test_keyhouse_asks_for_exactly_what_the_policies_say_and_sends_the_news_by_its_template(
    tmp_path: Path,
) -> None:
    """AIM-5, AIM-7: the merchant hears nothing of the buyer."""
    async with company(tmp_path / "c", "keyhouse") as bed:
        path = await bed.start()
        form = (await bed.client.get(path)).text
        assert sorted(re.findall(r'<(?:input|textarea)[^>]* name="([^"]+)"', form)) == sorted({*ADA, *CARD})
        paid = await bed.client.post(path, data=ADA | CARD)
        assert "<h1>Paid</h1>" in paid.text
        ((to, subject, text),) = bed.mails
        assert (to, subject) == (ADA["email"], "Your order R-7")
        assert "USD 49.00" in text
        await bed.settled()
        for _, headers, body in bed.notices:
            for value in (*ADA.values(), "4242"):
                assert value.encode() not in body + repr(headers).encode()


async def test_a_declined_order_leaves_nobody_behind(tmp_path: Path) -> None:
    async with company(tmp_path / "c", "keyhouse") as bed:
        path = await bed.start()
        declined = await bed.client.post(path, data=ADA | CARD | {"card": "4000 0000 0000 0002"})
        assert declined.status_code == 402
        assert ADA["name"] in declined.text  # need not be typed again
        assert await bed.shop.find("email", ADA["email"]) == []


async def test_a_returning_buyer_is_known_in_the_same_browser_and_in_no_other(tmp_path: Path) -> None:
    """AIM-4, AIM-13."""
    async with company(tmp_path / "c", "keyhouse") as bed:
        paid = await bed.client.post(await bed.start(), data=ADA | CARD)
        cookie = paid.headers["set-cookie"]
        name, _, value = cookie.partition(";")[0].partition("=")
        assert name == "__Host-buyer"
        assert {"Secure", "HttpOnly", "Path=/"} <= {part.strip() for part in cookie.split(";")}
        for part in (*ADA.values(), "4242", "ada"):
            assert part not in value
        assert ADA["postal-address"] in (await bed.client.get(await bed.start(ORDER._replace(reference="R-8")))).text
        bed.client.cookies.clear()
        path = await bed.start(ORDER._replace(reference="R-9"))
        assert ADA["postal-address"] not in (await bed.client.get(path)).text
        bed.client.cookies.set("__Host-buyer", "A" * 43)
        assert ADA["postal-address"] not in (await bed.client.get(path)).text
        (who,) = await bed.shop.find("email", ADA["email"])
        bed.client.cookies.clear()
        bed.client.cookies.set("__Host-buyer", value)
        await bed.shop.erase(who)
        assert ADA["postal-address"] not in (await bed.client.get(path)).text


async def test_aim_6_it_reads_an_order_to_process_it_and_none_that_is_done(tmp_path: Path) -> None:
    """AIM-6: "works with your data to process the order, and for nothing else"; another order's data are refused, too."""
    async with company(tmp_path / "c", "keyhouse") as bed:
        kim = bed.shop.staff("kim", "support")
        who = await bed.shop.collect("order", ADA)
        assert await bed.shop.use(who, "name", purpose="order") == ADA["name"]
        assert await bed.shop.use(who, "email", purpose="order-status", by=kim) == ADA["email"]
        for category in ("postal-address", "phone"):
            with pytest.raises(Refused, match="KEY-1"):
                await bed.shop.use(who, category, purpose="order-status", by=kim)
        (order,) = (await bed.shop.export(who))["requests"]
        await bed.shop.close_request(who, order["id"])
        for purpose, by in (("order", None), ("order-status", None), ("order-status", kim)):
            with pytest.raises(Refused, match="KEY-1"):
                await bed.shop.use(who, "name", purpose=purpose, by=by)


async def test_its_own_gate_refuses_any_other_use_of_an_order(tmp_path: Path) -> None:
    """AIM-6, AIM-8: marketing, statistics and passing on are refused to staff and software, by mail too."""
    async with company(tmp_path / "c", "keyhouse") as bed:
        await bed.client.post(await bed.start(), data=ADA | CARD)
        (who,) = await bed.shop.find("email", ADA["email"])
        for by in (None, bed.shop.staff("kim", "support")):
            for purpose in ("marketing", "statistics", "payment"):
                for category in ADA:
                    with pytest.raises(Refused):
                        await bed.shop.use(who, category, purpose=purpose, by=by)
        for purpose in ("marketing", "statistics"):
            with pytest.raises(Refused, match="KEY-5"):
                await bed.shop.reach(who, "mail", purpose=purpose)
            for recipient in ("third-party:Aimini", "list-broker:Acme"):
                for way in ("share", "sell"):
                    with pytest.raises(Refused, match="KEY-4"):
                        await bed.shop.disclose(who, ["name"], recipient=recipient, purpose=purpose, way=way)


@pytest.mark.parametrize(
    "change",
    [
        {"return_url": "https://evil.example/"},
        {"return_url": f"{SHOP.origin}.evil.example/"},
        {"cancel_url": f"{SHOP.origin}@evil.example/"},
        {"return_url": "javascript:alert(1)"},
        {"amount": -1},
        {"amount": 10**12},
        {"amount": 1.5},
        {"reference": ""},
        {"description": "x" * 201},
        {"merchant": "nobody"},
        {"merchant": OTHER.name},
    ],
)
async def test_an_order_that_leads_elsewhere_or_cannot_be_meant_opens_nothing(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    async with company(tmp_path / "c", "cardhouse") as bed:
        body = json.dumps({"merchant": SHOP.name, **ORDER._asdict(), **change}).encode()
        headers = {SIGNATURE: sign(SECRET, bed.clock.ms, "n-1", body)}
        answer = await bed.client.post("/api/sessions", content=body, headers=headers)
        assert answer.status_code == 403


async def test_calls_that_are_unsigned_altered_late_or_repeated_do_nothing(tmp_path: Path) -> None:
    async with company(tmp_path / "c", "cardhouse") as bed:
        body = json.dumps({"merchant": SHOP.name, **ORDER._asdict()}).encode()
        good = {SIGNATURE: sign(SECRET, bed.clock.ms, "n-1", body)}
        assert (await bed.client.post("/api/sessions", content=body, headers=good)).status_code == 200
        for headers, content in (
            (good, body), ({}, body), (good, body.replace(b"4900", b"1")),
            ({SIGNATURE: sign(SECRET, bed.clock.ms - 600_000, "n-2", body)}, body),
            ({SIGNATURE: sign(OTHER.secret, bed.clock.ms, "n-3", body)}, body), ({SIGNATURE: "t=,id=,v1="}, b"\xff"),
        ):  # fmt: skip
            assert (await bed.client.post("/api/sessions", content=content, headers=headers)).status_code == 403


async def test_another_merchants_order_is_not_told(tmp_path: Path) -> None:
    async with company(tmp_path / "c", "cardhouse") as bed:
        await bed.client.post(await bed.start(), data=CARD)
        other = Sandbox(
            "https://pay.localhost:8443", OTHER.name, OTHER.secret, client=bed.client, clock=lambda: bed.clock.ms,
            fresh_id=lambda: os.urandom(8).hex(), seen=Remembered(),
        )  # fmt: skip
        assert await other.outcome("R-7") is None


async def test_a_thousand_guessed_checkouts_show_nothing(tmp_path: Path) -> None:
    async with company(tmp_path / "c", "cardhouse") as bed:
        await bed.start()
        for n in range(1000):
            answer = await bed.client.get(f"/pay/{os.urandom(16).hex() if n % 2 else n}")
            assert answer.status_code == 404


async def test_a_checkout_that_was_left_open_too_long_charges_nothing(tmp_path: Path) -> None:
    async with company(tmp_path / "c", "cardhouse") as bed:
        path = await bed.start()
        bed.clock.now += timedelta(minutes=31)
        assert (await bed.client.post(path, data=CARD)).status_code == 404
        assert bed.notices == []


async def test_who_cancels_goes_back_and_the_merchant_hears_it(tmp_path: Path) -> None:
    async with company(tmp_path / "c", "cardhouse") as bed:
        path = await bed.start()
        answer = await bed.client.post(f"{path}/cancel")
        assert (answer.status_code, answer.headers["location"]) == (303, ORDER.cancel_url)
        assert [one.status for one in await bed.settled()] == ["cancelled"]
        assert "<h1>Not paid</h1>" in (await bed.client.post(path, data=CARD)).text


async def test_a_merchant_that_does_not_answer_is_told_again(tmp_path: Path) -> None:
    async with company(tmp_path / "c", "cardhouse", [500, 0, 204]) as bed:
        await bed.client.post(await bed.start(), data=CARD)
        assert {one.status for one in await bed.settled()} == {"paid"}
        assert len({one[1][SIGNATURE] for one in bed.notices}) == 3


async def test_nothing_goes_over_plain_http(tmp_path: Path) -> None:
    """AIM-8."""
    async with company(tmp_path / "c", "cardhouse") as bed:
        path = await bed.start()
        plain = await bed.client.post(f"http://pay.localhost:8443{path}", data=CARD)
        assert plain.status_code == 403
        assert bed.notices == []
