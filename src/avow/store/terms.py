"""The terms that a value came under, as the bytes that are stored beside it and bound into its ciphertext.

One form for both, so that a read has nothing to put together again and a changed term opens nothing. Moments stand
first and sort as bytes, so that a database finds the newest and the due without knowing more. Format: docs/formats.md, 4.5.
"""

from functools import lru_cache
from typing import Final, NamedTuple

POLICY: Final = slice(0, 16)
COLLECTED: Final = slice(16, 24)
DUE: Final = slice(24, 32)
NO_END: Final = b"\xff" * 8  # in the place of `due`: later than any moment
_ZERO: Final = 1 << 63  # added to a moment: what was before 1970 sorts before what came after


class Terms(NamedTuple):
    """What a datum was collected under.

    `policy` is the first 16 bytes of the digest of the version in force. `purposes`: names, sorted, separated by one
    space. `form` is the form it came through, `source` "person" or the import it came with. `due` is the last moment
    at which it may be used: at `due` it is in time, after it is not; None keeps it until the person is erased.
    """

    policy: bytes
    collected: int
    due: int | None
    purposes: str
    form: str
    source: str

    def encode(self) -> bytes:
        """The terms as bytes; no two terms have the same."""
        return _encoded(self)


@lru_cache(1024)  # what one form gives, and what one import brings, shares its terms
def _encoded(terms: Terms) -> bytes:
    policy, collected, due, *words = terms
    end = NO_END if due is None else moment(due)
    return b"".join((policy, moment(collected), end, *map(_field, words)))


@lru_cache(1024)
def decode(data: bytes) -> Terms:
    """The reverse of `Terms.encode`. Believe them only when the value opens with them."""
    words, at = [], DUE.stop
    for _ in range(3):
        end = at + 4 + int.from_bytes(data[at : at + 4], "big")
        words.append(data[at + 4 : end].decode(errors="replace"))
        at = end
    return Terms(data[POLICY], when(data[COLLECTED]), due(data), *words)


def moment(at: int) -> bytes:
    """Milliseconds since 1970, UTC, as 8 bytes that sort as moments do."""
    return (at + _ZERO).to_bytes(8, "big")


def when(data: bytes) -> int:
    """The reverse of `moment`."""
    return int.from_bytes(data, "big") - _ZERO


def due(terms: bytes) -> int | None:
    """The last moment at which a datum of these terms may be used."""
    end = terms[DUE]
    return None if end == NO_END else when(end)


def _field(word: str) -> bytes:
    data = word.encode()
    return len(data).to_bytes(4, "big") + data
