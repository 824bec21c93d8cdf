"""What goes in and out of each method, as pydantic models that are read from the contract."""

import types
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated, Any, Final, Union, get_args, get_origin, get_type_hints, is_typeddict

from pydantic import BaseModel, ConfigDict, Field, create_model

from avow.wire.contract import Method, Parameter

TOKEN: Final = 512  # characters
TEXT: Final = 1 << 16  # characters of one value
TOKENS: Final = frozenset(("session", "receipt", "task", "invitation"))
_STRICT: Final = ConfigDict(extra="forbid", strict=True)


def body_of(method: Method) -> type[BaseModel]:
    """The arguments of a method. A session may come as a bearer token instead, so it may be missing here."""
    fields: dict[str, Any] = {}
    for name, parameter in method.parameters.items():
        hint = _bounded(parameter)
        if name == "session":
            fields[name] = (hint | None, Field(None, description="Or as a bearer token."))
        else:
            fields[name] = (hint, ... if parameter.needed else None)
    name = "".join(word.title() for word in method.name.split("_"))
    return create_model(f"{name}Call", __config__=_STRICT, **fields)


def _bounded(parameter: Parameter) -> Any:
    """The type, with the length that the desk takes at most; what may be left out is not null, but left out."""
    longest = TOKEN if parameter.name in TOKENS else TEXT
    text = Annotated[str, Field(max_length=longest)]
    if parameter.name == "session":
        return text
    return _replaced(parameter.hint, text)


def _replaced(hint: Any, text: Any) -> Any:
    origin, inner = get_origin(hint), get_args(hint)
    if hint is str:
        return text
    if origin in (Union, types.UnionType):
        return Union[tuple(_replaced(one, text) for one in inner)]  # noqa: UP007 - made at run time
    if origin in (list, Sequence):
        return Annotated[list[_replaced(inner[0], text)], Field(max_length=256)]  # type: ignore[misc]  # as above
    if origin in (dict, Mapping):
        return Annotated[dict[str, _replaced(inner[1], text)], Field(max_length=256)]  # type: ignore[misc]  # as above
    return hint


@cache
def result_of(hint: Any) -> Any:
    """The type of a result, with each record of the contract as a model."""
    if is_typeddict(hint):
        fields: dict[str, Any] = {name: (result_of(one), ...) for name, one in get_type_hints(hint).items()}
        return create_model(hint.__name__, __doc__=hint.__doc__, __config__=_STRICT, **fields)
    origin = get_origin(hint)
    if origin is list:
        return list[result_of(get_args(hint)[0])]  # type: ignore[misc]  # made at run time
    if origin in (Union, types.UnionType):
        return Union[tuple(result_of(one) for one in get_args(hint))]  # noqa: UP007 - as above
    return hint
