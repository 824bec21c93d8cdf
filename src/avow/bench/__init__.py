"""`avow bench`: what enforcement costs, as ratios measured side by side in one run. See docs/performance.md.

Nothing here can switch a record off: ratios 1 and 4 put together the parts of a read by themselves, and all others go
through the gate as everybody does.
"""

import asyncio
import os
import platform
import sysconfig
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from avow.bench import decisions, ledger, on_postgres, reads, rights, versions, web, writes
from avow.bench.ratio import Goal, Measured, Ratio, Scale, missing, table
from avow.bench.server import NoServer, PostgresServer
from avow.errors import UnknownWord

__all__ = ["GOALS", "Ratio", "interpreter", "run", "table"]


Measure = Callable[[Path, Scale], Awaitable[Measured]]
OnServer = Callable[[Path, str, Scale], Awaitable[Measured]]


@dataclass(frozen=True, slots=True)
class Bench:
    """A goal, and what measures it in an empty folder: by files alone, or on a PostgreSQL as well."""

    goal: Goal
    measure: Measure | None = None
    on_server: OnServer | None = None


BENCHES: Final = (
    Bench(Goal("1", "SQLite: facts, decision and opening / raw read", 0.50), reads.parts),
    Bench(Goal("2", "SQLite: enforced read, recorded, 100 a transaction / raw read and record", 0.40), reads.grouped),
    Bench(Goal("3", "SQLite: enforced read, recorded, one a transaction / raw read and record", 0.65), reads.single),
    Bench(Goal("4", "PostgreSQL: facts, decision and opening / raw psycopg read", 0.85), on_server=on_postgres.parts),
    Bench(
        Goal("4l", "PostgreSQL: the same / raw read below psycopg's cursors", 0.85), on_server=on_postgres.parts_by_link
    ),
    Bench(Goal("5", "PostgreSQL: enforced read, recorded, 8 callers / raw", 0.90), on_server=on_postgres.grouped),
    Bench(Goal("7", "SQLite: protected durable insert / raw insert and record", 0.90), writes.insert),
    Bench(Goal("7p", "PostgreSQL: protected durable insert, 8 callers / raw", 0.90), on_server=on_postgres.insert),
    Bench(Goal("8a", "SQLite: bulk import, 100 a transaction / raw rows and record", 0.27), writes.bulk),
    Bench(Goal("8b", "PostgreSQL: bulk import, 100 a transaction / raw", 0.50), on_server=on_postgres.bulk),
    Bench(Goal("16a", "decision: Cedar by cedarpy, parsed beforehand / Avow", 100), decisions.cedar),
    Bench(Goal("16b", "decision: pycasbin with 100 policies / Avow", 80), decisions.casbin),
    Bench(Goal("17", "decision under 10,000 rules / under 10", 1.05, at_most=True), decisions.growth),
    Bench(Goal("18", "ledger append, 100 a transaction / plain batched insert", 0.7), ledger.append_hundred),
    Bench(Goal("18g", "ledger append, 8 a transaction / plain batched insert", 0.7), ledger.append),
    Bench(Goal("19", "full ledger verify / raw scan", 0.6), ledger.verify),
    Bench(Goal("20", "inclusion proof at 1,000,000 entries / at 10,000", 1.5, at_most=True), ledger.prove),
    Bench(Goal("21", "export of 100 data of one person / raw rows and record", 0.58), rights.export),
    Bench(Goal("22", "erase a person with 10,000 data / with 10", 1.1, at_most=True), rights.erase),
    Bench(Goal("24", "HTTP: an application behind the guard / without it", 0.85), web.guard),
    Bench(Goal("25", "two versions compared, in words / compiled", 2, at_most=True), decisions.versions),
    Bench(Goal("26", "decision about data under ten versions / all under one", 1.05, at_most=True), versions.live),
)
GOALS: Final = {bench.goal.id: bench.goal for bench in BENCHES}


def interpreter() -> dict[str, str | bool]:
    """Which Python measures. One that was built without its own optimisations (`--enable-optimizations`) takes
    half as long again for the same code, the floors' C not: every ratio of Avow's own code comes out lower there.
    """
    built = str(sysconfig.get_config_var("CONFIG_ARGS") or "")
    return {"version": platform.python_version(), "optimised": "--enable-optimizations" in built}


def run(names: Sequence[str], database: str | None, console: Console, scale: Scale | None = None) -> list[Ratio]:
    """Measure the ratios named, or all; progress goes to `console`.

    `database` is the URL of a PostgreSQL in which tables may be made and dropped; without one, a temporary server is
    started from the programs on this machine. Raises `UnknownWord`.
    """
    for name in names:
        if name not in GOALS:
            raise UnknownWord(f"there is no ratio `{name}`; there are {', '.join(GOALS)}")
    chosen = [bench for bench in BENCHES if not names or bench.goal.id in names]
    ratios = []
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    with (
        Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress,
        _Server(database) as server,
    ):
        task = progress.add_task("", total=len(chosen))
        for bench in chosen:
            progress.update(task, description=f"{bench.goal.id}  {bench.goal.name}")
            with tempfile.TemporaryDirectory(prefix="avow-bench-") as folder:
                ratios.append(Ratio.of(bench.goal, _measured(bench, Path(folder), server, scale or Scale())))
            progress.advance(task)
    return ratios


def _measured(bench: Bench, folder: Path, server: "_Server", scale: Scale) -> Measured:
    if bench.measure is not None:
        return asyncio.run(_awaited(bench.measure(folder, scale)))
    if bench.on_server is None:
        return missing("nothing measures it")
    try:
        url = server.database()
    except NoServer as error:
        return missing(str(error))
    with _on(server.cores[:1]):
        return asyncio.run(_awaited(bench.on_server(folder, url, scale)))


async def _awaited(work: Awaitable[Measured]) -> Measured:
    return await work


@contextmanager
def _on(cores: Sequence[int]) -> Iterator[None]:
    """On these processor cores, and whatever is started meanwhile for as long as it lives. Elsewhere than on Linux:
    wherever the system likes.
    """
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores or before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class _Server:
    """The PostgreSQL to measure on: the one named, or one of our own, started when first asked for.

    The server gets cores of its own beside ours. Left to the system, one connection's server process comes to stand on
    our core and another's beside it, and a round trip takes 27 or 70 us for no other reason.
    """

    def __init__(self, url: str | None) -> None:
        self._url = url
        self._own: PostgresServer | None = None
        self.cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *told: object) -> None:
        if self._own is not None:
            self._own.__exit__(*told)

    def database(self) -> str:
        """The URL of a database; a new one on a server of our own. Raises `NoServer`."""
        if self._url is not None:
            return self._url
        if self._own is None:
            with _on(self.cores[1:]):
                self._own = PostgresServer().__enter__()
        return self._own.new_database()
