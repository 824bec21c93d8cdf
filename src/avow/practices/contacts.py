"""Letters and calls of colleagues. Each is a message as well, and on record before its number or address is shown.

From then on it may have been made, whether anybody says so or not: its state is `handing` until somebody does. It goes by
a short number, which is printed on a letter, so that one that comes back is known again.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple, NoReturn

from avow.decide.request import Refuse
from avow.errors import CallError, NotHeld, Refused
from avow.gate import Actor, Gate
from avow.policy.model import Channel
from avow.practices.messages import Errand, reached_by, remembered
from avow.practices.reaching import Reaching
from avow.store.interface import Message

_LETTERS: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # no two of them are taken for each other
_LONG: Final = 10  # of them: 50 bits of chance


class _Change(NamedTuple):
    """What an outcome makes of a message: from which states, by which channels, to which state, in which words."""

    channels: tuple[Channel, ...]
    before: tuple[str, ...]
    state: str
    reason: str


_CHANGES: Final[Mapping[str, _Change]] = {
    "reached": _Change(("phone",), ("handing",), "sent", "the call reached them"),
    "not-reached": _Change(("phone",), ("handing",), "sent", "nobody answered the call"),
    "posted": _Change(("post",), ("handing",), "sent", "the letter is in the post"),
    "returned": _Change(("post",), ("handing", "sent"), "bounced", "the letter came back"),
    "dropped": _Change(("phone", "post"), ("handing",), "never", "no call was made, no letter sent"),
}


class Contacts:
    """For one site."""

    def __init__(self, gate: Gate, reaching: Reaching) -> None:
        self._gate = gate
        self._reaching = reaching

    async def open(
        self, subject: bytes, channel: Channel, purpose: str, actor: Actor, sender: str, request: bytes | None = None
    ) -> tuple[str, str]:
        """May I call or write? The number of this contact, and that of the person, or their address. Raises `Refused`,
        recorded and remembered, and `NotHeld` where they may be reached and gave nothing to reach them by.
        """
        if channel == "mail":
            raise CallError("mail goes by the mail server, which decides each message; ask for `phone` or `post`")
        async with self._gate.store.transaction() as tx:
            ((_, held),) = await tx.read([(subject, reached_by(self._gate.policy, channel))])
        number = "".join(_LETTERS[byte % len(_LETTERS)] for byte in self._gate.random(_LONG))
        errand = Errand(channel, purpose, actor, sender, request)
        if not held:
            await self._unheld(subject, self._name(number), errand)
        begun = await self._reaching.begin_named(errand, self._name(number), subject)
        if begun.permit is None:
            raise CallError("this number is taken; ask again")
        await self._reaching.hand_over(begun.permit)
        return number, begun.address

    async def _unheld(self, subject: bytes, name: bytes, errand: Errand) -> NoReturn:
        """Whether they may be reached at all is decided, recorded and remembered for who gave no number, too."""
        try:
            await self._reaching.reach(subject, errand.channel, errand.purpose, errand.actor)
        except Refused as refused:
            why = Refuse(refused.promises, refused.reason)
            said = remembered(subject, name, errand, "refused", self._gate.now(), why)
            async with self._gate.store.transaction() as tx:
                await tx.put_message(said)
            raise
        raise NotHeld("they may be reached that way, and gave no address or number for it")

    async def again(self, number: str, actor: Actor) -> tuple[Message, str]:
        """A contact that is open, and its address, decided and recorded anew. Raises `CallError` for another number."""
        known = await self.known(number)
        if known.state != "handing":
            raise CallError("it was said already what came of this one; ask anew")
        value = await self._reaching.reach(known.subject, known.channel, known.purpose, actor)
        if value is None:
            raise NotHeld("nothing is held any more by which they are reached that way")
        return known, value

    async def came_of_it(self, number: str, outcome: str, *, once_more: bool = False) -> None:
        """What came of it. Raises `CallError` where that cannot be, as when it was said already; `once_more`: unless it
        was the same.
        """
        change = _CHANGES.get(outcome)
        if change is None:
            raise CallError(f"an outcome is one of {', '.join(_CHANGES)}")
        known = await self.known(number)
        if once_more and (known.channel in change.channels, known.state, known.reason) == (
            True, change.state, change.reason,
        ):  # fmt: skip
            return
        if known.channel not in change.channels or known.state not in change.before:
            raise CallError("that cannot have come of it; see under what went out how it stands")
        async with self._gate.store.transaction() as tx:
            await tx.subjects((known.subject,), "change")
            now = await tx.message(known.subject, known.message)
            if now is None or now.state not in change.before:
                raise CallError("somebody else has said meanwhile what came of it")
            await tx.put_message(now._replace(state=change.state, reason=change.reason))

    async def known(self, number: str) -> Message:
        """The letter or call of this number. Raises `CallError`."""
        async with self._gate.store.transaction() as tx:
            found = await tx.messages_named(self._name(number))
        if not found:
            raise CallError("no letter or call of this number is remembered; check it, letter by letter")
        return found[0]

    def _name(self, number: str) -> bytes:
        return self._reaching.hidden("contact", as_made(number))


def as_made(number: str) -> str:
    """The number of a contact as it was made, however it was typed."""
    return "".join(number.split()).replace("-", "").upper()
