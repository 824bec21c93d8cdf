"""What a form posted, read strictly: whatever no form of ours sends is turned away before anybody looks at it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request

from avow.doors.posted import posted

LONGEST: Final = 2048  # characters of a field, unless told otherwise
_TEXTS: Final = ("clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle")


class Fields:
    """The fields of one posted form, by name, in the order in which they came."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self._pairs = pairs

    def one(self, name: str, longest: int = LONGEST) -> str:
        """The text of a field, "" if it is absent. Raises 400 where it is there twice, 413 where it is too long."""
        found = self.every(name, longest)
        if len(found) > 1:
            raise HTTPException(400)
        return found[0] if found else ""

    def every(self, name: str, longest: int = LONGEST) -> list[str]:
        """The texts of all fields of this name."""
        found = [text for key, text in self._pairs if key == name]
        if any(len(text) > longest for text in found):
            raise HTTPException(413)
        return found


async def read(request: Request) -> Fields:
    """The fields of a request. Raises as `avow.doors.posted.posted`."""
    return Fields(await posted(request))


def answer(text: str) -> Mapping[str, Any]:
    """What an authenticator answered, as the browser words it in JSON; only the parts that are known, and only texts.

    Raises 400 for anything else. Whether it holds is for the desk to say.
    """
    try:
        told = json.loads(text)
        response = {name: told["response"][name] for name in _TEXTS if told["response"].get(name) is not None}
        whole = {"id": told["id"], "rawId": told["rawId"], "type": told["type"]}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise HTTPException(400) from None
    if not all(isinstance(value, str) and value.isascii() for value in (*response.values(), *whole.values())):
        raise HTTPException(400)
    return {**whole, "response": response}
