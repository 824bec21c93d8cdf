"""What somebody tries at the running demo who means no good: old ciphers, another browser's place, another site's keys."""

import socket
import ssl
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Request, expect

from avow.demo.buying import BUYER, CARD
from avow.demo.places import SITES
from tests.journeys.browsing import Customer, customer
from tests.journeys.running import Running

pytestmark = pytest.mark.xdist_group("journeys")
GIVEN: Final = BUYER.given() | CARD


def spoken(demo: Running, origin: str, newest: ssl.TLSVersion) -> str:
    """The version of TLS that is agreed on with a caller who knows none newer."""
    parts = urlsplit(origin)
    trusted = ssl.create_default_context(cafile=str(demo.house.certificates.authority))
    trusted.set_ciphers("ALL:@SECLEVEL=0")  # so that it is the server who says no
    trusted.minimum_version, trusted.maximum_version = ssl.TLSVersion.MINIMUM_SUPPORTED, newest
    with (
        socket.create_connection(("127.0.0.1", parts.port or 443), timeout=10) as plain,
        trusted.wrap_socket(plain, server_hostname=parts.hostname) as line,
    ):
        return line.version() or ""


def origins(demo: Running) -> list[str]:
    sites = [at(site) for site in SITES for at in (demo.at.shop, demo.at.centre, demo.at.console)]
    return [*sites, demo.at.pay, demo.at.keyhouse]


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_no_door_speaks_a_weak_version_of_tls(demo: Running) -> None:
    """AUD-3, DAM-15, AIM-8."""
    for origin in origins(demo):
        assert spoken(demo, origin, ssl.TLSVersion.TLSv1_2) == "TLSv1.2"
        for weak in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            with pytest.raises((ssl.SSLError, ConnectionError)):
                spoken(demo, origin, weak)


def test_what_is_sent_without_tls_is_answered_by_no_door(demo: Running) -> None:
    """AUD-3, DAM-15, AIM-8, AUD-7: the cart's cookie, as somebody would send it who had it."""
    for origin in origins(demo):
        parts = urlsplit(origin)
        with socket.create_connection(("127.0.0.1", parts.port or 443), timeout=10) as plain:
            plain.sendall(f"GET /cart HTTP/1.1\r\nHost: {parts.netloc}\r\nCookie: __Secure-cart=0\r\n\r\n".encode())
            with suppress(ConnectionResetError):
                assert b"HTTP/" not in plain.recv(4096)


def at_keyhouse(one: Customer, demo: Running) -> None:
    one.page.goto(demo.at.shop("aimini") + "/")
    one.press("Add to cart")
    one.press("To the checkout")
    one.press("Buy at Keyhouse")
    assert one.page.url.startswith(demo.at.keyhouse)


def test_keyhouse_knows_its_buyer_again_in_the_same_browser_and_the_shop_never_sees_by_what(
    browser: Browser, demo: Running
) -> None:
    """AIM-4, AIM-13, AIM-5."""
    address = demo.at.shop("aimini")
    with customer(browser) as one:
        at_keyhouse(one, demo)
        one.fill(GIVEN, "main")
        one.press("Pay")
        (cookie,) = one.context.cookies()
        assert (cookie["name"], cookie["httpOnly"], cookie["secure"]) == ("__Host-buyer", True, True)
        assert one.context.cookies(address + "/") == []
        assert not any(said.casefold() in cookie["value"].casefold() for said in (*GIVEN.values(), "ottoline", "4242"))
        asked: list[Request] = []
        one.page.on("request", lambda request: asked.append(request))  # noqa: PLW0108 - Playwright takes no built-in method
        at_keyhouse(one, demo)
        expect(one.page.locator("[name='postal-address']")).to_have_value(GIVEN["postal-address"])
        expect(one.page.locator("[name='card']")).to_have_value("")
        theirs = [request for request in asked if request.url.startswith(address)]
        assert theirs
        assert not any("cookie" in request.all_headers() for request in theirs)
        stolen = cookie | {"url": address + "/"}  # the merchant's page, if it could have it
        stolen = {name: value for name, value in stolen.items() if name in {"name", "value", "url"}}
    with customer(browser) as another:
        at_keyhouse(another, demo)
        expect(another.page.locator("[name='postal-address']")).to_have_value("")
        another.context.add_cookies([stolen | {"secure": True}])  # type: ignore[list-item]  # it is what one gave us
        another.page.goto(address + "/")
        assert GIVEN["name"] not in another.page.content()
