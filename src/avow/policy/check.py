"""What is wrong with a policy beyond its words, as far as that shows without the decision's table.

Pure. Each rule is one function; rules: docs/policy-language.md, section 5. Contradictions, permissions that nothing
can reach and the proofs of the nevers need the whole space of decisions: `avow.decide.space`.
"""

from collections.abc import Callable, Iterator
from itertools import product
from typing import Final, NamedTuple, assert_never

from avow.errors import Fault
from avow.policy.model import (
    CONTACT,
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
    Needs,
    Never,
    Place,
    Policy,
    Protect,
    Recipient,
    Right,
    Share,
    Use,
)

Rule = Callable[[Policy], Iterator[Fault]]


def faults(policy: Policy) -> list[Fault]:
    """Every fault of a policy that parsed, in the order of the file. Empty when there is none."""
    return sorted({fault for rule in RULES for fault in rule(policy)})


class _Permission(NamedTuple):
    """What one clause lets happen, as far as the rules here care."""

    actions: frozenset[str]
    categories: frozenset[str]
    purposes: frozenset[str]
    recipients: frozenset[str]
    needs: Needs
    clause: Clause


def _permissions(policy: Policy) -> Iterator[_Permission]:
    for clause in _clauses(policy):
        permission = _permission(policy, clause)
        if permission is not None:
            yield permission


def _permission(policy: Policy, clause: Clause) -> _Permission | None:
    none: frozenset[str] = frozenset()
    match clause:
        case Use():
            its, why = frozenset(clause.categories), frozenset(clause.purposes)
            return _Permission(frozenset({"use"}), its, why, none, clause.needs, clause)
        case Share():
            its, why = frozenset(clause.categories), frozenset(clause.purposes)
            return _Permission(frozenset({clause.way}), its, why, frozenset(clause.recipients), clause.needs, clause)
        case Contact():
            reached = frozenset(c.name for c in policy.categories.values() if c.channel in clause.channels)
            actions = frozenset(CONTACT[channel] for channel in clause.channels)
            return _Permission(actions, reached, frozenset(clause.purposes), none, clause.needs, clause)
        case Cookies():
            purposes = frozenset({clause.purpose} if clause.purpose else ())
            return _Permission(frozenset({"set-cookie"}), none, purposes, none, clause.needs, clause)
        case Collect() | Never() | Choose() | Keep() | KeepApart() | Protect() | Right() | Change() | Inform():
            return None
        case _:
            assert_never(clause)


def _clauses(policy: Policy) -> Iterator[Clause]:
    for promise in policy.promises:
        yield from promise.clauses


def _fault(place: Place, message: str, hint: str) -> Fault:
    return Fault(place.line, place.column, message, hint)


# --- promises and declarations ---


def _no_check(policy: Policy) -> Iterator[Fault]:
    """5.1"""
    for promise in policy.promises:
        if not promise.clauses:
            hint = "give it a clause such as `use`, `never` or `protect` that can be tried"
            yield _fault(promise.place, f"nothing can check the promise `{promise.id}`: it has no clause", hint)


def _bare_processor(policy: Policy) -> Iterator[Fault]:
    """5.2"""
    for one in policy.recipients.values():
        if one.kind != "processor":
            continue
        if one.policy is None:
            hint = "add `policy:` with the URL of its privacy policy"
            yield _fault(one.place, f"the processor `{one.name}` has no link to its own policy", hint)
        if one.contract is None:
            hint = "add `contract: {from: ..., to: ..., reference: ...}`"
            yield _fault(one.place, f"the processor `{one.name}` has no contract", hint)
        elif one.contract.to <= policy.version:
            message = f"the contract of `{one.name}` has ended before this policy takes effect, on {policy.version}"
            yield _fault(one.place, message, "renew the contract, or remove the processor")


def _held_elsewhere(policy: Policy) -> Iterator[Fault]:
    """5.3"""
    for form in policy.forms.values():
        if form.at is not None and policy.recipients[form.at].kind != "processor":
            message = f"the form `{form.name}` stands at `{form.at}`, which is not a processor"
            yield _fault(form.place, message, "only a processor under contract may ask for data in your name")
    for category in policy.categories.values():
        holder = category.held_by
        if holder is not None and policy.recipients[holder].kind != "processor":
            message = f"`{category.name}` is held by `{holder}`, which is not a processor"
            yield _fault(category.place, message, "only a processor under contract may hold data in your name")
        away = holder is not None or category.apart is not None
        if holder is not None and category.apart is not None:
            message = f"`{category.name}` is both held by `{holder}` and kept apart"
            yield _fault(category.place, message, "keep `held-by` if it never enters your systems, else `apart`")
        if away and category.look_up:
            message = f"nobody can be looked up by `{category.name}`: it is not in the vault"
            yield _fault(category.place, message, "remove `look-up`")


