"""Look at a page of HTML: where it leads, what it loads, whether the policy can be reached from it.

Pure. It walks through tags and attributes as a browser's tokenizer splits them, and through nothing else: text in
comments and scripts is looked at like the rest, which does no harm. Values are read as a browser reads them: entities
decoded, controls removed, backslashes turned (WHATWG HTML 13.2.5, URL 4.4).
"""

import html
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple
from urllib.parse import urlsplit

_TAG: Final = re.compile(
    rb"<(a|area|audio|base|button|embed|form|frame|iframe|image|img|input|link|meta|object|script|source|track|use|video)"
    rb"(?=[\s/>])",
    re.IGNORECASE,
)
_ATTRIBUTE: Final = re.compile(rb"""[\s/]*([^\s/>][^\s/>=]*)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s>"'][^\s>]*))?""")
_PLAINLY_LOCAL: Final = re.compile(rb"""["']?(?:(?:/(?![/\\\s])|[?#\w.])[\w\-./?=#~%+,@]*)?["']?""")
# in the value of some attribute, as it is written, something by which it may lead away: all that does has one of them.
# Without quotes it has to come within the length of a scheme. Each takes a time proportional to the page.
_AWAY: Final = re.compile(
    rb"""=[\x00-\x20]*+(?:"[^":\\&/]*+(?:/(?![\t\r\n]*/)[^":\\&/]*+)*+[:\\&/]"""
    rb"""|'[^':\\&/]*+(?:/(?![\t\r\n]*/)[^':\\&/]*+)*+[:\\&/]|[^\s>"'=:\\&]{0,8}[:\\&]|/[/\\])"""
)
_SCRIPT: Final = re.compile(rb"<[sS][cC][rR][iI][pP][tT]")
_REFRESH: Final = re.compile(r"^[\s\d.]*[;,]?\s*(?:url\s*=\s*)?[\"']?(.*?)[\"']?\s*$", re.IGNORECASE | re.DOTALL)
_PORTS: Final = {"http": 80, "https": 443}
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):")
_SQUEEZED: Final = re.compile(r"[\t\r\n]")
_LOADS: Final = {
    b"src": None, b"srcset": None, b"poster": None, b"data": frozenset({b"object"}), b"background": None, b"ping": None,
    b"href": frozenset({b"image", b"use", b"link", b"base"}), b"xlink:href": frozenset({b"image", b"use"}),
    b"imagesrcset": frozenset({b"link"}),
}  # fmt: skip
_SENDS: Final = frozenset({b"action", b"formaction"})
_NO_LOADS: Final = frozenset({"canonical", "alternate", "author", "license", "next", "prev", "help", "search", "me"})


_Attributes = list[tuple[bytes, int, int]]


class Away(NamedTuple):
    """Somewhere outside: an absolute URL, its origin and its host."""

    url: str
    origin: str
    host: str


@dataclass(frozen=True, slots=True)
class Page:
    """What a page holds. `links`: hrefs that lead away, each with where its value stands in the bytes."""

    links: tuple[tuple[Away, int, int, bool], ...]  # whether it is a refresh rather than a link
    loads: tuple[tuple[str, Away], ...]  # tag, and from where
    sends: tuple[Away, ...]  # of forms
    scripts: int  # written into the page
    local: frozenset[str]  # paths and URLs that its links lead to within the site, without query and fragment


def away(value: str, own: Collection[str]) -> Away | None:
    """Where a URL leads, if that is outside; None within the site, and for schemes that are no web page."""
    url = _SQUEEZED.sub("", value).strip("".join(map(chr, range(33))))
    scheme = _SCHEME.match(url)
    if scheme is not None:
        name = scheme[1].lower()
        if name not in ("http", "https"):
            return None
        rest = url[scheme.end() :]
    elif url[:2].replace("\\", "/") == "//":
        name, rest = "https", url
    else:
        return None
    path = re.search(r"[?#]", rest)
    turned = rest.replace("\\", "/") if path is None else rest[: path.start()].replace("\\", "/") + rest[path.start() :]
    url = f"{name}://{turned.lstrip('/')}"
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        origin = f"{name}://{host}" + (f":{parts.port}" if parts.port not in (None, _PORTS[name]) else "")
    except ValueError:  # no browser goes there either
        return Away(url, "", "a broken address")
    return None if origin in own or host in own else Away(url, origin, host)


def may_lead_away(page: bytes) -> bool:
    """False where `look` would find links to the site itself alone, and no script: found at a tenth of the cost."""
    written = (
        b":" in page
        or b"&" in page
        or b"//" in page
        or b"\\" in page
        or b"/\t" in page
        or b"/\n" in page
        or b"/\r" in page
    )
    return (written and _AWAY.search(page) is not None) or _SCRIPT.search(page) is not None


