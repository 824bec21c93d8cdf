"""The bare sides on PostgreSQL: reads that are not recorded (4), reads that are (5), inserts (7p). See `avow.bench.bare`."""

from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from itertools import repeat
from os import urandom
from typing import Any, Final

from avow.app import Avow
from avow.bench.bare import ACT, BODY, END, Event, Hand, at_hand, datum_of, held, pattern, recorded
from avow.bench.raw_postgres import Asked, Gathering
from avow.bench.shop import NOTE, PURPOSE, READ, gate_of
from avow.practices.acting import Member
from avow.record import CHANCE
from avow.rows import bound
from avow.store import postgres_statements as sql
from avow.store.postgres_link import BYTEA, INT4, INT8, TEXT, Call, Links, array, int4

_ASK: Final = 0  # columns of what `READ_MANY` answers
_SEALED: Final = 11


class Below:
    """Below a site's store, on its connections."""

    def __init__(self, shop: Avow) -> None:
        store: Any = gate_of(shop).store
        self.links: Links = store._links  # noqa: SLF001 - where the bare sides work
        self.site: bytes = store._site  # noqa: SLF001 - as above

    def record(self, events: Sequence[Event]) -> list[Call]:
        """Entries and traces into their tables."""
        ids, entries, people, sealed = zip(*events, strict=True)
        made = even(BYTEA, ids)
        return [
            Call(sql.LEAVES, (self.site, made, even(BYTEA, entries))),
            Call(sql.TRACES_IN, (self.site, even(BYTEA, people), made, even(BYTEA, sealed))),
        ]


def even(kind: int, items: Sequence[bytes]) -> bytes:
    """An array of values of one length."""
    head = _head(kind, len(items), len(items[0]))
    return head + head[-4:].join(items)


@cache
def _head(kind: int, count: int, length: int) -> bytes:
    """How such an array begins, up to its first value, with that value's length."""
    return array(kind, [bytes(length)] * count)[:24]


@cache
def alike(kind: int, item: bytes, count: int) -> bytes:
    """An array of so many times the same value."""
    return array(kind, [item] * count)


@cache
def _numbers(count: int) -> bytes:
    return array(INT4, [int4(n) for n in range(count)])


async def opening(shop: Avow, people: Sequence[str]) -> Callable[[bytes], Awaitable[str]]:
    """A transaction in one round trip, lock, person and value, whose end nobody waits for; and an opening."""
    below, known = Below(shop), await _known(shop, people)

    async def read(who: bytes) -> str:
        link = await below.links.take()
        lock, one = Call(sql.LOCKS["share", False], (who[:8],)), Call(sql.READ_ONE, (below.site, who, READ.encode()))
        _, _, found = await link.run([sql.BEGIN, lock, one])
        link.forget([sql.COMMIT])
        below.links.give(link)
        hand, place = known[who]
        sealed: Any = found.get_value(0, _SEALED - 1)
        return hand.open(sealed[17:BODY], sealed[BODY:], place).decode()

    return read


async def _known(shop: Avow, people: Sequence[str]) -> dict[bytes, tuple[Hand, bytes]]:
    """People by their id, each with the place that their value is bound to."""
    return {
        hand.subject: (hand, bound(shop.policy.site, "datum", (await held(shop, hand.subject))[READ]))
        for hand in await at_hand(shop, people)
    }


async def reading(shop: Avow, by: Member, people: Sequence[str]) -> Callable[[bytes], Awaitable[str]]:
    """For those that wait together one transaction in two round trips: locks, people and values, then the record. For
    each an opening, a tag, a commitment and a seal.

    The record comes after the opening, as in the design: it says what became of it.
    """
    await shop.use(people[0], READ, purpose=PURPOSE, by=by)
    words, below, known = await pattern(shop, people[0]), Below(shop), await _known(shop, people)

    async def serve(batch: Sequence[Asked]) -> None:
        count, ids = len(batch), [who for who, _ in batch]
        asked = [known[who] for who in ids]
        lock = Call(sql.LOCKS["share", True], (even(INT8, sorted([who[:8] for who in ids])),))
        read = Call(sql.READ_MANY, (below.site, _numbers(count), even(BYTEA, ids), alike(TEXT, READ.encode(), count)))
        link = await below.links.take()
        _, _, found = await link.run([sql.BEGIN, lock, read])
        get: Any = found.get_value
        values = []
        for row in range(count):
            n, sealed = int.from_bytes(get(row, _ASK), "big"), get(row, _SEALED)
            hand, place = asked[n]
            values.append((n, hand.open(sealed[17:BODY], sealed[BODY:], place).decode()))
        events = recorded(words, [hand for hand, _ in asked], repeat(words.payload), urandom(CHANCE * count))
        await link.run([*below.record(events), sql.COMMIT])
        below.links.give(link)
        for n, value in values:
            batch[n][1].set_result(value)

    return Gathering(serve).ask


async def inserting(shop: Avow, people: Sequence[str]) -> Callable[[int], Awaitable[None]]:
    """For each a transaction in two round trips: lock and person, then datum and record. Two seals, a tag, a commitment."""
    await shop.collect("remark", {"note": NOTE.format(n=0)}, who=people[0])
    words, below, hands = await pattern(shop, people[0]), Below(shop), await at_hand(shop, people)
    like = (await held(shop, hands[0].subject))["note"]
    place, end = datum_of(shop.policy.site, like), END + like.terms
    of_it = (
        alike(TEXT, b"note", 1), alike(TEXT, like.kept_as.encode(), 1), alike(INT4, int4(1), 1),
        alike(BYTEA, like.terms, 1),
    )  # fmt: skip

    async def insert(n: int) -> None:
        hand, chance = hands[n], urandom(ACT)
        subject, row, nonce = hand.subject, chance[:16], chance[16:28]
        link = await below.links.take()
        who = even(BYTEA, (subject,))
        await link.run(
            [sql.BEGIN, Call(sql.LOCKS["change", False], (subject[:8],)), Call(sql.SUBJECTS, (below.site, who))]
        )
        text = NOTE.format(n=n).encode()
        sealed = hand.head + nonce + hand.seal(nonce, text, place + subject + row + end)
        told = words.payload + row[:4].hex().encode() + b":1"
        put = Call(sql.PUT, (below.site, who, even(BYTEA, (row,)), *of_it, even(BYTEA, (sealed,))))
        await link.run([put, *below.record(recorded(words, (hand,), (told,), chance, 28)), sql.COMMIT])
        below.links.give(link)

    return insert
