"""Texts that only this site can make and read, so that nothing need be remembered of them.

Format: version 1 | nonce (12) | AES-256-GCM; base64url without padding. The associated data say what it is and of which
site.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from avow.errors import Denied

NONCE: Final = 12
_VERSION: Final = b"\x01"


class Seal:
    """One kind of such texts for one site; `key` is 32 bytes that nobody else has."""

    def __init__(self, key: bytes, what: str, site: str) -> None:
        self._cipher = AESGCM(key)
        self._bound = f"avow/1 {what} {site}".encode()

    def make(self, plain: bytes, nonce: bytes) -> str:
        """A text that says this. `nonce`: 12 bytes of chance."""
        sealed = _VERSION + nonce + self._cipher.encrypt(nonce, plain, self._bound)
        return urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def read(self, text: str) -> bytes:
        """What it says. Raises `Denied` for what is none of this kind and site."""
        try:
            data = urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4))
            if data[:1] == _VERSION:
                return self._cipher.decrypt(data[1:13], data[13:], self._bound)
        except (InvalidTag, Error, ValueError):
            pass
        raise Denied
