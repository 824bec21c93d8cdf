"""The caller's words in a message: a word that is no name may be a personal value, so it is not repeated."""

import re
from collections.abc import Iterable
from typing import Final

from avow.errors import UnknownWord

_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,63}")


def quoted(word: str) -> str:
    """The word in backticks if it could be a name of a policy; otherwise a phrase that stands for it."""
    return f"`{word}`" if _NAME.fullmatch(word) else "(a word that is no name)"


def listed(names: Iterable[str]) -> str:
    """Names of the policy for a message, or `none`."""
    return ", ".join(f"`{name}`" for name in names) or "none"


def unknown(what: str, word: str, names: Iterable[str]) -> UnknownWord:
    """The error for a word that is none of these names of the policy."""
    return UnknownWord(f"the policy names no {what} {quoted(word)}; it names {listed(names)}")


def id_of(text: str) -> bytes:
    """The 16 bytes of an id of a person, a request or a consent. Raises `UnknownWord`."""
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(found) != 16:
        raise UnknownWord("an id is 32 hexadecimal digits")
    return found
