"""Hold the cookies that an application sets to what the policy declares, and show it only those.

Pure. The application sets and reads a cookie by its declared name; the browser knows it under a prefixed one
(`Declared.sent`), which it keeps only if it is Secure and, for `__Host-`, has no Domain and the path `/` (RFC 6265bis,
4.1.3). A cookie of any other name never reaches the application.
"""

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, NamedTuple

from avow.doors.guard.opaque import opaque
from avow.doors.guard.rules import Declared, Rules

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_NUMBER: Final = re.compile(r"-?[0-9]{1,18}")
_GONE: Final = "Thu, 01 Jan 1970 00:00:00 GMT"


class Finding(NamedTuple):
    """What is wrong with a cookie: the promises, and words without its value."""

    promises: tuple[str, ...]
    says: str


class Set(NamedTuple):
    """One Set-Cookie header, taken apart. Attribute names are in small letters; of a double one the last counts."""

    name: str
    value: str
    attributes: Mapping[str, str]


class Asked(NamedTuple):
    """What a request brings to the question whether a cookie may be set."""

    path: str
    facts: AbstractSet[object]  # the application's: conditions of the policy that it has found to hold
    held: AbstractSet[str]  # declared names of the cookies that the browser sent
    gpc: bool
    now: datetime


def under(path: str, declared: Sequence[str]) -> bool:
    """Whether a path lies under one of these (RFC 6265, 5.1.4)."""
    return any(one in (path, "/") or path.startswith(one if one.endswith("/") else one + "/") for one in declared)


def read_set(header: bytes) -> Set | None:
    """Take a Set-Cookie header apart; None for what no browser would keep, or what is more than one header."""
    text = header.decode("latin-1")
    if _CONTROL.search(text):
        return None
    pair, *rest = text.split(";")
    name, equals, value = (part.strip() for part in pair.partition("="))
    if not equals or not name:
        return None
    attributes = {}
    for part in rest:
        key, _, given = (piece.strip() for piece in part.partition("="))
        attributes[key.lower()] = given
    return Set(name, value.strip('"'), attributes)


def hold(rules: Rules, header: bytes, asked: Asked) -> tuple[list[bytes], list[Finding]]:
    """The headers to send in place of one that the application gave, and what was wrong with it.

    None are sent where the cookie is not declared, on no declared path, not opaque, or not to be set now. One that goes
    too far in path, time or flags is brought back to what is declared.
    """
    wish = read_set(header)
    if wish is None:
        return [], [Finding(rules.undeclared_cookie, "a Set-Cookie header that is none; removed")]
    declared = rules.cookies.get(wish.name) or _by_sent_name(rules, wish.name)
    if declared is None:
        return [], [Finding(rules.undeclared_cookie, "a cookie that the policy does not declare; removed")]
    about = declared.promises
    which = f"the cookie `{declared.name}`"
    if _ends(wish, asked.now):
        return _headers(declared, "", declared.paths, f"Max-Age=0; Expires={_GONE}"), []
    if reason := _refusal(declared, wish.value, asked):
        return [], [Finding(about, f"{which} {reason}; removed")]
    paths, path_fault = _paths(declared, wish)
    life, life_fault = _life(declared, wish, asked.now)
    faults = [path_fault, life_fault, _flag_fault(wish)]
    return _headers(
        declared, wish.value, paths, life, strict=wish.attributes.get("samesite", "").lower() == "strict"
    ), [Finding(about, f"{which} {fault}") for fault in faults if fault]


def _by_sent_name(rules: Rules, name: str) -> Declared | None:
    return next((one for one in rules.cookies.values() if one.sent == name), None)


