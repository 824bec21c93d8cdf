"""Keys: a person's, the epoch's that wraps them, and the root's that wraps the epoch's.

Pure: keys come in as bytes, chance comes in as nonces. A person's key is random, never derived from another, so that
it can be destroyed. Formats: docs/formats.md, 1.3 to 1.5. HKDF: RFC 5869; HMAC: RFC 2104; GCM: NIST SP 800-38D.
"""

import hmac
from hashlib import sha256
from typing import Any, Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from avow.errors import CallError, Tampered
from avow.vault.binding import ID, fields

KEY: Final = 32  # bytes of every secret key
NONCE: Final = 12
TAG: Final = 16  # bytes of an event's tag: enough that nobody finds a second event for it, cut for the leaf's size
VERSION: Final = 1  # of messages and of wraps
WRAP: Final = 1 + NONCE + 2 * KEY + 16  # bytes of a wrap
BLOCK: Final = 64  # bytes of a block of SHA-256
_INNER: Final = bytes(byte ^ 0x36 for byte in range(256))
_OUTER: Final = bytes(byte ^ 0x5C for byte in range(256))
_SHA512 = SHA512()
_COMMITMENT = fields(b"avow/1 commitment")


class RootProvider(Protocol):
    """What holds the root key: a file, or a key service. It never gives the key away.

    `context` is public, and must be the same for both. `unwrap` raises `KeyFault` when the bytes were wrapped by
    another root key or for another context. Either may raise `Unavailable`.
    """

    def wrap(self, secret: bytes, context: bytes) -> bytes:
        """Seal a secret of a few dozen bytes under the root key."""

    def unwrap(self, sealed: bytes, context: bytes) -> bytes:
        """Open what `wrap` has sealed."""


class SubjectKey:
    """One person's key for one retention class, ready to use: the cipher is built once.

    `id` names it and is no secret. `head` is how every message under it begins. Never pickled, never printed.
    """

    __slots__ = ("_blocks", "_ledger_key", "_secret", "cipher", "head", "id")

    def __init__(self, id: bytes, secret: bytes) -> None:
        if len(id) != ID or len(secret) != KEY:
            raise CallError("a key id has 16 bytes and a key 32")
        self.id = id
        self.head = bytes((VERSION,)) + id
        self.cipher = AESGCM(secret)
        self._secret = secret
        self._ledger_key: bytes | None = None
        self._blocks: tuple[Any, Any] | None = None  # what hashlib makes has no public type

    @property
    def ledger_key(self) -> bytes:
        """The key of this person's event tags; derived when first asked for."""
        if self._ledger_key is None:
            self._ledger_key = expand(self._secret, b"avow/1 ledger")
        return self._ledger_key

    def tag(self, event: bytes) -> bytes:
        """`tag(self.ledger_key, event)`; the key's two blocks are hashed once (RFC 2104, 4): a third of the time."""
        if self._blocks is None:
            padded = self.ledger_key.ljust(BLOCK, b"\0")
            self._blocks = sha256(padded.translate(_INNER)), sha256(padded.translate(_OUTER))
        inner, outer = self._blocks[0].copy(), self._blocks[1].copy()
        inner.update(event)
        outer.update(inner.digest())
        return outer.digest()[:TAG]

    def __repr__(self) -> str:
        return f"SubjectKey({self.id.hex()})"

    def __reduce__(self) -> str:
        raise TypeError("a key is not written down")


class EpochKey:
    """The key that wraps the keys of one site for a time. `number` counts from 1."""

    __slots__ = ("_cipher", "_head", "number")

    def __init__(self, site: str, number: int, secret: bytes) -> None:
        if len(secret) != KEY:
            raise CallError("an epoch key has 32 bytes")
        self.number = number
        self._cipher = AESGCM(secret)
        self._head = fields(b"avow/1 wrap AES-256-GCM", site.encode(), number.to_bytes(4, "big"))

    def wrap(self, name: bytes, secret: bytes, nonce: bytes) -> bytes:
        """The secret, sealed for `name` in this epoch with its commitment inside: 93 bytes. `nonce`: 12, by chance."""
        return self.seal(name, commit(name, secret) + secret, nonce)

    def unwrap(self, name: bytes, wrap: bytes) -> bytes:
        """The secret of `wrap`. Raises `Tampered` when it is not the wrap of this name, site and epoch.

        GCM by itself does not commit to the key it opens with; so the commitment is compared before the key is used.
        """
        inner = self.open(name, wrap)
        secret = inner[KEY:]
        if len(inner) != 2 * KEY or not hmac.compare_digest(inner[:KEY], commit(name, secret)):
            raise Tampered("a wrapped key is not the one it commits to; put the keystore back from its backup")
        return secret

    def seal(self, name: bytes, inner: bytes, nonce: bytes) -> bytes:
        """Seal what `open` gave, commitment and secret, for this epoch: how a key moves from epoch to epoch."""
        if len(nonce) != NONCE:
            raise CallError("a nonce has 12 bytes")
        return bytes((VERSION,)) + nonce + self._cipher.encrypt(nonce, inner, self._bound(name))

    def open(self, name: bytes, wrap: bytes) -> bytes:
        """Commitment and secret, authentic, the one not yet compared with the other. Raises `Tampered`."""
        if len(wrap) != WRAP or wrap[0] != VERSION:
            raise Tampered("a wrapped key has an unknown version or length; put the keystore back from its backup")
        try:
            return self._cipher.decrypt(wrap[1 : 1 + NONCE], wrap[1 + NONCE :], self._bound(name))
        except InvalidTag:
            raise Tampered(
                "a wrapped key does not open where it stands; put the keystore back from its backup"
            ) from None

    def _bound(self, name: bytes) -> bytes:
        return self._head + len(name).to_bytes(4, "big") + name

    def __repr__(self) -> str:
        return f"EpochKey({self.number})"

    def __reduce__(self) -> str:
        raise TypeError("a key is not written down")


def expand(secret: bytes, label: bytes) -> bytes:
    """A 32-byte key for one use, from a key that is already uniform (RFC 5869, 3.3: extract may be left out)."""
    return HKDFExpand(_SHA512, KEY, label).derive(secret)


def commit(name: bytes, secret: bytes) -> bytes:
    """The commitment to a key: nobody finds two keys with the same. It tells nothing of the key."""
    return expand(secret, _COMMITMENT + len(name).to_bytes(4, "big") + name)


def tag(ledger_key: bytes, event: bytes) -> bytes:
    """What marks an event as one person's, to who has the key and to nobody else: 16 bytes."""
    return hmac.digest(ledger_key, event, "sha256")[:TAG]


def commitment(opened: bytes) -> bytes:
    """What holds an entry to its payload and hides it: 32 bytes. `opened`: 16 bytes of secret chance, then the payload.

    A plain hash, as the chance has one length and stands first: it binds because nobody finds two texts of one hash, and
    hides because nobody tries out 16 bytes.
    """
    return sha256(opened).digest()
