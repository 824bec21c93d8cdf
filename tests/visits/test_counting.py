"""Visits: what becomes of pages, when a visit ends, when it is written, and what is never written."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avow.errors import Unavailable
from avow.store.visits import DAY, HOUR
from avow.visits import OTHER, K
from avow.visits.network import Domains, Names
from tests.visits.beds import CHROME, FIREFOX, MINUTE, SITES, START, address, come, counted

EUROPE = "Europe and around"
AFTER = START + HOUR + 31 * MINUTE  # past the half hour at which the first hour is written
MIDNIGHT = START // DAY * DAY
NIGHT = MIDNIGHT + DAY + 31 * MINUTE


def cells(here, since: int = 0):
    return here.visits.cells(since, START + 400 * DAY)


@pytest.mark.parametrize(
    ("site", "categories"),
    [
        ("daminion", {"visit-region", "visit-time", "visit-section"}),
        ("aitoc", {"browser-type", "operating-system", "page-use"}),
        ("aitpro", {"network-domain"}),
    ],
)
async def test_exactly_the_promised_dimensions_are_recorded(tmp_path, site, categories) -> None:
    """TOC-7, DAM-6, AIT-2: another dimension would be another key here."""
    with counted(tmp_path, site) as here:
        come(here, 40, START)
        here.settle(NIGHT)
        assert {name for cell in cells(here) for name in cell.dimensions} == categories
        assert {row[0] for row in here.stored._db.execute("SELECT name FROM sqlite_master")} == {
            "about",
            "cells",
            "days",
        }


@pytest.mark.parametrize("site", ["aimini", "audiomidi"])
def test_a_policy_that_promises_nothing_of_visits_counts_none_and_makes_no_file(tmp_path, site) -> None:
    with counted(tmp_path, site) as here:
        come(here, 40, START)
        here.answered(START, address(1), 200)
        here.settle(AFTER)
        assert here.nothing
    assert list(tmp_path.iterdir()) == []


def test_a_visit_is_counted_once_by_the_hour_and_by_the_day_for_each_thing_it_was(tmp_path) -> None:
    """DAM-6."""
    with counted(tmp_path, "daminion") as here:
        for minute in (0, 5, 12):
            come(here, 6, START + minute * MINUTE, part=("home", "goods", "cart")[minute % 4])
        come(here, 7, START, block=199, first=100)
        here.settle(AFTER)
        assert cells(here) == [(START, 1, {}, 13)]
        here.settle(NIGHT)
        assert cells(here)[:-1] == [
            (MIDNIGHT, 24, {"visit-region": EUROPE}, 6), (MIDNIGHT, 24, {"visit-region": "North America"}, 7),
            (MIDNIGHT, 24, {"visit-section": "goods"}, 6), (MIDNIGHT, 24, {"visit-section": "home"}, 13),
            (MIDNIGHT, 24, {"visit-time": "10 to 30 minutes"}, 6), (MIDNIGHT, 24, {"visit-time": "under 1 minute"}, 7),
        ]  # fmt: skip


def test_nothing_is_written_before_half_past_and_then_whatever_comes(tmp_path) -> None:
    """DAM-7: the time at which a file is written is the clock's."""
    with counted(tmp_path, "daminion") as here:
        come(here, 9, START + 59 * MINUTE)
        for minute in range(60, 90):
            assert not here.visits.settle(START + minute * MINUTE)
        assert here.visits.settle(START + 90 * MINUTE)
        assert not here.visits.settle(START + 90 * MINUTE)
        assert cells(here) == [(START, 1, {}, 9)]


def test_a_visit_is_of_the_hour_of_its_last_page(tmp_path) -> None:
    with counted(tmp_path, "daminion") as here:
        come(here, 6, START + 50 * MINUTE)
        come(here, 6, START + 70 * MINUTE)
        here.settle(START + 90 * MINUTE)
        assert cells(here) == []
        here.settle(START + 150 * MINUTE)
        assert cells(here) == [(START + HOUR, 1, {}, 6)]


def test_an_hour_or_a_day_with_fewer_than_k_waits_for_the_next(tmp_path) -> None:
    """DAM-7."""
    with counted(tmp_path, "daminion") as here:
        come(here, K - 1, START)
        here.settle(NIGHT)
        assert cells(here) == []
        come(here, 1, START + DAY, first=50)
        here.settle(START + DAY + 90 * MINUTE)
        assert cells(here) == []  # they may be one of those of yesterday
        come(here, K - 1, START + DAY, first=60)
        come(here, K - 1, START + DAY + 3 * HOUR, first=60)
        here.settle(NIGHT + DAY)
        assert cells(here)[-1] == (START, 25, {}, 2 * K - 1)
        assert [one for one in cells(here) if one.dimensions] == [
            (MIDNIGHT, 48, {"visit-region": EUROPE}, 3 * K - 2), (MIDNIGHT, 48, {"visit-section": "home"}, 3 * K - 2),
            (MIDNIGHT, 48, {"visit-time": "under 1 minute"}, 3 * K - 2),
        ]  # fmt: skip


