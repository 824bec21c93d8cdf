"""What comes in: is it for this site, over TLS, without people or cards in its address and headers?

`arrive` reads a request's headers once; `object_to` says what is wrong with it before its body is read.
"""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from avow.cards import Suspicion, suspicion
from avow.doors.guard.address import CARD
from avow.doors.guard.asgi import Scope
from avow.doors.guard.headers import local, split_port
from avow.doors.guard.report import Kind
from avow.doors.guard.setting import Setting

_READ: Final = frozenset(
    {b"cookie", b"sec-gpc", b"content-length", b"transfer-encoding", b"content-type", b"content-encoding",
     b"sec-fetch-site"}
)  # fmt: skip
# full of digits, and not written by a person; cookies are looked at as such
_UNREAD: Final = frozenset(
    {b"user-agent", b"accept", b"accept-language", b"accept-encoding", b"connection", b"cache-control", b"pragma",
     b"upgrade-insecure-requests", b"if-none-match", b"if-modified-since", b"range", b"te", b"priority", b"dnt",
     b"sec-fetch-mode", b"sec-fetch-dest", b"sec-fetch-user", b"sec-ch-ua", b"sec-ch-ua-mobile", b"sec-ch-ua-platform",
     b"sec-websocket-key", b"x-forwarded-for", b"traceparent", b"x-request-id"}
)  # fmt: skip
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_CERTAIN: Final = Suspicion.CERTAIN
AN_ADDRESS: Final = "an address"  # in place of a path that may not be told


class Objection(NamedTuple):
    """Why a request is refused: for the report, and for the person."""

    kind: Kind
    promises: tuple[str, ...]
    says: str
    status: int
    title: str
    text: str
    location: str = ""  # where to try instead


@dataclass(slots=True)
class Arrival:
    """A request's headers, as far as the guard cares."""

    host: str = ""  # the name, without port; empty where there is not exactly one
    on_this_machine: bool = False
    cookies: list[bytes] = field(default_factory=list)
    gpc: bool = False
    cross_site: bool = False
    length: bytes | None = None
    chunked: bool = False
    content_type: str = ""
    encoding: bytes = b""
    card: bool = False  # in some header


def arrive(scope: Scope) -> Arrival:
    """Read the headers."""
    here = Arrival()
    hosts = set()
    for name, value in scope["headers"]:
        if name in _UNREAD:
            continue
        if name == b"host" or name == b"x-forwarded-host":  # noqa: PLR1714 - in this order it costs nothing
            hosts.add(value)
        elif name in _READ:
            _note(here, name, value)
        elif len(value) > 11 and suspicion(value.decode("utf-8", "replace")) is _CERTAIN:
            here.card = True
    if len(hosts) == 1:
        here.host = split_port(hosts.pop().decode("latin-1").lower())[0]
        here.on_this_machine = local(here.host)
    return here


def _note(here: Arrival, name: bytes, value: bytes) -> None:
    match name:
        case b"cookie":
            here.cookies.append(value)
        case b"sec-gpc":
            here.gpc = value.strip() == b"1"
        case b"sec-fetch-site":
            here.cross_site = value == b"cross-site"
        case b"content-length":
            here.length = value
        case b"transfer-encoding":
            here.chunked = True
        case b"content-type":
            here.content_type = value.decode("latin-1")
        case _:
            here.encoding = value.strip().lower()


def has_body(scope: Scope, here: Arrival) -> bool:
    """Whether bytes may follow. Before HTTP/2 one of two headers says so; after, and with a test's client, none must."""
    if here.length is not None:
        return here.length != b"0"
    return here.chunked or scope["method"] not in _SAFE or scope.get("http_version", "2") not in ("1.0", "1.1")


def raw_path(scope: Scope) -> bytes:
    """The path as it came, still encoded."""
    raw: bytes | None = scope.get("raw_path")
    if raw is not None:
        return raw
    path: str = scope["path"]
    return path.encode("utf-8", "surrogateescape")


def place_of(scope: Scope, trouble: str) -> str:
    """Method and path for reports, fit for a log; no path where something stands in it that may not."""
    if trouble:
        return AN_ADDRESS
    path = raw_path(scope)[:200].decode("ascii", "backslashreplace")
    return f"{scope.get('method', 'WEBSOCKET')} {path if path.isprintable() else AN_ADDRESS}"


def object_to(setting: Setting, scope: Scope, here: Arrival, trouble: str) -> Objection | None:
    """The first thing that is wrong with a request, its body apart. `trouble` is what its address holds."""
    host = here.host
    if host not in setting.hosts:
        return Objection(
            "host", (), "a request for a host that is not this site's; refused", 400, "This is not the site you want",
            "The request names a host that this site does not answer for. Check the address.",
        )  # fmt: skip
    if trouble:
        return _private(setting, trouble)
    if scope["scheme"] in ("http", "ws") and host not in setting.plain:
        return _without_tls(setting, scope, host)
    if here.card:
        return Objection("card", setting.rules.cards, "a card number in a header; refused", *CARD_REFUSED)
    if scope.get("method") == "TRACE":
        return Objection("header", (), "a TRACE request; refused", 405, "Not here", "This site answers no TRACE.")
    return None


def _private(setting: Setting, trouble: str) -> Objection:
    says, title = f"{trouble} in an address; refused", "That address holds something private"
    if trouble == CARD:
        text = "The address holds a card number. You give yours to the payment company alone, on its own page."
        return Objection("card", setting.rules.cards, says, 400, title, text)
    text = f"The address holds {trouble}. Addresses end up in logs and histories: use the form on our pages instead."
    return Objection("address", (), says, 400, title, text)


CARD_REFUSED: Final = (
    422,
    "Please take the card number out",
    (
        "What was sent holds a card number. We never take card numbers here: you give yours to the payment company alone, on "
        "its own page. Nothing was kept. Go back, remove the number, and send the rest again."
    ),
)


def _without_tls(setting: Setting, scope: Scope, host: str) -> Objection:
    location = ""
    if scope.get("method") in ("GET", "HEAD"):
        query = scope.get("query_string", b"")
        location = f"https://{setting.hosts[host]}" + (raw_path(scope) + (b"?" + query if query else b"")).decode(
            "ascii"
        )
    return Objection(
        "tls", setting.rules.tls, "a request without TLS; " + ("sent to https" if location else "refused"),
        308 if location else 403, "Only over an encrypted connection",
        "This site is reached by https:// only, so that nobody on the way can read along. What you sent was not taken: "
        "open the page by https:// and send it again.",
        location,
    )  # fmt: skip
