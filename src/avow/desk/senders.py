"""Applications that hand mail in: their credentials, and whose sessions they are."""

import asyncio
import hmac
import json
import re
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final

from avow.desk.interface import CODE, TRIES
from avow.desk.lanes import Lane
from avow.desk.limits import Limit
from avow.desk.passwords import WAITING
from avow.desk.room import Room, text, told
from avow.desk.sessions import Sender
from avow.desk.staff import Colleagues
from avow.errors import CallError, Denied, UnknownWord
from avow.gate import Actor
from avow.policy.model import SITE

SENDER: Final = "sender"  # the kind of a credential
TRIED: Final = Limit("sender", TRIES, CODE)
VERIFIED: Final = 1000  # passwords remembered as right, under a key of this process
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


class Senders:
    """For one site. Standing is looked up anew with every call, as a colleague's is."""

    def __init__(self, room: Room, staff: Colleagues) -> None:
        self._room = room
        self._shop = room.shop
        self._staff = staff
        self._secret = room.random(32)
        self._verified: OrderedDict[bytes, tuple[str, str]] = OrderedDict()  # name and password -> hash, session
        self._lane = Lane(1, WAITING)  # of its own: no crowd at another door keeps the shop's mail in
        self._turns: dict[str, asyncio.Lock] = {}

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
            "hash": await self._room.passwords.hash(password, self._lane), "purposes": list(dict.fromkeys(purposes)),
            "colleague": colleague or "", "role": role,
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
        if not known:
            raise CallError("there is no sender of that name")

    async def sign_in(self, name: str, password: str) -> str:
        """A session. The same name and password get the same one while it lasts: hashing takes its time by design."""
        name, password = text(name, "a name"), text(password, "a password")
        shown = hmac.digest(self._secret, name.encode() + b"\0" + password.encode("utf-8", "replace"), "sha256")
        if (session := await self._open(name, shown)) is not None:
            return session
        async with self._turns.setdefault(name[:64], asyncio.Lock()):
            if len(self._turns) > VERIFIED:
                self._turns.clear()
            if (session := await self._open(name, shown)) is not None:  # who came before has verified the same
                return session
            owner = self._owner(name)
            now = self._room.now()
            self._room.limits.spend(TRIED, owner, now)
            kept = await self._kept(name)
            with self._lane.place():
                tried = [kept["hash"]] if kept else []
                fits = await self._room.passwords.fitting(tried, password, self._lane, 1)
            if kept is None or not all(fits):
                raise Denied
            self._room.limits.give_back(TRIED, owner, now, self._room.now())
            session = self._room.sessions.application(
                name, tuple(kept["purposes"]), kept["colleague"], kept["role"], self._room.now()
            )
            self._verified[shown] = str(kept["hash"]), session
            while len(self._verified) > VERIFIED:
                self._verified.popitem(last=False)
            return session

    async def _open(self, name: str, shown: bytes) -> str | None:
        known = self._verified.get(shown)
        if known is None:
            return None
        kept = await self._kept(name)
        try:
            self._room.sessions.sender(known[1], self._room.now())
        except Denied:
            kept = None
        if kept is None or kept["hash"] != known[0]:
            self._verified.pop(shown, None)
            return None
        return known[1]

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