def test_who_comes_often_is_no_crowd(tmp_path) -> None:
    """DAM-7: five visits of one visitor are no figure of five."""
    with counted(tmp_path, "daminion") as here:
        for minute in (0, 35, 59, 95, 130, 170, 210, 250, 300, 360, 420):
            come(here, 1, START + minute * MINUTE)
            here.settle(START + minute * MINUTE)
        here.settle(NIGHT)
        assert cells(here) == []


def test_without_cookies_visitors_are_told_apart_by_address_and_browser(tmp_path) -> None:
    """DAM-20."""
    with counted(tmp_path, "daminion") as here:
        for agent in (FIREFOX, CHROME):
            come(here, 5, START, agent=agent)
            come(here, 5, START + MINUTE, agent=agent)
        here.settle(AFTER)
        assert cells(here) == [(START, 1, {}, 10)]


def test_a_cookie_tells_visitors_behind_one_address_apart_and_its_first_page_is_theirs(tmp_path) -> None:
    """DAM-20."""
    with counted(tmp_path, "daminion") as here:
        for number in range(8):
            here.page(START, address(1), FIREFOX, "home", "")
            here.page(START + MINUTE, address(1), FIREFOX, "goods", f"token-{number}")
        here.settle(NIGHT)
        assert {tuple(cell.dimensions.values()): cell.visits for cell in cells(here)} == {
            (): 8, ("home",): 8, ("goods",): 8, (EUROPE,): 8, ("1 to 10 minutes",): 8,
        }  # fmt: skip


def test_visitors_of_a_day_are_counted_where_the_policy_says_so_and_only_there(tmp_path) -> None:
    """TOC-7."""
    found = {}
    for site in ("aitoc", "daminion"):
        with counted(tmp_path, site) as here:
            for hour in range(6):
                come(here, 30, START + hour * HOUR)
                here.settle(START + hour * HOUR + 31 * MINUTE)
            here.settle(NIGHT)
            found[site] = here.visits.days(0, START + DAY)
    assert found == {"aitoc": [(MIDNIGHT, 30, 1)], "daminion": []}


def test_the_key_of_a_day_is_another_on_the_next(tmp_path) -> None:
    """DAM-7, TOC-8: nobody is known again."""
    with counted(tmp_path, "aitoc") as here:
        come(here, 10, START)
        key, open_ = here.visits._key, set(here.visits._open)
        come(here, 10, START + DAY)
        assert here.visits._key != key
        assert open_.isdisjoint(here.visits._open)
        assert len(here.visits._open) == 10


def test_a_stop_writes_what_is_enough_and_a_start_goes_on(tmp_path) -> None:
    for seed in (1, 2):
        with counted(tmp_path, "aitoc", seed) as here:
            come(here, 8, START)
    with counted(tmp_path, "aitoc") as here:
        assert {tuple(cell.dimensions.items()): cell.visits for cell in cells(here)} == {
            (): 16, (("browser-type", "Firefox"),): 16, (("operating-system", "Linux"),): 16, (("page-use", "home"),): 16,
        }  # fmt: skip
        assert here.visits.days(0, START + DAY) == [(MIDNIGHT, 16, 2)]


def test_what_could_not_be_written_is_written_later(tmp_path) -> None:
    with counted(tmp_path, "daminion") as here:
        come(here, 8, START)
        here.stored._db.execute(
            "CREATE TEMP TRIGGER full BEFORE INSERT ON main.cells BEGIN SELECT RAISE(ABORT, 'x'); END"
        )
        with pytest.raises(Unavailable, match="nothing was"):
            here.settle(AFTER)
        here.stored._db.execute("DROP TRIGGER full")
        here.settle(AFTER)
        assert {cell.visits for cell in cells(here)} == {8}


def test_a_flood_is_cut_off_and_said(tmp_path) -> None:
    with counted(tmp_path, "daminion") as here:
        here.visits._most = 100
        come(here, 150, START)
        assert (len(here.visits._open), here.visits.missed) == (100, 50)


def test_the_live_view_is_in_round_numbers_and_has_nobody_alone(tmp_path) -> None:
    """DAM-6, DAM-7."""
    with counted(tmp_path, "daminion") as here:
        assert here.visits.live(START) == (0, [])
        come(here, 13, START, part="home")
        come(here, 4, START, first=100, part="cart")
        assert here.visits.live(START) == (15, [("home", 10)])
        assert here.visits.live(START + 5 * MINUTE).visits == 0


@given(
    st.lists(st.tuples(st.integers(0, 5 * 60), st.integers(0, 12), st.sampled_from("abc")), max_size=120), st.randoms()
)
@settings(max_examples=8, deadline=None)
def test_the_bytes_on_disk_do_not_tell_in_which_order_visits_came(tmp_path_factory, pages, random) -> None:
    """DAM-7: the same visits within their hours, in another order, give the same file."""

    def written(order) -> bytes:
        folder = tmp_path_factory.mktemp("visits")
        with counted(folder, "daminion") as here:
            for hour in range(6):
                for minute, number, part in order:
                    if minute // 60 == hour:
                        here.page(START + hour * HOUR, address(number, (193, 199)[number % 2]), FIREFOX, part, "")
                here.settle(START + (hour + 1) * HOUR + 30 * MINUTE)
            here.settle(NIGHT)
            return bytes((folder / "daminion.visits.db").read_bytes())

    assert written(pages) == written(random.sample(pages, len(pages)))


