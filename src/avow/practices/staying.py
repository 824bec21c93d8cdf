"""What stays once a person is erased, said before and after: what a law or promise keeps, do-not-contact marks, the record.

Pure. Where no promise speaks of it, the law alone is named: Regulation (EU) 2016/679, articles 5, 17 and 21.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from avow.policy.model import Policy, Right
from avow.policy.retention import rule
from avow.practices.deadlines import giving
from avow.practices.disclosed import own
from avow.rows import outlives
from avow.store.interface import Datum

Kind = Literal["data", "do-not-contact", "disclosures", "record"]


@dataclass(frozen=True, slots=True)
class Stays:
    """One thing that outlives an erasure. `about`: categories of `data`, a channel of `do-not-contact`, nothing of the others."""

    what: Kind
    about: tuple[str, ...]
    promises: tuple[str, ...]
    law: str


def staying(
    policy: Policy, held: Sequence[Datum], channels: Sequence[str], *, disclosed: bool = False
) -> tuple[Stays, ...]:
    """Everything that stays of who holds these data, and is on the do-not-contact list by these channels. `disclosed`:
    whether to say that it is kept to whom data went out.
    """
    kept: dict[tuple[str, ...], dict[str, None]] = {}
    for one in held:
        if outlives(one.kept_as) and not own(one):
            found = rule(policy, one.category, one.came().form)
            kept.setdefault((found[0],) if found else (), {})[one.category] = None
    marks = dict.fromkeys(channels)
    return (
        *(Stays("data", tuple(names), promises, "GDPR, Article 17(3)(b)") for promises, names in kept.items()),
        *(Stays("do-not-contact", (one,), _stopping(policy, one), "GDPR, Article 21(3)") for one in marks),
        *((Stays("disclosures", (), (), "GDPR, Articles 5(2) and 19"),) if disclosed else ()),
        Stays("record", (), giving(policy, "erase"), "GDPR, Article 5(2)"),
    )


def _stopping(policy: Policy, channel: str) -> tuple[str, ...]:
    """The promises by which one may opt out of this channel; a clause that names none is about all."""
    return tuple(
        promise.id for promise in policy.promises
        if any(
            isinstance(one, Right) and "opt-out" in one.rights and (not one.channels or channel in one.channels)
            for one in promise.clauses
        )
    )  # fmt: skip
