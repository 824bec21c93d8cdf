"""What was typed in the shops is in no file of any process: vaults, ledgers, the shops' and the companies' books, logs."""

import asyncio

import pytest

from avow.demo.buying import BUYER, CARD, buy
from avow.demo.loopback import client
from avow.demo.places import SITES
from avow.demo.visitor import Visitor
from avow.residue import scan
from tests.journeys.running import Running

pytestmark = pytest.mark.xdist_group("journeys")


def typed() -> dict[str, bytes]:
    """Everything that the buyer gave, by what it is."""
    given = BUYER.given() | {"street": BUYER.street, "card": CARD["card"], "digits": CARD["card"].replace(" ", "")}
    return {name: value.encode() for name, value in given.items() if name not in {"items", "order-state"}}


def test_nothing_that_a_buyer_typed_is_found_in_any_byte_on_disk(demo: Running) -> None:
    """AIM-5, AIM-8, AIM-9, AIT-22, DAM-16, DAM-17, TOC-12, AUD-4."""

    async def shopping() -> None:
        async with client(demo.house.certificates.authority) as asking:
            for site in SITES:
                assert await buy(Visitor(asking), demo.at, site) == "paid"

    asyncio.run(shopping())
    found, size = scan(demo.house.folder, typed())
    assert found == []
    assert size > 1_000_000


def test_the_search_finds_one_value_that_somebody_wrote_down(demo: Running) -> None:
    """AIM-5, TOC-12."""
    slip = demo.house.folder / "logs" / "slip.log"
    slip.write_text(f"GET /order?name={BUYER.name.upper()}\n")
    try:
        found, _ = scan(demo.house.folder, typed())
    finally:
        slip.unlink()
    assert {(one.label, one.file) for one in found} == {("name", slip)}


def test_what_no_secret_is_stands_there_to_be_read(demo: Running) -> None:
    """So the files are the right ones: beside each site's log lie the texts that it published."""
    found, _ = scan(demo.house.folder, {site: f"site: {site}".encode() for site in SITES})
    assert {one.label for one in found} == set(SITES)
