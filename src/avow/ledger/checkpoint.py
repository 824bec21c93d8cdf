"""Signed checkpoints: C2SP signed-note, tlog-checkpoint and tlog-cosignature (Ed25519 only).

A checkpoint is the log's promise: "at this size the root was this". Reading is strict; what cannot be read exactly is
refused. Extension lines are read and kept but never written: nobody can audit them. Pure: who cosigns says the time.
"""

import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Sequence
from hashlib import sha256
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from avow.ledger.faults import Malformed, Unproved

NOTE: Final = 0x01  # signature type: Ed25519 over the note's text
COSIGNATURE: Final = 0x04  # signature type: Ed25519 by a witness, with the time in seconds
MAX_NOTE: Final = 65_536  # characters; a checkpoint with 16 signatures takes about 2,500
_DASH: Final = "\N{EM DASH} "
_KEY: Final = re.compile(r"([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)")
_SIGNATURE: Final = re.compile(r"\N{EM DASH} ([^\s+]+) ([A-Za-z0-9+/]+=*)")
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")


class Key(NamedTuple):
    """A key that signatures are checked with. `id` is 4 bytes, a hint and no proof; `public` is 32 bytes."""

    name: str
    id: bytes
    type: int
    public: bytes

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{b64encode(bytes((self.type,)) + self.public).decode()}"


class Signer:
    """One who signs notes: the log itself, or (type `COSIGNATURE`) a witness. Made from the 32-byte Ed25519 seed."""

    def __init__(self, name: str, seed: bytes, type_: int = NOTE) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.key = key(name, self._private.public_key().public_bytes_raw(), type_)

    def sign(self, text: str, seconds: int = 0) -> str:
        """The signature's line over a note's text. A witness says when, in seconds since 1970-01-01 UTC."""
        stamp = seconds.to_bytes(8, "big") if self.key.type == COSIGNATURE else b""
        signature = self.key.id + stamp + self._private.sign(_message(self.key, text, stamp))
        return f"{_DASH}{self.key.name} {b64encode(signature).decode()}\n"


class Signature(NamedTuple):
    """A signature that was verified. `seconds` is the time that a witness gave; 0 in others."""

    key: Key
    seconds: int


class Checkpoint(NamedTuple):
    """The log `origin` has `size` entries, and `root` is the root of its tree."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def text(self) -> str:
        """The note's text, which is what gets signed."""
        lines = (self.origin, str(self.size), b64encode(self.root).decode(), *self.extensions)
        return "\n".join(lines) + "\n"


def key(name: str, public: bytes, type_: int = NOTE) -> Key:
    """A verifier key. Raises `Malformed` for a name with a space or plus, a key not of 32 bytes, an unknown type."""
    if not re.fullmatch(r"[^\s+]+", name) or _CONTROL.search(name):
        raise Malformed("the name of a key is not empty and has neither space nor plus")
    if len(public) != 32 or type_ not in {NOTE, COSIGNATURE}:
        raise Malformed("only Ed25519 keys of 32 bytes are known, of type 1 (a log's) or 4 (a witness's)")
    return Key(name, sha256(name.encode() + b"\n" + bytes((type_,)) + public).digest()[:4], type_, public)


def read_key(text: str) -> Key:
    """A verifier key from its line `name+id+base64`. Raises `Malformed`, also when the id is not the key's own."""
    parts = _KEY.fullmatch(text)
    material = unbase64(parts[3]) if parts else b""
    if not parts or not material:
        raise Malformed("a verifier key reads `name+id+key`: the id 8 hex digits, the key in base64")
    made = key(parts[1], material[1:], material[0])
    if made.id.hex() != parts[2]:
        raise Malformed(f"the id `{parts[2]}` is not that of the verifier key it stands in; copy the line again")
    return made


def open_note(note: str, keys: Sequence[Key]) -> tuple[str, tuple[Signature, ...]]:
    """The text of a signed note and those of its signatures that these keys made.

    Signatures of unknown keys are passed over. Raises `Malformed` for what is no signed note, and `Unproved` when a
    signature that claims one of the keys does not verify, or none of the keys signed at all.
    """
    text, lines = _parts(note)
    known = {(one.name, one.id): one for one in keys}
    found: dict[Key, Signature] = {}
    for line in lines:
        name, data = _signature(line)
        by = known.get((name, data[:4]))
        if by is not None:
            found.setdefault(by, _verified(by, text, data[4:]))
    if not found:
        raise Unproved("no signature of a trusted key is on the note")
    return text, tuple(found.values())


def sign(checkpoint: Checkpoint, signer: Signer) -> str:
    """The checkpoint as a signed note."""
    text = checkpoint.text()
    return f"{text}\n{signer.sign(text)}"


def read(note: str, by: Key) -> Checkpoint:
    """The checkpoint that this log's key signed. Raises `Malformed` or `Unproved`.

    The origin is not compared with the key's name: a caller who expects one origin checks it.
    """
    text, _ = open_note(note, (by,))
    return parse(text)


def parse(text: str) -> Checkpoint:
    """The checkpoint in a note's text; says nothing about who signed it. Raises `Malformed`."""
    if not text.endswith("\n"):
        raise Malformed("the text of a checkpoint ends with a newline")
    lines = text[:-1].split("\n")
    if len(lines) < 3 or not all(lines):
        raise Malformed("a checkpoint has three lines or more (origin, size, root), none of them empty")
    if not _SIZE.fullmatch(lines[1]):
        raise Malformed("the second line of a checkpoint is the size: decimal digits without leading zeros")
    root = unbase64(lines[2])
    if len(root) != 32:
        raise Malformed("the third line of a checkpoint is the root: 32 bytes in base64")
    return Checkpoint(lines[0], int(lines[1]), root, tuple(lines[3:]))


def _parts(note: str) -> tuple[str, list[str]]:
    """The text with its last newline, and the signature lines. The last empty line parts them."""
    if len(note) > MAX_NOTE or not note.endswith("\n") or _CONTROL.search(note):
        raise Malformed(f"a signed note ends with a newline, has no control characters, and at most {MAX_NOTE} others")
    text, parted, signatures = note[:-1].rpartition("\n\n")
    if not parted or not signatures:
        raise Malformed("a signed note has an empty line between its text and its signatures")
    return text + "\n", signatures.split("\n")


def _signature(line: str) -> tuple[str, bytes]:
    parts = _SIGNATURE.fullmatch(line)
    data = unbase64(parts[2]) if parts else b""
    if not parts or len(data) <= 4:
        raise Malformed("a signature line reads `\N{EM DASH} name base64`")
    return parts[1], data


def _verified(by: Key, text: str, data: bytes) -> Signature:
    stamp, signature = (data[:8], data[8:]) if by.type == COSIGNATURE else (b"", data)
    try:
        Ed25519PublicKey.from_public_bytes(by.public).verify(signature, _message(by, text, stamp))
    except (InvalidSignature, ValueError):
        raise Unproved(f"the signature of `{by.name}` does not verify") from None
    return Signature(by, int.from_bytes(stamp, "big"))


def _message(by: Key, text: str, stamp: bytes) -> bytes:
    if by.type != COSIGNATURE:
        return text.encode()
    return f"cosignature/v1\ntime {int.from_bytes(stamp, 'big')}\n{text}".encode()


def unbase64(text: str) -> bytes:
    """Strict: the one canonical spelling only. Empty when it is not."""
    try:
        data = b64decode(text, validate=True)
    except NotBase64:
        return b""
    return data if b64encode(data).decode() == text else b""
