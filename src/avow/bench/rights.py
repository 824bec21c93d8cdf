"""Ratios 21 and 22: a person's export and erasure, on SQLite."""

from pathlib import Path
from typing import Any

from avow.app import Avow
from avow.bench.bare import proven
from avow.bench.bare_sqlite import exporting
from avow.bench.ratio import MICROSECONDS, Check, Measured, Scale, faults, in_turn, rates
from avow.bench.raw_sqlite import DATUM, HELD, PERSON, RECORD, SITE, RawSqlite, now
from avow.bench.shop import PURPOSE, Person, collecting_of, counted, file_events, gate_of, opened, policy
from avow.gate import Actor
from avow.policy.model import Policy
from avow.policy.parse import parse
from avow.practices.collecting import Submission

FIELDS = 100  # data that the long form takes in
GIVEN = {
    f"field-{n}": f"What the person wrote into this field of a long form, a hundred letters or so, number {n:05d}."
    for n in range(FIELDS)
}


def wide() -> Policy:
    """The bench's policy with a form that asks for a hundred things."""
    declared = "".join(f"  {name}: {{is: Communication}}\n" for name in GIVEN)
    text = policy().source.replace("purposes:\n", declared + "purposes:\n", 1)
    return parse(text.replace("asks: [note]", f"optional: [note, {', '.join(GIVEN)}]", 1), "shop.yaml, widened")


async def export(folder: Path, scale: Scale) -> Measured:
    """21: everything held on a person with 100 data; against the same rows as dicts, with a plain record."""
    raw = RawSqlite(folder)
    try:
        async with opened(folder, rules=wide()) as shop, opened(folder, rules=wide(), name="bare") as other:
            each = scale.of(10)
            people, theirs = [[await _grow(one, 1) for _ in range(each)] for one in (shop, other)]
            ids = _raw_people(raw, each)
            found: tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]] = ([], [], [])

            async def plain(number: int) -> int:  # noqa: ARG001 - every round exports the same people
                for who in ids:
                    raw.execute("BEGIN IMMEDIATE")
                    raw.execute(RECORD, (now(), "person", who, "export", "all", "rights", "done"))
                    data = [
                        {
                            "category": category, "value": value, "purposes": purposes.split(), "source": source,
                            "collected": collected, "due": due,
                        }
                        for category, purposes, source, collected, due, value in raw.execute(HELD, (SITE, who))
                    ]  # fmt: skip
                    raw.execute("COMMIT")
                    found[0].append({"person": who.hex(), "data": data})
                return each

            async def ours(number: int) -> int:  # noqa: ARG001 - as above
                for who in people:
                    found[1].append(await shop.export(who))
                await file_events(shop)
                return each

            bare = await exporting(other, theirs, found[2])
            before, raw_before = [await counted(one) for one in (shop, other)], raw.count("record")
            speeds = await rates(scale.rounds, plain, ours, bare)
            after = [await counted(one) for one in (shop, other)]
            total = each * scale.rounds
            opened_before = before[1]["trace"] * scale.rounds + sum(range(scale.rounds)) * each
            why = faults(
                [
                    ("raw exports are right", sum(map(_right, found[0])), total),
                    ("raw records", raw.count("record") - raw_before, total),
                    *_recorded("", found[1], before[0], after[0], total),
                    *_recorded("bare ", found[2], before[1], after[1], total),
                    ("bare events opened", sum(len(one["events"]) for one in found[2]), opened_before),
                    (
                        "bare events that are proved",
                        await proven(other, [Person({}, who) for who in theirs]),
                        after[1]["trace"],
                    ),
                ]
            )
            return Measured(*speeds[:2], scale.rounds, not why, why=why, bare=speeds[2])
    finally:
        raw.close()


def _recorded(
    whose: str, found: list[dict[str, Any]], before: dict[str, int], after: dict[str, int], total: int
) -> list[Check]:
    """What so many exports gave and left."""
    return [
        (whose + "exports are right", sum(map(_right, found)), total),
        (whose + "entries", after["entry"] - before["entry"], total),
        (whose + "traces", after["trace"] - before["trace"], total),
    ]


def _right(exported: dict[str, Any]) -> bool:
    return {one["category"]: one["value"] for one in exported["data"]} == GIVEN


async def erase(folder: Path, scale: Scale) -> Measured:
    """22: the time to erase a person with 10,000 data, by the time to erase one with 10."""
    large = scale.of(10_000) // FIELDS or 1
    async with opened(folder, rules=wide()) as shop:
        small = [await _grow(shop, 1, 10) for _ in range(scale.rounds)]
        heavy = [await _grow(shop, large) for _ in range(scale.rounds)]
        gate = gate_of(shop)
        await gate.store.scrub()  # both begin with an empty log of the database
        before = await counted(shop)

        async def few(number: int) -> int:
            await shop.erase(small[number])
            return 1

        async def many(number: int) -> int:
            await shop.erase(heavy[number])
            return 1

        slow, fast = await in_turn(scale.rounds, few, many)
        after = await counted(shop)
        async with gate.store.transaction() as tx:
            rows = await tx.subjects([bytes.fromhex(who) for who in (*small, *heavy)])
        why = faults(
            [
                ("entries", after["entry"] - before["entry"], 2 * scale.rounds),
                ("erased", sum(row is not None and row.state == "erased" for row in rows), 2 * scale.rounds),
                ("data that was there", before["datum"], scale.rounds * (10 + large * FIELDS)),
            ]
        )
        return Measured(slow * 1e6, fast * 1e6, scale.rounds, not why, MICROSECONDS, why)


async def _grow(shop: Avow, times: int, fields: int = FIELDS) -> str:
    """Somebody who has filled in the long form so often."""
    given = dict(list(GIVEN.items())[:fields])
    actor = Actor("person", "person", identified=True)
    collecting = collecting_of(shop)
    subject = (await collecting.collect([Submission("remark", given, actor)]))[0]
    for _ in range(times - 1):
        await collecting.collect([Submission("remark", given, actor, subject)])
    return subject.hex()


def _raw_people(raw: RawSqlite, count: int) -> list[bytes]:
    ids = [n.to_bytes(16, "big") for n in range(count)]
    at = now()
    raw.execute("BEGIN IMMEDIATE")
    raw.many(PERSON, [(SITE, who, at) for who in ids])
    raw.many(
        DATUM,
        [
            (SITE, who, n.to_bytes(16, "big"), category, PURPOSE, "remark", at, None, value)
            for who in ids
            for n, (category, value) in enumerate(GIVEN.items())
        ],
    )
    raw.execute("COMMIT")
    return ids
