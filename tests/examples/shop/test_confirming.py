"""The shop's confirmations: an ordinary mail to the gateway; without it an order stands all the same."""

import asyncio
import logging
import ssl
from pathlib import Path

import pytest

from examples.shop.confirming import Confirming
from tests.doors.gateway.stations import ADA, Station, station


def confirming(at: Station, tls: ssl.SSLContext, port: int) -> Confirming:
    return Confirming(
        port, "orders@daminion", at.passwords["orders"], tls, at.bed.policy, "Daminion", "https://x/order"
    )


async def test_who_ordered_gets_the_reference_once_and_who_did_not_gets_nothing(tmp_path: Path) -> None:
    async with station(tmp_path) as at:
        await at.sender("orders", "order-status")
        order = {
            "name": "Ada",
            "email": ADA,
            "shipping-address": "7 Lane",
            "billing-address": "7 Lane",
            "phone": "+1 555 0100",
        }
        await at.bed.desk.collect("order", order)
        confirm = confirming(at, at.tls, at.port)
        for to in (ADA, ADA, "eve@x.example"):
            confirm(to, "KXQT-BWDM-HRJZ-LPNC", 1200)
            await asyncio.wait(confirm._under_way)
        assert [to for _, to, _, _ in at.office.taken] == [[ADA]]
        assert "KXQT-BWDM-HRJZ-LPNC" in at.office.messages()[0].get_content()


async def test_a_gateway_that_is_away_is_no_trouble_and_no_log_says_for_whom(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with station(tmp_path) as at:
        at.passwords["orders"] = "x"
        confirm = confirming(at, at.tls, 1)
        confirm(ADA, "KXQT-BWDM-HRJZ-LPNC", 1200)
        await asyncio.wait(confirm._under_way)
    assert "did not go out" in caplog.text
    assert ADA not in caplog.text
