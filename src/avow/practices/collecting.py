"""Take personal data in: by a form that the person submits, or from a shop's old records with their provenance."""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final, Literal, NamedTuple

from avow.cards import Suspicion, suspicion
from avow.decide.facts import Circumstances, add, tokens
from avow.decide.request import Allow, Request
from avow.errors import BadValue, CallError, Refused
from avow.gate import Actor, Gate, Journal, Keys
from avow.policy.affiliates import programme
from avow.policy.model import PERSON, Category, Collect, Keep, Policy, Right
from avow.policy.retention import ORDINARY, rule, term
from avow.practices.entering import Entering
from avow.practices.holding import begin, proves
from avow.practices.words import listed, unknown
from avow.record import CHANCE, Recorder
from avow.rows import STANDING, anchor, anchored, marked, pack, unpack
from avow.store.interface import Datum, Leaf, LookUp, ServiceRequest, Subject, Suppression, Trace, Transaction
from avow.store.terms import Terms
from avow.vault import lookup
from avow.vault.keys import SubjectKey

LONGEST: Final = 64 * 1024  # bytes of one value
Entry = tuple[str, bytes]  # of the do-not-contact list: channel and keyed hash
THE_PERSON: Final = "person"  # the source of what people give themselves
_SOURCES: Final = {"letter": "a letter of the person", "phone": "a telephone call of the person"}
THEIR_OWN: Final = frozenset((THE_PERSON, *_SOURCES.values()))


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
    through: Literal["letter", "phone"] | None = None  # the person's own words, which a colleague took down

    @property
    def own(self) -> bool:
        """Whether the person gave it themself, and asks for something by it."""
        return self.through is not None or self.source == THE_PERSON


