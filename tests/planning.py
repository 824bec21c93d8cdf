"""The plan of a version for so many people on PostgreSQL: each has four data, a tenth has no address, and a hundredth is
erased and not yet purged. The rows are the store's own, in bulk; only their sealed bytes are of chance, for nobody opens them.

`ok`: the counts are right, and it took less than `SECONDS`.
"""

import random
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from avow.store.interface import Datum, Store, Subject
from avow.store.terms import Terms
from tests.policy.five import next_of, policy_of
from tests.servers import PostgresServer
from tests.shops import opened

SECONDS: Final = 30.0
BATCH: Final = 5_000
HELD: Final = ("name", "message", "message", "items")


async def fill(store: Store, count: int, seed: int, policy: bytes) -> None:
    """So many people, in bulk."""
    dice = random.Random(seed)
    came = Terms(policy, 1_770_000_000_000, None, "answer order", "contact", "person").encode()
    for start in range(0, count, BATCH):
        numbers = range(start, min(start + BATCH, count))
        people = {number: dice.randbytes(16) for number in numbers}
        async with store.transaction() as tx:
            await tx.add_subjects([Subject(who, 0, "", "", 1, "live") for who in people.values()])
            await tx.put([
                Datum(who, dice.randbytes(16), name, "ordinary", 1, came, dice.randbytes(60))
                for number, who in people.items() for name in (*HELD, *(["email"] if number % 10 else []))
            ])  # fmt: skip
            for number, who in people.items():
                if number % 100 == 5:
                    await tx.drop_subject(who)


async def run(count: int, seed: int) -> dict[str, Any]:
    """`count` people, and the next version of the policy of aitpro."""
    policy = policy_of("aitpro")
    with tempfile.TemporaryDirectory() as folder, PostgresServer() as server:
        async with opened(Path(folder), policy=policy, url=server.new_database(), private=True) as shop:
            await fill(shop._gate.store, count, seed, policy.digest[:16])
            began = perf_counter()
            plan = await shop.planning.plan(next_of("aitpro"))
            took = perf_counter() - began
    left = count - (count + 94) // 100
    told = {one.category: (one.people, one.data) for one in plan.touched}
    right = told == {"message": (left, 2 * left), "items": (left, left)} and (plan.people, plan.unreachable) == (
        left, (count + 9) // 10,
    )  # fmt: skip
    return {
        "ok": right and took < SECONDS, "people": count, "seconds": round(took, 2), "counted": told,
        "unreachable": plan.unreachable,
    }  # fmt: skip
