"""kill -9 at any write: what was acknowledged holds, every act has its record, and nobody unerased is unreadable."""

from collections.abc import Callable, Sequence

import pytest

from avow.practices.disclosed import DISCLOSURE
from avow.store.interface import Datum, Leaf, Trace
from avow.store.keystore import Keystore
from avow.store.sqlite_transaction import SqliteTransaction
from avow.store.wraps import Wraps
from tests.crash.harness import run

POINTS = 200  # in all; the campaign takes 2,000


@pytest.mark.parametrize("part", range(4))
def test_a_site_killed_at_any_write_keeps_its_word(part: int) -> None:
    figures = run(POINTS // 4, seed=part)
    assert figures["wrong"] == []
    assert figures["killed"] == POINTS // 4


def keys_in_memory_only() -> None:
    """A keystore that hands out keys before they are on disk."""
    Wraps.put = lambda *_: None  # type: ignore[method-assign]  # the planted defect


def acts_without_record() -> None:
    """A store that leaves the record for later."""

    async def record(_: SqliteTransaction, leaves: Sequence[Leaf], traces: Sequence[Trace]) -> None:
        del leaves, traces

    SqliteTransaction.record = record  # type: ignore[method-assign,assignment]  # the planted defect


def erasure_forgotten() -> None:
    """An erasure that acknowledges before anything has happened."""
    Keystore.destroy = lambda *_: None  # type: ignore[method-assign]  # the planted defect

    async def drop(_: SqliteTransaction, subject: bytes) -> None:
        del subject

    SqliteTransaction.drop_subject = drop  # type: ignore[method-assign,assignment]  # the planted defect


def packages_before_their_rows() -> None:
    """A store that leaves out what tells of a disclosure."""
    put = SqliteTransaction.put

    async def without(tx: SqliteTransaction, data: Sequence[Datum]) -> None:
        await put(tx, [one for one in data if one.category != DISCLOSURE])

    SqliteTransaction.put = without  # type: ignore[assignment,method-assign]  # the planted defect


@pytest.mark.parametrize(
    "plant", [keys_in_memory_only, acts_without_record, erasure_forgotten, packages_before_their_rows]
)
def test_the_harness_catches_a_planted_defect(plant: Callable[[], None]) -> None:
    figures = run(12, seed=1, plant=plant)
    assert not figures["ok"]
    assert figures["wrong"]
