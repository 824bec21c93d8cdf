"""Receipts: leave to add to what one has submitted, sealed so that nothing need be remembered of them.

Sealed (`avow.desk.sealing`): subject (16), service request (16, or zeros), moment (8), the click (16, or zeros) where an
affiliate's link led to the request. All are of one length: who keeps them does not see which orders came by a link.
"""

from typing import Final, NamedTuple

from avow.desk.interface import RECEIPT
from avow.desk.sealing import Seal
from avow.errors import Denied

NONE: Final = bytes(16)


class Receipt(NamedTuple):
    """Whose, for which service request, since when (ms), and by which click they came."""

    who: str
    request: str | None
    since: int
    click: bytes | None = None


class Receipts:
    """For one site; `key` is 32 bytes that nobody else has."""

    def __init__(self, key: bytes, site: str) -> None:
        self._seal = Seal(key, "receipt", site)

    def make(self, who: str, request: str | None, now: int, nonce: bytes, click: bytes | None = None) -> str:
        """A receipt. `nonce`: 12 bytes of chance."""
        row = NONE if request is None else bytes.fromhex(request)
        return self._seal.make(bytes.fromhex(who) + row + now.to_bytes(8, "big") + (click or NONE), nonce)

    def read(self, receipt: str, now: int, within: int = RECEIPT) -> Receipt:
        """What it says. Raises `Denied` for what is none of this site, or too old."""
        plain = self._seal.read(receipt)
        since = int.from_bytes(plain[32:40], "big")
        if len(plain) not in (40, 56) or not since <= now <= since + within:
            raise Denied
        row, click = plain[16:32], plain[40:]
        known = click if click not in (b"", NONE) else None  # without: as receipts were before
        return Receipt(plain[:16].hex(), None if row == NONE else row.hex(), since, known)
