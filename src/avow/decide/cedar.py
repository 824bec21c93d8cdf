"""A policy in Cedar (docs.cedarpolicy.com, policy language version 4), so that another engine can decide by it.

Pure. Written from the clauses alone: it shares neither the compiled table nor the guards that the table is made with,
so that an engine which evaluates it is a witness. Every statement carries `@id`, the promise it comes from; what is
built in has `built-in` there, what every request must have has `guard`. Rules: docs/policy-language.md, section 4.

    principal   Actor::"person", Actor::"site", or a role
    action      Action::"use" and so on
    resource    Category::"email"; for set-cookie the cookie's name
    context     purpose, recipient and form (strings, "" for none), held (the set of conditions that hold)

A request about several categories is one Cedar request each, and allowed only if each is.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from avow.decide.request import Facts, Request, names
from avow.policy.model import Collect, Condition, Contact, Cookies, KeepApart, Needs, Never, Policy, Right, Share, Use

BUILT_IN = "built-in"
GUARD = "guard"


def export(policy: Policy) -> str:
    """The policy as Cedar text: permits, then nevers as forbids, then what every request must have."""
    statements = [*_permits(policy), *_built_in(policy), *_forbids(policy), *_guards(policy)]
    head = (
        f"// {policy.site}, in force from {policy.version.isoformat()}, made from the version {policy.digest.hex()}\n"
    )
    return head + "\n".join(statements)


def requests(ask: Request, facts: Facts) -> list[dict[str, Any]]:
    """The same question to a Cedar engine: one request for each category."""
    return [
        {
            "principal": {"type": "Actor", "id": ask.actor},
            "action": {"type": "Action", "id": ask.action},
            "resource": {"type": "Category", "id": category},
            "context": {
                "purpose": ask.purpose,
                "recipient": ask.recipient or "",
                "form": ask.form or "",
                "held": list(names(facts.held | facts.by_category.get(category, 0))),
            },
        }
        for category in ask.categories
    ]


# --- text ---


def _text(word: str) -> str:
    return json.dumps(word, ensure_ascii=True)  # names, ids and words hold nothing that JSON and Cedar escape apart


def _set(words: Iterable[str]) -> str:
    return f"[{', '.join(_text(word) for word in words)}]"


def _among(kind: str, words: Iterable[str], what: str) -> str:
    return f"[{', '.join(f'{kind}::{_text(word)}' for word in words)}].contains({what})"


def _holds(conditions: Needs) -> str:
    return f"context.held.containsAll({_set(sorted(conditions))})"


def _any_of(alternatives: Sequence[Needs]) -> str:
    return " || ".join(_holds(alternative) for alternative in alternatives)


def _statement(effect: str, name: str, actions: Sequence[str], when: Sequence[str], unless: Sequence[str] = ()) -> str:
    acts = f"action in [{', '.join(f'Action::{_text(action)}' for action in actions)}]" if actions else "action"
    lines = [f"@id({_text(name)})", f"{effect} (principal, {acts}, resource)"]
    if when:
        lines.append(f"when {{ {' && '.join(when)} }}")
    lines += [f"unless {{ {exception} }}" for exception in unless]
    return "\n".join(lines) + ";"


# --- what is granted ---


def _permits(policy: Policy) -> Iterator[str]:
    inside = [c.name for c in policy.categories.values() if c.held_by is None and c.apart is None]
    for promise in policy.promises:
        for clause in promise.clauses:
            match clause:
                case Collect() if policy.forms[clause.form].at is None:
                    taken = [name for name in (*clause.asks, *clause.optional) if name in inside]
                    form = f"context.form == {_text(clause.form)}"
                    when = [*_scope(("person", "site"), clause.purposes, taken), form]
                    yield _statement("permit", promise.id, ["collect"], when)
                case Use():
                    when = [*_scope(clause.by, clause.purposes, clause.categories), _holds(clause.needs)]
                    yield _statement("permit", promise.id, ["use"], when)
                case Share():
                    to = f"{_set(clause.recipients)}.contains(context.recipient)"
                    when = [*_scope(clause.by, clause.purposes, clause.categories), to, _holds(clause.needs)]
                    yield _statement("permit", promise.id, [clause.way], when)
                case Contact():
                    yield from _contact(policy, promise.id, clause)
                case Cookies(name=str(name), purpose=str(purpose), at=None):
                    when = [*_scope(("site",), (purpose,), (name,)), _holds(clause.needs)]
                    yield _statement("permit", promise.id, ["set-cookie"], when)
                case Right():
                    rights = [right for right in ("access", "correct", "erase") if right in clause.rights]
                    if rights:
                        yield _statement("permit", promise.id, rights, _scope(("person",), ("rights",), inside))
                        yield from _serving(policy, promise.id, rights)
                case _:
                    pass


def _scope(actors: Iterable[str], purposes: Iterable[str], categories: Iterable[str]) -> list[str]:
    return [
        _among("Actor", actors, "principal"),
        f"{_set(purposes)}.contains(context.purpose)",
        _among("Category", categories, "resource"),
    ]


def _contact(policy: Policy, promise: str, clause: Contact) -> Iterator[str]:
    for channel, action in (("mail", "mail"), ("post", "post"), ("phone", "call")):
        if channel in clause.channels:
            addresses = [c.name for c in policy.categories.values() if c.channel == channel]
            guard: Condition = "notice-owed" if clause.despite_opt_out else "no-opt-out"
            needs = clause.needs | {guard}
            yield _statement(
                "permit", promise, [action], [*_scope(clause.by, clause.purposes, addresses), _holds(needs)]
            )


def _built_in(policy: Policy) -> Iterator[str]:
    """What narrows, or serves the person's own rights, needs no promise."""
    yield from _serving(policy, BUILT_IN, ["access", "correct", "erase"])


