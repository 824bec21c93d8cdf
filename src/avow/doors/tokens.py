"""State that travels in hidden fields of forms: sealed, short-lived, and single-use where it must be.

Format: base64url of nonce (12) | AES-256-GCM of moment (ms, 8 bytes) and a JSON object. The associated data are the
kind of the token and the name of the site, so that none passes for another. What is sealed cannot be read or changed by
who carries it; it can be shown again, unless it is spent.

Single use is known to this process alone, while it runs. Under one key a token can be spent once in each process, and
once more after a restart, until its time is over; with a key of chance, which a restart replaces, it cannot. Who carries
a token may get another one any time, so this keeps a reload from being a second submission, and is no proof of anything:
what must happen once, whoever tries, is for the desk, or for a database of the door's own that keeps `Opened.id`. No
clock and no dice of its own.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from avow.errors import Denied, TooMany

KEY: Final = 32  # bytes
LONGEST: Final = 16_384  # characters of a token
MOST: Final = 100_000  # spent tokens that are remembered at once
_NONCE: Final = 12


class Opened(NamedTuple):
    """What a token says, its own name, and since when it is (ms)."""

    told: Mapping[str, Any]
    id: str
    since: int


class Tokens:
    """For one site and door. `key`: 32 bytes that nobody else has; `clock` tells the moment, aware; `random` gives bytes."""

    def __init__(self, key: bytes, site: str, *, clock: Callable[[], datetime], random: Callable[[int], bytes]) -> None:
        self._cipher = AESGCM(key)
        self._site = site
        self._clock = clock
        self._random = random
        self._spent: dict[str, int] = {}  # id -> when it may be forgotten (ms)

    def now(self) -> int:
        """The moment, in ms."""
        return int(self._clock().timestamp() * 1000)

    def seal(self, kind: str, told: Mapping[str, Any]) -> str:
        """A token of this kind that says so; `told` is what JSON can say."""
        nonce = self._random(_NONCE)
        plain = self.now().to_bytes(8, "big") + json.dumps(told, separators=(",", ":")).encode()
        return urlsafe_b64encode(nonce + self._cipher.encrypt(nonce, plain, self._bound(kind))).decode()

    def open(self, kind: str, token: str, *, within: int) -> Opened:
        """What it says. Raises `Denied` for what is none of this kind and site, or older than `within` (ms)."""
        plain, nonce = b"", b""
        try:
            if len(token) <= LONGEST:
                data = urlsafe_b64decode(token.encode())
                nonce = data[:_NONCE]
                plain = self._cipher.decrypt(nonce, data[_NONCE:], self._bound(kind))
        except (InvalidTag, Error, ValueError):
            plain = b""
        since = int.from_bytes(plain[:8], "big")
        if not plain or not since <= self.now() <= since + within:
            raise Denied
        return Opened(json.loads(plain[8:]), nonce.hex(), since)

    def spend(self, opened: Opened, *, within: int) -> None:
        """Use it up. Raises `Denied` where it has been, `TooMany` when more are spent than can be remembered."""
        now = self.now()
        if self.spent(opened):
            raise Denied
        if len(self._spent) >= MOST:
            self._spent = {one: until for one, until in self._spent.items() if until >= now}
            if len(self._spent) >= MOST:
                raise TooMany
        self._spent[opened.id] = opened.since + within

    def spent(self, opened: Opened) -> bool:
        """Whether it was used up."""
        return self._spent.get(opened.id, -1) >= self.now()

    def _bound(self, kind: str) -> bytes:
        return f"avow/1 token {kind}\0{self._site}".encode()
