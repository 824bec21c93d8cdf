"""Releases of statistics: decided by the policy, counted per contributor, paid from a budget, noised, recorded, then told.

A release is one act about nobody in particular: one entry of the log, with a commitment to all that was told. What it is
made from, who may have it and which promise says so is on record and public; its figures go to whom they were released
to. Budget, answer and record stand in one transaction, and nothing is told before that is on disk. An answer is given
once: the same question has the same answer for ever, at no further cost. Bounds: docs/statistics.md.
"""

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple, NoReturn

from avow.decide.decide import decide
from avow.decide.facts import Circumstances, facts
from avow.decide.request import Refuse, Request
from avow.errors import AvowError, CallError, Refused
from avow.gate import Actor, Entry, Gate, Journal
from avow.policy.model import Policy, Share, Use
from avow.practices.agreeing import recipient_of
from avow.practices.counting import People, Source, countable, declarable
from avow.practices.figures import (
    BUDGET,
    MONTH,
    Question,
    declared,
    least,
    margin,
    month,
    question,
    stated,
)
from avow.practices.noise import Noise
from avow.practices.words import unknown
from avow.record import Recorder
from avow.store.interface import Clash, Leaf, Release, Transaction

SPENT: Final = "spent"  # the journal's word for what was spent of budgets
EVERY: Final = 1 << 40  # more than any budget: what the journal knows is spent, whatever the limit is today
_CATALOGUE: Final = "catalogue"  # the note with the declared keys
PERSONAL: Final = frozenset(
    ("consent", "request", "notified", "no-opt-out")
)  # conditions that hold for some people only
Told = dict[str, Any]


class Wish(NamedTuple):
    """What somebody asks for, in the words of the policy. `recipient` None: for the house itself. `epsilon`, thousandths."""

    of: tuple[str, ...]
    by: tuple[str, ...]
    first: str
    last: str
    recipient: str | None
    purpose: str
    each: int = 1
    epsilon: int = 250


