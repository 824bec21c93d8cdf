"""An authenticator in software: it makes one passkey and signs by it, as a security key would."""

import hashlib
import json
import os
from base64 import urlsafe_b64encode
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import encode_cbor

ORIGIN = "https://console.x.example"
HOST = "console.x.example"
_SEEN, _MADE = 0x05, 0x45  # present and verified; and with a new key


class Authenticator:
    """One passkey."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._id = os.urandom(16)
        self._count = 0

    def make(self, options: dict[str, Any]) -> dict[str, Any]:
        """The answer to options for making one."""
        point = self._key.public_key().public_numbers()
        key = {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
        data = self._data(_MADE) + bytes(16) + len(self._id).to_bytes(2, "big") + self._id + encode_cbor(key)
        made = {"fmt": "none", "attStmt": {}, "authData": data}
        said = _said("webauthn.create", options)
        return self._answer({"clientDataJSON": text(said), "attestationObject": text(encode_cbor(made))})

    def sign(self, options: dict[str, Any]) -> dict[str, Any]:
        """The answer to options for signing in."""
        self._count += 1
        data, said = self._data(_SEEN), _said("webauthn.get", options)
        signature = self._key.sign(data + hashlib.sha256(said).digest(), ec.ECDSA(hashes.SHA256()))
        told = {"clientDataJSON": text(said), "authenticatorData": text(data), "signature": text(signature)}
        return self._answer(told)

    def _data(self, flags: int) -> bytes:
        return hashlib.sha256(HOST.encode()).digest() + bytes([flags]) + self._count.to_bytes(4, "big")

    def _answer(self, response: dict[str, str]) -> dict[str, Any]:
        return {"id": text(self._id), "rawId": text(self._id), "type": "public-key", "response": response}


def _said(kind: str, options: dict[str, Any]) -> bytes:
    return json.dumps({"type": kind, "challenge": options["challenge"], "origin": ORIGIN}).encode()


def text(data: bytes) -> str:
    """As WebAuthn writes bytes in JSON."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()
