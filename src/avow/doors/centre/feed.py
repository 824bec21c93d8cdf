"""The versions of a policy as an Atom feed (RFC 4287). Pure; the same versions give the same bytes."""

import re
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple
from xml.etree import ElementTree as ET

MEDIA: Final = "application/atom+xml"
_ATOM: Final = "http://www.w3.org/2005/Atom"
_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2: none of Char


class Entry(NamedTuple):
    """One version: its digest (hexadecimal), its title, when it was published (ms), and what it changes, in plain text."""

    digest: str
    title: str
    published: int
    says: str


def atom(origin: str, title: str, author: str, entries: Sequence[Entry]) -> bytes:
    """The feed of the site whose centre is at `origin` (without a slash at the end); `entries` newest first, one at least.

    An entry is named by its digest (RFC 6920), so that it stays itself wherever the centre moves, and does not change: a
    version's day is in its title from the beginning, and nothing is said of it anew when the day comes.
    """
    feed = ET.Element("feed", {"xmlns": _ATOM, "xml:lang": "en"})
    _put(feed, "id", f"{origin}/changes.atom")
    _put(feed, "title", title)
    _put(feed, "updated", _moment(max(one.published for one in entries)))
    _put(ET.SubElement(feed, "author"), "name", author)
    ET.SubElement(feed, "link", {"rel": "self", "type": MEDIA, "href": f"{origin}/changes.atom"})
    ET.SubElement(feed, "link", {"rel": "alternate", "type": "text/html", "href": f"{origin}/changes"})
    for one in entries:
        entry = ET.SubElement(feed, "entry")
        _put(entry, "id", named(one.digest))
        _put(entry, "title", one.title)
        _put(entry, "published", _moment(one.published))
        _put(entry, "updated", _moment(one.published))
        address = f"{origin}/changes/{one.digest}"
        ET.SubElement(entry, "link", {"rel": "alternate", "type": "text/html", "href": address})
        ET.SubElement(entry, "summary", {"type": "text"}).text = _NO_XML.sub("", one.says)
    made: bytes = ET.tostring(feed, encoding="utf-8", xml_declaration=True)
    return made + b"\n"


def named(digest: str) -> str:
    """The URI of something with this SHA-256 digest (hexadecimal), wherever it is: RFC 6920, 3."""
    return f"ni:///sha-256;{urlsafe_b64encode(bytes.fromhex(digest)).rstrip(b'=').decode()}"


def _put(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, name).text = _NO_XML.sub("", text)


def _moment(milliseconds: int) -> str:
    """RFC 3339."""
    at = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03}Z"
