"""Errors as RFC 9457 has them: `application/problem+json`. None repeats what was sent."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from avow.errors import (
    AvowError,
    BadValue,
    CallError,
    Denied,
    KeyGone,
    NotHeld,
    Refused,
    TooMany,
    UnknownWord,
)

KIND: Final = "application/problem+json"
STATUS: Final[Sequence[tuple[type[AvowError], int, str]]] = (  # the first that fits counts
    (Refused, 403, "the policy does not allow it; `promises` names those that refuse"),
    (Denied, 401, "a token, password or code does not hold; it is never said which, nor whether anybody is held"),
    (TooMany, 429, "the same was tried too often; it helps to wait"),
    (UnknownWord, 404, "a form, category, purpose or the like that the policy does not name"),
    (NotHeld, 404, "it is allowed, and nothing of the kind is held"),
    (BadValue, 422, "a value that may not be held: too long, empty, or with a card number in it"),
    (CallError, 422, "the call cannot be meant"),
    (KeyGone, 410, "it was erased"),
    (AvowError, 503, "the vault did not answer, or its data are not as they must be; nothing of anybody is said"),
)
_WAIT: Final = {429: {"retry-after": "600"}, 503: {"retry-after": "10"}}
_SURROUNDINGS: Final = "the vault cannot answer this now; it is unknown whether it was done"


class Problem(BaseModel):
    """What went wrong. `type` tells programs what it was, `detail` tells a developer what to do."""

    type: str
    title: str
    status: int
    detail: str
    promises: list[str] = []


def problem(
    status: int, kind: str, detail: str, promises: Sequence[str] = (), headers: dict[str, str] | None = None
) -> Response:
    """One answer."""
    told = Problem(
        type=f"/docs#{kind}", title=HTTPStatus(status).phrase, status=status, detail=detail, promises=list(promises)
    )
    more = _WAIT.get(status, {}) | ({"www-authenticate": "Bearer"} if status == 401 else {}) | (headers or {})
    return JSONResponse(told.model_dump(), status, headers=more, media_type=KIND)


async def of_avow(_: Request, error: Exception) -> Response:
    """An error of Avow's. What is the operator's to know stands in the vault's log, not here."""
    kind, status = next((kind, status) for kind, status, _ in STATUS if isinstance(error, kind))
    if isinstance(error, Refused):
        return problem(status, kind.__name__, error.reason, error.promises)
    return problem(status, kind.__name__, str(error) if status != 503 else _SURROUNDINGS)


async def of_shape(_: Request, error: Exception) -> Response:
    """A body that the document does not describe; the places are named, the values are not."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - what it is registered for
    faults = [f"{_place(one['loc'])}: {_says(one)}" for one in error.errors()[:8]]
    return problem(422, "body", "; ".join(faults))


def _place(where: Sequence[int | str]) -> str:
    """A field's name, as the document has it: names of our own alone, as a key of a mapping may be somebody's."""
    return str(where[1]) if len(where) > 1 and isinstance(where[1], str) and where[1].isidentifier() else str(where[0])


def _says(fault: dict[str, Any]) -> str:
    return "this is no field here" if fault["type"] == "extra_forbidden" else str(fault["msg"]).partition(":")[0]


async def of_http(_: Request, error: Exception) -> Response:
    """An address or a method that there is none of."""
    assert isinstance(error, HTTPException)  # noqa: S101 - what it is registered for
    status = HTTPStatus(error.status_code)
    return problem(status, "http", f"{status.phrase.lower()}; see /docs", headers=dict(error.headers or {}))
