"""The root key in a file: the one secret that opens everything, and that no backup of the data may hold.

The file is text, so that it can be printed and kept in a safe. How to make, back up and lose it: docs/keys.md. Its
format and that of what it wraps: docs/formats.md, 2.1 and 2.2.
"""

import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from avow.errors import KeyFault
from avow.store import disk
from avow.vault.binding import fields
from avow.vault.keys import KEY, NONCE, expand

_FORM: Final = re.compile(rb"avow root key 1\nfingerprint ([0-9a-f]{16})\nkey ([0-9a-f]{64})\n\Z")
_VERSION: Final = 1
_FINGERPRINT: Final = 8
_HEAD: Final = 1 + _FINGERPRINT


class FileRoot:
    """A `RootProvider` over a file that only its owner may read. The key is in memory as long as this object."""

    def __init__(self, path: Path, secret: bytes, random: Callable[[int], bytes]) -> None:
        """Use `create` or `open`."""
        self.path = path
        self._secret = secret
        self._cipher = AESGCM(secret)
        self._random = random
        self._print = expand(secret, b"avow/1 root fingerprint")[:_FINGERPRINT]

    @classmethod
    def create(cls, path: Path, random: Callable[[int], bytes]) -> Self:
        """Make a new root key. Raises `KeyFault` if anything stands at `path`: a key is never overwritten."""
        root = cls(path, random(KEY), random)
        root._save(path)
        return root

    @classmethod
    def open(cls, path: Path, random: Callable[[int], bytes]) -> Self:
        """Read a root key. Raises `KeyFault` when it is missing, damaged, or may be read by others."""
        secret, fingerprint = _read(path)
        root = cls(path, secret, random)
        if root.fingerprint != fingerprint:
            raise KeyFault(f"the root key in `{path}` is damaged: it does not have the fingerprint that the file names;"
                           " put the file back from its backup")  # fmt: skip
        return root

    @property
    def fingerprint(self) -> str:
        """Tells root keys apart and says nothing about them: 16 hexadecimal digits."""
        return self._print.hex()

    def backup(self, path: Path) -> None:
        """Write the key to a second file, read it back and compare. Raises `KeyFault` if something stands there."""
        self._save(path)
        if _read(path) != (self._secret, self.fingerprint):
            raise KeyFault(f"the backup of the root key in `{path}` does not read back; try another place")

    def wrap(self, secret: bytes, context: bytes) -> bytes:
        """Seal under the root key; the result names the key's fingerprint, so that a wrong one is told apart."""
        nonce = self._random(NONCE)
        head = bytes((_VERSION,)) + self._print
        return head + nonce + self._cipher.encrypt(nonce, secret, _bound(context))

    def unwrap(self, sealed: bytes, context: bytes) -> bytes:
        """Open. Raises `KeyFault` when another root key is needed, or when the bytes are of elsewhere or damaged."""
        if len(sealed) < _HEAD + NONCE or sealed[0] != _VERSION:
            raise KeyFault("an epoch key has an unknown version or is cut off; put the keystore back from its backup")
        needed = sealed[1:_HEAD]
        if needed != self._print:
            raise KeyFault(f"`{self.path}` holds root key {self.fingerprint}, and this keystore needs {needed.hex()};"
                           " give the right root key file")  # fmt: skip
        try:
            return self._cipher.decrypt(sealed[_HEAD : _HEAD + NONCE], sealed[_HEAD + NONCE :], _bound(context))
        except InvalidTag:
            raise KeyFault(
                "an epoch key is damaged, or belongs to another site; put the keystore back from its backup"
            ) from None

    def _save(self, path: Path) -> None:
        text = f"avow root key 1\nfingerprint {self.fingerprint}\nkey {self._secret.hex()}\n"
        try:
            disk.create(path, text.encode())
        except FileExistsError:
            raise KeyFault(f"`{path}` exists already, and a key is never overwritten; name a new file") from None

    def __repr__(self) -> str:
        return f"FileRoot({str(self.path)!r}, {self.fingerprint})"

    def __reduce__(self) -> str:
        raise TypeError("a key is not written down")


def _bound(context: bytes) -> bytes:
    return fields(b"avow/1 root AES-256-GCM", context)


def _read(path: Path) -> tuple[bytes, str]:
    """Secret and named fingerprint. Raises `KeyFault`."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise KeyFault(f"there is no root key at `{path}`; put the file back from its backup, for without it nothing"
                       " that is sealed can be read") from None  # fmt: skip
    except OSError as error:
        raise KeyFault(f"the root key at `{path}` cannot be read: {error.strerror}") from None
    try:
        mode = os.fstat(handle).st_mode
        if not stat.S_ISREG(mode):
            raise KeyFault(f"`{path}` is not a file; name the root key file")
        if mode & 0o077:
            raise KeyFault(f"the root key in `{path}` may be read by others; run `chmod 600 {path}`, and if somebody"
                           " may have read it, change it (docs/keys.md)")  # fmt: skip
        text = os.read(handle, 4096)
    finally:
        os.close(handle)
    form = _FORM.fullmatch(text)
    if form is None:
        raise KeyFault(f"`{path}` is no root key file, or is cut off; put the file back from its backup")
    return bytes.fromhex(form[2].decode()), form[1].decode()
