"""What a browser's form posted, read strictly, for every room: a plain form of texts, and nothing else."""

from typing import Final
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

LONGEST: Final = 64 * 1024  # bytes of a body, as encoded
MOST: Final = 100  # fields
FORM: Final = "application/x-www-form-urlencoded"


async def posted(request: Request) -> list[tuple[str, str]]:
    """Names and texts in the order in which they came; a name may come twice, which is for the room to judge.

    Raises `HTTPException`: 415 for another kind of body, 413 for too much, 400 for what is no text.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise HTTPException(415)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST:
            raise HTTPException(413)
    try:
        text = body.decode("ascii")  # a browser percent-encodes whatever is not
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MOST, errors="strict")
    except ValueError:
        raise HTTPException(400) from None
    if any("\0" in name or "\0" in value for name, value in pairs):
        raise HTTPException(400)
    return pairs
