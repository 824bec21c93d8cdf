"""From an affiliate's link to the commission: a whole purchase, by a browser that keeps its cookie, and tries to cheat."""

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from avow.doors.payment import SIGNATURE, sign
from avow.errors import BadValue, Refused
from tests.desk.beds import PASSWORD
from tests.examples.shop.beds import SECRET, Bed, on_disk, shop

DAYS_30 = 30 * 86_400_000
CLIENT = "203.0.113.7"  # the address of the bed's browser


async def bought(bed: Bed, *, paid: bool = True) -> tuple[str, int]:
    """Reference and amount of an order, paid or not."""
    known = {reference for (reference,) in bed.orders._db.execute("SELECT reference FROM orders")}
    assert (await bed.order(await bed.checkout())).status_code == 303
    every = bed.orders._db.execute("SELECT reference, amount FROM orders").fetchall()
    ((reference, amount),) = [one for one in every if one[0] not in known]
    if paid:
        assert (await pays(bed, reference, amount)).status_code == 200
    return reference, amount


async def pays(bed: Bed, reference: str, amount: int) -> httpx.Response:
    """The company's notice that an order is paid."""
    now = int(bed.desk.clock().timestamp() * 1000)
    said: dict[str, Any] = {"payment": "P-77", "status": "paid", "currency": "USD", "at": now}
    body = json.dumps(said | {"reference": reference, "amount": amount}).encode()
    headers = {SIGNATURE: sign(SECRET, now, os.urandom(8).hex(), body)}
    return await bed.browser.post("/payments/notice", content=body, headers=headers)


async def months(bed: Bed) -> dict[str, Any]:
    """What was credited: affiliate -> sales and commission, over all months."""
    out: dict[str, Any] = {}
    async with bed.desk.shop._gate.store.transaction() as tx:
        for month in (await tx.note("commission") or "").split():
            for name, (sales, amount) in json.loads(await tx.note(f"commission/{month}") or "{}").items():
                before = out.get(name, (0, 0))
                out[name] = before[0] + sales, before[1] + amount
    return out


async def clicks(bed: Bed) -> list[tuple[int, int]]:
    """When each click that is held came, and until when it counts."""
    async with bed.desk.shop._gate.store.transaction() as tx:
        found = await tx.due(1 << 61, 1000)
    return sorted({(one.came().collected, one.due or 0) for one in found})


