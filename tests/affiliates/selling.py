"""A sale is credited by a process that is killed at one of its writes; then it is told of again, as a payment company does.

A click that was held before must have earned its commission once in the end: neither twice nor never.
"""

import asyncio
import os
from pathlib import Path

from avow.app import Avow
from tests.affiliates.harness import AITPRO
from tests.affiliates.serving import CLICK
from tests.crash.points import Switch
from tests.shops import Clock, opened

COMMISSION = 1180


async def sold(shop: Avow) -> None:
    """The order of the click is paid."""
    click = await shop.affiliates.click(CLICK["affiliate-click"])
    if click is not None:
        await shop.affiliates.credit(click, COMMISSION)


def killed(folder: Path, at: int) -> bool:
    """Credit in a process of its own that is killed at its write `at`, counted from the credit's beginning; whether it was."""
    child = os.fork()
    if child == 0:
        switch = Switch(0)

        async def run() -> None:
            async with opened(folder, Clock(), policy=AITPRO, private=True, sequence_every=Clock.NEVER) as shop:
                await shop.collect("affiliate-link", CLICK, affiliate_link=True)
                switch.at = switch.count + at
                await sold(shop)
                switch.at = 0

        try:
            asyncio.run(run())
        except BaseException:  # noqa: BLE001 - this process has no other way to tell
            os._exit(3)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) != 0:
        raise AssertionError("the child failed of itself")
    return os.WIFSIGNALED(status)
