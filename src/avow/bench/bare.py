"""The third side, `bare`: the least that any program of this design in this language must do.

The same rows with values of the same lengths, by the same statements, driver and connection, in as many transactions,
round trips and forced writes; as many seals, openings, hashes and bytes of chance. Nothing is decided, checked or
looked up, and whatever does not change from act to act is at hand: keys, the places that values are bound to, what
records have in common, the moment.

It works below a site of its own, a real one, and what it leaves there is right: so the product's own reading shows
afterwards that no part of the work was left out.
"""

from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Any, Final, NamedTuple

from avow.app import Avow
from avow.bench.shop import Person, gate_of
from avow.ledger.entry import EVENT, decode
from avow.policy.retention import ORDINARY
from avow.record import CHANCE, OPENING, Recorder, Wording, proves
from avow.store.interface import Datum
from avow.vault.binding import ID, place
from avow.vault.envelope import HEAD
from avow.vault.keys import _INNER as INNER
from avow.vault.keys import _OUTER as OUTER
from avow.vault.keys import BLOCK, NONCE, TAG, SubjectKey

BODY: Final = HEAD + NONCE  # where a message's ciphertext begins
END: Final = place("", bytes(ID), "", bytes(ID), "", "", 1, "")[-10:]  # how the place of a first version ends
ACT: Final = ID + NONCE + CHANCE  # bytes of chance in one insert: of the row, of its seal, of the event
_ALL: Final = 1 << 40

Crypt = Callable[[bytes, bytes, bytes], bytes]  # nonce, text, associated data
Blocks = tuple[Any, Any]  # the two blocks of a key, hashed: what an HMAC under it begins with
Event = tuple[bytes, bytes, bytes, bytes]  # its id, its entry, whose, and the sealed trace


class Hand(NamedTuple):
    """What is at hand of one person."""

    subject: bytes
    seal: Crypt
    open: Crypt
    head: bytes  # how every message under the key begins
    blocks: Blocks
    trace: bytes  # the place of a trace, up to its event


async def at_hand(shop: Avow, people: Iterable[str]) -> list[Hand]:
    """These people of a site."""
    before = trace_of(shop.policy.site)
    return [
        Hand(subject, key.cipher.encrypt, key.cipher.decrypt, key.head, blocks(key.ledger_key), before + subject)
        for subject, key in await _keys(shop, people)
    ]


async def _keys(shop: Avow, people: Iterable[str]) -> list[tuple[bytes, SubjectKey]]:
    gate = gate_of(shop)
    async with gate.store.transaction() as tx:
        rows = await tx.subjects([bytes.fromhex(who) for who in people])
    return [(row.subject, gate.standing(row, gate.now())[0]) for row in rows if row is not None]


def blocks(key: bytes) -> Blocks:
    """What every HMAC under a key begins with."""
    padded = key.ljust(BLOCK, b"\0")
    return sha256(padded.translate(INNER)), sha256(padded.translate(OUTER))


def mac(under: Blocks, message: bytes) -> bytes:
    """HMAC-SHA-256 in a third of the time that `hmac.digest` takes."""
    inner, outer = under[0].copy(), under[1].copy()
    inner.update(message)
    outer.update(inner.digest())
    digest: bytes = outer.digest()
    return digest


def trace_of(site: str) -> bytes:
    """The place of a trace, up to subject and event; `END` comes behind them."""
    return place(site, bytes(ID), "trace", bytes(ID), "", "json", 1, ORDINARY)[: -2 * ID - len(END)]


def datum_of(site: str, like: Datum) -> bytes:
    """The place of data of this category, up to subject and row; `END` and the terms come behind them."""
    return place(site, bytes(ID), "datum", bytes(ID), like.category, "text", 1, like.kept_as)[: -2 * ID - len(END)]


def recorded(
    words: Wording, hands: Iterable[Hand], payloads: Iterable[bytes], chance: bytes, at: int = 0
) -> list[Event]:
    """An event for each: its tag (one HMAC), its commitment (one hash) and its trace (one seal), from `chance` on `at`."""
    _, head, middle, tail = words
    out = []
    for (subject, seal, _, key, under, trace), payload in zip(hands, payloads, strict=False):
        event, secret, nonce = chance[at : at + 16], chance[at + 16 : at + 32] + payload, chance[at + 32 : at + CHANCE]
        at += CHANCE
        entry = head + event + middle + mac(under, event)[:TAG] + sha256(secret).digest() + tail
        out.append((event, entry, subject, key + nonce + seal(nonce, secret, trace + event + END)))
    return out


# -- taken from the product beforehand, and held against it afterwards ------------------------------------------------


async def pattern(shop: Avow, who: str) -> Wording:
    """How the product worded the newest act that concerns a person, without the rows that it named one by one."""
    ((subject, key),) = await _keys(shop, (who,))
    async with gate_of(shop).store.transaction() as tx:
        trace = (await tx.traces(subject))[-1]
        (entry,) = (leaf.entry for leaf in await tx.pending(_ALL) if leaf.event == trace.event)
    payload, line, _ = recorder_of(shop).proof(key, trace)[OPENING:].partition(b"\n")
    return Wording(payload + line, entry[: EVENT.start], entry[EVENT.stop : 57], entry[105:])


async def held(shop: Avow, who: bytes) -> dict[str, Datum]:
    """What is held on a person, as it is stored: one datum of each category."""
    async with gate_of(shop).store.transaction() as tx:
        return {datum.category: datum for datum in await tx.held(who)}


async def proven(shop: Avow, people: Iterable[Person]) -> int:
    """How many entries of the record, none of it in the tree yet, carry the tag of one of these people and are proved by
    a trace that opens.
    """
    count = 0
    keys = await _keys(shop, [one.who for one in people])
    async with gate_of(shop).store.transaction() as tx:
        entries = {leaf.event: decode(leaf.entry) for leaf in await tx.pending(_ALL)}
        for subject, key in keys:
            for trace in await tx.traces(subject):
                entry, proof = entries.get(trace.event), recorder_of(shop).proof(key, trace)
                count += entry is not None and proves(entry, proof) and entry.tag == key.tag(trace.event)
    return count


def recorder_of(shop: Avow) -> Recorder:
    """What words the record."""
    return gate_of(shop)._recorder  # noqa: SLF001 - as `gate_of`
