"""What the operator may ask about newsletters. A part of the operator's contract."""

from typing import Final, Protocol, TypedDict

LONGEST: Final = 700 * 1024  # bytes of one


class Newsletter(TypedDict):
    """One newsletter, in numbers; nothing of anybody.

    `state`: sending, waiting (the smarthost takes nothing at the moment), sent, stopped. People `looked` at so far; of
    those: `sent` to; who had it `before`, under another id or before it was cut off; `unknown` whether they have it, who
    never get it by itself; `refused` by a promise; `elsewhere` in interest; `never` to be delivered; to be tried `later`.
    `reason`: why it waits or was stopped.
    """

    id: str
    purpose: str
    interest: str
    state: str
    looked: int
    sent: int
    before: int
    unknown: int
    refused: int
    elsewhere: int
    never: int
    later: int
    reason: str


class Mailing(Protocol):
    """See the module."""

    async def newsletter(self, content: str, purpose: str, *, interest: str | None = None) -> Newsletter:
        """Send a message (RFC 5322, base64) to all who agreed to a purpose of a mailing list, and state this interest
        where the purpose is news about one. Begun again with the same bytes it goes on where it was. Raises `Refused`,
        `BadValue`, `CallError` for one that has gone out.
        """

    async def newsletter_state(self, newsletter: str) -> Newsletter:
        """How far it is. Raises `CallError` for one that was not begun since the vault's start."""
