"""Run the harnesses of the tests at their full counts.

    python -m tests.campaign [NAME...] [--report FILE] [--seed N] [--fresh] [--list]

Work is cut into batches. After each the state is on disk, so a campaign that was stopped goes on where it was, as
long as sources, policies and tests are the same; when they changed it starts over and says so. A batch that failed is
tried again with its own seed. The report (Markdown, and JSON beside it) holds what ran, nothing else: a figure is
claimed only from there.

To add a harness, add a line to `HARNESSES`. It is a function `run(count, seed, **more)`, plain or async, that answers
with figures by name. `ok` among them says whether all that had to hold did hold.
"""

import argparse
import asyncio
import hashlib
import importlib
import inspect
import json
import os
import platform
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from textwrap import shorten
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

TOP = Path(__file__).parents[1]
OUT = TOP / "out" / "campaign"
POLICIES = sorted(path.stem for path in (TOP / "policies").glob("*.yaml"))

Figures = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Harness:
    """One harness and the count that is claimed for it."""

    name: str
    run: str  # `module:function`, looked up when its turn comes
    count: int  # tries in all
    batch: int  # tries a call; nothing of a call that was stopped is kept
    more: Mapping[str, Any] = field(default_factory=dict)  # further arguments, by name

    def batches(self, seed: int) -> Iterator[tuple[int, int]]:
        """(count, seed) of each call. A batch's seed hangs on nothing but the campaign's, the name and its place."""
        for n, start in enumerate(range(0, self.count, self.batch)):
            digest = hashlib.sha256(f"{seed}/{self.name}/{n}".encode()).digest()
            yield min(self.batch, self.count - start), int.from_bytes(digest[:6])


HARNESSES: list[Harness] = [
    Harness("history", "tests.decide.histories:run", 1_000, 200),
    *(Harness(f"oracle-{name}", "tests.decide.oracle:run", 100_000, 5_000, {"policy": name}) for name in POLICIES),
    Harness("versions", "tests.decide.versions:run", 1_000, 50),
    Harness("transplant", "tests.vault.transplant:run", 10_000, 1_000),
    Harness("tampering", "tests.ledger.tampering:run", 10_000, 500),  # and a tenth as many clean verifies
    Harness("verify-clean", "tests.ledger.clean:run", 1_000, 100),
    Harness("tampering-stored", "tests.tampering.harness:run", 10_000, 500),
    Harness("clicks", "tests.affiliates.harness:run", 20_000, 20_000),  # half of them end, on one day
    Harness("canary", "tests.residue.harness:run", 1_000, 1_000),  # of 10,000 people
    Harness("crash-sqlite", "tests.crash.harness:run", 2_000, 50),
    Harness("crash-postgres", "tests.crash.postgres:run", 400, 50),
    Harness("crash-postgres-server", "tests.crash.postgres:server", 200, 25),
    Harness("window", "tests.window:run", 100_000, 20_000),
    Harness("kill-keystore", "tests.store.keystore_crashes:run", 2_000, 100),
    Harness("schemathesis", "tests.doors.api.fuzz:run", 20_000, 1_000),
    Harness("gateway-hostile", "tests.doors.gateway.hostile:run", 10_000, 500),
    Harness("gateway-kill", "tests.doors.gateway.kills:run", 300, 25),
    Harness("gateway-flow", "tests.doors.gateway.flow:run", 100_000, 100_000),  # memory is looked at over all of them
    Harness("newsletter", "tests.serve.newsletters:run", 100_000, 100_000),  # readers of 1,000,000 people; killed once
    Harness(
        "stats-attack", "tests.statistics.attack:run", 600_000, 30_000
    ),  # two answers to 120 requests: 10,000 releases
    Harness("stats-budget-sqlite", "tests.statistics.budget:run", 100_000, 10_000, {"kind": "sqlite"}),
    Harness("stats-budget-postgres", "tests.statistics.budget:run", 100_000, 10_000, {"kind": "postgres"}),
    Harness("linkage", "tests.linkage.harness:run", 1_000, 1_000),  # people, among twice as many other visitors
    *(
        Harness(f"visits-size-{site}", "tests.visits.scale:size", 10_000_000, 10_000_000, {"site": site})
        for site in ("aitoc", "daminion", "aitpro")
    ),
    *(
        Harness(f"visits-ingest-{site}", "tests.visits.scale:ingest", 200_000, 200_000, {"site": site, "pace": 5_000})
        for site in ("aitoc", "daminion", "aitpro")
    ),
    Harness("plan", "tests.planning:run", 1_000_000, 1_000_000),  # people; in under 30 s
    Harness("kill-log", "tests.ledger.crashes:run", 1_000, 50),
    Harness("disclosure-race", "tests.practices.racing:run", 10_000, 500),
]


