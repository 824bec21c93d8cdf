"""Withdrawals that race disclosures: none is begun once a withdrawal was acknowledged.

Each race starts some disclosures at once with a withdrawal, and one more when the withdrawal has returned. What counts is
the record: a disclosure whose event stands after the withdrawal's, or whose package came out of a call that was made
after the acknowledgement, is wrong. `planted` lets the consent stand: then every race is wrong.
"""

import asyncio
import random
import tempfile
from pathlib import Path
from typing import Any

from avow.app import Avow
from avow.errors import Refused
from tests.outside import on_file
from tests.policy.five import policy_of
from tests.shops import ADA, Clock, opened

CALLS = 4


async def run(count: int, seed: int, *, planted: bool = False) -> dict[str, Any]:
    """So many races. `late`: disclosures that began after the acknowledgement; `went`: those that came before it."""
    dice, late, went, refused = random.Random(seed), 0, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        async with opened(Path(folder), Clock(), policy=policy_of("audiomidi"), sequence_every=Clock.NEVER) as shop:
            await on_file(shop, "gear-makers")
            people = [
                await shop.collect("order", {name: ADA[name] for name in ("name", "email", "postal-address")})
                for _ in range(min(count, 50))
            ]
            for number in range(count):
                who = people[number % len(people)]
                before, after = await _race(shop, who, dice, planted=planted)
                went += before
                refused += CALLS - before
                late += after
    return {
        "ok": late == 0 and went > 0 and refused > 0,
        "races": count,
        "late": late,
        "went": went,
        "refused": refused,
    }


async def _race(shop: Avow, who: str, dice: random.Random, *, planted: bool) -> tuple[int, int]:
    """How many came before the acknowledgement, and how many began after it and went out all the same."""
    await shop.agree_to(who, "share", "gear-makers", ["email"], words="Yes", how="sharing-choice")
    acknowledged = asyncio.Event()

    async def pause() -> None:
        for _ in range(dice.randrange(6)):
            await asyncio.sleep(0)

    async def disclose() -> tuple[bool, bool]:
        await pause()
        late = acknowledged.is_set()
        try:
            await shop.disclose(who, ["email"], recipient="gear-makers", purpose="partner-offers")
        except Refused:
            return False, late
        return True, late

    async def withdraw() -> None:
        await pause()
        if not planted:
            await shop.withdraw(who, "consent/share")
        acknowledged.set()

    answers, _ = await asyncio.gather(asyncio.gather(*(disclose() for _ in range(CALLS))), withdraw())
    answers += [await disclose()]
    return sum(went and not late for went, late in answers), sum(went and late for went, late in answers)
