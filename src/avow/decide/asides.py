"""What changes between two versions that no single answer shows, and how it is said. The parts are in `declared` and
`pledged` beside this; here is what holds for what is held, and for cookies and visits.

Pure. Each part is said twice: by the names of the policy file, for who wrote it, and in the policy's own words.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from avow.decide.table import span
from avow.policy.model import COUNTS, Collect, Condition, Contract, Cookies, Count, Policy
from avow.policy.notice import words
from avow.policy.retention import rule


@dataclass(frozen=True, slots=True)
class Aside:
    """A change that no single answer shows.

    `wider`: whether the site may do more by it, or leave undone what it might not leave undone before. `neither`: it
    does no such thing either way. Where both are false, it binds the site more. `promises` are those that say so in
    either version, none where only a declaration changed. `words` is `says` for people. `recipient` is whom outside
    it is about, `category` the one category that it is about, or "".
    """

    says: str
    wider: bool
    promises: tuple[str, ...] = ()
    words: str = ""
    recipient: str = ""
    neither: bool = False
    category: str = ""


class Say:
    """What things are called: by their names in the policy file, or in the words of the policy that has them."""

    def __init__(self, old: Policy, new: Policy, *, people: bool) -> None:
        self.old, self.new, self.people = old, new, people

    def one(self, kind: str, name: str) -> str:
        """Something declared. `kind`: category, purpose, recipient, form, actor or request."""
        if not self.people:
            return f"`{name}`"
        policy = self.new if name in getattr(self.new, _DECLARED[kind]) else self.old
        if kind == "request":
            found = policy.requests.get(name)
            return f"“{(found.says if found else '') or words.plain(name)}”"
        said: str = getattr(words, kind)(policy, name)
        return f"“{said}”" if kind == "purpose" else said

    def all(self, kind: str, names: Iterable[str], last: str = "and") -> str:
        """Several of one kind."""
        said = [self.one(kind, name) for name in names]
        return words.listed(said, last) if self.people else ", ".join(said)

    def word(self, name: str, says: Mapping[Any, str] | None = None) -> str:
        """A closed word or an event; `says` has what it is for people."""
        return (says or {}).get(name, words.plain(name)) if self.people else f"`{name}`"

    def quoted(self, text: str) -> str:
        """Something as it stands in the file."""
        return f"“{text}”" if self.people else f"`{text}`"


_DECLARED: Final = {
    "category": "categories", "purpose": "purposes", "recipient": "recipients", "form": "forms", "actor": "roles",
    "request": "requests",
}  # fmt: skip
Finding = Callable[[Policy, Policy, Say], Iterator[Aside]]


def asides(find: Finding, old: Policy, new: Policy) -> tuple[Aside, ...]:
    """What one part finds, said both ways."""
    named = find(old, new, Say(old, new, people=False))
    worded = find(old, new, Say(old, new, people=True))
    return tuple(replace(one, words=words.sentence(two.says)) for one, two in zip(named, worded, strict=True))


# -- how long ------------------------------------------------------------------------------------------------------

_Kept = tuple[timedelta | None, str | None] | None  # a time, or an event; None: until the person is erased


def retention(old: Policy, new: Policy, say: Say) -> Iterator[Aside]:
    """For each category of both versions, through every form by which it comes, or came: how long a datum lives."""
    for category in new.categories:
        if category not in old.categories:
            continue
        changes: dict[tuple[_Kept, _Kept], dict[str, set[str]]] = {}
        forms = _asking(old, new, category) or (*new.forms, *(form for form in old.forms if form not in new.forms))
        for form in forms:
            (was, before), (now, after) = _kept(old, category, form), _kept(new, category, form)
            if was != now:
                changes.setdefault((was, now), {})[form] = {before, after}
        for (was, now), found in changes.items():
            through = "" if len(found) == len(forms) > 1 else _through(say, found)
            datum, before, after = say.one("category", category) + through, _spoken(say, was), _spoken(say, now)
            kept = f"is kept {after} now; before, {before}" if say.people else f"kept {before} before, {after} now"
            says = f"{datum}{' ' if say.people else ': '}{kept}"
            ids = tuple(sorted(set().union(*found.values()) - {""}))
            yield Aside(says, _longer(was, now), ids, category=category)


def _asking(old: Policy, new: Policy, category: str) -> tuple[str, ...]:
    """The forms that ask for it in either version."""
    clauses = (clause for policy in (new, old) for _, clause in policy.clauses(Collect))
    return tuple(dict.fromkeys(c.form for c in clauses if category in (*c.asks, *c.optional)))


def _through(say: Say, forms: Iterable[str]) -> str:
    return f" from {say.all('form', forms, 'or')}" if say.people else f" through {say.all('form', forms)}"


def _kept(policy: Policy, category: str, form: str) -> tuple[_Kept, str]:
    """How long, and the promise that says so."""
    found = rule(policy, category, form)
    return (None, "") if found is None else ((found[1].term, found[1].until), found[0])


def _longer(was: _Kept, now: _Kept) -> bool:
    """Whether it may be kept longer. An event may never come, and of two nobody can tell which comes first."""
    if was is None or now is None:
        return now is None
    return not (was[0] and now[0] and now[0] < was[0])


def _spoken(say: Say, kept: _Kept) -> str:
    if kept is None:
        return "until you have it erased" if say.people else "until the person is erased"
    term, until = kept
    return f"for {span(term)}" if term is not None else f"until {say.word(until or '')}"


# -- cookies -------------------------------------------------------------------------------------------------------


def cookies(old: Policy, new: Policy, say: Say) -> Iterator[Aside]:
    """Every cookie, the site's own and those that a recipient sets on its pages."""
    was, now = _declared_cookies(old), _declared_cookies(new)
    for name, at in {**was, **now}:
        called = f"the cookie {say.quoted(name)}" + (f" of {say.one('recipient', at)}" if at else "")
        before, after = was.get((name, at)), now.get((name, at))
        ids = tuple(dict.fromkeys(found[0] for found in (before, after) if found))
        if before is None:
            yield Aside(f"{called} is new", wider=True, promises=ids, recipient=at)
        elif after is None:
            yield Aside(f"{called} is gone", wider=False, promises=ids, recipient=at)
        else:
            for one in _cookie(called, before[1], after[1], say):
                yield replace(one, promises=ids, recipient=at)


