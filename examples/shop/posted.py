"""What a browser posted, read strictly: a plain form, each field once, as text."""

from typing import Final, NamedTuple
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

LONGEST: Final = 64 * 1024  # bytes of a body
FORM: Final = "application/x-www-form-urlencoded"


class Posted(NamedTuple):
    """The fields, and the names of those that came more than once, whose first value counts."""

    fields: dict[str, str]
    doubled: tuple[str, ...] = ()

    def take(self, name: str) -> str:
        """One field's text; empty where it is missing."""
        return self.fields.get(name, "")


async def posted(request: Request) -> Posted:
    """Read it. Raises `HTTPException`: 415 for another kind of body, 413 for too much, 400 for what is no text."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise HTTPException(415)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST:
            raise HTTPException(413)
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=64, errors="strict")
    except ValueError:
        raise HTTPException(400) from None
    if any("\0" in name + value for name, value in pairs):
        raise HTTPException(400)
    fields: dict[str, str] = {}
    doubled = []
    for name, value in pairs:
        if name in fields:
            doubled.append(name)
        else:
            fields[name] = value
    return Posted(fields, tuple(dict.fromkeys(doubled)))
