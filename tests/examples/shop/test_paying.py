"""What comes back from the payment company, and who else says so: forged, altered, replayed, unknown, twice."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import httpx
import pytest

from avow.doors.payment import FRESH, SIGNATURE, sign
from tests.examples.shop.beds import ADA, ANSWERING, BUYER, SECRET, Bed, form, forms, on_disk, shop


async def placed(bed: Bed) -> str:
    """A new order's reference."""
    sent = await bed.order(await bed.checkout())
    assert sent.status_code == 303
    return the_order(bed)[0]


def the_order(bed: Bed) -> tuple[str, str, int]:
    """Reference, state and amount of the one order that there is."""
    ((reference, state, amount),) = bed.orders._db.execute("SELECT reference, state, amount FROM orders").fetchall()
    return reference, state, amount


async def told(bed: Bed, *, secret: bytes = SECRET, id_: str = "", late: int = 0, **said: Any) -> httpx.Response:
    """A notice that says this."""
    now = int(bed.desk.clock().timestamp() * 1000) - late
    whole = {"payment": "P-77", "status": "paid", "currency": "USD", "at": now} | said
    body = json.dumps(whole).encode()
    headers = {SIGNATURE: sign(secret, now, id_ or os.urandom(8).hex(), body)}
    return await bed.browser.post("/payments/notice", content=body, headers=headers)


async def test_a_notice_that_is_not_the_companys_changes_nothing(tmp_path: Path) -> None:
    """AIT-20, DAM-24: forged, altered, late, unsigned, of no order, of another amount."""
    async with shop(tmp_path, "aitpro") as bed:
        reference = await placed(bed)
        _, _, amount = the_order(bed)
        right: dict[str, Any] = {"reference": reference, "amount": amount}
        assert (await told(bed, secret=b"x" * 32, **right)).status_code == 403
        assert (await told(bed, late=FRESH + 1, **right)).status_code == 403
        assert (await told(bed, reference="BCDF-GHJK-LMNP-QRST", amount=amount)).status_code == 404
        assert (await told(bed, reference=reference, amount=amount - 1)).status_code == 409
        assert (await told(bed, reference=reference, amount=amount, status="free")).status_code == 403
        assert (await bed.browser.post("/payments/notice", content=b"{}")).status_code == 403
        assert (await bed.browser.post("/payments/notice", content=b"x" * 20_000)).status_code == 413
        assert (await bed.browser.get("/payments/notice")).status_code == 405
        altered = json.dumps({"reference": reference, "amount": amount, "status": "paid"}).encode()
        headers = {SIGNATURE: sign(SECRET, int(bed.desk.clock().timestamp() * 1000), "n-1", b"another body")}
        assert (await bed.browser.post("/payments/notice", content=altered, headers=headers)).status_code == 403
        assert the_order(bed)[1] == "open"
        assert "payment-reference" not in await bed.held()


async def test_a_notice_counts_once_and_nothing_undoes_a_payment(tmp_path: Path) -> None:
    """AIT-20."""
    async with shop(tmp_path, "aitoc") as bed:
        reference = await placed(bed)
        right: dict[str, Any] = {"reference": reference, "amount": the_order(bed)[2]}
        assert (await told(bed, id_="n-1", **right)).status_code == 200
        assert (await told(bed, id_="n-1", **right)).status_code == 403  # a replay
        assert (await told(bed, id_="n-2", **right)).status_code == 200  # the same news again
        assert (await told(bed, id_="n-3", status="cancelled", **right)).status_code == 409
        assert the_order(bed)[1] == "paid"
        (who,) = await bed.desk.shop.find("email", ADA["email"])
        data = (await bed.desk.shop.export(who))["data"]
        assert [one["value"] for one in data if one["category"] == "payment-reference"] == ["P-77"]


async def test_two_notices_at_once_are_recorded_once(tmp_path: Path) -> None:
    async with shop(tmp_path, "audiomidi") as bed:
        reference = await placed(bed)
        right: dict[str, Any] = {"reference": reference, "amount": the_order(bed)[2]}
        assert [one.status_code for one in await asyncio.gather(*(told(bed, **right) for _ in range(5)))] == [200] * 5
        (who,) = await bed.desk.shop.find("email", ADA["email"])
        data = (await bed.desk.shop.export(who))["data"]
        assert len([one for one in data if one["category"] == "payment-reference"]) == 1


async def test_a_notice_after_the_receipts_week_is_refused_and_the_company_is_told(tmp_path: Path) -> None:
    async with shop(tmp_path, "aitoc") as bed:
        reference = await placed(bed)
        bed.desk.clock.forward(days=8)
        assert (await told(bed, reference=reference, amount=the_order(bed)[2])).status_code == 409
        assert the_order(bed)[1] == "open"


async def test_a_notice_in_another_currency_pays_nothing(tmp_path: Path) -> None:
    """DAM-24: the same figure in a currency that is worth less."""
    async with shop(tmp_path, "daminion") as bed:
        reference = await placed(bed)
        right: dict[str, Any] = {"reference": reference, "amount": the_order(bed)[2]}
        for currency in ("JPY", "usd", "US", "USD "):
            assert (await told(bed, currency=currency, **right)).status_code == 409
        assert the_order(bed)[1] == "open"
        assert "payment-reference" not in await bed.held()
        assert (await told(bed, **right)).status_code == 200