def digest(folders: Sequence[Path]) -> str:
    """What a figure was made from: one hash over all files of these folders."""
    total = hashlib.sha256()
    for folder in folders:
        for path in sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
            total.update(f"{path.relative_to(folder.parent)}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return total.hexdigest()


class State:
    """What has been run, on disk after every batch. `kept` tells whether an earlier state was taken up."""

    def __init__(self, path: Path, source: str, *, fresh: bool = False) -> None:
        self.path = path
        found = json.loads(path.read_text()) if path.exists() and not fresh else {}
        self.kept = found.get("source") == source
        self.changed = bool(found) and not self.kept
        self._all: dict[str, Any] = found if self.kept else {"source": source, "batches": {}}

    def get(self, name: str, count: int, seed: int) -> dict[str, Any] | None:
        """What this batch came to, if it ran and held."""
        return self._all["batches"].get(f"{name}/{count}/{seed}")  # type: ignore[no-any-return]  # it is JSON of our own

    def put(self, name: str, count: int, seed: int, result: dict[str, Any]) -> None:
        """Keep what a batch came to, whole or not at all."""
        self._all["batches"][f"{name}/{count}/{seed}"] = result
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps(self._all))
        new.replace(self.path)


def call(harness: Harness, count: int, seed: int) -> dict[str, Any]:
    """Run one batch. Whatever goes wrong is a result too, and not a good one."""
    started = time.monotonic()
    try:
        module, _, function = harness.run.partition(":")
        answer = getattr(importlib.import_module(module), function)(count=count, seed=seed, **harness.more)
        figures = dict(asyncio.run(answer) if inspect.iscoroutine(answer) else answer)
        figures.setdefault("ok", False)  # a harness that does not say so has not held
    except Exception as error:  # noqa: BLE001 - the campaign goes on, and its report says what happened
        figures = {"ok": False, "error": f"{type(error).__name__}: {error}"}
    return {
        "count": count,
        "seed": seed,
        "at": _now(),
        "took": round(time.monotonic() - started, 2),
        "figures": figures,
    }


def together(parts: Sequence[Figures]) -> dict[str, Any]:
    """The figures of all batches as one: counts added, measures as least, median and most, `ok` only if all are."""
    return {name: _one([part[name] for part in parts if name in part]) for part in parts for name in part}


def _one(values: list[Any]) -> Any:
    first = values[0]
    if isinstance(first, bool):
        return all(values)
    if isinstance(first, int):
        return sum(values)
    if isinstance(first, float):
        return {"least": min(values), "median": median(values), "most": max(values)}
    if isinstance(first, Mapping):
        return together(values)
    if isinstance(first, list):
        return list({repr(item): item for value in values for item in value}.values())  # each once
    return first if len(set(values)) == 1 else sorted({str(value) for value in values})


