"""Passwords, by argon2id (RFC 9106; the library's own parameters), beside the event loop.

What a password may be follows ASVS 5.0, 6.2: long, any characters, nothing well known about it; no rules of composition.
"""

import asyncio
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from avow.errors import BadValue

SHORTEST: Final = 12
LONGEST: Final = 128
AT_ONCE: Final = 2  # each takes 64 MiB for its time


class Passwords:
    """Hashes and verifies. `hasher` is another one only where tests must be quick."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._nobody = self._hasher.hash("of nobody at all")

    async def hash(self, password: str) -> str:
        """What is kept of a password. Raises `BadValue` for one that is too easily guessed, or too long."""
        if len(password) < SHORTEST:
            raise BadValue(f"a password has at least {SHORTEST} characters; four ordinary words are a good one")
        if len(password) > LONGEST:
            raise BadValue(f"a password has at most {LONGEST} characters")
        if len(set(password.casefold())) < 6:
            raise BadValue("this password repeats itself too much; four ordinary words are a good one")
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def fits(self, kept: str | None, password: str) -> bool:
        """Whether it is the one. Without anything kept it takes as long, and is no."""
        async with self._turn:
            fits = await asyncio.to_thread(self._verify, kept or self._nobody, password[: LONGEST + 1])
        return fits and kept is not None

    def _verify(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False
