"""Ratios 16, 17 and 25: one decision, against other engines and against itself under more rules; two versions compared."""

import math
import random
from dataclasses import replace
from itertools import islice, product
from pathlib import Path
from typing import Any

from avow.bench.ratio import MICROSECONDS, Measured, Scale, Side, faults, in_turn, missing, rates
from avow.bench.shop import policy
from avow.decide.cedar import export, requests
from avow.decide.changed import Changed, changed
from avow.decide.decide import decide
from avow.decide.difference import difference
from avow.decide.request import Allow, Facts, Request
from avow.decide.table import Table, compile_policy
from avow.policy.model import Needs, Policy, Promise, Use
from avow.policy.parse import parse

WITH = "`pip install cedarpy casbin` (both are among avow's development packages), then measure again"
POLICIES = 100  # that pycasbin gets
DISTINCT = 10  # requests a round, where the number of rules is compared
_WORDS = """
avow: 1
site: bench
version: 2026-01-01
controller: {{name: Bench Shop, contact: {{email: privacy@bench.example}}}}
categories:
{categories}purposes:
{purposes}roles:
{roles}promises:
- id: B-0
  says: One of many.
  source: {{section: Rules, sentence: 1}}
  use: {{categories: any, for: any, by: [role-0]}}
"""
_CASBIN_MODEL = """
[request_definition]
r = actor, action, purpose, category
[policy_definition]
p = actor, action, purpose, category
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.actor == p.actor && r.action == p.action && r.purpose == p.purpose && r.category == p.category
"""


def questions(rules: Policy, count: int) -> list[tuple[Request, Facts]]:
    """Different requests to use data, with facts; seeded, some of them allowed and most refused."""
    dice = random.Random(16)
    held = (Facts.of("in-time", "standing", "request", "no-opt-out"), Facts.of("in-time", "standing"))
    space = list(product((*rules.roles, "site"), rules.purposes, rules.categories, held))
    dice.shuffle(space)
    return [(Request("use", actor, purpose, (name,)), facts) for actor, purpose, name, facts in islice(space, count)]


def _asker(table: Table, asked: list[tuple[Request, Facts]], times: int, answers: list[bool]) -> Side:
    """Decides all of these so many times, and keeps the answers of the first time."""

    async def ask(number: int) -> int:
        for _ in range(times):
            for request, facts in asked:
                decide(table, request, facts)
        if not number:
            answers.extend(isinstance(decide(table, request, facts), Allow) for request, facts in asked)
        return times * len(asked)

    return ask


async def cedar(_: Path, scale: Scale) -> Measured:
    """16a: against Cedar's engine by cedarpy, policies and entities parsed beforehand, the same requests and answers."""
    try:
        import cedarpy  # noqa: PLC0415 - a development package: measured where it is there
    except ImportError:
        return missing(WITH)
    rules = policy()
    asked = questions(rules, 40)
    parsed, nobody = cedarpy.PolicySet.from_str(export(rules)), cedarpy.Entities.from_json_str("[]")
    prepared: list[dict[str, Any]] = [requests(ask, facts)[0] for ask, facts in asked]
    answers: tuple[list[bool], list[bool]] = ([], [])
    times = scale.of(10)

    async def theirs(number: int) -> int:
        told = [cedarpy.is_authorized(one, parsed, nobody).allowed for _ in range(times) for one in prepared]
        if not number:
            answers[0].extend(told[: len(prepared)])
        return len(told)

    ours = _asker(compile_policy(rules), asked, scale.of(1_000), answers[1])
    speeds = await rates(scale.rounds, theirs, ours)
    why = faults([("same answers", answers[0] == answers[1], True), ("some allowed", any(answers[1]), True)])
    return Measured(*speeds, scale.rounds, not why, why=why)


