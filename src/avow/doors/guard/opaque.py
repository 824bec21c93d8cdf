"""Is a cookie's value an opaque random token, or does it say something?

Pure. A value passes when it is 16 to 128 letters, digits, `-` and `_`, in which no stretch reads like text or a number,
neither as it stands nor decoded from base64 or hexadecimal.

"Reads like text" is a likelihood ratio: how much likelier the stretch is as written text than as chance, in bits.
By Markov's inequality chance reaches `_SURE` bits in one stretch with probability at most 2^-24; over all stretches of
the longest value, below 1 in 100,000. What it cannot tell: a short word or a few digits inside a long random value.
"""

import base64
import binascii
import math
import re
from typing import Final

from avow.cards import Suspicion, suspicion

SHORTEST, LONGEST = 16, 128  # characters: 16 of base64url are 96 bits
_SHAPE: Final = re.compile(rf"[A-Za-z0-9_-]{{{SHORTEST},{LONGEST}}}")
_HEX: Final = re.compile(r"[0-9a-fA-F-]+")
_SURE: Final = 24.0  # bits
_KINDS: Final = (  # small letters, capitals, digits, what stands between; as often as written text has them
    "e" * 12 + "t" * 9 + "a" * 8 + "o" * 8 + "i" * 7 + "n" * 7 + "s" * 6 + "r" * 6 + "h" * 5 + "l" * 4 + "d" * 4
    + "u" * 3 + "c" * 3 + "m" * 3 + "w" * 2 + "f" * 2 + "g" * 2 + "y" * 2 + "p" * 2 + "bvkxjqz",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "0123456789",
    " " * 10 + "_" * 6 + "-" * 6 + "." * 4 + ":" * 3 + "," * 3 + '"' * 3 + "@=/+&'{}[]()%;",
)  # fmt: skip
_NEXT: Final = (  # how often each kind follows each kind
    (0.82, 0.04, 0.02, 0.12),
    (0.55, 0.35, 0.02, 0.08),
    (0.05, 0.05, 0.75, 0.15),
    (0.55, 0.20, 0.20, 0.05),
)
_FIRST: Final = (0.60, 0.15, 0.15, 0.10)
_LEFT: Final = 2.0**-14  # for what is of no kind
_NUMBER: Final = re.compile(r"(?<![0-9A-Za-z])[0-9]+(?:[-_][0-9]+)*(?![0-9A-Za-z])")
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")  # RFC 9562, random
_VARIED: Final = 6  # different characters, at least


def _table() -> tuple[dict[int, float], dict[int, int]]:
    """For each byte: how likely it is within its kind, and its kind."""
    within, kinds = {}, {}
    for kind, text in enumerate(_KINDS):
        for char in set(text):
            within[ord(char)] = text.count(char) / len(text)
            kinds[ord(char)] = kind
    return within, kinds


_WITHIN, _KIND = _table()


def opaque(value: str) -> bool:
    """Whether the value says nothing by itself."""
    if not _SHAPE.fullmatch(value) or len(set(value)) < _VARIED:
        return False
    if not _UUID.fullmatch(value) and any(suspicion(number) is not Suspicion.NONE for number in _NUMBER.findall(value)):
        return False
    if _HEX.fullmatch(value):
        return not value.replace("-", "").isdigit() and not any(map(_reads, _from_hex(value)))
    return _bits(value.encode(), 64) < _SURE and not any(map(_reads, _from_base64(value)))


def _reads(data: bytes) -> bool:
    return _bits(data, 256) >= _SURE


def _bits(data: bytes, alphabet: int) -> float:
    """The bits by which the likeliest stretch is likelier as text than as chance over so many characters."""
    best = here = 0.0
    following = _FIRST
    for byte in data:
        kind = _KIND.get(byte)
        likely = _LEFT if kind is None else following[kind] * _WITHIN[byte]
        here = max(0.0, here + math.log2(likely * alphabet))
        best = max(best, here)
        following = _FIRST if kind is None or not here else _NEXT[kind]
    return best


def _from_base64(value: str) -> list[bytes]:
    """What the value is as base64, begun at each of the four places."""
    plain = value.replace("-", "+").replace("_", "/")
    return [base64.b64decode(part[: len(part) // 4 * 4]) for part in (plain[start:] for start in range(4))]


def _from_hex(value: str) -> list[bytes]:
    """What the value is as hexadecimal, begun at either half of the first byte."""
    digits = value.replace("-", "")
    return [binascii.unhexlify(part[: len(part) // 2 * 2]) for part in (digits, digits[1:])]
