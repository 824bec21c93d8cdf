"""The one way to personal data: decide, record, commit, then release.

Nothing else can unseal, and nothing can switch the record off. Every act runs in one transaction that reads the
person's facts, decides, and writes the record; only when that transaction is on disk does a value leave. Any error
refuses. The gate knows the store by its interface, and the keys and the clock by what is handed to it.

Threads: none. All of it runs on the event loop that opened the store.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple, NoReturn, Protocol, TypeVar

from avow.decide.facts import Circumstances
from avow.decide.history import Came, History
from avow.decide.request import Allow, Answer, Refuse, Request
from avow.decide.table import Table
from avow.errors import AvowError, KeyGone, OperatorError, Refused, Superseded, Tampered
from avow.policy.model import Policy
from avow.record import CHANCE, Recorder, Wording
from avow.rows import STANDING, anchor, believed, bound, marked, ordinary, pack, unpack
from avow.store.interface import Datum, Leaf, Store, Subject, Trace, Transaction
from avow.store.terms import DUE, NO_END, POLICY, decode, when
from avow.together import Together
from avow.vault import envelope
from avow.vault.keys import SubjectKey

T = TypeVar("T")
BEHIND: Final = 600_000  # ms that a clock may be behind the record: it was set right, or another machine's
KNOWN: Final = 65_536  # rows remembered as right
_SENT_AWAY: Final = Refuse((), "whoever asked for this has no standing any more")
Clock = Callable[[], int]  # milliseconds since 1970, UTC
Random = Callable[[int], bytes]


class Keys(Protocol):
    """What the gate asks of the keystore. A key is durable before `take` returns it, and gone when `destroy` does."""

    def take(self, count: int) -> list[SubjectKey]:
        """New keys that nobody has had."""

    def get(self, key_id: bytes, now: int) -> SubjectKey:
        """The key of this id. Raises `KeyGone` when it was destroyed."""

    def destroy(self, key_ids: Sequence[bytes]) -> None:
        """Make these keys unreadable for good."""

    def site_key(self, name: str) -> bytes:
        """A named secret of the site, made on first use."""


class Entry(Protocol):
    """An entry of the journal, as it reads it back."""

    @property
    def kind(self) -> str:
        """What was narrowed."""

    @property
    def fields(self) -> Mapping[str, str | int]:
        """Opaque ids, keyed hashes, names of the policy and moments."""


class Journal(Protocol):
    """What the practices ask of the journal. An entry is on disk when `append` returns, and no restore undoes it."""

    def append(self, kind: str, fields: Mapping[str, str | int]) -> int:
        """Add an entry; its number. Opaque ids and keyed hashes only."""

    def entries(self) -> Iterator[Entry]:
        """All entries, oldest first."""


class Actor(NamedTuple):
    """Who acts. `name` is known to the site and never recorded in the clear; `role` is what the policy knows."""

    role: str  # person, site, or a role of the policy
    name: str = ""
    standing: bool = False
    identified: bool = False
    shown: int | None = None  # when they showed who they are (ms), where that is known


class Look(NamedTuple):
    """One wish to read: these categories of this person, as the request says. `identity`: see `facts`."""

    subject: bytes
    ask: Request
    actor: Actor
    circumstances: Circumstances
    identity: str | None = None


@dataclass(slots=True)
class Act:
    """An act in its transaction: what it may touch, and how to open and seal. Handed to the practices.

    `row` is the person as stored, `own` their ordinary key. `facts` and `keys` may be replaced; the gate writes the row
    back when they changed. `promises` are those that allow the act, once that is decided.
    """

    tx: Transaction
    at: int
    row: Subject
    facts: str
    keys: dict[str, bytes]
    own: SubjectKey
    gate: "Gate"
    changed: list[str] = field(default_factory=list)
    gone: bool = False  # the person was erased: their index of events with them
    promises: tuple[str, ...] = ()

    def key(self, kept_as: str) -> SubjectKey:
        """The person's key of a retention class, made if there is none yet."""
        if kept_as not in self.keys:
            self.keys[kept_as] = self.gate.new_key().id
        return self.gate.keys.get(self.keys[kept_as], self.at)

    def open(self, datum: Datum) -> str:
        """The value of a datum. Raises `Tampered` when it does not open where it stands."""
        return self.gate.open(datum, self.at, self.own)

    async def remove(self, data: Sequence[Datum]) -> None:
        """Delete data of the person, which the record then says."""
        self.changed += [anchor(datum.row, 0) for datum in data]
        await self.tx.remove([(datum.subject, datum.row) for datum in data])

    def seal(self, datum: Datum, value: str) -> Datum:
        """The datum with `value` sealed for exactly this place, version and retention class; anchored in the record."""
        self.changed.append(anchor(datum.row, datum.version))
        return datum._replace(sealed=self.gate.seal(self.key(datum.kept_as), "datum", datum, value.encode()))