def _refusal(declared: Declared, value: str, asked: Asked) -> str:
    """Why the cookie may not be set at all, in words; empty if it may."""
    if not under(asked.path, declared.paths):
        return "is set outside its declared paths"
    if asked.gpc and not declared.needed:
        return "is not strictly needed, and the browser sent Sec-GPC"
    facts = asked.facts | {"on-path"}
    if not declared.needs <= facts:
        return f"is set without {', '.join(sorted(declared.needs - facts))}"
    for unless in declared.nevers:
        if not any(alternative <= facts for alternative in unless):
            wanted = " or ".join(sorted({need for alternative in unless for need in alternative}))
            return f"is set without {wanted}" if wanted else "is never to be set for its purpose"
    if declared.lifetime is not None and (declared.needs or any(declared.nevers)) and declared.name in asked.held:
        return "is held already, and its time is never extended"
    return "" if opaque(value) else "does not hold an opaque random token"


def _paths(declared: Declared, wish: Set) -> tuple[Sequence[str], str]:
    """The Path attributes to send. One that is left out, or too wide, becomes all the declared ones."""
    path = wish.attributes.get("path", "")
    if declared.sent.startswith("__Host-"):
        return ("/",), "had a narrower path than its prefix allows; widened to `/`" if path not in ("", "/") else ""
    if path.startswith("/") and under(path, declared.paths):
        return (path,), ""
    return declared.paths, "had a wider path than declared; narrowed" if path else ""


def _life(declared: Declared, wish: Set, now: datetime) -> tuple[str, str]:
    """The Max-Age to send, and what was wrong with the one that was wished for."""
    wished = _seconds(wish, now)
    if wished is None:
        return "", ""
    if declared.lifetime is None:
        return "", "was to outlive the browser's session; made to end with it"
    most = int(declared.lifetime.total_seconds())
    return f"Max-Age={min(wished, most)}", "was to live longer than declared; shortened" if wished > most else ""


def _seconds(wish: Set, now: datetime) -> int | None:
    """How long it was to live; None: until the browser closes. Max-Age goes before Expires (RFC 6265, 4.1.2.2)."""
    if (age := wish.attributes.get("max-age")) is not None and _NUMBER.fullmatch(age):
        return int(age)
    if (expires := wish.attributes.get("expires")) is not None:
        try:
            moment = parsedate_to_datetime(expires)
        except ValueError:
            return None
        return int((moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds())
    return None


def _ends(wish: Set, now: datetime) -> bool:
    """Whether the header removes the cookie. That is always allowed."""
    seconds = _seconds(wish, now)
    return seconds is not None and seconds <= 0


def _flag_fault(wish: Set) -> str:
    """Which flags were left out, in words; they are set whatever was wished for."""
    given = wish.attributes
    missing = [flag for flag in ("Secure", "HttpOnly") if flag.lower() not in given]
    if given.get("samesite", "").lower() not in ("lax", "strict"):
        missing.append("SameSite")
    if given.get("domain"):
        missing.append("a host of its own")
    return f"was set without {', '.join(missing)}; added" if missing else ""


def _headers(declared: Declared, value: str, paths: Sequence[str], life: str, *, strict: bool = False) -> list[bytes]:
    life = f"; {life}" if life else ""
    same = "Strict" if strict else "Lax"
    return [
        f"{declared.sent}={value}; Path={path}{life}; Secure; HttpOnly; SameSite={same}".encode("latin-1")
        for path in paths
    ]


def show(rules: Rules, headers: Sequence[bytes], *, gpc: bool) -> tuple[bytes, frozenset[str]]:
    """The Cookie header that the application may see, under declared names, and those names.

    What is not declared is left out; of a double one the first counts, which a browser sends for the longest path; one
    that is not strictly needed is left out under Sec-GPC.
    """
    seen: dict[str, str] = {}
    by_sent = {one.sent: one for one in rules.cookies.values() if one.needed or not gpc}
    for header in headers:
        for part in header.decode("latin-1").split(";"):
            name, _, value = part.strip().partition("=")
            declared = by_sent.get(name)
            if declared is not None and opaque(value):
                seen.setdefault(declared.name, value)
    return "; ".join(f"{name}={value}" for name, value in seen.items()).encode("latin-1"), frozenset(seen)
