"""Kill -9 while entries are recorded and sequenced: nothing acknowledged is lost, nothing is doubled.

A child works in one folder, life after life, telling by its output each event that was committed and each checkpoint
that was given out. It kills itself before a step chosen by the dice. The parent then opens the log as any start does,
sequences what is left, and holds the log against all that the child ever told.
"""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

from avow.ledger.entry import EVENT
from avow.ledger.folder import files
from avow.ledger.tiles import Tiles
from avow.ledger.verify import verify_log
from avow.sequencer import Log
from avow.store import open_store
from avow.store.interface import Leaf
from tests.ledger import logs


async def live(folder: Path, seed: int, *, early: bool) -> None:
    """Record and sequence until the dice say die. `early` is a planted defect: tell of a commit before it."""
    dice = Random(seed)
    left = dice.randrange(1, 40)

    def step(name: str) -> None:
        nonlocal left
        left -= name == "early" if early else 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    store = await open_store(f"sqlite:///{folder / 'shop.db'}", "shop")
    log = await Log.open(folder / "log", store, logs.SIGNER, folder / "kept", step)
    tell("checkpoint", log.checkpoint().encode())
    while True:
        leaves = [Leaf(one[EVENT], one) for one in logs.entries(dice.choice((1, 3, 100, 300)), dice.getrandbits(60))]
        events = b"".join(leaf.event for leaf in leaves)
        if early:
            tell("recorded", events)
            step("early")
        async with store.transaction() as tx:
            await tx.record(leaves, ())
        tell("recorded", events)
        step("recorded")
        if dice.random() < 0.7:
            await log.sequence(logs.START, dice.choice((2, 200, 10_000)))
            tell("checkpoint", log.checkpoint().encode())
            step("sequenced")


def tell(what: str, data: bytes) -> None:
    sys.stdout.write(f"{what} {data.hex()}\n")
    sys.stdout.flush()


async def settle(folder: Path) -> list[bytes]:
    """Start as usual, sequence all that is pending; the events of the tree, in order."""
    store = await open_store(f"sqlite:///{folder / 'shop.db'}", "shop")
    log = await Log.open(folder / "log", store, logs.SIGNER, folder / "kept")
    try:
        while await log.sequence(logs.START):
            pass
        read = Tiles(files(folder / "log"), log.size)
        return [one[EVENT] for number in range(-(-log.size // 256)) for one in read.entries(number)]
    finally:
        log.close()
        await store.close()


def run(count: int, seed: int, *, early: bool = False) -> Mapping[str, Any]:
    """`count` lives and deaths."""
    dice = Random(seed)
    lost = doubled = unverified = killed = recorded = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        told: set[bytes] = set()
        held: list[str] = []
        for _ in range(count):
            child = [
                sys.executable,
                "-m",
                "tests.ledger.crashes",
                str(folder),
                str(dice.getrandbits(60)),
                "early"[: 5 * early],
            ]
            done = subprocess.run(child, capture_output=True, text=True, timeout=60, check=False)
            killed += done.returncode == -signal.SIGKILL
            for what, _, data in (line.partition(" ") for line in done.stdout.splitlines()):
                if what == "checkpoint":
                    held = [*held[-20:], bytes.fromhex(data).decode()]
                else:
                    told |= {bytes.fromhex(data)[at : at + 16] for at in range(0, len(data) // 2, 16)}
            there = asyncio.run(settle(folder))
            lost += len(told - set(there))
            doubled += len(there) - len(set(there))
            unverified += bool(verify_log(files(folder / "log"), logs.KEY, held).faults)
        recorded = len(told)
    return {
        "ok": killed == count and not lost and not doubled and not unverified, "killed": killed,
        "acknowledged": recorded, "lost": lost, "doubled": doubled, "unverified": unverified,
    }  # fmt: skip


if __name__ == "__main__":
    asyncio.run(live(Path(sys.argv[1]), int(sys.argv[2]), early=bool(sys.argv[3])))