class Gate:
    """Decides and records for one site. Made by `avow.app`; see the module for what it holds."""

    def __init__(
        self, policy: Policy, tables: Mapping[bytes, Table], store: Store, keys: Keys, recorder: Recorder,
        clock: Clock, random: Random,
    ) -> None:  # fmt: skip
        """`tables`: every version by the first 16 bytes of its digest, in the order of publication; last `policy`, which
        is in force.
        """
        self.policy = policy
        self.history = History(tables)
        self._steady = self.history.steady
        self.current = self.history.current  # the first 16 bytes of the digest of the version in force
        self.table = self.history.table
        self.store = store
        self._site = store.site
        self.keys = keys
        self.random = random
        self.stands: Callable[[Actor], bool] = lambda _: True  # whether they still have it: told by who keeps the roll
        self._recorder = recorder
        self._clock = clock
        self._latest = 0
        self.until: int | None = None  # when (ms) a newer version of the policy takes effect
        self._least: dict[bytes, int] = {}  # versions below which a person's row is not believed
        self._known: dict[bytes, tuple[Subject, bytes, str]] = {}  # rows found right, with key id and facts line
        self._looking: Together[Look, dict[str, str]] = Together(self.read)

    # -- time and keys ------------------------------------------------------------------------------------------

    def now(self) -> int:
        """The moment of an act, in milliseconds UTC. A clock that goes back stands still here: nothing gets younger.

        Raises `Superseded` once a newer version of the policy is in force: by this one nothing is done any more.
        """
        at = self.moment()
        if self.over:
            raise Superseded(
                "a newer version of the policy has taken effect, and the site is to be opened anew; nothing was done"
            )
        return at

    @property
    def over(self) -> bool:
        """Whether a newer version of the policy is in force."""
        return self.until is not None and self.moment() >= self.until

    def moment(self) -> int:
        """The same for what is no act: closing, and telling how the site fares."""
        at = self._clock()
        self._latest = max(self._latest, at)
        return self._latest

    def not_before(self, known: int) -> None:
        """The latest moment on record. Raises `OperatorError` when the clock is more than ten minutes behind it."""
        if self.moment() < known - BEHIND:
            raise OperatorError(
                f"the clock is {(known - self._latest) // 60_000} minutes behind the newest entry of the record; set it "
                "right: what was due would be young again"
            )
        self._latest = max(self._latest, known)

    def new_key(self) -> SubjectKey:
        """A fresh key, durable already."""
        return self.keys.take(1)[0]

    # -- sealing ------------------------------------------------------------------------------------------------

    def seal(self, key: SubjectKey, table: str, datum: Datum, plain: bytes) -> bytes:
        """Seal bytes for the place and terms of `datum`."""
        return envelope.seal(key, plain, bound(self._site, table, datum), self.random(12))

    def seal_with(self, key: SubjectKey, datum: Datum, value: str, nonce: bytes) -> bytes:
        """A value sealed for its row; `nonce` is 12 bytes of chance, never used before."""
        return envelope.seal(key, value.encode(), bound(self._site, "datum", datum), nonce)

    def open(self, datum: Datum, at: int, key: SubjectKey | None = None, table: str = "datum") -> str:
        """Open a datum where it stands, or what was sealed for a place in another table. `key`: one at hand that may be
        the one it was sealed with.
        """
        sealed = datum.sealed
        if key is None or not sealed.startswith(key.head):
            key = self.keys.get(envelope.key_id(sealed), at)
        return envelope.open_(key, sealed, bound(self._site, table, datum)).decode()

    # -- a person's standing ------------------------------------------------------------------------------------

    def standing(self, row: Subject, at: int) -> tuple[SubjectKey, str]:
        """The ordinary key and the facts line of a stored row.

        Raises `Tampered` when line, keys or version are not as they were written, and `KeyGone`.
        """
        known = self._known.get(row.subject)
        if known is not None and (known[0] is row or known[0] == row):
            return self.keys.get(known[1], at), known[2]
        key_id = ordinary(row)
        key = self.keys.get(key_id, at)
        line = believed(self._site, row, key)
        if row.version < self._least.get(row.subject, 0):
            raise Tampered("a person's row is an older one than the journal knows; restore the database")
        if len(self._known) > KNOWN:
            self._known.clear()
        self._known[row.subject] = row, key_id, line
        return key, line

    def hold(self, subject: bytes, version: int) -> None:
        """From now on believe no row of this person that is older: the journal knows of it, wherever it came from."""
        self._least[subject] = version
        self._known.pop(subject, None)

    # -- deciding -----------------------------------------------------------------------------------------------

    def answer(self, look: Look, line: str, data: Sequence[Datum], at: int) -> Answer:
        """What the policy in force says, and the older versions that limit what came under them: all must allow.

        See `avow.decide.history`. `line` is the person's facts line. Who was sent away while they waited for their turn
        gets nothing.
        """
        if not self.stands(look.actor):
            return _SENT_AWAY
        ask = look.ask
        came = None if ask.recipient is not None else self.timeless(line, data)
        if came is not None:
            return _at_any_moment(self.history, ask, line, look.circumstances, came)
        came = tuple([(datum.category, datum.terms[POLICY]) for datum in data])
        late = frozenset(datum.category for datum in data if not self.in_time(datum, at))
        if ask.recipient is None and "@" not in line:
            return _at_any_moment(self.history, ask, line, look.circumstances, came, late)
        return self.history.answer(
            ask, line, at=at, circumstances=look.circumstances, identity=look.identity, came=came, late=late
        )

    def timeless(self, line: str, data: Sequence[Datum]) -> Came | None:
        """What each of the data came under, where nothing here depends on the moment: no expiry, no term. Else None."""
        if "@" in line:
            return None
        steady = self._steady
        if len(data) == 1:  # as most are
            datum = data[0]
            terms = datum.terms
            policy = terms[POLICY]
            return ((datum.category, policy),) if terms[DUE] == NO_END and policy in steady else None
        came = []
        for datum in data:
            terms = datum.terms
            if terms[DUE] != NO_END or terms[POLICY] not in steady:
                return None
            came.append((datum.category, terms[POLICY]))
        return tuple(came)

    def due(self, datum: Datum) -> int | None:
        """The last moment at which a datum may be used, by its own term and every version since it came."""
        terms = datum.terms
        if terms[POLICY] in self.history.steady:
            return None if terms[DUE] == NO_END else when(terms[DUE])
        return _ends(self.history, datum.category, terms)

    def in_time(self, datum: Datum, at: int) -> bool:
        """Whether it may still be used at this moment: else it is gone, or goes with the next sweep."""
        due = self.due(datum)
        return due is None or at <= due

    # -- reading ------------------------------------------------------------------------------------------------

    async def read(self, looks: Sequence[Look]) -> list[dict[str, str] | AvowError]:
        """Decide, record and commit all of these in one transaction, then release: values by category, or why not.

        Why not: `Refused`, or `Tampered` and the like where a person's rows were changed behind the gate. A category
        that is allowed and not held is absent. Raises what the store raises; then nothing was released.
        """
        async with self.store.transaction() as tx:
            return await self._perform(tx, looks)

    async def look(self, look: Look) -> dict[str, str]:
        """One of them; raises `Refused`. Where commits are costly, those that wait together share a transaction."""
        if not self.store.gathers:
            answer = (await self.read((look,)))[0]
            if isinstance(answer, AvowError):
                raise answer
            return answer
        return await self._looking(look)

    async def _perform(self, tx: Transaction, looks: Sequence[Look]) -> list[dict[str, str] | AvowError]:
        rows = await tx.read([(look.subject, look.ask.categories) for look in looks])
        at = self.now()
        chance = self.random(CHANCE * len(looks))  # at once: a call for each look costs five times as much
        leaves: list[Leaf] = []
        traces: list[Trace] = []
        out: list[dict[str, str] | AvowError] = []
        alike = None
        for number, (look, (row, data)) in enumerate(zip(looks, rows, strict=True)):
            if alike is None or not alike.fits(look):
                alike = _Alike(self, self._recorder, look, at)
            if row is None or row.state == "erased":
                leaves.append(self._recorder.faceless(at, look.ask, look.actor.name, "refused", ()))
                out.append(Refused((), "nobody is held under this id"))
                continue
            try:
                key, line = self.standing(row, at)
                answer, wording = alike.answer(line, data)
                values = (
                    {datum.category: self.open(datum, at, key) for datum in data} if isinstance(answer, Allow) else {}
                )
            except (Tampered, KeyGone) as error:  # of this person: the others are not held up by it
                leaves.append(self._recorder.faceless(at, look.ask, look.actor.name, "failed", ()))
                out.append(error)
                continue
            once = chance[number * CHANCE : (number + 1) * CHANCE]
            leaf, trace = self._recorder.worded(wording, key, row.subject, once)
            leaves.append(leaf)
            traces.append(trace)
            out.append(values if isinstance(answer, Allow) else Refused(answer.promises, answer.reason))
        await tx.record(leaves, traces)
        return out

    # -- changing -----------------------------------------------------------------------------------------------

    async def change(
        self, subject: bytes, ask: Request, actor: Actor, circumstances: Circumstances,
        apply: Callable[[Act], Awaitable[T]], *, identity: str | None = None, rule: Answer | None = None,
        kind: str | None = None, told: Request | None = None, bar: Callable[[str, int], Refuse | None] | None = None,
        weigh: Callable[[Act], Awaitable[Sequence[Datum]]] | None = None,
    ) -> T:  # fmt: skip
        """Decide, apply and record in one transaction under the person's exclusive lock.

        `rule` is the answer when the act is none of the table's (a consent, a request): the practice that owns it
        says which promises offer it. `apply` runs only when allowed. A refusal is recorded, then raised. `kind` is
        the word for the record where the request's action is not it; `told` the request as the record has it, where
        naming all that was asked would only be long. `bar` is asked first, with the person's facts line and the moment,
        whether something stands in the way. `weigh` gives the data that the decision is about, where what they came under
        counts; for the decision it may put other facts into the act, which `apply` has to take out again.
        """
        done: list[T] = []
        async with self.store.transaction() as tx:
            row = (await tx.subjects((subject,), "change"))[0]
            at = self.now()
            if row is None or row.state == "erased":
                answer: Answer = Refuse((), "nobody is held under this id")
                await tx.record((self._recorder.faceless(at, ask, actor.name, "refused", ()),), ())
            else:
                key, line = self.standing(row, at)
                row = row._replace(facts=line)
                act = Act(tx, at, row, row.facts, unpack(row.keys), key, self)
                data = await weigh(act) if weigh else ()
                barred = bar(line, at) if bar else None
                answer = (
                    barred
                    or (rule if self.stands(actor) else _SENT_AWAY)
                    or self.answer(Look(subject, ask, actor, circumstances, identity), act.facts, data, at)
                )
                if isinstance(answer, Allow):
                    act.promises = answer.promises
                    done.append(await apply(act))
                    await self._write_back(act, key)
                outcome = "done" if done else "refused"
                leaf, trace = self._recorder.event(
                    at, key, subject, told or ask, actor.name, outcome, answer.promises,
                    "erase" if act.gone else kind or ask.action, " ".join(act.changed),
                )  # fmt: skip
                await tx.record((leaf,), () if act.gone else (trace,))
        if isinstance(answer, Refuse):
            raise Refused(answer.promises, answer.reason)
        return done[0]

    async def _write_back(self, act: Act, key: SubjectKey) -> None:
        row = act.row._replace(facts=act.facts, keys=pack(act.keys), version=act.row.version + 1)
        if not act.gone and (row.facts, row.keys) != (act.row.facts, act.row.keys):
            act.changed.append(anchor(STANDING, row.version))
            await act.tx.change_subject(marked(self._site, row, key))

    async def note(self, kind: str, apply: Callable[[Transaction], Awaitable[None]], actor: str = "site") -> None:
        """An act of the site itself, which concerns no single person: applied and recorded in one transaction."""
        async with self.store.transaction() as tx:
            await tx.record((self._recorder.plain(self.now(), kind, actor, "done"),), ())
            await apply(tx)

    async def refuse(self, kind: str, actor: Actor, answer: Refuse) -> NoReturn:
        """Record that this was refused, and not about whom: where they must not learn of it. Raises `Refused`."""
        async with self.store.transaction() as tx:
            await tx.record((self._recorder.plain(self.now(), kind, actor.name, "refused", answer.promises),), ())
        raise Refused(answer.promises, answer.reason)

    def pseudonym(self, name: str) -> bytes:
        """The name of an actor as the record has it."""
        return self._recorder.actor(name)

    async def close(self) -> None:
        """Wait for what is under way."""
        await self._looking.settle()


