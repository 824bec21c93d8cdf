"""Verify honest logs of many sizes, each against a checkpoint held from before: none may raise an alarm."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

from avow.ledger.folder import files
from avow.ledger.verify import verify_log
from tests.ledger import logs


def run(count: int, seed: int) -> Mapping[str, Any]:
    """`count` verifications of logs of 1 to 1,500 entries; figures, with `ok`."""
    dice = Random(seed)
    alarms: list[str] = []
    entries = 0
    for _ in range(count):
        data = logs.entries(dice.choice((1, 2, 255, 256, 257, 512, dice.randrange(1, 1_500))), dice.getrandbits(60))
        held = logs.note(data[: dice.randrange(1, len(data) + 1)])
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for path, content in logs.log(data).items():
                file = folder / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
            report = verify_log(files(folder), logs.KEY, [held])
        entries += len(data)
        if report.faults or report.claim != "consistent with a checkpoint held outside":
            alarms.append(str(report.faults[:1]))
    return {"ok": not alarms, "verified": count, "entries": entries, "alarms": len(alarms), "wrong": alarms[:20]}
