"""What the centre's forms take: short forms of known fields, each once."""

from collections.abc import Iterable
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request

from avow.doors import posted as browser

LONGEST_CONTACT: Final = 320
LONGEST_TEXT: Final = 8_000  # characters of what is written to us


async def posted(request: Request, names: Iterable[str]) -> dict[str, str]:
    """The fields of a posted form; what is missing is absent.

    Raises as `avow.doors.posted.posted`, and 400 for a field that the form does not have or has twice.
    """
    pairs = await browser.posted(request)
    fields = dict(pairs)
    if len(fields) != len(pairs) or not set(fields) <= set(names):
        raise HTTPException(400)
    return fields


def contact_fault(value: str) -> str:
    """What is wrong with an e-mail address as a contact, "" if nothing that can be told from here."""
    name, at, host = value.strip().rpartition("@")
    if not value.strip():
        return "Enter your e-mail address"
    if not at or not name or "." not in host or any(ch.isspace() for ch in value.strip()):
        return "Enter an e-mail address like name@example.com"
    return f"Enter at most {LONGEST_CONTACT} characters" if len(value) > LONGEST_CONTACT else ""


def text_fault(value: str, what: str) -> str:
    """What is wrong with something written, "" if nothing."""
    if not value.strip():
        return f"Enter {what}"
    if any(not ch.isprintable() and ch not in "\r\n\t" for ch in value):
        return f"Use only letters, figures and signs in {what}"
    return f"Enter at most {LONGEST_TEXT} characters" if len(value) > LONGEST_TEXT else ""
