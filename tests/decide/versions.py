"""Pairs of versions, and what changes between them found a second time: every question is put to both compiled policies.

The loop shares nothing with `avow.decide.difference`. It asks for every action, actor, purpose, category, recipient and
form that either version declares, and one that neither does, under every set of the conditions that a clause of either
names or the language itself asks for there (docs/policy-language.md, 4.6). The tests call `run` with a small count, a
campaign with the full one.
"""

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import product
from typing import Any

from avow.decide.decide import decide
from avow.decide.difference import Change, Difference, difference
from avow.decide.request import Allow, Facts, Request, bits, names
from avow.decide.table import Table, compile_policy
from avow.policy.model import ACTIONS, RECIPIENT_KINDS, Clause, Collect, Contact, Cookies, Never, Policy, Share, Use
from tests.decide.small import HERE, category, policy, recipient, shop

Key = tuple[str, str, str, str, str | None, str | None]
NEITHER = "?"  # declared by neither version: stands for all such
SORTS = ("request", "consent", "approval")  # what generated clauses need, beside what they must


def run(count: int, seed: int) -> dict[str, Any]:
    """A campaign's batch: so many pairs, and the questions put to both."""
    dice = random.Random(seed)
    differing: list[str] = []
    asked = wider = narrower = 0
    for _ in range(count):
        old, new = pair(dice)
        found = difference(old, new)
        loop = Loop(old, new)
        differing += loop.disagrees(found)
        asked += loop.asked
        wider += bool(found.widened)
        narrower += bool(found.narrowed)
    return {
        "pairs": count,
        "questions": asked,
        "wider": wider,
        "narrower": narrower,
        "differing": len(differing),
        "first": "; ".join(differing[:3]),
        "ok": not differing,
    }


# -- pairs ---------------------------------------------------------------------------------------------------------


def pair(dice: random.Random) -> tuple[Policy, Policy]:
    """A version, and another that a few changes have made of it; now and then one that has nothing to do with it."""
    old = _drawn(dice)
    if dice.random() < 0.1:
        return old, _drawn(dice)
    new = old
    for _ in range(dice.randint(1, 3)):
        new = dice.choice(_CHANGES)(new, dice)
    return (old, new) if dice.random() < 0.5 else (new, old)


def _drawn(dice: random.Random) -> Policy:
    promises = {f"R-{n}": [_clause(dice) for _ in range(dice.randint(1, 2))] for n in range(dice.randint(2, 6))}
    return replace(shop(), promises=policy(promises).promises)


def _some(dice: random.Random, among: Iterable[str], least: int = 1) -> tuple[str, ...]:
    words = list(among)
    return tuple(dice.sample(words, dice.randint(min(least, len(words)), min(3, len(words)))))


def _needs(dice: random.Random) -> frozenset[Any]:
    return frozenset(_some(dice, SORTS, 0))


_CATEGORIES, _PURPOSES, _ACTORS = (
    ("email", "name", "phone", "card", "ip"),
    ("order", "news"),
    ("site", "packer", "person"),
)
_RECIPIENTS = ("payments", "police", "list-broker", "public")


def _clause(dice: random.Random) -> Clause:
    what, why = _some(dice, _CATEGORIES), _some(dice, _PURPOSES)
    unless: tuple[frozenset[Any], ...] = tuple(
        dict.fromkeys(_needs(dice) or frozenset(["case"]) for _ in range(dice.randint(0, 2)))
    )
    match dice.choice(("use", "use", "share", "never", "never", "collect", "contact", "cookies")):
        case "use":
            return Use(what, why, _some(dice, _ACTORS), _needs(dice), HERE)
        case "share":
            way: Any = dice.choice(("share", "sell", "summarise"))
            return Share(way, what, _some(dice, _RECIPIENTS), why, _some(dice, _ACTORS[:2]), _needs(dice), HERE)
        case "collect":
            return Collect(dice.choice(("order", "card-page")), what, (), why, HERE)
        case "contact":
            return Contact(_some(dice, ("mail", "phone")), why, ("site",), _needs(dice), dice.random() < 0.3, HERE)  # type: ignore[arg-type]  # channels
        case "cookies":
            return Cookies(dice.choice(("cart", "guest")), why[0], ("/",), None, None, _needs(dice), HERE)
        case _:
            actions: Any = _some(dice, ACTIONS, 0)
            to, by = _some(dice, _RECIPIENTS, 0), _some(dice, _ACTORS, 0)
            return Never(actions, _some(dice, _CATEGORIES, 0), _some(dice, _PURPOSES, 0), to, by, unless, False, HERE)


