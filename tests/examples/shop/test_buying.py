"""A whole purchase at each of the five shops, and what each leaves behind."""

from pathlib import Path

import pytest

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
