"""Take personal data in: by a form that the person submits, or from a shop's old records with their provenance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from avow.cards import Suspicion, suspicion
from avow.decide.decide import decide
from avow.decide.facts import Circumstances, add, facts
from avow.decide.request import Allow, Request
from avow.errors import BadValue, CallError, Refused, UnknownWord
from avow.gate import STANDING, Actor, Gate, Journal, Keys, anchor, ordinary, pack, unpack
from avow.policy.model import Collect, Policy
from avow.policy.retention import ORDINARY, retention
from avow.record import Recorder
from avow.store.interface import Datum, Leaf, LookUp, ServiceRequest, Subject, Suppression, Trace, Transaction
from avow.vault import lookup

LONGEST: Final = 64 * 1024  # bytes of one value
THE_PERSON: Final = "person"  # the source of what people give themselves


@dataclass(frozen=True, slots=True)
class FormPlan:
    """What a form of the merchant asks for: category -> the purposes it is asked for."""

    asks: tuple[str, ...]
    purposes: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Submission:
    """A filled-in form. `subject` None makes a new person. `collected`: when it was given, if not now (imports)."""

    form: str
    given: Mapping[str, str]
    actor: Actor
    subject: bytes | None = None
    source: str = THE_PERSON
    collected: int | None = None
    no_card: frozenset[str] = frozenset()  # categories whose doubtful numbers the sender confirmed to be no card
    opted_out: tuple[str, ...] = ()  # channels that the person had opted out of where the data come from
    affiliate_link: bool = False  # the visitor came by an affiliate's link


class Collecting:
    """Collects for one site. `suppressed` holds (channel, keyed hash) of all do-not-contact entries."""

    def __init__(self, gate: Gate, recorder: Recorder, journal: Journal, suppressed: set[tuple[str, bytes]]) -> None:
        self._gate = gate
        self._policy = gate.policy
        self._recorder = recorder
        self._journal = journal
        self._suppressed = suppressed
        self._plans = {name: plan(self._policy, name) for name in self._policy.forms}

    async def collect(self, submissions: Sequence[Submission]) -> list[bytes]:
        """Take all of these in, in one transaction; the subjects, in order.

        Raises `UnknownWord`, `CallError` or `BadValue` before anything is decided, and `Refused` once the refusal is
        on record. If one raises, none is stored.
        """
        for one in submissions:
            self._check(one)
        refused: Refused | None = None
        out: list[bytes] = []
        async with self._gate.store.transaction() as tx:
            at = self._gate.now()
            batch = _Batch()
            for one in submissions:
                answer = await self._take(tx, batch, one, at)
                if isinstance(answer, Refused):
                    refused = answer
                    break
                out.append(answer)
            if refused is None:
                await batch.write(tx)
            else:
                one = submissions[len(out)]
                ask = Request("collect", one.actor.role, "", tuple(one.given), form=one.form)
                leaf = self._recorder.faceless(at, ask, one.actor.name, "refused", refused.promises)
                await tx.record((leaf,), ())
        if refused is not None:
            raise refused
        self._suppressed.update((entry.channel, entry.hash) for entry in batch.suppressions)
        return out

    async def known(self, submissions: Sequence[Submission]) -> list[bool]:
        """Per submission, whether somebody is found here already by one of its look-up values."""
        out = []
        async with self._gate.store.transaction() as tx:
            for one in submissions:
                found = False
                for category, value in one.given.items():
                    known = self._policy.categories.get(category)
                    if known is not None and known.look_up and not found:
                        hidden = index(self._gate.keys, known.term, category, value)
                        found = bool(await tx.find(category, hidden))
                out.append(found)
        return out

    def _check(self, one: Submission) -> None:
        """Everything that can be said without deciding. No message carries a value."""
        if one.form not in self._policy.forms:
            raise UnknownWord(f"no form is called `{one.form}`; the policy declares {_list(self._policy.forms)}")
        if not one.given:
            raise CallError(f"nothing was given through the form `{one.form}`; pass category -> value")
        asked = self._plans[one.form]
        for category, value in one.given.items():
            if category not in self._policy.categories:
                known = _list(self._policy.categories)
                raise UnknownWord(f"the policy names no category `{category}`, so it is not held; it names {known}")
            check_value(category, value, confirmed=category in one.no_card)
        missing = [name for name in asked.asks if name not in one.given]
        if missing and one.source == THE_PERSON:
            raise CallError(f"the form `{one.form}` asks for {_list(missing)}, which was not given")

    async def _take(self, tx: Transaction, batch: "_Batch", one: Submission, at: int) -> bytes | Refused:
        row = None
        if one.subject is not None:
            row = (await tx.subjects((one.subject,), "change"))[0]
            if row is None or row.state == "erased":
                return Refused((), "nobody is held under this id")
        line = self._gate.line(row, self._gate.keys.get(ordinary(row), at)) if row else ""
        promises = self._decide(one, line, at)
        if isinstance(promises, Refused):
            return promises
        subject = row.subject if row else self._gate.random(16)
        keys = unpack(row.keys) if row else {}
        _key(self._gate.keys, keys, ORDINARY)
        first = len(batch.data)
        after = line
        for category, value in one.given.items():
            after = self._put(batch, one, (subject, category, value), keys, after, at)
        opens = self._policy.forms[one.form].opens
        if opens and one.source == THE_PERSON:
            request = ServiceRequest(subject, self._gate.random(16), opens, at, None)
            batch.requests.append(request)
            after = add(after, f"request/{opens}")
        changed = [anchor(datum.row, 1) for datum in batch.data[first:]]
        key = self._gate.keys.get(keys[ORDINARY], at)
        new = Subject(subject, at, pack(keys), after, 1, "live")
        if row is None:
            batch.new.append(self._gate.marked(new, key))
        elif (new.keys, after) != (row.keys, line):
            new = new._replace(created=row.created, version=row.version + 1)
            changed.append(anchor(STANDING, new.version))
            batch.changed.append(self._gate.marked(new, key))
        ask = Request("collect", one.actor.role, "", tuple(one.given), form=one.form)
        kind = "collect" if row else "register" if one.source == THE_PERSON else "import"
        leaf, trace = self._recorder.event(
            at, key, subject, ask, one.actor.name, "done", promises, kind, " ".join(changed)
        )
        batch.leaves.append(leaf)
        batch.traces.append(trace)
        return subject

    def _decide(self, one: Submission, line: str, at: int) -> tuple[str, ...] | Refused:
        """The promises that allow all of it for every purpose the form names, or the first refusal."""
        asked = self._plans[one.form]
        anything = tuple(dict.fromkeys(purpose for purposes in asked.purposes.values() for purpose in purposes))
        circumstances = Circumstances(
            volunteered=True, identified=one.subject is not None, affiliate_link=one.affiliate_link
        )
        promises: dict[str, None] = {}
        for category in one.given:
            for purpose in asked.purposes.get(category, anything) or ("",):
                ask = Request("collect", one.actor.role, purpose, (category,), form=one.form)
                held = facts(self._gate.table, ask, line, at=at, circumstances=circumstances, identity=None, due={})
                answer = decide(self._gate.table, ask, held)
                if not isinstance(answer, Allow):
                    return Refused(answer.promises, answer.reason)
                promises |= dict.fromkeys(answer.promises)
        return tuple(promises)

    def _put(
        self, batch: "_Batch", one: Submission, what: tuple[bytes, str, str], keys: dict[str, bytes], line: str, at: int
    ) -> str:
        """Seal one value into the batch; the facts line, with an opt-out that an older entry asks for."""
        subject, category, value = what
        known = self._policy.categories[category]
        collected = at if one.collected is None else one.collected
        kept = retention(self._policy, category, one.form, collected)
        if kept.due is not None and kept.due < at:
            raise BadValue(f"`{category}` is past the term that {kept.promise} promises; it may not be taken in")
        purposes = " ".join(sorted(self._plans[one.form].purposes[category]))
        datum = Datum(
            subject, self._gate.random(16), category, kept.kept_as, 1, purposes, one.form, one.source,
            self._gate.current, collected, kept.due, kept.event, b"",
        )  # fmt: skip
        key = self._gate.keys.get(_key(self._gate.keys, keys, kept.kept_as), at)
        batch.data.append(datum._replace(sealed=self._gate.seal(key, "datum", datum, value.encode())))
        if known.look_up:
            batch.lookups.append(LookUp(category, index(self._gate.keys, known.term, category, value), subject))
        channel = known.channel
        if channel and (self._suppressed or channel in one.opted_out):
            hidden = do_not_contact(self._gate.keys, known.term, value)
            if channel in one.opted_out and (channel, hidden) not in self._suppressed:
                self._journal.append("do-not-contact", {"channel": channel, "hash": hidden.hex(), "at": at})
                batch.suppressions.append(Suppression(channel, hidden, at))
            if channel in one.opted_out or (channel, hidden) in self._suppressed:
                line = add(line, f"opt-out/{channel}")
        return line


class _Batch:
    """What a transaction will write, gathered so that each table is written once."""

    def __init__(self) -> None:
        self.new: list[Subject] = []
        self.changed: list[Subject] = []
        self.data: list[Datum] = []
        self.lookups: list[LookUp] = []
        self.requests: list[ServiceRequest] = []
        self.suppressions: list[Suppression] = []
        self.leaves: list[Leaf] = []
        self.traces: list[Trace] = []

    async def write(self, tx: Transaction) -> None:
        if self.new:
            await tx.add_subjects(self.new)
        for row in self.changed:
            await tx.change_subject(row)
        await tx.put(self.data)
        if self.lookups:
            await tx.put_lookups(self.lookups)
        for request in self.requests:
            await tx.put_request(request)
        for entry in self.suppressions:
            await tx.suppress(entry)
        await tx.record(self.leaves, self.traces)


def check_value(category: str, value: object, *, confirmed: bool = False) -> None:
    """Raise `BadValue` for what may not be held: no text, empty, too long, or with a card number in it."""
    if not isinstance(value, str) or not value.strip():
        raise BadValue(f"the value of `{category}` is {'empty' if isinstance(value, str) else 'not text'}")
    if len(value.encode("utf-8", "surrogatepass")) > LONGEST:
        raise BadValue(f"the value of `{category}` is longer than {LONGEST} bytes; nothing was stored")
    if not value.isprintable() and any(ch == "\0" or "\ud800" <= ch <= "\udfff" for ch in value):
        raise BadValue(f"the value of `{category}` has characters that are no text; nothing was stored")
    level = suspicion(value)
    if level is Suspicion.CERTAIN:
        raise BadValue(
            f"the value of `{category}` holds a payment card number; card numbers belong on the payment company's "
            "page only; nothing was stored"
        )
    if level is Suspicion.DOUBTFUL and not confirmed:
        raise BadValue(
            f"the value of `{category}` may hold a payment card number; nothing was stored: have the sender confirm "
            "that it is none, then name the category in `no_card`"
        )


def index(keys: Keys, term: str, category: str, value: str) -> bytes:
    """The keyed hash by which a person is found: its own key per category and normaliser version."""
    return lookup.keyed_hash(keys.site_key(f"look-up/{category}/{lookup.VERSION}"), term, value)


def do_not_contact(keys: Keys, term: str, value: str) -> bytes:
    """The keyed hash of a do-not-contact entry: a key of its own, so that it outlives the look-ups."""
    return lookup.keyed_hash(keys.site_key(f"do-not-contact/{lookup.VERSION}"), term, value)


def _key(source: Keys, keys: dict[str, bytes], kept_as: str) -> bytes:
    if kept_as not in keys:
        keys[kept_as] = source.take(1)[0].id
    return keys[kept_as]


def plan(policy: Policy, form: str) -> FormPlan:
    """What a form of the merchant asks for, over all promises; a form at a processor asks for nothing here."""
    asks: dict[str, None] = {}
    purposes: dict[str, dict[str, None]] = {}
    for promise in policy.promises:
        for clause in promise.clauses:
            if isinstance(clause, Collect) and clause.form == form:
                asks |= dict.fromkeys(_held_here(policy, clause.asks))
                for category in _held_here(policy, (*clause.asks, *clause.optional)):
                    purposes.setdefault(category, {}).update(dict.fromkeys(clause.purposes))
    return FormPlan(tuple(asks), {category: tuple(of) for category, of in purposes.items()})


def _held_here(policy: Policy, categories: Sequence[str]) -> list[str]:
    return [name for name in categories if not (policy.categories[name].held_by or policy.categories[name].apart)]


def _list(words: Sequence[str] | Mapping[str, object]) -> str:
    return ", ".join(f"`{word}`" for word in words) or "none"
