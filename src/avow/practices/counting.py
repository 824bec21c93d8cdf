"""Where figures come from: contributors, each of whom counts in a stated number of cells at most, and once in each.

People are counted inside the process that holds the keys. Their values are opened one by one, held against the keys that
were declared, and forgotten: what leaves this file is a table of counts, which nobody sees before noise is on it.
"""

import asyncio
import logging
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol

from avow.decide.facts import Circumstances
from avow.decide.request import Allow, Request
from avow.errors import CallError, KeyGone, Tampered
from avow.gate import Actor, Gate, Look
from avow.policy.model import Category
from avow.practices.figures import MONTH, Cell, Question, month, month_of
from avow.store.interface import Datum, Subject

PAGE: Final = 500  # people looked at in one transaction
COUNTABLE: Final = frozenset(
    ("Purchase", "Interest")
)  # DPV terms of what has keys to be declared; all else names people,
# reaches them, or is whatever they typed

log = logging.getLogger("avow.statistics")


class Source(Protocol):
    """Contributors of one sort. `name` names their datasets, `unit` one of them in words."""

    name: str
    unit: str

    def counts(self, of: Sequence[str]) -> bool:
        """Whether these categories are this source's."""

    def dimensions(self, of: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """The dimensions that there are for these categories, and the declared keys of each. They do not come from data."""

    def each(self, of: Sequence[str], by: Sequence[str], each: int) -> int:
        """In how many cells one contributor counts at most, where `each` were asked for."""

    async def table(self, question: Question, ask: Request, actor: Actor, identity: str | None) -> Counter[Cell]:
        """How many contributors fall into each cell: those of the question's span whom the policy lets be counted.

        Nobody counts in more than `question.each` cells, and more than once in none. `identity`: see `avow.decide.facts`.
        """


class People:
    """People by what they gave under one category. `catalogue`: category -> its declared keys."""

    name = "people"
    unit = "person"

    def __init__(self, gate: Gate, catalogue: Mapping[str, Sequence[str]]) -> None:
        self._gate = gate
        self._catalogue = catalogue

    def counts(self, of: Sequence[str]) -> bool:
        """Whether they are held with people."""
        known = self._gate.policy.categories
        return all(name in known and known[name].with_person for name in of)

    def dimensions(self, of: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """The category itself. Raises `CallError` for one that can be no dimension, or whose keys nobody declared."""
        if len(of) != 1:
            raise CallError("people are counted by one category at a time; ask for each by itself")
        (name,) = of
        if not countable(self._gate.policy.categories[name]):
            raise CallError(f"`{name}` can be no dimension: it names people, reaches them, or is whatever they typed")
        if not self._catalogue.get(name):
            raise CallError(f"nobody has declared what there is of `{name}`; do that first: avow stats goods")
        return {name: self._catalogue[name]}

    def each(self, of: Sequence[str], by: Sequence[str], each: int) -> int:  # noqa: ARG002 - people are clamped one by one
        """As many as were asked for."""
        return each

    async def table(self, question: Question, ask: Request, actor: Actor, identity: str | None) -> Counter[Cell]:
        """See `Source`. Whoever is erased, or whose datum is past its term, does not count, nor whoever the version of the
        policy that the datum came under keeps out; nor, for the moment, whose rows were changed outside.
        """
        counted: Counter[Cell] = Counter()
        one = _Counted(self._gate, question, ask, actor, identity)
        after, spoilt = b"", 0
        while True:
            async with self._gate.store.transaction() as tx:
                page = await tx.everybody(ask.categories[0], after, PAGE)
            if not page:
                break
            after = page[-1][0].subject
            for row, data in page:
                try:
                    counted.update(one.cells(row, data))
                except (Tampered, KeyGone):
                    spoilt += 1
            await asyncio.sleep(0)  # whoever waits is served between two pages
        if spoilt:
            log.error("%d people could not be counted: they were erased meanwhile, or changed outside", spoilt)
        return counted


class _Counted:
    """One person after the other, by the same question."""

    def __init__(self, gate: Gate, question: Question, ask: Request, actor: Actor, identity: str | None) -> None:
        self._gate = gate
        self._question = question
        self._ask = ask
        self._actor = actor
        self._identity = identity
        self._at = gate.now()
        self._circumstances = Circumstances(standing=actor.standing, aggregate=True)
        # the question's own: the declaration may have become another one while it waited for its turn
        self._named = Named([key for _, keys in question.keys for key in keys])

    def cells(self, row: Subject, data: Sequence[Datum]) -> list[Cell]:
        """Of one person: those of their newest data first, as many as they may count in."""
        first, end = self._question.span
        within = []
        for datum in data:
            collected, due = datum.came().collected, self._gate.due(datum)
            if first <= collected < end and (due is None or self._at <= due):
                within.append((collected, datum))
        if not within:
            return []
        key, line = self._gate.standing(row, self._at)
        look = Look(row.subject, self._ask, self._actor, self._circumstances, self._identity)
        found: dict[Cell, None] = {}
        for collected, datum in sorted(within, key=lambda one: (-one[0], one[1].row)):
            if isinstance(self._gate.answer(look, line, (datum,), self._at), Allow):
                when = month(month_of(collected))
                value = self._gate.open(
                    datum, self._at, key
                )  # opened whatever is asked: what was changed does not count
                found |= dict.fromkeys(self._cell(when, value))
            if len(found) >= self._question.each:
                break
        return list(found)[: self._question.each]

    def _cell(self, when: str, value: str) -> Iterable[Cell]:
        by = self._question.by
        if by in ((), (MONTH,)):
            return ((when,) if by else (),)
        return ((key, when) if MONTH in by else (key,) for key in self._named.within(value))


class Named:
    """Finds in a text the keys that stand in it as whole words. Longer names come first: what `Bolt and Watch` stands for
    is not `Bolt` as well.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = {_plain(key): key for key in keys}
        longest = sorted(self._keys, key=lambda key: (-len(key), key))
        self._all = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest))})(?!\w)")

    def within(self, text: str) -> list[str]:
        """The keys, in the order of the declaration."""
        there = set(self._all.findall(_plain(text)))
        return [key for plain, key in self._keys.items() if plain in there]


def countable(known: Category) -> bool:
    """Whether a category that is held with people can be a dimension."""
    return known.with_person and known.term in COUNTABLE and not known.look_up and not known.channel


def declarable(known: Category) -> bool:
    """Whether its keys are the merchant's to declare: goods and interests, and the parts of the site that visits go to."""
    return countable(known) or (known.apart is not None and "section" in known.counts)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
