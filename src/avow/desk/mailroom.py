"""The mailroom: what the mail gateway asks of the vault. Addresses come in and are decided on; none goes out."""

from collections import OrderedDict
from typing import Final, get_args

from avow.desk.interface.mail import Message, Sending
from avow.desk.links import Links
from avow.desk.room import Room, row, text
from avow.desk.senders import Senders
from avow.desk.sessions import Sender, hashed
from avow.errors import CallError, Denied, Refused
from avow.practices.messages import Errand, Outcome, Permit
from avow.practices.words import unknown

PERMITS: Final = 100_000  # under way at once; of the oldest it is unknown what came
SHOWN: Final = 200  # messages on a page
LONGEST: Final = 998  # characters of a Message-ID: of a line, RFC 5322, 2.1.1
_NOTHING: Final[Sending] = {"state": "", "permit": "", "out": "", "back": ""}


class Mailroom:
    """For one site."""

    def __init__(self, room: Room, senders: Senders, links: Links) -> None:
        self._room = room
        self._reaching = room.shop.reaching
        self._senders = senders
        self._links = links
        self._permits: OrderedDict[bytes, tuple[str, Permit]] = OrderedDict()  # by the token's hash: whose, which

    async def begin(self, token: str, message: str, to: str, purpose: str | None, request: str | None) -> Sending:
        """See the contract."""
        session, actor = self._senders.session(token)
        message, to = text(message, "a Message-ID", LONGEST), text(to, "an address", LONGEST)
        if not message.strip():
            raise CallError("a message needs a Message-ID, or nobody could tell it from another")
        purpose = self._purpose(session, purpose)
        if purpose not in self._room.policy.purposes:
            raise unknown("purpose", purpose, self._room.policy.purposes)
        errand = Errand("mail", purpose, actor, session.name, None if request is None else row(request))
        if purpose not in session.purposes:
            reason = "this sender may not write for that purpose; add it to the sender's purposes"
            await self._reaching.turn_away(errand, message, to, reason)
        begun = await self._reaching.begin(errand, message, to)
        if begun.permit is None:
            return _NOTHING | {"state": begun.state}
        made = self._room.sessions.token()
        self._permits[hashed(made)] = session.name, begun.permit
        while len(self._permits) > PERMITS:
            self._permits.popitem(last=False)
        return {
            "state": begun.state, "permit": made, "out": self._links.out(begun),
            "back": self._links.back(begun.permit.message),
        }  # fmt: skip

    @staticmethod
    def _purpose(session: Sender, purpose: str | None) -> str:
        if purpose is not None:
            return text(purpose, "a purpose")
        if len(session.purposes) > 1:
            raise CallError(
                f"this sender writes for {', '.join(session.purposes)}; say which by the header Avow-Purpose"
            )
        return session.purposes[0]

    async def hand_over(self, token: str, permit: str) -> None:
        """See the contract."""
        session, actor = self._senders.session(token)
        try:
            await self._reaching.hand_over(self._permit(session, permit), actor)
        except Refused as error:
            raise Denied(f"the permission has ended since this message was begun: {error}") from None

    async def ended(self, token: str, permit: str, outcome: str) -> None:
        """See the contract."""
        session, _ = self._senders.session(token)
        known = self._permit(session, permit)
        for one in get_args(Outcome):
            if one == outcome:
                await self._reaching.ended(known, one)
                self._permits.pop(hashed(permit), None)
                return
        raise CallError(f"a message ends as one of {', '.join(get_args(Outcome))}")

    def _permit(self, session: Sender, permit: str) -> Permit:
        whose, known = self._permits.get(hashed(text(permit, "a permit")), ("", None))
        if known is None or whose != session.name:
            raise Denied("no such message is under way; begin it anew")
        return known

    async def messages(self, before: int | None) -> list[Message]:
        """What went out, came in or was refused, newest first."""
        return [
            {
                "at": one.at, "channel": one.channel, "purpose": one.purpose, "sender": one.sender, "state": one.state,
                "promises": one.promises.split(), "reason": one.reason,
            }
            for one in await self._reaching.messages(SHOWN, before)
        ]  # fmt: skip