async def test_a_paid_order_earns_the_affiliate_its_commission_once(tmp_path: Path) -> None:
    """AIT-9: not before it is paid, not again by another notice, and not by a second order."""
    async with shop(tmp_path, "aitpro") as bed:
        await bed.browser.get("/a/harbourpress")
        reference, amount = await bought(bed, paid=False)
        assert await months(bed) == {}
        for _ in range(3):
            assert (await pays(bed, reference, amount)).status_code == 200
        assert await months(bed) == {"harbourpress": (1, amount * 20 // 100)}
        assert await clicks(bed) == []  # with the commission the click is gone
        await bought(bed)
        assert await months(bed) == {"harbourpress": (1, amount * 20 // 100)}


async def test_who_came_by_no_link_or_refuses_the_cookie_or_asks_not_to_be_followed_earns_nobody_anything(
    tmp_path: Path,
) -> None:
    """AIT-3, AIT-9: an address alone credits nobody, though a click from it is held."""
    async with shop(tmp_path, "aitpro") as bed:
        await bought(bed)
        assert await clicks(bed) == []
        await bed.browser.get("/a/harbourpress")
        assert len(await clicks(bed)) == 1
        bed.browser.cookies.clear()
        await bought(bed)
        assert await months(bed) == {}
        await bed.browser.get("/a/harbourpress")
        bed.browser.headers["sec-gpc"] = "1"
        await bought(bed)
        assert await months(bed) == {}


async def test_an_order_paid_a_millisecond_after_the_thirty_days_earns_nothing(tmp_path: Path) -> None:
    """AIT-8, AIT-9: the order was placed in time."""
    for late in (0, 1):
        folder = tmp_path / str(late)
        folder.mkdir()
        async with shop(folder, "aitpro") as bed:
            await bed.browser.get("/a/harbourpress")
            bed.desk.clock.now += timedelta(days=27)
            reference, amount = await bought(bed, paid=False)
            bed.desk.clock.now += timedelta(days=3, milliseconds=late)
            assert (await pays(bed, reference, amount)).status_code == 200
            assert await months(bed) == ({} if late else {"harbourpress": (1, amount * 20 // 100)})


async def test_who_follows_links_every_day_lengthens_no_cookie_and_no_record(tmp_path: Path) -> None:
    """AIT-8: the first click counts until it is over; by the same link or another affiliate's, with the cookie or without."""
    async with shop(tmp_path, "aitpro") as bed:
        given = []  # moment, Max-Age
        for number in range(65):
            code = "plainpages" if number % 2 else "harbourpress"
            came = await bed.browser.get(f"/a/{code}")
            for header in came.headers.get_list("set-cookie"):
                parts = dict(part.strip().partition("=")[::2] for part in header.split(";"))
                given.append((number, int(parts["Max-Age"])))
            held = await clicks(bed)
            assert len(held) <= 1
            assert all(due == collected + DAYS_30 for collected, due in held)
            bed.desk.clock.now += timedelta(days=1, seconds=1)
            await bed.desk.shop.sweep()
        life = DAYS_30 // 1000
        assert [one for one in given if one[1]] == [
            (0, life),
            (31, life),
            (62, life),
        ]  # one that is over is taken back first
        assert [one for one in bed.reports if one.kind == "cookie"] == []


@pytest.mark.parametrize(
    "told",
    [
        {"sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"},
        {"sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"},
        {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document", "sec-purpose": "prefetch;prerender"},
        {"purpose": "prefetch"},
    ],
)
async def test_a_link_that_nobody_followed_notes_nobody(tmp_path: Path, told: dict[str, str]) -> None:
    """AIT-3, AIT-8: fetched as a picture, in a frame or beforehand, by another page; who goes there is noted as ever."""
    async with shop(tmp_path, "aitpro") as bed:
        came = await bed.browser.get("/a/harbourpress", headers=told)
        assert "set-cookie" not in came.headers
        assert await clicks(bed) == []
        goes = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
        assert "set-cookie" in (await bed.browser.get("/a/harbourpress", headers=goes)).headers
        assert len(await clicks(bed)) == 1


async def test_the_shops_memory_of_orders_does_not_show_which_of_them_came_by_a_link(tmp_path: Path) -> None:
    """AIT-10: a receipt with a click in it is as long as any other."""
    async with shop(tmp_path, "aitpro") as bed:
        await bought(bed, paid=False)
        await bed.browser.get("/a/harbourpress")
        await bought(bed, paid=False)
        ordered = bed.orders._db.execute("SELECT length(receipt) FROM orders").fetchall()
        assert len(ordered) == 2
        assert len(set(ordered)) == 1


async def test_an_order_with_a_number_that_is_none_is_refused_before_anything_is_kept(tmp_path: Path) -> None:
    """AIT-9: not half taken in, without a receipt."""
    async with shop(tmp_path, "aitpro") as bed:
        order = {"name": "Ada Quill", "email": "ada@quill.example", "items": "1 × Bolt"}
        with pytest.raises(BadValue):
            await bed.desk.desk.collect("order", order, referred="x\0y")
        assert await bed.desk.shop.find("email", "ada@quill.example") == []


async def test_the_first_click_is_credited_and_not_the_newest(tmp_path: Path) -> None:
    """AIT-8: so that none has to be renewed."""
    async with shop(tmp_path, "aitpro") as bed:
        await bed.browser.get("/a/harbourpress")
        bed.desk.clock.now += timedelta(days=1)
        await bed.browser.get("/a/plainpages")
        await bought(bed)
        assert list(await months(bed)) == ["harbourpress"]


async def test_a_cookie_that_was_altered_made_up_or_taken_from_an_order_earns_nothing(tmp_path: Path) -> None:
    """AIT-9."""
    async with shop(tmp_path, "aitpro") as bed:
        (header,) = (await bed.browser.get("/a/harbourpress")).headers.get_list("set-cookie")
        value = header.partition(";")[0].partition("=")[2]
        for one in (value[:-4] + value[:4], "3f9c1b7e5d2a4860b1c9e7f5a3d20846", value[::-1]):
            bed.browser.cookies.clear()
            bed.browser.cookies.set("__Host-affiliate", one, domain="aitpro.localhost")
            await bought(bed)
        assert await months(bed) == {}


async def test_no_door_and_no_export_tells_of_a_click(tmp_path: Path) -> None:
    """AIT-10: not the shop's pages, not its own memory of orders, not the privacy centre's copy of the buyer's data."""
    async with shop(tmp_path, "aitpro") as bed:
        (header,) = (await bed.browser.get("/a/harbourpress")).headers.get_list("set-cookie")
        assert "HttpOnly" in header  # no script reads it, ours or another's
        rules = (await bed.browser.get("/")).headers["content-security-policy"]
        assert "default-src 'none'" in rules
        assert "script-src" not in rules or "script-src 'none'" in rules
        number = header.partition(";")[0].partition("=")[2]
        reference, amount = await bought(bed, paid=False)
        pages = [(await bed.browser.get(path)).text for path in ("/", "/cart", "/order", "/account", "/privacy")]
        assert not any(CLIENT in page or number in page for page in pages)
        (who,) = await bed.desk.shop.find("email", "ada@quillfeather.example")
        copy = json.dumps(await bed.desk.shop.export(who))
        assert "affiliate" not in copy
        assert CLIENT not in copy
        assert "harbourpress" not in copy
        await pays(bed, reference, amount)
        kept = on_disk(tmp_path, only="orders.db*")
        assert b"harbourpress" not in kept
        assert CLIENT.encode() not in kept
        assert number.encode() not in kept


async def test_what_an_affiliate_is_told_says_nothing_of_who_bought(tmp_path: Path) -> None:
    """AIT-9: the report holds months, sales and commission; four sales are told to nobody, and the fifth tells of five."""
    async with shop(tmp_path, "aitpro") as bed:
        admin, _ = await bed.desk.staff("anouk", "admin"), await bed.desk.staff("samir", "support")
        owed = []
        for _ in range(5):
            bed.browser.cookies.clear()
            await bed.browser.get("/a/harbourpress")
            owed.append((await bought(bed))[1] * 20 // 100)
            assert await bed.desk.desk.payouts(admin) == []
        bed.desk.clock.now += timedelta(days=31)
        admin, support = [await bed.desk.desk.staff_sign_in(name, PASSWORD) for name in ("anouk", "samir")]
        told = await bed.desk.desk.payouts(admin)
        assert told == [
            {"affiliate": "harbourpress", "after": None, "month": "2026-03", "sales": 5, "commission": sum(owed)}
        ]
        assert await bed.desk.desk.affiliates() == told
        with pytest.raises(Refused):
            await bed.desk.desk.payouts(support)
