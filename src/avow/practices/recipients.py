"""Whom data may go out to: each recipient's public key, and for a processor the password of its door.

That a recipient is on file permits nothing; the policy does. But without a key nothing goes out to anybody, and whoever
is taken off the list gets nothing from that moment on. Who is on it stands in the journal, too, under pseudonyms: no restored
backup and no older row brings back who was taken off.
"""

import asyncio
import json
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from avow.errors import CallError
from avow.gate import Entry, Gate, Journal
from avow.practices.accounts import Accounts
from avow.practices.agreeing import recipient_of
from avow.practices.words import quoted
from avow.vault.package import Jwk, public_key

KIND: Final = "recipient"  # of a credential, and of the entry of the journal


class Known(NamedTuple):
    """A recipient on file. `password`: what is kept of it, "" where there is no door. `id`: put on file anew, it is
    another one.
    """

    name: str
    key: Jwk
    password: str
    since: int
    id: str


class Recipients:
    """For one site."""

    def __init__(self, gate: Gate, journal: Journal, accounts: Accounts) -> None:
        self._policy = gate.policy
        self._pseudonym = gate.pseudonym
        self._random = gate.random
        self._journal = journal
        self._accounts = accounts
        self._roll: dict[str, str] = {}  # by pseudonym: the id of who is on file, "none" of who was taken off
        self._changing = asyncio.Lock()  # of two who put the same name on file, one comes after

    def load(self, entries: Iterable[Entry]) -> None:
        """Take up from the journal who is on file."""
        for entry in entries:
            if entry.kind == KIND:
                self._roll[str(entry.fields["owner"])] = str(entry.fields["row"])

    async def add(self, name: str, key: Jwk, password: str = "") -> None:
        """Put a recipient on file: one that the policy declares, or `kind:name`. Raises `UnknownWord`, `CallError`."""
        recipient_of(self._policy, name)
        public = public_key(key)
        async with self._changing:
            if await self.known(name) is not None:
                raise CallError(f"the recipient {quoted(name)} is on file; remove it first")
            id_ = self._random(16).hex()
            told = {"name": name, "key": public, "password": password, "id": id_}
            await self._accounts.give_staff(self._owner(name), KIND, json.dumps(told, sort_keys=True).encode())
            self._stands(name, id_)  # last: whoever dies in between has put nobody on file

    async def remove(self, name: str) -> bool:
        """Nothing goes out to it any more; whether it was on file. Effective when this returns."""
        async with self._changing:
            known = await self.known(name)
            if known is not None:
                self._stands(name, "none")  # first: whoever dies in between has taken it off
            await self._accounts.take_staff(self._owner(name), KIND)
            return known is not None

    async def known(self, name: str) -> Known | None:
        """Who is on file under this name."""
        found = await self._accounts.of_staff(self._owner(name), KIND)
        if not found:
            return None
        told: dict[str, Any] = json.loads(found[-1].told)
        known = Known(told["name"], told["key"], told["password"], found[-1].since, told["id"])
        return known if self.stands(known) else None

    def stands(self, known: Known) -> bool:
        """Whether who was on file a moment ago still is."""
        return self._roll.get(self._owner(known.name).hex()) == known.id

    def _stands(self, name: str, row: str) -> None:
        self._journal.append(KIND, {"owner": self._owner(name).hex(), "row": row})
        self._roll[self._owner(name).hex()] = row

    def _owner(self, name: str) -> bytes:
        return self._pseudonym(f"recipient {name}")