def _another_clause(old: Policy, dice: random.Random) -> Policy:
    place = dice.randrange(len(old.promises))
    one = old.promises[place]
    clauses = list(one.clauses)
    match dice.choice(("more", "less", "other")) if clauses else "more":  # the last one may have gone before
        case "more":
            clauses.append(_clause(dice))
        case "less":
            clauses.pop(dice.randrange(len(clauses)))
        case _:
            clauses[dice.randrange(len(clauses))] = _clause(dice)
    promises = [*old.promises]
    promises[place] = replace(one, clauses=tuple(clauses))
    return replace(old, promises=tuple(promises))


def _other_needs(old: Policy, dice: random.Random) -> Policy:
    def changed(clause: Clause) -> Clause:
        if isinstance(clause, Use | Share | Contact | Cookies) and dice.random() < 0.5:
            return replace(clause, needs=_needs(dice))
        if isinstance(clause, Never) and dice.random() < 0.5:
            return replace(clause, unless=(_needs(dice) or frozenset(["consent"]),))
        return clause

    return replace(
        old, promises=tuple(replace(one, clauses=tuple(changed(c) for c in one.clauses)) for one in old.promises)
    )


def _a_promise_less(old: Policy, dice: random.Random) -> Policy:
    gone = dice.randrange(len(old.promises))
    return replace(
        old, promises=tuple(one for n, one in enumerate(old.promises) if n != gone or len(old.promises) == 1)
    )


def _other_kind(old: Policy, dice: random.Random) -> Policy:
    name = dice.choice(sorted(old.recipients))
    kind: Any = dice.choice(RECIPIENT_KINDS)
    return replace(old, recipients={**old.recipients, name: replace(old.recipients[name], kind=kind)})


def _something_declared(old: Policy, dice: random.Random) -> Policy:
    """A category, a role or a recipient more; a category that goes where nobody sees it, or that can be written to."""
    match dice.choice(("category", "role", "recipient", "apart", "channel")):
        case "category":
            return replace(old, categories={**old.categories, "size": category("size")})
        case "role":
            return replace(old, roles={**old.roles, "clerk": replace(old.roles["packer"], name="clerk")})
        case "recipient":
            return replace(old, recipients={**old.recipients, "press": recipient("press", "third-party")})
        case "apart":
            moved = replace(old.categories["name"], apart="visits")
            return replace(old, categories={**old.categories, "name": moved})
        case _:
            reached = replace(old.categories["name"], channel="mail")
            return replace(old, categories={**old.categories, "name": reached})


_CHANGES = (
    _another_clause,
    _another_clause,
    _other_needs,
    _other_needs,
    _a_promise_less,
    _other_kind,
    _something_declared,
)


# -- the loop ------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Turned:
    """One cell that answers differently: under which sets of conditions, and who allows it there."""

    held: list[int] = field(default_factory=list)
    promises: set[str] = field(default_factory=set)


class Loop:
    """Every question to both versions. `widened` and `narrowed` are what came of it, `asked` how many there were."""

    def __init__(self, old: Policy, new: Policy) -> None:
        self.widened: dict[Key, Turned] = {}
        self.narrowed: dict[Key, Turned] = {}
        self.asked = 0
        before, after = compile_policy(old), compile_policy(new)
        named = _named(old) | _named(new)
        for key in _questions(old, new):
            action, actor, purpose, what, whom, form = key
            ask = Request(action, actor, purpose, (what,), whom, form)  # type: ignore[arg-type]  # it is an action
            for facts in _sets(named | _asked_for(key, (old, new))):
                self.asked += 1
                held = facts.held
                was, now = _promises(before, ask, facts), _promises(after, ask, facts)
                if was is None and now is not None:
                    _note(self.widened, key, held, now)
                elif now is None and was is not None:
                    _note(self.narrowed, key, held, was)

    def disagrees(self, found: Difference) -> list[str]:
        """Where a difference says something else than what came of asking."""
        return [*_compared("wider", self.widened, found.widened), *_compared("narrower", self.narrowed, found.narrowed)]