class Statistics:
    """For one site. `noise`: see `avow.practices.noise`."""

    def __init__(self, gate: Gate, recorder: Recorder, journal: Journal, noise: Noise) -> None:
        self._gate = gate
        self._recorder = recorder
        self._journal = journal
        self._noise = noise
        self._catalogue: dict[str, tuple[str, ...]] = {}
        self._sources: list[Source] = [People(gate, self._catalogue)]
        self._turn = asyncio.Lock()  # one at a time: each looks at everybody

    def add(self, source: Source) -> None:
        """Another sort of contributors."""
        self._sources.append(source)

    async def load(self, entries: Iterable[Entry]) -> None:
        """Take up the declared keys, and see to it that no restored database has forgotten what was spent. Before serving."""
        known: dict[str, int] = {}
        for entry in entries:
            if entry.kind == SPENT:
                for dataset in str(entry.fields["datasets"]).split():
                    known[dataset] = known.get(dataset, 0) + int(entry.fields["cost"])
        async with self._gate.store.transaction() as tx:
            self._catalogue |= {
                name: tuple(keys) for name, keys in json.loads(await tx.note(_CATALOGUE) or "{}").items()
            }
            there = await tx.spent()
            for dataset, spent in known.items():
                if spent > there.get(dataset, 0):
                    await tx.spend(dataset, spent - there.get(dataset, 0), EVERY)

    # -- what is declared ---------------------------------------------------------------------------------------------

    async def declare(self, category: str, keys: Iterable[str]) -> tuple[str, ...]:
        """The goods there are, as the merchant names them: the keys of a dimension. Recorded. They never come from data."""
        if category not in self._gate.policy.categories:
            raise unknown("category", category, self._gate.policy.categories)
        if not declarable(self._gate.policy.categories[category]):
            raise CallError(
                f"`{category}` can be no dimension: it names people, reaches them, or is whatever they typed"
            )
        new = self._catalogue | {category: declared(keys)}

        async def apply(tx: Transaction) -> None:
            await tx.set_note(_CATALOGUE, json.dumps(new))

        await self._gate.note(_CATALOGUE, apply)
        self._catalogue.update(new)
        return new[category]

    @property
    def catalogue(self) -> Mapping[str, tuple[str, ...]]:
        """Category -> its declared keys, as they are at the moment."""
        return MappingProxyType(self._catalogue)

    def dimensions(self, of: Sequence[str]) -> list[str]:
        """The dimensions that there are for these categories; none where nobody has declared their keys."""
        source = next((one for one in self._sources if one.counts(of)), None)
        try:
            return [] if source is None else [*source.dimensions(of), MONTH]
        except CallError:
            return []

    # -- a release ----------------------------------------------------------------------------------------------------

    async def release(self, wish: Wish, actor: Actor) -> Told:
        """The figures, and what they are worth. Raises `Refused`, on record, where no promise lets them be made, or the
        budget is spent; `CallError` before anything is read.
        """
        wish = wish._replace(of=tuple(sorted(set(wish.of))))
        ask, identity, promises = await self._decided(wish, actor)
        source = next((one for one in self._sources if one.counts(wish.of)), None)
        if source is None:
            raise CallError(
                "these categories are not counted together here; ask for those of people, or those of visits"
            )
        asked = question(
            wish.of, wish.by, source.dimensions(wish.of), (wish.first, wish.last), wish.recipient, wish.purpose,
            wish.each, wish.epsilon, self._gate.now(),
        )  # fmt: skip
        asked = asked._replace(each=min(source.each(asked.of, asked.by, asked.each), len(asked.cells())))
        async with self._turn:
            await self._still_there(actor, promises)
            known = await self._known(asked, actor, promises)
            if known is not None:
                return known
            await self._affordable(asked, source, actor, promises)
            counts = await source.table(asked, ask, actor, identity)
            await self._still_there(actor, promises)  # else half of the people would have been counted
            noisy = self._noise([counts[cell] for cell in asked.cells()], asked.each, asked.epsilon)
            told = self._told(asked, source, promises, noisy)
            try:
                await self._commit(asked, source, actor, told)
            except _Short as short:
                await self._exhausted(actor, promises, str(short))
            except Clash:  # another process answered the same question meanwhile: its answer is the one
                known = await self._known(asked, actor, promises)
                if known is None:  # it was something else that clashed: nothing was paid, so nothing is told
                    raise
                return known
        return told

    async def _decided(self, wish: Wish, actor: Actor) -> tuple[Request, str | None, tuple[str, ...]]:
        """What is asked of the policy, and who allows it. Where it hangs on each person, all are asked one by one later."""
        policy, at = self._gate.policy, self._gate.now()
        for what, words, there in (
            ("category", wish.of, policy.categories), ("purpose", (wish.purpose,), policy.purposes),
        ):  # fmt: skip
            for word in words:
                if word not in there:
                    raise unknown(what, word, there)
        kind, identity = (None, None) if wish.recipient is None else recipient_of(policy, wish.recipient)
        recipient = identity if identity in policy.recipients else kind
        action: Literal["use", "summarise"] = "use" if recipient is None else "summarise"
        ask = Request(action, actor.role, wish.purpose, wish.of, recipient)
        table, circumstances = self._gate.table, Circumstances(standing=actor.standing, aggregate=True)
        answer = decide(table, ask, facts(table, ask, "", at=at, circumstances=circumstances, identity=identity))
        if isinstance(answer, Refuse) and not (answer.missing and PERSONAL.issuperset(answer.missing)):
            await self._refuse(actor, answer.promises, answer.reason)
        return ask, identity, answer.promises

    async def _still_there(self, actor: Actor, promises: tuple[str, ...]) -> None:
        if not self._gate.stands(actor):
            await self._refuse(actor, promises, "whoever asked for this has no standing any more")

    async def _refuse(self, actor: Actor, promises: tuple[str, ...], reason: str) -> NoReturn:
        async with self._gate.store.transaction() as tx:
            await tx.record((self._leaf(actor, "refused", promises),), ())
        raise Refused(promises, reason)

    async def _known(self, asked: Question, actor: Actor, promises: tuple[str, ...]) -> Told | None:
        """The answer that was given before. That it is given again is on record."""
        async with self._gate.store.transaction() as tx:
            found = await tx.released(asked.id)
            if found is None:
                return None
            await tx.record((self._leaf(actor, "done", promises),), ())
        told: Told = json.loads(found.told)
        return told

    async def _affordable(self, asked: Question, source: Source, actor: Actor, promises: tuple[str, ...]) -> None:
        """Look before anybody is counted; what decides is the spending itself."""
        async with self._gate.store.transaction() as tx:
            spent = await tx.spent()
        for dataset in _datasets(source, asked):
            if spent.get(dataset, 0) + asked.epsilon > BUDGET:
                await self._exhausted(actor, promises, dataset)

    async def _exhausted(self, actor: Actor, promises: tuple[str, ...], dataset: str) -> NoReturn:
        await self._refuse(
            actor, promises,
            f"the budget of `{dataset}` does not reach for it; what was released before is still given, and more would let "
            "people be made out",
        )  # fmt: skip

    def _told(self, asked: Question, source: Source, promises: tuple[str, ...], noisy: Sequence[int]) -> Told:
        smallest = least(asked.each, asked.epsilon)
        return {
            "release": asked.id.hex(), "at": self._gate.now(), "policy": self._gate.policy.digest.hex(),
            "of": list(asked.of), "by": list(asked.by), "axes": [list(axis) for axis in asked.axes],
            "first": month(asked.first), "last": month(asked.last),
            "recipient": asked.recipient, "purpose": asked.purpose, "promises": list(promises),
            "unit": source.unit, "each": asked.each, "epsilon": asked.epsilon, "datasets": _datasets(source, asked),
            "least": smallest, "margin": margin(asked.each, asked.epsilon),
            "figures": [count if count >= smallest else None for count in noisy],
            "opening": self._gate.random(16).hex(),
        }  # fmt: skip

    async def _commit(self, asked: Question, source: Source, actor: Actor, told: Told) -> None:
        """Spend, keep the answer and put it on record: all of it or nothing. Raises `_Short` for who came too late."""
        datasets = _datasets(source, asked)
        leaf = self._leaf(actor, "done", tuple(told["promises"]), stated(told))
        told["event"] = leaf.event.hex()
        async with self._gate.store.transaction() as tx:
            for dataset in datasets:
                if not await tx.spend(dataset, asked.epsilon, BUDGET):
                    raise _Short(dataset)
            await tx.put_release(Release(asked.id, told["at"], json.dumps(told)))
            await tx.record((leaf,), ())
            # before the commit: who dies in between has paid and was told nothing, never the other way round
            self._journal.append(SPENT, {"datasets": " ".join(datasets), "cost": asked.epsilon})

    def _leaf(self, actor: Actor, outcome: str, promises: tuple[str, ...], commitment: bytes = b"") -> Leaf:
        return self._recorder.plain(self._gate.now(), "release", actor.name, outcome, promises, commitment)

    # -- what anybody may know ------------------------------------------------------------------------------------------

    async def releases(self, limit: int) -> list[Told]:
        """The newest, without their figures, which are for their recipient; where that is the public, with them."""
        async with self._gate.store.transaction() as tx:
            found = await tx.releases(limit)
        return [public(self._gate.policy, json.loads(one.told)) for one in found]

    async def budgets(self) -> list[tuple[str, int, int]]:
        """Dataset, what was spent, and what there is of it, in thousandths of epsilon."""
        async with self._gate.store.transaction() as tx:
            return [(dataset, spent, BUDGET) for dataset, spent in (await tx.spent()).items()]


