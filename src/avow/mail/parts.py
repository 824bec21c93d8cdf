"""What a message consists of: its parts, where the texts are that a person reads, and what must not be touched."""

import re
from base64 import encodebytes
from collections.abc import Iterator, Sequence
from email.errors import (
    InvalidMultipartContentTransferEncodingDefect,
    MultipartInvariantViolationDefect,
    NoBoundaryInMultipartDefect,
    StartBoundaryNotFoundDefect,
)  # fmt: skip
from email.generator import BytesGenerator
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from io import BytesIO
from quopri import encodestring
from typing import Any, Final, Literal

from avow.errors import BadValue
from avow.mail import footer
from avow.mail.fields import LINE, Field, decoded

MOST: Final = 200  # parts
DEEPEST: Final = 20  # parts within parts
_POLICY: Final = compat32.clone(linesep="\r\n", max_line_length=None)
_BOUNDARY: Final = re.compile(rb"boundary\*?\d*\*?[ \t]*=", re.IGNORECASE)  # as often as parts may be nested
_NESTED: Final = re.compile(rb"content-type[ \t]*:\s*message/", re.IGNORECASE)
_ENDLESS: Final = re.compile(  # the library takes the square of its length for the parameters of one field
    rb"content-(?:type|disposition)[ \t]*:(?:[^\n]|\n[ \t]){4000}", re.IGNORECASE
)
_BROKEN: Final = (
    NoBoundaryInMultipartDefect, StartBoundaryNotFoundDefect, MultipartInvariantViolationDefect,
    InvalidMultipartContentTransferEncodingDefect,
)  # fmt: skip
_UNTOUCHED: Final = frozenset({  # a changed byte breaks them (RFC 1847, RFC 8551)
    "multipart/signed", "multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime",
})  # fmt: skip
_TEXTS: Final = re.compile(
    r"text/.*|image/svg\+xml|application/(?:.*\+)?(?:json|xml|csv|rtf|javascript|x-yaml|yaml|sql|x-sh|ics)"
)
_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")  # with which UTF-16 begins
_CODED: Final = frozenset({"base64", "quoted-printable"})
Shown = Literal["text/plain", "text/html"]


class Tree:
    """A message's content. `body`: as it came. `eight_bit`: whether what goes out of it needs 8BITMIME."""

    def __init__(self, top: Message, body: bytes) -> None:
        self.body = body
        self._top = top
        self._shown: list[tuple[Message, Shown, bytes]] = []
        whole = top.get_content_type()
        if whole not in _UNTOUCHED:
            self._find(top)
        self.wrapped = not self._shown
        if not self.wrapped:
            _carry(top)
        self.eight_bit = not (body if self.wrapped else _flat(top)).isascii()
        if self.wrapped and any(len(line) > LINE for line in body.split(b"\r\n")):
            raise BadValue(f"a line is longer than {LINE} bytes; encode the content as base64 or quoted-printable")

    @classmethod
    def read(cls, fields: Sequence[Field], body: bytes) -> "Tree":
        """From the fields of the top and what follows them. Raises `BadValue`."""
        if many(body):
            raise BadValue("the message has too many parts within parts")
        head = b"".join(field.line() for field in fields if field.key.startswith(b"content-"))
        try:
            top = BytesParser(policy=_POLICY).parsebytes(head + b"\r\n" + body)
            parts = list(_walk(top))
            if any(isinstance(defect, _BROKEN) for part in parts for defect in part.defects):
                raise BadValue("its MIME structure is broken: a multipart without its boundary, or an encoded one")
            if any(map(_sealed, parts)):
                raise BadValue("a message within it is encoded as a whole, which nothing may be (RFC 2046, 5.2.1)")
            return cls(top, body)
        except BadValue:
            raise
        except Exception:  # noqa: BLE001 - the library fails in ways that it does not name; nothing passes then
            raise BadValue("its MIME structure cannot be read") from None

    def texts(self) -> Iterator[str]:
        """Every text in it, decoded; of every part its name."""
        for part in _walk(self._top):
            kind = part.get_content_type()
            if name := part.get_filename():
                yield decoded(str(name))
            if not part.is_multipart() and (_TEXTS.fullmatch(kind) or kind == "application/octet-stream"):
                data = content_of(part)
                if kind != "application/octet-stream" or b"\0" not in data[:4096] or data[:2] in _MARKS:
                    yield text_of(data, charset_of(part))

    def with_line(self, name: str, link: str) -> tuple[bytes, bytes] | None:
        """Content fields and body with the line in each text that a person may be shown; None where there is none."""
        if self.wrapped:
            return None
        for part, kind, data in self._shown:
            _put(part, kind, data, name, link)
        head, _, body = _flat(self._top).partition(b"\r\n\r\n")
        return head + b"\r\n", body

    def _find(self, part: Message) -> None:
        """The texts that are the message itself, not what is attached to it."""
        kind = part.get_content_type()
        if kind in _UNTOUCHED:
            return
        if part.is_multipart() and kind.startswith("multipart/"):
            within = inner(part)
            for each in within if kind == "multipart/alternative" else within[:1]:
                self._find(each)
        elif kind in ("text/plain", "text/html") and part.get_content_disposition() != "attachment":
            self._shown.append((part, "text/html" if kind == "text/html" else "text/plain", content_of(part)))


