"""Passwords, by argon2id (RFC 9106; the library's own parameters), beside the event loop.

What a password may be follows ASVS 5.0, 6.2: long, any characters, nothing well known about it; no rules of composition.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from avow.desk.lanes import Lane
from avow.errors import BadValue

SHORTEST: Final = 12
LONGEST: Final = 128
AT_ONCE: Final = 2  # each takes 64 MiB for its time
WAITING: Final = 20  # some five seconds of work on two cores


class Passwords:
    """Hashes and verifies. `hasher` is another one only where tests must be quick.

    Customers and colleagues wait in lanes of their own: no crowd at the shop's door keeps the staff out.
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self.customers = Lane(AT_ONCE, WAITING)
        self.staff = Lane(1, WAITING)
        self._nobody = self._hasher.hash("of nobody at all")

    async def hash(self, password: str, lane: Lane) -> str:
        """What is kept of a password. Raises `BadValue` for one that is too easily guessed, or too long; `TooMany`."""
        if len(password) < SHORTEST:
            raise BadValue(f"a password has at least {SHORTEST} characters; four ordinary words are a good one")
        if len(password) > LONGEST:
            raise BadValue(f"a password has at most {LONGEST} characters")
        if len(set(password.casefold())) < 6:
            raise BadValue("this password repeats itself too much; four ordinary words are a good one")
        with lane.place():
            async with lane.turn:
                return await asyncio.to_thread(self._hasher.hash, password)

    async def fitting(self, kept: Sequence[str], password: str, lane: Lane, most: int) -> list[bool]:
        """Which of them it is, of the first `most`. Always `most` verifications, however many there are: how long it
        takes tells nothing of that. The caller holds a place in the lane.
        """
        tried = [*kept[:most], *[self._nobody] * (most - len(kept))]
        async with lane.turn:
            fits = await asyncio.to_thread(lambda: [self._verify(one, password[: LONGEST + 1]) for one in tried])
        return fits[: len(kept)]

    def _verify(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False
