"""The operational log: which addresses came, to find what is wrong with the server; where the policy allows one.

An entry is an address and one of four words, in a batch of whole hours with at least K addresses, in the order of the
addresses. Batches are sealed under a key of their day, in a file apart from them, which is overwritten when the day's
last entry is due; from the millisecond it is due an entry is not shown, and it is erased with the next `settle`.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from avow.errors import Tampered
from avow.store import disk
from avow.store.visits import DAY, HOUR, Addresses
from avow.visits.merging import K

MANY: Final = 600  # requests in an hour that nobody makes by hand
MOST: Final = 50_000  # addresses in memory; a flood from more is not noted
WORDS: Final = ("came", "many requests", "met errors", "many requests, met errors")  # by the two bits below
_MANY, _ERRORS = 1, 2
_KEY: Final = re.compile(r"(\d{4}-\d\d-\d\d)\.key")
_NONCE: Final = 12
_ENTRY: Final = 17  # bytes: an address of either kind, and a word's number
_MAPPED: Final = bytes(10) + b"\xff\xff"  # IPv4 in IPv6 (RFC 4291, 2.5.5.2), so that no length tells one from the other


class Entry(NamedTuple):
    """An address that came within `hours` hours from `since` (ms), and what it met: one of `WORDS`."""

    since: int
    hours: int
    address: str
    word: str


class Log:
    """For one site, in the process of its web application. `kept`: ms; `keys`: the folder of the days' keys."""

    def __init__(self, store: Addresses, keys: Path, kept: int, random: Callable[[int], bytes]) -> None:
        keys.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.store = store
        self._keys = keys
        self._kept = kept
        self._random = random
        self._now: dict[int, dict[bytes, tuple[int, int]]] = {}  # hour -> address -> requests, bits
        self._upto = 0

    def note(self, now: int, address: str, status: int) -> None:
        """A request from there was answered so."""
        try:
            found = ip_address(address)
        except ValueError:
            return
        packed = (getattr(found, "ipv4_mapped", None) or found).packed
        hour = self._now.setdefault(now // HOUR * HOUR, {})
        if packed in hour or len(hour) < MOST:
            requests, bits = hour.get(packed, (0, 0))
            bits |= (_ERRORS if status >= 500 else 0) | (_MANY if requests >= MANY else 0)
            hour[packed] = requests + 1, bits

    def settle(self, now: int) -> None:
        """Write the hours that are over, and erase what is due. At half past, as `Visits.settle`."""
        self.erase(now)
        upto = (now - HOUR // 2) // HOUR * HOUR
        if upto != self._upto:  # less, where a clock that was ahead is set back
            self._write([hour for hour in sorted(self._now) if hour < upto])
            self._upto = upto

    def close(self) -> None:
        """Write what is enough, forget the rest."""
        self._write(sorted(self._now))
        self._now.clear()
        self.store.close()

    def erase(self, now: int) -> None:
        """What is due: batches overwritten, and keys with the last entry that they seal. What is of a time to come, by a
        clock that was ahead, is erased too: nobody knows when it would be due.
        """
        self.store.erase(now - self._kept, now)
        for path in self._keys.iterdir():
            found = _KEY.fullmatch(path.name)
            if found and not now - self._kept - DAY <= _midnight(found[1]) <= now:
                disk.shred(path)
        for hour in [hour for hour in self._now if not now - self._kept <= hour <= now]:
            del self._now[hour]

    def entries(self, now: int) -> list[Entry]:
        """What is in time, newest first. A batch whose key is gone is not among it."""
        return [
            entry for since, hours, sealed in self.store.entries(now - self._kept)
            for entry in self._opened(since, hours, sealed)
        ][::-1]  # fmt: skip

    def _write(self, hours: list[int]) -> None:
        batch: dict[bytes, int] = {}
        waiting: list[int] = []
        for hour in hours:
            waiting.append(hour)
            for packed, (_, bits) in self._now[hour].items():
                batch[packed] = batch.get(packed, 0) | bits
            if len({one if len(one) == 4 else one[:8] for one in batch}) >= K:  # one connection has 64 bits of IPv6
                self._seal(waiting[0], (hour + HOUR - waiting[0]) // HOUR, batch)
                for done in waiting:
                    del self._now[done]
                batch, waiting = {}, []

    def _seal(self, since: int, hours: int, batch: dict[bytes, int]) -> None:
        entries = sorted(
            (packed if len(packed) == 16 else _MAPPED + packed) + bytes([bits]) for packed, bits in batch.items()
        )
        path = self._path(since)
        if not path.exists():
            disk.create(path, self._random(32))
        nonce = self._random(_NONCE)
        sealed = AESGCM(path.read_bytes()).encrypt(nonce, b"".join(entries), _bound(since, hours))
        self.store.add(since, hours, nonce + sealed)

    def _opened(self, since: int, hours: int, sealed: bytes) -> list[Entry]:
        try:
            key = AESGCM(self._path(since).read_bytes())
            told = key.decrypt(sealed[:_NONCE], sealed[_NONCE:], _bound(since, hours))
        except FileNotFoundError:
            return []
        except (InvalidTag, ValueError):
            raise Tampered("a batch of the operational log does not open where it stands; remove the log") from None
        parts = [told[at : at + _ENTRY] for at in range(0, len(told), _ENTRY)]
        return [Entry(since, hours, _address(part[:16]), WORDS[part[16]]) for part in parts]

    def _path(self, since: int) -> Path:
        """Where the key of that day is."""
        return self._keys / f"{datetime.fromtimestamp(since / 1000, UTC):%Y-%m-%d}.key"


def _address(packed: bytes) -> str:
    return str(ip_address(packed[12:] if packed.startswith(_MAPPED) else packed))


def _bound(since: int, hours: int) -> bytes:
    """What a batch is bound to: moved to another hour, it does not open."""
    return b"avow operational log 1\0" + since.to_bytes(8) + hours.to_bytes(4)


def _midnight(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() * 1000)
