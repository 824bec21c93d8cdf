"""kill -9 of the worker or of PostgreSQL itself: acknowledged acts hold, and an unknown outcome can be known."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from avow.store import postgres
from avow.store.interface import Leaf, Trace
from avow.store.postgres_link import SESSION
from avow.store.postgres_transaction import PostgresTransaction
from tests.crash.postgres import run, server


def test_a_worker_killed_at_any_moment_keeps_its_word() -> None:
    figures = run(30, seed=1)
    assert figures["wrong"] == []
    assert isinstance(figures["killed"], int)
    assert figures["killed"] >= 25  # one may end before the moment comes, and is checked all the same


async def test_a_database_killed_under_load_loses_nothing_and_every_outcome_can_be_known() -> None:
    figures = await server(12, seed=1)
    assert figures["wrong"] == []
    assert figures["ok"]


def acts_without_record() -> None:
    """A store that leaves the record for later."""

    async def record(_: PostgresTransaction, leaves: Sequence[Leaf], traces: Sequence[Trace]) -> None:
        del leaves, traces

    PostgresTransaction.record = record  # type: ignore[method-assign,assignment]  # the planted defect


def test_the_harness_catches_acts_without_record() -> None:
    assert run(6, seed=1, plant=acts_without_record)["wrong"]


async def test_the_harness_catches_a_commit_that_does_not_wait_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    row = postgres._row

    async def believed(connection: Any, query: str) -> tuple[Any, ...]:
        return ("on",) if query == "SHOW synchronous_commit" else await row(connection, query)

    monkeypatch.setattr(postgres, "_row", believed)
    monkeypatch.setattr(postgres, "SESSION", f"{SESSION}; SET synchronous_commit = off")
    assert (await asyncio.wait_for(server(12, seed=1), 60))["wrong"]
