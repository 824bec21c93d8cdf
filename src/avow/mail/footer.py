"""The line with which every mail ends: who writes, and the link by which it stops."""

import re
from html import escape
from html.parser import HTMLParser
from typing import Final

_END: Final = re.compile(r"</body\s*>|</html\s*>", re.IGNORECASE)
_START: Final = re.compile(r"<body\b[^>]*>|<html\b[^>]*>", re.IGNORECASE)

_UNSEEN: Final = frozenset({  # in which a link is not shown, not for everybody, or is no link
    "template", "title", "textarea", "noscript", "select", "xmp", "plaintext", "iframe", "noembed", "noframes", "object",
    "audio", "video", "canvas", "svg", "math", "dialog", "details",
})  # fmt: skip


def in_text(name: str, link: str) -> str:
    """As it stands below a text. The two dashes tell mail programs that what follows is no part of it (RFC 3676, 4.3)."""
    return f"\r\n\r\n-- \r\nThis mail is from {name}. Do you want no more of them? Stop them here:\r\n{link}\r\n"


def below(text: str, name: str, link: str) -> str:
    """A text with it."""
    return text.rstrip("\r\n") + in_text(name, link)


def in_html(name: str, link: str) -> str:
    """As it stands in a page: a landmark of its own, in dark on light, in words that say what the link does."""
    return (
        '<div role="contentinfo" lang="en" style="clear:both;margin:24px 0 0;padding:8px;background:#ffffff;'
        'color:#1a1a1a;font:14px/1.5 sans-serif;text-align:left">'
        f"<p>This mail is from {escape(name)}. "
        f'<a href="{escape(link, quote=True)}" style="color:#0b4f9e;text-decoration:underline">'
        f"Stop all mails from {escape(name)}</a>.</p></div>"
    )


def within(page: str, name: str, link: str) -> str:
    """A page with it at its end; at its start where the end is inside of a comment, a script or a style."""
    line = in_html(name, link)
    ends = list(_END.finditer(page))
    at = ends[-1].start() if ends else len(page)
    if (
        ends
        and ends[-1].group().lower().startswith("</html")
        and len(ends) > 1
        and ends[-2].group().lower()[2:6] == "body"
    ):
        at = ends[-2].start()
    made = page[:at] + line + page[at:]
    if _shows(made, link):
        return made
    start = _START.search(page)
    at = start.end() if start else 0
    made = page[:at] + line + page[at:]
    return made if _shows(made, link) else line + page


def _shows(page: str, link: str) -> bool:
    reader = _Links()
    reader.feed(page)
    return link in reader.found


class _Links(HTMLParser):
    """Where a page's links lead, those in comments and scripts left out."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str | None] = set()
        self._inert = 0  # depth of elements that are never shown

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A start tag."""
        if tag in _UNSEEN:
            self._inert += 1
        if tag == "a" and not self._inert:
            self.found.add(dict(attrs).get("href"))

    def handle_endtag(self, tag: str) -> None:
        """An end tag."""
        if tag in _UNSEEN and self._inert:
            self._inert -= 1