def look(page: bytes, own: Collection[str]) -> Page:
    """Look at a page. `own` has the site's origins and host names."""
    gathered = _Gathered(page, own)
    for tag, attributes in _tags(page):
        if tag == b"script" and not any(name == b"src" for name, _, _ in attributes):
            gathered.scripts += 1
        for name, start, end in attributes:
            raw = page[start:end]
            if not _PLAINLY_LOCAL.fullmatch(raw):
                gathered.take(tag, attributes, name, start, end)
            elif name == b"href":
                gathered.local.add(_bare(raw.strip(b"\"'").decode()))
    return gathered.page()


class _Gathered:
    """A page, while it is looked at."""

    def __init__(self, page: bytes, own: Collection[str]) -> None:
        self._page, self._own = page, own
        self.links: list[tuple[Away, int, int, bool]] = []
        self.loads: list[tuple[str, Away]] = []
        self.sends: list[Away] = []
        self.local: set[str] = set()
        self.scripts = 0

    def take(self, tag: bytes, attributes: _Attributes, name: bytes, start: int, end: int) -> None:
        """Look at one attribute that is not plainly local."""
        if tag in (b"a", b"area"):
            if name in (b"href", b"xlink:href"):
                self._link(start, end)
            elif name == b"ping":
                self._load(tag, name, start, end)
        elif name in _SENDS:
            self.sends.extend(self._away(_value(self._page[start:end])))
        elif tag == b"meta":
            if name == b"content" and _given(self._page, attributes, b"http-equiv").strip() == "refresh":
                self.links.extend((one, start, end, True) for one in self._away(_target(self._value(start, end))))
        elif _loads(tag, name) and (tag != b"link" or _is_load(self._page, attributes)):
            self._load(tag, name, start, end)

    def page(self) -> Page:
        """What was found."""
        return Page(tuple(self.links), tuple(self.loads), tuple(self.sends), self.scripts, frozenset(self.local))

    def _link(self, start: int, end: int) -> None:
        value = self._value(start, end)
        found = away(value, self._own)
        if found is None:
            self.local.add(_bare(value.strip()))
        else:
            self.links.append((found, start, end, False))

    def _load(self, tag: bytes, name: bytes, start: int, end: int) -> None:
        value = self._value(start, end)
        parts = value.split(",") if name.endswith(b"srcset") else [value]
        self.loads.extend((tag.decode(), one) for part in parts for one in self._away(part))

    def _value(self, start: int, end: int) -> str:
        return _value(self._page[start:end])

    def _away(self, value: str) -> tuple[Away, ...]:
        found = away(value, self._own)
        return () if found is None else (found,)


def rewritten(page: bytes, found: Page, way: Callable[[Away], str]) -> bytes:
    """The page with each link that leads away put over `way`."""
    out, done = [], 0
    for target, start, end, refresh in sorted(found.links, key=lambda link: link[1]):
        value = html.escape(("0; url=" if refresh else "") + way(target))
        out += [page[done:start], b'"', value.encode("ascii"), b'"']
        done = end
    return b"".join([*out, page[done:]])


def _tags(page: bytes) -> Iterator[tuple[bytes, _Attributes]]:
    """The tags that may lead anywhere, with their attributes and where the values stand, quotes included."""
    at = 0
    while (tag := _TAG.search(page, at)) is not None:  # from where the last one ended: what stands in it is its own
        at = tag.end()
        attributes = []
        while (found := _ATTRIBUTE.match(page, at)) is not None:
            at = found.end()
            if found[2] is not None:
                attributes.append((found[1].lower(), found.start(2), at))
        yield tag[1].lower(), attributes


def _loads(tag: bytes, name: bytes) -> bool:
    """Whether the browser fetches what this attribute names."""
    tags = _LOADS.get(name, frozenset())
    return tags is None or tag in tags


def _value(raw: bytes) -> str:
    text = raw.decode("utf-8", "replace")
    return html.unescape(text[1:-1] if text[:1] in ('"', "'") else text)


def _bare(url: str) -> str:
    return re.split(r"[?#]", url, maxsplit=1)[0]


def _target(content: str) -> str:
    found = _REFRESH.match(content)
    return found[1] if found else ""


def _given(page: bytes, attributes: _Attributes, wanted: bytes) -> str:
    return next((_value(page[start:end]).lower() for name, start, end in attributes if name == wanted), "")


def _is_load(page: bytes, attributes: _Attributes) -> bool:
    """Whether a `link` makes the browser fetch or look up something."""
    return not set(_given(page, attributes, b"rel").split()) <= _NO_LOADS
