"""What a store must do. A contract: every implementation passes tests/store/, the same suite for all.

A store holds one site's sealed data, facts, look-ups and pending record. It knows no plaintext, no policy and no key.

Durability. When `transaction()` ends without an exception, everything written in it is on disk (SQLite:
synchronous=FULL; PostgreSQL: synchronous_commit=on) and nothing written in it can be seen without the rest. When it
ends with an exception, nothing was written.

Concurrency. SQLite: one process (a lock file says so; a second one gets `SecondWriter`), one connection, one
transaction at a time; others wait their turn in order. PostgreSQL: any number of transactions. `read` and `subjects`
take a lock on each subject before they look, `share` or `change`, held to the end of the transaction, in ascending
order of subject: while facts of a person are being changed, no read of that person is decided, and what a read saw
cannot have been changed before the read's own record is durable.

Order. A write may be held back until the transaction reads again or ends, so what is wrong with it is raised there at
the latest, and then nothing of the transaction was written. A transaction belongs to one task.

Retry. `Unavailable` means that nothing was written, and the whole transaction may be tried again, unless its message
says that the outcome is unknown: then look for the `event` of the record by `has_event` before trying again. `Clash` is
never to be retried: it means that the caller took the store to be in another state than it is, which is a defect.

Times are integers: milliseconds since 1970-01-01 UTC. Ids (subject, row, event, key) are 16 random bytes.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, NamedTuple, Protocol

from avow.errors import AvowError
from avow.store.terms import Terms, decode, due

Lock = Literal["share", "change"]
OUTLIVES: Final = "record"  # the retention class whose data outlive the person's erasure
UNTIL: Final = "until-"  # how the classes of data that wait for an event begin


class Clash(AvowError):
    """What was to be written contradicts what is there: an id twice, a version left out. A defect in the caller."""


class Subject(NamedTuple):
    """One person, as the store knows them.

    `keys` is one line that only the gate reads (retention class and key id). `facts` is the person's standing in one
    line: tokens `word/argument/…`, sorted, separated by one space (see avow.decide.facts). `version` counts the
    changes of the row; a writer that expects another version is refused. `state`: live or erased.
    """

    subject: bytes
    created: int
    keys: str
    facts: str
    version: int
    state: Literal["live", "erased"]


class Datum(NamedTuple):
    """One sealed value. `terms` are those that it came under, as `Terms.encode` gives them."""

    subject: bytes
    row: bytes
    category: str
    kept_as: str  # retention class: which of the subject's keys seals it
    version: int  # of the value, from 1; bound into the ciphertext
    terms: bytes  # bound into the ciphertext, too
    sealed: bytes

    @property
    def due(self) -> int | None:
        """The last moment at which it may be used, None without an end."""
        return due(self.terms)

    def came(self) -> Terms:
        """The terms, taken apart."""
        return decode(self.terms)


class Consent(NamedTuple):
    """An agreement, kept with its end. `about` is the fact token that it makes true while it stands."""

    subject: bytes
    row: bytes
    about: str
    given: int
    withdrawn: int | None
    policy: bytes
    sealed: bytes  # the words agreed to and how it was given, sealed under the subject's key


class ServiceRequest(NamedTuple):
    """What a person asked for. `closed` None while open."""

    subject: bytes
    row: bytes
    kind: str
    opened: int
    closed: int | None


class Credential(NamedTuple):
    """What proves who somebody is. `owner` is a person, or 16 bytes that stand for a colleague or an invitation; a
    person's go with the person. `sealed`: under the person's key, or one of the site's.
    """

    owner: bytes
    kind: str
    row: bytes
    since: int
    sealed: bytes


class Message(NamedTuple):
    """A message to one recipient. `message`: 16 bytes, a keyed hash of its id with the recipient. `subject` is zeros
    where nobody is held. `state`: handing, sent, not-now, never, bounced, refused. `promises`: ids, a space between.
    """

    subject: bytes
    message: bytes
    channel: str
    purpose: str
    sender: str
    state: str
    at: int
    promises: str
    reason: str


class Release(NamedTuple):
    """Figures that were released. `question`: 16 bytes that stand for what was asked; `told`: what was answered, JSON."""

    question: bytes
    at: int
    told: str


class Holding(NamedTuple):
    """What is held, counted. `categories`: of each that somebody holds, people and data; `people` in all; `unreachable`: so
    many of them hold nothing by which they are reached.
    """

    categories: dict[str, tuple[int, int]]
    people: int
    unreachable: int


class LookUp(NamedTuple):
    """A keyed hash by which a person is found."""

    category: str
    hash: bytes
    subject: bytes


class Suppression(NamedTuple):
    """A do-not-contact entry: a keyed hash of an address, on one channel. Outlives the person's erasure."""

    channel: str
    hash: bytes
    since: int


