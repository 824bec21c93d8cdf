"""The operational log: coarse in time, sealed, short-lived, and shown to who may see it for what it is for."""

import pytest

from avow.errors import Refused, Tampered
from avow.residue import scan
from avow.store.visits import DAY, HOUR
from avow.visits import Counted
from avow.visits.log import MANY
from tests.visits.beds import MINUTE, START, address, counted, policy

WEEK = 7 * DAY
WRITTEN = START + HOUR + 30 * MINUTE


def requests(here, count: int, at: int = START, *, first: int = 0, status: int = 200) -> None:
    for number in range(first, first + count):
        here.answered(at, address(number), status)


def test_an_admin_sees_addresses_by_the_hour_and_what_they_met(tmp_path) -> None:
    """DAM-5."""
    with counted(tmp_path, "daminion") as here:
        requests(here, 8, START + 17 * MINUTE + 3)
        here.answered(START, "2a00::7", 503)
        for _ in range(MANY + 1):
            here.answered(START + 1, address(1), 200)
        here.settle(WRITTEN)
        found = {
            one.address: (one.since, one.hours, one.word)
            for one in here.addresses("admin", "diagnose", WRITTEN, standing=True)
        }
        assert len(found) == 9
        assert found[address(0)] == (START, 1, "came")
        assert found[address(1)] == (START, 1, "many requests")
        assert found["2a00::7"] == (START, 1, "met errors")


@pytest.mark.parametrize("site", ["aimini", "audiomidi", "aitpro", "aitoc"])
def test_no_address_is_noted_where_no_policy_says_so(tmp_path, site) -> None:
    """DAM-5, AIT-2, TOC-8."""
    with counted(tmp_path, site) as here:
        requests(here, 20)
        here.settle(WRITTEN)
        assert here.log is None
        with pytest.raises(Refused, match="no promise"):
            here.addresses("admin", "traffic", WRITTEN, standing=True)
    assert not list(tmp_path.glob("*addresses*"))


@pytest.mark.parametrize(
    ("role", "purpose", "promise"),
    [
        ("marketing", "marketing", "DAM-23"), ("marketing", "diagnose", "DAM-5"), ("support", "administer", "DAM-5"),
        ("admin", "fraud", "DAM-23"), ("admin", "marketing", "DAM-23"), ("admin", "order", "DAM-23"),
        ("admin", "legal", "DAM-23"), ("fulfilment", "order", "DAM-23"), ("contest-desk", "contest", "DAM-23"),
    ],
)  # fmt: skip
def test_anybody_else_and_anything_else_is_refused_with_the_promise_and_counted(
    tmp_path, role, purpose, promise
) -> None:
    """DAM-5, DAM-23."""
    with counted(tmp_path, "daminion") as here:
        requests(here, 8)
        here.settle(WRITTEN)
        with pytest.raises(Refused) as refused:
            here.addresses(role, purpose, WRITTEN, standing=True)
        assert promise in refused.value.promises
        [look] = here.looks(WRITTEN)
        assert (look.role, look.purpose, look.shown, look.times) == (role, purpose, False, 1)


def test_every_look_is_counted_before_anything_is_shown(tmp_path) -> None:
    """DAM-5."""
    with counted(tmp_path, "daminion") as here:
        for _ in range(3):
            here.addresses("admin", "diagnose", WRITTEN, standing=True)
        assert here.looks(WRITTEN) == [(START + HOUR, "admin", "diagnose", "DAM-5", True, 3)]
        here.log.store._db.execute(
            "CREATE TEMP TRIGGER full BEFORE INSERT ON main.looks BEGIN SELECT RAISE(ABORT, 'x'); END"
        )
        with pytest.raises(Exception, match="nothing was"):
            here.addresses("admin", "diagnose", WRITTEN, standing=True)


def test_an_entry_is_shown_until_its_term_is_over_and_not_a_millisecond_longer(tmp_path) -> None:
    """DAM-5: exactly as old as promised is in time."""
    with counted(tmp_path, "daminion") as here:
        requests(here, 8)
        here.settle(WRITTEN)
        assert len(here.log.entries(START + WEEK)) == 8
        assert here.log.entries(START + WEEK + 1) == []


