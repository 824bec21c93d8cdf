"""AIM-2, AUD-6, AUD-7, AIT-8, DAM-20: only declared cookies, as declared, and nothing in them."""

from datetime import timedelta

import pytest

from avow.doors.guard.cookies import Asked, hold
from avow.doors.guard.rules import rules_of
from tests.doors.guard.sites import ECHO, NOW, TOKEN, cookie_app, kinds, named, visit
from tests.policy.five import SITES, policy_of


@pytest.mark.parametrize("site", SITES)
async def test_a_cookie_that_nobody_declared_is_stripped_and_reported_with_the_promise(site: str) -> None:
    expected = {"aimini": {"AIM-2"}, "audiomidi": {"AUD-6"}, "aitpro": {"AIT-3", "AIT-8"}, "daminion": {"DAM-20"}}
    async with visit(cookie_app(f"tracker={TOKEN}; Path=/"), site) as (client, reports):
        answer = await client.get("/cart")
    assert "set-cookie" not in answer.headers
    assert kinds(reports) == ["cookie"]
    assert expected.get(site, set()) <= named(reports)
    assert TOKEN not in str(reports)


@pytest.mark.parametrize(
    "header",
    [
        f"cart={TOKEN}; Path=/cart",
        f"CART={TOKEN}",
        f"__Host-cart={TOKEN}; Path=/",
        f"=cart={TOKEN}",
        "nothing",
        "",
        f"a=1\r\nSet-Cookie: b={TOKEN}",
        f"buyer={TOKEN}; Path=/",
    ],
)
async def test_aim_2_no_way_of_writing_it_sets_a_cookie_where_none_is_promised(header: str) -> None:
    async with visit(cookie_app(header, header, header), "aimini") as (client, reports):
        answer = await client.get("/")
    assert "set-cookie" not in answer.headers
    assert len(reports) == 3


async def test_aud_6_the_cart_cookie_is_set_on_its_paths_and_nowhere_else() -> None:
    async with visit(cookie_app(f"cart={TOKEN}; Path=/cart; Secure; HttpOnly; SameSite=Lax")) as (client, reports):
        for path in ("/cart", "/cart/add", "/checkout"):
            assert (await client.get(path)).headers["set-cookie"] == (
                f"__Secure-cart={TOKEN}; Path=/cart; Secure; HttpOnly; SameSite=Lax"
            )
        assert reports == []
        for path in ("/", "/cartoon", "/shop/cart", "/CART", "/%63art2"):
            assert "set-cookie" not in (await client.get(path)).headers
    assert named(reports) == {"AUD-6"}
    assert len(reports) == 5


async def test_aud_6_a_path_that_is_too_wide_becomes_the_declared_ones() -> None:
    async with visit(cookie_app(f"cart={TOKEN}; Path=/; Secure; HttpOnly; SameSite=Strict")) as (client, reports):
        answer = await client.get("/cart")
    assert answer.headers.get_list("set-cookie") == [
        f"__Secure-cart={TOKEN}; Path={path}; Secure; HttpOnly; SameSite=Strict" for path in ("/cart", "/checkout")
    ]
    assert [report.says for report in reports] == ["the cookie `cart` had a wider path than declared; narrowed"]


async def test_aud_7_flags_that_were_left_out_are_added_and_a_domain_is_dropped() -> None:
    async with visit(cookie_app(f"cart={TOKEN}; Path=/cart; Domain=example; SameSite=None")) as (client, reports):
        header = (await client.get("/cart")).headers["set-cookie"]
    assert header == f"__Secure-cart={TOKEN}; Path=/cart; Secure; HttpOnly; SameSite=Lax"
    assert "AUD-7" not in named(reports)  # it says for what it may not be set; AUD-6 declares it
    assert kinds(reports) == ["cookie"]


@pytest.mark.parametrize("life", ["Max-Age=3600", "Expires=Thu, 01 Jan 2037 00:00:00 GMT", "MAX-AGE=99; expires=x"])
async def test_a_session_cookie_does_not_outlive_the_session(life: str) -> None:
    async with visit(cookie_app(f"cart={TOKEN}; {life}; Path=/cart; Secure; HttpOnly; SameSite=Lax")) as (
        client,
        reports,
    ):
        header = (await client.get("/cart")).headers["set-cookie"]
    assert "age" not in header.lower().replace("max-age", "age")
    assert "expires" not in header.lower()
    assert kinds(reports) == ["cookie"]


@pytest.mark.parametrize("life", ["Max-Age=0", "Max-Age=-5", "Expires=Thu, 01 Jan 1970 00:00:00 GMT"])
async def test_a_declared_cookie_may_always_be_removed(life: str) -> None:
    async with visit(cookie_app(f"cart=gone; {life}")) as (client, reports):
        headers = (await client.get("/elsewhere")).headers.get_list("set-cookie")
    assert [header.split(";")[1] for header in headers] == [" Path=/cart", " Path=/checkout"]
    assert all(header.startswith("__Secure-cart=;") and "Max-Age=0" in header for header in headers)
    assert reports == []


