# ruff: noqa: SLF001 - below the keystore, whose parts have no public names
"""The bare side of an import on PostgreSQL (8b). See `avow.bench.bare`."""

from collections.abc import Mapping, Sequence
from hashlib import sha512
from itertools import chain
from os import urandom
from typing import Any, Final, NamedTuple, Self

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from avow.app import Avow
from avow.bench.bare import END, Event, Hand, blocks, datum_of, held, mac, pattern, recorded, trace_of
from avow.bench.bare_postgres import Below, alike, even
from avow.bench.shop import BATCH, Person, collecting_of, gate_of, imports, invented
from avow.policy.retention import ORDINARY
from avow.record import CHANCE, Wording
from avow.rows import MARK
from avow.store import postgres_statements as sql
from avow.store.interface import Datum
from avow.store.keystore import POOL, Keystore
from avow.store.postgres_link import BYTEA, INT4, INT8, TEXT, Call, array, int4, int8
from avow.vault.binding import fields
from avow.vault.keys import _INNER as INNER
from avow.vault.keys import _OUTER as OUTER
from avow.vault.keys import KEY

CATEGORIES: Final = 4
_BLOCK: Final = 128  # bytes of a block of SHA-512
_COMMITMENT: Final = fields(b"avow/1 commitment") + (16).to_bytes(4, "big")
_FIRST: Final = fields(b"") + (1).to_bytes(8, "big")  # how the mark of a person ends who agreed to nothing yet
_EACH: Final = 16 + CATEGORIES * (16 + 12) + CHANCE  # bytes of chance for one person, the key's apart


def derived(secret: bytes, label: bytes) -> bytes:
    """HKDF-Expand of one block by two plain hashes: two thirds of the time that the library's takes (RFC 5869, 2.3)."""
    padded = secret.ljust(_BLOCK, b"\0")
    inner = sha512(padded.translate(INNER) + label + b"\x01").digest()
    return sha512(padded.translate(OUTER) + inner).digest()[:KEY]


class Ahead:
    """Keys in the site's keystore, as many in one commit as it makes itself: a wrap each (a commitment and a seal)."""

    def __init__(self, keys: Keystore) -> None:
        self._keys = keys
        self._pool: list[tuple[bytes, bytes]] = []

    def take(self, count: int) -> list[tuple[bytes, bytes]]:
        """Ids and secrets."""
        if len(self._pool) < count:
            self._make()
        taken, self._pool = self._pool[:count], self._pool[count:]
        return taken

    def _make(self) -> None:
        keys, wraps = self._keys, self._keys._wraps
        seal, place = keys._epoch._cipher.encrypt, keys._epoch._head + (16).to_bytes(4, "big")
        chance = urandom((16 + 32 + 12) * POOL)
        ids = sorted([chance[at : at + 16] for at in range(0, 16 * POOL, 16)])
        rows = []
        for at, key_id in zip(range(16 * POOL, len(chance), 44), ids, strict=True):
            secret, nonce = chance[at : at + 32], chance[at + 32 : at + 44]
            rows.append(
                (key_id, b"\x01" + nonce + seal(nonce, derived(secret, _COMMITMENT + key_id) + secret, place + key_id))
            )
            self._pool.append((key_id, secret))
        with wraps.commit():
            wraps.put(rows)
            generation = keys._newer()
        keys._announce(generation)


class Taken(NamedTuple):
    """What one person's rows are made of."""

    subject: bytes
    keys: bytes
    facts: bytes
    rows: list[bytes]
    sealed: list[bytes]
    found_by: bytes
    event: Event


