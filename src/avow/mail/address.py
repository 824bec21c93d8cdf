"""Mail addresses, strictly: what cannot be written into a header or a command as it stands is no address."""

import re
import unicodedata
from typing import Final

from avow.errors import BadValue

LONGEST: Final = 254  # octets of an address (RFC 5321, 4.5.3.1.3, less the brackets)
LONGEST_LOCAL: Final = 64  # octets before the `@` (4.5.3.1.1)
_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-\u00a1-\U0010ffff]+"
_QUOTED: Final = r'"(?:[\x20\x21\x23-\x5b\x5d-\x7e\u00a1-\U0010ffff]|\\[\x20-\x7e])*"'
_LABEL: Final = r"[A-Za-z0-9\u00a1-\U0010ffff](?:[A-Za-z0-9\-\u00a1-\U0010ffff]{0,61}[A-Za-z0-9\u00a1-\U0010ffff])?"
_ADDRESS: Final = re.compile(rf"({_ATOM}(?:\.{_ATOM})*|{_QUOTED})@({_LABEL}(?:\.{_LABEL})*)")


def is_address(text: str) -> bool:
    """Whether this is one mailbox (RFC 5321, 4.1.2, with RFC 6531), by name of its host: no route, no group, no literal."""
    found = _ADDRESS.fullmatch(text)
    return (
        found is not None
        and len(text.encode("utf-8", "surrogatepass")) <= LONGEST
        and len(found[1].encode("utf-8", "surrogatepass")) <= LONGEST_LOCAL
        and (text.isascii() or not any(unicodedata.category(char)[0] in "CZ" for char in text))
    )


def checked(text: str) -> str:
    """The address. Raises `BadValue` for what is none, without repeating it."""
    if not is_address(text):
        raise BadValue("this is no mail address; say one mailbox, as name@host.example")
    return text


def parts(address: str) -> tuple[str, str]:
    """What stands before and after the last `@`."""
    local, _, domain = address.rpartition("@")
    return local, domain


def returning(contact: str, token: str) -> str:
    """The address at the host of `contact` that a message with this token comes back to."""
    return f"back+{token}@{parts(contact)[1]}"


def token_of(address: str) -> str:
    """The token of such an address; empty for any other."""
    kind, _, token = parts(address)[0].partition("+")
    return token if kind.lower() == "back" else ""


def same(one: str, other: str) -> bool:
    """Whether two addresses are written alike, capitals aside; for addresses of our own only."""
    return one.lower() == other.lower()