def _serving(policy: Policy, promise: str, rights: Sequence[str]) -> Iterator[str]:
    """A right served by the site or, for erasing, by anyone; the promises that give the right are named by it."""
    inside = [c.name for c in policy.categories.values() if c.held_by is None and c.apart is None]
    known = [right for right in rights if right != "erase"]
    if known:
        when = [*_scope(("person", "site"), ("rights",), inside), _holds(frozenset(("identified",)))]
        yield _statement("permit", promise, known, when)
    if "erase" in rights:
        yield _statement("permit", promise, ["erase"], _scope(("person", "site", *policy.roles), ("rights",), inside))


# --- what is refused ---


def _forbids(policy: Policy) -> Iterator[str]:
    for promise in policy.promises:
        for clause in promise.clauses:
            match clause:
                case Never(otherwise=False):
                    yield _statement("forbid", promise.id, clause.actions, *_never(policy, clause))
                case KeepApart():
                    yield _statement(
                        "forbid", promise.id, ["link"], [_among("Category", clause.categories, "resource")]
                    )
                case Cookies(name=None):
                    yield _statement("forbid", promise.id, ["set-cookie"], [])
                case _:
                    pass
    for category in policy.categories.values():
        if category.held_by is not None or category.apart is not None:
            for promise_id in _naming(policy, category.name) or [BUILT_IN]:
                when = [f"resource == Category::{_text(category.name)}"]
                yield _statement("forbid", promise_id, ["collect"], when)


def _never(policy: Policy, clause: Never) -> tuple[list[str], list[str]]:
    when = []
    if clause.by:
        when.append(_among("Actor", clause.by, "principal"))
    if clause.purposes:
        when.append(f"{_set(clause.purposes)}.contains(context.purpose)")
    if clause.categories:
        when.append(_among("Category", clause.categories, "resource"))
    if clause.recipients:
        declared = [r.name for r in policy.recipients.values() if r.kind in clause.recipients]
        when.append(f"{_set(dict.fromkeys((*clause.recipients, *declared)))}.contains(context.recipient)")
    unless = [_own_rights(policy)]
    if clause.unless:
        unless.append(_any_of(clause.unless))
    return when, unless


def _own_rights(policy: Policy) -> str:
    """The requests that no never may refuse."""
    inside = [c.name for c in policy.categories.values() if c.held_by is None and c.apart is None]
    actors = _among("Actor", ("person", "site", *policy.roles), "principal")
    shared = f'context.purpose == "rights" && {_among("Category", inside, "resource")} && {actors}'
    own = 'principal == Actor::"person" || principal == Actor::"site"'
    rights = f'action == Action::"erase" || ([Action::"access", Action::"correct"].contains(action) && ({own}))'
    return f"{shared} && ({rights})"


def _naming(policy: Policy, category: str) -> list[str]:
    """The promises with a clause about this category, and not merely about every category."""
    found = []
    for promise in policy.promises:
        for clause in promise.clauses:
            match clause:
                case Collect():
                    named = {*clause.asks, *clause.optional}
                case _:
                    named = set(getattr(clause, "categories", ()))
            if category in named and named != set(policy.categories) and promise.id not in found:
                found.append(promise.id)
    return found


# --- what every request must have ---


def _guards(policy: Policy) -> Iterator[str]:
    timed = ["use", "share", "sell", "mail", "post", "call", "link", "access", "correct"]
    yield _guard(timed, [], "in-time")
    yield _guard(["collect"], [], "volunteered")
    yield _guard(["set-cookie"], [], "on-path")
    role = '!([Actor::"person", Actor::"site"].contains(principal))'
    yield _guard([], [role], "standing")
    yield _guard([], ['principal == Actor::"person"', 'action != Action::"collect"'], "identified")
    for condition, kinds in (("contract", ("processor",)), ("case", ("authority", "fraud-prevention"))):
        whom = [*kinds, *(r.name for r in policy.recipients.values() if r.kind in kinds)]
        yield _guard(["share", "sell"], [f"{_set(whom)}.contains(context.recipient)"], condition)
    sending = [f"Action::{_text(action)}" for action in ("share", "sell", "summarise")]
    yield _statement("forbid", GUARD, [], ['context.recipient != ""', f"!([{', '.join(sending)}].contains(action))"])
    yield _statement("forbid", GUARD, [], ['context.form != ""', 'action != Action::"collect"'])


def _guard(actions: Sequence[str], when: Sequence[str], condition: str) -> str:
    return _statement("forbid", GUARD, actions, when, [f"context.held.contains({_text(condition)})"])
