"""Which cookies each shop sets, where, for how long: what its policy declares, and nothing more."""

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from avow.doors.guard.opaque import opaque
from tests.desk.beds import SITES
from tests.examples.shop.beds import Bed, form, shop


async def set_while(bed: Bed) -> set[tuple[str, str, str]]:
    """Name, path and lifetime of every cookie that is set while somebody looks at everything and buys."""
    found = set()

    async def note(answer: object) -> None:
        for header in answer.headers.get_list("set-cookie"):  # type: ignore[attr-defined]  # an httpx response
            told = dict(part.strip().partition("=")[::2] for part in header.split(";"))
            name = next(iter(told))
            assert opaque(told[name]) or told.get("Max-Age") == "0", header
            assert {"Secure", "HttpOnly", "SameSite"} <= told.keys(), header
            found.add((name, told["Path"], told.get("Max-Age", "session")))

    bed.browser.event_hooks["response"].append(note)
    for path in (
        "/",
        "/goods/none",
        "/privacy",
        "/promises",
        "/account",
        "/order",
        "/contact",
        "/cart",
        "/checkout",
        "/nowhere",
    ):
        await bed.browser.get(path)
    page = await bed.checkout()
    await (
        bed.order(page) if "email" in form(page, "/checkout/order").fields else bed.send(form(page, "/checkout/order"))
    )
    return found


@pytest.mark.parametrize("site", SITES)
async def test_a_shop_sets_the_cookies_of_its_policy_and_no_other(tmp_path: Path, site: str) -> None:
    """AIM-2, AUD-6, AIT-8, DAM-20: no report either, so nothing had to be taken away."""
    expected = {
        "aimini": set(),
        "aitpro": set(),
        "audiomidi": {("__Secure-cart", path, life) for path in ("/cart", "/checkout") for life in ("session", "0")},
        "aitoc": {("__Host-visit", "/", "session")},
        "daminion": {("__Host-visit", "/", "session"), ("__Host-guest", "/", str(90 * 86_400))},
    }
    async with shop(tmp_path, site) as bed:
        assert await set_while(bed) == expected[site]
        assert [one for one in bed.reports if one.kind == "cookie"] == []


@pytest.mark.parametrize("site", ["daminion", "aitoc"])
async def test_with_global_privacy_control_no_visit_is_followed(tmp_path: Path, site: str) -> None:
    async with shop(tmp_path, site, gpc=True) as bed:
        assert await set_while(bed) == set()
        assert [one for one in bed.reports if one.kind == "cookie"] == []
        assert "Your browser asks not to be followed" in (await bed.browser.get("/cookies")).text


async def test_cookies_are_ended_on_their_page_and_a_returning_guest_is_served_by_nothing_personal(
    tmp_path: Path,
) -> None:
    async with shop(tmp_path, "daminion") as bed:
        await bed.browser.get("/")
        await bed.browser.get("/goods/scan-station")
        assert "You looked at these before" in (await bed.browser.get("/")).text
        page = (await bed.browser.get("/cookies")).text
        assert "Your browser holds visit and guest now" in page
        ended = await bed.send(form(page, "/cookies"), answer="end")
        assert "The cookies of this shop are ended" in ended.text
        assert not bed.browser.cookies
        assert "You looked at these before" not in (await bed.browser.get("/")).text


async def test_one_leaves_and_comes_back_to_the_cart_by_its_cookie(tmp_path: Path) -> None:
    """AUD-7: opaque, good for the cart alone, dead once the order is placed."""
    async with shop(tmp_path, "audiomidi") as bed:
        await bed.cart()
        assert "Cart (1)" in (await bed.browser.get("/cart")).text  # nothing posted: by the cookie alone
        kept = {f"{one.name}={one.value}" for one in bed.browser.cookies.jar}
        checkout = (await bed.browser.get("/checkout")).text
        assert (await bed.order(checkout)).status_code == 303
        assert not bed.browser.cookies
        replayed = await bed.browser.get("/cart", headers={"cookie": "; ".join(kept)})
        assert "Nothing in it yet" in replayed.text


