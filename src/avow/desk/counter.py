"""What colleagues do for who writes or calls: reach them, where they may, and take down what they say."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

from avow.desk.interface.work import Reached
from avow.desk.limits import Limit
from avow.desk.room import Room, row, text
from avow.desk.staff import Colleagues
from avow.desk.visitors import Visitors
from avow.errors import BadValue, CallError, NotHeld, Refused, UnknownWord
from avow.gate import Actor
from avow.policy.model import CHANNELS
from avow.practices.acting import Member
from avow.practices.by_hand import THROUGH, Through
from avow.practices.contacts import as_made
from avow.practices.deadlines import RIGHTS_REQUEST, asked
from avow.store.interface import ServiceRequest

_RIGHTS: Final = ("access", "correct", "erase", "complain")
_LONGEST: Final = 64 * 1024
THEMSELVES: Final = ("access", "correct", "erase")  # what nobody but the person does
CODES: Final = Limit("code by hand", 3, 86_400_000)  # to one person
ANSWERING: Final = ("reached", "posted")  # outcomes by which a request may have been answered
SHORTEST: Final = 8  # digits of a request's number that tell it from the same person's others


class Counter:
    """For one site. Every call counts as a look at personal data, so that nobody reaches people in bulk."""

    def __init__(self, room: Room, staff: Colleagues, visitors: Visitors) -> None:
        self._room = room
        self._visitors = visitors
        self._shop = room.shop
        self._staff = staff

    # -- reaching -----------------------------------------------------------------------------------------------

    async def may_reach(self, token: str, task: str, channel: str) -> Reached:
        """For a task."""
        session, member = self._staff.member(token, looks=True)
        taken = await self._staff.in_hand(session, task)
        return await self._reached(taken.who, channel, taken.purpose, member, taken.request)

    async def may_reach_found(self, token: str, category: str, value: str, channel: str, purpose: str) -> Reached:
        """Of whoever gave this value: the newest of them who may be reached, or why not the newest."""
        _, member = self._staff.member(token, looks=True)
        if purpose not in self._room.policy.purposes:
            raise UnknownWord("the policy names no such purpose")
        people = await self._shop.find(text(category, "a category"), text(value, "the value"), by=member)
        refusals: list[Refused | NotHeld] = []
        for who in reversed(people):
            try:
                return await self._reached(who, channel, purpose, member, None)
            except (Refused, NotHeld) as error:
                refusals.append(error)
        if not refusals:
            raise NotHeld("nobody is held under that")
        raise refusals[0]

    async def _reached(self, who: str, channel: str, purpose: str, member: Member, request: bytes | None) -> Reached:
        known = next((one for one in CHANNELS if one == channel), None)
        if known is None:
            raise UnknownWord(f"that is no channel; the channels are {', '.join(CHANNELS)}")
        number, value = await self._shop.contacts.open(
            row(who), known, purpose, self._actor(member), member.name, request
        )
        name = await self._name(who, purpose, member)
        return {"contact": number, "channel": known, "purpose": purpose, "value": value, "name": name}

    async def letter_address(self, token: str, contact: str) -> Reached:
        """Once more, for paper."""
        _, member = self._staff.member(token, looks=True)
        known, value = await self._shop.contacts.again(text(contact, "a number"), self._actor(member))
        if known.channel != "post":
            raise CallError("that is a call; only letters have an address to print")
        name = await self._name(known.subject.hex(), known.purpose, member)
        return {"contact": as_made(contact), "channel": "post", "purpose": known.purpose, "value": value, "name": name}

    async def _name(self, who: str, purpose: str, member: Member) -> str:
        """Who it is, as far as the policy lets the role see it for this."""
        kinds = self._room.policy.categories
        names = [one for one in self._room.tasks.categories(member.role, purpose) if kinds[one].term == "Name"]
        values: dict[str, str] = {}
        if names:
            with suppress(Refused):
                values = await self._shop.use_all(who, names, purpose=purpose, by=member)
        return next(iter(values.values()), "")

    async def came_of_it(self, token: str, contact: str, outcome: str, answers: str) -> None:
        """Noted down. Should the process die before what it answered is closed, the same may be said again."""
        self._staff.member(token)
        contact, outcome = text(contact, "a number"), text(outcome, "an outcome")
        if not answers:
            await self._shop.contacts.came_of_it(contact, outcome)
            return
        found, member = await self._answered(token, contact, outcome, text(answers, "a request's number"))
        await self._shop.contacts.came_of_it(contact, outcome, once_more=True)
        await self._shop.close_request(found.subject.hex(), found.row.hex(), by=member, answered=True)

    async def _answered(self, token: str, contact: str, outcome: str, answers: str) -> tuple[ServiceRequest, Member]:
        """The open request of whoever was reached that has this number. Raises `CallError`, `Refused`."""
        if outcome not in ANSWERING:
            raise CallError("only a call that reached them, or a letter that is in the post, answers what they asked")
        known = await self._shop.contacts.known(contact)
        begins = answers.strip().lower()
        fitting = [
            one for one in await self._shop.queue.of(known.subject)
            if one.row.hex().startswith(begins) and known.purpose in self._serves(one)
        ]  # fmt: skip
        if len(begins) < SHORTEST or len(fitting) != 1 or fitting[0].opened > known.at:
            raise CallError(
                "whoever this letter or call went to has no open request of that number that it was about; nothing was "
                "noted down"
            )
        found, member, _ = await self._staff.own(token, fitting[0].row.hex())
        return found, member

    def _serves(self, asked_for: ServiceRequest) -> Sequence[str]:
        known = self._room.policy.requests.get(asked(asked_for.kind).kind)
        return known.serves if known else ()

    def _actor(self, member: Member) -> Actor:
        return self._shop.staff_roll.actor(member.name, member.role)

    # -- taking down ------------------------------------------------------------------------------------------------

    async def take_down(
        self, token: str, through: str, form: str, given: Mapping[str, str], no_card: Sequence[str]
    ) -> str:
        """What somebody asks for."""
        _, member = self._staff.member(token, looks=True)
        for name, value in given.items():
            text(name, "a category")
            if not isinstance(value, str):
                raise BadValue(f"the value of `{name}` is no text")
        subject = await self._shop.by_hand.submit(
            _route(through), text(form, "a form"), given, self._actor(member), frozenset(no_card)
        )
        opened = await self._shop.queue.of(subject)
        return opened[-1].row.hex()

    async def ask_for(self, token: str, through: str, right: str, category: str, value: str) -> int:
        """A right."""
        _, member = self._staff.member(token, looks=True)
        if right not in _RIGHTS:
            raise UnknownWord(f"that is taken down in another way; the rights are {', '.join(_RIGHTS)}")
        category, value = text(category, "a category"), text(value, "the value", _LONGEST)
        opened = await self._shop.by_hand.ask(_route(through), right, category, value, self._actor(member))
        return len(opened)

    async def send_code_for(self, token: str, request: str) -> None:
        """To the address on file."""
        _, member = self._staff.member(token, looks=True)
        found, member, _ = await self._staff.own(token, request)
        kind, right, _ = asked(found.kind)
        if kind != RIGHTS_REQUEST or right not in THEMSELVES:
            raise CallError(
                "such a request is answered here; a code is for who wants to see, correct or erase their data"
            )
        self._room.limits.spend(CODES, found.subject, self._room.now())
        await self._visitors.send_code_to(
            found.subject.hex(), lambda: self._shop.by_hand.code(found.subject, self._actor(member))
        )

    async def stop(self, token: str, through: str, category: str, value: str, channels: Sequence[str]) -> list[str]:
        """No more."""
        _, member = self._staff.member(token, looks=True)
        category, value = text(category, "a category"), text(value, "the value", _LONGEST)
        if not value.strip():
            raise BadValue("the address or number is empty")
        return list(await self._shop.by_hand.stop(_route(through), category, value, channels, self._actor(member)))


def _route(through: str) -> Through:
    """Raises `UnknownWord`."""
    found = next((one for one in THROUGH if one == through), None)
    if found is None:
        raise UnknownWord(f"that is no way in which something is taken down; the ways are {', '.join(THROUGH)}")
    return found