async def test_a_checkout_that_ran_out_is_said_to_have_run_out_and_not_to_be_called_off(tmp_path: Path) -> None:
    async with shop(tmp_path, "daminion") as bed:
        reference = await placed(bed)
        bed.desk.clock.forward(minutes=31)
        one = form((await bed.browser.get("/order")).text, "/order")
        says = (await bed.send(one, reference=reference)).text
        assert "was not paid in time" in says
        assert "called" not in says
        assert the_order(bed)[1] == "expired"


async def test_a_declined_or_cancelled_payment_shows_and_leaves_no_reference(tmp_path: Path) -> None:
    async with shop(tmp_path, "aitpro") as bed:
        reference = await placed(bed)
        assert (await told(bed, reference=reference, amount=the_order(bed)[2], status="declined")).status_code == 200
        page = (await bed.browser.get("/order")).text
        assert "was not paid" in (await bed.send(form(page, "/order"), reference=reference)).text
        assert "payment-reference" not in await bed.held()


async def test_the_status_is_asked_of_the_company_where_no_notice_came(tmp_path: Path) -> None:
    async with shop(tmp_path, "daminion") as bed:
        sent = await bed.order(await bed.checkout())
        await bed.paid(sent.headers["location"])
        reference, _, _ = the_order(bed)
        order = bed.orders.find(reference)
        assert order is not None
        bed.orders.settle(reference, "open", order.receipt)  # as if the notice were lost
        page = (await bed.browser.get("/order")).text
        assert "is paid" in (await bed.send(form(page, "/order"), reference=reference)).text
        assert (await bed.held())["payment-status"] == "paid"


async def test_a_double_click_makes_one_order_even_at_once(tmp_path: Path) -> None:
    async with shop(tmp_path, "daminion") as bed:
        page = await bed.checkout()
        answers = await asyncio.gather(*(bed.order(page) for _ in range(4)))
        assert {(one.status_code, one.headers["location"]) for one in answers} == {
            (303, answers[0].headers["location"])
        }
        the_order(bed)
        (who,) = await bed.desk.shop.find("email", ADA["email"])
        assert len((await bed.desk.shop.export(who))["data"]) == 6


async def test_a_thousand_guesses_find_no_order_and_learn_nothing(tmp_path: Path) -> None:
    """AUD-4: identifiers are not guessed; whoever knows one sees a state and no person."""
    async with shop(tmp_path, "audiomidi") as bed:
        reference = await placed(bed)
        page = (await bed.browser.get("/order")).text
        one = form(page, "/order")
        near = [reference[:at] + other + reference[at + 1 :] for at, was in enumerate(reference) if was != "-"
                for other in "BCDFGHJKLMNPQRSTVWXZ" if other != was]  # fmt: skip
        found = [await bed.send(one, reference=guess) for guess in [*near[:200], "' OR 1=1 --", "%", "../../x"]]
        assert {answer.status_code for answer in found} == {400}
        assert len({answer.text.count("No order has this reference") for answer in found}) == 1
        seen = (await bed.send(one, reference=reference)).text
        assert "waits for its payment" in seen
        assert not any(value in seen for value in ADA.values())


async def test_nothing_is_taken_in_while_the_company_cannot_be_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shop(tmp_path, "aitoc") as bed:
        page = await bed.checkout()

        async def gone(*_: object, **__: object) -> httpx.Response:
            raise httpx.ConnectError("no way there")

        with monkeypatch.context() as broken:
            broken.setattr(bed.pay, "post", gone)
            answer = await bed.order(page)
        assert answer.status_code == 503
        assert "Cart (1)" in answer.text
        assert await bed.held() == {}
        assert (await bed.order(page)).status_code == 303


async def test_aimini_sells_through_keyhouse_and_learns_reference_and_state_alone(tmp_path: Path) -> None:
    """AIM-2, AIM-3, AIM-5, AIM-9, AIM-10."""
    async with shop(tmp_path, "aimini") as bed:
        page = await bed.checkout()
        assert [set(one.fields) for one in forms(page) if one.action == "/checkout/order"] == [{"cart", "once"}]
        assert "You are leaving Aimini" in page
        assert "may set cookies of its own" in page
        sent = await bed.send(form(page, "/checkout/order"))
        assert sent.headers["location"].startswith("https://keyhouse.localhost:8443/pay/")
        assert "Paid" in (await bed.paid(sent.headers["location"])).text
        reference, state, _ = the_order(bed)
        assert state == "paid"
        (who,) = await bed.desk.shop.find("order-reference", reference)
        held = {one["category"]: one["value"] for one in (await bed.desk.shop.export(who))["data"]}
        assert held == {"order-reference": reference, "order-state": "paid"}
        assert not bed.browser.cookies
        await bed.desk.shop.sequence_all()
        kept = on_disk(tmp_path, without="house")
        assert not any(value.encode() in kept for value in (*BUYER.values(), "4242"))


@pytest.mark.parametrize("site", ANSWERING)
async def test_the_shops_own_file_knows_no_person(tmp_path: Path, site: str) -> None:
    async with shop(tmp_path, site) as bed:
        await placed(bed)
        kept = on_disk(tmp_path, only="orders.db*")
        assert len(kept) > 1000
        assert not any(value.encode() in kept for value in ADA.values())