def _apart_without_room(policy: Policy) -> Iterator[Fault]:
    """5.4"""
    for category in policy.categories.values():
        if category.counts and category.apart is None:
            message = f"`{category.name}` counts visits, though its declaration names no room apart from persons"
            yield _fault(category.place, message, "add `apart:`, for example `apart: visits`, or remove `counts`")
        several = [what for what in category.counts if what not in {"visitors", "address"}]
        if len(several) > 1:
            message = f"`{category.name}` has values of {' and of '.join(f'`{what}`' for what in several)}"
            yield _fault(
                category.place, message, "declare a category for each, so that one value is told from the other"
            )
    for clause in _clauses(policy):
        if isinstance(clause, KeepApart):
            for name in clause.categories:
                if policy.categories[name].apart is None:
                    message = f"`{name}` is promised to be kept apart, though its declaration names no room"
                    yield _fault(
                        clause.place, message, f"declare it with `apart:`, for example `{name}: {{..., apart: visits}}`"
                    )


# --- what is collected, and why ---


def _collected_for_nothing(policy: Policy) -> Iterator[Fault]:
    """5.5"""
    served = {name for permission in _permissions(policy) for name in permission.categories}
    for clause in _clauses(policy):
        if isinstance(clause, Collect):
            for name in (*clause.asks, *clause.optional):
                if name not in served and policy.categories[name].held_by is None:
                    served.add(name)  # one fault is enough
                    hint = "say in a `use`, `share` or `contact` what it serves, or stop collecting it"
                    yield _fault(clause.place, f"`{name}` is collected for nothing", hint)


def _idle_form(policy: Policy) -> Iterator[Fault]:
    """5.6"""
    used = {clause.form for clause in _clauses(policy) if isinstance(clause, Collect | Choose)}
    for form in policy.forms.values():
        if form.name not in used:
            hint = "name it in a `collect` or `choose`, or remove it"
            yield _fault(form.place, f"the form `{form.name}` asks for nothing", hint)


def _two_ends(policy: Policy) -> Iterator[Fault]:
    """5.7"""
    first: dict[tuple[str, str], Keep] = {}
    for clause in _clauses(policy):
        if isinstance(clause, Keep):
            for cell in product(clause.categories or ("",), clause.forms or ("",)):
                other = first.setdefault(cell, clause)
                if (other.term, other.until) != (clause.term, clause.until):
                    what = " from ".join(f"`{name}`" for name in cell if name) or "whatever has no term of its own"
                    message = f"two ends for {what}: line {other.place.line} says otherwise"
                    yield _fault(clause.place, message, "keep one of them, or name categories or forms in one")


# --- cookies and outside origins ---


def _cookie_twice(policy: Policy) -> Iterator[Fault]:
    """5.8"""
    first: dict[tuple[str, str | None], Cookies] = {}
    for clause in _clauses(policy):
        if isinstance(clause, Cookies) and clause.name is not None:
            other = first.setdefault((clause.name, clause.at), clause)
            if _cookie(other) != _cookie(clause):
                message = f"the cookie `{clause.name}` is declared differently on line {other.place.line}"
                yield _fault(clause.place, message, "say the same in both places, or remove one")


def _cookie(clause: Cookies) -> tuple[object, ...]:
    return clause.purpose, frozenset(clause.paths), clause.lifetime, clause.needs


def _cookies_beside_none(policy: Policy) -> Iterator[Fault]:
    """5.9"""
    none = next((c for c in _clauses(policy) if isinstance(c, Cookies) and c.name is None), None)
    for clause in _clauses(policy):
        if none is not None and isinstance(clause, Cookies) and clause.name is not None and clause.at is None:
            message = (
                f"the cookie `{clause.name}` is declared, though line {none.place.line} promises that there are none"
            )
            yield _fault(clause.place, message, "remove one of the two, or say with `at:` whose cookie it is")


def _outside_cookies(policy: Policy) -> Iterator[Fault]:
    """5.10"""
    banned = [c for c in _clauses(policy) if isinstance(c, Never) and c.purposes and not c.unless]
    for clause in _clauses(policy):
        if not isinstance(clause, Cookies) or clause.at is None:
            continue
        if policy.recipients[clause.at].origin is None:
            hint = f"declare `{clause.at}` with `origin:`"
            yield _fault(clause.place, f"the cookie `{clause.name}` is set by `{clause.at}`, which has no origin", hint)
        for never in banned:
            about = clause.purpose in never.purposes and _names(policy, never.recipients, clause.at)
            if about and (not never.actions or "set-cookie" in never.actions) and not never.categories and not never.by:
                message = (
                    f"`{clause.at}` sets the cookie `{clause.name}` for a purpose that line {never.place.line} forbids"
                )
                yield _fault(clause.place, message, "remove the cookie, or give it its true purpose")


