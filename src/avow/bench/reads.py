"""Ratios 1, 2 and 3: reading one category of one person, on SQLite."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from avow.app import Avow
from avow.bench.bare_sqlite import opening
from avow.bench.ratio import Measured, Scale, faults, rates
from avow.bench.raw_sqlite import READ as RAW_READ
from avow.bench.raw_sqlite import RECORD as RAW_RECORD
from avow.bench.raw_sqlite import SITE, RawSqlite, now
from avow.bench.shop import BATCH, PURPOSE, READ, Person, counted, file_events, gate_of, invented, move_in, opened
from avow.decide.facts import Circumstances
from avow.decide.request import Allow, Request
from avow.gate import Actor, Look
from avow.practices.acting import Member

PEOPLE = 1_000


class Pair(NamedTuple):
    """The same people in both, in the same order; `by` is who reads."""

    shop: Avow
    raw: RawSqlite
    people: list[Person]
    ids: list[bytes]  # theirs in the raw one
    by: Member


@asynccontextmanager
async def pair(folder: Path, count: int) -> AsyncIterator[Pair]:
    """Both systems with the same people."""
    raw = RawSqlite(folder)
    try:
        async with opened(folder) as shop:
            new = invented(0, count)
            people = await move_in(shop, new)
            ids = [who for start in range(0, count, BATCH) for who in raw.add(new[start : start + BATCH], now())]
            yield Pair(shop, raw, people, ids, shop.staff("kim", "fulfilment"))
    finally:
        raw.close()


def orders(count: int, rounds: int, each: int) -> list[list[int]]:
    """For every round whom to read: seeded, so that both sides and every run read the same."""
    dice = random.Random(22)
    return [[dice.randrange(count) for _ in range(each)] for _ in range(rounds)]


async def parts(folder: Path, scale: Scale) -> Measured:
    """1: read facts and value in one statement, decide, open; against reading the value in one statement.

    Nothing is recorded on either side, and so there is no transaction around it: no product path goes this way.
    """
    count = scale.of(PEOPLE)
    async with pair(folder, count) as (shop, raw, people, ids, _), opened(folder, name="bare") as other:
        gate, turns = gate_of(shop), orders(count, scale.rounds, scale.of(4_000))
        ask = Request("use", "fulfilment", PURPOSE, (READ,))
        circumstances, actor = Circumstances(standing=True), Actor("fulfilment", "kim", standing=True)
        looks = [Look(bytes.fromhex(one.who), ask, actor, circumstances) for one in people]
        found: tuple[list[str], list[str], list[str]] = [], [], []
        bare = await opening(other, [one.who for one in await move_in(other, people)], turns, found[2])

        async def plain(number: int) -> int:
            execute, keep = raw.execute, found[0].append
            for n in turns[number]:
                keep(execute(RAW_READ, (SITE, ids[n], READ)).get)
            return len(turns[number])

        async def ours(number: int) -> int:
            keep = found[1].append
            tx: Any = gate.store.transaction()  # not entered: each statement is one by itself
            for n in turns[number]:
                look = looks[n]
                ((row, data),) = await tx.read(((look.subject, look.ask.categories),))
                if row is None:
                    continue
                at = gate.now()
                key, line = gate.standing(row, at)
                if isinstance(gate.answer(look, line, data, at), Allow):
                    for datum in data:
                        keep(gate.open(datum, at, key))
            return len(turns[number])

        speeds = await rates(scale.rounds, plain, ours, bare)
        wanted = [people[n].given[READ] for turn in turns for n in turn]
        why = faults([("right values, raw, ours and bare", [one == wanted for one in found], [True] * 3)])
        return Measured(*speeds[:2], scale.rounds, not why, why=why, bare=speeds[2])


async def grouped(folder: Path, scale: Scale) -> Measured:
    """2: whole enforced reads, recorded, a hundred a transaction; against plain reads with a plain record."""
    count = scale.of(PEOPLE)
    async with pair(folder, count) as (shop, raw, people, ids, by):
        turns = orders(count, scale.rounds, scale.of(2_000))
        names = [[people[n].who for n in turn] for turn in turns]
        found: tuple[list[str], list[str]] = [], []
        before, raw_before = await counted(shop), raw.count("record")

        async def plain(number: int) -> int:
            execute, turn = raw.execute, turns[number]
            for start in range(0, len(turn), BATCH):
                some = [ids[n] for n in turn[start : start + BATCH]]
                execute("BEGIN IMMEDIATE")
                values = [execute(RAW_READ, (SITE, who, READ)).get for who in some]
                at = now()
                raw.many(RAW_RECORD, [(at, "staff:kim", who, "use", READ, PURPOSE, "done") for who in some])
                execute("COMMIT")
                found[0].extend(values)
            return len(turn)

        async def ours(number: int) -> int:
            turn = names[number]
            for start in range(0, len(turn), BATCH):
                answers = await shop.use_each(turn[start : start + BATCH], READ, purpose=PURPOSE, by=by)
                found[1].extend(answer[READ] for answer in answers if isinstance(answer, dict))
            await file_events(shop)
            return len(turn)

        speeds = await rates(scale.rounds, plain, ours)
        why = await _whole(shop, raw, people, turns, found, (before, raw_before))
        return Measured(*speeds, scale.rounds, not why, why=why)


async def single(folder: Path, scale: Scale) -> Measured:
    """3: whole enforced reads, recorded, one transaction each; against plain reads with a plain record."""
    count = scale.of(PEOPLE)
    async with pair(folder, count) as (shop, raw, people, ids, by):
        turns = orders(count, scale.rounds, scale.of(300))
        found: tuple[list[str], list[str]] = [], []
        before, raw_before = await counted(shop), raw.count("record")

        async def plain(number: int) -> int:
            execute = raw.execute
            for n in turns[number]:
                execute("BEGIN IMMEDIATE")
                value = execute(RAW_READ, (SITE, ids[n], READ)).get
                execute(RAW_RECORD, (now(), "staff:kim", ids[n], "use", READ, PURPOSE, "done"))
                execute("COMMIT")
                found[0].append(value)
            return len(turns[number])

        async def ours(number: int) -> int:
            for n in turns[number]:
                found[1].append(await shop.use(people[n].who, READ, purpose=PURPOSE, by=by))
            await file_events(shop)
            return len(turns[number])

        speeds = await rates(scale.rounds, plain, ours)
        why = await _whole(shop, raw, people, turns, found, (before, raw_before))
        return Measured(*speeds, scale.rounds, not why, why=why)


async def _whole(
    shop: Avow, raw: RawSqlite, people: list[Person], turns: list[list[int]], found: tuple[list[str], list[str]],
    before: tuple[dict[str, int], int],
) -> str:  # fmt: skip
    """What is missing: values as they were given, and one record for each request, on both sides."""
    wanted = [people[n].given[READ] for turn in turns for n in turn]
    after = await counted(shop)
    return faults(
        [
            ("raw values are right", found[0] == wanted, True),
            ("values are right", found[1] == wanted, True),
            ("raw records", raw.count("record") - before[1], len(wanted)),
            ("entries", after["entry"] - before[0]["entry"], len(wanted)),
            ("traces", after["trace"] - before[0]["trace"], len(wanted)),
        ]
    )