class BareImport:
    """A hundred people a transaction, in one round trip: person, four data, look-up, entry and trace.

    For each a key from those made ahead, its cipher and its key for tags; five seals, a commitment, and an HMAC each for
    the tag, the person's mark and the look-up.
    """

    @classmethod
    async def below(cls, shop: Avow) -> Self:
        """Ready to import into this site, as it has imported somebody itself."""
        (who,) = await collecting_of(shop).collect(imports(invented(-1, 1)))
        return cls(shop, await pattern(shop, who.hex()), await held(shop, who))

    def __init__(self, shop: Avow, words: Wording, like: Mapping[str, Datum]) -> None:
        keys: Any = gate_of(shop).keys
        site = shop.policy.site
        self._below = Below(shop)
        self._ahead = Ahead(keys)
        self._words = words
        self._trace = trace_of(site)
        self._lookup = blocks(keys.site_key("look-up/email/1"))
        data = [like[category] for category in invented(0, 1)[0].given]
        self._places = [(datum_of(site, one), END + one.terms) for one in data]
        line = len(f"{ORDINARY}:{bytes(16).hex()}")
        self._standing = fields(b"avow/1 standing", site.encode()) + (16).to_bytes(4, "big"), line.to_bytes(4, "big")
        self._people = array(INT8, [int8(gate_of(shop).now())] * BATCH)
        self._columns = (
            array(TEXT, [one.category.encode() for one in data] * BATCH),
            array(TEXT, [one.kept_as.encode() for one in data] * BATCH),
            alike(INT4, int4(1), BATCH * len(data)),
            array(BYTEA, [one.terms for one in data] * BATCH),
        )

    async def add(self, people: Sequence[Person]) -> list[bytes]:
        """A hundred people; their ids."""
        site, chance = self._below.site, urandom(_EACH * BATCH)
        keys = self._ahead.take(BATCH)
        made = [self._take(*one, chance, n * _EACH) for n, one in enumerate(zip(people, keys, strict=True))]
        ids, lines, facts, rows, sealed, found_by, events = zip(*made, strict=True)
        who = even(BYTEA, ids)
        link = await self._below.links.take()
        await link.run(
            [
                sql.BEGIN,
                Call(
                    sql.ADD_SUBJECTS,
                    (site, who, self._people, even(TEXT, lines), even(TEXT, facts), alike(INT4, int4(1), BATCH)),
                ),
                Call(
                    sql.PUT,
                    (
                        site, even(BYTEA, [one for one in ids for _ in range(CATEGORIES)]),
                        even(BYTEA, list(chain(*rows))), *self._columns, array(BYTEA, list(chain(*sealed))),
                    ),
                ),
                Call(sql.PUT_LOOKUPS, (site, alike(TEXT, b"email", BATCH), even(BYTEA, found_by), who)),
                *self._below.record(events),
                sql.COMMIT,
            ]
        )  # fmt: skip
        self._below.links.give(link)
        return list(ids)

    def _take(self, one: Person, key: tuple[bytes, bytes], chance: bytes, at: int) -> Taken:
        key_id, secret = key
        subject, under, seal = chance[at : at + 16], blocks(derived(secret, b"avow/1 ledger")), AESGCM(secret).encrypt
        head, rows, sealed = b"\x01" + key_id, [], []
        at += 16
        for value, (place, end) in zip(one.given.values(), self._places, strict=True):
            row, nonce = chance[at : at + 16], chance[at + 16 : at + 28]
            rows.append(row)
            sealed.append(head + nonce + seal(nonce, value.encode(), place + subject + row + end))
            at += 28
        line = f"{ORDINARY}:{key_id.hex()}".encode()
        standing = self._standing[0] + subject + self._standing[1] + line + _FIRST
        facts = f"{mac(under, standing)[: MARK // 2].hex()} ".encode()
        told = self._words.payload + b" ".join([row[:4].hex().encode() + b":1" for row in rows])
        person = Hand(subject, seal, seal, head, under, self._trace + subject)  # nothing of theirs is opened
        (event,) = recorded(self._words, (person,), (told,), chance, at)
        return Taken(subject, line, facts, rows, sealed, mac(self._lookup, one.given["email"].encode()), event)
