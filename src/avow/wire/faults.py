"""How an error travels: by its name, with its message, and a refusal with promises and reason."""

import logging
from pathlib import Path
from traceback import extract_tb
from typing import Any, Final

from avow import errors
from avow.errors import AvowError, PolicyError, Refused, Unavailable

log = logging.getLogger("avow.wire")

BY_NAME: Final[dict[str, type[AvowError]]] = {
    name: one
    for name, one in vars(errors).items()
    if isinstance(one, type) and issubclass(one, AvowError) and one not in (AvowError, PolicyError)
}
UNEXPECTED: Final = (
    "the vault process met an error that it did not expect, and its log says where; it is unknown whether this was done"
)


def put(error: Exception, method: str) -> dict[str, Any]:
    """An error as plain values. What is no error of Avow's is logged by place and kind alone: its text may hold values."""
    if isinstance(error, Refused):
        return {"name": "Refused", "promises": list(error.promises), "reason": error.reason}
    if BY_NAME.get(type(error).__name__) is type(error):
        return {"name": type(error).__name__, "message": str(error)}
    frames = " < ".join(f"{Path(one.filename).name}:{one.lineno}" for one in extract_tb(error.__traceback__)[:-6:-1])
    log.error("`%s` failed with %s at %s", method, type(error).__name__, frames)
    return {"name": "Unavailable", "message": UNEXPECTED}


def take(fault: dict[str, Any]) -> AvowError:
    """The error again. What is not understood is `Unavailable`."""
    match fault:
        case {"name": "Refused", "promises": list(promises), "reason": str(reason)}:
            return Refused([str(one) for one in promises], reason)
        case {"name": str(name), "message": str(message)} if name in BY_NAME and name != "Refused":
            return BY_NAME[name](message)
    return Unavailable("the vault process answered with an error that this version does not know")
