"""The merchant's staff: who is one, in which role, and whether they signed the confidentiality agreement in force.

The roll stands in the journal, under pseudonyms: no restored backup brings back who has left or an agreement that was
replaced, and nobody writes themselves into it behind the gate.
"""

import hashlib
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from avow.errors import BadValue, UnknownWord
from avow.gate import Actor, Gate, Journal
from avow.policy.model import Protect
from avow.store.interface import Transaction

_STAFF = "staff:"  # begins the name of a colleague who acts


@dataclass(frozen=True, slots=True)
class Member:
    """What is known of a member of staff; `signed` is the digest of the agreement, or ""."""

    role: str
    signed: str
    active: bool


class Staff:
    """For one site."""

    def __init__(self, gate: Gate, journal: Journal) -> None:
        self._gate = gate
        gate.stands = self._stands
        self._journal = journal
        self._agreement = ""
        self._roll: dict[str, Member] = {}  # by pseudonym
        self.actor = lru_cache(1024)(self._actor)  # forgotten whenever the roll or the agreement changes
        self._demanded = any(
            "confidentiality-agreement" in clause.measures for _, clause in gate.policy.clauses(Protect)
        )

    def load(self) -> None:
        """Take the roll up from the journal."""
        for entry in self._journal.entries():
            told = entry.fields
            if entry.kind == "agreement":
                self._agreement = str(told["text"])
            elif entry.kind == "staff":
                signed = str(told["signed"]).replace("none", "")
                self._roll[str(told["member"])] = Member(str(told["role"]), signed, bool(told["active"]))
        self.actor.cache_clear()

    async def set_agreement(self, text: str) -> None:
        """Put a confidentiality agreement in force. Whoever signed another text is refused from now on."""
        if not text.strip():
            raise BadValue("the confidentiality agreement is empty")
        digest = _digest(text)

        async def apply(_: Transaction) -> None:
            self._journal.append("agreement", {"text": digest})

        await self._gate.note("staff", apply)
        self._agreement = digest
        self.actor.cache_clear()

    async def join(self, name: str, role: str, *, signs: str = "") -> None:
        """A member of staff in a role. `signs` is the text of the agreement that they sign, if they do."""
        if role not in self._gate.policy.roles:
            known = ", ".join(f"`{word}`" for word in self._gate.policy.roles) or "none"
            raise UnknownWord(f"the policy names no role `{role}`; it names {known}")
        await self._put(name, Member(role, _digest(signs) if signs else "", active=True))

    async def leave(self, name: str) -> None:
        """They are staff no more. Effective when this returns, also for somebody who was never on the roll: from then
        on there is a roll, and whoever is not on it has no standing.
        """
        known = self._roll.get(self._hidden(name), Member("none", "", active=True))
        await self._put(name, Member(known.role, known.signed, active=False))

    def active(self, name: str, role: str | None = None) -> bool:
        """Whether they are on the roll, in this role if one is given, and have not left."""
        known = self._roll.get(self._hidden(name))
        return known is not None and known.active and role in (None, known.role)

    def _stands(self, actor: Actor) -> bool:
        """Whether a colleague who had standing a moment ago still has it. True of who is no colleague."""
        name = actor.name.removeprefix(_STAFF)
        return name == actor.name or not actor.standing or self.actor(name, actor.role).standing

    def pseudonym(self, name: str) -> bytes:
        """What stands for a colleague in the record: 16 bytes, the same however the name is typed."""
        return self._gate.pseudonym(_called(name))

    def _actor(self, name: str, role: str) -> Actor:
        """This person acting in this role, with the standing that they have now.

        The caller vouches only as long as nobody was ever put on the roll and no promise asks for an agreement; then
        whoever is not on the roll has no standing.
        """
        known = self._roll.get(self._hidden(name))
        if known is None:
            standing = not self._roll and not self._demanded
        else:
            agreed = not self._demanded or (bool(self._agreement) and known.signed == self._agreement)
            standing = known.active and known.role == role and agreed
        return Actor(role, _called(name), standing=standing)

    async def _put(self, name: str, member: Member) -> None:
        told: dict[str, str | int] = {
            "role": member.role,
            "signed": member.signed or "none",
            "active": int(member.active),
        }

        async def apply(_: Transaction) -> None:  # last before the commit of the record
            self._journal.append("staff", {"member": self._hidden(name), **told})

        await self._gate.note("staff", apply)
        self._roll[self._hidden(name)] = member
        self.actor.cache_clear()

    def _hidden(self, name: str) -> str:
        return self.pseudonym(name).hex()


def _called(name: str) -> str:
    """One name for one colleague, however it is typed: case, outer blanks and composed letters make no other."""
    return f"{_STAFF}{unicodedata.normalize('NFKC', name).strip().casefold()}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
