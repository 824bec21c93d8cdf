"""Ratios 4, 5, 7 and 8b: reading and taking in on PostgreSQL, over a Unix socket."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from avow.app import Avow, Member
from avow.bench.ratio import Measured, Scale, faults, rates
from avow.bench.raw_postgres import RawPostgres
from avow.bench.reads import orders
from avow.bench.shop import (
    BATCH,
    PURPOSE,
    READ,
    Person,
    collecting_of,
    counted,
    gate_of,
    imports,
    invented,
    move_in,
    opened,
)
from avow.bench.writes import NOTE, given, newest_notes
from avow.decide.facts import Circumstances
from avow.decide.request import Allow, Request
from avow.gate import Actor, Look

PEOPLE = 1_000
WORKERS = 8


class Pair(NamedTuple):
    """The same people in both, in the same order."""

    shop: Avow
    raw: RawPostgres
    people: list[Person]
    ids: list[bytes]
    by: Member


@asynccontextmanager
async def pair(folder: Path, url: str, count: int) -> AsyncIterator[Pair]:
    """Both systems in one database, with the same people."""
    raw = RawPostgres(url)
    await raw.make()
    try:
        async with opened(folder, url) as shop:
            new = invented(0, count)
            people = await move_in(shop, new)
            ids = [who for start in range(0, count, BATCH) for who in await raw.add(new[start : start + BATCH])]
            yield Pair(shop, raw, people, ids, shop.staff("kim", "fulfilment"))
    finally:
        await raw.close()


async def at_once(work: Sequence[int], one: Callable[[int], Awaitable[None]]) -> int:
    """Do all of this with eight callers at a time; how many."""
    left = iter(work)

    async def caller() -> None:
        for n in left:
            await one(n)

    await asyncio.gather(*(caller() for _ in range(WORKERS)))
    return len(work)


async def parts(folder: Path, url: str, scale: Scale) -> Measured:
    """4: facts and value in one round trip, decision, opening; against the value in one, by psycopg's cursor. Nothing is
    recorded.
    """
    return await _parts(folder, url, scale, RawPostgres.read_by_cursor)


async def parts_by_link(folder: Path, url: str, scale: Scale) -> Measured:
    """4l: the same against the store's own layer below psycopg's cursors."""
    return await _parts(folder, url, scale, RawPostgres.read)


async def _parts(
    folder: Path, url: str, scale: Scale, plainly: Callable[[RawPostgres, bytes], Awaitable[str]]
) -> Measured:
    async with pair(folder, url, scale.of(PEOPLE)) as (shop, raw, people, ids, _):
        gate, turns = gate_of(shop), orders(len(people), scale.rounds, scale.of(1_000))
        ask = Request("use", "fulfilment", PURPOSE, (READ,))
        circumstances, actor = Circumstances(standing=True), Actor("fulfilment", "kim", standing=True)
        looks = [Look(bytes.fromhex(one.who), ask, actor, circumstances) for one in people]
        found: tuple[list[str], list[str]] = [], []

        async def plain(number: int) -> int:
            for n in turns[number]:
                found[0].append(await plainly(raw, ids[n]))
            return len(turns[number])

        async def ours(number: int) -> int:
            for n in turns[number]:
                look = looks[n]
                async with gate.store.transaction() as tx:
                    ((row, data),) = await tx.read(((look.subject, look.ask.categories),))
                    if row is None:
                        continue
                    at = gate.now()
                    _, line = gate.standing(row, at)
                    if isinstance(gate.answer(look, line, data, at), Allow):
                        found[1].extend(gate.open(datum, at) for datum in data)
            return len(turns[number])

        speeds = await rates(scale.rounds, plain, ours)
        wanted = [people[n].given[READ] for turn in turns for n in turn]
        why = faults(
            [("raw values are right", found[0] == wanted, True), ("values are right", found[1] == wanted, True)]
        )
        return Measured(*speeds, scale.rounds, not why, why=why)


async def grouped(folder: Path, url: str, scale: Scale) -> Measured:
    """5: enforced reads, recorded durably, eight callers; against plain reads with a plain record, grouped as well."""
    async with pair(folder, url, scale.of(PEOPLE)) as (shop, raw, people, ids, by):
        turns = orders(len(people), scale.rounds, scale.of(1_500))
        right = [0, 0]
        before, raw_before = await counted(shop), await raw.count("record")

        async def plainly(n: int) -> None:
            value = await raw.read_recorded(ids[n])
            right[0] += value == people[n].given[READ]

        async def enforced(n: int) -> None:
            value = await shop.use(people[n].who, READ, purpose=PURPOSE, by=by)
            right[1] += value == people[n].given[READ]

        speeds = await rates(
            scale.rounds,
            lambda number: at_once(turns[number], plainly),
            lambda number: at_once(turns[number], enforced),
        )
        after, total = await counted(shop), sum(map(len, turns))
        why = faults(
            [
                ("right values, raw and ours", right, [total, total]),
                ("raw records", await raw.count("record") - raw_before, total),
                ("entries", after["entry"] - before["entry"], total),
                ("traces", after["trace"] - before["trace"], total),
            ]
        )
        return Measured(*speeds, scale.rounds, not why, why=why)


async def insert(folder: Path, url: str, scale: Scale) -> Measured:
    """7 on PostgreSQL: one datum for a person who is known, a transaction each, eight callers; against data and record."""
    async with pair(folder, url, scale.of(PEOPLE)) as (shop, raw, people, ids, by):
        turns = orders(len(people), scale.rounds, scale.of(600))
        before, raw_before = await counted(shop), (await raw.count("datum"), await raw.count("record"))

        async def plainly(n: int) -> None:
            await raw.insert(ids[n], "note", NOTE.format(n=n))

        async def protected(n: int) -> None:
            _ = await shop.collect("remark", {"note": NOTE.format(n=n)}, who=people[n].who)

        speeds = await rates(
            scale.rounds,
            lambda number: at_once(turns[number], plainly),
            lambda number: at_once(turns[number], protected),
        )
        after, total = await counted(shop), sum(map(len, turns))
        why = faults(
            [
                ("raw data", await raw.count("datum") - raw_before[0], total),
                ("raw records", await raw.count("record") - raw_before[1], total),
                ("data", after["datum"] - before["datum"], total),
                ("entries", after["entry"] - before["entry"], total),
                ("traces", after["trace"] - before["trace"], total),
                ("values are right", await newest_notes(shop, by, people, turns), True),
            ]
        )
        return Measured(*speeds, scale.rounds, not why, why=why)


async def bulk(folder: Path, url: str, scale: Scale) -> Measured:
    """8b: import of people, a hundred a transaction, four data each; against raw rows of the same and a record row."""
    each = -(-scale.of(500) // BATCH) * BATCH
    raw = RawPostgres(url)
    await raw.make()
    try:
        async with opened(folder, url) as shop:
            people = [invented(number * each, each) for number in range(scale.rounds)]
            collecting = collecting_of(shop)
            ids: list[bytes] = []
            before = await counted(shop)

            async def plain(number: int) -> int:
                for start in range(0, each, BATCH):
                    await raw.add(people[number][start : start + BATCH])
                return each

            async def ours(number: int) -> int:
                for start in range(0, each, BATCH):
                    ids.extend(await collecting.collect(imports(people[number][start : start + BATCH])))
                return each

            speeds = await rates(scale.rounds, plain, ours)
            after = await counted(shop)
            wanted = [one.given for some in people for one in some]
            total = len(wanted)
            why = faults(
                [
                    ("raw people", await raw.count("person"), total),
                    ("raw data", await raw.count("datum"), 4 * total),
                    ("raw records", await raw.count("record"), total),
                    ("people", after["subject"] - before["subject"], total),
                    ("data", after["datum"] - before["datum"], 4 * total),
                    ("look-ups", after["lookup"] - before["lookup"], total),
                    ("entries", after["entry"] - before["entry"], total),
                    ("values are right", [await given(shop, who) for who in ids] == wanted, True),
                ]
            )
            return Measured(*speeds, scale.rounds, not why, why=why)
    finally:
        await raw.close()