class Collecting:
    """Collects for one site. `suppressed` holds (channel, keyed hash) of all do-not-contact entries."""

    def __init__(
        self, gate: Gate, recorder: Recorder, journal: Journal, suppressed: set[tuple[str, bytes]], entering: Entering
    ) -> None:
        self._gate = gate
        self._entering = entering
        self._policy = gate.policy
        self._recorder = recorder
        self._journal = journal
        self._suppressed = suppressed
        self._plans = {name: plan(self._policy, name) for name in self._policy.forms}
        clicks = programme(self._policy)
        self._number = clicks.number if clicks else None  # a click is found by it, and by nobody but `Affiliates`
        self._field = cache(self._of_field)
        self._asked = lru_cache(1024)(_asked)
        self._always = lru_cache(1024)(self._decided)

    async def collect(self, submissions: Sequence[Submission]) -> list[bytes]:
        """Take all of these in, in one transaction; the subjects, in order.

        Raises `UnknownWord`, `CallError` or `BadValue` before anything is decided, and `Refused` once the refusal is
        on record. If one raises, none is stored.
        """
        for one in submissions:
            self._check(one)
        entered = [self._entering.forms.get(one.form) for one in submissions]
        with self._entering.inside(entered):
            refused, out, batch = await self._take_all(submissions)
        if refused is not None:
            raise refused
        self._suppressed.update((entry.channel, entry.hash) for entry in batch.suppressions)
        return out

    async def _take_all(self, submissions: Sequence[Submission]) -> tuple[Refused | None, list[bytes], "_Batch"]:
        refused: Refused | None = None
        out: list[bytes] = []
        async with self._gate.store.transaction() as tx:
            at = self._gate.now()
            batch = _Batch(_Chance(self._gate.random, 192 * len(submissions)))
            for one in submissions:
                answer = self._entering.over(self._entering.forms.get(one.form), at) or await self._take(
                    tx, batch, one, at
                )
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
        return refused, out, batch

    def _check(self, one: Submission) -> None:
        """Everything that can be said without deciding. No message carries a value."""
        if one.form not in self._policy.forms:
            raise unknown("form", one.form, self._policy.forms)
        if not one.given:
            raise CallError(f"nothing was given through the form `{one.form}`; pass category -> value")
        asked = self._plans[one.form]
        for category, value in one.given.items():
            if category not in self._policy.categories:
                raise unknown("category", category, self._policy.categories)
            check_value(category, value, confirmed=category in one.no_card)
        if one.source != THE_PERSON and one.form in self._entering.forms:
            raise CallError(
                f"the form `{one.form}` enters a contest, and people enter for themselves; import nothing by it"
            )
        if one.subject is not None and (one.through is not None or one.actor.role != PERSON):
            raise CallError("only the person adds to what is held of them; of others' hands it can be corrected")
        missing = [name for name in asked.asks if name not in one.given]
        if missing and one.through is None and one.source == THE_PERSON:
            raise CallError(f"the form `{one.form}` asks for {listed(missing)}, which was not given")

    async def _take(self, tx: Transaction, batch: "_Batch", one: Submission, at: int) -> bytes | Refused:
        if one.collected is not None and one.collected > at:
            raise BadValue("the day on which it was collected is yet to come; mend it")
        row, line = None, ""
        if one.subject is not None:
            row = (await tx.subjects((one.subject,), "change"))[0]
            if row is None or row.state == "erased":
                return Refused((), "nobody is held under this id")
            _, line = self._gate.standing(row, at)
        promises = self._decide(one, line, at)
        if isinstance(promises, Refused):
            return promises
        subject = row.subject if row else batch.chance.take(16)
        ring = _Ring(self._gate, row, at)
        changed: list[str] = []
        after = line
        for channel in one.opted_out:
            after = add(after, f"opt-out/{channel}")
        after = await self._held_back(tx, one, row, after, at)
        for category, value in one.given.items():
            datum, after = self._put(batch, one, (subject, category, value), ring, after, at)
            batch.data.append(datum)
            changed.append(anchor(datum.row, 1))
        opens = self._policy.forms[one.form].opens
        if opens and one.own:
            batch.requests.append(ServiceRequest(subject, batch.chance.take(16), opens, at, None))
            changed.append(anchored(batch.requests[-1]))
            after = add(after, f"request/{opens}")
        key = ring.key(ORDINARY)
        if row is None:
            new = Subject(subject, at, pack(ring.ids), after, 1, "live")
            batch.new.append(marked(self._gate.policy.site, new, key))
        elif ring.grown or after != line:
            new = row._replace(facts=after, keys=pack(ring.ids), version=row.version + 1)
            changed.append(anchor(STANDING, new.version))
            batch.changed.append(marked(self._gate.policy.site, new, key))
        ask = self._asked(one.actor.role, "", tuple(one.given), one.form)
        kind = "collect" if row else "register" if one.own else "import"
        leaf, trace = self._recorder.event(
            at, key, subject, ask, one.actor.name, "done", promises, kind, " ".join(changed),
            chance=batch.chance.take(CHANCE),
        )  # fmt: skip
        batch.leaves.append(leaf)
        batch.traces.append(trace)
        return subject

    async def _held_back(self, tx: Transaction, one: Submission, row: Subject | None, line: str, at: int) -> str:
        """The facts line once a known person has given another contact than those on file: it is on hold."""
        if row is None or one.source != THE_PERSON:
            return line
        for category, value in one.given.items():
            known = self._policy.categories[category]
            if known.look_up and proves(known):
                hidden = index(self._gate.keys, known.term, category, value)
                if row.subject not in await tx.find(category, hidden):
                    ((_, before),) = await tx.read([(row.subject, (category,))], "change")
                    line = begin(line, category, at) if before else line
        return line

    def _decide(self, one: Submission, line: str, at: int) -> tuple[str, ...] | Refused:
        """The promises that allow all of it for every purpose the form names, or the first refusal.

        Without an expiry in the person's line the answer is the same at any moment, and many people get the same.
        """
        volunteered = one.through is None or self._asked_by(one.form, one.through)
        who = _circumstances(volunteered, one.subject is not None, one.affiliate_link)
        asked = (one.form, tuple(one.given), PERSON if one.through else one.actor.role, who, line)
        return self._decided(*asked, at) if "@" in line else self._always(*asked, at=0)

    def _decided(
        self, form: str, given: tuple[str, ...], role: str, circumstances: Circumstances, line: str, at: int
    ) -> tuple[str, ...] | Refused:
        asked = self._plans[form]
        anything = tuple(dict.fromkeys(purpose for purposes in asked.purposes.values() for purpose in purposes))
        promises: dict[str, None] = {}
        for category in given:
            for purpose in asked.purposes.get(category, anything) or ("",):
                ask = self._asked(role, purpose, (category,), form)
                answer = self._gate.history.answer(ask, line, at=at, circumstances=circumstances)
                if not isinstance(answer, Allow):
                    return Refused(answer.promises, answer.reason)
                promises |= dict.fromkeys(answer.promises)
        return tuple(promises)

    def _put(
        self, batch: "_Batch", one: Submission, what: tuple[bytes, str, str], ring: "_Ring", line: str, at: int
    ) -> tuple[Datum, str]:
        """One value sealed, and the facts line, with an opt-out that an older entry asks for."""
        subject, category, value = what
        known, purposes, rule = self._field(one.form, category)
        collected = at if one.collected is None else one.collected
        kept = term(rule, collected)
        if kept.due is not None and kept.due < at:
            raise BadValue(f"`{category}` is past the term that {kept.promise} promises; it may not be taken in")
        row, nonce = batch.chance.take(16), batch.chance.take(12)
        source = _SOURCES[one.through] if one.through else one.source
        terms = Terms(self._gate.current, collected, kept.due, purposes, one.form, source)
        datum = Datum(subject, row, category, kept.kept_as, 1, terms.encode(), b"")
        datum = datum._replace(sealed=self._gate.seal_with(ring.key(kept.kept_as), datum, value, nonce))
        if known.look_up or category == self._number:
            batch.lookups.append(LookUp(category, index(self._gate.keys, known.term, category, value), subject))
        if known.channel and (self._suppressed or "opt-out/" in line):
            line, entry = bound(self._policy, self._gate.keys, self._suppressed, line, category, value)
            if entry is not None:
                batch.suppressions.append(listing(self._journal, entry, at))
        return datum, line

    def _asked_by(self, form: str, route: str) -> bool:
        """Whether a promise lets people ask by this route for what the form opens: else a colleague gives, not they."""
        right = "complain" if self._policy.forms[form].opens == "complaint" else "ask"
        return any(right in c.rights and route in c.routes for _, c in self._policy.clauses(Right))

    def _of_field(self, form: str, category: str) -> "_Field":
        purposes = " ".join(sorted(self._plans[form].purposes[category]))
        return _Field(self._policy.categories[category], purposes, rule(self._policy, category, form))