def _note(turned: dict[Key, Turned], key: Key, held: int, promises: tuple[str, ...]) -> None:
    one = turned.setdefault(key, Turned())
    one.held.append(held)
    one.promises.update(promises)


def _promises(table: Table, ask: Request, facts: Facts) -> tuple[str, ...] | None:
    """Who allows it; None where it is refused."""
    answer = decide(table, ask, facts)
    return answer.promises if isinstance(answer, Allow) else None


def _questions(old: Policy, new: Policy) -> Iterator[Key]:
    both = (old, new)
    actors = ["person", "site", *_all(both, "roles")]
    purposes = ["rights", *_all(both, "purposes")]
    categories = _all(both, "categories")
    cookies = [*{c.name or NEITHER for one in both for _, c in one.clauses(Cookies)}, NEITHER]
    recipients, forms = [*RECIPIENT_KINDS, *_all(both, "recipients")], _all(both, "forms")
    for action in ACTIONS:
        whom = recipients if action in ("share", "sell", "summarise") else [None]
        through = forms if action == "collect" else [None]
        what = cookies if action == "set-cookie" else categories
        yield from product([action], actors, purposes, what, whom, through)


def _all(both: Iterable[Policy], kind: str) -> list[str]:
    return [*dict.fromkeys(name for one in both for name in getattr(one, kind)), NEITHER]


def _named(one: Policy) -> frozenset[str]:
    """Every condition that a clause names."""
    found: set[str] = set()
    for promise in one.promises:
        for clause in promise.clauses:
            found |= set(getattr(clause, "needs", ()))
            found |= {name for needs in getattr(clause, "unless", ()) for name in needs}
    return frozenset(found)


_TIMED = ("use", "share", "sell", "mail", "post", "call", "link", "access", "correct")
_OF_KIND = {"processor": "contract", "authority": "case", "fraud-prevention": "case"}


def _asked_for(key: Key, both: Iterable[Policy]) -> frozenset[str]:
    """What the language itself may ask for: 4.6 and 4.7."""
    action, actor, _, _, whom, _ = key
    found = {"collect": ["volunteered"], "set-cookie": ["on-path"]}.get(action, [])
    found += ["in-time"] if action in _TIMED else []
    found += ["no-opt-out", "notice-owed"] if action in ("mail", "post", "call") else []
    found += ["identified"] if actor == "person" or action in ("access", "correct", "erase") else []
    found += ["standing"] if actor not in ("person", "site") else []
    if action in ("share", "sell") and whom:
        kinds = (one.recipients[whom].kind if whom in one.recipients else whom for one in both)
        found += [_OF_KIND[kind] for kind in kinds if kind in _OF_KIND]
    return frozenset(found)


@cache
def _sets(conditions: frozenset[str]) -> list[Facts]:
    """Every set of them."""
    single = [bits([name]) for name in sorted(conditions)]  # type: ignore[list-item]  # conditions
    return [
        Facts(sum(bit for bit, is_in in zip(single, chosen, strict=True) if is_in))
        for chosen in product((False, True), repeat=len(single))
    ]


def _compared(title: str, asked: Mapping[Key, Turned], found: Iterable[Change]) -> Iterator[str]:
    """The same cells, by the same promises, in as many cases, and the fewest conditions that are said are the fewest."""
    told = {change.key: change for change in found}
    for key in asked.keys() ^ told.keys():
        yield f"{title}: {key} is {'not told' if key in asked else 'told, and not so'}"
    for key in asked.keys() & told.keys():
        mine, change = asked[key], told[key]
        if set(change.promises) != mine.promises:
            yield f"{title}: {key} by {sorted(mine.promises)}, told {change.promises}"
        if bits(change.when) not in mine.held or len(change.when) != min(len(names(held)) for held in mine.held):
            yield f"{title}: {key} when {change.when} is not the fewest"
        times, rest = divmod(len(mine.held), change.decisions)
        if rest or times.bit_count() != 1:  # each condition that neither looks at doubles the cases
            yield f"{title}: {key} in {len(mine.held)} cases, told {change.decisions}"
