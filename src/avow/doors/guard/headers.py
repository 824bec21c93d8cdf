"""The headers that every answer carries, made once from the policy.

After OWASP ASVS 5.0, chapter V3 (web frontend security): 3.3 cookies are `cookies`; 3.4.1 HSTS, 3.4.3 content security
policy, 3.4.4 nosniff, 3.4.5 referrer, 3.4.6 frame-ancestors, 3.4.8 opener are here.
"""

from collections.abc import Collection, Iterable
from typing import Final

Header = tuple[bytes, bytes]

HSTS: Final = (b"strict-transport-security", b"max-age=63072000; includeSubDomains")
NO_STORE: Final = (b"cache-control", b"no-store")
# each header costs a server as much as a look-up, so that each stands where it protects something
NOSNIFF: Final[Header] = (b"x-content-type-options", b"nosniff")
RESOURCE: Final[tuple[Header, ...]] = ((b"cross-origin-resource-policy", b"same-origin"),)
DOCUMENT: Final[tuple[Header, ...]] = (
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
SCRIPTED: Final[Header] = (  # what it governs needs scripts, or frames, which are not allowed anywhere
    b"permissions-policy",
    (
        b"accelerometer=(), attribution-reporting=(), browsing-topics=(), camera=(), display-capture=(), geolocation=(),"
        b" gyroscope=(), idle-detection=(), local-fonts=(), magnetometer=(), microphone=(), midi=(), payment=(),"
        b" serial=(), storage-access=(), usb=(), bluetooth=(), hid=()"
    ),
)
# types that a browser shows as no document, with nosniff beside them
NO_DOCUMENT: Final = (
    b"text/css", b"application/json", b"application/problem+json", b"text/javascript", b"application/javascript",
    b"font/", b"image/png", b"image/jpeg", b"image/webp", b"image/avif", b"image/gif", b"image/x-icon",
)  # fmt: skip
# never passed on: the guard's own, and what sends reports, hints or identifiers past the policy
TAKEN_OUT: Final = frozenset(
    {name for name, _ in (NOSNIFF, *RESOURCE, *DOCUMENT, SCRIPTED)}
    | {HSTS[0], b"set-cookie", b"set-cookie2"}
    | {b"report-to", b"reporting-endpoints", b"nel", b"accept-ch", b"critical-ch", b"refresh", b"link", b"x-powered-by"}
    | {b"content-security-policy-report-only", b"sourcemap", b"x-sourcemap", b"alt-svc", b"service-worker-allowed"}
)
# of those, what an application sets for a reason, and should be told of
TOLD: Final = frozenset({b"report-to", b"reporting-endpoints", b"nel", b"refresh", b"link", b"set-cookie2"})
VALIDATORS: Final = frozenset({b"etag", b"last-modified"})  # a browser sends them back: an identifier, if one wants
LOCAL_NAMES: Final = ("localhost", "127.0.0.1", "[::1]")


def local(name: str) -> bool:
    """Whether a host is this machine itself, which a browser trusts without TLS and keeps no HSTS for."""
    return name in LOCAL_NAMES or name.endswith(".localhost")


def content_security_policy(
    *, forms: Iterable[str], loads: Iterable[str], scripts: bool, upgrade: bool, styles: Iterable[str] = ()
) -> bytes:
    """Everything from the site itself alone: no script unless asked for, no frame, no plug-in.

    `forms` and `loads` are origins to which forms may be sent, and from which pages may load images, styles and fonts.
    An image may stand in the page itself, too, and a style whose hash is among `styles`.
    """
    where, to = " ".join(("'self'", *loads)), " ".join(("'self'", *forms))
    parts = [
        "default-src 'none'",
        f"img-src {where} data:",
        " ".join((f"style-src {where}", *styles)),
        f"font-src {where}",
        f"media-src {where}",
        "manifest-src 'self'",
        *(("script-src 'self'", "connect-src 'self'") if scripts else ()),
        f"form-action {to}",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        *(("upgrade-insecure-requests",) if upgrade else ()),  # not on this machine, which may be served without TLS
    ]
    return "; ".join(parts).encode("ascii")


def all_headers(csp: bytes, *, on_this_machine: bool, scripts: bool = False) -> list[Header]:
    """What is put on every document, caching apart."""
    own = [*DOCUMENT, (b"content-security-policy", csp), *([SCRIPTED] if scripts else [])]
    return [NOSNIFF, *own, *(() if on_this_machine else (HSTS,))]


def few_headers(*, on_this_machine: bool) -> list[Header]:
    """What is put on everything else."""
    return [NOSNIFF, *RESOURCE, *(() if on_this_machine else (HSTS,))]


def names_of(hosts: Collection[str]) -> dict[str, str]:
    """Host name without port -> the host as it was declared, with its port if it has one."""
    return {split_port(host.lower())[0]: host.lower() for host in hosts}


def split_port(host: str) -> tuple[str, str]:
    """`shop.example:8443` -> its two parts; an IPv6 address keeps its brackets."""
    name, colon, port = host.rpartition(":")
    return (name, port) if colon and "]" not in port else (host, "")
