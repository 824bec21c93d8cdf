"""What is kept of data that went out, and of cases: rows of the class that outlives an erasure, sealed under the person.

Pure. To the store and the record such a row is a datum like any other: it opens where it stands alone, every change of
it is anchored, and `inspect` finds one that was altered or removed. Its category is a word that no policy can have.
A case under an order not to tell is hidden from the person until that order ends, and so is what went out by it.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

from avow.errors import Tampered
from avow.policy.retention import RECORD
from avow.rows import anchor
from avow.store.interface import Datum
from avow.store.terms import Terms

DISCLOSURE: Final = "avow:disclosure"
CASE: Final = "avow:case"
OWN: Final = (DISCLOSURE, CASE)
REVOKED: Final = "revoked"  # the fact token of an instruction that ended before its time


class Disclosure(NamedTuple):
    """Data of one person that went out to one recipient. Moments in ms. `until`: when the recipient's leave ends."""

    id: bytes
    at: int
    way: str  # share or sell
    recipient: str
    purpose: str
    categories: tuple[str, ...]
    promises: tuple[str, ...]
    role: str
    request: str = ""
    case: str = ""
    until: int | None = None
    instruction: str = ""  # by which a processor came for it


class Case(NamedTuple):
    """A demand of an authority, or of a firm against fraud, for data of one person.

    `ground`: why it may be answered. `quiet`: until when (ms) the person must not be told, None where they may be.
    `state`: proposed (by one colleague), open (a second one agreed), used, or closed. A case serves one disclosure.
    """

    id: bytes
    recipient: str
    purpose: str
    ground: str
    reference: str
    categories: tuple[str, ...]
    at: int
    until: int
    quiet: int | None
    opener: str
    approver: str = ""
    state: str = "proposed"

    def hidden(self, at: int) -> bool:
        """Whether the person must not learn of it at this moment."""
        return self.quiet is not None and at < self.quiet


def own(datum: Datum) -> bool:
    """Whether a row is one of these, and nothing that a form took in."""
    return datum.category in OWN


def place(subject: bytes, category: str, row: bytes, policy: bytes, at: int, version: int = 1) -> Datum:
    """Where such a row belongs, with nothing sealed in it yet."""
    terms = Terms(policy, at, None, "", "", "avow").encode()
    return Datum(subject, row, category, RECORD, version, terms, b"")


def written(told: Disclosure | Case) -> str:
    """A disclosure or case as it is sealed; its id is its row's."""
    return json.dumps({name: value for name, value in told._asdict().items() if name != "id"}, sort_keys=True)


def disclosures(held: Iterable[Datum], read: Callable[[Datum], str]) -> list[Disclosure]:
    """Those among the data of a person, oldest first. Raises what `read` raises."""
    return [Disclosure(**_told(one, read)) for one in held if one.category == DISCLOSURE]


def cases(held: Iterable[Datum], read: Callable[[Datum], str]) -> list[tuple[Datum, Case]]:
    """Each case with the row it stands in, oldest first."""
    return [(one, Case(**_told(one, read))) for one in held if one.category == CASE]


class Unseen:
    """What a person must not be told of at this moment: of which disclosures, and of which events. By the rows of a case
    that wrote them; an event that wrote none, by its recipient from the case's moment on.
    """

    def __init__(self, held: Sequence[Datum], read: Callable[[Datum], str], at: int) -> None:
        known, told = [one for _, one in cases(held, read)], disclosures(held, read)
        quiet = [one for one in known if one.hidden(at)]
        secret = {one.id.hex() for one in quiet}
        self._secret = {_row(bytes.fromhex(one)) for one in secret} | {
            _row(one.id) for one in told if one.case in secret
        }
        self._cases = secret
        self._known = {_row(one.id) for one in known} | {_row(one.id) for one in told}
        self._quiet = [(one.recipient, one.recipient.partition(":")[0], one.at) for one in quiet]

    def disclosure(self, one: Disclosure) -> bool:
        """Whether it went out by such a case."""
        return one.case in self._cases

    def event(self, recipient: str | None, when: int, changed: str) -> bool:
        """Whether an event is one of such a case, or may be. `changed`: what it wrote, as the record has it."""
        rows = {token.partition(":")[0] for token in changed.split()}
        if rows & self._known:
            return bool(rows & self._secret)
        return any(recipient in (name, kind) and when >= since for name, kind, since in self._quiet)


def _row(row: bytes) -> str:
    return anchor(row, 0).partition(":")[0]


def _told(datum: Datum, read: Callable[[Datum], str]) -> dict[str, Any]:
    try:
        told: dict[str, Any] = json.loads(read(datum))
    except ValueError:
        raise Tampered("a row about a disclosure says nothing; put the data back from a backup") from None
    told["categories"] = tuple(told["categories"])
    if "promises" in told:
        told["promises"] = tuple(told["promises"])
    return told | {"id": datum.row}
