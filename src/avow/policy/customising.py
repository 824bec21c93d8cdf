"""What a policy lets shape the pages of who is signed in. Pure.

A use of categories by the person themself, for a purpose that is DPV's `UserInterfacePersonalisation`. That it is theirs
alone follows: a person's own use asks that they are identified (docs/policy-language.md, 4.6).
"""

from dataclasses import dataclass
from typing import Final

from avow.policy.model import PERSON, Policy, Use

TERM: Final = "UserInterfacePersonalisation"


@dataclass(frozen=True, slots=True)
class Customising:
    """What may be looked at, for which purpose, and who promises it."""

    purpose: str
    categories: tuple[str, ...]
    promises: tuple[str, ...]


def customising(policy: Policy) -> Customising | None:
    """None where no promise lets anything shape a person's pages. Of several such purposes the first counts."""
    found: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
    for id_, use in policy.clauses(Use):
        if PERSON in use.by:
            for purpose in use.purposes:
                if policy.purposes[purpose].term == TERM:
                    categories, promises = found.setdefault(purpose, ({}, {}))
                    categories |= {name: None for name in use.categories if policy.categories[name].with_person}
                    promises[id_] = None
    for purpose, (categories, promises) in found.items():
        if categories:
            return Customising(purpose, tuple(categories), tuple(promises))
    return None
