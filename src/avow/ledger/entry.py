"""One entry of the record, and its bytes (docs/formats.md, section 3.1).

An entry holds no personal datum and no plain hash of one: ids are random, the actor is a pseudonym, the tag is keyed
by the person's own key, and the commitment hides what it commits to until its opening is shown.

    0 version | 1 flags | 2 outcome | 3 at, 6 bytes | 9 event | 25 policy | 41 actor | 57 tag | 73 commitment
    105 kind, with its length before it | number of promises | each promise, with its length before it
"""

from functools import lru_cache
from typing import Final, Literal, NamedTuple, get_args

from avow.ledger.faults import Malformed

VERSION: Final = 1
CLOCK_MOVED: Final = 1  # flag, bit 0: the clock had been moved, in a data directory made as a demo
LATEST: Final = (1 << 48) - 1  # milliseconds: the year 10889

Outcome = Literal["done", "refused", "failed"]
OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)

AT: Final = slice(3, 9)  # where the time stands; big-endian, so bytes compare as times do
EVENT: Final = slice(9, 25)
POLICY: Final = slice(25, 41)
COMMITMENT: Final = slice(73, 105)
FIXED: Final = 105  # bytes before the kind
MAX_PROMISES: Final = 255
MAX_WORD: Final = 64  # bytes of a kind or a promise id
MAX_ENTRY: Final = FIXED + 1 + MAX_WORD + 1 + MAX_PROMISES * (1 + MAX_WORD)  # 16,746: fits the bundle's 16-bit length


class Entry(NamedTuple):
    """What happened, for those who may not know to whom. `at` in milliseconds since 1970-01-01 UTC.

    `kind` is the word for the act (`collect`, `use`, `erase`, ...): lower case, `[a-z][a-z0-9-]*`. `promises` are the
    ids that made the answer, in the policy's order, none twice. Lengths in bytes: event 16 (random), policy 16 (of
    the version's digest), actor 16 (opaque), tag 16, commitment 32.
    """

    event: bytes
    at: int
    kind: str
    policy: bytes
    promises: tuple[str, ...]
    outcome: str
    actor: bytes
    tag: bytes
    commitment: bytes
    flags: int = 0


_HEADS: Final[dict[tuple[int, str], bytes]] = {
    (flags, outcome): bytes((VERSION, flags, number))
    for flags in (0, CLOCK_MOVED)
    for number, outcome in enumerate(OUTCOMES, 1)
}
_MEANS: Final = {head: key for key, head in _HEADS.items()}
_LETTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyz")
_KIND: Final = _LETTERS | frozenset("0123456789-")
HEADS: Final = frozenset(_MEANS)  # every beginning that an entry may have


def encode(entry: Entry) -> bytes:
    """The entry's bytes. One entry has one encoding.

    Raises `Malformed` for a length, word, flag, outcome or time that the format does not allow.
    """
    return pack(*entry)


def pack(
    event: bytes, at: int, kind: str, policy: bytes, promises: tuple[str, ...], outcome: str, actor: bytes,
    tag: bytes, commitment: bytes, flags: int = 0,
) -> bytes:  # fmt: skip
    """`encode(Entry(...))` without the tuple in between."""
    if not len(event) == len(tag) == 16 or len(commitment) != 32:
        raise Malformed(_LENGTHS)
    head, middle, tail = around(at, kind, policy, promises, outcome, actor, flags)
    return b"".join((head, event, middle, tag, commitment, tail))


def around(
    at: int, kind: str, policy: bytes, promises: tuple[str, ...], outcome: str, actor: bytes, flags: int = 0
) -> tuple[bytes, bytes, bytes]:
    """What stands before the event, between it and the tag, and after the commitment: the same for events that differ in
    those alone. Raises `Malformed`.
    """
    if not len(policy) == len(actor) == 16:
        raise Malformed(_LENGTHS)
    head, tail = _ends(flags, outcome, kind, promises)
    try:
        when = at.to_bytes(6, "big")
    except OverflowError:
        raise Malformed(f"the time of an entry is 0 to {LATEST} milliseconds since 1970") from None
    return head + when, policy + actor, tail


_LENGTHS: Final = "event, policy, actor and tag of an entry take 16 bytes each, the commitment takes 32"


@lru_cache(4096)
def _ends(flags: int, outcome: str, kind: str, promises: tuple[str, ...]) -> tuple[bytes, bytes]:
    """What stands before the time and after the commitment: the same for many entries."""
    head = _HEADS.get((flags, outcome))
    if head is None:
        raise Malformed(f"an entry's outcome is one of {', '.join(OUTCOMES)} and its flags are 0 or 1")
    return head, _tail(kind, promises)


def decode(data: bytes) -> Entry:
    """Read one entry, strictly: `encode(decode(x)) == x` for every `x` that is accepted.

    Raises `Malformed` for an unknown version, flag or outcome, a wrong word, and anything missing or left over.
    """
    means = _MEANS.get(data[:3])
    if means is None or len(data) < FIXED:
        raise Malformed("an entry that is too short or begins with an unknown version, flag or outcome")
    kind, promises = words(data[FIXED:])
    return Entry(
        data[EVENT], int.from_bytes(data[AT], "big"), kind, data[25:41], promises, means[1],
        data[41:57], data[57:73], data[73:FIXED], means[0],
    )  # fmt: skip


def as_json(entry: Entry) -> dict[str, object]:
    """The entry for people and other programs: bytes in hex, the rest as it is."""
    return {
        name: value.hex() if isinstance(value, bytes) else list(value) if isinstance(value, tuple) else value
        for name, value in entry._asdict().items()
    }


@lru_cache(4096)
def _tail(kind: str, promises: tuple[str, ...]) -> bytes:
    if not _is_kind(kind):
        raise Malformed(f"the kind of an entry is a lower-case word of at most {MAX_WORD} bytes, like `use`")
    if len(promises) > MAX_PROMISES or len(set(promises)) < len(promises) or not all(map(_is_id, promises)):
        raise Malformed(
            f"an entry names at most {MAX_PROMISES} promises, none twice, each by printable characters without "
            f"space, at most {MAX_WORD} bytes"
        )
    return b"".join((_counted(kind), bytes((len(promises),)), *map(_counted, promises)))


@lru_cache(4096)
def words(tail: bytes) -> tuple[str, tuple[str, ...]]:
    """Kind and promises from the bytes after the fixed part. Raises `Malformed` unless they are canonical."""
    try:
        kind, at = _word(tail, 0)
        count, at = tail[at], at + 1
        promises = []
        for _ in range(count):
            promise, at = _word(tail, at)
            promises.append(promise)
    except (IndexError, UnicodeDecodeError):
        raise Malformed("an entry whose kind or promises are cut short or not UTF-8") from None
    if _tail(kind, tuple(promises)) != tail:  # makes the form canonical, whatever the reading above let through
        raise Malformed("an entry with bytes missing or left over after its promises")
    return kind, tuple(promises)


def _word(data: bytes, at: int) -> tuple[str, int]:
    end = at + 1 + data[at]
    return data[at + 1 : end].decode(), end


def _counted(word: str) -> bytes:
    data = word.encode()
    return bytes((len(data),)) + data


def _is_kind(word: str) -> bool:
    return 0 < len(word) <= MAX_WORD and word[0] in _LETTERS and _KIND.issuperset(word)


def _is_id(word: str) -> bool:
    return 0 < len(word.encode(errors="replace")) <= MAX_WORD and word.isprintable() and " " not in word
