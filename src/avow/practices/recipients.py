"""Whom data may go out to: each recipient's public key, and for a processor the password of its door.

That a recipient is on file permits nothing; the policy does. But without a key nothing goes out to anybody, and whoever
is taken off the list gets nothing from that moment on.
"""

import json
from typing import Any, Final, NamedTuple

from avow.errors import CallError
from avow.gate import Gate
from avow.practices.accounts import Accounts
from avow.practices.agreeing import recipient_of
from avow.practices.words import quoted
from avow.vault.package import Jwk, public_key

KIND: Final = "recipient"  # of a credential


class Known(NamedTuple):
    """A recipient on file. `password`: what is kept of it, "" where there is no door."""

    name: str
    key: Jwk
    password: str
    since: int


class Recipients:
    """For one site."""

    def __init__(self, gate: Gate, accounts: Accounts) -> None:
        self._policy = gate.policy
        self._pseudonym = gate.pseudonym
        self._accounts = accounts

    async def add(self, name: str, key: Jwk, password: str = "") -> None:
        """Put a recipient on file: one that the policy declares, or `kind:name`. Raises `UnknownWord`, `CallError`."""
        recipient_of(self._policy, name)
        if await self.known(name) is not None:
            raise CallError(f"the recipient {quoted(name)} is on file; remove it first")
        told = {"name": name, "key": public_key(key), "password": password}
        await self._accounts.give_staff(self._owner(name), KIND, json.dumps(told, sort_keys=True).encode())

    async def remove(self, name: str) -> bool:
        """Nothing goes out to it any more; whether it was on file. Effective when this returns."""
        return await self._accounts.take_staff(self._owner(name), KIND)

    async def known(self, name: str) -> Known | None:
        """Who is on file under this name."""
        found = await self._accounts.of_staff(self._owner(name), KIND)
        if not found:
            return None
        told: dict[str, Any] = json.loads(found[-1].told)
        return Known(told["name"], told["key"], told["password"], found[-1].since)

    def _owner(self, name: str) -> bytes:
        return self._pseudonym(f"recipient {name}")
