"""Ratios 4, 5, 7 and 8b: reading and taking in on PostgreSQL, over a Unix socket."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from avow.app import Avow
from avow.bench.bare import proven
from avow.bench.bare_import import BareImport
from avow.bench.bare_postgres import inserting, opening, reading
from avow.bench.ratio import Check, Measured, Scale, Side, faults, rates
from avow.bench.raw_postgres import RawPostgres
from avow.bench.reads import orders
from avow.bench.shop import (
    BATCH,
    NOTE,
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
    policy,
)
from avow.bench.writes import given, newest_notes
from avow.decide.facts import Circumstances
from avow.decide.request import Allow, Request
from avow.gate import Actor, Look
from avow.practices.acting import Member

PEOPLE = 1_000
WORKERS = 8
NAMES = {
    "entry": "entries",
    "trace": "traces",
    "datum": "data",
    "lookup": "look-ups",
    "subject": "people",
    "proved": "events that are proved",
}


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


@asynccontextmanager
async def beside(folder: Path, url: str, people: Sequence[Person]) -> AsyncIterator[tuple[Avow, list[Person]]]:
    """A second site in the same tables, for the bare side, with the same people."""
    async with opened(folder, url, policy("bare"), "bare") as other:
        yield other, await move_in(other, people)


def eight(turns: Sequence[Sequence[int]], one: Callable[[int], Awaitable[None]]) -> Side:
    """A side that does each round's turns with eight callers at a time."""

    async def caller(left: Iterator[int]) -> None:
        for n in left:
            await one(n)

    async def side(number: int) -> int:
        left = iter(turns[number])
        await asyncio.gather(*(caller(left) for _ in range(WORKERS)))
        return len(turns[number])

    return side


def hundreds(people: Sequence[list[Person]], some: Callable[[list[Person]], Awaitable[None]]) -> Side:
    """A side that takes in each round's people by the hundred."""

    async def side(number: int) -> int:
        for start in range(0, len(people[number]), BATCH):
            await some(people[number][start : start + BATCH])
        return len(people[number])

    return side


Counts = tuple[dict[str, int], dict[str, int]]


async def both(shop: Avow, other: Avow, theirs: Sequence[Person]) -> Counts:
    """What stands in the two sites, ours and the bare one's; of the latter also how many records are proved."""
    return await counted(shop), await counted(other) | {"proved": await proven(other, theirs)}


def rows(before: Counts, after: Counts, new: dict[str, int]) -> list[Check]:
    """Whether so many rows are new, by table, in both sites; and each new record of the bare one proved."""
    sides = zip(("", "bare "), before, after, (new, new | {"proved": new["entry"]}), strict=True)
    return [
        (whose + NAMES.get(table, table), then[table] - first[table], count)
        for whose, first, then, wanted in sides
        for table, count in wanted.items()
    ]


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
    async with pair(folder, url, scale.of(PEOPLE)) as (shop, raw, people, ids, _), beside(folder, url, people) as least:
        read, whose = await opening(least[0], [one.who for one in least[1]]), [one.subject for one in least[1]]
        gate, turns = gate_of(shop), orders(len(people), scale.rounds, scale.of(1_000))
        ask = Request("use", "fulfilment", PURPOSE, (READ,))
        circumstances, actor = Circumstances(standing=True), Actor("fulfilment", "kim", standing=True)
        looks = [Look(one.subject, ask, actor, circumstances) for one in people]
        found: tuple[list[str], list[str], list[str]] = [], [], []

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
                    key, line = gate.standing(row, at)
                    if isinstance(gate.answer(look, line, data, at), Allow):
                        found[1].extend(gate.open(datum, at, key) for datum in data)
            return len(turns[number])

        async def barely(number: int) -> int:
            for n in turns[number]:
                found[2].append(await read(whose[n]))
            return len(turns[number])

        speeds = await rates(scale.rounds, plain, ours, barely)
        wanted = [people[n].given[READ] for turn in turns for n in turn]
        why = faults([("right values, raw, ours and bare", [one == wanted for one in found], [True] * 3)])
        return Measured(*speeds[:2], scale.rounds, not why, why=why, bare=speeds[2])