# -- AIT-8: thirty days, from an affiliate's link, never extended --------------------------------------------------

AFFILIATE = f"affiliate={TOKEN}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age="


async def test_ait_8_the_affiliate_cookie_needs_the_link_and_lives_thirty_days_at_most() -> None:
    month = 30 * 86400
    async with visit(cookie_app(AFFILIATE + "99999999", facts=["affiliate-link"]), "aitpro") as (client, reports):
        header = (await client.get("/")).headers["set-cookie"]
    assert header == f"__Host-affiliate={TOKEN}; Path=/; Max-Age={month}; Secure; HttpOnly; SameSite=Lax"
    assert named(reports) >= {"AIT-8"}
    async with visit(cookie_app(AFFILIATE + "60"), "aitpro") as (client, reports):
        assert "set-cookie" not in (await client.get("/")).headers
    assert "without affiliate-link" in reports[0].says
    assert named(reports) == {"AIT-3", "AIT-8"}


async def test_ait_8_a_cookie_that_is_held_is_never_extended() -> None:
    async with visit(cookie_app(AFFILIATE + "60", facts=["affiliate-link"]), "aitpro") as (client, reports):
        answer = await client.get("/", headers={"Cookie": f"__Host-affiliate={TOKEN}"})
    assert "set-cookie" not in answer.headers
    assert "never extended" in reports[0].says


def test_ait_8_an_expiry_date_counts_from_now() -> None:
    rules = rules_of(policy_of("aitpro"))
    asked = Asked("/", {"affiliate-link"}, frozenset(), False, NOW)
    for days, expected in ((31, 30 * 86400), (2, 2 * 86400)):
        date = (NOW + timedelta(days=days)).strftime("%a, %d %b %Y %H:%M:%S GMT")
        headers, _ = hold(rules, f"affiliate={TOKEN}; Expires={date}".encode(), asked)
        assert f"Max-Age={expected};" in headers[0].decode()


# -- Sec-GPC --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("site", "cookie", "facts", "kept"),
    [
        ("audiomidi", "cart", [], True),
        ("aitpro", "affiliate", ["affiliate-link"], False),
        ("daminion", "visit", [], False),
        ("daminion", "guest", [], False),
    ],
)
async def test_sec_gpc_stops_what_is_not_strictly_needed(site: str, cookie: str, facts: list[str], kept: bool) -> None:
    async with visit(cookie_app(f"{cookie}={TOKEN}", facts=facts), site) as (client, _):
        assert "set-cookie" in (await client.get("/cart")).headers
        assert ("set-cookie" in (await client.get("/cart", headers={"Sec-GPC": "1"})).headers) == kept


async def test_sec_gpc_is_told_to_the_application_and_hides_cookies_that_are_not_needed() -> None:
    async with visit(ECHO, "daminion") as (client, _):
        cookies = {"Cookie": f"__Host-guest={TOKEN}"}
        assert (await client.get("/", headers=cookies)).json()["cookies"] == {"guest": TOKEN}
        told = (await client.get("/", headers=cookies | {"Sec-GPC": "1"})).json()
    assert (told["gpc"], told["cookies"]) == (True, {})


# -- what the application sees ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        (f"__Secure-cart={TOKEN}", {"cart": TOKEN}),
        (f"cart={TOKEN}", {}),
        (f"other=1; __Secure-cart={TOKEN}; __Host-cart={TOKEN}", {"cart": TOKEN}),
        (f"__Secure-cart={TOKEN}; __Secure-cart=pJ3x_Qm8rT-vZ0kLw9bYhX", {"cart": TOKEN}),
        ("__Secure-cart=ada@example.com", {}),
        (f"__secure-cart={TOKEN}", {}),
    ],
)
async def test_the_application_sees_declared_cookies_alone(sent: str, seen: dict[str, str]) -> None:
    async with visit(ECHO) as (client, _):
        assert (await client.get("/cart", headers={"Cookie": sent})).json()["cookies"] == seen


async def test_aud_7_a_form_of_another_site_comes_without_the_cookie() -> None:
    headers = {"Cookie": f"__Secure-cart={TOKEN}", "Sec-Fetch-Site": "cross-site"}
    async with visit(ECHO) as (client, _):
        assert (await client.post("/cart", headers=headers)).json()["cookies"] == {}
        assert (await client.get("/cart", headers=headers)).json()["cookies"] == {"cart": TOKEN}


async def test_many_cookies_at_once_are_each_held() -> None:
    many = [f"tracker{n}={TOKEN}" for n in range(500)] + [f"visit={TOKEN}; Path=/; Secure; HttpOnly; SameSite=Lax"]
    async with visit(cookie_app(*many), "daminion") as (client, reports):
        answer = await client.get("/")
    assert len(answer.headers.get_list("set-cookie")) == 1
    assert len(reports) == 500
