"""Frames: four bytes of length, then a JSON object, read strictly; sealed once there are keys for it."""

import asyncio
import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

CALL: Final = 1 << 20  # bytes that a call may have
ANSWER: Final = 1 << 24  # bytes that an answer may have
DEPTH: Final = 16  # brackets within brackets
STALLED: Final = 30  # seconds: who does not take its answers meanwhile is hung up on
_LENGTH: Final = 4
_TOKENS: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)


class BadFrame(Exception):
    """What came is no frame; nothing that follows on this connection can be believed."""


class TooLong(Exception):
    """What is to be sent has more bytes than the other side takes."""


def encode(value: Any) -> bytes:
    """JSON in UTF-8. Raises `ValueError` for text that is no Unicode and `TypeError` for what is not plain."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_plain).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        return list(value)
    raise TypeError(f"a value of type {type(value).__name__} does not travel")


def decode(raw: bytes) -> dict[str, Any]:
    """The object in a frame. Raises `BadFrame` for what is not UTF-8, not JSON, no object, too deep, or ambiguous."""
    depth = 0
    for token in _TOKENS.finditer(raw):
        depth += {91: 1, 123: 1, 93: -1, 125: -1}.get(raw[token.start()], 0)
        if depth > DEPTH:
            raise BadFrame("too deep")
    try:
        value = json.loads(
            raw.decode(), object_pairs_hook=_once, parse_int=_int, parse_float=_float, parse_constant=_float
        )
        if b"\\u" in raw:
            encode(value)  # half a surrogate pair is no text
    except (ValueError, RecursionError):
        raise BadFrame("not JSON") from None
    if not isinstance(value, dict):
        raise BadFrame("no object")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key twice")
    return found


def _int(text: str) -> int:
    if len(text.lstrip("-")) > 19:
        raise ValueError("a number beyond 64 bits")
    return int(text)


def _float(text: str) -> float:
    if not math.isfinite(value := float(text)):
        raise ValueError("no number")
    return value


class Pipe:
    """The frames of one connection. `takes` and `sends` are the most bytes of a frame in and out."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, takes: int = CALL, sends: int = ANSWER
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._takes = takes
        self._sends = sends
        self._keys: tuple[AESGCM, AESGCM] | None = None  # for what comes in, for what goes out
        self._counts = [0, 0]

    def seal(self, incoming: bytes, outgoing: bytes) -> None:
        """From now on each frame is sealed: AES-256-GCM, its nonce the number of the frame in its direction."""
        self._keys = AESGCM(incoming), AESGCM(outgoing)

    def _nonce(self, way: int) -> bytes:
        self._counts[way] += 1
        return self._counts[way].to_bytes(12)

    async def read(self) -> dict[str, Any] | None:
        """The next frame, or None when the other side has hung up between two. Raises `BadFrame`."""
        try:
            head = await self._reader.readexactly(_LENGTH)
        except asyncio.IncompleteReadError as error:
            if error.partial:
                raise BadFrame("cut off") from None
            return None
        if (size := int.from_bytes(head)) > self._takes + 16:
            raise BadFrame("too long")
        try:
            raw = await self._reader.readexactly(size)
        except asyncio.IncompleteReadError:
            raise BadFrame("cut off") from None
        if self._keys:
            try:
                raw = self._keys[0].decrypt(self._nonce(0), raw, None)
            except InvalidTag:
                raise BadFrame("not sealed by the other side") from None
        return decode(raw)

    async def write(self, value: Mapping[str, Any]) -> None:
        """Send one frame. Raises as `encode`, `TooLong`, `OSError`, or `TimeoutError` when nobody takes it."""
        await self.send(encode(value))

    async def send(self, raw: bytes) -> None:
        """Send one frame that is encoded already."""
        if len(raw) > self._sends:
            raise TooLong
        if self._keys:
            raw = self._keys[1].encrypt(self._nonce(1), raw, None)
        self._writer.write(len(raw).to_bytes(_LENGTH) + raw)
        async with asyncio.timeout(STALLED):
            await self._writer.drain()

    def close(self) -> None:
        """Hang up."""
        self._writer.close()
