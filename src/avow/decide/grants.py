"""What the clauses of a policy grant, cell by cell, each with the guards that come with it.

Pure. Rules: docs/policy-language.md, section 4. Nothing here is looked at when a request is decided: the table is
compiled from it once.
"""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple, assert_never

from avow.decide.request import bits
from avow.policy.model import (
    CONTACT,
    PERSON,
    RECIPIENT_KINDS,
    RIGHTS_PURPOSE,
    SITE,
    Action,
    Change,
    Choose,
    Clause,
    Collect,
    Condition,
    Contact,
    Cookies,
    Inform,
    Keep,
    KeepApart,
    Never,
    Policy,
    Protect,
    Right,
    Share,
    Use,
)

Key = tuple[str, str, str, str, str | None, str | None]
"""Action, actor, purpose, category, recipient, form: what a request says about one category."""

TO_RECIPIENT: Final[frozenset[Action]] = frozenset(("share", "sell", "summarise"))  # these, and no other, have one
OWN_RIGHTS: Final[frozenset[Action]] = frozenset(("access", "correct", "erase"))  # never refused by a never
LEGAL_KINDS: Final = frozenset(("authority", "fraud-prevention"))  # what goes to these needs an open case
TIMED: Final[frozenset[Action]] = frozenset(
    ("use", "share", "sell", "mail", "post", "call", "link", "access", "correct")
)  # these need a datum that is not past its retention
REACHING: Final[frozenset[Action]] = frozenset(CONTACT.values())


class Grant(NamedTuple):
    """`promise` grants the cell `key` while all of `needs` (bits) hold; "" when no promise is needed for it.

    `clause` is None for what is built in.
    """

    key: Key
    promise: str
    needs: int
    clause: Clause | None


def vault_categories(policy: Policy) -> tuple[str, ...]:
    """The categories that may enter the merchant's vault at all."""
    return tuple(c.name for c in policy.categories.values() if c.held_by is None and c.apart is None)


def kind_of(policy: Policy, recipient: str | None) -> str | None:
    """The kind of a declared recipient, or the kind itself where it stands for the undeclared ones."""
    if recipient is None:
        return None
    declared = policy.recipients.get(recipient)
    if declared is not None:
        return declared.kind
    return recipient if recipient in RECIPIENT_KINDS else None


def guards(action: str, actor: str, kind: str | None) -> frozenset[Condition]:
    """What every grant of this action, to this actor and kind of recipient, needs beside its own needs.

    The guard against opting out is not here: it depends on the clause (see `grants`).
    """
    found: set[Condition] = set()
    if action == "collect":
        found.add("volunteered")
    elif action == "set-cookie":
        found.add("on-path")
    elif action in TIMED:
        found.add("in-time")
    if actor == PERSON:
        if action != "collect":
            found.add("identified")
    elif actor != SITE:
        found.add("standing")
    if action in ("share", "sell"):
        if kind == "processor":
            found.add("contract")
        elif kind in LEGAL_KINDS:
            found.add("case")
    return frozenset(found)


def grants(policy: Policy) -> Iterator[Grant]:
    """Every grant of the policy, in its order; what is built in comes last."""
    for promise in policy.promises:
        for clause in promise.clauses:
            for key, needs in _of_clause(policy, clause):
                yield Grant(key, promise.id, _guarded(policy, key, needs), clause)
    promising: dict[str, dict[str, None]] = {right: {} for right in OWN_RIGHTS}
    for promise in policy.promises:
        for clause in promise.clauses:
            if isinstance(clause, Right):
                for right in OWN_RIGHTS.intersection(clause.rights):
                    promising[right][promise.id] = None
    for key, needs in _built_in(policy):
        for promise_id in ("", *promising[key[0]]):
            yield Grant(key, promise_id, _guarded(policy, key, needs), None)


def _guarded(policy: Policy, key: Key, needs: frozenset[Condition]) -> int:
    return bits(needs | guards(key[0], key[1], kind_of(policy, key[4])))


_Cells = Iterable[tuple[Key, frozenset[Condition]]]


def _of_clause(policy: Policy, clause: Clause) -> _Cells:  # noqa: PLR0911 - one case a kind of clause
    """The cells that a clause grants, each with the clause's own needs."""
    match clause:
        case Collect():
            return _collect(policy, clause)
        case Use():
            return _use(clause)
        case Share():
            return _share(clause)
        case Contact():
            return _contact(policy, clause)
        case Cookies():
            return _cookies(clause)
        case Right():
            return _right(policy, clause)
        case Never() | Choose() | Keep() | KeepApart() | Protect() | Change() | Inform():
            return ()
        case _:
            assert_never(clause)


def _use(clause: Use) -> _Cells:
    for actor in clause.by:
        for purpose in clause.purposes:
            for category in clause.categories:
                yield ("use", actor, purpose, category, None, None), clause.needs


def _share(clause: Share) -> _Cells:
    for recipient in clause.recipients:
        for actor in clause.by:
            for purpose in clause.purposes:
                for category in clause.categories:
                    yield (clause.way, actor, purpose, category, recipient, None), clause.needs


def _cookies(clause: Cookies) -> _Cells:
    """Only on the merchant's own origin; what a recipient sets on its own is not the merchant's act."""
    if clause.name is not None and clause.purpose is not None and clause.at is None:
        yield ("set-cookie", SITE, clause.purpose, clause.name, None, None), clause.needs


def _right(policy: Policy, clause: Right) -> _Cells:
    for category in vault_categories(policy):
        for right in clause.rights:
            if right in OWN_RIGHTS:
                yield (right, PERSON, RIGHTS_PURPOSE, category, None, None), frozenset()


def _collect(policy: Policy, clause: Collect) -> _Cells:
    """Through a form of the merchant's own, and never what a processor holds or what is kept apart."""
    if policy.forms[clause.form].at is not None:
        return
    inside = frozenset(vault_categories(policy))
    for actor in (PERSON, SITE):  # the site: for what is imported
        for purpose in clause.purposes:
            for category in (*clause.asks, *clause.optional):
                if category in inside:
                    yield ("collect", actor, purpose, category, None, clause.form), frozenset()


def _contact(policy: Policy, clause: Contact) -> _Cells:
    guard: Condition = "notice-owed" if clause.despite_opt_out else "no-opt-out"
    needs = clause.needs | {guard}
    for channel in clause.channels:
        for category in policy.categories.values():
            if category.channel == channel:
                for actor in clause.by:
                    for purpose in clause.purposes:
                        yield (CONTACT[channel], actor, purpose, category.name, None, None), needs


def _built_in(policy: Policy) -> _Cells:
    """What serves the person's own rights or only narrows, whatever the policy says."""
    for category in vault_categories(policy):
        for actor in (PERSON, SITE, *policy.roles):
            yield ("erase", actor, RIGHTS_PURPOSE, category, None, None), frozenset()
        for right in ("access", "correct"):
            for actor in (PERSON, SITE):
                yield (right, actor, RIGHTS_PURPOSE, category, None, None), frozenset(("identified",))
