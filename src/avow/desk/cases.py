"""What colleagues pass on: by a person's consent within a task, and by a case that two of them agreed to."""

import logging
from collections.abc import Sequence

from avow.desk.interface.outside import Case, Packed
from avow.desk.notices import Notices
from avow.desk.room import Room, row, text
from avow.desk.staff import Colleagues
from avow.errors import AvowError, NotHeld, Refused
from avow.gate import Actor
from avow.mail import notices as words
from avow.practices import disclosed
from avow.practices.agreeing import asked_as, recipient_of
from avow.practices.cases import Proposal
from avow.practices.disclosing import Package
from avow.practices.owing import NoticeKind
from avow.upkeep import HOUR

log = logging.getLogger("avow.desk")


class Cases:
    """For one site. Every call counts as a look at personal data, so that nobody passes on in bulk."""

    def __init__(self, room: Room, staff: Colleagues, notices: Notices) -> None:
        self._room = room
        self._shop = room.shop
        self._staff = staff
        self._notices = notices
        self._told = 0  # when those were last told who had not been (ms)
        self._settled: set[bytes] = set()  # cases of which there is nothing more to tell
        room.shop.upkeep.also(self.tell_later)

    async def disclose(
        self, token: str, task: str, recipient: str, categories: Sequence[str], purpose: str, way: str
    ) -> Packed:
        """For the person behind a task."""
        session, member = self._staff.member(token, looks=True)
        taken = await self._staff.in_hand(session, task)
        kind, _ = recipient_of(self._room.policy, text(recipient, "a recipient"))
        package = await self._shop.disclose(
            taken.who, categories, recipient=recipient, purpose=text(purpose, "a purpose"), way=way,
            request=taken.request.hex() if kind == "processor" else None, by=member,
        )  # fmt: skip
        return _packed(package)

    async def known(self, token: str) -> list[Case]:
        """What waits, and what became of it."""
        actor = self._actor(token)
        return [self._shown(one, actor) for _, one in await self._shop.cases.known(actor)]

    async def propose(self, token: str, category: str, value: str, proposal: Proposal) -> list[Case]:
        """For each person who is found. Of an order not to tell them, no look-up of theirs tells them either."""
        actor = self._actor(token)
        refused = self._shop.cases.refusing(proposal, actor)
        people = await self._shop.finding.given(text(category, "a category"), text(value, "the value", 4096))
        if not people:  # to who may put no such case forward this says nothing of whether somebody is held
            raise NotHeld("nobody is held under that") if refused is None else Refused(refused.promises, refused.reason)
        return [self._shown(await self._shop.cases.propose(who, proposal, actor), actor) for who in people]

    async def approve(self, token: str, case: str, category: str, value: str) -> Case:
        """By a second colleague, who names the person for themself."""
        actor = self._actor(token)
        people = await self._shop.finding.given(text(category, "a category"), text(value, "the value", 4096))
        return self._shown(await self._shop.cases.approve(row(case), actor, people), actor)

    async def close(self, token: str, case: str) -> Case:
        """For good."""
        actor = self._actor(token)
        return self._shown(await self._shop.cases.close(row(case), actor), actor)

    async def disclose_case(self, token: str, case: str) -> Packed:
        """Once; then the person is told, where they may be."""
        actor = self._actor(token)
        subject, one, package = await self._shop.cases.disclose(row(case), actor)
        if not one.hidden(self._room.now()):
            await self._tell(subject.hex(), one, package.told)
        return _packed(package)

    async def tell_later(self) -> None:
        """Hourly: tell those whom an order kept from being told, once it is over, and those whose notice did not go out. The
        same is told once.
        """
        now = self._room.now()
        if now - self._told < HOUR:
            return
        self._told = now
        for subject, one in await self._shop.cases.to_tell():
            await self._tell(subject.hex(), one, None)

    async def _tell(self, who: str, one: disclosed.Case, told: disclosed.Disclosure | None) -> None:
        """By a notice owed, to the newest address; in the privacy centre it stands in any case."""
        if not self._notices.possible or one.state == "closed" or one.id in self._settled:
            return
        whom = asked_as(self._room.policy, one.recipient)
        promises = told.promises if told else self._shop.cases.granting(one)
        at = told.at if told else one.at
        notice = words.disclosed(
            self._room.policy,
            one.categories,
            whom,
            one.purpose,
            at=at,
            promise=promises[0] if promises else "",
            centre=self._notices.centre,
        )
        try:
            async with self._notices.owed(who, NoticeKind.DISCLOSED, one.id.hex()) as begun:
                if begun is None:
                    self._settled.add(one.id)
                    return
                await self._notices.hand_over(begun)
            await self._notices.notify(begun, notice)
            self._settled.add(one.id)
        except (AvowError, OSError) as error:
            log.warning("a notice owed could not be sent: %s", type(error).__name__)

    def _actor(self, token: str) -> Actor:
        _, member = self._staff.member(token, looks=True)
        return self._shop.staff_roll.actor(member.name, member.role)

    def _shown(self, one: disclosed.Case, actor: Actor) -> Case:
        over = one.state in ("proposed", "open") and self._room.now() >= one.until
        return {
            "case": one.id.hex(), "recipient": one.recipient, "purpose": one.purpose, "ground": one.ground,
            "reference": one.reference, "categories": list(one.categories), "at": one.at, "until": one.until,
            "quiet": one.quiet, "state": "over" if over else one.state, "mine": one.opener == actor.name,
        }  # fmt: skip


def _packed(package: Package) -> Packed:
    told = package.told
    return {
        "disclosure": told.id.hex(), "recipient": told.recipient, "categories": list(told.categories), "until": told.until,
        "package": package.sealed,
    }  # fmt: skip