async def test_a_cart_cookie_that_we_did_not_give_out_is_replaced_and_one_of_yesterday_is_over(tmp_path: Path) -> None:
    """AUD-7."""
    async with shop(tmp_path, "audiomidi") as bed:
        planted = "3f9c1b7e5d2a4860b1c9e7f5a3d20846"
        page = (await bed.browser.get("/goods/lark-49")).text
        one = form(page, "/cart", product="lark-49")
        answer = await bed.browser.post("/cart", data=one.fields, headers={"cookie": f"__Secure-cart={planted}"})
        assert planted not in str(answer.headers.get_list("set-cookie"))
        assert "__Secure-cart=" in answer.headers["set-cookie"]
        bed.desk.clock.now += timedelta(hours=13)
        assert "Nothing in it yet" in (await bed.browser.get("/cart")).text


async def test_another_sites_page_cannot_fill_a_cart(tmp_path: Path) -> None:
    """AUD-7."""
    async with shop(tmp_path, "audiomidi") as bed:
        await bed.cart("lark-49")
        told = {"product": "tern-mixer", "add": "1"}
        for headers in ({"sec-fetch-site": "cross-site", "origin": "https://evil.example"}, {}):
            answer = await bed.browser.post("/cart", data=told, headers=headers)
            assert answer.status_code in (400, 403)
            assert "set-cookie" not in answer.headers
        page = (await bed.browser.get("/cart")).text
        assert "Lark" in page
        assert "Tern" not in page


async def test_an_affiliates_link_is_noted_once_for_thirty_days_and_never_extended(tmp_path: Path) -> None:
    """AIT-3, AIT-8."""
    async with shop(tmp_path, "aitpro") as bed:
        assert (await bed.browser.get("/a/nobody")).status_code == 404
        came = await bed.browser.get("/a/harbourpress")
        assert (came.status_code, came.headers["location"]) == (303, "/")
        (header,) = came.headers.get_list("set-cookie")
        assert header.startswith("__Host-affiliate=")
        assert f"Max-Age={30 * 86_400}" in header
        for _ in range(3):
            bed.desk.clock.now += timedelta(days=1)
            again = await bed.browser.get("/a/plainpages")
            assert again.headers.get_list("set-cookie") == []
        rows = counted(tmp_path)
        assert rows == {"affiliate-ip": 1, "affiliate-click": 1, "affiliate-source": 1}
        bed.desk.clock.now += timedelta(days=27, seconds=1)
        await bed.desk.shop.sweep()
        assert counted(tmp_path) == {}
        assert [one for one in bed.reports if one.kind == "cookie"] == []


@pytest.mark.parametrize("path", ["/", "/goods/lockbox", "/a/harbourpress", "/cart"])
async def test_an_affiliate_cookie_that_still_comes_after_its_time_is_refused_and_taken_back(
    tmp_path: Path, path: str
) -> None:
    """AIT-8: by a client that keeps what it should have dropped; and one that was made up, or is another shop's."""
    async with shop(tmp_path, "aitpro") as bed:
        (header,) = (await bed.browser.get("/a/harbourpress")).headers.get_list("set-cookie")
        kept = header.partition(";")[0]
        bed.browser.cookies.clear()
        path = path.replace("lockbox", next(iter(bed.site.products)))
        bed.desk.clock.now += timedelta(days=30)
        on_time = await bed.browser.get(path, headers={"cookie": kept})
        assert "set-cookie" not in on_time.headers  # to the last moment
        bed.desk.clock.now += timedelta(milliseconds=1)
        await bed.desk.shop.sweep()
        assert counted(tmp_path) == {}
        altered = kept[:-4] + "".join("A" if one != "A" else "B" for one in kept[-4:])
        for one in (kept, altered, "__Host-affiliate=3f9c1b7e5d2a4860b1c9e7f5a3d20846"):
            late = await bed.browser.get(path, headers={"cookie": one})
            (back,) = late.headers.get_list("set-cookie")
            assert back.startswith("__Host-affiliate=;")
            assert "Max-Age=0" in back
        assert counted(tmp_path) == {}  # and no click was noted by it


async def test_an_affiliates_link_notes_nothing_of_who_asks_not_to_be_followed(tmp_path: Path) -> None:
    async with shop(tmp_path, "aitpro", gpc=True) as bed:
        came = await bed.browser.get("/a/harbourpress")
        assert came.status_code == 303
        assert "set-cookie" not in came.headers
        assert counted(tmp_path) == {}


def counted(folder: Path) -> dict[str, int]:
    """How many data the vault's file holds of each category."""
    db = sqlite3.connect(folder / "aitpro.db")
    try:
        return dict(db.execute("SELECT category, count(*) FROM datum GROUP BY category").fetchall())
    finally:
        db.close()
