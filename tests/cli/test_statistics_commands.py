"""stats goods, release, show; and the files that a release is written to."""

import asyncio
import csv
import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from arro3.io import read_parquet
from PIL import Image

from avow.app import Avow
from avow.desk.desk import Desk
from avow.desk.interface import Operator
from avow.wire import serving
from tests.cli.terminal import Terminal

POLICY = Path(__file__).parents[2] / "policies" / "audiomidi.yaml"
URL = "sqlite:///shop.db"
GOODS = ("Lark 49 keyboard", "Tern desk mixer")
JANUARY = ("--from", "2026-01", "--to", "2026-01")
LARKS = ("stats", "release", "--by", "items", *JANUARY, "--for", "trade-press")


async def _fill() -> None:
    async with Avow.open(POLICY, URL, clock=lambda: datetime(2026, 1, 10, tzinfo=UTC)) as shop:
        for number in range(400):
            await shop.collect("cart", {"items": f"1 × {GOODS[number >= 300]} at $219.00"})


@pytest.fixture
def shop(terminal: Terminal, here: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal whose environment names a site with 300 buyers of one thing and 100 of another, in January."""
    monkeypatch.setenv("AVOW_POLICY", str(POLICY))
    monkeypatch.setenv("AVOW_DATABASE", URL)
    asyncio.run(_fill())
    (here / "goods").write_text("\n".join(GOODS), "utf-8")
    return terminal


def test_figures_are_released_shown_and_written_for_people_and_machines(shop: Terminal, here: Path) -> None:
    """AUD-10."""
    assert "declared 2 names" in shop("stats", "goods", "goods").out
    files = [word for kind in ("csv", "parquet", "svg", "png") for word in (f"--{kind}", f"larks.{kind}")]
    ran = shop(*LARKS, *files)
    assert ran.status == 0, ran.err
    assert "People by items, January 2026" in ran.out
    assert "By promise AUD-10" in ran.out
    told = shop(*LARKS, "--json").json
    one, other = told["figures"]
    assert abs(one - 300) < 150
    assert abs(other - 100) < 150  # 250 times less likely than winning a lottery
    rows = list(csv.reader(io.StringIO((here / "larks.csv").read_text())))
    assert rows == [["items", "count"], [GOODS[0], str(one)], [GOODS[1], str(other)]]
    table = read_parquet(here / "larks.parquet").read_all()
    assert (table.column_names, table["items"].to_pylist()) == (["items", "count"], list(GOODS))
    assert table["count"].to_pylist() == [one, other]
    drawn = ET.fromstring((here / "larks.svg").read_text())
    assert {f"{one:,}", f"{other:,}", GOODS[0], "People by items, January 2026"} <= {text.text for text in drawn.iter()}
    with Image.open(here / "larks.png") as image:
        assert (image.width, image.format) == (1440, "PNG")
        assert len(image.getcolors(1 << 20) or ()) > 3
    shown = shop("stats", "show").out
    assert "trade-press, statistics; AUD-10" in shown
    assert "people/2026: 0.25 of 2 spent" in shown
    assert shop("stats", "show", "--json").json["releases"][0]["figures"] is None


@pytest.mark.parametrize(
    ("args", "status", "says"),
    [
        (("--by", "email", "--for", "trade-press"), 1, "refused by AUD-10"),
        (("--by", "items", "--for", "list-broker:somebody"), 1, "refused by"),
        (("--by", "items", "--for", "nobody"), 2, "declares no recipient `nobody`"),
        (("--by", "month"), 2, "--of"),
        (("--of", "items", "--by", "shoes"), 2, "what people type freely is none"),
        (("--by", "items", "--for", "trade-press", "--epsilon", "0.2500001"), 2, "three digits"),
        (("--by", "items", "--for", "trade-press", "--epsilon", "-1"), 2, "a number like 0.25"),
        (("--by", "items", "--for", "trade-press", "--epsilon", "7"), 2, "0.001 to 1"),
        (("--by", "item", "--for", "trade-press"), 2, "did you mean `items`?"),
    ],
)
def test_what_cannot_be_released_says_why(shop: Terminal, args: tuple[str, ...], status: int, says: str) -> None:
    shop("stats", "goods", "goods")
    for_ = () if "--for" in args else ("--for", "trade-press")
    ran = shop("stats", "release", *JANUARY, *args, *for_)
    assert (ran.status, says in " ".join(ran.err.split())) == (status, True), ran.err


def test_nothing_is_released_before_the_goods_are_declared(shop: Terminal, here: Path) -> None:
    ran = shop(*LARKS)
    assert (ran.status, "avow stats goods" in ran.err) == (2, True)
    (here / "goods").write_text("Lark\nada@example.com\n")
    ran = shop("stats", "goods", "goods")
    assert (ran.status, "key 2 is no name of goods" in ran.err, "ada" in ran.err) == (2, True, False)
    ran = shop("stats", "goods", "goods", "--category", "email")
    assert (ran.status, "can be no dimension" in ran.err) == (2, True)
    assert shop("stats", "show").out == "nothing was released\n"


def test_the_commands_speak_to_the_site_that_is_served(shop: Terminal, here: Path) -> None:
    async def served() -> Any:
        at = here / "operator"
        async with Avow.open(POLICY, URL) as site, serving(Desk(site, bytes), str(at), contract=Operator):
            await asyncio.to_thread(shop, "stats", "goods", "goods", "--operator", at)
            return await asyncio.to_thread(shop, *LARKS, "--operator", at, "--json")

    assert len(asyncio.run(served()).json["figures"]) == 2
