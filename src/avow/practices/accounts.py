"""What proves who somebody is: kept sealed, for people under their own key, for colleagues under one of the site's."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from avow.decide.facts import Circumstances
from avow.decide.request import Allow, Request
from avow.errors import KeyGone, Tampered
from avow.gate import Act, Actor, Gate
from avow.policy.model import PERSON, RIGHTS_PURPOSE
from avow.policy.retention import ORDINARY
from avow.rows import bound
from avow.store.interface import Credential, Datum, Transaction
from avow.store.terms import moment
from avow.vault import envelope
from avow.vault.keys import SubjectKey

_THEMSELF: Final = Actor(PERSON, "person", identified=True)
SITES: Final = b"avow credentials"  # what the site's key for credentials is called in a message; no secret


class Proof(NamedTuple):
    """A credential, opened. `row` tells several of one kind apart; `told` is what whoever made it wrote."""

    row: bytes
    since: int
    told: bytes


class Accounts:
    """For one site. Knows nothing of passwords or passkeys: they are bytes here."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    # -- people: what is theirs goes with them -------------------------------------------------------------------

    async def give(
        self, subject: bytes, kind: str, told: bytes, *, row: bytes = bytes(16), first: bool = False
    ) -> bool:
        """Keep this for a person; it is on their record. `first`: only where there is none of the kind yet; whether it
        was kept. Raises `Refused` when nobody is held.
        """

        async def apply(act: Act) -> bool:
            if first and await act.tx.credentials(subject, kind):
                return False
            unsealed = Credential(subject, kind, row, act.at, b"")
            place = _place(unsealed)
            sealed = self._gate.seal(act.key(ORDINARY), "credential", place, told)
            await act.tx.put_credential(unsealed._replace(sealed=sealed))
            return True

        ask = Request("correct", PERSON, RIGHTS_PURPOSE, ())
        return await self._gate.change(
            subject, ask, _THEMSELF, Circumstances(identified=True), apply, rule=Allow(()), kind="credential"
        )

    async def drop(self, subject: bytes, kind: str) -> None:
        """What a person has of this kind proves nothing any more. Raises `Refused` when nobody is held."""

        async def apply(act: Act) -> None:
            for one in await act.tx.credentials(subject, kind):
                await act.tx.drop_credential(subject, kind, one.row)

        ask = Request("correct", PERSON, RIGHTS_PURPOSE, ())
        await self._gate.change(
            subject, ask, _THEMSELF, Circumstances(identified=True), apply, rule=Allow(()), kind="credential"
        )

    async def of(self, subject: bytes, kind: str) -> list[Proof]:
        """What a person has of this kind, oldest first; nothing for who is not held."""
        return (await self.of_each((subject,), kind))[0]

    async def of_each(self, subjects: Sequence[bytes], kind: str) -> list[list[Proof]]:
        """As `of`, for several people in one transaction."""
        out: list[list[Proof]] = []
        async with self._gate.store.transaction() as tx:
            at = self._gate.now()
            for subject, row in zip(subjects, await tx.subjects(subjects), strict=True):
                kept = [] if row is None or row.state == "erased" else await tx.credentials(subject, kind)
                try:
                    out.append([Proof(one.row, one.since, self._open(one, at)) for one in kept])
                except (Tampered, KeyGone):  # what does not open proves nothing
                    out.append([])
        return out

    def _open(self, kept: Credential, at: int) -> bytes:
        return self._gate.open(_place(kept), at, table="credential").encode()

    # -- colleagues and invitations: under 16 bytes that stand for them ------------------------------------------------

    async def give_staff(self, owner: bytes, kind: str, told: bytes, *, row: bytes = bytes(16)) -> None:
        """Keep this for a colleague or an invitation."""

        async def apply(tx: Transaction) -> None:
            await self._write(tx, owner, kind, row, told)

        await self._gate.note("credential", apply)

    async def _write(self, tx: Transaction, owner: bytes, kind: str, row: bytes, told: bytes) -> None:
        unsealed = Credential(owner, kind, row, self._gate.now(), b"")
        sealed = envelope.seal(self._key(), told, self._bound(unsealed), self._gate.random(12))
        await tx.put_credential(unsealed._replace(sealed=sealed))

    async def of_staff(self, owner: bytes, kind: str) -> list[Proof]:
        """What a colleague has of this kind, oldest first."""
        async with self._gate.store.transaction() as tx:
            kept = await tx.credentials(owner, kind)
        out = []
        for one in kept:
            try:
                out.append(Proof(one.row, one.since, envelope.open_(self._key(), one.sealed, self._bound(one))))
            except Tampered:  # what does not open proves nothing
                continue
        return out

    async def take_staff(self, owner: bytes, kind: str, row: bytes = bytes(16)) -> bool:
        """Remove one; whether it was there: of two that ask at once, one is told True."""
        found: list[bool] = []

        async def apply(tx: Transaction) -> None:
            found.append(await tx.drop_credential(owner, kind, row))

        await self._gate.note("credential", apply)
        return found[0]

    def _key(self) -> SubjectKey:
        return SubjectKey(SITES, self._gate.keys.site_key("credentials"))

    def _bound(self, kept: Credential) -> bytes:
        return bound(self._gate.store.site, "credential", _place(kept))


def _place(kept: Credential) -> Datum:
    """Where a credential is sealed: a place like a datum's, with its kind for the category and its moment for terms."""
    return Datum(kept.owner, kept.row, kept.kind, ORDINARY, 1, moment(kept.since), kept.sealed)