class _Field(NamedTuple):
    """A category as a form takes it in: read off the policy once."""

    known: Category
    purposes: str  # as a datum keeps them: sorted, with a space between
    rule: tuple[str, Keep] | None  # the promise and clause that say how long it is kept


class _Ring:
    """A person's keys while data are taken in: each opened once, and made where there is none yet."""

    def __init__(self, gate: Gate, row: Subject | None, at: int) -> None:
        self.ids = unpack(row.keys) if row else {}
        self.grown = False
        self._gate = gate
        self._at = at
        self._ready: dict[str, SubjectKey] = {}

    def key(self, kept_as: str) -> SubjectKey:
        """The key of a retention class."""
        key = self._ready.get(kept_as)
        if key is None:
            if kept_as in self.ids:
                key = self._gate.keys.get(self.ids[kept_as], self._at)
            else:
                key = self._gate.new_key()
                self.ids[kept_as] = key.id
                self.grown = True
            self._ready[kept_as] = key
        return key


class _Chance:
    """Bytes of chance, drawn many at a time and each given once. Lives as long as one transaction."""

    def __init__(self, random: Callable[[int], bytes], likely: int) -> None:
        self._random = random
        self._likely = likely
        self._drawn = b""
        self._at = 0

    def take(self, count: int) -> bytes:
        """So many that nobody has had."""
        start, self._at = self._at, self._at + count
        if self._at > len(self._drawn):
            self._drawn = self._random(max(count, self._likely))
            start, self._at = 0, count
        return self._drawn[start : self._at]


class _Batch:
    """What a transaction will write, gathered so that each table is written once."""

    def __init__(self, chance: _Chance) -> None:
        self.chance = chance
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
    if len(value) > LONGEST // 4 and len(value.encode("utf-8", "surrogatepass")) > LONGEST:
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


# -- do not contact: a list of (channel, keyed hash) that no erasure, import or other record of the address undoes ------


def entries_of(policy: Policy, keys: Keys, category: str, value: str) -> tuple[Entry, ...]:
    """How the list may have an address or number: as it is entered now, then as older versions did; nothing for what
    reaches nobody. The keys outlive the look-ups.
    """
    known = policy.categories.get(category)
    if known is None or known.channel is None:
        return ()
    now, before = (keys.site_key(f"do-not-contact/{version}") for version in (lookup.BROAD_VERSION, lookup.VERSION))
    return (
        (known.channel, lookup.broad_hash(now, known.term, value)),
        (known.channel, lookup.keyed_hash(before, known.term, value)),
    )


def bound(
    policy: Policy, keys: Keys, listed: AbstractSet[Entry], line: str, category: str, value: str
) -> tuple[str, Entry | None]:
    """The facts line once this value is held, and what to put on the list with it.

    A listed address opts the person out; whoever has opted out has so under a new address, too.
    """
    entries = entries_of(policy, keys, category, value)
    if not entries:
        return line, None
    token = f"opt-out/{entries[0][0]}"
    if not listed.isdisjoint(entries):
        return add(line, token), None
    return line, entries[0] if token in tokens(line) else None


def listing(journal: Journal, entry: Entry, at: int) -> Suppression:
    """An entry for the list, on disk in the journal already."""
    journal.append("do-not-contact", {"channel": entry[0], "hash": entry[1].hex(), "at": at})
    return Suppression(*entry, at)


@cache
def _circumstances(volunteered: bool, identified: bool, affiliate_link: bool) -> Circumstances:
    return Circumstances(volunteered=volunteered, identified=identified, affiliate_link=affiliate_link)


def _asked(role: str, purpose: str, categories: tuple[str, ...], form: str) -> Request:
    return Request("collect", role, purpose, categories, form=form)


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
    return [name for name in categories if policy.categories[name].with_person]