class _Alike:
    """Looks that differ in the person alone: to people who stand alike the same answer, in the same wording."""

    def __init__(self, gate: Gate, recorder: Recorder, look: Look, at: int) -> None:
        self._gate = gate
        self._recorder = recorder
        self._look = look
        self._at = at
        self._known: dict[tuple[str, Came], tuple[Answer, Wording]] = {}  # where nothing depends on the moment

    def fits(self, look: Look) -> bool:
        """Whether a look asks the same as the first one, of whomever."""
        first = self._look
        return look is first or (
            look.ask is first.ask
            and look.actor is first.actor
            and look.circumstances is first.circumstances
            and look.identity == first.identity
        )

    def answer(self, line: str, data: Sequence[Datum]) -> tuple[Answer, Wording]:
        """The answer for a person of this facts line who holds these data, and how the record says it."""
        came = self._gate.timeless(line, data)
        if came is None:
            return self._told(line, data)
        known = self._known.get((line, came))
        if known is None:
            known = self._known[line, came] = self._told(line, data)
        return known

    def _told(self, line: str, data: Sequence[Datum]) -> tuple[Answer, Wording]:
        ask, actor = self._look.ask, self._look.actor
        answer = self._gate.answer(self._look, line, data, self._at)
        outcome = "done" if isinstance(answer, Allow) else "refused"
        return answer, self._recorder.wording(self._at, ask, actor.name, outcome, answer.promises, ask.action)


@lru_cache(4096)
def _at_any_moment(
    history: History, ask: Request, line: str, circumstances: Circumstances, came: Came,
    late: frozenset[str] = frozenset(),
) -> Answer:  # fmt: skip
    """The answer where nothing else depends on the moment: people whose lines are alike get the same one."""
    return history.answer(ask, line, at=0, circumstances=circumstances, came=came, late=late)


@lru_cache(4096)
def _ends(history: History, category: str, terms: bytes) -> int | None:
    policy, collected, due, _, form, _ = decode(terms)
    return history.due(policy, category, form, collected, due)
