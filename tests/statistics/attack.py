"""An attacker who may ask for figures as often as they like, and knows everybody's orders but those of one person a year.

They want to know whether that one bought. They ask the same question again and again, and as many others as the budget
gives, each of which has the one person in a cell that is large enough to be shown: with and without their month, over
longer and shorter spans, as strong as there is. From every answer they take away whom they know, weigh what is left by its
epsilon, and guess. Beside that they look at tables of cells with nobody or one person in them.

What epsilon promises: whoever spends the whole budget guesses right with a chance of e^B / (1 + e^B) at most (Kairouz, Oh
and Viswanath 2015, for pure differential privacy and two equally likely worlds), and a cell of one person is shown once
in a hundred times or so. `planted` puts a defect in, and the same attacker must then do better than that.
"""

import json
import random
import tempfile
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime
from math import exp, fsum, lgamma, log, log1p
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from avow.app import Avow
from avow.errors import Refused
from avow.gate import Actor
from avow.policy.model import SITE
from avow.policy.parse import read
from avow.practices import statistics
from avow.practices.figures import BUDGET, least
from avow.practices.statistics import Statistics, Told, Wish
from avow.store.interface import Release
from tests.shops import Clock, opened

AUDIOMIDI: Final = read(Path(__file__).parents[2] / "policies" / "audiomidi.yaml")
OPERATOR: Final = Actor(SITE, "attacker", standing=True)
LARK: Final = "Lark 49 keyboard"
KNOWN: Final = 30  # who bought it too, and whom the attacker knows
ASKED: Final = 120  # tries in one year: the same again, then others until all is refused
YEARS: Final = 5  # of one site, each with a budget of its own
CELLS: Final = 100  # of a table of small cells
MEMORY: Final = "/dev/shm" if Path("/dev/shm").is_dir() else None  # it is figures that are tried, not disks
UNLIKELY: Final = 1e-4  # so rarely a sound site is called a broken one, at most


async def run(count: int, seed: int, planted: str = "", budget: int = BUDGET) -> Mapping[str, object]:
    """`count` requests for figures; how often the attacker was right, and what they saw of small cells. `budget`: another
    one than the product's own, so that few trials tell.
    """
    dice = random.Random(seed)
    bound = exp(budget / 1000) / (1 + exp(budget / 1000))
    right = trials = asked = answered = shown = small = 0
    while asked < count:
        with tempfile.TemporaryDirectory(dir=MEMORY) as folder, _planted(planted, budget):
            clock = Clock(datetime(2011, 1, 1, tzinfo=UTC))
            async with opened(Path(folder), clock, policy=AUDIOMIDI, sequence_every=Clock.NEVER) as shop:
                if planted == "no noise":
                    shop.statistics._noise = lambda counts, *_: list(counts)
                await shop.statistics.declare("items", [LARK])
                for year in range(2011, 2011 + YEARS):
                    guess, truth, answers = await _one_year(shop, clock, year, dice)
                    right, trials = right + (guess is truth), trials + 1
                    asked, answered = asked + ASKED, answered + answers
                seen, cells = await _small_cells(shop, clock, dice)
                shown, small = shown + seen, small + cells
    ok = not _better(right, trials, bound) and not _better(shown, small, SEEN)
    return {
        "ok": ok, "requests": asked, "answers": answered, "trials": trials, "right": right,
        "bound": f"{bound:.3f} of the trials", "small cells": small, "small cells shown": shown,
    }  # fmt: skip


