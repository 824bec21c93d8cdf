"""What must not stand in an address, because addresses are kept by logs, histories and other sites: people and cards.

Pure. An e-mail address, a telephone number with its `+`, or a card number, in any path or query string, however often
it was percent-encoded. It answers with a word and never with what it found. A digest of 32 bytes in hexadecimal is
nobody's number: of some 300,000 one reads like a card.
"""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote_to_bytes

from avow.cards import Suspicion, suspicion

CARD: Final = "a card number"
_MAYBE: Final = re.compile(rb"[@%&\x80-\xff]|(?:[0-9][^0-9]{0,3}){7}")
_PART: Final = r"[^\s@/?&=;,<>\"']"  # of an e-mail address; one character before the `@` is enough to know it
_EMAIL: Final = re.compile(rf"{_PART}@(?![123]x\.(?:png|jpe?g|webp|avif|gif|svg)\b){_PART}{{1,253}}\.\w{{2,}}")
_PHONE: Final = re.compile(r"\+\s?\d(?:[\s().\-]{0,2}\d){6,}")
_PHONE_START: Final = re.compile(r"[=/]\+\d{7,}")  # `+` as it stands; inside a value it means a space
_DIGEST: Final = re.compile(rb"(?<![0-9A-Za-z])(?=(?:[0-9]*[a-f]){6})[0-9a-f]{64}(?![0-9A-Za-z])")
_LAYERS: Final = 3  # of percent-encoding that are taken off


def troubles(path: bytes, query: bytes) -> str:
    """What stands in an address that may not; empty when nothing does."""
    if _MAYBE.search(path) is None and (not query or _MAYBE.search(query) is None):
        return ""
    for text in _readings(_DIGEST.sub(b"-", path), plus=False):
        if found := _look(text):
            return found
    for text in _readings(query, plus=True):
        if found := _look(text):
            return found
    return "a telephone number" if _PHONE_START.search((path + b"/" + query).decode("latin-1")) else ""


def _look(text: str) -> str:
    if _EMAIL.search(text):
        return "an e-mail address"
    if _PHONE.search(text):
        return "a telephone number"
    return CARD if suspicion(text) is Suspicion.CERTAIN else ""


def _readings(raw: bytes, *, plus: bool) -> Iterator[str]:
    """The text as it stands, and below each layer of encoding."""
    for _ in range(_LAYERS + 1):
        spaced = raw.replace(b"+", b" ") if plus else raw
        yield spaced.decode("utf-8", "replace").replace("_", " ")
        below = unquote_to_bytes(spaced)
        if below == spaced:
            return
        raw, plus = below, False