class _Short(AvowError):
    """Somebody else spent what was left of this dataset's budget."""


def _datasets(source: Source, asked: Question) -> list[str]:
    return [f"{source.name}/{year:04}" for year in asked.years]


def public(policy: Policy, told: Told) -> Told:
    """What anybody may know of a release."""
    recipient = told["recipient"]
    declared_ = policy.recipients.get(recipient or "")
    kind = declared_.kind if declared_ else str(recipient).partition(":")[0]
    if kind == "public":
        return told
    return told | {"figures": None, "opening": ""}


class Offer(NamedTuple):
    """What a role may ask figures for: made `of` these, for a recipient (None: the house itself) and a purpose."""

    of: tuple[str, ...]
    recipient: str | None
    purpose: str
    promise: str


def offers(policy: Policy, role: str) -> list[Offer]:
    """What the promises grant a role, in the order of the policy; each release is decided anew all the same."""
    found: dict[Offer, None] = {}
    for promise, share in policy.clauses(Share):
        if share.way == "summarise" and role in share.by:
            for of in _together(policy, share.categories):
                found |= dict.fromkeys(
                    Offer(of, recipient, purpose, promise)
                    for recipient in share.recipients
                    for purpose in share.purposes
                )
    for promise, use in policy.clauses(Use):
        if role in use.by and ("aggregate" in use.needs or all(policy.categories[one].apart for one in use.categories)):
            for of in _together(policy, use.categories):
                found |= dict.fromkeys(Offer(of, None, purpose, promise) for purpose in use.purposes)
    return list(found)


def _together(policy: Policy, categories: Sequence[str]) -> list[tuple[str, ...]]:
    """Each that can be counted, by itself."""
    known = policy.categories
    return [
        (name,) for name in categories if countable(known[name]) or set(known[name].counts) - {"address", "network"}
    ]