def _declared_cookies(policy: Policy) -> dict[tuple[str, str], tuple[str, Cookies]]:
    """By name and who sets it, "" for the site itself."""
    return {(c.name, c.at or ""): (promise, c) for promise, c in policy.clauses(Cookies) if c.name is not None}


def _cookie(called: str, before: Cookies, after: Cookies, say: Say) -> Iterator[Aside]:
    if before.lifetime != after.lifetime:
        wider = (after.lifetime or timedelta()) > (before.lifetime or timedelta())
        yield Aside(f"{called} lives {_life(after)}, before {_life(before)}", wider)
    if set(before.paths) != set(after.paths):
        wider = not all(any(_under(path, known) for known in before.paths) for path in after.paths)
        yield Aside(f"{called} is set on {', '.join(say.quoted(path) for path in after.paths)}", wider)
    if after.at is None:
        return  # the answers show the rest
    if before.purpose != after.purpose:
        why, whence = (say.one("purpose", one.purpose or "") for one in (after, before))
        yield Aside(f"{called} serves {why}, before {whence}", wider=True)
    if before.needs != after.needs:
        needs = ", ".join(condition(say, one) for one in sorted(after.needs)) or "nothing"
        yield Aside(f"{called} needs {needs} now", wider=not before.needs <= after.needs)


def condition(say: Say, name: Condition) -> str:
    """A condition."""
    return f"that {words.CONDITION[name]}" if say.people else f"`{name}`"


def _under(path: str, above: str) -> bool:
    """As the guard matches: RFC 6265, 5.1.4."""
    return path == above or path.startswith(above if above.endswith("/") else f"{above}/")


def _life(cookie: Cookies) -> str:
    return "until the browser closes" if cookie.lifetime is None else span(cookie.lifetime)


# -- visits, and when conditions hold ------------------------------------------------------------------------------

_COUNTED: Final[Mapping[Count, str]] = {
    "region": "the broad region that it comes from",
    "duration": "how long it lasts",
    "section": "the parts of the site that it goes to",
    "browser": "the kind of browser",
    "system": "the operating system",
    "network": "the domain of its network",
    "visitors": "that it is of one more visitor",
    "address": "the IP address",
}


def visits(old: Policy, new: Policy, say: Say) -> Iterator[Aside]:
    """What each category stands for of a visit."""
    for name in {**old.categories, **new.categories}:
        was, now = (set(one.categories[name].counts if name in one.categories else ()) for one in (old, new))
        for what in COUNTS:
            if what in was ^ now:
                more = " now" if what in now else " no more"
                says = f"of each visit we note{more} {_COUNTED[what]}" if say.people else ""
                yield Aside(says or f"`{name}` counts `{what}` of visits{more}", what in now)


def conditions(old: Policy, new: Policy, say: Say) -> Iterator[Aside]:
    """A condition with the same name may hold in more cases than before. For purposes and recipients of both versions."""
    for purpose in new.purposes:
        if purpose not in old.purposes:
            continue
        was, now = (
            {kind.name for kind in policy.requests.values() if purpose in kind.serves} for policy in (old, new)
        )  # fmt: skip
        for kind in sorted(now ^ was):
            serves = "serves" if kind in now else "no longer serves"
            says = f"a request of the kind {say.one('request', kind)} {serves} {say.one('purpose', purpose)}"
            yield Aside(says + (" now" if kind in now else ""), wider=kind in now)
    for name, recipient in new.recipients.items():
        if name in old.recipients and (said := _contract(old.recipients[name].contract, recipient.contract)):
            says, wider, neither = said
            yield Aside(f"the contract of {say.one('recipient', name)} {says}", wider, recipient=name, neither=neither)


def _contract(was: Contract | None, now: Contract | None) -> tuple[str, bool, bool] | None:
    """What of it changed, whether it runs on more days, and whether that is neither here nor there."""
    if was == now:
        return None
    if now is None:
        return "is gone", False, False
    if was is None or (was.from_, was.to) != (now.from_, now.to):
        wider = was is None or now.from_ < was.from_ or now.to > was.to
        return f"runs from {now.from_.isoformat()} up to {now.to.isoformat()} now", wider, False
    return f"is {now.reference or 'without a reference'} now", False, True
