"""affiliates report."""

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from avow.app import Avow
from avow.desk.desk import Desk
from tests.cli.terminal import Terminal

POLICIES = Path(__file__).parents[2] / "policies"
URL = "sqlite:///shop.db"
MARCH = datetime(2026, 3, 10, 12, tzinfo=UTC)


async def _sold(count: int, source: str) -> None:
    """So many sales in a month that is over."""
    async with Avow.open(POLICIES / "aitpro.yaml", URL, private="attested", clock=lambda: MARCH) as shop:
        desk = Desk(shop, os.urandom)
        for number in range(count):
            name = f"{source}-{number}"
            click = {"affiliate-ip": "203.0.113.9", "affiliate-click": name, "affiliate-source": source}
            await desk.collect("affiliate-link", click, affiliate_link=True)
            order = {"name": "Ada Quill", "email": "ada@quill.example", "items": "1 × Bolt"}
            await desk.credit((await desk.collect("order", order, referred=name))["receipt"], 1180)


@pytest.fixture
def affiliates(terminal: Terminal, here: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal whose environment names a site with sales."""
    monkeypatch.setenv("AVOW_POLICY", str(POLICIES / "aitpro.yaml"))
    monkeypatch.setenv("AVOW_DATABASE", URL)
    asyncio.run(_sold(5, "harbourpress"))
    asyncio.run(_sold(1, "plainpages"))
    return terminal


def test_the_report_has_months_sales_and_commission_and_one_sale_alone_is_in_none(affiliates: Terminal) -> None:
    """AIT-9."""
    told = {"affiliate": "harbourpress", "after": None, "month": "2026-03", "sales": 5, "commission": 5900}
    assert affiliates("affiliates", "report", "--json").json == {"payouts": [told]}
    assert affiliates("affiliates", "report", "--affiliate", "harbourpress", "--json").json == {"payouts": [told]}
    ran = affiliates("affiliates", "report")
    assert "harbourpress" in ran.out
    assert "5,900" in ran.out
    assert "plainpages" not in ran.out
    assert "nothing is owed yet" in affiliates("affiliates", "report", "--affiliate", "plainpages").out


def test_a_policy_without_a_programme_is_told_so(affiliates: Terminal) -> None:
    ran = affiliates("affiliates", "report", "--policy", str(POLICIES / "aitoc.yaml"))
    assert ran.status == 2
    assert "no affiliate programme" in ran.err
