"""What the store holds of a person beside the sealed values: their keys, their standing, and how rows are named.

Pure. Formats: docs/formats.md, 4.1, 4.2, 4.3 and 4.5.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Final

from avow.errors import Tampered
from avow.policy.retention import ORDINARY, RECORD
from avow.store.interface import Consent, Datum, ServiceRequest, Subject
from avow.store.terms import moment
from avow.vault.binding import fields, place
from avow.vault.keys import SubjectKey

MARK: Final = 32  # hexadecimal digits of the mark before a facts line
STANDING: Final = bytes(16)  # what a person's own row is called in the record
_START: Final = len(ORDINARY) + 1

# -- keys: `class:hex`, the ordinary one first, separated by spaces ---------------------------------------------------


def pack(keys: Mapping[str, bytes]) -> str:
    """The keys of a person as the store holds them."""
    names = sorted(keys, key=lambda name: (name != ORDINARY, name))
    return " ".join([f"{name}:{keys[name].hex()}" for name in names])


def unpack(line: str) -> dict[str, bytes]:
    """The reverse of `pack`."""
    return {name: bytes.fromhex(key) for name, _, key in (part.partition(":") for part in line.split())}


def ordinary(row: Subject) -> bytes:
    """The id of the key that seals a person's own traces; every living person has one."""
    try:
        key = bytes.fromhex(row.keys[_START : _START + 32]) if row.keys.startswith(ORDINARY) else b""
    except ValueError:
        key = b""
    if len(key) != 16:
        raise Tampered("a person's row names no key; the database was changed outside: restore it")
    return key


def outlives(kept_as: str) -> bool:
    """Whether a retention class outlives the person's erasure."""
    return kept_as == RECORD


# -- standing: the facts line, behind a mark that only the person's key can make --------------------------------------


def marked(site: str, row: Subject, key: SubjectKey) -> Subject:
    """The row as it is stored: its facts line behind the mark."""
    return row._replace(facts=f"{_mark(site, row, row.facts, key)} {row.facts}")


def believed(site: str, row: Subject, key: SubjectKey) -> str:
    """The facts line of a stored row. Raises `Tampered` when line, keys or version are not as they were written."""
    mark, line = row.facts[: MARK + 1], row.facts[MARK + 1 :]  # the mark with the space behind it
    if not hmac.compare_digest(mark.encode(), f"{_mark(site, row, line, key)} ".encode()):
        raise Tampered("what a person agreed to and asked for was changed outside; restore the database")
    return line


def _mark(site: str, row: Subject, line: str, key: SubjectKey) -> str:
    told = fields(b"avow/1 standing", site.encode(), row.subject, row.keys.encode(), line.encode())
    return hmac.digest(key.ledger_key, told + row.version.to_bytes(8, "big"), "sha256")[: MARK // 2].hex()


# -- where values belong, and how the record names rows -------------------------------------------------------------------


def bound(site: str, table: str, datum: Datum) -> bytes:
    """What a value is bound to: its place, and the terms it came under. Changed terms open nothing."""
    subject, row, category, kept_as, version, terms, _ = datum
    return place(site, subject, table, row, category, "text", version, kept_as) + terms


def words_of(consent: Consent) -> Datum:
    """Where the words of a consent are sealed: a place like a datum's, with what it is about for its category, and the
    version and moment it was given under for its terms.
    """
    terms = consent.policy + moment(consent.given)
    return Datum(consent.subject, consent.row, consent.about, ORDINARY, 1, terms, consent.sealed)


def anchor(row: bytes, version: int | str) -> str:
    """How the record names what an act wrote: enough to tell a person's rows apart. Version 0: it went."""
    return f"{row[:4].hex()}:{version}"


def anchored(row: Consent | ServiceRequest) -> str:
    """The same for rows that count no versions: in its place stands a digest of what they say."""
    about, first, last = row[2:5]
    told = f"{about} {first} {last}" + (f" {row.policy.hex()}" if isinstance(row, Consent) else "")
    return anchor(row.row, hashlib.sha256(told.encode()).hexdigest()[:16])
