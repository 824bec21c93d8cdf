"""What a browser posted, read strictly: one short form of known fields, each once, as text."""

from collections.abc import Iterable
from typing import Final
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

LONGEST_BODY: Final = 64 * 1024  # bytes, as encoded
LONGEST_CONTACT: Final = 320
LONGEST_TEXT: Final = 8_000  # characters of what is written to us
FORM: Final = "application/x-www-form-urlencoded"


async def posted(request: Request, names: Iterable[str]) -> dict[str, str]:
    """The fields of a posted form; what is missing is absent.

    Raises `HTTPException`: 415 for another content type, 413 for too much, 400 for a field that the form does not
    have or has twice, or for what is no text.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise HTTPException(415)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_BODY:
            raise HTTPException(413)
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=32, errors="strict")
    except ValueError as error:
        raise HTTPException(400) from error
    fields = dict(pairs)
    if len(fields) != len(pairs) or not set(fields) <= set(names) or any("\0" in value for _, value in pairs):
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
