"""What must happen before a new version takes effect, or before what is held may be used by it: the duties of the old one.

Pure. Rules: docs/policy-language.md, sections 3.13 and 6.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from avow.decide.difference import PARTS, Difference
from avow.decide.grants import OWN_RIGHTS
from avow.policy.model import Change, ChangeDuty, Policy

ASK: Final = "ask"  # no duty of the language: what is left where no promise lifts an older version's limits


_NOTHING_OF_WHAT_IS_HELD: Final = OWN_RIGHTS | {"collect"}  # actions
_OF_WHAT_IS_TO_COME: Final = ("cookies", "visits", "forms", "choices")  # parts


class First(NamedTuple):
    """One thing that comes first. `duty` is a word of 3.13, or `ask`; `promise` is who asks for it, "" for nobody."""

    duty: str
    promise: str
    says: str


_SAYS: Final = {
    "post": "post what changes, for everybody to read, before the day on which it takes effect",
    "announce": "announce the change in public, with its text and its day",
    "contact-affected": "reach everybody whom it concerns; their data serve nothing new until the notice has arrived",
    ASK: "ask each person; what is held keeps the limits it came under until they agree",
}


def first(found: Difference, old: Policy) -> tuple[First, ...]:
    """What must happen first, in order, when `old` is in force and `found` is what changes of it.

    A duty that several promises state is named once for each. A version that only rewords is posted, too.
    """
    return tuple(_steps(found, old))


def _steps(found: Difference, old: Policy) -> Iterator[First]:
    duties: dict[ChangeDuty, list[str]] = {}
    for promise, clause in old.clauses(Change):
        for duty in clause.duties:
            duties.setdefault(duty, []).append(promise)
    for duty in ("post", "announce"):
        yield from (First(duty, promise, _SAYS[duty]) for promise in duties.get(duty, ()))
    if not found.wider:
        return
    reaching, forward = duties.get("contact-affected", ()), duties.get("forward-only", ())
    yield from (First("contact-affected", promise, _SAYS["contact-affected"]) for promise in reaching)
    if (
        forward or not reaching
    ):  # a notice that arrived lifts nothing where only what is new is reached, or none is owed
        yield from (First(ASK, promise, _SAYS[ASK]) for promise in forward or ("",))


def touched(found: Difference, old: Policy) -> tuple[str, ...]:
    """The categories of `old` of which more may be made once `found` is in force, as far as people may be held with them.

    What is only collected anew, or seen and ended by the person themself, makes nothing more of what is held; nor do
    cookies, visits, forms and choices. What is wider otherwise and not about single categories may concern any of them.
    """
    held = [name for name, one in old.categories.items() if one.with_person]
    wider = [one for part in PARTS if part not in _OF_WHAT_IS_TO_COME for one in getattr(found, part) if one.wider]
    if any(not one.category for one in wider):
        return tuple(held)
    widened = {change.key[3] for change in found.widened if change.key[0] not in _NOTHING_OF_WHAT_IS_HELD}
    widened |= {one.category for one in wider}
    return tuple(name for name in held if name in widened)
