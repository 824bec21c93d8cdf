"""What is asked, what holds, and what is answered. Frozen values; rules: docs/policy-language.md, section 4."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple

from avow.policy.model import CONDITIONS, Action, Condition

BIT: Final[Mapping[Condition, int]] = MappingProxyType({name: 1 << n for n, name in enumerate(CONDITIONS)})
NOTHING: Final[Mapping[str, int]] = MappingProxyType({})


def bits(conditions: Iterable[Condition]) -> int:
    """The conditions as one integer, a bit each, in the order of `CONDITIONS`."""
    held = 0
    for name in conditions:
        held |= BIT[name]
    return held


@lru_cache(maxsize=1 << 14)  # there are no more sets of conditions than that
def names(held: int) -> tuple[Condition, ...]:
    """The conditions in such an integer, in the order of `CONDITIONS`."""
    return tuple(name for name in CONDITIONS if held & BIT[name])


class Request(NamedTuple):
    """May `actor` do `action` with all of `categories` for `purpose`?

    `actor` is `person`, `site` or a role. `recipient` is a declared name, or the kind of one that is not declared;
    only share, sell and summarise have one. `form` is for collect only. For set-cookie the one category is the
    cookie's name. Whose data and at which moment are not here: they shape the facts.
    """

    action: Action
    actor: str
    purpose: str
    categories: tuple[str, ...]
    recipient: str | None = None
    form: str | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """The conditions that hold for one request: for all its categories, and beyond that for single ones."""

    held: int
    by_category: Mapping[str, int] = field(default_factory=lambda: NOTHING)

    @classmethod
    def of(cls, *conditions: Condition, **by_category: Iterable[Condition]) -> "Facts":
        """Facts from names; underscores in a keyword stand for hyphens in a category's name."""
        return cls(bits(conditions), {name.replace("_", "-"): bits(more) for name, more in by_category.items()})


@dataclass(frozen=True, slots=True, order=True)
class Obligation:
    """What comes with a permission: `duty` is a fixed word, `detail` its argument, `promise` who asks for it."""

    duty: str
    detail: str
    promise: str


@dataclass(frozen=True, slots=True)
class Allow:
    """All of it is allowed, by these promises, with these obligations."""

    promises: tuple[str, ...]
    obligations: tuple[Obligation, ...] = ()


@dataclass(frozen=True, slots=True)
class Refuse:
    """None of it is allowed. `missing` are the conditions that would have changed the answer, if any would."""

    promises: tuple[str, ...]
    reason: str
    missing: tuple[Condition, ...] = ()


Answer = Allow | Refuse
