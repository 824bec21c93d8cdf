"""A message that an application hands in: looked through, decided for each recipient, and handed to the smarthost.

To all of its recipients or, where one of them is refused, to none. Each gets a message of their own. What is answered is
what the smarthost said, and where that is unknown, that it is (docs/decisions/0070).
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final

from avow.cards import Suspicion, suspicion
from avow.desk.interface.mail import Sending
from avow.doors.gateway import replies
from avow.doors.gateway.replies import Reply
from avow.doors.gateway.sites import Served
from avow.errors import AvowError, BadValue, Denied
from avow.mail.message import Draft
from avow.mail.smarthost import Answer, Smarthost

LARGE: Final = 128 * 1024  # bytes from which a message is looked through in a thread
TEXTS: Final = 4_000_000  # characters of a message's texts that are looked through; one with more is refused
AT_ONCE: Final = 8  # recipients of one message at a time
_NO_CARD: Final = "Avow-No-Card"


@dataclass(frozen=True, slots=True)
class Application:
    """Who signed in: for which site, and the vault's session."""

    site: Served
    session: str


@dataclass(frozen=True, slots=True)
class _Message:
    """What is handed in. `id` identifies it, with the recipient. `large`: nobody else waits while it is worked on."""

    draft: Draft
    id: str
    purpose: str | None
    request: str | None
    large: bool
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Relay:
    """`clock` tells the moment, aware; `random` gives bytes of chance."""

    def __init__(
        self, smarthost: Smarthost, *, clock: Callable[[], datetime], random: Callable[[int], bytes]
    ) -> None:  # fmt: skip
        self._smarthost = smarthost
        self._clock = clock
        self._random = random

    async def hand_in(self, who: Application, content: bytes, recipients: Sequence[str]) -> Reply:
        """Decide, record and pass on. Never raises: whatever fails has a reply."""
        try:
            if len(content) > LARGE:
                message = await asyncio.to_thread(self._looked_through, who, content)
            else:
                message = self._looked_through(who, content)
        except AvowError as error:
            return replies.of(error)
        if isinstance(message, Reply):
            return message
        turns = asyncio.Semaphore(AT_ONCE)

        async def begun(to: str) -> Sending | Reply:
            async with turns:
                return await self._begun(who, message, to)

        decided = await asyncio.gather(*(begun(to) for to in recipients))
        refusals = [one if isinstance(one, Reply) and one is not replies.UNKNOWN else replies.SENT for one in decided]
        if any(one.code >= 400 for one in refusals):
            await asyncio.gather(*(self._let_go(who, one) for one in decided))
            return replies.worst(refusals)

        async def relayed(to: str, sending: Sending | Reply) -> Reply:
            async with turns:
                return sending if isinstance(sending, Reply) else await self._relayed(who, message, to, sending)

        return replies.worst(await asyncio.gather(*map(relayed, recipients, decided)))

    def _looked_through(self, who: Application, content: bytes) -> _Message | Reply:
        draft = Draft.read(content)
        confirmed = (draft.says(_NO_CARD) or "").lower() == "yes"
        worst, left = Suspicion.NONE, TEXTS
        for text in draft.texts():
            left -= len(text)
            if left < 0:
                raise BadValue(
                    "the texts in it are too long to be looked through for card numbers; send a link to them"
                )
            worst = max(worst, suspicion(text))
        if worst is Suspicion.CERTAIN or any(suspicion(mark) is Suspicion.CERTAIN for mark in draft.marks()):
            return replies.CARD
        if worst is Suspicion.DOUBTFUL and not confirmed:
            return replies.PERHAPS_CARD
        name = draft.identified(who.site.house.contact, self._random)
        return _Message(
            draft, name, draft.says("Avow-Purpose") or None, draft.says("Avow-Request") or None, len(content) > LARGE
        )

    async def _begun(self, who: Application, message: _Message, to: str) -> Sending | Reply:
        """What the vault says of one recipient; a reply where it is not `go`."""
        try:
            sending = await who.site.mailroom.begin(
                who.session, message.id, to, purpose=message.purpose, request=message.request
            )
        except AvowError as error:
            return replies.of(error)
        if sending["state"] == "go":
            return sending
        return replies.BEFORE if sending["state"] == "sent" else replies.UNKNOWN

    async def _relayed(self, who: Application, message: _Message, to: str, sending: Sending) -> Reply:
        mailroom, house = who.site.mailroom, who.site.house
        ways = house.ways(sending["out"], sending["back"])
        finish = partial(message.draft.finished, to, house, ways, now=self._clock(), random=self._random)
        if message.large:
            async with message.turn:  # a draft is finished for one after the other
                content = await asyncio.to_thread(finish)
        else:
            content = finish()

        async def hand_over() -> None:
            await mailroom.hand_over(who.session, sending["permit"])

        try:
            answer = await self._smarthost.send(ways.back, to, content, before_end=hand_over)
        except Denied:  # it ended meanwhile, or is being handed over by another connection: the next try is told which
            return Reply(451, "4.7.1", "this message may not go out at the moment; try again, and be told why")
        except AvowError as error:  # it did not go out, though the vault may believe that it might have
            await self._let_go(who, sending)
            return replies.of(error)
        if answer.outcome != "unknown":
            with suppress(AvowError):  # what came of it is known here, and is answered
                await mailroom.ended(who.session, sending["permit"], answer.outcome)
        return _said(answer)

    @staticmethod
    async def _let_go(who: Application, sending: Sending | Reply) -> None:
        """It was begun, and did not go out."""
        if not isinstance(sending, Reply):
            with suppress(AvowError):
                await who.site.mailroom.ended(who.session, sending["permit"], "not-now")


def _said(answer: Answer) -> Reply:
    match answer.outcome:
        case "sent":
            return replies.SENT
        case "not-now":
            return Reply(451, answer.status, answer.reason)
        case "never":
            return Reply(554, answer.status, answer.reason)
        case _:
            return replies.UNKNOWN
