"""The synchronous face: the same site from threads without an event loop."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from avow import sync
from avow.errors import CallError, Refused, UnknownWord
from avow.policy.parse import parse
from tests.shops import POLICY

GIVEN = {"name": "Ada", "email": "ada@x.example", "postal-address": "1 Lantern Lane"}


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[sync.Waiting]:
    with sync.open(parse(POLICY), f"sqlite:///{tmp_path}/shop.db") as shop:
        yield shop


def test_a_life_from_collecting_to_erasing(shop: sync.Waiting) -> None:
    kim = shop.staff("kim", role="fulfilment")
    who = shop.collect("order", GIVEN)
    assert shop.use(who, "postal-address", purpose="order", by=kim) == "1 Lantern Lane"
    with pytest.raises(Refused):
        shop.use(who, "email", purpose="marketing", by=kim)
    assert shop.find("email", "ada@x.example") == [who]
    assert shop.erase(who).keys == 1
    assert shop.find("email", "ada@x.example") == []


def test_parts_of_the_site_wait_too(shop: sync.Waiting) -> None:
    shop.staff_roll.join("kim", "fulfilment")
    shop.staff_roll.leave("kim")
    who = shop.collect("order", GIVEN)
    with pytest.raises(Refused):
        shop.use(who, "name", purpose="order", by=shop.staff("kim", role="fulfilment"))
    assert shop.sequence_all() >= 0
    assert shop.log.size > 0
    assert shop.policy.site == "corner"


def test_many_threads_may_call_at_once(shop: sync.Waiting) -> None:
    who = shop.collect("order", GIVEN)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: shop.use(who, "name", purpose="order"), range(64))) == {"Ada"}
    assert len([one for one in shop.seen(who) if one["action"] == "use"]) == 64


def test_errors_come_through_as_they_are_and_the_site_closes(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/shop.db"
    with pytest.raises(UnknownWord), sync.open(parse(POLICY), url) as shop:
        shop.collect("no-such-form", GIVEN)
    with sync.open(parse(POLICY), url) as shop:  # the lock is free again
        who = shop.collect("order", GIVEN)
        shop.backup(tmp_path / "backup")
        shop.erase(who)
    with pytest.raises(CallError, match="the site is closed"):
        shop.collect("order", GIVEN)
    assert sync.restore(parse(POLICY), url, tmp_path / "backup").erasures == 1


def test_a_call_from_the_sites_own_thread_says_so_instead_of_waiting_for_itself(shop: sync.Waiting) -> None:
    async def inside() -> None:
        with pytest.raises(CallError, match="own thread"):
            shop.find("email", "ada@x.example")

    sync._result(inside(), shop._loop)
