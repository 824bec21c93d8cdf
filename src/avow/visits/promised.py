"""What a policy lets a site count of its visits, and who may look at it for what. Pure; `decide` has the answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from avow.decide.decide import decide
from avow.decide.request import Allow, Facts, Request
from avow.decide.table import Table, compile_policy
from avow.errors import Refused
from avow.policy.model import SITE, Cookies, Count, Policy
from avow.policy.retention import rule

ROOM: Final = "visits"  # the name by which a policy keeps its categories apart here
ADDRESS: Final[Count] = "address"


@dataclass(frozen=True, slots=True)
class Promised:
    """`categories`: what is counted -> the category that it is; empty where the policy promises nothing of visits.

    `kept`: ms that an address may be kept, 0 where it may not. `cookie`: the name of the cookie that tells visits apart;
    "" where there is none.
    """

    categories: Mapping[Count, str]
    kept: int
    cookie: str
    _policy: Policy
    _table: Table

    @classmethod
    def of(cls, policy: Policy) -> "Promised":
        """Counted is what a category kept apart here stands for, if the site may use that category for some purpose."""
        table = compile_policy(policy)
        found: dict[Count, str] = {}
        for category in policy.categories.values():
            if category.apart == ROOM and any(_allowed(table, SITE, why, [category.name]) for why in policy.purposes):
                found |= dict.fromkeys(category.counts, category.name)
        kept = _kept(policy, found[ADDRESS]) if ADDRESS in found else 0
        return cls(found, kept, _cookie(policy, table, found), policy, table)

    @property
    def statistics(self) -> tuple[str, ...]:
        """The categories of the statistics: all but the address."""
        return tuple(dict.fromkeys(name for what, name in self.categories.items() if what != ADDRESS))

    def may(self, actor: str, purpose: str, categories: Sequence[str], *, standing: bool) -> tuple[str, ...]:
        """The promises by which `actor` may use these for the purpose. Raises `Refused` with those that refuse.

        `standing`: whether the colleague has signed what they must. What is asked for is in time: nothing older is here.
        """
        held = Facts.of("in-time", "standing") if standing else Facts.of("in-time")
        answer = decide(self._table, Request("use", actor, purpose, tuple(categories)), held)
        if isinstance(answer, Allow):
            return answer.promises
        raise Refused(answer.promises, answer.reason)

    def purposes(self, actor: str, categories: Sequence[str]) -> list[str]:
        """For what this actor, once they have signed what they must, may use all of these."""
        if not categories:
            return []
        return [why for why in self._policy.purposes if _allowed(self._table, actor, why, categories, "standing")]


def _allowed(table: Table, actor: str, purpose: str, categories: Sequence[str], *more: str) -> bool:
    facts = Facts.of("in-time", *more)  # type: ignore[arg-type]  # the one word that is passed is a condition
    return isinstance(decide(table, Request("use", actor, purpose, tuple(categories)), facts), Allow)


def _kept(policy: Policy, category: str) -> int:
    """A log without an end is none that a policy promises."""
    found = rule(policy, category, "")
    term = found[1].term if found else None
    return 0 if term is None else int(term.total_seconds() * 1000)


def _cookie(policy: Policy, table: Table, found: Mapping[Count, str]) -> str:
    """The session cookie for a purpose for which the site may use what it counts."""
    whys = {why for why in policy.purposes for name in found.values() if _allowed(table, SITE, why, [name])}
    return next(
        (
            one.name for _, one in policy.clauses(Cookies)
            if one.name and one.lifetime is None and one.at is None and one.purpose in whys and "/" in one.paths
        ),
        "",
    )  # fmt: skip
