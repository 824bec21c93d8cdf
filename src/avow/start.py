"""What must be true before a site serves: its places, its keys, its privacy from the Internet, its clock."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import time_ns
from typing import Final, Literal

from avow.errors import CallError, KeyFault, OperatorError, RolledBack
from avow.ledger.checkpoint import Signer
from avow.listening import public_addresses
from avow.policy.model import Policy, Protect
from avow.sequencer import grew_out_of
from avow.store.interface import LogState, Store
from avow.store.journal import Journal
from avow.store.keystore import BEGUN, Keystore
from avow.store.root import FileRoot
from avow.vault.keys import RootProvider
from avow.vault.lookup import hmac_sha256

Private = bool | Literal["attested"]  # whether this process is the private server, or the operator answers for it

_KEYSTORE: Final = "keystore"  # the note that names the keystore a database belongs to
_JOURNAL: Final = "journal"  # the note that says how far the journal is
_CLOCK: Final = "clock"  # the journal's word for a demo's clock


def system_clock() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Places:
    """Where a site's files are. `keys` and `checkpoints` live on their own and are in no backup of the database."""

    keys: Path
    ledger: Path
    checkpoints: Path
    root: Path

    @classmethod
    def of(cls, url: str, folder: str | Path | None = None, root: str | Path | None = None) -> "Places":
        """Beside an SQLite file, in a folder of its name and `.avow`; for other databases the folder must be named.

        The root key's file: `root`, or the environment's AVOW_ROOT_KEY, or `root.key` in the folder.
        """
        if folder is None and url.startswith("sqlite:///"):
            folder = url.removeprefix("sqlite:///") + ".avow"
        if folder is None:
            raise CallError("name the folder for keys and ledger: pass `folder`, on a disk of this machine")
        base = Path(folder)
        chosen = root or os.environ.get("AVOW_ROOT_KEY") or base / "root.key"
        return cls(base / "keys", base / "ledger", base / "checkpoints", Path(chosen))


def private_promise(policy: Policy) -> str:
    """The id of the promise of a private server; empty where there is none."""
    promised = (
        promise.id for promise in policy.promises for clause in promise.clauses
        if isinstance(clause, Protect) and "private-server" in clause.measures
    )  # fmt: skip
    return next(promised, "")


def must_be_private(policy: Policy, private: Private) -> None:
    """Refuse to run in the open what the policy promises to keep on a private server. Raises `OperatorError`.

    Where the system does not tell on which addresses the process listens, only `attested` is believed.
    """
    promised = private_promise(policy)
    if not promised:
        return
    if not private:
        raise OperatorError(
            f"{promised} promises a private server; run the vault as a process of its own, "
            "or pass `private=True` in a process that listens on no public address"
        )
    found = public_addresses()
    if found is None and private != "attested":
        raise OperatorError(
            f"{promised} promises a private server, and this system does not tell on which addresses this process "
            'listens; where you have made sure that none is public, pass `private="attested"`'
        )
    if found:
        raise OperatorError(f"{promised} promises a private server, and this process listens on {', '.join(found)}")


async def open_keystore(
    store: Store, places: Places, root: RootProvider | None, source: Path | None = None
) -> Keystore:
    """The keystore that belongs to this database; both are made when both are new.

    `source` is a backup that takes the database's place first, once it is seen to be this keystore's. Raises `KeyFault` when one of the two is missing or belongs to another, `SecondWriter`, or `RolledBack`.
    """
    async with store.transaction() as tx:
        name = await tx.note(_KEYSTORE)
    there = (places.keys / "keystore").exists()
    if (name or source) and not there:
        raise KeyFault(f"the database has data and `{places.keys}` has no keystore; put it back from its backup")
    if root is None:
        root = FileRoot.open(places.root, os.urandom) if there or places.root.exists() else _new_root(places.root)
    make = Keystore.open if there else Keystore.create
    keystore = make(places.keys, root, store.site, os.urandom)
    own = hmac_sha256(keystore.site_key("identity"), b"keystore").hex()[:32]
    if source is not None and name in (None, own):
        try:
            await _put_back(store, keystore, places, source, own)
        except BaseException:
            keystore.close()
            raise
        name = own
    if not name and _unused(keystore):
        async with store.transaction() as tx:
            await tx.set_note(_KEYSTORE, own)
    elif not name:
        keystore.close()
        raise RolledBack(f"the keystore in `{places.keys}` has a database and this one is new; restore the database")
    elif own == name:
        await _no_older_journal(store, keystore)
    else:
        keystore.close()
        raise KeyFault(f"the keystore in `{places.keys}` belongs to another database; give the folder of this one")
    return keystore


