"""The merchant's staff: who is one, in which role, and whether they signed the confidentiality agreement in force."""

import hashlib

from avow.errors import BadValue, UnknownWord
from avow.gate import Actor, Gate
from avow.policy.model import Protect

_AGREEMENT = "agreement"  # the note that holds the digest of the text in force


class Staff:
    """For one site. All changes go through here, so what it remembers is what the store holds."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._demanded = any(
            isinstance(clause, Protect) and "confidentiality-agreement" in clause.measures
            for promise in gate.policy.promises
            for clause in promise.clauses
        )
        self._agreement = ""
        self._roll: dict[str, tuple[str, str, bool] | None] = {}

    async def load(self) -> None:
        """Read the agreement in force; people are read as they are named."""
        async with self._gate.store.transaction() as tx:
            self._agreement = await tx.note(_AGREEMENT) or ""

    async def set_agreement(self, text: str) -> None:
        """Put a confidentiality agreement in force. Whoever signed another text is refused from now on."""
        if not text.strip():
            raise BadValue("the confidentiality agreement is empty")
        digest = hashlib.sha256(text.encode()).hexdigest()
        await self._gate.note("staff", lambda tx: tx.set_note(_AGREEMENT, digest))
        self._agreement = digest

    async def join(self, name: str, role: str, *, signs: str = "") -> None:
        """A member of staff in a role. `signs` is the text of the agreement that they sign, if they do."""
        if role not in self._gate.policy.roles:
            known = ", ".join(f"`{word}`" for word in self._gate.policy.roles) or "none"
            raise UnknownWord(f"the policy names no role `{role}`; it names {known}")
        await self._put(name, (role, hashlib.sha256(signs.encode()).hexdigest() if signs else "", True))

    async def leave(self, name: str) -> None:
        """They are staff no more. Effective when this returns."""
        role, signed, _ = await self._find(name) or ("", "", False)
        await self._put(name, (role, signed, False))

    async def actor(self, name: str, role: str) -> Actor:
        """This person acting in this role, with the standing that they have now.

        Somebody not on the roll has standing only where no promise asks for an agreement: there the caller vouches.
        """
        known = await self._find(name)
        if known is None:
            return Actor(role, f"staff:{name}", standing=not self._demanded)
        held, signed, active = known
        agreed = not self._demanded or (bool(self._agreement) and signed == self._agreement)
        return Actor(role, f"staff:{name}", standing=active and held == role and agreed)

    async def _find(self, name: str) -> tuple[str, str, bool] | None:
        if name not in self._roll:
            async with self._gate.store.transaction() as tx:
                self._roll[name] = await tx.staff(name)
        return self._roll[name]

    async def _put(self, name: str, what: tuple[str, str, bool]) -> None:
        await self._gate.note("staff", lambda tx: tx.put_staff(name, *what))
        self._roll[name] = what
