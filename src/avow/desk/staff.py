"""What a colleague may do once they have shown who they are: take up a task, look at what it needs, close it."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, NoReturn

from avow.desk.interface import INVITATION, TASK, Colleague, Task, Waiting
from avow.desk.notices import Notices
from avow.desk.room import PASSWORD, STAFF, Room, row, text, told
from avow.desk.sessions import AGAIN, Staff, hashed, is_fresh
from avow.errors import CallError, Denied, Refused, Unavailable, UnknownWord
from avow.policy.outside import beside, outside
from avow.practices.acting import Member
from avow.practices.collecting import check_value
from avow.practices.deadlines import asked, due, kinds
from avow.practices.messages import Begun, Errand
from avow.store.interface import ServiceRequest

INVITED: Final = "invitation"
PASSKEY: Final = "passkey"
AGREEMENT: Final = "agreement"
SHOWN: Final = 200  # of a queue
ADMIN: Final = "admin"


class InHand(NamedTuple):
    """A task: whose request, for what, until when (ms)."""

    who: str
    request: bytes
    purpose: str
    until: int


class Colleagues:
    """For one site. Standing is looked up anew with every call: who left, or has not signed, gets nothing."""

    def __init__(self, room: Room, notices: Notices | None = None) -> None:
        self._room = room
        self._shop = room.shop
        self._notices = notices

    # -- coming in --------------------------------------------------------------------------------------------------

    async def invite(self, name: str, role: str, by: str = "") -> str:
        """An invitation, by whoever may invite: an admin, or the operator. It voids those that wait for the name."""
        if role not in self._room.policy.roles:
            raise UnknownWord(f"the policy names no such role; it names {', '.join(self._room.policy.roles)}")
        if not text(name, "a name", 100).strip():
            raise CallError("a colleague needs a name")
        token = self._room.sessions.token()
        until, owner = self._room.now() + INVITATION, hashed(token)[:16]
        async with self._room.changing:
            await self._drop_invitations(name)
            await self._shop.accounts.give_staff(
                owner, INVITED, told({"name": name.strip(), "role": role, "until": until, "by": by})
            )
            await self._shop.accounts.give_staff(self.owner(name), INVITED, told({"of": owner.hex()}), row=owner)
        return token

    async def accept(self, invitation: str, password: str) -> str:
        """Staff from now on. Of two who use one invitation, one is too late."""
        owner = hashed(text(invitation, "an invitation"))[:16]
        found = await self._shop.accounts.of_staff(owner, INVITED)
        if not found:
            raise Denied
        kept = await self._room.passwords.hash(text(password, "a password"), self._room.passwords.staff)
        said = json.loads(found[0].told)
        name, role, by = said["name"], said["role"], said.get("by", "")
        member = self.owner(name)
        async with self._room.changing:
            there = await self._shop.accounts.take_staff(owner, INVITED)
            # one that is not on the name's own list was voided, or is of a version that could not void it
            listed = await self._shop.accounts.take_staff(member, INVITED, owner)
            if not there or not listed or self._room.now() > said["until"]:
                raise Denied
            if by and not self._shop.staff_roll.active(by, ADMIN):  # who was sent away has nobody come after them
                raise Denied
            await self._drop_passkeys(name)  # of whoever had this name before
            await self._shop.accounts.give_staff(member, PASSWORD, told({"hash": kept, "role": role, "name": name}))
            await self._shop.staff_roll.join(name, role)
            self._room.sessions.end_of(member)
            return self._room.sessions.staff(name, member, role, self._room.now())

    async def sign_in(self, name: str, password: str) -> str:
        """By password."""
        owner = self.owner(text(name, "a name", 100))
        password, passwords, now = text(password, "a password"), self._room.passwords, self._room.now()
        with passwords.staff.place():
            self._room.limits.spend(STAFF, owner, now)
            kept = await self.kept(name)
            fits = await passwords.fitting([kept["hash"]] if kept else [], password, passwords.staff, 1)
        async with self._room.changing:  # a password that was changed meanwhile opens nothing
            if fits != [True] or kept is None or await self.kept(name) != kept:
                raise Denied
            if not self._shop.staff_roll.active(kept["name"], kept["role"]):
                raise Denied
            self._room.limits.give_back(STAFF, owner, now, self._room.now())
            return self._room.sessions.staff(kept["name"], owner, kept["role"], self._room.now())

    async def kept(self, name: str) -> dict[str, Any] | None:
        """What is kept of a colleague: hash, role, name."""
        found = await self._shop.accounts.of_staff(self.owner(name), PASSWORD)
        return dict(json.loads(found[-1].told)) if found else None

    def owner(self, name: str) -> bytes:
        """What a colleague's credentials are kept under."""
        return self._shop.staff_roll.pseudonym(name)

    def session(self, token: str, *, looks: bool = False, fresh: bool = False) -> Staff:
        """The session of who is still staff, whether they signed or not. Raises `Denied`, where `fresh` is asked also for
        one that did not begin just now.
        """
        session = self._room.sessions.colleague(text(token, "a session"), self._room.now(), looks=looks)
        if not self._shop.staff_roll.active(session.member, session.role):
            self._room.sessions.end(token)  # they left, or came back in another role
            raise Denied
        if fresh and not is_fresh(session, self._room.now()):
            raise Denied(AGAIN)
        return session

    def member(self, token: str, *, looks: bool = False) -> tuple[Staff, Member]:
        """... and who may act. Raises `Refused` until they have signed the agreement in force."""
        session = self.session(token, looks=looks)
        if not self._shop.staff_roll.actor(session.member, session.role).standing:
            raise Refused(self._room.signing, "the confidentiality agreement in force is not signed; sign it first")
        return session, self._shop.staff(session.member, session.role)

    async def colleague(self, token: str) -> Colleague:
        """Who it is."""
        session = self.session(token)
        return {
            "name": session.member,
            "role": session.role,
            "signed": self._shop.staff_roll.actor(session.member, session.role).standing,
            "agreement": await self.agreement(),
            "passkeys": len(await self._shop.accounts.of_staff(self.owner(session.member), PASSKEY)),
        }

    async def agreement(self) -> str:
        """The text in force, "" if none."""
        found = await self._shop.accounts.of_staff(_SITE, AGREEMENT)
        return found[-1].told.decode() if found else ""

    async def set_agreement(self, words: str) -> None:
        """Put one in force. Whoever signed another has no standing from now on."""
        await self._shop.staff_roll.set_agreement(words)
        await self._shop.accounts.give_staff(_SITE, AGREEMENT, words.encode())

    async def sign(self, token: str, words: str) -> None:
        """Sign the text in force."""
        session = self.session(token)
        if not words or words != await self.agreement():
            raise CallError("this is not the agreement in force any more; read the new one and sign that")
        session = self.session(token)  # who was dismissed meanwhile does not come back by signing
        await self._shop.staff_roll.join(session.member, session.role, signs=words)

    # -- working ----------------------------------------------------------------------------------------------------

    async def queue(self, token: str) -> list[Waiting]:
        """What the role has to do with, oldest first."""
        session, _ = self.member(token)
        words = [word for word in self._room.policy.requests if self._room.tasks.purposes(session.role, word)]
        found = await self._shop.queue.open([kind for word in words for kind in kinds(word)], SHOWN)
        return self._shown(session, found)

    def _shown(self, session: Staff, requests: Sequence[ServiceRequest]) -> list[Waiting]:
        out: list[Waiting] = []
        for one in requests:
            tasks = self._room.tasks.purposes(session.role, one.kind)
            kind, right, route = asked(one.kind)
            if tasks:
                out.append({
                    "request": one.row.hex(), "kind": kind, "right": right, "through": route, "opened": one.opened,
                    "due": due(self._room.policy, one.kind, one.opened), "tasks": tasks,
                })  # fmt: skip
        return out

    async def task(self, token: str, request: str, purpose: str) -> Task:
        """Take it up."""
        session, member = self.member(token)
        found = await self._shop.queue.one(row(request))
        if found is None:
            raise CallError("no such request is open; it was answered, or its person is gone")
        if purpose not in self._room.tasks.purposes(session.role, found.kind):
            await self._refuse(found, purpose, member)
        made, now = self._room.sessions.token(), self._room.now()
        session.tasks = {name: one for name, one in session.tasks.items() if one.until >= now}
        until, (kind, right, _) = now + TASK, asked(found.kind)
        session.tasks[hashed(made)] = InHand(found.subject.hex(), found.row, purpose, until)
        return {
            "task": made, "request": request, "kind": kind, "right": right, "purpose": purpose,
            "categories": self._room.tasks.categories(session.role, purpose),
        }  # fmt: skip

    async def _refuse(self, found: ServiceRequest, purpose: str, member: Member) -> NoReturn:
        """Where the role may see nothing for a purpose, the gate says why, and its refusal is on record."""
        if purpose in self._room.policy.purposes and not self._room.tasks.categories(member.role, purpose):
            everything = self._room.tasks.everything
            await self._shop.use_all(found.subject.hex(), everything, purpose=purpose, by=member)
        raise Refused((), f"the role `{member.role}` has nothing to do with such a request for that purpose")

    async def look(self, token: str, task: str, categories: Sequence[str]) -> dict[str, str]:
        """Values for the task, while its request is open."""
        session, member = self.member(token, looks=True)
        taken = await self.in_hand(session, task)
        self._asked_first(session.role, taken.purpose, categories)
        return await self._shop.use_all(taken.who, categories, purpose=taken.purpose, by=member)

    async def in_hand(self, session: Staff, task: str) -> InHand:
        """What a task is about, while its request is open. Raises `Denied`."""
        taken: InHand | None = session.tasks.get(hashed(text(task, "a task")))
        if taken is None or self._room.now() > taken.until:
            raise Denied("the task is over; take the request up again")
        if await self._shop.queue.one(taken.request) is None:
            del session.tasks[hashed(task)]
            raise Denied("the request was closed, and the task with it")
        return taken

    def _asked_first(self, role: str, purpose: str, categories: Sequence[str]) -> None:
        """A number or address by which the role may reach the person is answered to who asks whether they may."""
        for name in categories:
            known = self._room.policy.categories.get(name)
            if known is not None and known.channel in self._room.tasks.reaches(role, purpose):
                raise CallError(f"`{name}` is hidden until you ask whether you may call or write; ask that")

    async def find(self, token: str, category: str, value: str) -> list[Waiting]:
        """The open requests of whoever gave this."""
        session, member = self.member(token, looks=True)
        found = await self._shop.find(text(category, "a category"), text(value, "the value"), by=member)
        requests = [one for who in found for one in await self._shop.queue.of(row(who))]
        return self._shown(session, requests)[:SHOWN]

    async def close(self, token: str, request: str) -> None:
        """Answered."""
        found, member, _ = await self.own(token, request)
        await self._shop.close_request(found.subject.hex(), request, by=member)

    async def answer(self, token: str, request: str, words: str) -> None:
        """Write back, and close."""
        found, member, purposes = await self.own(token, request)
        check_value("answer", words, confirmed=True)
        if self._notices is None or not self._notices.possible:
            raise CallError("this site sends no mail; answer by letter or telephone, and log it")
        begun = await self._begun(found, member, purposes, words)
        if begun.state == "unknown":
            raise CallError("this very answer may have gone out, and nobody knows; to send it again, change its words")
        if begun.permit is not None:
            name = self._room.policy.controller.name
            await self._notices.hand_over(begun)
            try:
                told = beside(words, outside(self._room.policy) if asked(found.kind).right == "complain" else ())
                await self._notices.answer(begun, f"Our answer ({name}, no. {request[:8]})", told)
            except OSError:
                raise Unavailable("the answer could not be sent; the request stays open, so try again") from None
        await self._shop.close_request(found.subject.hex(), request, by=member, answered=True)

    async def _begun(self, found: ServiceRequest, member: Member, purposes: Sequence[str], words: str) -> Begun:
        """A message to who asked, for the first of the purposes that permits it. Raises `Refused`."""
        actor = self._shop.staff_roll.actor(member.name, member.role)
        refused = Refused((), "the request serves nothing that the role may write for")
        for purpose in purposes:
            errand = Errand("mail", purpose, actor, member.name, found.row)
            try:
                return await self._shop.reaching.begin_with(errand, f"answer {found.row.hex()} {words}", found.subject)
            except Refused as error:
                refused = error
        raise refused

    async def own(self, token: str, request: str) -> tuple[ServiceRequest, Member, list[str]]:
        """An open request that the colleague's role has to do with, and for which purposes."""
        session, member = self.member(token)
        found = await self._shop.queue.one(row(request))
        if found is None:
            raise CallError("no such request is open; it was answered already, or its person is gone")
        purposes = self._room.tasks.purposes(session.role, found.kind)
        if not purposes:
            raise Refused((), f"the role `{session.role}` has nothing to do with such a request")
        return found, member, purposes

    # -- admins -----------------------------------------------------------------------------------------------------

    async def invite_by(self, token: str, name: str, role: str) -> str:
        """By an admin."""
        return await self.invite(name, role, self._admin(token))

    async def dismiss(self, token: str, name: str) -> None:
        """By an admin: effective at once, whatever sessions there are."""
        self._admin(token)
        async with self._room.changing:
            self._admin(token)
            await self._shop.staff_roll.leave(text(name, "a name", 100))
            await self._shop.accounts.take_staff(self.owner(name), PASSWORD)
            await self._drop_passkeys(name)
            await self._drop_invitations(name)
            self._room.sessions.end_of(self.owner(name))

    async def _drop_passkeys(self, name: str) -> None:
        for one in await self._shop.accounts.of_staff(self.owner(name), PASSKEY):
            await self._shop.accounts.take_staff(self.owner(name), PASSKEY, one.row)

    async def _drop_invitations(self, name: str) -> None:
        """Those that wait for this name: who leaves does not come back by a spare one."""
        for one in await self._shop.accounts.of_staff(self.owner(name), INVITED):
            await self._shop.accounts.take_staff(one.row, INVITED)
            await self._shop.accounts.take_staff(self.owner(name), INVITED, one.row)

    def _admin(self, token: str) -> str:
        session, _ = self.member(token)
        if session.role != ADMIN:
            raise Refused((), f"only the role `{ADMIN}` does that")
        return session.member


_SITE: Final = hashlib.sha256(b"the agreement of the site").digest()[:16]
