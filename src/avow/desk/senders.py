"""Applications that hand mail in: their credentials, and whose sessions they are."""

import hmac
import json
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from avow.desk.room import Room, text, told
from avow.desk.sessions import Sender, as_kept
from avow.desk.staff import Colleagues
from avow.errors import CallError, Denied, UnknownWord
from avow.gate import Actor
from avow.policy.model import SITE

SENDER: Final = "sender"  # the kind of a credential
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


class Senders:
    """For one site. Standing is looked up anew with every call, as a colleague's is."""

    def __init__(self, room: Room, staff: Colleagues) -> None:
        self._room = room
        self._shop = room.shop
        self._staff = staff
        self._begun: dict[str, tuple[str, str]] = {}  # by name: the password's hash, the session

    async def add(self, name: str, purposes: Sequence[str], colleague: str | None) -> str:
        """A credential; its password, shown this once."""
        if not _NAME.fullmatch(text(name, "a name")):
            raise CallError("a sender's name is small letters, digits and hyphens, at most 64")
        for purpose in purposes:
            if purpose not in self._room.policy.purposes:
                raise UnknownWord(f"the policy names no such purpose; it names {', '.join(self._room.policy.purposes)}")
        if not purposes:
            raise CallError("a sender needs at least one purpose that it may write for")
        if await self._kept(name) is not None:
            raise CallError(f"there is a sender `{name}`; remove it first")
        role = await self._role(colleague) if colleague else ""
        password = self._room.sessions.token()
        kept = {
            "hash": as_kept(password), "purposes": list(dict.fromkeys(purposes)), "colleague": colleague or "", "role": role,
        }  # fmt: skip
        await self._shop.accounts.give_staff(self._owner(name), SENDER, told(kept))
        return password

    async def _role(self, colleague: str) -> str:
        kept = await self._staff.kept(text(colleague, "a name", 100))
        if kept is None or not self._shop.staff_roll.active(kept["name"], kept["role"]):
            raise UnknownWord("there is no such colleague; invite them first")
        return str(kept["role"])

    async def remove(self, name: str) -> None:
        """It hands in nothing any more. Effective when this returns."""
        known = await self._shop.accounts.take_staff(self._owner(text(name, "a name")), SENDER)
        self._room.sessions.end_of_sender(name)
        self._begun.pop(name, None)
        if not known:
            raise CallError("there is no sender of that name")

    async def sign_in(self, name: str, password: str) -> str:
        """A session; the same one while it lasts. Guesses are not counted: the password is 256 bits of chance, and whoever
        guesses would keep out who has it.
        """
        kept = await self._kept(text(name, "a name"))
        shown = as_kept(text(password, "a password"))
        if kept is None or not hmac.compare_digest(kept["hash"], shown):
            raise Denied
        now, (of, session) = self._room.now(), self._begun.get(name, ("", ""))
        if of == shown:
            with suppress(Denied):
                self._room.sessions.sender(session, now)
                return session
        session = self._room.sessions.application(
            name, tuple(kept["purposes"]), kept["colleague"], kept["role"], now
        )  # fmt: skip
        self._begun[name] = shown, session
        return session

    def session(self, token: str) -> tuple[Sender, Actor]:
        """The session, and who acts by it. Raises `Denied`, also where its colleague has left."""
        session = self._room.sessions.sender(text(token, "a session"), self._room.now())
        if not session.colleague:
            return session, Actor(SITE, f"sender:{session.name}", standing=True)
        if not self._shop.staff_roll.active(session.colleague, session.role):
            raise Denied
        return session, self._shop.staff_roll.actor(session.colleague, session.role)

    async def _kept(self, name: str) -> dict[str, Any] | None:
        found = await self._shop.accounts.of_staff(self._owner(name), SENDER)
        return dict(json.loads(found[-1].told)) if found else None

    def _owner(self, name: str) -> bytes:
        return self._shop.staff_roll.pseudonym(f"sender {name}")
