"""Every ratio is measured, small; what is not complete says so. No goal is asserted: figures are for `avow bench`."""

import asyncio
import io
import json
from collections.abc import Sequence
from functools import partial
from hashlib import sha512
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from avow.bench import BENCHES, GOALS, ledger, on_postgres, run, table, writes
from avow.bench.bare import Event
from avow.bench.bare_postgres import Below
from avow.bench.ratio import Goal, Measured, Ratio, Scale, in_turn, rates
from avow.bench.reads import grouped, single
from avow.bench.rights import export
from avow.bench.server import NoServer
from avow.cli import app
from avow.errors import UnknownWord
from avow.store.interface import Leaf, Trace
from avow.store.postgres_link import Call
from avow.store.sqlite_transaction import SqliteTransaction

SMALL = Scale(2, 0.02)
BOUND = {"1", "4", "4l", "5", "7", "7p", "8b", "18", "18g", "21"}  # that have a third side
IDS = [
    "1", "2", "3", "4", "4l", "5", "7", "7p", "8a", "8b", "16a", "16b", "17", "18", "18g", "19", "20", "21", "22",
    "24", "25", "26",
]  # fmt: skip


@pytest.mark.parametrize("bench", [one for one in BENCHES if one.measure], ids=lambda one: one.goal.id)
async def test_each_ratio_is_measured_and_complete(bench: Any, tmp_path: Path) -> None:
    measured(bench, await bench.measure(tmp_path, SMALL))


@pytest.mark.parametrize("bench", [one for one in BENCHES if one.on_server], ids=lambda one: one.goal.id)
async def test_each_ratio_on_postgresql_is_measured_and_complete(bench: Any, tmp_path: Path, postgres_url: str) -> None:
    measured(bench, await bench.on_server(tmp_path, postgres_url, SMALL))


def measured(bench: Any, found: Measured) -> None:
    assert (found.complete, found.why) == (True, "")
    assert found.raw > 0
    assert found.ours > 0
    assert (found.bare is not None) == (bench.goal.id in BOUND)
    assert found.bare is None or found.bare > 0


def test_all_ratios_are_there() -> None:
    assert list(GOALS) == IDS


