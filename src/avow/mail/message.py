"""What goes out: any message, finished for one recipient (docs/decisions/0071).

    draft = Draft.read(raw)
    draft.finished("ada@quill.example", house, house.ways(out, back), now=now, random=os.urandom)

Nobody else's address is in it, nothing of the inner network, and no header of Avow's own. It carries the link by which
it stops, where a person sees it and where a mail program does (RFC 2369, RFC 8058). Pure: moment and dice are handed in.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.message import Message
from email.utils import format_datetime
from quopri import encodestring
from typing import Final

from avow.errors import BadValue
from avow.mail import address, footer
from avow.mail.fields import Field, decoded, one, portable, split
from avow.mail.fields import field as made
from avow.mail.parts import Tree
from avow.mail.signing import Signer

LINK: Final = "/out/"  # in the privacy centre, before a token
NO_CARD: Final = b"avow-no-card"
_OURS: Final = b"(Avow)"  # in the trace that we leave, by which a message that comes back is known
_READ: Final = (b"subject", b"comments", b"keywords", b"from", b"reply-to")  # by people
_ID: Final = re.compile(r"<[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\-]+@[A-Za-z0-9!#$%&'*+/=?^_`{|}~.:\[\]\-]+>")
_LONGEST_ID: Final = 250
# other recipients, traces of the inner network, what only the sender's own server may say, what we say ourselves, and
# signatures that no longer fit
_GONE: Final = re.compile(
    rb"to|cc|bcc|apparently-to|mail-followup-to|(?:original|alternate)-recipient|x-(?:to|cc|bcc|rcpt-to|recipients?)"
    rb"|x-(?:delivered|apparently)-to|avow-.*|resent-.*|received|return-path|delivered-to|envelope-to|errors-to|date|message-id"
    rb"|x-(?:originating|real|remote|client|sender|php-originating|forwarded|original|envelope|authenticated|source).*"
    rb"|authentication-results|received-spf|(?:x-google-)?dkim-signature|domainkey-signature|arc-.*|auto-submitted"
    rb"|list-(?:help|unsubscribe|unsubscribe-post|subscribe|post|owner|archive)|mime-version|content-.*"
)


@dataclass(frozen=True, slots=True)
class Ways:
    """For one message: `page` is the link by which mails stop, `mail` the same by mail (RFC 6068), `back` where it comes
    back to when it cannot be delivered.
    """

    page: str
    mail: str
    back: str


@dataclass(frozen=True, slots=True)
class House:
    """In whose name mails go out. `contact`: the controller's address; `centre`: the privacy centre's origin; `host`:
    the name of the machine that hands them on; `signer`: for DKIM, if there is a key.
    """

    name: str
    contact: str
    centre: str
    host: str
    signer: Signer | None = field(default=None, repr=False)

    def ways(self, out: str, back: str) -> Ways:
        """For the two tokens of a message."""
        return Ways(
            f"{self.centre}{LINK}{out}", f"mailto:out@{address.parts(self.contact)[1]}?subject={out}",
            address.returning(self.contact, back),
        )  # fmt: skip


class Draft:
    """A message as an application wrote it, looked through once, and finished for as many recipients as it has.

    `eight_bit`: whether it holds bytes that only a server with 8BITMIME takes (RFC 6152).
    """

    def __init__(self, fields: Sequence[Field], tree: Tree) -> None:
        self._fields = tuple(portable(one) for one in fields if not _GONE.fullmatch(one.key))
        self._given = fields
        self._tree = tree
        self.id = _message_id(fields)
        self.eight_bit = tree.eight_bit

    @classmethod
    def read(cls, message: bytes | Message) -> "Draft":
        """From its bytes, lines ending in CRLF, or from a message of the standard library's.

        Raises `BadValue` for what cannot be passed on as it was meant: no or several senders, fields that stand twice,
        control characters, malformed MIME, parts within parts without end. The reason repeats nothing of it.
        """
        raw = message if isinstance(message, bytes) else _written(message)
        fields, body = split(raw)
        if not one(fields, b"from"):
            raise BadValue("the message has no `From` field")
        if any(_OURS in line.value for line in fields if line.key == b"received"):
            raise BadValue("this message went out through here before; your mail server sends it back in a circle")
        return cls(fields, Tree.read(fields, body))

    def says(self, name: str) -> str | None:
        """The text of one of its fields, for example `Avow-Purpose`, or None. Raises `BadValue` for what is no text."""
        found = one(self._given, name.lower().encode())
        return None if found is None else decoded(found)

    def identified(self, contact: str, random: Callable[[int], bytes]) -> str:
        """Its Message-ID; one by chance, at the host of this address, where it has none, and the same from then on."""
        if not self.id:
            self.id = f"<{random(16).hex()}@{address.parts(contact)[1]}>"
        return self.id

    def texts(self) -> Iterator[str]:
        """Everything in it that is read as text: subject, text parts, attached texts, their names; decoded."""
        for each in self._given:
            if each.key in _READ:
                yield decoded(one([each], each.key) or "")
        yield from self._tree.texts()

    def marks(self) -> Iterator[str]:
        """Every other field that goes out, with its name, but for those that name mails and have long numbers in them."""
        for each in self._fields:
            if each.key not in (*_READ, b"in-reply-to", b"references"):
                yield f"{each.name.decode()}: {decoded(one([each], each.key) or '')}"

    def finished(
        self, to: str, house: House, ways: Ways, *, now: datetime, random: Callable[[int], bytes], automatic: bool = False
    ) -> bytes:  # fmt: skip
        """Exactly what goes out to this recipient, signed where the house signs. `automatic`: a notice, that no machine
        is to answer (RFC 3834). `now` is aware. Raises `BadValue` for what is no address.
        """
        address.checked(to)
        date = one(self._given, b"date") or format_datetime(now)
        head = [
            made("Received", f"by {house.host} {_OURS.decode()};\r\n {format_datetime(now)}"),
            *self._fields,
            made("To", to), made("Date", date), made("Message-ID", self.identified(house.contact, random)),
            made("List-Help", f"<{house.centre}/>"), made("List-Owner", f"<mailto:{house.contact}>"),
            made("List-Unsubscribe", f"<{ways.page}>,\r\n <{ways.mail}>"),
        ]  # fmt: skip
        if ways.page.startswith("https:"):  # RFC 8058, 3.1
            head.append(made("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
        if automatic or one(self._given, b"auto-submitted"):
            head.append(made("Auto-Submitted", "auto-generated"))
        head.append(made("MIME-Version", "1.0"))
        content, body = self._tree.with_line(house.name, ways.page) or self._wrapped(house.name, ways.page, random)
        whole = b"".join(field.line() for field in head) + content + b"\r\n" + body
        return house.signer.signed(whole) if house.signer else whole

    def _wrapped(self, name: str, link: str, random: Callable[[int], bytes]) -> tuple[bytes, bytes]:
        """The content as it came, byte by byte, and the line in a part of its own: for what is signed or encrypted, and
        what has no text.
        """
        mark = f"avow-{random(16).hex()}".encode()
        line = (
            encodestring(footer.in_text(name, link).lstrip().encode()).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        )
        inner = b"".join(field.line() for field in self._given if field.key.startswith(b"content-"))
        body = (
            b"--" + mark + b"\r\n" + inner + b"\r\n" + self._tree.body + b"\r\n--" + mark + b"\r\n"
            b"Content-Type: text/plain; charset=utf-8\r\nContent-Disposition: inline\r\n"
            b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + line + b"\r\n--" + mark + b"--\r\n"
        )  # fmt: skip
        return b'Content-Type: multipart/mixed; boundary="' + mark + b'"\r\n', body


def finished(
    message: bytes | Message, to: str, house: House, ways: Ways, *, now: datetime, random: Callable[[int], bytes],
    automatic: bool = False,
) -> bytes:  # fmt: skip
    """`Draft.read` and `Draft.finished`, for a message that has one recipient."""
    return Draft.read(message).finished(to, house, ways, now=now, random=random, automatic=automatic)


def _message_id(fields: Sequence[Field]) -> str:
    """The one that it came with; empty where there is none that can be kept."""
    found = one(fields, b"message-id") or ""
    if found and (len(found) > _LONGEST_ID or not _ID.fullmatch(found)):
        raise BadValue("the `Message-ID` is none; write `<name@host>`, or leave it away (RFC 5322, 3.6.4)")
    return found


def _written(message: Message) -> bytes:
    return message.as_bytes(policy=message.policy.clone(linesep="\r\n", max_line_length=78))
