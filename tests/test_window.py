"""The window before sequencing is known, and short."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.shops import ADA, Clock, opened
from tests.window import run

LONGEST = 2_000  # ms, at an interval of 500: on a machine where other work may take its turn


async def test_the_window_is_what_waits_now_and_the_longest_wait_so_far(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock, sequence_every=Clock.NEVER) as shop:
        await shop.sequence_all()
        now = int(clock().timestamp() * 1000)
        assert await shop.log.window(now) == (0, 0)
        await shop.collect("order", ADA)
        clock.forward(seconds=7)
        assert await shop.log.window(now + 7000) == (7000, 7000)
        await shop.sequence()
        assert await shop.log.window(now + 7000) == (0, 7000)


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
async def test_under_load_the_window_stays_short(
    database: str, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    url = request.getfixturevalue("postgres_url") if database == "postgres" else ""
    figures = await run(4_000, 1, url)
    with capsys.disabled():
        print(f"\n{database}: window before sequencing {figures}")  # noqa: T201 - a figure that is promised to be stated
    assert figures["ok"], figures
    assert figures["longest wait, ms"] < LONGEST


async def test_the_measure_shows_a_sequencing_that_hardly_ever_runs() -> None:
    figures = await run(1_000, 1, sequence_every=timedelta(seconds=3))
    assert not figures["ok"] or figures["longest wait, ms"] > LONGEST