async def _one_year(shop: Avow, clock: Clock, year: int, dice: random.Random) -> tuple[bool, bool, int]:
    """Guess, truth, and how many different answers there were."""
    clock.now = datetime(year, 1, 15, tzinfo=UTC)
    bought = dice.random() < 0.5
    for _ in range(KNOWN + bought):
        await shop.collect("cart", {"items": f"1 × {LARK} at $219.00"})
    clock.now = datetime(year + 1, 1, 1, tzinfo=UTC)
    first = Wish(("items",), ("items",), f"{year}-01", f"{year}-01", "trade-press", "statistics", 1, 1000)
    others = [first._replace(last=f"{year}-{1 + n % 12:02}", epsilon=1000 - n) for n in range(ASKED)]
    answers: dict[str, Told] = {}
    for wish in [first] * (ASKED // 2) + others[: ASKED - ASKED // 2]:
        try:
            told = await shop.statistics.release(wish, OPERATOR)
        except Refused:
            continue
        answers[json.dumps(told["figures"]) + str(told["event"])] = told
    weights = [(one["figures"][0], one["epsilon"]) for one in answers.values() if one["figures"][0] is not None]
    found = sum((figure - KNOWN) * weight for figure, weight in weights) / max(1, sum(weight for _, weight in weights))
    return found > 0.5 or (found == 0.5 and dice.random() < 0.5), bought, len(answers)


async def _small_cells(shop: Avow, clock: Clock, dice: random.Random) -> tuple[int, int]:
    """How many cells with nobody or one person in them were shown, of how many."""
    goods = [f"Good {chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(CELLS)]
    await shop.statistics.declare("items", goods)
    clock.now = datetime(2020, 1, 15, tzinfo=UTC)
    for good in goods:
        if dice.random() < 0.5:
            await shop.collect("cart", {"items": good})
    clock.now = datetime(2020, 2, 1, tzinfo=UTC)
    wish = Wish(("items",), ("items",), "2020-01", "2020-01", "trade-press", "statistics")
    told = await shop.statistics.release(wish, OPERATOR)
    return sum(figure is not None for figure in told["figures"]), CELLS


def shown_at_most(people: int, each: int, epsilon: int) -> float:
    """How often a cell with so many people in it is shown: the noise must make up for the rest."""
    kept = exp(-epsilon / (1000 * each))
    return kept ** (least(each, epsilon) - people) / (1 + kept)


SEEN: Final = shown_at_most(1, 1, 250)


def _better(right: int, trials: int, chance: float) -> bool:
    """Whether so much luck, or more, is too unlikely for whoever has this chance in each trial."""
    ways = (_log_ways(trials, n) + n * log(chance) + (trials - n) * log1p(-chance) for n in range(right, trials + 1))
    return fsum(exp(one) for one in ways) < UNLIKELY


def _log_ways(trials: int, right: int) -> float:
    """The logarithm of in how many ways so many of the trials can be right ones: the ways themselves fit no float."""
    return lgamma(trials + 1) - lgamma(right + 1) - lgamma(trials - right + 1)


# -- defects ------------------------------------------------------------------------------------------------------------


def _planted(name: str, budget: int) -> AbstractContextManager[Any]:
    """`fresh noise`: the same question is answered anew each time, as if it cost nothing more. `no budget`: nobody is
    refused. `no noise`: none. `no group`: every cell is shown.
    """
    stack = ExitStack()
    stack.enter_context(patch.object(statistics, "BUDGET", 1 << 40 if name == "no budget" else budget))
    match name:
        case "" | "no noise" | "no budget":
            pass
        case "fresh noise":
            stack.enter_context(patch.multiple(Statistics, _known=_nothing, _affordable=_nothing, _commit=_records))
        case "no group":
            stack.enter_context(patch.object(statistics, "least", lambda *_: -1_000))
        case _:
            raise ValueError(name)
    return stack


async def _nothing(*_: object) -> None:
    return None


async def _records(self: Statistics, asked: Any, source: Any, actor: Actor, told: Told) -> None:
    """The first answer pays, as it must; further ones to the same question are new, and pay nothing."""
    told["event"] = self._gate.random(16).hex()
    async with self._gate.store.transaction() as tx:
        if await tx.released(asked.id) is None:
            for dataset in told["datasets"]:
                if not await tx.spend(dataset, asked.epsilon, BUDGET):
                    raise statistics._Short(dataset)
            await tx.put_release(Release(asked.id, told["at"], json.dumps(told)))
