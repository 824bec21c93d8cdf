"""A message to one recipient, in values: what it is for, leave to send it, and how it is remembered. Pure."""

from typing import Final, Literal, NamedTuple

from avow.decide.request import Answer, Refuse
from avow.errors import CallError, UnknownWord
from avow.gate import Actor
from avow.policy.model import CHANNELS, CONTACT, Channel, Policy
from avow.practices.collecting import Entry
from avow.practices.words import quoted
from avow.store.interface import Message

NOBODY: Final = bytes(16)  # in the place of a person: a message to somebody who is not held
Outcome = Literal["sent", "not-now", "never"]
GONE: Final = ("handing", "sent", "bounced")  # states in which it went out, or may have


class Errand(NamedTuple):
    """What a message is for. `sender`: the application's or colleague's name, or the kind of a notice. With `request`
    only that service request permits it; `owed`: it is a notice that a promise itself requires.
    """

    channel: Channel
    purpose: str
    actor: Actor
    sender: str
    request: bytes | None = None
    owed: bool = False


class Permit(NamedTuple):
    """A message that may go out, from `begin` to `ended`. `entry`: how the do-not-contact list has the address. `turn`
    tells several tries at the same message apart.
    """

    subject: bytes
    message: bytes
    errand: Errand
    category: str
    row: bytes  # of the datum that holds the address
    version: int
    entry: Entry
    turn: int


class Begun(NamedTuple):
    """`go`, with the permit and the address that it goes to; or `sent` already, or `unknown` whether it was."""

    state: Literal["go", "sent", "unknown"]
    permit: Permit | None = None
    address: str = ""

    def given(self) -> Permit:
        """The permit of one that may go. Raises `CallError` for one that may not."""
        if self.permit is None:
            raise CallError("there is nothing to send: it went already, or may have")
        return self.permit


def reached_by(policy: Policy, channel: str) -> tuple[str, ...]:
    """The categories that a channel reaches people by. Raises `UnknownWord`."""
    if channel not in CONTACT:
        raise UnknownWord(f"{quoted(channel)} is no channel; the channels are {', '.join(CHANNELS)}")
    categories = tuple(name for name, one in policy.categories.items() if one.channel == channel)
    if not categories:
        raise UnknownWord(f"no category of the policy is reached by `{channel}`")
    return categories


def remembered(subject: bytes, name: bytes, errand: Errand, state: str, at: int, answer: Answer) -> Message:
    """How the store remembers it: nothing of the address."""
    reason = answer.reason if isinstance(answer, Refuse) else ""
    return Message(
        subject, name, errand.channel, errand.purpose, errand.sender, state, at, " ".join(answer.promises), reason
    )