class Leaf(NamedTuple):
    """One entry of the record, waiting to be sequenced. `entry` is the ledger's own encoding."""

    event: bytes
    entry: bytes


class Trace(NamedTuple):
    """The erasable index: which events concern a person, with the sealed opening of the entry's commitment."""

    subject: bytes
    event: bytes
    sealed: bytes


class Pending(NamedTuple):
    """A leaf as the sequencer sees it; `ticket` orders and names it."""

    ticket: int
    event: bytes
    entry: bytes


class LogState(NamedTuple):
    """How far the record has been sequenced: the tree's size and root. Compare-and-swap only."""

    size: int
    root: bytes


Check = Callable[[Mapping[str, str], LogState], None]  # looks at a copy before it takes the store's place


class Transaction(Protocol):
    """Reads and writes that stand or fall together. Lists answer in the order asked."""

    async def read(
        self, asks: Sequence[tuple[bytes, Sequence[str]]], lock: Lock = "share"
    ) -> list[tuple[Subject | None, list[Datum]]]:
        """Per (subject, categories): the subject's row, None if unknown, and the newest datum of each category held.

        The data come in the order of the categories asked for. Of data collected in the same millisecond any one
        counts as the newest.
        """

    async def subjects(self, ids: Sequence[bytes], lock: Lock = "share") -> list[Subject | None]:
        """The rows of these people."""

    async def add_subjects(self, subjects: Sequence[Subject]) -> None:
        """New people. An id that exists raises `Clash`."""

    async def change_subject(self, subject: Subject) -> None:
        """Replace keys and facts of a living person; `subject.version` is the new version and must be the stored one
        plus one, else `Clash`. Only `drop_subject` ends a person.
        """

    async def living(self) -> int:
        """How many people are held and not erased."""

    async def drop_subject(self, subject: bytes) -> None:
        """Remove look-ups, consents, service requests, credentials, messages and the wish to leave, and the facts at
        once, and mark the row erased (its version goes up by one). Nothing happens to whom is unknown or erased already.

        Sealed data and traces stay for `purge`: without their key they say nothing, and erasing must cost the same
        for ten data as for ten thousand.
        """

    async def purge(self, limit: int) -> int:
        """Remove up to `limit` sealed data and traces of erased people; how many were removed. 0 means that none is
        left. What is kept as `record` (`OUTLIVES`) outlives the person and stays.
        """

    async def put(self, data: Sequence[Datum]) -> None:
        """Insert. A (subject, category, row) that exists with the version before is replaced, with any other version
        raises `Clash`. The same one may stand only once in a call.
        """

    async def remove(self, rows: Sequence[tuple[bytes, bytes]]) -> None:
        """Delete data by (subject, row)."""

    async def held(self, subject: bytes) -> list[Datum]:
        """Every datum of one person, oldest first: for export, correction and erasure."""

    async def due(self, now: int, limit: int) -> list[Datum]:
        """Up to `limit` data of living people that are past their `due`, longest past first."""

    async def awaiting(self, event: str, limit: int) -> list[Datum]:
        """Up to `limit` data of living people that wait for this event: those of the class `UNTIL` and its name."""

    async def everybody(self, category: str, after: bytes, limit: int) -> list[tuple[Subject, list[Datum]]]:
        """Up to `limit` living people, by id, those after `after` alone; each with all their data of this category, none
        with most. For counting them a page at a time: it takes no lock, and who is erased meanwhile may still be there.
        """

    async def holding(self, categories: Sequence[str], policies: Sequence[bytes], reached: Sequence[str]) -> Holding:
        """How many living people hold data of these categories that came under these policies (16 bytes each), and how many
        data. Who holds no datum of the categories `reached`, whenever it came, is unreachable. A walk over all data that
        takes no lock; on SQLite everything else waits for it.
        """

    async def keys_in_use(self, subject: bytes) -> set[str]:
        """The retention classes of which the person still holds data."""

    async def put_consent(self, consent: Consent) -> None:
        """Insert, or replace the same (subject, row)."""

    async def consents(self, subject: bytes) -> list[Consent]:
        """All of one person's, ended ones too, oldest first."""

    async def consenting(self, about: str, after: bytes, limit: int) -> list[bytes]:
        """Up to `limit` people with a consent to exactly this that was not withdrawn, by id, those after `after` alone.
        An index: it proves nothing, and whether a consent holds the person's facts say.
        """

    async def put_request(self, request: ServiceRequest) -> None:
        """Insert, or replace the same (subject, row)."""

    async def requests(self, subject: bytes) -> list[ServiceRequest]:
        """All of one person's, closed ones too, oldest first."""

    async def open_requests(self, kinds: Sequence[str], limit: int) -> list[ServiceRequest]:
        """Up to `limit` open service requests of these kinds, of anybody, oldest first."""

    async def open_request(self, row: bytes) -> ServiceRequest | None:
        """The open service request of this id."""

    async def put_credential(self, credential: Credential) -> None:
        """Insert, or replace the same (owner, kind, row)."""

    async def credentials(self, owner: bytes, kind: str) -> list[Credential]:
        """All of one owner and kind, oldest first."""

    async def drop_credential(self, owner: bytes, kind: str, row: bytes) -> bool:
        """Remove one; whether it was there."""

    async def put_leaving(self, subject: bytes, due: int) -> None:
        """List the person among those who will be erased after `due`; who is listed keeps their moment."""

    async def drop_leaving(self, subject: bytes) -> None:
        """Take the person off that list."""

    async def leaving_due(self, now: int, limit: int) -> list[bytes]:
        """Up to `limit` people on the list whose moment has come, longest past first. The list proves nothing."""

    async def put_message(self, message: Message) -> None:
        """Insert, or replace the same (subject, message)."""

    async def message(self, subject: bytes, message: bytes) -> Message | None:
        """One of this person's, or of nobody's."""

    async def messages_named(self, message: bytes) -> list[Message]:
        """All of this name, whosever: several people may be held under the address that is in it."""

    async def messages_of(self, subject: bytes) -> list[Message]:
        """All of one person's, oldest first."""

    async def messages(self, limit: int, before: int) -> list[Message]:
        """The newest from before this moment, newest first: `limit`, and the rest of the last one's millisecond."""

    async def purge_messages(self, before: int, limit: int, keep: str = "") -> int:
        """Remove up to `limit` from before this moment; how many were removed. Those of a person of which `keep` is the
        sender stay, until the person is erased.
        """

    async def spend(self, dataset: str, cost: int, limit: int) -> bool:
        """Add `cost` to what was spent of a dataset's budget, unless it would come to more than `limit`; whether it did.
        Whoever asks at the same time waits for this transaction's end: of many, no more get through than fit.
        """

    async def spent(self) -> dict[str, int]:
        """Dataset -> what was spent of its budget."""

    async def put_release(self, release: Release) -> None:
        """Insert. A question that was answered before raises `Clash`."""

    async def released(self, question: bytes) -> Release | None:
        """The answer to this question."""

    async def releases(self, limit: int) -> list[Release]:
        """The newest, newest first."""

    async def put_lookups(self, lookups: Sequence[LookUp]) -> None:
        """Make people findable. Several may share a (category, hash): who types an address has not proved that it is
        theirs, so nobody is merged with somebody else by it. The same entry again changes nothing.
        """

    async def find(self, category: str, hash: bytes) -> list[bytes]:
        """The subjects behind a hash, oldest first."""

    async def drop_lookups(self, subject: bytes, category: str) -> None:
        """Remove a person's look-ups of one category."""

    async def suppress(self, entry: Suppression) -> None:
        """Insert; an entry that exists keeps its older `since`."""

    async def suppressed(self, channel: str, hash: bytes) -> bool:
        """Whether a do-not-contact entry stands."""

    async def suppressions(self) -> list[Suppression]:
        """All of them."""

    async def unsuppress(self, channel: str, hash: bytes) -> None:
        """Remove, on the person's own new wish."""

    async def record(self, leaves: Sequence[Leaf], traces: Sequence[Trace]) -> None:
        """Put entries on the pending record, and the traces of those that concern somebody into the erasable index: by
        their event, in the same order.
        """

    async def file(self, limit: int) -> bool:
        """Enter up to `limit` events into the index of their people, where a store puts that off; False when none is
        left. `traces` finds what is not filed yet as well, only more slowly.
        """

    async def traces(self, subject: bytes) -> list[Trace]:
        """Every event that concerns one person, oldest first."""

    async def has_event(self, event: bytes, subject: bytes | None = None) -> bool:
        """Whether this event was written: among this person's traces, or among the pending leaves.

        Without a subject the leaves alone are looked at, and they are dropped once sequenced: ask at once. It is
        for the rare moment after an unknown outcome, and costs a look at every pending leaf.
        """

    async def pending(self, limit: int) -> list[Pending]:
        """Leaves that are committed and not yet sequenced, by ticket."""

    async def log_state(self) -> LogState:
        """The sequenced size and root; (0, SHA-256 of nothing) for a new log."""

    async def sequenced(self, before: LogState, after: LogState, tickets: Sequence[int]) -> None:
        """Move the log's state and drop these pending leaves: the oldest ones, none left out. Raises `Unavailable` if
        the state is not `before`.

        Nobody else can move the state while this transaction lasts. The fault is raised here, not later.
        """

    async def put_policy(self, digest: bytes, version: str, source: str, since: int) -> None:
        """Remember a policy version by its 16-byte digest; the same digest again changes nothing."""

    async def policies(self) -> list[tuple[bytes, str, str, int]]:
        """Every version: digest, version, source, since; oldest first."""

    async def set_note(self, name: str, value: str) -> None:
        """A named value about the site itself (origin, last sweep, schema facts). Never personal."""

    async def note(self, name: str) -> str | None:
        """Such a value."""


@dataclass(frozen=True, slots=True)
class Size:
    """Bytes on disk and rows by table, for measuring."""

    bytes: int
    rows: dict[str, int]


class Store(Protocol):
    """One site's store. Open it with `avow.store.open_store(url, site)`."""

    site: str

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """Begin; commit on leaving; roll back on an exception."""

    @property
    def gathers(self) -> bool:
        """Whether waiting a moment for company pays: True where a commit is a network round trip."""

    async def scrub(self) -> None:
        """Make what was deleted unreadable in the files as far as the database can (SQLite: checkpoint-truncate, its
        success checked; PostgreSQL: vacuum). Raises `OperatorError` if it could not.
        """

    async def backup(self, folder: Path) -> None:
        """A consistent copy into an empty folder, while serving."""

    async def restore(self, folder: Path, check: Check | None = None) -> None:
        """Replace everything by such a copy. Serve nothing before the keystore's journal has been replayed.

        `check` is shown the copy's notes and log state, and refuses by raising: then nothing was changed. Raises
        `OperatorError` where a file holds other sites, too, that the copy would take the place of.
        """

    async def size(self) -> Size:
        """How large it is."""

    async def close(self) -> None:
        """Release the connection and the lock."""