async def grouped(folder: Path, url: str, scale: Scale) -> Measured:
    """5: enforced reads, recorded durably, eight callers; against plain reads with a plain record, grouped as well."""
    async with (
        pair(folder, url, scale.of(PEOPLE)) as (shop, raw, people, ids, by),
        beside(folder, url, people) as least,
    ):
        other, theirs = least
        turns = orders(len(people), scale.rounds, scale.of(1_500))
        right = [0, 0, 0]
        read = await reading(other, by, [one.who for one in theirs])
        whose = [one.subject for one in theirs]

        async def plainly(n: int) -> None:
            value = await raw.read_recorded(ids[n])
            right[0] += value == people[n].given[READ]

        async def enforced(n: int) -> None:
            value = await shop.use(people[n].who, READ, purpose=PURPOSE, by=by)
            right[1] += value == people[n].given[READ]

        async def barely(n: int) -> None:
            value = await read(whose[n])
            right[2] += value == people[n].given[READ]

        before, raw_before = await both(shop, other, theirs), await raw.count("record")
        side = partial(eight, turns)
        speeds = await rates(scale.rounds, side(plainly), side(enforced), side(barely))
        after, total = await both(shop, other, theirs), sum(map(len, turns))
        why = faults(
            [
                ("right values, raw, ours and bare", right, [total] * 3),
                ("raw records", await raw.count("record") - raw_before, total),
                *rows(before, after, {"entry": total, "trace": total}),
            ]
        )
        return Measured(*speeds[:2], scale.rounds, not why, why=why, bare=speeds[2])


async def insert(folder: Path, url: str, scale: Scale) -> Measured:
    """7 on PostgreSQL: one datum for a person who is known, a transaction each, eight callers; against data and record."""
    async with (
        pair(folder, url, scale.of(PEOPLE)) as (shop, raw, people, ids, by),
        beside(folder, url, people) as least,
    ):
        other, theirs = least
        turns = orders(len(people), scale.rounds, scale.of(600))
        barely = await inserting(other, [one.who for one in theirs])

        async def plainly(n: int) -> None:
            await raw.insert(ids[n], "note", NOTE.format(n=n))

        async def protected(n: int) -> None:
            _ = await shop.collect("remark", {"note": NOTE.format(n=n)}, who=people[n].who)

        before, raw_before = await both(shop, other, theirs), (await raw.count("datum"), await raw.count("record"))
        side = partial(eight, turns)
        speeds = await rates(scale.rounds, side(plainly), side(protected), side(barely))
        after, total = await both(shop, other, theirs), sum(map(len, turns))
        why = faults(
            [
                ("raw data", await raw.count("datum") - raw_before[0], total),
                ("raw records", await raw.count("record") - raw_before[1], total),
                *rows(before, after, {"datum": total, "entry": total, "trace": total}),
                ("values are right", await newest_notes(shop, by, people, turns), True),
                ("bare values are right", await newest_notes(other, by, theirs, turns), True),
            ]
        )
        return Measured(*speeds[:2], scale.rounds, not why, why=why, bare=speeds[2])


async def bulk(folder: Path, url: str, scale: Scale) -> Measured:
    """8b: import of people, a hundred a transaction, four data each; against raw rows of the same and a record row."""
    each = -(-scale.of(500) // BATCH) * BATCH
    raw = RawPostgres(url)
    await raw.make()
    try:
        async with opened(folder, url) as shop, beside(folder, url, ()) as (other, _):
            people = [invented(number * each, each) for number in range(scale.rounds)]
            collecting, bare = collecting_of(shop), await BareImport.below(other)
            ids: tuple[list[bytes], list[bytes]] = ([], [])

            async def plainly(some: list[Person]) -> None:
                await raw.add(some)

            async def ours(some: list[Person]) -> None:
                ids[0].extend(await collecting.collect(imports(some)))

            async def barely(some: list[Person]) -> None:
                ids[1].extend(await bare.add(some))

            before = await both(shop, other, ())
            side = partial(hundreds, people)
            speeds = await rates(scale.rounds, side(plainly), side(ours), side(barely))
            wanted = [one.given for some in people for one in some]
            total = len(wanted)
            new = {"subject": total, "datum": 4 * total, "lookup": total, "entry": total, "trace": total}
            why = faults(
                [
                    ("raw people", await raw.count("person"), total),
                    ("raw data", await raw.count("datum"), 4 * total),
                    ("raw records", await raw.count("record"), total),
                    *rows(before, await both(shop, other, [Person({}, who.hex()) for who in ids[1]]), new),
                    ("values are right", [await given(shop, who) for who in ids[0]] == wanted, True),
                    ("bare values are right", [await given(other, who) for who in ids[1]] == wanted, True),
                ]
            )
            return Measured(*speeds[:2], scale.rounds, not why, why=why, bare=speeds[2])
    finally:
        await raw.close()