@pytest.mark.parametrize("stopped", [False, True], ids=["while-it-runs", "when-it-starts-again"])
def test_what_is_due_leaves_the_disk_and_its_key_with_it(tmp_path, stopped) -> None:
    """DAM-5: it does not outlive its term, not even for who has a copy of the database."""
    with counted(tmp_path, "daminion") as here:
        requests(here, 8)
        here.settle(WRITTEN)
        copy = (tmp_path / "daminion.addresses.db").read_bytes()
        sealed = here.log.store.entries(0)[0][2]
        assert sealed in copy
        if not stopped:
            here.settle(START + WEEK + DAY)
    with counted(tmp_path, "daminion", now=START + WEEK + DAY) as here:
        assert here.log.store.entries(0) == []
        assert list((tmp_path / "daminion.addresses.keys").iterdir()) == []
        assert sealed[:32] not in (tmp_path / "daminion.addresses.db").read_bytes()
        here.log.store._db.execute("INSERT INTO entries VALUES (?, 1, ?)", (START, sealed))  # put back from the copy
        assert here.log.entries(START) == []


def test_a_log_with_few_addresses_in_an_hour_waits(tmp_path) -> None:
    """DAM-7: nobody is alone in an hour."""
    with counted(tmp_path, "daminion") as here:
        requests(here, 4)
        here.settle(WRITTEN)
        assert here.log.entries(WRITTEN) == []
        requests(here, 1, START + 2 * HOUR, first=9)
        here.settle(START + 3 * HOUR + 30 * MINUTE)
        assert {(one.since, one.hours) for one in here.log.entries(START + 4 * HOUR)} == {(START, 3)}


def test_no_address_is_to_be_read_on_the_disk_without_the_key(tmp_path) -> None:
    """DAM-5, DAM-16."""
    with counted(tmp_path, "daminion") as here:
        requests(here, 300)
        here.settle(WRITTEN)
        packed = {str(n): bytes([193, 0, n >> 8, n & 255]) * 1 for n in range(300)}
        text = {address(n): address(n).encode() for n in range(300)}
        found, _ = scan(tmp_path, text)
        assert found == []
        raw = (tmp_path / "daminion.addresses.db").read_bytes()
        assert not any(b"\xff\xff" + one in raw for one in packed.values())


def test_a_batch_moved_to_another_hour_does_not_open(tmp_path) -> None:
    with counted(tmp_path, "daminion") as here:
        requests(here, 8)
        here.settle(WRITTEN)
        here.log.store._db.execute("UPDATE entries SET since = since + 3600000")
        with pytest.raises(Tampered):
            here.log.entries(WRITTEN)


def test_another_process_finds_what_is_made_after_it_began_to_look(tmp_path) -> None:
    beside = Counted.reading(policy("daminion"), tmp_path, random=bytes)
    assert beside.statistics("admin", "visit-statistics", 0, START + DAY, standing=True) == ([], [])
    assert list(tmp_path.iterdir()) == []
    with counted(tmp_path, "daminion") as here:
        requests(here, 8)
        for number in range(8):
            here.page(START, address(number), "", "home", "")
        here.settle(WRITTEN)
        cells, _ = beside.statistics("admin", "visit-statistics", 0, START + DAY, standing=True)
        assert [cell.visits for cell in cells] == [8]
        assert len(beside.addresses("admin", "diagnose", WRITTEN, standing=True)) == 8
    beside.close()


def test_another_process_looks_and_is_counted(tmp_path) -> None:
    with counted(tmp_path, "daminion") as here:
        requests(here, 8)
        here.settle(WRITTEN)
        beside = Counted.reading(policy("daminion"), tmp_path, random=bytes)
        assert len(beside.addresses("admin", "diagnose", WRITTEN, standing=True)) == 8
        assert beside.live("admin", "visit-statistics", WRITTEN, standing=True) is None
        beside.close()
        assert len(here.looks(WRITTEN)) == 1


def test_the_addresses_of_one_connection_are_no_crowd(tmp_path) -> None:
    """Nine that it goes through by itself, and one that is written in two ways."""
    with counted(tmp_path, "daminion") as here:
        for last in range(9):
            here.answered(START, f"2001:db8:1:2::{last + 1:x}", 200)
        for same in ("193.0.0.1", "::ffff:193.0.0.1", "193.0.0.2", "::ffff:193.0.0.2"):
            here.answered(START, same, 200)
        here.settle(START + 2 * HOUR)
        assert here.log.entries(START + 2 * HOUR) == []


def test_addresses_of_a_time_to_come_are_erased_with_their_key_and_the_log_goes_on(tmp_path) -> None:
    """A clock that was ten years ahead must not have them kept for ten years."""
    ahead = START + 3650 * DAY
    with counted(tmp_path, "daminion") as here:
        for at in (ahead, START):
            for number in range(9):
                here.answered(at, address(number), 200)
            here.settle(at + 2 * HOUR)
        assert {entry.since for entry in here.log.entries(START + 2 * HOUR)} == {START}
        assert [path.name for path in (tmp_path / "daminion.addresses.keys").iterdir()] == ["2026-05-28.key"]
