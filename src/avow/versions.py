"""The versions of a site's policy: published, never edited, each in force from its day on.

A version is its bytes and a signed statement (`avow.ledger.published`). Both are files beside the log, named by the bytes'
digest; the journal, which no backup holds and no restore touches, says which there are and which took effect; the
database has the texts once more, for itself. Written in this order:

    1  text and statement on disk    files that nothing speaks of yet
    2  the journal                   from here on the version is published
    3  one transaction               the database's row, and the log's entry that commits to the statement

Dying in between leaves files that the next opening takes away, or a version whose last step it does again; a restored
backup likewise. The transaction is begun first: it looks whether another process published meanwhile, and keeps it out.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, NamedTuple

from avow.errors import OperatorError, PolicyError, Tampered
from avow.gate import Gate, Journal
from avow.ledger.checkpoint import Signer
from avow.ledger.faults import LedgerError
from avow.ledger.published import IN_FORCE, PUBLISH, Published, broken, committed, read, state
from avow.policy.check import faults
from avow.policy.model import Policy
from avow.policy.parse import parse
from avow.policy.retention import DAY_MS, day, midnight
from avow.record import Recorder
from avow.store import disk
from avow.store.interface import Store, Transaction

VERSION: Final = "version"  # the journal's words
EFFECT: Final = "in-force"
_NOTE: Final = "in-force"  # the database's: which version it knows to have taken effect
_TURN: Final = b"avow: publishing"  # what is locked while one publishes; no person has this id
_FILE: Final = re.compile(r"([0-9a-f]{64})\.(?:yaml|note)(?:\.new)?")

State = Literal["past", "in-force", "to-come"]


class Told(NamedTuple):
    """A published version, for anybody. Digests in hexadecimal, moments in ms. `note`: the signed statement."""

    digest: str
    version: str
    effective: int
    published: int
    state: State
    previous: str | None
    source: str
    note: str


class Version(NamedTuple):
    """One published version. `note`: its statement, signed."""

    policy: Policy
    told: Published
    note: str

    @property
    def name(self) -> bytes:
        """16 bytes of the digest: how entries and terms name it."""
        return self.policy.digest[:16]

    @property
    def effective(self) -> int:
        """The moment (ms) from which it is in force; the first one was from the beginning."""
        return self.told.effective if self.told.previous is not None else min(self.told.effective, self.told.at)


@dataclass(frozen=True, slots=True)
class Where:
    """What versions are kept in and signed with."""

    store: Store
    journal: Journal
    folder: Path
    signer: Signer

    def text(self, digest: bytes) -> Path:
        """The file of a version's bytes."""
        return self.folder / f"{digest.hex()}.yaml"

    def note(self, digest: bytes) -> Path:
        """The file of its statement."""
        return self.folder / f"{digest.hex()}.note"


