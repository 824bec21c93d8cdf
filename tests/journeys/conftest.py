"""One demo for all journeys of a run: five vaults, one of them on PostgreSQL, and real browsers that visit it."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.journeys.running import Running
    from tests.servers import PostgresServer


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, postgres: "PostgresServer") -> "Iterator[Running]":
    """It runs; `daminion` has its data in PostgreSQL."""
    from tests.journeys.running import running  # noqa: PLC0415 - so that the notices' tests start without it

    with running(tmp_path_factory.mktemp("demo") / "house", {"daminion": postgres.new_database()}) as started:
        yield started


@pytest.fixture(scope="session")
def shots() -> Path:
    """Where screenshots are kept, to be looked at."""
    folder = Path(__file__).parents[2] / "out" / "journeys"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