def campaign(harnesses: Sequence[Harness], seed: int, state: State, console: Console) -> dict[str, Any]:
    """Run what is not done yet; answer with the report."""
    columns = (
        TextColumn("{task.description:<28}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    report: dict[str, Any] = {}
    with Progress(*columns, console=console) as progress:
        for harness in harnesses:
            task = progress.add_task(harness.name, total=harness.count)
            results = []
            for count, own in harness.batches(seed):
                result = state.get(harness.name, count, own)
                if result is None:
                    result = call(harness, count, own)
                    if result["figures"]["ok"]:
                        state.put(harness.name, count, own, result)
                results.append(result)
                progress.advance(task, count)
            report[harness.name] = _sum_up(harness, results)
            if not report[harness.name]["ok"]:
                console.print(f"[red]{harness.name}: did not hold[/red]")
    return {
        "made": _now(),
        "seed": seed,
        "machine": f"{os.cpu_count()} processors, Python {platform.python_version()}, {platform.system()} {platform.machine()}",
        "ok": all(one["ok"] for one in report.values()),
        "harnesses": report,
    }


def _sum_up(harness: Harness, results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    failed = [result for result in results if not result["figures"]["ok"]]
    figures = together([result["figures"] for result in results])
    return {
        "ok": figures.pop("ok") and not failed,
        "count": sum(result["count"] for result in results),
        "batches": len(results),
        "from": min(result["at"] for result in results),
        "to": max(result["at"] for result in results),
        "seconds": round(sum(result["took"] for result in results), 1),
        "figures": figures,
        "failed": [
            {"run": harness.run, "count": one["count"], "seed": one["seed"], **one["figures"]} for one in failed
        ],
    }


def markdown(report: Mapping[str, Any]) -> str:
    """The report for people."""
    lines = [
        f"# Campaign of {report['made']}",
        "",
        f"{'Everything held.' if report['ok'] else '**Not everything held.**'} Seed {report['seed']}; {report['machine']}.",
        "",
        "| harness | held | count | seconds | figures |",
        "|---|---|---:|---:|---|",
    ]
    for name, one in report["harnesses"].items():
        figures = ", ".join(f"{key}: {_short(value)}" for key, value in one["figures"].items())
        lines.append(
            f"| {name} | {'yes' if one['ok'] else '**no**'} | {one['count']:,} | {one['seconds']:,} | {figures} |"
        )
        lines += [
            f"|  | failed | {bad['count']:,} | | seed {bad['seed']}: {bad.get('error', 'see the JSON')} |"
            for bad in one["failed"]
        ]
    return "\n".join(lines) + "\n"


def _short(value: Any) -> str:
    if isinstance(value, Mapping):
        return "(" + ", ".join(f"{key} {_short(inner)}" for key, inner in value.items()) + ")"
    if isinstance(value, list):
        return shorten(", ".join(_short(one) for one in value), 160) or "none"
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value).replace("|", "\\|").replace("\n", " ")


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")


def main(arguments: Sequence[str] | None = None, harnesses: Sequence[Harness] = HARNESSES, out: Path = OUT) -> int:
    """The command. Answers 0 only if everything that was asked for ran and held."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaign", description="The harnesses at their full counts.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="a harness, or the start of several names")
    parser.add_argument("--report", type=Path, default=out / "report.md", help="Markdown; JSON is written beside it")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fresh", action="store_true", help="forget what an earlier campaign finished")
    parser.add_argument("--list", action="store_true", help="the harnesses and their counts, without running any")
    asked = parser.parse_args(arguments)
    console = Console()
    chosen = [one for one in harnesses if not asked.names or any(one.name.startswith(name) for name in asked.names)]
    if not chosen or any(not any(one.name.startswith(name) for one in chosen) for name in asked.names):
        console.print(f"no such harness; there are {', '.join(one.name for one in harnesses)}")
        return 2
    if asked.list:
        for one in chosen:
            console.print(f"{one.name:<28} {one.count:>9,}", highlight=False)
        return 0

    state = State(out / "state.json", digest([TOP / "src", TOP / "policies", TOP / "tests"]), fresh=asked.fresh)
    if state.changed:
        console.print("sources changed since the last campaign: starting over")
    report = campaign(chosen, asked.seed, state, console)
    asked.report.parent.mkdir(parents=True, exist_ok=True)
    asked.report.write_text(markdown(report))
    asked.report.with_suffix(".json").write_text(json.dumps(report, indent=1))
    console.print(f"{'everything held' if report['ok'] else 'NOT everything held'}: {asked.report}", highlight=False)
    return 0 if report["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
