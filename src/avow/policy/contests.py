"""Which contests a policy has. Pure.

A contest is a kind of service request whose forms ask for data that are kept until an event: that the winners have been
told.
"""

from collections import Counter
from dataclasses import dataclass

from avow.policy.model import Collect, Policy
from avow.policy.retention import rule


@dataclass(frozen=True, slots=True)
class Contest:
    """One of a policy: its kind of service request, its forms, what they ask for, and the event its entries end by."""

    kind: str
    forms: tuple[str, ...]
    categories: tuple[str, ...]
    event: str
    promises: tuple[str, ...]


def contests(policy: Policy) -> dict[str, Contest]:
    """The contests of a policy by their kind. What two kinds keep until one event is no contest: one would end both."""
    found: dict[str, Contest] = {}
    for kind in policy.requests:
        forms = tuple(one.name for one in policy.forms.values() if one.opens == kind)
        asked = {(form, name): None for form in forms for name in _asked(policy, form)}
        rules = [rule(policy, name, form) for form, name in asked]
        events = {one[1].until if one else None for one in rules}
        event = events.pop() if len(events) == 1 else None
        if event:
            categories = tuple(dict.fromkeys(name for _, name in asked))
            promises = tuple(dict.fromkeys(one[0] for one in rules if one))
            found[kind] = Contest(kind, forms, categories, event, promises)
    times = Counter(one.event for one in found.values())
    return {kind: one for kind, one in found.items() if times[one.event] == 1}


def _asked(policy: Policy, form: str) -> list[str]:
    asked = [name for _, c in policy.clauses(Collect) if c.form == form for name in (*c.asks, *c.optional)]
    return [name for name in asked if policy.categories[name].with_person]
