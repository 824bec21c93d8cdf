"""Another engine asked the same: a policy exported to Cedar, against the compiled table, on generated requests.

The tests call `ask_both` with a small count, a campaign calls `run` with the full one.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cedarpy

from avow.decide.cedar import BUILT_IN, GUARD, export, requests
from avow.decide.decide import decide
from avow.decide.request import Allow, Facts, Request
from avow.decide.table import Table, compile_policy, single_bits
from avow.policy.model import ACTIONS, CONDITIONS, RECIPIENT_KINDS, Policy
from avow.policy.parse import read

BATCH = 2000
POLICIES = Path(__file__).parents[2] / "policies"
EVERYTHING = (1 << len(CONDITIONS)) - 1


@dataclass
class Result:
    """How many requests, how many of them both allow, how many name promises that were compared, and what differs."""

    count: int = 0
    allowed: int = 0
    named: int = 0
    differing: list[str] = field(default_factory=list)


def run(count: int, seed: int, policy: str) -> dict[str, Any]:
    """A campaign's batch: one of the project's policies, by name."""
    result = ask_both(read(POLICIES / f"{policy}.yaml"), count, seed)
    return {
        "requests": result.count,
        "allowed": result.allowed,
        "refused": result.count - result.allowed,
        "named": result.named,
        "differing": len(result.differing),
        "ok": not result.differing,
    }


def ask_both(policy: Policy, count: int, seed: int, text: str | None = None) -> Result:
    """Ask both engines `count` times. `text` is another export than the policy's own, to see that it is caught."""
    table = compile_policy(policy)
    dice = random.Random(seed)
    cedar = cedarpy.PolicySet.from_str(text or export(policy))
    entities = cedarpy.Entities.from_json_str("[]")
    result = Result()
    asked = generate(policy, table, dice)
    while result.count < count:
        batch = [next(asked) for _ in range(min(BATCH, count - result.count))]
        flat = [requests(ask, facts) for ask, facts in batch]
        answers = iter(cedarpy.is_authorized_batch([one for some in flat for one in some], cedar, entities))
        for (ask, facts), some in zip(batch, flat, strict=True):
            theirs = [next(answers) for _ in some]
            result.count += 1
            compare(policy, table, (ask, facts), theirs, result)
    return result


def compare(policy: Policy, table: Table, asked: tuple[Request, Facts], theirs: Sequence[Any], result: Result) -> None:
    """The same answer, by the same promises: those of the permits that allow, those of the forbids that refuse."""
    ask, facts = asked
    ours = decide(table, ask, facts)
    allowed = isinstance(ours, Allow)
    result.allowed += allowed
    assert not any(one.diagnostics.errors for one in theirs)  # an engine that stumbled has said nothing
    if allowed != all(one.allowed for one in theirs):
        result.differing.append(f"{ask} {facts}: ours {ours}, theirs {[one.decision for one in theirs]}")
    elif allowed or (len(theirs) == 1 and declared(policy, ask)):
        named = {name for one in theirs for name in one.diagnostics.id_annotations_by_reason.values()}
        named -= {BUILT_IN, GUARD}
        # no forbid speaks where a grant only lacks something, or where nobody grants: then ours has others to name
        if isinstance(ours, Allow) or named or "never" in ours.reason:
            result.named += 1
            if named != set(ours.promises):
                result.differing.append(f"{ask} {facts}: ours {ours.promises}, theirs {sorted(named)}")


def declared(policy: Policy, ask: Request) -> bool:
    """Whether the request is well formed and made of words of the policy; else nobody answers for the refusal."""
    return (
        ask.actor in {"person", "site", *policy.roles}
        and (ask.purpose in {*policy.purposes, "rights"})
        and (ask.action == "set-cookie" or ask.categories[0] in policy.categories)
        and (ask.recipient is not None) == (ask.action in {"share", "sell", "summarise"})
        and (ask.form is not None) == (ask.action == "collect")
        and (ask.recipient is None or ask.recipient in {*policy.recipients, *RECIPIENT_KINDS})
        and (ask.form is None or ask.form in policy.forms)
    )


def generate(policy: Policy, table: Table, dice: random.Random) -> Iterator[tuple[Request, Facts]]:
    """Requests of which about half are allowed: most start from an allowed one, and many of these are then spoilt."""
    cells = list(table.cells.items())
    words: dict[str, Sequence[Any]] = {
        "action": [*ACTIONS],
        "actor": ["person", "site", *policy.roles, "stranger"],
        "purpose": [*policy.purposes, "rights", "undeclared"],
        "categories": [(name,) for name in (*policy.categories, *table.words.cookies, "undeclared")],
        "recipient": [None, *policy.recipients, *RECIPIENT_KINDS, "undeclared"],
        "form": [None, *policy.forms, "undeclared"],
    }
    while True:
        if dice.random() < 0.15:
            made: dict[str, Any] = {name: dice.choice(values) for name, values in words.items()}
            if dice.random() < 0.8:
                made = {**made, **_shape(made["action"], made)}
            yield Request(**made), Facts(dice.getrandbits(len(CONDITIONS)))
            continue
        key, cell = dice.choice(cells)
        ways = [held for held, answer in cell.answers.items() if isinstance(answer, Allow)] or [0]
        held = dice.choice(ways) | (dice.getrandbits(len(CONDITIONS)) & dice.getrandbits(len(CONDITIONS)))
        made = dict(zip(words, (*key[:3], (key[3],), *key[4:]), strict=True))
        spoil = dice.random()
        if spoil < 0.2:
            held &= ~dice.choice([*single_bits(cell.mask), EVERYTHING])
        elif spoil < 0.4:
            changed = dice.choice([*words])
            made[changed] = dice.choice(words[changed])
        elif spoil < 0.5:
            made["categories"] = (*made["categories"], dice.choice(words["categories"])[0])
        yield Request(**made), Facts(held)


def _shape(action: str, made: dict[str, Any]) -> dict[str, Any]:
    """Recipient and form only where they belong."""
    sends = action in {"share", "sell", "summarise"}
    return {"recipient": made["recipient"] if sends else None, "form": made["form"] if action == "collect" else None}
