"""Databases for every test: one PostgreSQL a test process, started when first asked for."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.servers import PostgresServer


@pytest.fixture(scope="session")
def postgres() -> "Iterator[PostgresServer]":
    """A running server, shared by this process's tests: do not stop it, make one of your own for that."""
    from tests.servers import PostgresServer  # noqa: PLC0415 - so that tests without a database start without one

    with PostgresServer() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: "PostgresServer") -> str:
    """A database of the test's own."""
    return postgres.new_database()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A file of the test's own, not made yet."""
    return f"sqlite:///{tmp_path}/store.db"


@pytest.fixture(params=["sqlite", "postgres"])
def any_url(request: pytest.FixtureRequest) -> str:
    """One after the other: a store of each kind, new and empty."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


ON_BOTH = ("practices/", "test_gate.py")  # what stands on the gate behaves alike on both databases
ONE_IS_ENOUGH = (  # these say themselves where their data are, or open no site's database
    "backup", "restore", "keys_survive", "naive_clock", "private_server", "policy_with_faults",
)  # fmt: skip


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Let the tests of what stands on the gate run twice: on SQLite and on PostgreSQL."""
    place = metafunc.definition.nodeid.removeprefix("tests/")
    both = place.startswith(ON_BOTH) and not any(words in metafunc.function.__name__ for words in ONE_IS_ENOUGH)
    if both and "tmp_path" in metafunc.fixturenames:
        metafunc.fixturenames.append("any_shop")
        metafunc.parametrize("any_shop", ["sqlite", "postgres"], indirect=True)


@pytest.fixture
def any_shop(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever `tests.shops.opened` opens in a folder has its data in a database of this kind, one for each folder."""
    if request.param == "sqlite":
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    urls: dict[Path, str] = {}

    def elsewhere(folder: Path) -> str:
        if folder not in urls:
            urls[folder] = server.new_database()
        return urls[folder]

    monkeypatch.setattr("tests.shops.elsewhere", elsewhere)
