"""What the gateway answers: a code, an enhanced code (RFC 3463), and a sentence for whoever reads the log of the sender.

No reply holds an address or anything of a message. docs/mail.md lists them.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from avow.errors import BadValue, CallError, Denied, Refused, TooMany, Unavailable

LONGEST: Final = 450  # characters; a line of a reply has 512 octets (RFC 5321, 4.5.3.1.5)
_WRITABLE: Final = re.compile(r"[^\x20-\x7e]+")
_USUAL: Final = {
    "211": "2.0.0", "214": "2.0.0", "221": "2.0.0", "250": "2.0.0", "252": "2.5.1", "421": "4.3.2", "451": "4.3.0",
    "452": "4.3.1", "454": "4.7.0", "500": "5.5.2", "501": "5.5.4", "502": "5.5.1", "503": "5.5.1", "504": "5.5.4",
    "530": "5.7.0", "535": "5.7.8", "538": "5.7.11", "550": "5.7.1", "552": "5.3.4", "553": "5.1.3", "554": "5.6.0",
    "555": "5.5.4",
}  # fmt: skip
_PLAIN: Final = re.compile(r"([245]\d\d)([ -])(?!\d\.\d{1,3}\.\d{1,3} )(.*)", re.DOTALL)


class Reply(NamedTuple):
    """One reply to a command or message."""

    code: int
    status: str
    text: str

    def line(self) -> str:
        """As it is sent, without its end."""
        return f"{self.code} {self.status} {_WRITABLE.sub(' ', self.text)[:LONGEST]}"


SENT: Final = Reply(250, "2.0.0", "the smarthost has it")
BEFORE: Final = Reply(250, "2.0.0", "this message went out before; it is not sent again")
UNKNOWN: Final = Reply(
    554, "5.4.0", "this message may have gone out: the smarthost, or this gateway, fell silent while it was handed over. "
    "It is not sent again by itself; find out, and send a new message if need be"
)  # fmt: skip
TAKEN: Final = Reply(250, "2.0.0", "taken in")
NO_RELAY: Final = Reply(
    550, "5.7.1", "nothing is passed on for strangers: sign in (AUTH after STARTTLS), or write to an address of ours"
)
NOBODY: Final = Reply(550, "5.1.1", "there is no such address here")
BAD_ADDRESS: Final = Reply(
    553, "5.1.3", "this is no address that mail can go to: say one mailbox, as <name@host.example>"
)
MANY: Final = Reply(452, "4.5.3", "too many recipients at once; send the message again for the others")
SIGN_IN: Final = Reply(
    535, "5.7.8", "user and password do not fit; the user is NAME@SITE, as `avow sender add` was told"
)
SESSION_ENDED: Final = Reply(421, "4.7.0", "the session has ended; connect and sign in again")
BUSY: Final = Reply(452, "4.3.1", "there is too much under way here; try again in a minute")
FAILED: Final = Reply(451, "4.3.0", "something failed here, and nothing was sent; try again later")
BARE: Final = Reply(554, "5.6.0", "the content holds a CR or LF by itself; lines end in CRLF (RFC 5321, 2.3.8)")
TOO_LARGE: Final = Reply(552, "5.3.4", "the message is too large")
CARD: Final = Reply(
    550, "5.7.1", "this holds a payment card's number, which no mail may carry; take it out"
)  # fmt: skip
PERHAPS_CARD: Final = Reply(
    550, "5.7.1", "this holds what could be a payment card's number; take it out, or say by the header `Avow-No-Card: yes` "
    "that it is none"
)  # fmt: skip


def refused(error: Refused) -> Reply:
    """Of a recipient: which promises refuse, and why."""
    return Reply(550, "5.7.1", f"refused by {', '.join(error.promises) or 'default deny'}: {error.reason}")


def of(error: Exception) -> Reply:
    """What an error of the vault's comes to. Its message holds nothing of anybody."""
    for kind, reply in _OF:
        if isinstance(error, kind):
            return reply if isinstance(reply, Reply) else reply(error)
    return FAILED


_OF: Final[tuple[tuple[type[Exception], Reply | Callable[[Any], Reply]], ...]] = (  # the first that fits
    (Refused, refused),
    (Denied, SESSION_ENDED),
    (TooMany, lambda error: Reply(451, "4.7.1", str(error))),
    (BadValue, lambda error: Reply(554, "5.6.0", str(error))),
    (CallError, lambda error: Reply(554, "5.5.4", str(error))),
    (Unavailable, Reply(451, "4.3.0", "the vault does not answer; try again later")),
)


def worst(replies: Sequence[Reply]) -> Reply:
    """The one reply to a message to several recipients: later before never before sent, and for whom (by number)."""
    order = sorted(replies, key=lambda one: (one.code // 100 != 4, one.code // 100 != 5))
    chosen = order[0]
    if len(replies) == 1 or chosen.code < 400:
        return chosen
    whom = [str(number) for number, one in enumerate(replies, 1) if one[:2] == chosen[:2]]
    which = f"recipient{'s' if len(whom) > 1 else ''} {', '.join(whom[:20])} of {len(replies)}"
    return chosen._replace(text=f"{which}: {chosen.text}")


def enhanced(line: str) -> str:
    """A reply of the library's with an enhanced code, and without what the other side said."""
    found = _PLAIN.fullmatch(line)
    if found is None or found[1] not in _USUAL:
        return line
    said = re.sub(r'command "[^"]*"', "this command", found[3]).removeprefix("Error: ")
    return f"{found[1]}{found[2]}{_USUAL[found[1]]} {said}"
