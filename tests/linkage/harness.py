"""The linkage attack over everything that a busy shop leaves on disk, and the defects that the same attack must use.

Holds, where for each kind of record the choices that were right are no more than uniform choices within the same cells give
with a probability of 1 in 1,000 (shared among the kinds), and no two files have a rare value in common.
"""

import secrets
import shutil
from math import sqrt
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final

from tests.linkage.attack import Outcome, attack, shared_bytes
from tests.linkage.world import HOUR, Busy, Plant, busy

DOUBT: Final = 0.001
_99: Final = 2.326  # standard deviations of a one-sided 99 %


def shared_id(here: Busy, address: str, reference: str) -> None:
    """A visit has a number, and the books know it."""
    _table(here, "trails", "hour INTEGER, id TEXT, truth TEXT")
    number = secrets.token_hex(16)
    here.counted.stored._db.execute("INSERT INTO trails VALUES (?, ?, ?)", (here.now() // HOUR * HOUR, number, address))  # type: ignore[union-attr]
    if reference:
        here.bed.orders._db.execute("UPDATE orders SET origin = ? WHERE reference = ?", (number, reference))


def exact_time(here: Busy, address: str, _: str) -> None:
    """A visit has the time of its last page."""
    _table(here, "ends", "at INTEGER, truth TEXT")
    here.counted.stored._db.execute("INSERT INTO ends VALUES (?, ?)", (here.now(), address))  # type: ignore[union-attr]


def row_order(here: Busy, address: str, _: str) -> None:
    """Visits are rows with the hour alone, in the order in which they ended."""
    _table(here, "rows", "hour INTEGER, truth TEXT")
    here.counted.stored._db.execute("INSERT INTO rows VALUES (?, ?)", (here.now() // HOUR * HOUR, address))  # type: ignore[union-attr]


DEFECTS: Final[dict[str, Plant]] = {"shared-id": shared_id, "exact-time": exact_time, "row-order": row_order}
_PLANTED: Final = {"shared-id": "trails", "exact-time": "ends", "row-order": "rows"}


def _table(here: Busy, name: str, columns: str) -> None:
    here.counted.stored._db.execute(f"CREATE TABLE IF NOT EXISTS {name} ({columns})")  # type: ignore[union-attr]


async def run(count: int, seed: int) -> dict[str, Any]:
    """As many people; figures, with `ok`: the sound shop resists, and each defect is used."""
    shared: list[set[bytes]] = []
    sound = await outcomes(count, seed, shared=shared)
    kinds = len(sound)
    figures: dict[str, Any] = {
        "people": count,
        "kinds": {kind: told(one) for kind, one in sound.items()},
        "shared-bytes": sorted(repr(run) for run in shared[0]),
        "ok": kinds > 1 and not shared[0] and all(one.unlikely > DOUBT / kinds for one in sound.values()),
    }
    for name, plant in DEFECTS.items():
        with_it = await outcomes(min(count, 200), seed + 1, plant, shared)
        found = next(one for kind, one in with_it.items() if kind.endswith(_PLANTED[name]))
        figures[name] = told(found)
        figures["ok"] = figures["ok"] and found.unlikely < DOUBT and bool(shared[-1] or name != "shared-id")
    return figures


def told(one: Outcome) -> dict[str, Any]:
    """Right choices, those of chance, and how much better than chance an attacker is at most, at 99 %."""
    spread = sqrt(sum(chance * (1 - chance) for chance in one.chances))
    return {
        "chosen": len(one.chances), "right": one.hits, "by-chance": one.expected,
        "advantage-at-most": (one.hits - one.expected + _99 * spread) / len(one.chances), "p": one.unlikely,
    }  # fmt: skip


async def outcomes(
    count: int, seed: int, plant: Plant | None = None, shared: list[set[bytes]] | None = None
) -> dict[str, Outcome]:
    """The attack on one such shop. `shared`: where to put the runs of bytes that both sides have in common."""
    folder = Path(mkdtemp(prefix="avow-linkage-"))
    try:
        async with busy(folder, count, seed, plant) as world:
            if shared is not None:
                shared.append(shared_bytes(world))
            return attack(world, seed)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
