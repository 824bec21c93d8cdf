"""What affiliates are owed, on a page of the console: for admins, where the policy has a programme."""

from datetime import timedelta
from pathlib import Path

from tests.desk.beds import Bed
from tests.doors.console.robot import console


async def sold(bed: Bed, count: int, source: str = "harbourpress") -> None:
    """So many sales that clicks led to."""
    for number in range(count):
        name = f"{source} {number}"
        click = {"affiliate-ip": "203.0.113.9", "affiliate-click": name, "affiliate-source": source}
        await bed.desk.collect("affiliate-link", click, affiliate_link=True)
        order = {"name": "Ada Quill", "email": "ada@quill.example", "items": "1 × Bolt"}
        taken = await bed.desk.collect("order", order, referred=name)
        await bed.desk.credit(taken["receipt"], 1180)


async def test_an_admin_sees_months_sales_and_commission_and_nobody_else_does(tmp_path: Path) -> None:
    """AIT-9."""
    async with console(tmp_path, "aitpro", wired=True) as at:
        await sold(at.bed, 6)
        await sold(at.bed, 4, "plainpages")
        anouk = await at.join("anouk", "admin")
        await anouk.submit("/affiliates")
        assert "Nothing to pay yet" in anouk.says  # the month is not over
        at.bed.clock.now += timedelta(days=31)
        await anouk.sign_in("anouk")
        await anouk.submit("/affiliates")
        assert "harbourpress up to 2026-03 6 70.80" in anouk.says
        assert "plainpages" not in anouk.text  # four are too few
        assert "AIT-8" in anouk.says
        samir = await at.join("samir", "support")
        assert not any(one.action == "/affiliates" for one in samir.forms)
        await samir.send("/affiliates", {"session": samir.session})
        assert samir.status == 403
        assert "harbourpress" not in samir.text
        assert at.reports == []


async def test_a_site_without_a_programme_has_no_such_page(tmp_path: Path) -> None:
    async with console(tmp_path, "aitoc") as at:
        anouk = await at.join("anouk", "admin")
        assert not any(one.action == "/affiliates" for one in anouk.forms)
        await anouk.send("/affiliates", {"session": anouk.session})
        assert anouk.status == 400
