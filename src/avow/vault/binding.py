"""Where a sealed value belongs, as bytes that cannot be read two ways.

Pure. The bytes are the associated data of a message: whoever moves a ciphertext to another place, version or site
finds that it does not open. Format: docs/formats.md, 1.2.
"""

import struct
from functools import lru_cache
from typing import Final, NamedTuple

from avow.errors import CallError

ID: Final = 16  # bytes of a subject, row, event or key id
LABEL: Final = b"avow/1 message AES-256-GCM"
_VERSIONS = struct.Struct(">QH")


class Binding(NamedTuple):
    """The place of one sealed value.

    `subject` and `row` are 16 bytes. `type` says how the plaintext is written (text, json). `version` counts the
    changes of the value, from 0; `schema` is the version of the table's meaning. `category` may be empty.
    """

    site: str
    subject: bytes
    table: str
    row: bytes
    category: str
    type: str
    version: int
    kept_as: str
    schema: int = 1

    def encode(self) -> bytes:
        """The place as bytes: no two places have the same. Raises `CallError` for an id that is not 16 bytes long."""
        return place(*self)


def place(
    site: str, subject: bytes, table: str, row: bytes, category: str, type: str, version: int, kept_as: str,
    schema: int = 1,
) -> bytes:  # fmt: skip
    """`Binding(...).encode()` without the tuple in between."""
    if len(subject) != ID or len(row) != ID:
        raise CallError("a subject or row id has another length than 16 bytes; pass ids as the store gives them")
    words, versions = _around(site, table, category, type, kept_as, version, schema)
    return words + subject + row + versions


@lru_cache(4096)
def _around(
    site: str, table: str, category: str, type: str, kept_as: str, version: int, schema: int
) -> tuple[bytes, bytes]:
    """What stands before and after the ids, which many places share; cached, as this is on the way of every read."""
    words = fields(LABEL, site.encode(), table.encode(), category.encode(), type.encode(), kept_as.encode())
    return words, _VERSIONS.pack(version, schema)


def fields(*parts: bytes) -> bytes:
    """The parts one after the other, each behind its length as four bytes, highest first."""
    return b"".join([piece for part in parts for piece in (len(part).to_bytes(4, "big"), part)])
