"""Chains of versions, people and requests, made up; and what may be done with older data, worked out the slow way.

The slow way asks the rule itself: for every category there must be a choice of the person's consents under which every
version from the oldest that counts to the one in force allows it, but for those that are lifted.
"""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import combinations
from typing import Any

from avow.decide.decide import decide
from avow.decide.facts import Circumstances, facts
from avow.decide.history import History
from avow.decide.request import Allow, Request
from avow.decide.table import Table, compile_policy
from avow.policy.model import Change, Clause, Keep, Policy, Promise, Source
from tests.decide.small import (
    CATEGORIES,
    HERE,
    SETS,
    contact,
    never,
    share,
    shop,
    use,
)

TO_COME = b"\xee" * 16
ASKED = ("use", "share", "sell", "summarise", "mail", "post", "call", "link")
KINDS = (
    "refused by the one in force", "refused by an older one", "allowed as lifted", "allowed for older data", "allowed",
)  # fmt: skip
CONSENTS = (
    "consent/order", "consent/news", "consent/share/payments/name", "consent/share/police/email", "approval/payments/email",
    "consent/sell/payments/email", "approval/police/name",
)  # fmt: skip


@dataclass(frozen=True)
class Person:
    """Somebody's standing: since which version each consent stands, and what they said to which version."""

    since: dict[str, int]
    agreed: frozenset[int]
    told: frozenset[int]
    declined: frozenset[int]
    other: tuple[str, ...]

    def line(self, names: Sequence[bytes], consents: Sequence[str] | None = None) -> str:
        kept = self.since if consents is None else consents
        found = {*kept, *self.other}
        found |= {f"under/{names[self.since[one]].hex()}/{one}" for one in kept if self.since[one]}
        for word, places in (("agreed", self.agreed), ("told", self.told), ("declined", self.declined)):
            found |= {f"{word}/{[*names, TO_COME][place].hex()}" for place in places}
        return " ".join(sorted(found))


@dataclass(frozen=True)
class Case:
    versions: list[Policy]
    person: Person
    ask: Request
    came: dict[str, int]
    late: frozenset[str]
    circumstances: Circumstances

    @property
    def names(self) -> list[bytes]:
        return [bytes([place + 1]) * 16 for place in range(len(self.versions))]

    def history(self) -> History:
        return History(dict(zip(self.names, map(compile_policy, self.versions), strict=True)))

    def answered(self, history: History | None = None) -> bool:
        made = history or self.history()
        came = tuple((name, self.names[place]) for name, place in self.came.items())
        line = self.person.line(self.names)
        found = made.answer(self.ask, line, at=0, circumstances=self.circumstances, came=came, late=self.late)
        return isinstance(found, Allow)


def worked_out(case: Case) -> tuple[bool, str]:
    """Whether it is allowed, by the rule, and what it hung on."""
    tables = [compile_policy(one) for one in case.versions]
    last = len(tables) - 1
    if not _allows(tables[last], case, case.ask, case.person.line(case.names)):
        return False, "refused by the one in force"
    bound = [place for place in range(last) if not _lifted(case, place)]
    if all(_some_choice(case, tables, bound, category) for category in case.ask.categories):
        everything = [*range(last)]
        lifted = not all(_some_choice(case, tables, everything, category) for category in case.ask.categories)
        older = any(case.came.get(category, last) < last for category in case.ask.categories)
        return True, "allowed as lifted" if lifted else "allowed for older data" if older else "allowed"
    return False, "refused by an older one"


def _some_choice(case: Case, tables: list[Table], bound: list[int], category: str) -> bool:
    last, person = len(tables) - 1, case.person
    ask = case.ask._replace(categories=(category,))
    for size in range(len(person.since) + 1):
        for chosen in combinations(person.since, size):
            counting = [one for one in chosen if _counts(one, ask)]
            oldest = min([case.came.get(category, last), *(person.since[one] for one in counting)])
            line = person.line(case.names, chosen)
            if all(_allows(tables[place], case, ask, line) for place in [*bound, last] if place >= oldest):
                return True
    return False


def _counts(consent: str, ask: Request) -> bool:
    """Whether a consent is about this at all."""
    if ask.action in ("share", "sell"):
        asked = f"{ask.recipient}/{ask.categories[0]}"
        return consent in (f"consent/{ask.action}/{asked}", f"approval/{asked}")
    return consent == f"consent/{ask.purpose}"


def _allows(table: Table, case: Case, ask: Request, line: str) -> bool:
    due = dict.fromkeys(case.late, -1)
    return isinstance(
        decide(table, ask, facts(table, ask, line, at=0, circumstances=case.circumstances, due=due)), Allow
    )


def _lifted(case: Case, place: int) -> bool:
    last, person = len(case.versions) - 1, case.person
    if any(place < one <= last for one in person.agreed):
        return True
    duties = {duty for _, change in case.versions[place].clauses(Change) for duty in change.duties}
    reached = any(place < one <= last for one in person.told) and not any(one > place for one in person.declined)
    return "contact-affected" in duties and "forward-only" not in duties and reached


