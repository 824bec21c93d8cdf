"""The header of a message as bytes, field by field: kept as it came, never parsed further than is needed.

The standard library's own handling of headers splits lines at characters that no mail server takes for line ends, and
fails in many ways on what is malformed; so a header is checked and put together here, and read by it in small pieces.
"""

import re
from collections.abc import Iterable, Iterator
from email.errors import HeaderParseError
from email.header import Header, decode_header, make_header
from email.utils import formataddr, getaddresses
from typing import Final, NamedTuple

from avow.errors import BadValue

MOST: Final = 500  # fields
LONGEST: Final = 64 * 1024  # bytes of all of them
LINE: Final = 998  # octets of a line without its end (RFC 5322, 2.1.1)
_FIELD: Final = re.compile(rb"([\x21-\x39\x3b-\x7e]+)[ \t]*:(.*(?:\r\n[ \t].*)*)\r\n")
_FORBIDDEN: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|(?<!\r)\n")
_BREAKS: Final = re.compile("[\x80-\x9f\u2028\u2029]")  # line ends to some readers, and controls
_SINGLE: Final = frozenset({
    b"from", b"sender", b"reply-to", b"to", b"cc", b"bcc", b"message-id", b"in-reply-to", b"references", b"subject",
    b"date", b"content-type", b"content-transfer-encoding", b"mime-version", b"avow-purpose", b"avow-request",
})  # fmt: skip
_ADDRESSES: Final = frozenset({b"from", b"sender", b"reply-to"})


class Field(NamedTuple):
    """One field. `value` is all after the colon, folds in it, without the last line end."""

    name: bytes
    value: bytes

    @property
    def key(self) -> bytes:
        """Its name as it is compared."""
        return self.name.lower()

    def line(self) -> bytes:
        """As it is written."""
        return self.name + b":" + self.value + b"\r\n"


def split(raw: bytes) -> tuple[list[Field], bytes]:
    """The fields of a message and its body. Raises `BadValue` for what is no header, says something twice that may be
    said once, or is too long; the reason repeats nothing of it.
    """
    if raw.startswith(b"\r\n"):
        raise BadValue("the message has no header")
    end = raw.find(b"\r\n\r\n")
    head, body = (raw[: end + 2], raw[end + 4 :]) if end >= 0 else (raw + b"\r\n" * (not raw.endswith(b"\r\n")), b"")
    if len(head) > LONGEST:
        raise BadValue("the header is longer than 64 kB")
    if _FORBIDDEN.search(head):
        raise BadValue("the header holds a control character or a bare CR or LF")
    unfolded(head)
    fields = list(_fields(head))
    seen = [field.key for field in fields]
    if len(fields) > MOST:
        raise BadValue(f"the header has more than {MOST} fields")
    for name in _SINGLE:
        if seen.count(name) > 1:
            raise BadValue(f"the header has more than one `{name.decode()}` field (RFC 5322, 3.6)")
    return fields, body


def _fields(head: bytes) -> Iterator[Field]:
    at = 0
    while at < len(head):
        found = _FIELD.match(head, at)
        if found is None:
            raise BadValue("a line of the header is no field; write `Name: value`")
        yield Field(found[1], found[2])
        at = found.end()


def one(fields: Iterable[Field], name: bytes) -> str | None:
    """The text of a field, unfolded; None where there is none. Raises `BadValue` where its bytes are no text."""
    for field in fields:
        if field.key == name:
            return unfolded(field.value)
    return None


def unfolded(value: bytes) -> str:
    """A field's value as one line (RFC 5322, 2.2.3; RFC 6532). Raises `BadValue`."""
    try:
        text = value.replace(b"\r\n", b"").decode("utf-8").strip()
    except UnicodeDecodeError:
        raise BadValue("a field of the header is neither ASCII nor UTF-8") from None
    if _BREAKS.search(text):
        raise BadValue("the header holds a control character")
    return text


def decoded(text: str) -> str:
    """With its encoded words read (RFC 2047); as it is where they cannot be."""
    try:
        return str(make_header(decode_header(text)))
    except (HeaderParseError, LookupError, UnicodeError, ValueError):
        return text


def field(name: str, value: str) -> Field:
    """A field of our own. `value` may hold folds, and must be ASCII but for addresses."""
    return Field(name.encode("ascii"), b" " + value.encode("utf-8"))


def portable(given: Field) -> Field:
    """The field such that any server passes it: UTF-8 as encoded words, and no line longer than `LINE`.

    Addresses stay as they are: where one is not ASCII, only a server with SMTPUTF8 takes the message.
    """
    lines = given.value.split(b"\r\n")
    if given.value.isascii() and all(len(line) <= LINE - len(given.name) - 1 for line in lines):
        return given
    text = unfolded(given.value)
    if given.key in _ADDRESSES:
        try:
            pairs = getaddresses([text])
        except RecursionError:
            raise BadValue("the comments in an address field are nested too deep") from None
        try:
            return field(given.name.decode(), ",\r\n ".join(formataddr(pair) for pair in pairs))
        except UnicodeError:  # a name beside an address that is not ASCII: the name goes
            return field(given.name.decode(), ",\r\n ".join(address for _, address in pairs))
    shown = Header(text, "utf-8" if not text.isascii() else "us-ascii", header_name=given.name.decode())
    return field(given.name.decode(), shown.encode(linesep="\r\n", maxlinelen=76))
