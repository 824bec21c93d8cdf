"""What the policy lets a role pass on to somebody outside, read off its promises: what its forms offer, and no more.

Whether a thing may go out is decided anew by the desk, each time; a grant here permits nothing by itself.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from avow.policy.model import Condition, Policy, Share
from avow.policy.notice import words

CASED: Final = ("authority", "fraud-prevention")  # the kinds of recipients that get data by a case
FRAUD: Final = "FraudPreventionAndDetection"  # DPV: what a purpose has to be for the grounds against fraud
GROUNDS: Final = (  # why a case may be answered, as the desk calls it, and whether only against fraud
    ("law", "because a law permits or demands it", False),
    ("prevent", "to keep fraud or unauthorised payments from happening", True),
    ("investigate", "to look into fraud that took place", True),
)
Choices = list[tuple[str, str]]  # names, and what a colleague reads


class Grant(NamedTuple):
    """A recipient, or a kind of them that the policy does not declare by name (`named` is False then)."""

    way: str
    recipient: str
    says: str
    named: bool
    purposes: Choices
    grounds: Choices
    categories: Choices
    needs: frozenset[Condition]
    promise: str


class Grants:
    """For one policy version."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def by_case(self, role: str) -> list[Grant]:
        """What a role may pass on by a case that two colleagues stand for."""
        return [one for one in self._to(role) if "case" in one.needs and one.way == "share" and self._cased(one)]

    def for_task(self, role: str, purpose: str) -> list[Grant]:
        """What a role may pass on while it works for a purpose: because the person agreed to it; or for the very request,
        where that purpose serves it.
        """
        return [
            one for one in self._to(role)
            if "case" not in one.needs and ("request" not in one.needs or purpose in dict(one.purposes))
        ]  # fmt: skip

    def whom(self, recipient: str) -> str:
        """A recipient in words, one that the policy does not declare by its own name."""
        kind, colon, name = recipient.partition(":")
        return f"{name} ({words.recipient(self._policy, kind)})" if colon else words.recipient(self._policy, recipient)

    def ground(self, name: str) -> str:
        """A ground in words."""
        return next((says for known, says, _ in GROUNDS if known == name), name)

    def _to(self, role: str) -> Iterator[Grant]:
        known = self._policy.categories
        for promise, clause in self._policy.clauses(Share):
            if clause.way == "summarise" or role not in clause.by:
                continue
            here = [name for name in clause.categories if not known[name].held_by and not known[name].apart]
            for recipient in clause.recipients:
                yield Grant(
                    clause.way, recipient, words.recipient(self._policy, recipient), recipient in self._policy.recipients,
                    [(name, words.purpose(self._policy, name)) for name in clause.purposes],
                    [(name, says) for name, says, fraud in GROUNDS if not fraud or self._against_fraud(clause)],
                    [(name, words.category(self._policy, name)) for name in here], clause.needs, promise,
                )  # fmt: skip

    def _cased(self, one: Grant) -> bool:
        declared = self._policy.recipients.get(one.recipient)
        return (declared.kind if declared else one.recipient) in CASED

    def _against_fraud(self, clause: Share) -> bool:
        return any(self._policy.purposes[name].term == FRAUD for name in clause.purposes)
