"""What goes on record: the ledger's entry of an act, and the sealed opening that the person keeps.

The entry says event, time, policy version, promises, outcome, an opaque actor, a tag and a commitment. What exactly
was done to whom stands only in the opening, sealed under the person's key: with the key it proves the entry, without
it the entry says nothing about anybody. No clock, no randomness of its own.
"""

import hmac
import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, NamedTuple

from avow.decide.request import Request
from avow.ledger.entry import CLOCK_MOVED, Entry, around, encode
from avow.policy.retention import ORDINARY
from avow.store.interface import Leaf, Trace
from avow.vault import envelope
from avow.vault.binding import place
from avow.vault.keys import SubjectKey, commitment
from avow.vault.lookup import hmac_sha256

OPENING: Final = 16  # bytes of the secret that opens a commitment
CHANCE: Final = 16 + OPENING + 12  # bytes of chance in one event: its id, its opening, a nonce


class Seen(NamedTuple):
    """An event as the person may read it: when, what was done, by which role, for what, and what became of it."""

    event: bytes
    at: int
    action: str
    role: str
    purpose: str
    categories: tuple[str, ...]
    recipient: str | None
    outcome: str
    promises: tuple[str, ...]
    form: str | None  # through which it came
    changed: str  # tokens `row:version`, row by its first eight hexadecimal digits, version 0 when it went


class Wording(NamedTuple):
    """What events have in common that differ in the person alone: the payload, and the bytes of the entry around
    what is the event's own.
    """

    payload: bytes
    head: bytes
    middle: bytes
    tail: bytes


_new = tuple.__new__  # a NamedTuple without the detour over its own `__new__`


class Recorder:
    """Makes entries for one site under one policy version. `moved` tells whether the clock was ever moved."""

    def __init__(
        self, site: str, policy: bytes, actor_key: bytes, random: Callable[[int], bytes], moved: Callable[[], bool]
    ) -> None:
        self._site = site
        self._policy = policy
        self._random = random
        self._moved = moved
        self.actor = lru_cache(4096)(lambda name: hmac_sha256(actor_key, name.encode())[:16])

    def event(
        self, at: int, key: SubjectKey, subject: bytes, ask: Request, actor: str, outcome: str,
        promises: tuple[str, ...], kind: str, changed: str = "", *, chance: bytes = b"",
    ) -> tuple[Leaf, Trace]:  # fmt: skip
        """The entry of an act that concerns one person, and its trace sealed under that person's key.

        `changed` names what the act wrote, so that the record anchors it: see `Seen.changed`. `chance` is `CHANCE`
        bytes that were never used before; whoever makes many events draws for all of them at once.
        """
        wording = self.wording(at, ask, actor, outcome, promises, kind, changed)
        return self.worded(wording, key, subject, chance or self._random(CHANCE))

    def wording(
        self, at: int, ask: Request, actor: str, outcome: str, promises: tuple[str, ...], kind: str, changed: str = ""
    ) -> Wording:
        """What events have in common that differ in the person alone: made once for all of them."""
        payload = b"%d " % at + _payload(kind, ask, outcome, promises)
        if changed:
            payload += b"\n" + changed.encode()
        flags = CLOCK_MOVED if self._moved() else 0
        return Wording(payload, *around(at, kind, self._policy, promises, outcome, self.actor(actor), flags))

    def worded(self, wording: Wording, key: SubjectKey, subject: bytes, chance: bytes) -> tuple[Leaf, Trace]:
        """The entry of one person's event, and its trace."""
        payload, head, middle, tail = wording
        event, secret = chance[:16], chance[16:32] + payload  # the opening, and what it opens
        entry = b"".join((head, event, middle, key.tag(event), commitment(secret), tail))
        sealed = envelope.seal(key, secret, self._binding(subject, event), chance[32:])
        return _new(Leaf, (event, entry)), _new(Trace, (subject, event, sealed))

    def faceless(self, at: int, ask: Request, actor: str, outcome: str, promises: tuple[str, ...]) -> Leaf:
        """The entry of an act whose person is not known here. From outside it looks like any other."""
        return self.plain(at, ask.action, actor, outcome, promises)

    def plain(
        self, at: int, kind: str, actor: str, outcome: str, promises: tuple[str, ...] = (), commitment: bytes = b""
    ) -> Leaf:
        """An entry that concerns no single person; tag and commitment are chance. `commitment`: to a public statement."""
        chance = self._random(64)
        entry = Entry(
            chance[:16], at, kind, self._policy, promises, outcome, self.actor(actor), chance[16:32],
            commitment or chance[32:],
            CLOCK_MOVED if self._moved() else 0,
        )  # fmt: skip
        return Leaf(chance[:16], encode(entry))

    def reveal(self, key: SubjectKey, trace: Trace) -> Seen:
        """What a trace says. Raises `Tampered` when it does not open where it stands."""
        plain = envelope.open_(key, trace.sealed, self._binding(trace.subject, trace.event))
        at, _, payload = plain[OPENING:].partition(b" ")
        payload, _, changed = payload.partition(b"\n")
        return _new(Seen, (trace.event, int(at), *_read(payload), changed.decode()))

    def proof(self, key: SubjectKey, trace: Trace) -> bytes:
        """Opening and payload of a trace: with them `proves` holds the entry to it. Raises `Tampered`."""
        return envelope.open_(key, trace.sealed, self._binding(trace.subject, trace.event))

    def _binding(self, subject: bytes, event: bytes) -> bytes:
        return place(self._site, subject, "trace", event, "", "json", 1, ORDINARY)


@lru_cache(16384)
def _payload(kind: str, ask: Request, outcome: str, promises: tuple[str, ...]) -> bytes:
    told = {
        "action": kind, "role": ask.actor, "purpose": ask.purpose, "categories": ask.categories,
        "recipient": ask.recipient, "outcome": outcome, "promises": promises,
    }  # fmt: skip
    if ask.form:
        told["form"] = ask.form
    return json.dumps(told, separators=(",", ":"), sort_keys=True).encode()


@lru_cache(4096)
def _read(payload: bytes) -> tuple[Any, ...]:
    """The reverse of `_payload`, in the order of `Seen`; the same for many events."""
    told: dict[str, Any] = json.loads(payload)
    return (
        told["action"], told["role"], told["purpose"], tuple(told["categories"]), told["recipient"], told["outcome"],
        tuple(told["promises"]), told.get("form"),
    )  # fmt: skip


def proves(entry: Entry, opened: bytes) -> bool:
    """Whether opening and payload belong to an entry of the record."""
    return hmac.compare_digest(commitment(opened), entry.commitment)
