"""The whole decision space of a policy: every never proved over all of it, and permissions that nothing can reach.

Pure. Rules: docs/policy-language.md, section 4.

Why a proof over a finite space is a proof. A request about one category is an action, an actor, a purpose, a category
and a recipient or form; a request about several is allowed only where each is. Every value of each is tried: the
declared ones, the kinds of recipients, and one that is not declared, which stands for all such, since an undeclared
word is equal to no word of the policy and can only be told apart by that. Of the conditions, every subset of the
relevant ones is tried: those in the cell's mask and those in the exceptions of the nevers over it. No other can
matter. Not to the answer, whatever the table holds: `decide` looks up `answers[held & mask]`, nothing else of what is
held, and allows nothing where there is no cell. And not to what a never means: its exceptions name all it depends on.

The proof shares nothing with what compiled the table: the meaning of each never is read off its clause again.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

from avow.decide.decide import decide
from avow.decide.grants import OWN_RIGHTS, TO_RECIPIENT, Key
from avow.decide.request import Allow, Facts, Request, bits, names
from avow.decide.table import Table, subsets
from avow.policy.model import (
    ACTIONS,
    CONDITIONS,
    PERSON,
    RECIPIENT_KINDS,
    RIGHTS_PURPOSE,
    SITE,
    Clause,
    Cookies,
    KeepApart,
    Needs,
    Never,
    Policy,
)

UNDECLARED: Final = "?"  # no name of a policy has this character in it
RIGHTS_EXCEPTION: Final = "the person's own rights"


@dataclass(frozen=True, slots=True)
class Proof:
    """One never, tried everywhere.

    `says` is the never in short. `decisions` is the size of its space: so many answers were looked at. `unless` are
    its exceptions, in words. `seconds` is how long the sweep took that tried all nevers of the policy together, 0
    without a timer. `counterexample` is the first request that was allowed against it, in words, None if proved.
    """

    promise: str
    says: str
    decisions: int
    proved: bool
    unless: tuple[str, ...]
    seconds: float
    counterexample: str | None


@dataclass(slots=True, eq=False)
class _Oath:
    """A never as its clause means it, and what trying it has brought so far. Empty sets mean everything."""

    promise: str
    says: str
    actions: frozenset[str] = frozenset()
    actors: frozenset[str] = frozenset()
    purposes: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    recipients: frozenset[str] = frozenset()
    unless: tuple[Needs, ...] = ()
    decisions: int = 0
    meets_rights: bool = False
    counterexample: str | None = None
    exceptions: int = 0  # the conditions that `unless` names, in bits

    def __post_init__(self) -> None:
        self.exceptions = bits({name for alternative in self.unless for name in alternative})

    def lifted(self, held: int) -> bool:
        conditions = frozenset(names(held))
        return any(alternative <= conditions for alternative in self.unless)


def prove(policy: Policy, table: Table, timer: Callable[[], float] | None = None) -> list[Proof]:
    """Try every never of the policy, stated or implied, over its whole space, against the answers of `decide`.

    `timer` answers with seconds, for how long it took; without one that is 0.
    """
    oaths = list(_oaths(policy))
    begun = timer() if timer else 0.0
    for action in ACTIONS:
        sworn = [oath for oath in oaths if not oath.actions or action in oath.actions]
        if sworn:
            _sweep(policy, table, action, sworn)
    _try_odd_cells(policy, table, oaths)
    seconds = timer() - begun if timer else 0.0
    return [
        Proof(
            oath.promise,
            oath.says,
            oath.decisions,
            oath.counterexample is None,
            tuple(_words(alternative) for alternative in oath.unless) + (RIGHTS_EXCEPTION,) * oath.meets_rights,
            seconds,
            oath.counterexample,
        )
        for oath in oaths
    ]


def _words(alternative: Needs) -> str:
    return " and ".join(name for name in CONDITIONS if name in alternative) or "always"


def _oaths(policy: Policy) -> Iterator[_Oath]:
    for promise in policy.promises:
        for clause in promise.clauses:
            if isinstance(clause, Never) and not clause.otherwise:
                yield _Oath(
                    promise.id,
                    _short(clause),
                    frozenset(clause.actions),
                    frozenset(clause.by),
                    frozenset(clause.purposes),
                    frozenset(clause.categories),
                    frozenset(clause.recipients),
                    clause.unless,
                )
            elif isinstance(clause, KeepApart):
                says = f"link {', '.join(clause.categories)}"
                yield _Oath(promise.id, says, frozenset(("link",)), categories=frozenset(clause.categories))
            elif isinstance(clause, Cookies) and clause.name is None:
                yield _Oath(promise.id, "set-cookie", frozenset(("set-cookie",)))
    for category in policy.categories.values():
        if category.held_by is not None or category.apart is not None:
            speaking = [p.id for p in policy.promises if any(_speaks(policy, c, category.name) for c in p.clauses)]
            for promise_id in speaking or [""]:
                says, only = f"collect {category.name}", frozenset((category.name,))
                yield _Oath(promise_id, says, frozenset(("collect",)), categories=only)


def _short(never: Never) -> str:
    """The never in a line, as in `share email with list-broker for news by site`."""
    parts = [", ".join(never.actions) or "anything"]
    for word, values in (("", never.categories), ("with ", never.recipients), ("for ", never.purposes)):
        if values:
            parts.append(word + ", ".join(values))
    return " ".join(parts) + (f" by {', '.join(never.by)}" if never.by else "")


def _speaks(policy: Policy, clause: Clause, category: str) -> bool:
    """Whether a clause names the category, and not merely every category."""
    lists = (getattr(clause, part, ()) for part in ("asks", "optional", "categories"))
    named = {name for some in lists for name in some}
    return category in named and named != set(policy.categories)


def _sweep(policy: Policy, table: Table, action: str, sworn: Sequence[_Oath]) -> None:
    """Try one action with everything that can stand beside it."""
    kinds: Mapping[str, str] = {r.name: r.kind for r in policy.recipients.values()}
    every = things(policy, action)

    @cache  # most actors, purposes and recipients are under the same nevers
    def over(some: tuple[_Oath, ...]) -> list[tuple[str, list[_Oath]]]:
        by_category = [(name, [o for o in some if not o.categories or name in o.categories]) for name in every]
        return [(category, oaths) for category, oaths in by_category if oaths]

    for recipient, form in counterparts(policy, action):
        there = [o for o in sworn if not o.recipients or {recipient, kinds.get(recipient or "")} & o.recipients]
        for purpose in (*policy.purposes, RIGHTS_PURPOSE, UNDECLARED) if there else ():
            for_it = [o for o in there if not o.purposes or purpose in o.purposes]
            for actor in (PERSON, SITE, *policy.roles, UNDECLARED) if for_it else ():
                for category, oaths in over(tuple(o for o in for_it if not o.actors or actor in o.actors)):
                    _try(policy, table, (action, actor, purpose, category, recipient, form), oaths)


def _try_odd_cells(policy: Policy, table: Table, oaths: Sequence[_Oath]) -> None:
    """A sound table has cells for well-formed requests only. Whatever else this one has is tried as well."""
    kinds: Mapping[str, str] = {r.name: r.kind for r in policy.recipients.values()}
    for key in table.cells:
        action, actor, purpose, category, recipient, form = key
        if (recipient, form) in counterparts(policy, action) and category in things(policy, action):
            continue
        over = [
            oath
            for oath in oaths
            if (not oath.actions or action in oath.actions)
            and (not oath.actors or actor in oath.actors)
            and (not oath.purposes or purpose in oath.purposes)
            and (not oath.categories or category in oath.categories)
            and (not oath.recipients or {recipient, kinds.get(recipient or "")} & oath.recipients)
        ]
        _try(policy, table, key, over)


def _try(policy: Policy, table: Table, key: Key, oaths: Sequence[_Oath]) -> None:
    """Every subset of conditions at one point, once for all the nevers over it."""
    if _own_right(policy, key):
        for oath in oaths:
            oath.meets_rights = True
        return
    action, actor, purpose, category, recipient, form = key
    ask = Request(action, actor, purpose, (category,), recipient, form)  # type: ignore[arg-type]  # one of ACTIONS
    cell = table.cells.get(key)
    relevant = 0 if cell is None else cell.mask
    for oath in oaths:
        relevant |= oath.exceptions
    circumstances = _circumstances(relevant)
    for oath in oaths:
        oath.decisions += len(circumstances)
    for facts in circumstances:
        if isinstance(decide(table, ask, facts), Allow):
            _note(ask, facts.held, oaths)


@lru_cache(maxsize=64)  # a policy has only so many masks, and the next point mostly has the same one
def _circumstances(relevant: int) -> tuple[Facts, ...]:
    """Facts for every subset of the conditions."""
    return tuple(Facts(held) for held in subsets(relevant))


def _note(ask: Request, held: int, oaths: Sequence[_Oath]) -> None:
    for oath in oaths:
        if oath.counterexample is None and not oath.lifted(held):
            oath.counterexample = in_words(ask, held)


def _own_right(policy: Policy, key: Key) -> bool:
    """What serves the person's own rights is no never's business, whatever the never says."""
    action, actor, purpose, name, _, _ = key
    if action not in OWN_RIGHTS or purpose != RIGHTS_PURPOSE or actor == UNDECLARED:
        return False
    category = policy.categories.get(name)
    return (
        category is not None
        and category.held_by is None
        and category.apart is None
        and (action == "erase" or actor in (PERSON, SITE))
    )


def counterparts(policy: Policy, action: str) -> Iterator[tuple[str | None, str | None]]:
    """Every recipient or form that can stand beside an action, an undeclared one and none at all among them."""
    yield None, None
    if action in TO_RECIPIENT:
        for recipient in (*policy.recipients, *RECIPIENT_KINDS, UNDECLARED):
            yield recipient, None
    if action == "collect":
        for form in (*policy.forms, UNDECLARED):
            yield None, form


def things(policy: Policy, action: str) -> tuple[str, ...]:
    """Every category that an action can be about, an undeclared one among them; for set-cookie, the cookies."""
    if action != "set-cookie":
        return (*policy.categories, UNDECLARED)
    clauses = [clause for promise in policy.promises for clause in promise.clauses if isinstance(clause, Cookies)]
    return (*dict.fromkeys(clause.name for clause in clauses if clause.name is not None), UNDECLARED)


def in_words(ask: Request, held: int) -> str:
    """A request and what holds, in a line for a developer."""
    words = f"{ask.action} {', '.join(ask.categories)} for {ask.purpose} by {ask.actor}"
    words += f" with {ask.recipient}" if ask.recipient else ""
    words += f" through {ask.form}" if ask.form else ""
    return f"{words} while {', '.join(names(held)) or 'nothing'} holds"


def size(policy: Policy) -> int:
    """How many points the space has: requests about one category, before any condition is told apart."""
    return sum(
        (len(policy.roles) + 3)
        * (len(policy.purposes) + 2)
        * len(things(policy, action))
        * sum(1 for _ in counterparts(policy, action))
        for action in ACTIONS
    )
