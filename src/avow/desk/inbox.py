"""Mail to the contact address, and what comes back: it stops mail and opens requests, and reads nothing.

Who wrote it is not proved. What is answered, and what is done, is the same whether anybody is held or not.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from avow.desk.interface.mail import Received
from avow.desk.limits import Limit
from avow.desk.links import Links
from avow.desk.room import Room, row, text
from avow.desk.sessions import HOUR
from avow.desk.visitors import Visitors
from avow.errors import Refused, TooMany, Unavailable
from avow.practices.collecting import entries_of, plan
from avow.practices.deadlines import RIGHTS_REQUEST, kind_of
from avow.practices.inbound import wanted
from avow.practices.messages import reached_by

MANY: Final = Limit("received", 20, HOUR)  # mails from one address
LONGEST: Final = 64 * 1024  # characters of a mail that are looked at and kept
RIGHTS: Final = ("access", "correct", "erase")
ROUTE: Final = "mail"


class Inbox:
    """For one site."""

    def __init__(self, room: Room, visitors: Visitors, links: Links) -> None:
        self._room = room
        self._shop = room.shop
        self._visitors = visitors
        self._links = links
        self._under_way: set[bytes] = set()

    async def returned(self, token: str, *, permanent: bool) -> Received:
        """A message came back."""
        message = self._links.returned(text(token, "a token"))
        if permanent:
            await self._shop.reaching.bounced(message)
        return {"kind": "bounce" if permanent else "nothing", "request": None}

    async def received(self, message: str, sender: str, subject: str, words: str) -> Received:
        """A mail came in. What was done for it once is not done again."""
        sender, subject = text(sender, "an address", 998).strip(), text(subject, "a subject", 998)
        words = words[:LONGEST]
        if not sender:  # a machine's: RFC 5321, 4.5.5; nobody could be answered
            return {"kind": "nothing", "request": None}
        id_ = (
            text(message, "a Message-ID", 998).strip() or f"{subject}\n{words}"
        )  # without one it is the same by its words
        name = self._shop.reaching.name("mail", id_, sender, way="received")
        if name in self._under_way:
            raise Unavailable("this mail is being taken in at the moment; hand it in again later")
        if await self._shop.reaching.came(name):
            return {"kind": "nothing", "request": None}
        self._under_way.add(name)
        try:
            done = await self._taken(sender, subject, words)
            await self._shop.reaching.take_in(name, done["kind"])
        finally:
            self._under_way.discard(name)
        return done

    async def _taken(self, sender: str, subject: str, words: str) -> Received:
        asked = wanted(subject, words)
        if asked.stop:  # whatever others write in their name: a stop is never too many
            await self._stop(sender)
        if asked.kind == "stop":
            return {"kind": "stop", "request": None}
        self._room.limits.spend(MANY, self._shop.reaching.name("mail", "", sender), self._room.now())
        if asked.kind in RIGHTS and self._rights:
            return {"kind": asked.kind, "request": await self._right(asked.kind, sender)}
        return await self._question(asked.kind, sender, f"{subject}\n\n{words}".strip())

    async def _stop(self, sender: str) -> None:
        """Of the address, though nobody is held under it, and of everybody who is. Those come after the answer, which
        would tell by its time that there are some; what goes to the address is refused from its listing on.
        """
        categories = reached_by(self._room.policy, "mail")
        for category in categories:
            entry = entries_of(self._room.policy, self._shop.keystore, category, sender)[0]
            if self._shop.reaching.listed(entry):
                await self._shop.reaching.for_nobody()  # nor does the time tell that it is listed already
            else:
                await self._shop.reaching.stop(entry)
        self._visitors.later(self._opted_out(categories, sender))

    async def _opted_out(self, categories: Sequence[str], sender: str) -> None:
        for category in categories:
            for who in await self._under(category, sender):
                with suppress(Refused):  # erased a moment ago
                    await self._shop.opt_out(who, "mail", by=self._shop.person(who))

    async def _under(self, category: str, sender: str) -> list[str]:
        known = self._room.policy.categories[category]
        return await self._shop.find(category, sender) if known.look_up else []

    async def _right(self, right: str, sender: str) -> str | None:
        """A request of whoever is held under the address, and a code to show by that they are who they say."""
        opened, kind = None, kind_of(right, ROUTE)
        for category in reached_by(self._room.policy, "mail"):
            people = await self._under(category, sender)
            for who in people:
                with suppress(Refused):
                    waiting = [one for one in await self._shop.queue.of(row(who)) if one.kind == kind]
                    opened = waiting[0].row.hex() if waiting else await self._shop.ask(who, kind)
            if not people:  # who waits for the reply shall not see by the time it takes that nobody is held
                await self._shop.queue.of(self._room.random(16))
                await self._shop.reaching.for_nobody()
            if self._room.policy.categories[category].look_up:
                with suppress(TooMany):  # it has codes enough; the request is open
                    await self._visitors.send_code(category, sender)
        return opened

    async def _question(self, kind: str, sender: str, words: str) -> Received:
        """By the policy's form for complaints or questions, as somebody new, if it asks for an address and words alone."""
        forms = {form.opens: form.name for form in self._room.policy.forms.values() if form.at is None and form.opens}
        form = (forms.get("complaint") if kind == "complaint" else None) or forms.get("question")
        given = {} if form is None else self._given(form, sender, words)
        if form is None or not given:
            return {"kind": "nothing", "request": None}
        try:
            who, taken = await self._visitors.collect(form, given, None, None, (), agreed={})
        except Refused:
            return {"kind": "nothing", "request": None}
        request = taken["request"]
        if kind != "complaint":
            return {"kind": "question", "request": request}
        if request is not None and self._room.policy.forms[form].opens != "complaint" and self._rights:
            complaint = await self._shop.ask(who, kind_of("complain", ROUTE))  # it has its own time, as by the centre
            await self._shop.close_request(who, request, by=self._shop.person(who))
            request = complaint
        return {"kind": "complaint", "request": request}

    @property
    def _rights(self) -> bool:
        return RIGHTS_REQUEST in self._room.policy.requests

    def _given(self, form: str, sender: str, words: str) -> dict[str, str]:
        """What the form is given; nothing where it asks for more than a mail has."""
        kinds, given = self._room.policy.categories, dict[str, str]()
        for category in plan(self._room.policy, form).asks:
            if kinds[category].channel == "mail":
                given[category] = sender
            elif kinds[category].term == "Communication":
                given[category] = words
            else:
                return {}
        return given
