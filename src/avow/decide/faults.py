"""What is wrong with a policy that can be read: it contradicts itself, or grants what nothing can reach.

Pure. Rules: docs/policy-language.md, section 5.
"""

from collections.abc import Iterator, Sequence

from avow.decide.grants import OWN_RIGHTS, Grant, Key, grants
from avow.decide.request import BIT
from avow.decide.table import Table
from avow.errors import Fault
from avow.policy.model import (
    ACTIONS,
    PERSON,
    RIGHTS_PURPOSE,
    SITE,
    Clause,
    Collect,
    Contact,
    Cookies,
    Never,
    Policy,
    Promise,
    Right,
    Share,
    Use,
)

GRANTING = (Collect, Use, Share, Contact, Cookies, Right)


def faults(policy: Policy, table: Table) -> list[Fault]:
    """Contradictions and unreachable permissions, in the order of the file.

    A contradiction is a cell that one promise grants and another promise's never refuses whatever holds. A permission
    is unreachable when no `Allow` can ever name its promise for it: it grants no cell at all, or only cells that are
    refused, or that need what cannot come true.
    """
    by_clause: dict[int, list[Grant]] = {}
    for grant in grants(policy):
        if grant.clause is not None:
            by_clause.setdefault(id(grant.clause), []).append(grant)
    found: list[Fault] = []
    for promise in policy.promises:
        for clause in promise.clauses:
            if isinstance(clause, Never):
                found += _against_rights(promise, clause)
            elif isinstance(clause, GRANTING):
                found += _of_clause(policy, table, promise, clause, by_clause.get(id(clause), []))
    return sorted(found)


def _of_clause(
    policy: Policy, table: Table, promise: Promise, clause: Clause, granted: Sequence[Grant]
) -> Iterator[Fault]:
    blocked: dict[str, list[Key]] = {}
    live = 0
    reasons: set[str] = set()
    for grant in granted:
        by = _wholly_blocking(table, grant.key)
        for promise_id in by:
            blocked.setdefault(promise_id, []).append(grant.key)
        impossible = tuple(_impossible(policy, table, grant))
        reasons.update(impossible)
        live += not by and not impossible
    for promise_id, keys in blocked.items():
        more = f" and {len(keys) - 1} more like it" if len(keys) > 1 else ""
        yield Fault(
            clause.place.line,
            clause.place.column,
            f"`{promise.id}` allows {said(keys[0])}{more}, which `{promise_id}` never allows",
            f"narrow `{promise.id}`, or give the never of `{promise_id}` an `unless`",
        )
    if not live and not blocked and not _elsewhere(policy, clause):
        why = ", ".join(sorted(reasons)) or _why_empty(clause)
        yield Fault(
            clause.place.line,
            clause.place.column,
            f"this permission of `{promise.id}` can never be reached: {why}",
            "change what it needs or names, or remove it",
        )


def said(key: Key) -> str:
    """A cell in words."""
    action, actor, purpose, category, recipient, form = key
    words = f"`{action}` of `{category}` for `{purpose}` by `{actor}`"
    words += f" with `{recipient}`" if recipient else ""
    return words + (f" through `{form}`" if form else "")


def _wholly_blocking(table: Table, key: Key) -> tuple[str, ...]:
    """The promises whose nevers refuse this cell whatever holds."""
    if key[0] in OWN_RIGHTS:
        return ()
    over = table.index.pick(table.index.over(*key[:5]))
    return tuple(dict.fromkeys(promise for ban in over if not ban.unless for promise in ban.promises))


def _impossible(policy: Policy, table: Table, grant: Grant) -> Iterator[str]:
    """Needs that no person and no circumstance can ever meet."""
    action, _, purpose, _, recipient, _ = grant.key
    if grant.needs & BIT["request"] and not table.tokens[purpose].requests:
        yield f"it needs an open request, and no kind of request serves `{purpose}`"
    declared = policy.recipients.get(recipient or "")
    if grant.needs & BIT["contract"] and (declared is None or declared.contract is None):
        yield f"it needs a contract, and `{recipient}` has none" if recipient else "a contract needs a recipient"
    for condition in ("approval", "case"):
        if grant.needs & BIT[condition] and action not in ("share", "sell"):
            yield f"`{condition}` is about a recipient, and `{action}` has none that it could name"


def _elsewhere(policy: Policy, clause: Clause) -> bool:
    """What a recipient collects or sets on its own pages, and rights without an action, grant nothing here."""
    if isinstance(clause, Collect):
        return policy.forms[clause.form].at is not None
    if isinstance(clause, Cookies):
        return clause.name is None or clause.at is not None
    return isinstance(clause, Right)


def _why_empty(clause: Clause) -> str:
    if isinstance(clause, Contact):
        return f"no category has the channel {' or '.join(f'`{channel}`' for channel in clause.channels)}"
    if isinstance(clause, Collect):
        return "all that it asks for is held by others or kept apart"
    return "it names nothing that could be granted"


def _against_rights(promise: Promise, clause: Never) -> Iterator[Fault]:
    """A never that names the person's own rights refuses nothing of them."""
    named = [action for action in ACTIONS if action in OWN_RIGHTS and action in clause.actions]
    if clause.purposes and RIGHTS_PURPOSE not in clause.purposes:
        return
    if set(clause.actions) == set(ACTIONS) or (clause.by and not {PERSON, SITE} & set(clause.by)):
        return
    for action in named:
        yield Fault(
            clause.place.line,
            clause.place.column,
            f"`{promise.id}` would refuse `{action}`, but a person's own rights are never refused",
            f"take `{action}` out of the never",
        )
