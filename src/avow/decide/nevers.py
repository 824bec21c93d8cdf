"""What a policy refuses whatever grants it: its `never` clauses, and those that other clauses imply.

Pure. Rules: docs/policy-language.md, section 4.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from avow.decide.request import bits
from avow.policy.model import RECIPIENT_KINDS, Clause, Collect, Cookies, KeepApart, Never, Place, Policy

EVERY: Final[frozenset[str]] = frozenset()


class Ban(NamedTuple):
    """A never, stated or implied. An empty dimension means every value of it, declared or not.

    `unless` are alternatives, in bits: the ban does not block where all of one alternative hold. `recipients` has
    the declared recipients of each kind that it names.
    """

    promises: tuple[str, ...]
    actions: frozenset[str]
    actors: frozenset[str]
    purposes: frozenset[str]
    categories: frozenset[str]
    recipients: frozenset[str]
    unless: tuple[int, ...]
    place: Place


def bans(policy: Policy) -> Iterator[Ban]:
    """Every ban in the policy's order; those that only a category implies come last."""
    for promise in policy.promises:
        for clause in promise.clauses:
            if isinstance(clause, Never) and not clause.otherwise:
                yield Ban(
                    (promise.id,),
                    frozenset(clause.actions),
                    frozenset(clause.by),
                    frozenset(clause.purposes),
                    frozenset(clause.categories),
                    with_kinds(policy, clause.recipients),
                    tuple(bits(alternative) for alternative in clause.unless),
                    clause.place,
                )
            elif isinstance(clause, KeepApart):
                yield _ban((promise.id,), "link", clause.categories, clause.place)
            elif isinstance(clause, Cookies) and clause.name is None:
                yield _ban((promise.id,), "set-cookie", (), clause.place)
    for category in policy.categories.values():
        if category.held_by is not None or category.apart is not None:
            yield _ban(mentions(policy, category.name), "collect", (category.name,), category.place)


def _ban(promises: tuple[str, ...], action: str, categories: Iterable[str], place: Place) -> Ban:
    return Ban(promises, frozenset((action,)), EVERY, EVERY, frozenset(categories), EVERY, (), place)


def with_kinds(policy: Policy, recipients: Sequence[str]) -> frozenset[str]:
    """The recipients of a never: a kind also covers the declared recipients of that kind."""
    kinds = {name for name in recipients if name in RECIPIENT_KINDS}
    return frozenset(recipients) | {r.name for r in policy.recipients.values() if r.kind in kinds}


def mentions(policy: Policy, category: str) -> tuple[str, ...]:
    """The promises that speak of a category by name; a clause about every category speaks of none in particular."""
    found: dict[str, None] = {}
    for promise in policy.promises:
        for clause in promise.clauses:
            named = _named(clause)
            if category in named and len(named) < len(policy.categories):
                found[promise.id] = None
    return tuple(found)


def _named(clause: Clause) -> frozenset[str]:
    if isinstance(clause, Collect):
        return frozenset((*clause.asks, *clause.optional))
    return frozenset(getattr(clause, "categories", ()))


@dataclass(frozen=True, slots=True)
class Index:
    """Finds the bans over one cell without walking them: a bit a ban, an integer a value of each dimension.

    `others` is for values that no ban names: only bans about every value of the dimension have a bit in it.
    """

    bans: tuple[Ban, ...]
    values: tuple[dict[str, int], ...] = field(init=False)
    others: tuple[int, ...] = field(init=False)
    excepted: tuple[tuple[tuple[int, ...], int], ...] = field(init=False)  # the bans by their `unless`

    def __post_init__(self) -> None:
        dimensions = [
            [ban.actions for ban in self.bans],
            [ban.actors for ban in self.bans],
            [ban.purposes for ban in self.bans],
            [ban.categories for ban in self.bans],
            [ban.recipients for ban in self.bans],
        ]
        indexed = [_index(named) for named in dimensions]
        by_unless: dict[tuple[int, ...], int] = {}
        for bit, ban in enumerate(self.bans):
            if ban.unless:
                by_unless[ban.unless] = by_unless.get(ban.unless, 0) | 1 << bit
        object.__setattr__(self, "values", tuple(values for values, _ in indexed))
        object.__setattr__(self, "others", tuple(others for _, others in indexed))
        object.__setattr__(self, "excepted", tuple(by_unless.items()))

    def over(self, action: str, actor: str, purpose: str, category: str, recipient: str | None) -> int:
        """The bans whose scope has this cell in it, a bit each."""
        actions, actors, purposes, categories, recipients = self.values
        others = self.others
        return (
            actions.get(action, others[0])
            & actors.get(actor, others[1])
            & purposes.get(purpose, others[2])
            & categories.get(category, others[3])
            & (others[4] if recipient is None else recipients.get(recipient, others[4]))
        )

    def blocking(self, over: int, held: int) -> int:
        """Of these bans, the ones that no alternative of theirs lifts."""
        for unless, those in self.excepted:
            if over & those:
                for alternative in unless:
                    if alternative & held == alternative:
                        over &= ~those
                        break
        return over

    def exceptions(self, over: int) -> int:
        """The conditions that can lift any of these bans."""
        mask = 0
        for unless, those in self.excepted:
            if over & those:
                for alternative in unless:
                    mask |= alternative
        return mask

    def pick(self, over: int) -> tuple[Ban, ...]:
        """The bans behind the bits, in the policy's order."""
        found = []
        while over:
            lowest = over & -over
            found.append(self.bans[lowest.bit_length() - 1])
            over ^= lowest
        return tuple(found)


def _index(named: Sequence[frozenset[str]]) -> tuple[dict[str, int], int]:
    others = 0
    particular: dict[str, list[int]] = {}
    for bit, values in enumerate(named):
        if not values:
            others |= 1 << bit
        for value in values:
            particular.setdefault(value, []).append(bit)
    return {value: others | sum(1 << bit for bit in which) for value, which in particular.items()}, others
