"""What the mail gateway, and the pages behind the links in mails, may ask of the vault. A part of the desk's contract.

The gateway holds messages for as long as an SMTP transaction lasts and nothing of anybody beside. It hands a message id
and an address in; the vault finds who that is, decides, records, and remembers the message before it may go out:

    begin        decided and recorded: it may go out to this one recipient
    hand_over    on disk: from now on the outcome is unknown until `ended`; said just before the smarthost gets the end
                 of the message, and nothing is sent without it
    ended        what the smarthost answered

Asked to begin what was handed over and never ended, the vault answers `unknown`: it may have gone out, and a second
one never does (docs/decisions/0070). Tokens in links and return addresses are sealed by the vault, say nothing to
anybody else, and hold for one person and one thing.
"""

from typing import Final, Literal, Protocol, TypedDict

State = Literal["go", "sent", "unknown"]
Outcome = Literal["sent", "not-now", "never"]
REMEMBERED: Final = 30 * 86_400_000  # ms that a message is remembered, so that its sender may try again


class Sending(TypedDict):
    """One message to one recipient. `state`: `go` ahead, `sent` already, `unknown` whether it was.

    `permit` names it in `hand_over` and `ended`. `out` is the token of its opt-out link, `back` that of its return
    address. Empty texts unless `state` is `go`.
    """

    state: str
    permit: str
    out: str
    back: str


class Link(TypedDict):
    """What the link in a message does. `done`: whether it stands so already."""

    kind: str  # `opt-out`, of all mail; `withdraw`, of one purpose; `confirm`, what somebody agreed to; `call-off`, a
    # change of contact; `stay`, a wish to be erased
    purpose: str  # in the policy's words; empty for `opt-out`
    done: bool


class Received(TypedDict):
    """What became of a mail that came in. `request`: the service request or rights request that it opened."""

    kind: str  # `question`, `stop`, `access`, `correct`, `erase`, `complaint`, `bounce`, `nothing`
    request: str | None


class Message(TypedDict):
    """A message as the console shows it: nothing of whom it went to."""

    at: int
    channel: str  # mail, post, phone
    purpose: str
    sender: str  # the application's or colleague's name, or the kind of a notice
    state: str  # handing, sent, not-now, never, bounced, refused; received: `sender` is the kind of what came in
    promises: list[str]
    reason: str


class Mailroom(Protocol):
    """See the module."""

    async def sender(self, name: str, password: str) -> str:
        """A session for an application that hands mail in. Raises `Denied`, `TooMany`."""

    async def begin(
        self, session: str, message: str, to: str, *, purpose: str | None = None, request: str | None = None
    ) -> Sending:
        """May this message go to this address? `message`: its Message-ID. Raises `Refused`, `CallError`, `Denied`.

        Without `purpose` it is the only one of the session's. With `request` the recipient is the person of that
        service request, held under this very address; without, whoever is held under it and may be reached.
        """

    async def hand_over(self, session: str, permit: str) -> None:
        """It is about to go out. Raises `Denied` where the permission has ended meanwhile."""

    async def ended(self, session: str, permit: str, outcome: str) -> None:
        """What came of it, an `Outcome`. After `not-now` it may begin anew."""

    async def link(self, token: str) -> Link:
        """What a link would do; changes nothing. Raises `Denied` for one that is not of this site."""

    async def follow(self, token: str, *, everything: bool = False) -> Link:
        """Do it. Effective when it returns. `everything`: by a link out of one purpose, out of all mail. Raises `Denied`."""

    async def returned(self, token: str, *, permanent: bool) -> Received:
        """A message came back undelivered to the return address with this token. Raises `Denied`."""

    async def received(self, message: str, sender: str, subject: str, text: str) -> Received:
        """A mail to the contact address. Who wrote it is not proved: it opens a request, stops mail, reads nothing."""
