"""What a policy lets a person agree to, put as single choices, each with the fact tokens that make it true. Pure."""

from collections.abc import Iterator
from typing import NamedTuple

from avow.decide import facts
from avow.policy.model import Choose, Policy, Share


class Choice(NamedTuple):
    """One switch. `way`: agree (to purposes), share, or sell. `consent`, `approval`: what a recipient's grant needs.

    `forms`: those that put it to the person, each with whether it has to be confirmed there; None stands for any.
    `confirm`: whether it has to be anywhere, which holds for every other way of agreeing, too.
    """

    id: str
    promise: str
    way: str
    purposes: tuple[str, ...]
    recipient: str | None
    categories: tuple[str, ...]
    forms: tuple[tuple[str | None, bool], ...]
    written: bool
    confirm: bool
    consent: bool
    approval: bool

    def on(self, form: str) -> bool:
        """Whether this form puts it to the person."""
        return any(name in (None, form) for name, _ in self.forms)

    def confirms(self, form: str | None) -> bool:
        """Whether it has to be confirmed where this form puts it; None for any other way of agreeing."""
        return self.confirm if form is None else any(confirm for name, confirm in self.forms if name in (None, form))

    def tokens(self) -> frozenset[str]:
        """The tokens that stand while it is agreed to."""
        if self.recipient is None:
            return frozenset(facts.consent(purpose) for purpose in self.purposes)
        made = set()
        for category in self.categories:
            if self.consent:
                made.add(facts.consent_to(self.way, self.recipient, category))
            if self.approval:
                made.add(facts.approval(self.recipient, category))
        return frozenset(made)


def choices(policy: Policy) -> tuple[Choice, ...]:
    """All of them, in the order of the policy."""
    out: dict[str, Choice] = {}
    for promise in policy.promises:
        for clause in promise.clauses:
            if isinstance(clause, Choose):
                for choice in _of(policy, promise.id, clause):
                    known = out.setdefault(choice.id, choice)
                    if known is not choice:  # the same on another form
                        forms = known.forms + choice.forms
                        out[choice.id] = known._replace(forms=forms, confirm=known.confirm or choice.confirm)
    return tuple(out.values())


def _of(policy: Policy, promise: str, clause: Choose) -> Iterator[Choice]:
    whole = Choice(
        f"{promise}.{'-'.join(clause.purposes)}", promise, "agree", clause.purposes, None, (),
        ((clause.form, clause.confirm is not None),), clause.written, clause.confirm is not None, consent=True, approval=False,
    )  # fmt: skip
    if not clause.recipients:
        yield whole
        return
    for recipient in clause.recipients:
        for way in ("share", "sell"):
            grants = [one for one in _shares(policy, promise) if one.way == way and _meets(one, clause, recipient)]
            if not grants:
                continue
            named = dict.fromkeys(name for one in grants for name in one.categories)
            needs = frozenset[str]().union(*(one.needs for one in grants))
            yield whole._replace(
                id=f"{promise}.{way}.{recipient}", way=way, recipient=recipient,
                categories=tuple(name for name in named if not clause.categories or name in clause.categories),
                consent="consent" in needs, approval="approval" in needs,
            )  # fmt: skip


def _shares(policy: Policy, promise: str) -> list[Share]:
    """What may be shared by agreement: by the promise that offers the choice, or, if it says nothing of it, by any."""
    found = {
        one.id: [
            clause for clause in one.clauses
            if isinstance(clause, Share) and not clause.needs.isdisjoint({"consent", "approval"})
        ]
        for one in policy.promises
    }  # fmt: skip
    return found[promise] or [clause for clauses in found.values() for clause in clauses]


def _meets(grant: Share, clause: Choose, recipient: str) -> bool:
    about = not clause.categories or not set(clause.categories).isdisjoint(grant.categories)
    return recipient in grant.recipients and about and not set(clause.purposes).isdisjoint(grant.purposes)