# -- made up ----------------------------------------------------------------------------------------------------------


def made_up(seed: int) -> Case:
    dice = random.Random(f"history {seed}")
    versions = chain(dice, dice.randint(2, 5))
    last = len(versions) - 1
    places = range(len(versions))

    def some(among: Sequence[Any], chance: float) -> list[Any]:
        return [one for one in among if dice.random() < chance]

    person = Person(
        since={one: dice.choice(places) for one in some(CONSENTS, 0.5)},
        agreed=frozenset(some(range(1, last + 2), 0.1)),
        told=frozenset(some(range(1, last + 2), 0.4)),
        declined=frozenset(some(range(1, last + 2), 0.2)),
        other=("case/police/email", "case/police/name", "notified/news", *some(("request/order",), 0.7)),
    )
    table = compile_policy(versions[-1])
    tries = [_case(dice, versions, person, _ask(dice, table)) for _ in range(20)]
    line = person.line(tries[0].names)
    # most of what is asked is refused by the one in force, and then no other is of interest
    return next((one for one in tries if _allows(table, one, one.ask, line)), tries[0])


def _case(dice: random.Random, versions: list[Policy], person: Person, ask: Request) -> Case:
    places = range(len(versions))
    return Case(
        versions, person, ask,
        came={name: dice.choice(places) for name in ask.categories if dice.random() < 0.9},
        late=frozenset(name for name in ask.categories if dice.random() < 0.05),
        circumstances=Circumstances(identified=dice.random() < 0.9, standing=True, notice_owed=True),
    )  # fmt: skip


def _ask(dice: random.Random, table: Table) -> Request:
    keys = [key for key in table.cells if key[0] in ASKED]
    key = dice.choice([key for key in keys if key[0] == dice.choice(ASKED)] or keys)
    more = [name for name in CATEGORIES[:3] if name != key[3]]
    categories = (key[3], *dice.sample(more, dice.choice((0, 0, 0, 1, 2))))
    return Request(key[0], key[1], key[2], categories, key[4], key[5])  # type: ignore[arg-type]  # an action, as cells have it


def chain(dice: random.Random, length: int) -> list[Policy]:
    """Each version is the one before it with some promises gone, others there, and others as they were at first."""
    pool = [_clauses(dice) for _ in range(8)]
    standing = [dice.random() < 0.7 for _ in pool]
    out = []
    for _ in range(length):
        promises = [(f"R-{n}", clauses) for n, clauses in enumerate(pool) if standing[n]]
        promises += [("R-A", [use("name")]), ("R-C", [_change(dice)])]
        made = tuple(Promise(name, "says", Source("s", 1), tuple(of), None, HERE) for name, of in promises)
        out.append(replace(shop(), promises=made))
        for n in dice.sample(range(len(pool)), 4):
            standing[n] = not standing[n]
    return out


def _clauses(dice: random.Random) -> list[Clause]:
    categories = tuple(dice.sample(CATEGORIES[:3], dice.randint(1, 3)))
    purposes = tuple(dice.sample(("order", "news"), dice.randint(1, 2)))
    needs: frozenset[Any] = dice.choice([frozenset(), frozenset({"consent"}), frozenset({"request"}), *SETS])
    kind = dice.choice(("use", "use", "share", "sell", "contact", "never", "keep"))
    by = dice.choice((("site",), ("packer", "site"), ("person", "site")))
    if kind == "use":
        return [use(*categories, purposes=purposes, by=by, when=needs)]
    if kind in ("share", "sell"):
        to = tuple(dice.sample(("payments", "police"), dice.randint(1, 2)))
        return [share(*categories, way=kind, to=to, purposes=purposes, when=needs)]
    if kind == "contact":
        return [contact("mail", "phone", purposes=purposes, when=needs)]
    if kind == "keep":
        return [Keep(categories, (), timedelta(days=dice.choice((7, 30, 90))), None, HERE)]
    return [never("use", "share", categories=categories[:1], purposes=purposes[:1], unless=[needs] if needs else [])]


def _change(dice: random.Random) -> Change:
    duties = dice.choice(
        (
            ("contact-affected",),
            ("contact-affected",),
            ("contact-affected", "forward-only"),
            ("forward-only",),
            ("post",),
        )
    )
    return Change(duties, None, HERE)  # type: ignore[arg-type]  # words of the policy


def run(count: int, seed: int) -> dict[str, Any]:
    """Whether as many chains, people and requests are answered as the rule says; and how many of which kind there were."""
    kinds: Counter[str] = Counter(dict.fromkeys(KINDS, 0))
    wrong = 0
    for number in range(count):
        case = made_up(seed * 1_000_000 + number)
        right, kind = worked_out(case)
        kinds[kind] += 1
        wrong += case.answered() != right
    return {"ok": not wrong and all(kinds.values()), "wrong": wrong, "tries": count, **kinds}