class Versions:
    """Those of one site, oldest first. `now`: the moment when they were loaded, by which one is in force."""

    def __init__(self, where: Where, known: Sequence[Version], now: int) -> None:
        self._where = where
        self.all = list(known)
        self.whole = True  # whether database and log have all of them
        effects = [entry.fields["digest"] for entry in where.journal.entries() if entry.kind == EFFECT]
        came = [one for one in self.all if one.effective <= now or one.policy.digest.hex() in effects]
        self.current = came[-1] if came else self.all[0]

    @property
    def lived(self) -> list[Version]:
        """Those up to the one in force."""
        return self.all[: self.all.index(self.current) + 1]

    @property
    def next(self) -> Version | None:
        """The one that takes effect after the one in force, if it is published already."""
        return next(iter(self.all[len(self.lived) :]), None)

    @property
    def newest(self) -> Version:
        """The one that was published last."""
        return self.all[-1]

    def of(self, digest: bytes) -> Version | None:
        """The version of these 16 bytes or more of a digest."""
        return next((one for one in self.all if one.policy.digest.startswith(digest)), None)

    @classmethod
    async def load(cls, where: Where, chosen: Policy, now: int) -> "Versions":
        """All of them, each held against its statement and the chain. `chosen` founds a site that has none.

        Raises `Tampered` where one is not as it was published, `OperatorError` where its files are gone, or where
        `chosen` was never published.
        """
        digests = [bytes.fromhex(str(one.fields["digest"])) for one in where.journal.entries() if one.kind == VERSION]
        _clear(where, {one.hex() for one in digests})
        if not digests:
            digests = [published.digest for published in await _found(where, chosen, now)]
        found = [_read(where, one) for one in digests]
        for wrong in broken([(one.told, one.policy.source.encode()) for one in found]):
            raise Tampered(f"{wrong}; put the files in `{where.folder}` back")
        if chosen.site != found[0].policy.site or any(one.told.site != chosen.site for one in found):
            raise Tampered(f"`{where.folder}` has versions of another site's policy; put the right folder back")
        return cls(where, found, now)

    def known(self, chosen: Policy) -> None:
        """Raise `OperatorError` unless these bytes were published: no policy takes effect because a file says so."""
        if all(one.policy.digest != chosen.digest for one in self.all):
            raise OperatorError(
                f"this text of {chosen.site}'s policy, version {chosen.version}, was never published, and the version of "
                f"{self.current.policy.version} is in force; publish it first: avow publish POLICY"
            )

    async def settle(self, recorder: Recorder, now: int) -> None:
        """Let database and log have what the journal knows of versions, and say which one is in force."""
        effect = self.current.policy.digest.hex()
        effects = [entry.fields["digest"] for entry in self._where.journal.entries() if entry.kind == EFFECT]
        if not effects or effects[-1] != effect:
            self._where.journal.append(EFFECT, {"digest": effect, "at": now})
        async with self._where.store.transaction() as tx:
            await tx.subjects([_TURN], "change")
            rows = {digest: (source, day) for digest, day, source, _ in await tx.policies()}
            if stray := set(rows) - {one.name for one in self.all}:
                raise Tampered(f"the database has a policy, {min(stray).hex()}, that was never published; restore it")
            for one in self.all:
                if one.name not in rows:
                    await _put(tx, recorder, one, now)
                elif rows[one.name] != (one.policy.source, one.told.day):
                    raise Tampered(
                        f"the policy's version of {one.told.day} is not in the database as it was published; restore the "
                        "database"
                    )
            if await tx.note(_NOTE) != effect:
                await tx.record((recorder.plain(now, IN_FORCE, "site", "done", (), committed(self.current.note)),), ())
                await tx.set_note(_NOTE, effect)

    # -- publishing -------------------------------------------------------------------------------------------------

    def troubles(self, new: Policy, previous: str, now: int) -> list[str]:
        """Why this version may not be published now, after the version of that digest (hexadecimal); all of it at once."""
        newest = self.newest
        found = [f"line {one}" for one in faults(new)]
        if new.site != newest.policy.site:
            found.append(f"it is the policy of `{new.site}`, and this site is `{newest.policy.site}`")
        if self.of(new.digest) is not None:
            found.append("these very bytes were published before; a version is published once")
        if previous != newest.policy.digest.hex():
            found.append(
                f"the plan was made against another version than the newest, that of {newest.told.day}; somebody else "
                "published meanwhile: look at the plan anew"
            )
        if midnight(new.version) <= now:
            found.append(
                f"its day, {new.version}, has begun or is over; a version takes effect on a day to come, so that it is posted "
                f"before: write {day(now + DAY_MS)} or later"
            )
        if new.version <= newest.policy.version:
            found.append(f"its day, {new.version}, is not after {newest.told.day}, the day of the newest version")
        return found

    async def publish(self, new: Policy, previous: str, recorder: Recorder, now: int) -> Version:
        """Publish it; in force from its day on. Raises `OperatorError` with everything that stands in the way."""
        if wrong := self.troubles(new, previous, now):
            raise OperatorError("this version may not be published: " + "; ".join(wrong))
        told = Published(new.site, new.version.isoformat(), new.digest, self.newest.policy.digest, now)
        one = Version(new, told, state(told, self._where.signer))
        async with self._where.store.transaction() as tx:
            await tx.subjects([_TURN], "change")
            if {digest for digest, *_ in await tx.policies()} != {one.name for one in self.all}:
                raise OperatorError(
                    "this version may not be published: another process published one meanwhile; open the site anew, and "
                    "look at the plan anew"
                )
            _write(self._where, one)
            self.whole = False  # until the transaction has ended well
            self.all.append(one)
            await _put(tx, recorder, one, now)
        self.whole = True
        return one

    async def complete(self, recorder: Recorder, now: int) -> None:
        """What a publication whose transaction failed left undone. Raises `Unavailable` while it is to be left so."""
        if not self.whole:
            await self.settle(recorder, now)
            self.whole = True