async def casbin(_: Path, scale: Scale) -> Measured:
    """16b: against pycasbin with a hundred policies, on the same requests; ours has a hundred permissions too."""
    try:
        import casbin as peer  # noqa: PLC0415 - as above
    except ImportError:
        return missing(WITH)
    rules = many(POLICIES)
    asked = questions(rules, 200)
    model = peer.Enforcer.new_model(text=_CASBIN_MODEL)
    enforcer = peer.Enforcer(model)
    table = compile_policy(rules)
    for action, actor, purpose, category, _recipient, _form in table.cells:
        if action == "use":
            enforcer.add_policy(actor, action, purpose, category)
    full = Facts.of("in-time", "standing")
    asked = [(ask, full) for ask, _ in asked]
    answers: tuple[list[bool], list[bool]] = ([], [])
    some = asked[: scale.of(40)]

    async def theirs(number: int) -> int:
        told = [enforcer.enforce(ask.actor, ask.action, ask.purpose, ask.categories[0]) for ask, _ in some]
        if not number:
            answers[0].extend(bool(one) for one in told)
        return len(told)

    ours = _asker(table, some, scale.of(1_000), answers[1])
    speeds = await rates(scale.rounds, theirs, ours)
    why = faults(
        [
            ("policies of the peer", len(enforcer.get_policy()), POLICIES),
            ("same answers", answers[0] == answers[1], True),
            ("some allowed", any(answers[1]), True),
        ]
    )
    return Measured(*speeds, scale.rounds, not why, why=why)


async def growth(_: Path, scale: Scale) -> Measured:
    """17: a decision under 10,000 rules by one under 10, as many different requests asked of each, drawn anew for every
    round: where a request lies in a large table is chance, and costs or saves some nanoseconds.
    """
    rounds = scale.rounds * 5
    allowed: list[int] = []
    few, more = (_Sampler(count, scale.of(1_000), allowed) for count in (10, scale.of(10_000)))
    slow, fast = await in_turn(rounds, few.round, more.round)
    why = faults([("allowed", sum(allowed), 2 * rounds * DISTINCT)])
    return Measured(slow * 1e6, fast * 1e6, rounds, not why, MICROSECONDS, why)


async def versions(_: Path, scale: Scale) -> Measured:
    """25: what a new version changes, with its words for people, by compiling both versions and nothing else."""
    new = policy()
    old = replace(new, promises=tuple(_strict(promise) for promise in new.promises))
    found: list[Changed] = []

    async def compiled(_: int) -> int:
        for _n in range(times):
            compile_policy(old)
            compile_policy(new)
        return times

    async def told(_: int) -> int:
        found.extend(changed(old, new, difference(old, new)) for _n in range(times))
        return times

    times = scale.of(10)
    slow, fast = await in_turn(scale.rounds, compiled, told)
    why = faults([("wider", all(one.wider and one.more for one in found), True), ("told", len(set(found)), 1)])
    return Measured(slow * 1e6, fast * 1e6, scale.rounds, not why, MICROSECONDS, why)


def _strict(promise: Promise) -> Promise:
    """The promise, with every use asking for consent."""
    consent: Needs = frozenset(("consent",))
    clauses = (replace(one, needs=one.needs | consent) if isinstance(one, Use) else one for one in promise.clauses)
    return replace(promise, clauses=tuple(clauses))


class _Sampler:
    """Decides over requests from all over a policy of so many rules."""

    def __init__(self, count: int, times: int, allowed: list[int]) -> None:
        self._table = compile_policy(many(count))
        self._cells = [key for key in self._table.cells if key[0] == "use"]
        self._dice = random.Random(17)
        self._times = times
        self._allowed = allowed

    async def round(self, _: int) -> int:
        held = Facts.of("in-time", "standing")
        some = self._dice.sample(self._cells, DISTINCT)
        asked = [(Request("use", actor, purpose, (category,)), held) for _, actor, purpose, category, *_ in some]
        self._allowed.append(sum(isinstance(decide(self._table, *one), Allow) for one in asked))
        for _n in range(self._times):
            for request, facts in asked:
                decide(self._table, request, facts)
        return self._times * DISTINCT


def many(count: int) -> Policy:
    """A policy of so many promises, each of which lets one role use one category for one purpose."""
    width = math.ceil(count ** (1 / 3) - 1e-9)
    roles, purposes, categories = ([f"{word}-{n}" for n in range(width)] for word in ("role", "purpose", "category"))
    words = _WORDS.format(
        categories="".join(f"  {name}: {{is: Communication}}\n" for name in categories),
        purposes="".join(f"  {name}: {{is: FulfilmentOfContractualObligation, says: to serve}}\n" for name in purposes),
        roles="".join(f"  {name}: {{}}\n" for name in roles),
    )
    small = parse(words, "many rules")
    (promise,) = small.promises
    (use,) = (clause for clause in promise.clauses if isinstance(clause, Use))
    promises = tuple(  # as text they would be longer than a policy may be
        replace(promise, id=f"B-{n}", clauses=(replace(use, by=(role,), purposes=(purpose,), categories=(name,)),))
        for n, (role, purpose, name) in enumerate(islice(product(roles, purposes, categories), count))
    )
    return replace(small, promises=promises)
