"""A whole purchase at each of the five shops, and what each leaves behind."""

from pathlib import Path

import pytest

from avow.errors import Unavailable
from tests.desk.beds import PASSWORD
from tests.examples.shop.beds import ADA, ANSWERING, form, shop


@pytest.mark.parametrize("site", ANSWERING)
@pytest.mark.parametrize("blocks_cookies", [False, True])
async def test_an_order_goes_from_the_shelf_to_paid_with_and_without_cookies(
    tmp_path: Path, site: str, blocks_cookies: bool
) -> None:
    async with shop(tmp_path, site, blocks_cookies=blocks_cookies) as bed:
        sent = await bed.order(await bed.checkout())
        assert sent.status_code == 303
        assert sent.headers["location"].startswith("https://pay.localhost:8443/pay/")
        assert "Paid" in (await bed.paid(sent.headers["location"])).text
        ((_, _, body),) = bed.notices
        held = await bed.held()
        asked = {one for one in held if one in ADA}
        assert held["items"].startswith("1 × ")
        assert held["payment-reference"].startswith("P-")
        assert {name: held[name] for name in asked} == {name: ADA[name] for name in asked}
        reference = body.decode().partition('"reference"')[2].split('"')[1]
        page = (await bed.browser.get("/order")).text
        seen = (await bed.send(form(page, "/order"), reference=reference.lower().replace("-", " "))).text
        assert "The order is paid." in seen
        assert not any(value in seen for value in ADA.values())
        assert [one for one in bed.reports if one.kind != "link"] == []


async def test_a_large_cart_is_no_card_number_and_is_taken_in_whole(tmp_path: Path) -> None:
    async with shop(tmp_path, "daminion") as bed:
        page = await bed.cart()
        for product in bed.site.products.values():
            shelf = (await bed.send(form(page, "/"))).text
            page = (await bed.send(form(shelf, "/cart", product=product.slug), count="44")).text
        sent = await bed.order((await bed.send(form(page, "/checkout"))).text)
        assert sent.status_code == 303
        assert (await bed.held())["items"].count("44 × ") == 2  # the first has one more


async def test_a_shop_whose_desk_cannot_be_reached_says_so_and_loses_no_cart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shop(tmp_path, "aitpro") as bed:
        page = await bed.checkout()

        async def gone(*_: object, **__: object) -> None:
            raise Unavailable("no way to the vault")

        with monkeypatch.context() as broken:
            broken.setattr(bed.desk.desk, "collect", gone)
            answer = await bed.order(page)
        assert (answer.status_code, "Cart (1)" in answer.text) == (503, True)
        assert (await bed.order(page)).status_code == 303


async def test_a_shop_that_asks_its_desk_over_a_socket_sells_just_the_same(tmp_path: Path) -> None:
    async with shop(tmp_path, "audiomidi", over_a_socket=True) as bed:
        page = await bed.checkout()
        sent = await bed.order(page, password=PASSWORD, **{"AUD-11.interest-news": "yes"}, interest="harps")
        await bed.paid(sent.headers["location"])
        assert (await bed.held())["payment-reference"].startswith("P-")
        page = await bed.checkout()
        back = await bed.send(form(page, "/checkout/sign-in"), contact=ADA["email"], password=PASSWORD)
        assert "Filled in with what you gave us before" in back.text
        card = await bed.order(back.text, name="4242 4242 4242 4242")
        assert card.status_code in (400, 422)
        assert (await bed.order(back.text)).status_code == 303