async def _put_back(store: Store, keystore: Keystore, places: Places, source: Path, own: str) -> None:
    """Let a backup take the database's place. The journal says so before: whoever opens next finishes it."""
    key = signer(keystore).key

    def check(notes: Mapping[str, str], state: LogState) -> None:
        if notes.get(_KEYSTORE) != own:
            raise KeyFault(
                f"the backup `{source}` belongs to another keystore than the one in `{places.keys}`; nothing was changed"
            )
        grew_out_of(places.ledger, state, key, places.checkpoints)
        keystore.journal.append("restore", {"entries": state.size})

    await store.restore(source, check)


def signer(keystore: Keystore) -> Signer:
    """Who signs the site's checkpoints."""
    return Signer(keystore.site, keystore.site_key("ledger"))


async def _no_older_journal(store: Store, keystore: Keystore) -> None:
    """Keystore and journal may have been rolled back together; the database remembers how far the journal was."""
    async with store.transaction() as tx:
        which, _, number = (await tx.note(_JOURNAL) or "").partition(" ")
    if number and which == _beginning(keystore) and keystore.journal.last < int(number):
        last = keystore.journal.last
        keystore.close()
        raise RolledBack(
            f"the journal beside `{keystore.folder}` ends at entry {last}, and the database knows of {number}; put the "
            "newer journal and keystore back: in the older ones people stand who were erased"
        )


async def remember_journal(store: Store, keystore: Keystore) -> None:
    """Let the database know how far the journal is."""
    async with store.transaction() as tx:
        await tx.set_note(_JOURNAL, f"{_beginning(keystore)} {keystore.journal.last}")


def _beginning(keystore: Keystore) -> str:
    """What tells a journal from another one that was begun in its place."""
    first = next(keystore.journal.entries(), None)
    return str(first.fields["journal"]) if first is not None and first.kind == BEGUN else "first"


def _unused(keystore: Keystore) -> bool:
    """Whether no key was ever handed out: a crash may come between making the keystore and naming it."""
    entries = keystore.journal.entries()
    return all(entry.kind == "keystore" and int(entry.fields["generation"]) <= 1 for entry in entries)


def _new_root(path: Path) -> FileRoot:
    path.parent.mkdir(parents=True, exist_ok=True)
    return FileRoot.create(path, os.urandom)


class MovedClock:
    """A clock that only a data directory made as a demo lets move, and only forward.

    That it is a demo, and how far its clock is ahead, stands in the journal: whoever can write the database makes no demo
    of a site, and a restored backup sets no clock back.
    """

    def __init__(self, clock: Callable[[], datetime], journal: Journal, ahead: int | None) -> None:
        self._clock = clock
        self._journal = journal
        self._ahead = ahead  # milliseconds; None: no demo

    @classmethod
    def load(cls, clock: Callable[[], datetime], journal: Journal, *, demo: bool, new: bool) -> "MovedClock":
        """The clock of this data directory. `demo` marks a `new` one; an old one stays what it was made as."""
        told = [int(entry.fields["ahead"]) for entry in journal.entries() if entry.kind == _CLOCK]
        if demo and new and not told:
            journal.append(_CLOCK, {"ahead": 0})
            told = [0]
        if demo and not told:
            raise CallError("this data directory was not made as a demo, and no clock moves in it; make a new one")
        return cls(clock, journal, max(told, default=None))

    def __call__(self) -> int:
        """The moment as this data directory has it, in milliseconds since 1970, UTC."""
        if self._clock is system_clock:
            at = time_ns() // 1_000_000  # the same moment, without the calendar: it is asked for with every act
        else:
            moment = self._clock()
            if moment.tzinfo is None:
                raise CallError("the clock gives a datetime without a time zone; pass one that is aware, in UTC")
            at = int(moment.timestamp() * 1000)
        return at + self._ahead if self._ahead else at

    @property
    def moved(self) -> bool:
        """Whether it was ever moved."""
        return bool(self._ahead)

    def move(self, by: timedelta) -> None:
        """Forward by so much. Raises `CallError` outside a demo, or backward."""
        if self._ahead is None:
            raise CallError("the clock moves only in a data directory that was made as a demo")
        if by < timedelta(0):
            raise CallError("a demo's clock moves forward only")
        ahead = self._ahead + int(by.total_seconds() * 1000)
        self._journal.append(_CLOCK, {"ahead": ahead})
        self._ahead = ahead
