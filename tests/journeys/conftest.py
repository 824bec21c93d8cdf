"""One demo for all journeys of a run: five vaults, one of them on PostgreSQL, and real browsers that visit it."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

    from tests.journeys.running import Running
    from tests.servers import PostgresServer


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, postgres: "PostgresServer") -> "Iterator[Running]":
    """It runs; `daminion` has its data in PostgreSQL."""
    from tests.journeys.running import running  # noqa: PLC0415 - so that the notices' tests start without it

    with running(tmp_path_factory.mktemp("demo") / "house", {"daminion": postgres.new_database()}) as started:
        yield started


@pytest.fixture(scope="module")
def playwright() -> "Iterator[Playwright]":
    """What drives browsers. One at a time, so it lasts no longer than a file of tests."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - as above

    with sync_playwright() as one:
        yield one


@pytest.fixture(scope="module")
def browser(playwright: "Playwright", demo: "Running") -> "Iterator[Browser]":
    """A real one, which trusts the demo's certificates as its guide says."""
    from tests.journeys.browsing import arguments  # noqa: PLC0415 - as above

    launched = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=arguments(demo.house.certificates))
    yield launched
    launched.close()


@pytest.fixture(scope="session")
def shots() -> Path:
    """Where screenshots are kept, to be looked at."""
    folder = Path(__file__).parents[2] / "out" / "journeys"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
