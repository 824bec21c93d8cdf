"""Data end when they are due, not before, and stay ended."""

from pathlib import Path

import pytest

from avow.errors import Refused, UnknownWord
from tests.shops import ADA, Clock, opened


async def test_exactly_as_old_as_promised_is_granted_and_a_millisecond_later_refused(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as shop:
        who = await shop.collect("click", {"visit-code": "code-of-the-click"})
        clock.forward(days=30)
        assert await shop.use(who, "visit-code", purpose="credit") == "code-of-the-click"
        clock.forward(milliseconds=1)
        with pytest.raises(Refused):
            await shop.use(who, "visit-code", purpose="credit")


async def test_a_sweep_destroys_what_is_due_with_its_key_and_is_idempotent(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as shop:
        who = await shop.collect("click", {"visit-code": "code-of-the-click"})
        assert (await shop.sweep()).data == 0
        clock.forward(days=31)
        swept = await shop.sweep()
        assert (swept.data, swept.keys) == (1, 1)
        assert (await shop.sweep()).data == 0
        told = await shop.export(who)
        assert told["data"] == []
        assert [one["action"] for one in told["events"]] == ["register", "expire"]


async def test_a_restarted_site_sweeps_before_it_serves(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as shop:
        await shop.collect("click", {"visit-code": "code-of-the-click"})
    clock.forward(days=31)
    async with opened(tmp_path, clock) as shop:
        assert shop.swept.data == 1


async def test_a_clock_that_goes_back_makes_nothing_younger(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as shop:
        who = await shop.collect("click", {"visit-code": "code-of-the-click"})
        clock.forward(days=31)
        with pytest.raises(Refused):
            await shop.use(who, "visit-code", purpose="credit")
        clock.forward(days=-31)
        with pytest.raises(Refused):
            await shop.use(who, "visit-code", purpose="credit")


async def test_what_waits_for_an_event_goes_when_it_happens(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        who = await shop.collect("contest", {"entry": "a poem about tides", "email": ADA["email"]})
        order = await shop.collect("order", ADA)
        with pytest.raises(UnknownWord):
            await shop.happened("moon-landing")
        ended = await shop.happened("winner-told")
        assert (ended.data, ended.keys) == (2, 1)
        assert (await shop.export(who))["data"] == []
        assert await shop.find("email", ADA["email"]) == [order]
