"""Who acts, as whoever calls the library says it. What they may is looked up anew at every act."""

from dataclasses import dataclass
from functools import cache

from avow.decide.facts import Circumstances


@dataclass(frozen=True, slots=True)
class Member:
    """A member of the merchant's staff, acting in a role."""

    name: str
    role: str


@dataclass(frozen=True, slots=True)
class Somebody:
    """The person themself. Whoever makes one has verified that they are that person (see docs)."""

    who: str
    shown: int | None = None  # when they showed who they are (ms), where that is known


By = Member | Somebody | None  # None: the site's own software, with no human looking


@cache
def circumstances(identified: bool, standing: bool) -> Circumstances:
    """What the surroundings vouch for when somebody of whom this holds reads: the same value each time."""
    return Circumstances(identified=identified, standing=standing)
