"""A sealed message: version (1) | key id (16) | nonce (12) | AES-256-GCM ciphertext and tag (16).

Pure. A message says which key opens it and nothing else; where it belongs is bound in, not written in. Its length
shows the plaintext's. Format and vectors: docs/formats.md, 1.1. GCM: NIST SP 800-38D.
"""

from typing import Final

from cryptography.exceptions import InvalidTag

from avow.errors import CallError, Tampered
from avow.vault.binding import ID
from avow.vault.keys import NONCE, VERSION, SubjectKey

HEAD: Final = 1 + ID
OVERHEAD: Final = HEAD + NONCE + 16  # bytes a message is longer than its plaintext


def seal(key: SubjectKey, plain: bytes, binding: bytes, nonce: bytes) -> bytes:
    """The plaintext, sealed for the place `binding`. `nonce` is 12 bytes of chance, never used before with this key."""
    if len(nonce) != NONCE:
        raise CallError("a nonce has 12 bytes")
    return key.head + nonce + key.cipher.encrypt(nonce, plain, binding)


def open_(key: SubjectKey, message: bytes, binding: bytes) -> bytes:
    """The plaintext. Raises `Tampered` when any bit, the key or the place is not the one it was sealed with."""
    if message[:HEAD] == key.head:
        try:
            return key.cipher.decrypt(message[HEAD : HEAD + NONCE], message[HEAD + NONCE :], binding)
        except (InvalidTag, ValueError):  # ValueError: the message ends inside its nonce
            pass
    raise Tampered("a sealed value does not open where it stands; put the data back from a backup")


def key_id(message: bytes) -> bytes:
    """Which key opens the message. Raises `Tampered` when it is no message of this version."""
    if len(message) < OVERHEAD or message[0] != VERSION:
        raise Tampered("a sealed value has an unknown version or is cut off; put the data back from a backup")
    return message[1:HEAD]
