"""What came in by mail, read as far as it can be: from whom, about what, in which words; or that a mail came back.

Whatever arrives is read, however broken, for a person may have meant something by it. Nothing of it is believed: who it
is from is what it says. Bounded in bytes, parts, depth and characters. Pure.
"""

import re
import unicodedata
from collections.abc import Iterator
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from email.utils import getaddresses
from html import unescape
from typing import Any, Final, NamedTuple

from avow.mail.address import is_address
from avow.mail.fields import decoded
from avow.mail.parts import DEEPEST, charset_of, content_of, inner, many, text_of

LONGEST: Final = 64 * 1024  # characters of the words
SUBJECT: Final = 400  # of the subject
_LOOKED: Final = 128 * 1024  # bytes of a mail that are read: words come first, and what is attached is not kept
_HEADER: Final = 64 * 1024  # bytes of a header that is read
_PARTS: Final = 50  # parts that are looked at
_WORDS: Final = 200_000  # bytes of a text that are looked at
_STATUS: Final = re.compile(r"\s*([245])\.\d{1,3}\.\d{1,3}")
_ATTRIBUTION: Final = re.compile(  # the line above a quotation
    r"(?:on .{5,200} wrote|(?:am|le|el|il) .{5,200}(?:schrieb|écrit|escribió|scritto).{0,100}):", re.IGNORECASE
)
_ORIGINAL: Final = re.compile(r"-{3,} ?original message ?-{3,}|_{20,}", re.IGNORECASE)  # from there on all is quoted
_TAG: Final = re.compile(  # each matches to the end where its own is missing
    r"<!--.*?(?:-->|\Z)|<(?P<raw>script|style)\b.*?(?:</(?P=raw)\s*>|\Z)"
    r"|<(?P<end>/?)(?P<tag>[a-z][a-z0-9]*)\b[^<>]*>|<[!?/][^<>]*>",
    re.IGNORECASE | re.DOTALL,
)
_MACHINE: Final = re.compile(r"bulk|junk|list|auto_reply", re.IGNORECASE)


class Came(NamedTuple):
    """A mail that came in. `sender`: whose it says it is; empty for a machine's. `returned`: it tells that a mail of
    ours was not delivered, for good or for now; None if it does not.
    """

    id: str
    sender: str
    subject: str
    words: str
    returned: bool | None

    @property
    def by_machine(self) -> bool:
        """Whether nobody wrote it."""
        return not self.sender


def read(raw: bytes, envelope_sender: str) -> Came:
    """Read it. `envelope_sender` is what the server that brought it said: empty, or `<>`, for what no machine answers."""
    raw = raw[:_LOOKED]
    from_envelope = envelope_sender if is_address(envelope_sender) else ""
    try:
        if many(raw, DEEPEST) or raw.find(b"\r\n\r\n", 0, _HEADER) < 0:
            raise ValueError
        top = BytesParser(policy=compat32).parsebytes(raw)
        parts = list(_first(top))
        machine = not from_envelope or _automatic(top)
        sender = "" if machine else _sender(top) or from_envelope
        words = _words(parts) or (_plain(str(top.get_payload())[:_WORDS]) if top.defects and not inner(top) else "")
        return Came(_line(top, "message-id"), sender, _line(top, "subject")[:SUBJECT], words, _returned(top, parts))
    except Exception:  # noqa: BLE001 - the library fails in ways that it does not name; somebody wrote all the same
        body = raw.partition(b"\r\n\r\n")[2]
        return Came("", from_envelope, "", _plain(body[:_WORDS].decode("utf-8", "replace")), None)


def _first(top: Message) -> Iterator[Message]:
    """The first parts, outermost first."""
    waiting, seen = [top], 0
    while waiting and seen < _PARTS:
        part = waiting.pop(0)
        seen += 1
        yield part
        if part.get_content_type() != "message/rfc822":  # a mail within is not this one
            waiting += inner(part)


def _line(top: Message, name: str) -> str:
    return _clean(decoded(str(top.get(name, "")))).strip()


def _clean(text: str) -> str:
    """Without controls and what is no character."""
    return "".join(" " if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") else char for char in text)


def _sender(top: Message) -> str:
    given: Any = top.get_all("from", [])
    found = [address for _, address in getaddresses([str(one) for one in given]) if is_address(address)]
    return found[0] if len(found) == 1 else ""


def _automatic(top: Message) -> bool:
    """RFC 3834, 5, and what programs say that do not know it."""
    said = str(top.get("auto-submitted", "no")).partition(";")[0].strip().lower()
    return said not in ("no", "") or bool(_MACHINE.search(str(top.get("precedence", "")))) or "x-autoreply" in top


def _words(parts: list[Message]) -> str:
    """The first plain text; where there is none, what the first page says."""
    for kind in ("text/plain", "text/html"):
        for part in parts:
            if (
                part.get_content_type() == kind
                and not part.is_multipart()
                and part.get_content_disposition() != "attachment"
            ):
                text = text_of(content_of(part)[:_WORDS], charset_of(part))
                return _plain(text if kind == "text/plain" else _told(text))
    return ""


def _plain(text: str) -> str:
    """The words of who wrote it, without the mail that they answer."""
    lines, all_of_it = [], text.splitlines()
    for number, line in enumerate(all_of_it):
        start = line.strip()[:300]
        if _ORIGINAL.fullmatch(start) and (start[0] == "-" or ":" in "".join(all_of_it[number + 1 : number + 2])[:20]):
            break
        if not start.startswith(">") and not _ATTRIBUTION.fullmatch(start):
            lines.append(_clean(line).rstrip())
    return "\n".join(lines).strip()[:LONGEST]


def _told(page: str) -> str:
    """What a page says, quotations left out, a line a block. In one pass: a parser that goes back at every tag without
    an end takes minutes for a page of nothing else.
    """
    told, silent, at = list[str](), 0, 0
    for found in _TAG.finditer(page):
        if not silent:
            told.append(unescape(page[at : found.start()]))
        at = found.end()
        tag = (found["tag"] or "").lower()
        if tag in ("blockquote", "head", "template"):
            silent = max(0, silent - 1) if found["end"] else silent + 1
        elif tag in ("p", "div", "br", "li", "tr", "h1", "h2", "h3") and not (silent or found["end"]):
            told.append("\n")
    return "".join(told) + ("" if silent else unescape(page[at:]))


def _returned(top: Message, parts: list[Message]) -> bool | None:
    """Whether it tells of a failure that stays (RFC 3464), or of one that may pass; None for none."""
    worst: bool | None = None
    for part in parts:
        if part.get_content_type() == "message/delivery-status":
            for block in inner(part):
                action, status = (
                    str(block.get("action", "")).strip().lower(),
                    _STATUS.match(str(block.get("status", ""))),
                )
                if action == "failed":
                    return status is None or status[1] == "5"
                if action == "delayed":
                    worst = False
    if "x-failed-recipients" in top:  # Exim, before it said so in RFC 3464's way
        return True
    return worst