# -- planted defects: each must be noticed ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bench", "number"),
    [(grouped, 5), (single, 5), (export, 8)],  # the first calls publish the policy, bring people in, show an export
    ids=["reads-in-groups", "reads-one-by-one", "export"],
)
async def test_a_dropped_record_is_noticed(
    bench: Any, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = SqliteTransaction.record
    calls = []

    async def forgetful(self: SqliteTransaction, leaves: Sequence[Leaf], traces: Sequence[Trace]) -> None:
        calls.append(1)
        if len(calls) != number:
            await record(self, leaves, traces)

    monkeypatch.setattr(SqliteTransaction, "record", forgetful)
    found = await bench(tmp_path, SMALL)
    assert not found.complete
    assert "entries" in found.why
    assert not Ratio.of(Goal("2", "", 0.0), found).reached


async def test_a_wrong_value_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("avow.gate.Gate.open", lambda *_: "something else")
    found = await grouped(tmp_path, SMALL)
    assert not found.complete
    assert "values are right" in found.why


async def test_a_look_that_is_not_answered_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("avow.bench.reads.PURPOSE", "news")
    assert not (await grouped(tmp_path, SMALL)).complete


@pytest.mark.parametrize(
    ("bench", "left_out", "instead", "why"),
    [
        (writes.insert, "bare_sqlite.PUT", "SELECT ?, ?, ?, ?, ?, ?, ?, ?", "bare data"),
        (writes.insert, "bare_sqlite.RECORD", "SELECT ?, ?, ?, ?, ?, ?", "bare entries"),
        (writes.insert, "bare_sqlite.FILE", "SELECT ?, ?, ?", "bare events that are proved"),
        (writes.insert, "bare.mac", lambda *_: bytes(32), "bare events that are proved"),
        (export, "bare_sqlite.RECORD", "SELECT ?, ?, ?, ?, ?, ?", "bare entries"),
        (export, "bare_sqlite.TRACES", "SELECT 1, 2, 3 WHERE ? AND ? AND 0", "bare events opened"),
        (ledger.append, "bare_ledger.SEQUENCED", (), "bare rows left"),
        (ledger.append, "bare_ledger.sha256", sha512, "bare faults of the log"),
    ],
)
async def test_a_bare_side_that_leaves_work_out_is_noticed(
    bench: Any, left_out: str, instead: object, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"avow.bench.{left_out}", instead)
    found = await bench(tmp_path, SMALL)
    assert not found.complete
    assert why in found.why


@pytest.mark.parametrize("bench", [on_postgres.grouped, on_postgres.insert, on_postgres.bulk], ids=["5", "7p", "8b"])
@pytest.mark.parametrize("left_out", ["leaves", "traces_in"])
async def test_a_bare_side_on_postgresql_that_leaves_rows_out_is_noticed(
    bench: Any, left_out: str, tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = Below.record

    def forgetful(self: Below, events: Sequence[Event]) -> list[Call]:
        return [call for call in record(self, events) if call.statement != left_out.encode()]

    monkeypatch.setattr(Below, "record", forgetful)
    found = await bench(tmp_path, postgres_url, SMALL)
    assert not found.complete
    assert {"leaves": "bare entries", "traces_in": "bare traces"}[left_out] in found.why


# -- ratios -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("goal", "found", "reached"),
    [
        (Goal("2", "", 0.5), Measured(100, 50, 5, complete=True), True),
        (Goal("2", "", 0.5), Measured(100, 49, 5, complete=True), False),
        (Goal("2", "", 0.5), Measured(100, 90, 5, complete=False), False),
        (Goal("22", "", 1.1, at_most=True), Measured(10, 11, 5, complete=True), True),
        (Goal("22", "", 1.1, at_most=True), Measured(10, 12, 5, complete=True), False),
        (Goal("4", "", 0.0), Measured(0, 0, 0, complete=False), False),
    ],
)
def test_a_ratio_is_reached_when_it_is_complete_and_on_its_side_of_the_goal(
    goal: Goal, found: Measured, *, reached: bool
) -> None:
    assert Ratio.of(goal, found).reached == reached


def test_a_bound_shows_and_excuses_nothing() -> None:
    goal = Goal("7", "", 0.9)
    missed = Ratio.of(goal, Measured(100, 60, 5, complete=True, bare=85))
    assert (missed.bound, missed.reached) == (0.85, False)
    assert missed.as_json().items() >= {"bound": 0.85, "bare": 85, "reached": False}.items()
    assert Ratio.of(goal, Measured(100, 60, 5, complete=True)).bound is None
    assert Ratio.of(goal, Measured(0, 0, 0, complete=False, bare=85)).bound is None
    shown = io.StringIO()
    Console(file=shown, width=160).print(table([missed]))
    assert "0.60" in shown.getvalue()
    assert "0.85" in shown.getvalue()


async def test_both_sides_run_in_turn_and_the_median_counts() -> None:
    ran: list[str] = []

    async def side(name: str, waits: Sequence[float], number: int) -> int:
        ran.append(name)
        await asyncio.sleep(waits[number])
        return 1

    raw, ours = await in_turn(
        3, lambda number: side("raw", (0.0, 0.0, 0.2), number), lambda number: side("ours", (0.02, 0.02, 0.02), number)
    )
    assert ran == ["raw", "ours"] * 3
    assert raw < 0.02 <= ours < 0.1


async def test_a_third_side_runs_behind_the_two() -> None:
    ran: list[str] = []

    async def side(name: str, _: int) -> int:
        ran.append(name)
        return 10

    raw, ours, bare = await rates(2, partial(side, "raw"), partial(side, "ours"), partial(side, "bare"))
    assert ran == ["raw", "ours", "bare"] * 2
    assert min(raw, ours, bare) > 0


def test_json_has_the_promised_keys_and_a_table_is_drawn() -> None:
    told = CliRunner().invoke(app, ["bench", "--help"])
    assert told.exit_code == 0
    ratio = Ratio.of(GOALS["8a"], Measured(4.0, 3.0, 5, complete=False, why="data: 1 instead of 2"))
    assert json.loads(json.dumps(ratio.as_json())).items() >= {
        "id": "8a", "ratio": 0.75, "goal": 0.27, "raw": 4.0, "ours": 3.0, "rounds": 5, "complete": False,
    }.items()  # fmt: skip
    shown = io.StringIO()
    Console(file=shown, width=160).print(table([ratio]))
    assert "0.75" in shown.getvalue()
    assert "data: 1 instead of 2" in shown.getvalue()


def test_an_unknown_ratio_is_named() -> None:
    with pytest.raises(UnknownWord, match="`99`"):
        run(["99"], None, Console(file=io.StringIO()))


def test_without_postgresql_its_ratios_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> None:
        raise NoServer("PostgreSQL is needed: apt-get install postgresql")

    monkeypatch.setattr("avow.bench.PostgresServer", none)
    (ratio,) = run(["4"], None, Console(file=io.StringIO()), SMALL)
    assert not ratio.complete
    assert "apt-get install postgresql" in ratio.why