class Publishing:
    """For one site."""

    def __init__(self, versions: Versions, gate: Gate, recorder: Recorder) -> None:
        self._versions = versions
        self._gate = gate
        self._recorder = recorder
        self._turn = asyncio.Lock()  # of two publishers at once the second one's plan is out of date
        self._heed()

    def troubles(self, new: Policy, previous: str) -> list[str]:
        """Why this version may not be published now, after the version of that digest; empty when it may."""
        return self._versions.troubles(new, previous, self._gate.now())

    async def publish(self, new: Policy, previous: str) -> Told:
        """Publish it: in force from its day on, and refused before. `previous`: the digest (hexadecimal) of the version
        that the plan was made against, which must be the newest. Raises `OperatorError` with all that stands in the way.
        """
        async with self._turn:
            await self.complete()
            try:
                one = await self._versions.publish(new, previous, self._recorder, self._gate.now())
            finally:
                self._heed()  # the journal may have it, though the database did not answer
        return self._told(one)

    def policies(self) -> list[Policy]:
        """The same versions, as policies."""
        return [one.policy for one in self._versions.all]

    async def complete(self) -> None:
        """Do what a publication left undone when the database did not answer. Cheap when there is none."""
        await self._versions.complete(self._recorder, self._gate.moment())

    def versions(self) -> list[Told]:
        """All that were published, oldest first."""
        return [self._told(one) for one in self._versions.all]

    def _heed(self) -> None:
        """Nothing is decided by this version once the next one is in force."""
        to_come = self._versions.next
        self._gate.until = None if to_come is None else to_come.effective

    def _told(self, one: Version) -> Told:
        lived, current = self._versions.lived, self._versions.current
        state: State = "in-force" if one is current else "past" if one in lived else "to-come"
        previous = one.told.previous
        return Told(
            one.policy.digest.hex(), one.told.day, one.effective, one.told.at, state,
            None if previous is None else previous.hex(), one.policy.source, one.note,
        )  # fmt: skip


async def _put(tx: Transaction, recorder: Recorder, one: Version, now: int) -> None:
    await tx.put_policy(one.name, one.told.day, one.policy.source, one.told.at)
    await tx.record((recorder.plain(now, PUBLISH, "site", "done", (), committed(one.note)),), ())


def _write(where: Where, one: Version) -> None:
    where.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    disk.write(where.text(one.policy.digest), one.policy.source.encode())
    disk.write(where.note(one.policy.digest), one.note.encode())
    where.journal.append(VERSION, {"digest": one.policy.digest.hex(), "at": one.told.at})


def _clear(where: Where, published: set[str]) -> None:
    """Take away what a publication that died wrote before the journal knew of it: it was published to nobody."""
    for path in sorted(where.folder.glob("*")):
        named = _FILE.fullmatch(path.name)
        if named and (named[1] not in published or path.suffix == ".new"):
            path.unlink()


async def _found(where: Where, chosen: Policy, now: int) -> list[Published]:
    """The first version of a site; of one from before versions were published, those that its database has."""
    async with where.store.transaction() as tx:
        rows = await tx.policies()
    texts = [_parsed(source, version) for _, version, source, _ in rows] or [chosen]
    moments = [since for *_, since in rows] or [now]
    if not rows and midnight(chosen.version) > now:
        raise OperatorError(
            f"the policy of {chosen.site} is in force from {chosen.version} on, and that day has not come; a site begins with a "
            "version that is in force"
        )
    out: list[Published] = []
    for policy, at in zip(texts, moments, strict=True):
        before = out[-1].digest if out else None
        out.append(Published(policy.site, policy.version.isoformat(), policy.digest, before, at))
    for wrong in broken([(told, policy.source.encode()) for told, policy in zip(out, texts, strict=True)]):
        raise OperatorError(
            f"the database has {len(out)} policies from before versions were published, and no chain of versions can be made "
            f"of them: {wrong}; export each person's data, and begin a new site with the newest"
        )
    for told, policy in zip(out, texts, strict=True):
        _write(where, Version(policy, told, state(told, where.signer)))
    return out


def _read(where: Where, digest: bytes) -> Version:
    try:
        source, note = where.text(digest).read_bytes(), where.note(digest).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise OperatorError(
            f"the version {digest.hex()[:16]}… of the policy was published, and its files are not in `{where.folder}`; put "
            "them back: they are public, and every copy of them is as good"
        ) from None
    try:
        told = read(note, where.signer.key)
    except LedgerError as error:
        raise Tampered(f"`{where.note(digest)}` is not the statement that was signed: {error}; put it back") from None
    policy = _parsed(source.decode(errors="replace"), told.day)
    if told.digest != digest or (told.site, told.day) != (policy.site, policy.version.isoformat()):
        raise Tampered(f"`{where.note(digest)}` is another version's statement; put the right one back")
    return Version(policy, told, note)


def _parsed(source: str, day: str) -> Policy:
    try:
        return parse(source, f"the version of {day}")
    except PolicyError:
        raise Tampered(f"the policy's version of {day} is not the one that was published; put its file back") from None
