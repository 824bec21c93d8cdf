"""The bare sides on SQLite: a read that is not recorded (1), an insert (7), an export (21). See `avow.bench.bare`."""

from collections.abc import Sequence
from os import urandom
from typing import Any

from avow.app import Avow
from avow.bench.bare import ACT, BODY, END, at_hand, datum_of, held, pattern, recorded
from avow.bench.ratio import Side
from avow.bench.shop import NOTE, READ, file_events, gate_of
from avow.record import CHANCE
from avow.rows import bound
from avow.store.interface import Datum, Store
from avow.store.sqlite_statements import CONSENTS, FILE, FILED, FIRST_TWO, HELD, PUT, RECORD, REQUESTS, TRACES
from avow.store.sqlite_transaction import Connection


def connection(store: Store) -> Connection:
    """The connection of a store on SQLite."""
    below: Any = store
    at: Connection = below._at  # noqa: SLF001 - where the bare sides work
    return at


async def _settled(shop: Avow) -> Connection:
    """A site's connection, with everything filed that was written so far."""
    await file_events(shop)
    return connection(gate_of(shop).store)


def file_from(at: Connection, first: int) -> None:
    """Enter what was written since ticket `first` into the index of its people, in a transaction of its own."""
    at.db.execute("BEGIN IMMEDIATE")
    at.db.execute(FILE, (at.site, first, at.ticket))
    at.db.execute(FILED, (at.site, at.ticket))
    at.db.execute("COMMIT")


async def opening(shop: Avow, people: Sequence[str], turns: Sequence[Sequence[int]], found: list[str]) -> Side:
    """For each a statement and an opening: a person's own row is in memory."""
    hands, at = await at_hand(shop, people), connection(gate_of(shop).store)
    places = [bound(shop.policy.site, "datum", (await held(shop, hand.subject))[READ]) for hand in hands]
    asked = [((at.site, hand.subject, READ), hand.open, place) for hand, place in zip(hands, places, strict=True)]

    async def side(number: int) -> int:
        execute, keep = at.db.execute, found.append
        for n in turns[number]:
            who, open_, place = asked[n]
            (row,) = execute(FIRST_TWO, who).fetchall()
            sealed: Any = row[4]
            keep(open_(sealed[17:BODY], sealed[BODY:], place).decode())
        return len(turns[number])

    return side


async def inserting(shop: Avow, people: Sequence[str], turns: Sequence[Sequence[int]]) -> Side:
    """For each a transaction of two rows, datum and event; two seals, one tag, one commitment. At the end the index."""
    await shop.collect("remark", {"note": NOTE.format(n=0)}, who=people[0])
    words, hands, at = await pattern(shop, people[0]), await at_hand(shop, people), await _settled(shop)
    like = (await held(shop, hands[0].subject))["note"]
    payload, place, end = words.payload, datum_of(shop.policy.site, like), END + like.terms

    async def side(number: int) -> int:
        execute, site, first, turn = at.db.execute, at.site, at.ticket, turns[number]
        chance, start, ticket = urandom(ACT * len(turn)), 0, first
        for n in turn:
            hand = hands[n]
            row, nonce = chance[start : start + 16], chance[start + 16 : start + 28]
            sealed = hand.head + nonce + hand.seal(nonce, NOTE.format(n=n).encode(), place + hand.subject + row + end)
            told = payload + row[:4].hex().encode() + b":1"
            ((event, entry, subject, trace),) = recorded(words, (hand,), (told,), chance, start + 28)
            start += ACT
            ticket += 1
            execute("BEGIN IMMEDIATE")
            execute(PUT, (site, subject, row, "note", like.kept_as, 1, like.terms, sealed))
            execute(RECORD, (ticket, site, event, entry, subject, trace))
            execute("COMMIT")
        at.ticket = ticket
        file_from(at, first)
        return len(turn)

    return side


async def exporting(shop: Avow, people: Sequence[str], found: list[dict[str, Any]]) -> Side:
    """For each a transaction that reads the four tables, opens every value and every trace, and writes one event; a dict
    for each value, as who asked is owed one. What the traces say stays bytes.
    """
    (told, *_) = (await shop.export(people[0]))["data"]
    came = {key: value for key, value in told.items() if key not in {"category", "value"}}  # alike for all of a form
    words, hands, at = await pattern(shop, people[0]), await at_hand(shop, people), await _settled(shop)
    places = [
        [bound(shop.policy.site, "datum", one) for one in map(Datum._make, data)]
        for data in [at.db.execute(HELD, (at.site, hand.subject)).fetchall() for hand in hands]
    ]  # in the order in which the statement answers

    async def side(_: int) -> int:
        execute, site, first = at.db.execute, at.site, at.ticket
        chance = urandom(CHANCE * len(hands))
        for number, (hand, theirs) in enumerate(zip(hands, places, strict=True)):
            who, open_ = (site, hand.subject), hand.open
            execute("BEGIN IMMEDIATE")
            data = [
                {**came, "category": row[2], "value": open_((sealed := row[6])[17:BODY], sealed[BODY:], place).decode()}
                for row, place in zip(execute(HELD, who), theirs, strict=True)
            ]
            consents, requests = execute(CONSENTS, who).fetchall(), execute(REQUESTS, who).fetchall()
            events = [
                open_(sealed[17:BODY], sealed[BODY:], hand.trace + event + END)
                for _, event, sealed in execute(TRACES, who)
            ]
            (made,) = recorded(words, (hand,), (words.payload,), chance, number * CHANCE)
            at.ticket += 1
            execute(RECORD, (at.ticket, site, *made))
            execute("COMMIT")
            found.append({"data": data, "consents": consents, "requests": requests, "events": events})
        file_from(at, first)
        return len(hands)

    return side
