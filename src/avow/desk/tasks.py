"""What each role of the staff has to do with each kind of service request, read off the policy once. Pure."""

from collections.abc import Mapping
from itertools import product

from avow.policy.model import Contact, Policy, Use
from avow.practices.deadlines import asked


class Tasks:
    """For one policy version."""

    def __init__(self, policy: Policy) -> None:
        self._serves = {name: kind.serves for name, kind in policy.requests.items()}
        self._may: dict[tuple[str, str], dict[str, None]] = {}  # role, purpose -> categories
        self._reach: dict[tuple[str, str], set[str]] = {}  # role, purpose -> channels
        for promise in policy.promises:
            for clause in promise.clauses:
                if isinstance(clause, Use):
                    for role in clause.by:
                        for purpose in clause.purposes:
                            self._may.setdefault((role, purpose), {}).update(dict.fromkeys(clause.categories))
                elif isinstance(clause, Contact):
                    for role, purpose in product(clause.by, clause.purposes):
                        self._reach.setdefault((role, purpose), set()).update(clause.channels)
        self._here: Mapping[str, bool] = {n: c.with_person for n, c in policy.categories.items()}
        self.everything = [name for name, here in self._here.items() if here]  # that may be held here of a person

    def purposes(self, role: str, kind: str) -> list[str]:
        """The purposes that a request of this kind serves and for which the role may see something."""
        return [purpose for purpose in self._serves.get(asked(kind).kind, ()) if self.categories(role, purpose)]

    def categories(self, role: str, purpose: str) -> list[str]:
        """What the role may see for a purpose. That it is listed is no grant: the gate decides each look."""
        return [name for name in self._may.get((role, purpose), ()) if self._here[name]]

    def reaches(self, role: str, purpose: str) -> frozenset[str]:
        """The channels by which the role itself may call or write for a purpose. Mail goes by the mail server."""
        return frozenset(self._reach.get((role, purpose), ())) - {"mail"}
