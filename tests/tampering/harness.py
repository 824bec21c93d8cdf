"""Tamper with what a site has stored, behind its gate, and see that each time somebody notices.

Who notices: the gate or the keystore by itself (`Tampered`, `KeyFault`, `RolledBack`, `OperatorError`), the shop's own
inspection and census, or the auditor, who has the log's key and one checkpoint from before. Everything is undone
after each, and every tenth time the site as it was is inspected whole: that must raise no alarm.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from random import Random
from tempfile import mkdtemp
from typing import Any, Final
from unittest.mock import patch

from avow import gate
from avow.errors import OperatorError, RolledBack, Tampered
from avow.practices import inspecting
from avow.practices.inspecting import Inspecting
from tests.tampering import resting
from tests.tampering.kinds import KINDS
from tests.tampering.site import Site

RESTING: Final = 10  # one tampering in so many is of the files of a site that is closed


def _nothing(*_: object) -> list[str]:
    """What a check that was taken out says."""
    return []


async def _none(*_: object) -> list[str]:
    return []


def _believing(_: object, row: Any, __: object) -> str:
    line: str = row.facts[33:]
    return line


DEFECTS: Final[Mapping[str, tuple[object, str, object]]] = {
    "values": (Inspecting, "_datum", _none),
    "rows": (inspecting, "_differences", _nothing),
    "consents": (inspecting, "_consent", _nothing),
    "log": (Inspecting, "_log", staticmethod(_nothing)),
    "order": (inspecting, "BACKWARDS", 1 << 60),
    "census": (Inspecting, "census", _none),
    "standing": (gate, "believed", _believing),
}


@contextmanager
def planted(defect: str) -> Iterator[None]:
    """An inspection with this check taken out."""
    if not defect:
        yield
        return
    with patch.object(*DEFECTS[defect]):
        yield


async def run(count: int, seed: int, defect: str = "") -> dict[str, Any]:
    """`count` tamperings of every kind in turn; figures by kind, with `ok`."""
    dice = Random(seed)
    folder = Path(mkdtemp(prefix="avow-tampering-"))
    site = Site(folder, dice)
    tried: dict[str, int] = {}
    missed: dict[str, int] = {}
    wrong: list[str] = []
    clean = alarms = 0
    try:
        await site.live()
        with planted(defect):
            for number in range(count):
                rest, turn = number % RESTING == RESTING - 1, number // RESTING
                kind: Callable[..., Any] = (
                    resting.KINDS[turn % len(resting.KINDS)] if rest else KINDS[(number - turn) % len(KINDS)]
                )
                name = kind.__name__.replace("_", " ")
                tried[name] = tried.get(name, 0) + 1
                try:
                    noticed = await (resting.noticed(site, kind) if rest else _noticed(site, kind))
                except Exception as error:  # noqa: BLE001 - noticed, but as nobody is told it
                    noticed = True
                    wrong.append(f"{name}: {type(error).__name__}: {error}")
                if not noticed:
                    missed[name] = missed.get(name, 0) + 1
                if not rest:
                    site.undo()
                if number % 10 == 0:
                    clean += 1
                    found = [*await site.faults(site.people), *site.verified()]
                    alarms += bool(found)
                    wrong += [f"an alarm after {name}: {fault}" for fault in found]
    finally:
        await site.close()
        shutil.rmtree(folder, ignore_errors=True)
    return {
        "ok": not missed and not alarms and not wrong, "tamperings": count, "missed": sum(missed.values()),
        "missed by kind": missed, "clean": clean, "alarms": alarms, "by kind": tried, "wrong": wrong[:20],
    }  # fmt: skip


async def _noticed(site: Site, kind: Callable[[Site], str]) -> bool:
    who = kind(site)
    try:
        return bool(await site.faults([who]))
    except (Tampered, OperatorError, RolledBack):
        return True
