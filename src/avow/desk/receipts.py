"""Receipts: leave to add to what one has submitted, sealed so that nothing need be remembered of them.

Format: version 1 | nonce (12) | AES-256-GCM of subject (16), service request (16, or zeros), moment (8); base64url. The
associated data say what it is and of which site.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from avow.desk.interface import RECEIPT
from avow.errors import Denied

NONE: Final = bytes(16)
_VERSION: Final = b"\x01"


class Receipt(NamedTuple):
    """Whose, for which service request, since when (ms)."""

    who: str
    request: str | None
    since: int


class Receipts:
    """For one site; `key` is 32 bytes that nobody else has."""

    def __init__(self, key: bytes, site: str) -> None:
        self._cipher = AESGCM(key)
        self._bound = b"avow/1 receipt " + site.encode()

    def make(self, who: str, request: str | None, now: int, nonce: bytes) -> str:
        """A receipt. `nonce`: 12 bytes of chance."""
        row = NONE if request is None else bytes.fromhex(request)
        plain = bytes.fromhex(who) + row + now.to_bytes(8, "big")
        return urlsafe_b64encode(_VERSION + nonce + self._cipher.encrypt(nonce, plain, self._bound)).decode()

    def read(self, receipt: str, now: int, within: int = RECEIPT) -> Receipt:
        """What it says. Raises `Denied` for what is none of this site, or too old."""
        try:
            data = urlsafe_b64decode(receipt.encode())
            plain = self._cipher.decrypt(data[1:13], data[13:], self._bound) if data[:1] == _VERSION else b""
        except (InvalidTag, Error, ValueError):
            plain = b""
        if len(plain) != 40:
            raise Denied
        since = int.from_bytes(plain[32:], "big")
        if not since <= now <= since + within:
            raise Denied
        row = plain[16:32]
        return Receipt(plain[:16].hex(), None if row == NONE else row.hex(), since)
