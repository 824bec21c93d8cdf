"""Ratios 7 and 8a: taking data in, on SQLite."""

import os
from pathlib import Path

from avow.app import Avow
from avow.bench.bare import proven
from avow.bench.bare_sqlite import inserting
from avow.bench.ratio import Check, Measured, Scale, faults, rates
from avow.bench.raw_sqlite import DATUM, RECORD, SITE, RawSqlite, now
from avow.bench.reads import orders, pair
from avow.bench.shop import (
    BATCH,
    NOTE,
    PURPOSE,
    Person,
    collecting_of,
    counted,
    file_events,
    gate_of,
    imports,
    invented,
    move_in,
    opened,
)
from avow.practices.acting import Member


async def insert(folder: Path, scale: Scale) -> Measured:
    """7: one datum collected for a person who is known, in a transaction of its own; against data and record row."""
    async with pair(folder, scale.of(1_000)) as (shop, raw, people, ids, by), opened(folder, name="bare") as other:
        turns = orders(len(people), scale.rounds, scale.of(300))
        theirs = await move_in(other, people)

        async def plain(number: int) -> int:
            execute = raw.execute
            for n in turns[number]:
                at = now()
                execute("BEGIN IMMEDIATE")
                row = (SITE, ids[n], os.urandom(16), "note", PURPOSE, "remark", at, None, NOTE.format(n=n))
                execute(DATUM, row)
                execute(RECORD, (at, "person", ids[n], "collect", "note", PURPOSE, "done"))
                execute("COMMIT")
            return len(turns[number])

        async def ours(number: int) -> int:
            for n in turns[number]:
                await shop.collect("remark", {"note": NOTE.format(n=n)}, who=people[n].who)
            await file_events(shop)
            return len(turns[number])

        bare = await inserting(other, [one.who for one in theirs], turns)
        before, raw_before = await counted(shop), (raw.count("datum"), raw.count("record"))
        bare_before = await counted(other), await proven(other, theirs)
        speeds = await rates(scale.rounds, plain, ours, bare)
        wanted = sum(map(len, turns))
        why = faults(
            [
                ("raw data", raw.count("datum") - raw_before[0], wanted),
                ("raw records", raw.count("record") - raw_before[1], wanted),
                *inserted(before, await counted(shop), wanted),
                ("values are right", await newest_notes(shop, by, people, turns), True),
                *inserted(bare_before[0], await counted(other), wanted, "bare "),
                ("bare events that are proved", await proven(other, theirs) - bare_before[1], wanted),
                ("bare values are right", await newest_notes(other, by, theirs, turns), True),
            ]
        )
        return Measured(*speeds[:2], scale.rounds, not why, why=why, bare=speeds[2])


def inserted(before: dict[str, int], after: dict[str, int], wanted: int, whose: str = "") -> list[Check]:
    """The rows that so many inserts leave."""
    of = {"data": "datum", "entries": "entry", "traces": "trace"}
    return [(whose + name, after[table] - before[table], wanted) for name, table in of.items()]


async def newest_notes(shop: Avow, by: Member, people: list[Person], turns: list[list[int]]) -> bool:
    """Whether each person's newest remark is the one given."""
    for n in {n for turn in turns for n in turn}:
        if await shop.use_all(people[n].who, ("note",), purpose=PURPOSE, by=by) != {"note": NOTE.format(n=n)}:
            return False
    return True


async def bulk(folder: Path, scale: Scale) -> Measured:
    """8a: import of people, a hundred a transaction, four data each; against raw rows of the same and a record row."""
    each = -(-scale.of(1_000) // BATCH) * BATCH
    raw = RawSqlite(folder)
    try:
        async with opened(folder) as shop:
            people = [invented(number * each, each) for number in range(scale.rounds)]
            collecting = collecting_of(shop)
            ids: list[bytes] = []
            before = await counted(shop)

            async def plain(number: int) -> int:
                for start in range(0, each, BATCH):
                    raw.add(people[number][start : start + BATCH], now())
                return each

            async def ours(number: int) -> int:
                for start in range(0, each, BATCH):
                    ids.extend(await collecting.collect(imports(people[number][start : start + BATCH])))
                await file_events(shop)
                return each

            speeds = await rates(scale.rounds, plain, ours)
            after = await counted(shop)
            wanted = [one.given for some in people for one in some]
            total = len(wanted)
            why = faults(
                [
                    ("raw people", raw.count("person"), total),
                    ("raw data", raw.count("datum"), 4 * total),
                    ("raw records", raw.count("record"), total),
                    ("people", after["subject"] - before["subject"], total),
                    ("data", after["datum"] - before["datum"], 4 * total),
                    ("look-ups", after["lookup"] - before["lookup"], total),
                    ("entries", after["entry"] - before["entry"], total),
                    ("values are right", [await given(shop, who) for who in ids] == wanted, True),
                ]
            )
            return Measured(*speeds, scale.rounds, not why, why=why)
    finally:
        raw.close()


async def given(shop: Avow, who: bytes) -> dict[str, str]:
    """What is held on a person, opened."""
    gate = gate_of(shop)
    async with gate.store.transaction() as tx:
        return {datum.category: gate.open(datum, gate.now()) for datum in await tx.held(who)}
