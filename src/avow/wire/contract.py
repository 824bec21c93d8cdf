"""What may be called, and with what: read from the contract itself, so that there is one list."""

import hashlib
import inspect
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Union, get_args, get_origin, get_type_hints, is_typeddict

from avow.errors import CallError

Check = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument of a method."""

    name: str
    hint: Any
    needed: bool
    fits: Check


@dataclass(frozen=True, slots=True)
class Method:
    """One method of a contract."""

    name: str
    says: str  # the contract's own words
    parameters: Mapping[str, Parameter]
    result: Any  # its type
    gives: Check

    def check(self, given: Mapping[str, Any]) -> None:
        """Raise `CallError` unless the arguments are those of the contract, each of its type."""
        for name in given:
            if name not in self.parameters:
                raise CallError(f"`{self.name}` takes no argument `{name[:40]}`; it takes {', '.join(self.parameters)}")
        for name, parameter in self.parameters.items():
            if name not in given:
                if parameter.needed:
                    raise CallError(f"`{self.name}` wants the argument `{name}`")
            elif not parameter.fits(given[name]):
                raise CallError(f"the argument `{name}` of `{self.name}` is of another type than the contract says")


def methods(contract: type) -> dict[str, Method]:
    """Every method of a contract and of the parts it is made of, by its name, in the order of the contract."""
    return {
        name: _method(name, function)
        for part in contract.__mro__
        for name, function in vars(part).items()
        if inspect.iscoroutinefunction(function) and not name.startswith("_")
    }


def digest(contract: type) -> str:
    """What tells one version of a contract from another."""
    told = "\n".join(f"{name}{inspect.signature(getattr(contract, name))}" for name in methods(contract))
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _method(name: str, function: Callable[..., Any]) -> Method:
    hints = get_type_hints(function)
    own = [one for one in inspect.signature(function).parameters.values() if one.name != "self"]
    parameters = {
        one.name: Parameter(one.name, hints[one.name], one.default is one.empty, fits(hints[one.name])) for one in own
    }
    return Method(name, inspect.getdoc(function) or "", parameters, hints["return"], fits(hints["return"]))


_SIMPLE: Final[dict[Any, Check]] = {
    Any: lambda _: True,
    type(None): lambda value: value is None,
    str: lambda value: isinstance(value, str),
    bool: lambda value: isinstance(value, bool),
    int: lambda value: type(value) is int,  # True is no number
}


def fits(hint: Any) -> Check:
    """Whether a value that came as JSON is of this type. Knows the types that a contract in plain values uses."""
    if is_typeddict(hint):
        return _record(hint)
    if hint in _SIMPLE:
        return _SIMPLE[hint]
    origin, inner = get_origin(hint), [fits(one) for one in get_args(hint)]
    if origin in (Union, types.UnionType):
        return lambda value: any(one(value) for one in inner)
    if origin in (list, Sequence):
        return lambda value: isinstance(value, list) and all(map(inner[0], value))
    if origin in (dict, Mapping):
        return lambda value: isinstance(value, dict) and all(map(inner[1], value.values()))
    raise TypeError(f"the contract uses a type that does not travel: {hint}")


def _record(hint: Any) -> Check:
    parts = {name: fits(one) for name, one in get_type_hints(hint).items()}

    def check(value: Any) -> bool:
        return (
            isinstance(value, dict) and value.keys() == parts.keys() and all(parts[name](value[name]) for name in parts)
        )

    return check