def many(raw: bytes, most: int = DEEPEST * 4) -> bool:
    """Whether parts may be nested so deep, or say so much of themselves, that reading them would take long; known
    without reading them.
    """
    return bool(_ENDLESS.search(raw)) or len(_BOUNDARY.findall(raw)) > most or len(_NESTED.findall(raw)) > most


def _sealed(part: Message) -> bool:
    """Whether it is a message whose own parts nobody sees who does not decode it first."""
    coding = str(part.get("content-transfer-encoding", "")).strip().lower()
    return part.get_content_maintype() == "message" and coding in _CODED


def _walk(part: Message) -> Iterator[Message]:
    """Every part. Raises `BadValue` where there are too many."""
    found = [(part, 0)]
    seen = 0
    while found:
        each, at = found.pop()
        seen += 1
        if seen > MOST or at > DEEPEST:
            raise BadValue(f"the message has more than {MOST} parts, or they are nested deeper than {DEEPEST}")
        yield each
        found += [(one, at + 1) for one in reversed(inner(each))]


def inner(part: Message) -> list[Message]:
    """The parts of a part."""
    given: Any = part.get_payload() if part.is_multipart() else []
    return [each for each in given if isinstance(each, Message)]


def _carry(part: Message) -> None:
    """Encode what a server without 8BITMIME would not take, or no server would: long lines, NUL, bytes above 127."""
    kind = part.get_content_type()
    if kind in _UNTOUCHED or kind.startswith("message/"):
        return
    if part.is_multipart():
        del part["content-transfer-encoding"]
        for each in inner(part):
            _carry(each)
        return
    given = str(part.get_payload())  # as it is encoded; bytes above 127 come as other characters, which are no ASCII
    fine = given.isascii() and "\0" not in given and all(len(line) <= LINE for line in given.splitlines())
    if not fine or str(part.get("content-transfer-encoding", "")).strip().lower() == "binary":
        _encode(part, content_of(part))


def _put(part: Message, kind: Shown, data: bytes, name: str, link: str) -> None:
    """Set a text part to what it was, with the line."""
    add = footer.within if kind == "text/html" else footer.below
    charset = charset_of(part)
    try:
        text = data.decode(charset)
        part.set_param("charset", "utf-8")
        after = add(text, name, link).encode("utf-8")
    except (LookupError, UnicodeError):  # what cannot be read stays as it is, and the line is ASCII
        plain = name.encode("ascii", "replace").decode()
        after = add(data.decode("latin-1"), plain, link).encode("latin-1")
    if kind == "text/html":
        after = re.sub(rb"(<meta\b[^<>]*\bcharset\s*=\s*[\"']?)[\w\-]+", rb"\1utf-8", after, flags=re.IGNORECASE)
    _encode(part, after, text=True)


def _encode(part: Message, data: bytes, *, text: bool = False) -> None:
    del part["content-transfer-encoding"]
    lines = re.sub(rb"\r\n|\r|\n", b"\r\n", data) if text else data
    if text and lines.isascii() and b"\0" not in lines and max(map(len, lines.split(b"\r\n"))) <= 78:
        part["Content-Transfer-Encoding"] = "7bit"
        part.set_payload(lines.decode("ascii"))
    elif text and sum(byte > 127 for byte in lines) * 6 < len(lines):
        part["Content-Transfer-Encoding"] = "quoted-printable"
        part.set_payload(encodestring(lines.replace(b"\r\n", b"\n")).decode("ascii"))
    else:
        part["Content-Transfer-Encoding"] = "base64"
        part.set_payload(encodebytes(lines).decode("ascii"))


def _flat(top: Message) -> bytes:
    out = BytesIO()
    BytesGenerator(out, mangle_from_=False, policy=_POLICY).flatten(top)
    return out.getvalue()


def content_of(part: Message) -> bytes:
    """What a part holds, decoded; nothing where it holds parts."""
    found: Any = part.get_payload(decode=True)
    return found if isinstance(found, bytes) else b""


def charset_of(part: Message) -> str:
    """As it says."""
    return part.get_content_charset() or "us-ascii"


def text_of(data: bytes, charset: str) -> str:
    """The text that it is, or most probably is."""
    if data[:2] in _MARKS:  # as spreadsheets write it, whatever is said of it
        return data.decode("utf-16", "replace")
    try:
        return data.decode(charset)
    except (LookupError, UnicodeError):
        try:
            return data.decode("utf-8")
        except UnicodeError:
            return data.decode("latin-1")