@given(
    st.lists(
        st.tuples(st.integers(0, 600), st.integers(0, 30), st.sampled_from(["home", "goods", OTHER])),
        min_size=1,
        max_size=150,
    )
)
@settings(max_examples=8, deadline=None)
def test_no_cell_has_fewer_than_k_whatever_comes_when(tmp_path_factory, pages) -> None:
    """DAM-7, TOC-8."""
    for site in ("daminion", "aitoc"):
        with counted(tmp_path_factory.mktemp("visits"), site) as here:
            for minute, number, part in sorted(pages):
                here.settle(START + minute * MINUTE)
                here.page(START + minute * MINUTE, address(number), FIREFOX, part, "")
            here.settle(NIGHT)
            found = cells(here)
        assert all(cell.visits >= K and cell.since % HOUR == 0 and cell.hours >= 1 for cell in found)
        for names in {tuple(cell.dimensions) for cell in found}:
            spans = sorted(
                {(one.since, one.since + one.hours * HOUR) for one in found if tuple(one.dimensions) == names}
            )
            assert all(one[1] <= two[0] for one, two in pairwise(spans))


@pytest.mark.parametrize("site", SITES)
async def test_nothing_hostile_reaches_the_disk(tmp_path, site) -> None:
    """AIT-2, TOC-8, DAM-7: browser's words, cookies and names of hosts with people in them."""

    async def resolve(where: str) -> str:
        return f"jane-roe-{where.replace('.', '-')}.dsl.example-isp.net"

    names = Names(Domains(), resolve)
    with counted(tmp_path, site, names=names) as here:
        for number in range(30):
            here.page(
                START, address(number), "jane.roe@example.com Firefox/4242424242424242", "home", f"jane-roe-{number}"
            )
            here.answered(START, address(number), 200)
        await names.settled()
        here.settle(NIGHT)
        if site == "aitpro":
            assert cells(here)[0] == (MIDNIGHT, 24, {"network-domain": "example-isp.net"}, 30)
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert b"jane" not in path.read_bytes()
            assert b"4242" not in path.read_bytes()
            assert b"193.0." not in path.read_bytes()
            assert b"193-0-" not in path.read_bytes()


@pytest.mark.parametrize("site", ["aitoc", "daminion"])
def test_one_visitor_on_five_days_is_no_crowd(tmp_path, site) -> None:
    """A new key makes them somebody else each day; nothing is told until one day has five by itself."""
    with counted(tmp_path, site) as here:
        for day in range(7):
            come(here, 1, START + day * DAY)
            here.settle(START + day * DAY + 2 * HOUR)
        here.settle(START + 7 * DAY)
        assert here.visits.cells(0, 1 << 60) == []
        come(here, 5, START + 7 * DAY)
        here.settle(START + 9 * DAY)
        cells = here.visits.cells(0, 1 << 60)
        assert cells
        assert all(cell.visits == 12 for cell in cells)


def test_the_addresses_that_one_connection_goes_through_are_one_visitor(tmp_path) -> None:
    with counted(tmp_path, "daminion") as here:
        for last in range(9):
            here.page(START, f"2001:db8:1:2::{last + 1:x}", FIREFOX, "home", "")
        here.page(START, "193.0.0.1", FIREFOX, "home", "")
        here.page(START, "::ffff:193.0.0.1", FIREFOX, "home", "")
        here.settle(START + 2 * DAY)
        assert here.visits.cells(0, 1 << 60) == []


def test_a_clock_that_was_ahead_for_a_moment_does_not_keep_a_key_nor_stop_the_counting(tmp_path) -> None:
    """Ten years ahead, and back."""
    with counted(tmp_path, "daminion") as here:
        come(here, 2, START + 3650 * DAY)
        here.settle(START + 3650 * DAY + 2 * HOUR)
        key = here.visits._key
        come(here, 9, START)
        assert here.visits._key != key
        here.settle(START + 2 * DAY)
        cells = here.visits.cells(0, 1 << 60)
        assert sum(cell.visits for cell in cells if not cell.dimensions) >= 9
        assert all(cell.hours > 0 for cell in cells)


def test_an_hour_that_comes_again_makes_no_time_that_runs_backwards(tmp_path) -> None:
    with counted(tmp_path, "daminion") as here:
        come(here, 2, START + 3 * HOUR)
        here.settle(START + 4 * HOUR + 30 * MINUTE)
        come(here, 3, START, first=2)
        here.settle(START + HOUR + 30 * MINUTE)
        cells = [cell for cell in here.visits.cells(0, 1 << 60) if not cell.dimensions]
        assert [(cell.since, cell.hours, cell.visits) for cell in cells] == [(START, 4, 5)]