def _idle_origin(policy: Policy) -> Iterator[Fault]:
    """5.11: a page may load from a declared origin, so somebody must have said what for."""
    used = {form.at for form in policy.forms.values()} | {c.held_by for c in policy.categories.values()}
    for clause in _clauses(policy):
        match clause:
            case Share() | Choose() | Inform():
                used.update(clause.recipients)
            case Cookies():
                used.add(clause.at)
            case _:
                pass
    for one in policy.recipients.values():
        if one.origin is not None and one.name not in used:
            message = f"pages may load from `{one.name}`, though no promise says what for"
            yield _fault(
                one.place, message, "remove its `origin`, or say what it does in a `share`, `cookies` or `inform`"
            )


# --- choices and requests ---


def _idle_choice(policy: Policy) -> Iterator[Fault]:
    """5.12"""
    agreed: tuple[Condition, ...] = ("consent", "approval")
    for clause in _clauses(policy):
        if isinstance(clause, Choose):
            for purpose in clause.purposes:
                if not _hangs(policy, purpose, agreed):
                    hint = "add `needs: [consent]` where it is used, or remove the choice"
                    yield _fault(clause.place, f"a choice about `{purpose}`, though nothing needs consent for it", hint)


def _idle_request(policy: Policy) -> Iterator[Fault]:
    """5.13"""
    for kind in policy.requests.values():
        if not any(_hangs(policy, purpose, ("request",)) for purpose in kind.serves):
            hint = "add `needs: [request]` where one of its purposes is used, or remove it"
            yield _fault(kind.place, f"a request of kind `{kind.name}` opens nothing: nothing needs it", hint)


def _hangs(policy: Policy, purpose: str, conditions: tuple[Condition, ...]) -> bool:
    """Whether something for this purpose is let happen only while one of the conditions holds."""
    nevers = [c for c in _clauses(policy) if isinstance(c, Never)]
    for permission in _permissions(policy):
        if purpose in permission.purposes:
            if not permission.needs.isdisjoint(conditions):
                return True
            for never in nevers:
                over = (not never.purposes or purpose in never.purposes) and (
                    not never.actions or not permission.actions.isdisjoint(never.actions)
                )
                if over and any(not alternative.isdisjoint(conditions) for alternative in never.unless):
                    return True
    return False


def _unoffered(policy: Policy) -> Iterator[Fault]:
    """5.14"""
    choices = [clause for clause in _clauses(policy) if isinstance(clause, Choose)]
    purposes = {purpose for choice in choices for purpose in choice.purposes}
    for permission in _permissions(policy):
        place = permission.clause.place
        if permission.recipients:
            for name in sorted(permission.recipients):
                offers = [choice for choice in choices if _names(policy, choice.recipients, name, every=False)]
                if "approval" in permission.needs and not any(choice.written for choice in offers):
                    hint = f"add `choose: {{with: [{name}], ..., written: true}}`"
                    yield _fault(place, f"needs an approval for `{name}` that nobody can give", hint)
                elif "consent" in permission.needs and not offers:
                    hint = f"add `choose: {{with: [{name}], ...}}`"
                    yield _fault(place, f"needs a consent about `{name}` that no `choose` offers", hint)
        elif "consent" in permission.needs:
            for purpose in sorted(permission.purposes - purposes):
                hint = f"add `choose: {{for: [{purpose}], ...}}`"
                yield _fault(place, f"needs a consent to `{purpose}` that no `choose` offers", hint)


def _names(policy: Policy, recipients: tuple[str, ...], name: str, *, every: bool = True) -> bool:
    """Whether a clause's recipients take this one in, by name or by kind; an empty list does if `every`."""
    one: Recipient | None = policy.recipients.get(name)
    return (every and not recipients) or name in recipients or (one is not None and one.kind in recipients)


def _unreachable(policy: Policy) -> Iterator[Fault]:
    """5.15"""
    carried = {category.channel for category in policy.categories.values()}
    for clause in _clauses(policy):
        if isinstance(clause, Contact):
            for channel in clause.channels:
                if channel not in carried:
                    hint = f"give the category that does `channel: {channel}`, or remove it here"
                    yield _fault(clause.place, f"contact by `{channel}`, though no category carries it", hint)


_ROUTES: Final = {"mail": "email", "phone": "phone", "letter": "post", "form": "form"}  # what the controller says of it


def _routeless(policy: Policy) -> Iterator[Fault]:
    """5.16"""
    for clause in _clauses(policy):
        if isinstance(clause, Right):
            for route in clause.routes:
                said = _ROUTES.get(route)
                if said is not None and said not in policy.controller.contact:
                    hint = f"add `{said}` to the controller's `contact`, or remove `{route}` here"
                    words = f"`{clause.rights[0]}` by `{route}` is promised, though the controller names no `{said}`"
                    yield _fault(clause.place, words, hint)


RULES: Final[tuple[Rule, ...]] = (
    _no_check,
    _bare_processor,
    _held_elsewhere,
    _apart_without_room,
    _collected_for_nothing,
    _idle_form,
    _two_ends,
    _cookie_twice,
    _cookies_beside_none,
    _outside_cookies,
    _idle_origin,
    _idle_choice,
    _idle_request,
    _unoffered,
    _unreachable,
    _routeless,
)
