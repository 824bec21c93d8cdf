"""The pages of visits: shown to who may see them, refused with the promise to everybody else, and nobody found in them."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from avow.doors.console.pictures import Column, columns, share, week
from avow.doors.console.visits import SPANS
from avow.store.visits import DAY, HOUR
from avow.visits import Counted
from tests.doors.console.robot import Robot, Site, console
from tests.visits.beds import FIREFOX, address, policy

MINUTE = 60_000


class Seen(NamedTuple):
    at: Site
    counted: Counted
    now: int


@asynccontextmanager
async def visited(folder: Path, site: str, visitors: int = 40) -> AsyncIterator[Seen]:
    """A console over a site that has had visits yesterday and today, of 40 visitors each."""
    counted = Counted.open(policy(site), folder / "visits", random=Random(1).randbytes, now=0)
    async with console(folder, site, counted=counted) as at:
        now = int((await at.desk.about())["now"])
        for day in (now - DAY, now - 2 * HOUR):
            for number in range(visitors):
                for part in ("home", "goods")[: 1 + number % 2]:
                    counted.page(day, address(number), FIREFOX, part, "")
                counted.answered(day, address(number), 200)
            counted.settle(day + 90 * MINUTE)
        counted.settle(now)
        yield Seen(at, counted, now)
    counted.close()


@pytest.mark.parametrize(
    ("site", "words", "promise"),
    [
        ("daminion", ("Europe and around", "goods", "under 1 minute"), "DAM-6"),
        ("aitoc", ("Firefox", "Linux", "goods", "different ones"), "TOC-7"), ("aitpro", ("other",), "AIT-4"),
    ],
)  # fmt: skip
async def test_an_admin_sees_what_is_promised_and_by_which_promise(tmp_path, site, words, promise) -> None:
    """DAM-6, TOC-7, AIT-4."""
    async with visited(tmp_path, site) as seen:
        kim = await seen.at.join("kim", "admin")
        await kim.submit("/visits")
        assert all(word in kim.text for word in (*words, promise, "<svg", "80"))
        assert seen.at.reports == []
        for span in SPANS:
            assert (await kim.send("/visits", {"session": kim.session, "span": span})).status == 200
        assert "<script" not in kim.text
        assert 'style="' not in kim.text


@pytest.mark.parametrize("role", ["marketing", "support", "fulfilment", "contest-desk"])
async def test_other_roles_are_refused_with_the_promise_and_offered_nothing(tmp_path, role) -> None:
    """DAM-5, DAM-6, DAM-23."""
    async with visited(tmp_path, "daminion") as seen:
        kim = await seen.at.join("kim", role)
        assert 'action="/visits"' not in kim.text
        await kim.send("/visits", {"session": kim.session})
        assert kim.status == 403
        await kim.send("/visits/addresses", {"session": kim.session, "purpose": "diagnose"})
        assert (kim.status, "DAM-5" in kim.text, address(1) in kim.text) == (403, True, False)
        await kim.send("/visits/live", {"session": kim.session})
        assert (kim.status, "about" in kim.text) == (403, False)
        assert "the person can see it" not in kim.text  # there is none


async def test_an_admin_sees_addresses_for_diagnosis_and_for_nothing_else(tmp_path) -> None:
    """DAM-5, DAM-23."""
    async with visited(tmp_path, "daminion") as seen:
        kim = await seen.at.join("kim", "admin")
        await kim.submit("/visits")
        await kim.submit("/visits/addresses")
        assert address(1) not in kim.text
        assert set(kim.form("/visits/addresses").choices["purpose"]) == {"diagnose", "administer"}
        await kim.submit("/visits/addresses", purpose="diagnose")
        assert address(1) in kim.text
        for purpose in ("marketing", "fraud", "order", "patterns"):
            await kim.send("/visits/addresses", {"session": kim.session, "purpose": purpose})
            assert (kim.status, "DAM-23" in kim.text, address(1) in kim.text) == (403, True, False)
        assert sorted((one.shown, one.purpose) for one in seen.counted.looks(seen.now)) == [
            (False, "fraud"), (False, "marketing"), (False, "order"), (False, "patterns"), (True, "diagnose"),
        ]  # fmt: skip


@pytest.mark.parametrize("site", ["aimini", "audiomidi"])
async def test_where_nothing_is_counted_there_is_no_page(tmp_path, site) -> None:
    async with visited(tmp_path, site) as seen:
        kim = await seen.at.join("kim", "admin")
        assert 'action="/visits"' not in kim.text
        for path in ("/visits", "/visits/addresses", "/visits/live"):
            assert (await kim.send(path, {"session": kim.session})).status == 400


async def test_a_console_in_another_process_shows_what_is_written_and_not_who_is_here(tmp_path) -> None:
    """DAM-5, DAM-6."""
    async with visited(tmp_path, "daminion"):
        beside = Counted.reading(policy("daminion"), tmp_path / "visits", random=bytes)
        async with console(tmp_path / "other", "daminion", counted=beside) as at:
            kim = await at.join("kim", "admin")
            await kim.submit("/visits")
            assert "Europe and around" in kim.text
            assert "Shown by the process that counts" in kim.text
            assert (await kim.send("/visits/live", {"session": kim.session})).status == 400
            await kim.submit("/visits")
            await kim.submit("/visits/addresses")
            await kim.submit("/visits/addresses", purpose="diagnose")
            assert address(1) in kim.text
        beside.close()


async def test_no_figure_below_k_is_on_any_page(tmp_path) -> None:
    """DAM-7."""
    async with visited(tmp_path, "daminion", visitors=2) as seen:
        kim = await seen.at.join("kim", "admin")
        await kim.submit("/visits")
        assert "Nothing to show yet" in kim.text
        await kim.send("/visits/addresses", {"session": kim.session, "purpose": "diagnose"})
        assert address(1) not in kim.text


async def _live(kim: Robot, seen: Seen) -> str:
    """A live view; where it looks again."""
    for number in range(12):
        seen.counted.page(seen.now, address(number), FIREFOX, "home", "")
    await kim.submit("/visits")
    tab = Robot(kim.client)
    await tab.send("/visits/live", {"session": kim.session})
    assert tab.status == 200
    found = re.search(r'http-equiv="refresh" content="\d+; url=([^"]+)"', tab.text)
    assert found
    assert 'name="session"' not in tab.text
    return found[1]


async def test_a_live_view_looks_again_by_itself_in_round_numbers(tmp_path) -> None:
    """DAM-6, TOC-7."""
    async with visited(tmp_path, "aitoc") as seen:
        kim = await seen.at.join("kim", "admin")
        where = await _live(kim, seen)
        tab = await Robot(kim.client).open(where)
        assert (tab.status, ">10<" in tab.text, kim.session in tab.text) == (200, True, False)
        assert seen.at.reports == []


@pytest.mark.parametrize("end", ["goes-on", "signs-out", "is-dismissed", "is-late", "guesses"])
async def test_a_live_view_ends_at_once(tmp_path, end) -> None:
    """TOC-13: who leaves sees nothing more."""
    async with visited(tmp_path, "aitoc") as seen:
        kim = await seen.at.join("kim", "admin")
        where = await _live(kim, seen)
        if end == "goes-on":
            await kim.submit("/queue")
        elif end == "signs-out":
            await kim.submit("/sign-out")
        elif end == "is-dismissed":
            boss = await seen.at.join("boss", "admin")
            await boss.submit("/staff")
            await boss.submit("/dismiss", leaver="kim")
        elif end == "is-late":
            seen.at.bed.clock.forward(hours=1, seconds=1)
        else:
            where = where[:-4] + "0000"
        tab = await Robot(kim.client).open(where)
        assert (tab.status, "has ended" in tab.text, ">10<" in tab.text) == (403, True, False)


def test_pictures_hold_what_they_are_given_and_no_code() -> None:
    hostile = '"><script>alert(1)</script>'
    drawn = (
        str(columns([Column(hostile, 3), Column("b", 0)], hostile)) + str(week([[1] * 24] * 7, hostile)) + str(share(7))
    )
    assert "<script" not in drawn
    assert drawn.count("<rect") == 2 + 1 + 7 * 24 + 2
    assert 'width="7"' in str(share(7))


def test_the_tallest_column_is_as_high_as_the_picture() -> None:
    drawn = str(columns([Column("a", 4), Column("b", 8)], "x"))
    assert re.findall(r'y="([^"]*)" width="0.8" height="([^"]*)"', drawn) == [("50", "50"), ("0", "100")]
