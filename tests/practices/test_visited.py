"""Figures of visits: TOC-9, DAM-9, out of the cells that were counted apart from persons."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from avow.app import Avow
from avow.errors import CallError, Refused
from avow.practices.statistics import Wish, offers
from avow.store.visits import DAY, Cell, Visited
from tests.practices.test_statistics import AITOC, AUDIOMIDI, DAMINION, OPERATOR, counted
from tests.shops import Clock, opened

JANUARY = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1000)
BROWSERS = Wish(("browser-type",), ("browser-type",), "2026-01", "2026-01", "analysts", "statistics")
SECTIONS = Wish(("visit-section",), ("visit-section",), "2026-01", "2026-01", "reseller", "statistics")


@asynccontextmanager
async def site(folder: Path, policy: Any, *cells: tuple[int, dict[str, str], int]) -> AsyncIterator[Avow]:
    """A site in February whose visits of January are these: day, category and value, how many."""
    stored = Visited.open(folder / f"{policy.site}.visits.db", policy.site)
    stored.add(Cell(JANUARY + day * DAY, 24, dimensions, visits) for day, dimensions, visits in cells)
    stored.close()
    clock = Clock(datetime(2026, 2, 2, tzinfo=UTC))
    async with opened(folder, clock, policy=policy, private="attested", sequence_every=Clock.NEVER) as shop:
        yield shop


async def test_visits_are_counted_by_a_closed_list_whatever_is_stored(tmp_path: Path) -> None:
    """TOC-9: that a value was stored tells nothing; what is none of the list is `other`."""
    cells: tuple[tuple[int, dict[str, str], int], ...] = (
        (0, {"browser-type": "Firefox"}, 20), (9, {"browser-type": "Firefox"}, 5), (9, {"browser-type": "other"}, 7),
        (9, {"browser-type": "ada@example.com"}, 6), (9, {"operating-system": "Linux"}, 90), (31, {"browser-type": "Edge"}, 9),
        (0, {}, 38), (-1, {}, 50),
    )  # fmt: skip
    async with site(tmp_path, AITOC, *cells) as shop:
        told = await shop.statistics.release(BROWSERS, OPERATOR)
        assert (told["unit"], told["promises"], told["datasets"]) == ("visit", ["TOC-9"], ["visits/2026"])
        assert told["axes"] == [
            ["Chrome", "Edge", "Firefox", "Internet Explorer", "Opera", "Safari", "Samsung Internet", "other"]
        ]
        assert await counted(shop, BROWSERS._replace(epsilon=251)) == [0, 0, 25, 0, 0, 0, 0, 13]
        assert await counted(shop, BROWSERS._replace(by=())) == [38]
        both = BROWSERS._replace(by=("month",), first="2025-12")
        assert await counted(shop, both) == [50, 38]


async def test_a_visit_goes_to_several_parts_of_the_site_and_the_noise_is_for_all_of_them(tmp_path: Path) -> None:
    """DAM-9: parts of the site are those that the merchant declared."""
    cells = ((0, {"visit-section": "cart"}, 30), (0, {"visit-section": "home"}, 40), (0, {"visit-section": "x"}, 6))
    async with site(tmp_path, DAMINION, *cells) as shop:
        with pytest.raises(CallError, match="avow stats goods --category visit-section"):
            await shop.statistics.release(SECTIONS, OPERATOR)
        await shop.statistics.declare("visit-section", [*map("part {}".format, "abcdefghijklm"), "home", "cart"])
        assert await counted(shop, SECTIONS) == [30, 40, *[0] * 13, 6]
        told = await shop.statistics.release(SECTIONS, OPERATOR)
        assert (told["each"], told["least"]) == (12, 189)
        assert await counted(shop, SECTIONS._replace(epsilon=251)) == [30, 40, *[0] * 13, 6]
        lasting = SECTIONS._replace(of=("visit-time",), by=("visit-time",))
        assert len(await counted(shop, lasting)) == 5
        regions = SECTIONS._replace(
            of=("visit-region",), by=("visit-region",), recipient=None, purpose="visit-statistics"
        )
        assert len(await counted(shop, regions)) == 6


async def test_visits_go_to_nobody_and_with_nothing_that_the_promises_do_not_say(tmp_path: Path) -> None:
    """TOC-9, TOC-10, DAM-23: addresses never, agencies never, and no visit together with a person."""
    async with site(tmp_path, DAMINION) as shop:
        for wish in (
            SECTIONS._replace(of=("ip",), by=()), SECTIONS._replace(recipient="list-company"),
            SECTIONS._replace(purpose="marketing"), SECTIONS._replace(recipient=None, purpose="patterns"),
        ):  # fmt: skip
            with pytest.raises(Refused):
                await shop.statistics.release(wish, OPERATOR)
        for of in (("visit-region", "items"), ("visit-region", "visit-time")):
            with pytest.raises(CallError, match=r"together|one category"):
                await shop.statistics.release(SECTIONS._replace(of=of, by=of), OPERATOR)
        assert await shop.statistics.budgets() == []


async def test_where_no_visits_are_counted_it_is_said_where_they_belong(tmp_path: Path) -> None:
    clock = Clock(datetime(2026, 2, 2, tzinfo=UTC))
    async with opened(tmp_path, clock, policy=AITOC, sequence_every=Clock.NEVER) as shop:
        with pytest.raises(CallError, match=r"aitoc\.visits\.db"):
            await shop.statistics.release(BROWSERS, OPERATOR)
        assert await shop.statistics.budgets() == []


def test_a_role_is_offered_the_visits_that_the_promises_let_it_have() -> None:
    assert [one.of for one in offers(AITOC, "admin") if one.recipient] == [
        ("browser-type",), ("operating-system",), ("page-use",),
    ]  # fmt: skip
    assert ("ip",) not in [one.of for role in DAMINION.roles for one in offers(DAMINION, role)]
    assert [one.of for one in offers(AUDIOMIDI, "admin")] == [("items",)] * 2  # `visits` stands for nothing there
