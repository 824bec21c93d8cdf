"""The composition root: a policy, a store, keys, a log and a clock put together into one running site."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from avow.decide.explain import Explanation, explain
from avow.decide.request import Facts, Request
from avow.errors import AvowError, NotHeld, Unavailable, UnknownWord
from avow.gate import Actor, Gate, Look
from avow.opening import put_together, statistics
from avow.planning import Planning
from avow.policy.model import PERSON, SITE, Policy
from avow.practices.accounts import Accounts
from avow.practices.acting import By, Member, Somebody, circumstances
from avow.practices.affiliates import Affiliates
from avow.practices.agreeing import Agreeing
from avow.practices.agreements import Agreements
from avow.practices.answering import Answering
from avow.practices.by_hand import ByHand
from avow.practices.cases import Cases
from avow.practices.collecting import Collecting, Submission
from avow.practices.contacts import Contacts
from avow.practices.contests import Contests
from avow.practices.disclosing import Disclosing, Package, Wish
from avow.practices.ending import Ending, Swept
from avow.practices.entering import Entering
from avow.practices.finding import Finding
from avow.practices.importing import Imported, Importing
from avow.practices.inspecting import Inspecting
from avow.practices.leaving import Leaving
from avow.practices.mailings import Mailings
from avow.practices.meaning import Meanings
from avow.practices.owing import Owing
from avow.practices.queue import Queue
from avow.practices.reaching import Reaching
from avow.practices.recipients import Recipients
from avow.practices.recovery import Recovered, Recovery, Unfinished, restoring, suppressed
from avow.practices.rights import Erased, Rights
from avow.practices.staff import Staff
from avow.practices.staying import Stays
from avow.practices.telling import Telling
from avow.practices.words import id_of as _id
from avow.practices.words import unknown
from avow.record import Recorder
from avow.sequencer import BATCH, Log
from avow.start import MovedClock, Places, Private, remember_journal, system_clock
from avow.store.keystore import Keystore
from avow.upkeep import HOUR, Health, Upkeep, end
from avow.vault.keys import RootProvider
from avow.versions import Publishing, Versions

Asked = Literal["by the person", "by the site"]


class Avow:
    """One site under its policy. Open it with `Avow.open`; use it on the event loop that opened it.

    `superseded` is set once a newer version of the policy is in force: close it then, and open it again.

    People are named by opaque ids, 32 hexadecimal digits. Whatever touches a person is decided, recorded and
    committed before anything is released; `Refused` names the promises that do not allow it.
    """

    def __init__(
        self, gate: Gate, keystore: Keystore, recorder: Recorder, log: Log, clock: MovedClock, places: Places,
        versions: Versions,
    ) -> None:  # fmt: skip
        self.policy = gate.policy
        self.log = log
        self.publishing, self.superseded = Publishing(versions, gate, recorder), asyncio.Event()
        self.staff_roll = Staff(gate, keystore.journal)
        self.keystore, self.places = keystore, places
        self.swept = Swept(0, 0, 0)  # what the newest sweep did, at first that of opening
        self.verifier_key = str(log.key)
        self._remembered = 0  # how far the database knows the journal to be
        self._gate, self._clock = gate, clock
        self._suppressed: set[tuple[str, bytes]] = set()
        self._ask = lru_cache(1024)(self._asked)
        self._journal = journal = Unfinished(keystore.journal)
        entering = Entering(self.policy)
        self._collecting = Collecting(gate, recorder, journal, self._suppressed, entering)
        self._agreeing = Agreeing(gate, journal, self._suppressed, entering)
        self.reaching = Reaching(gate, recorder, self._agreeing, self._suppressed)
        self.mailings, self.owing = Mailings(gate, self.reaching), Owing(gate, self.reaching)
        self.finding = Finding(gate, recorder)
        self._importing = Importing(self.policy, self._collecting, self._agreeing, self.finding)
        self.rights = Rights(gate, recorder, journal, self._suppressed)
        self._leaving = Leaving(gate, self.rights.erase)
        self.accounts, self.answering = Accounts(gate), Answering(gate, journal)
        self.telling, self.meanings = Telling(gate, self.owing, self.answering), Meanings(gate, self.owing)
        self.planning, self.queue = Planning(gate, self.publishing), Queue(gate, self._agreeing)
        self.recipients = Recipients(gate, journal, self.accounts)
        self.disclosing = Disclosing(gate, journal, self.recipients)
        self.cases = Cases(gate, journal, self.disclosing)
        self.agreements = Agreements(gate, self.verifier_key)
        self.by_hand = ByHand(gate, self._collecting, self._agreeing, self.finding)
        self.contacts = Contacts(gate, self.reaching)
        self._ending = Ending(gate, journal)
        self.contests = Contests(gate, recorder, log, entering, self._agreeing, self._ending, self.sequence_all)
        self.statistics = statistics(gate, recorder, journal, places)
        self.affiliates = Affiliates(gate, journal)
        self.recovery = Recovery(gate, journal)
        self._inspecting = Inspecting(gate, recorder, log.entries, journal)
        self._true = False  # whether the database is true to the whole journal
        self._sequenced: int | None = None
        self._swept: int | None = None
        self.upkeep = Upkeep((self._heed_versions, self.sequence, self._tend_keys, self._remember, self.recovery.settle, self._sweep_hourly,
                              self._leaving.carry_out, self.contests.carry_on))  # fmt: skip

    @classmethod
    @asynccontextmanager
    async def open(
        cls, policy: str | Path | Policy, url: str, *, folder: str | Path | None = None,
        root: str | Path | RootProvider | None = None, clock: Callable[[], datetime] = system_clock,
        private: Private = False, demo: bool = False, sequence_every: timedelta = timedelta(milliseconds=500),
        unpublished: bool = False,
    ) -> AsyncIterator["Avow"]:  # fmt: skip
        """Open a site, new or old, and serve it until the block ends.

        `url` is `sqlite:///FILE` or `postgresql://…`; with the latter `folder` names where keys and ledger lie.
        `root` is the root key's file, or a provider with the two methods of `avow.vault.keys.RootProvider`; by
        default the file in the environment's AVOW_ROOT_KEY, or one made among the keys. `private` says that this
        process is the private server that some policies promise. `demo` makes a new data directory one whose clock
        may be moved forward.

        The policy founds a new site. Of one that is there it says which site is meant, and the version in force counts:
        one that was never published is refused, unless `unpublished` lets it name the site, so that it can be published.

        Before it serves it finishes what a crash left and erases what is due. Raises `PolicyError`, `OperatorError`
        or `Tampered`; then it has served nothing.
        """
        async with AsyncExitStack() as stack:
            parts = await put_together(stack, policy, url, folder, root, clock, private, demo, unpublished=unpublished)
            shop = cls(*parts)
            await shop.settle()
            stack.push_async_callback(shop.finish)
            upkeep = asyncio.create_task(shop.upkeep.run(sequence_every))
            stack.push_async_callback(end, upkeep)
            yield shop

    @classmethod
    async def restore(
        cls, policy: str | Path | Policy, url: str, source: str | Path, *, folder: str | Path | None = None,
        root: str | Path | RootProvider | None = None, clock: Callable[[], datetime] = system_clock,
        private: Private = False,
    ) -> Recovered:  # fmt: skip
        """Put a backup of the database in its place, and make it true again before anything is served.

        Keys, journal, ledger and checkpoints stay as they are: from the journal every erasure, withdrawal and opt-out
        since the backup is done again; the ledger keeps what happened since. Corrections are in no journal: what was
        corrected since has its older value again. A restore that was cut off is finished by the next opening.

        Raises as `open` does; a backup of another site, or one that the ledger did not grow out of, is refused before
        anything is changed.
        """
        async with AsyncExitStack() as stack:
            shop = cls(*await put_together(stack, policy, url, folder, root, clock, private, False, Path(source)))
            recovered = await shop.settle()
            await shop.finish()
            return recovered

    # -- who acts -----------------------------------------------------------------------------------------------

    def staff(self, name: str, role: str) -> Member:
        """A colleague in a role of the policy. Raises `UnknownWord` for another role."""
        if role not in self.policy.roles:
            raise unknown("role", role, self.policy.roles)
        return Member(name, role)

    def person(self, who: str, shown: int | None = None) -> Somebody:
        """The person themself, as the caller has verified, when `shown` (ms); see `avow.practices.holding`."""
        return Somebody(who, shown)

    async def _actor(self, by: By, who: str = "") -> Actor:
        if by is None:
            return Actor(SITE, "site", standing=True)
        if isinstance(by, Somebody):
            return Actor(PERSON, "person", identified=by.who == who, shown=by.shown)
        return self.staff_roll.actor(by.name, by.role)

    # -- data ---------------------------------------------------------------------------------------------------

    async def collect(
        self, form: str, given: Mapping[str, str], *, who: str | None = None, no_card: Iterable[str] = (),
        affiliate_link: bool = False,
    ) -> str:  # fmt: skip
        """Take in a form that a person submitted; the id of the person, a new one unless `who` is passed.

        Opens the service request that the form stands for. Raises `UnknownWord`, `CallError`, `BadValue`, `Refused`;
        then nothing is stored.
        """
        actor = Actor(PERSON, "person", identified=who is not None)
        subject = _id(who) if who is not None else None
        one = Submission(form, given, actor, subject, no_card=frozenset(no_card), affiliate_link=affiliate_link)
        return (await self._collecting.collect((one,)))[0].hex()

    async def use(self, who: str, category: str, *, purpose: str, by: By = None) -> str:
        """One value, for a purpose, once its record is on disk. Raises `Refused`, or `NotHeld` if there is none."""
        values = await self._gate.look(self._look(who, (category,), purpose, await self._actor(by, who)))
        if category not in values:
            raise NotHeld(f"nothing is held under `{category}` for this person")
        return values[category]

    async def use_all(self, who: str, categories: Sequence[str], *, purpose: str, by: By = None) -> dict[str, str]:
        """Several values of one person, all or none; what is not held is absent. Raises `Refused`."""
        return await self._gate.look(self._look(who, categories, purpose, await self._actor(by, who)))

    async def use_each(
        self, people: Sequence[str], category: str, *, purpose: str, by: By = None
    ) -> list[dict[str, str] | AvowError]:
        """One category of several people in one transaction; a refusal, or a fault, stands in its place in the list."""
        if isinstance(by, Somebody):
            own = [self._look(who, (category,), purpose, await self._actor(by, who)) for who in people]
            return await self._gate.read(own)
        actor = await self._actor(by)
        return await self._gate.read([self._look(who, (category,), purpose, actor) for who in people])

    async def disclose(
        self, who: str, categories: Sequence[str], *, recipient: str, purpose: str, way: str = "share",
        request: str | None = None, within: timedelta | None = None, by: By = None,
    ) -> Package:  # fmt: skip
        """Pass data of one person on to a declared recipient, or `kind:name`; see `avow.practices.disclosing`.

        A processor gets what belongs to one open `request`, and may use it `within` so long. Raises `Refused`, `NotHeld`.
        """
        until = None if within is None else self._gate.now() + within // timedelta(milliseconds=1)
        work = None if request is None else _id(request)
        wish = Wish(_id(who), way, tuple(categories), recipient, purpose, work, until)
        return await self.disclosing.disclose(wish, await self._actor(by, who))

    def _look(self, who: str, categories: Sequence[str], purpose: str, actor: Actor) -> Look:
        ask = self._ask(actor.role, purpose, tuple(categories))
        return Look(_id(who), ask, actor, circumstances(actor.identified, actor.standing))

    def _asked(self, role: str, purpose: str, categories: tuple[str, ...]) -> Request:
        """The request in words that the policy knows; many people are read by the same one."""
        if not categories:
            raise UnknownWord("name at least one category")
        self._known("category", categories, self.policy.categories)
        self._known("purpose", (purpose,), self.policy.purposes)
        return Request("use", role, purpose, categories)

    @staticmethod
    def _known(what: str, words: Iterable[str], declared: Mapping[str, object]) -> None:
        for word in words:
            if word not in declared:
                raise unknown(what, word, declared)

    async def reach(self, who: str, channel: str, *, purpose: str, by: By = None) -> str:
        """May I write (`mail`, `post`) or call (`phone`)? The address or number; `Refused` says why not."""
        value = await self.reaching.reach(_id(who), channel, purpose, await self._actor(by, who))
        if value is None:
            raise NotHeld(f"nothing is held by which this person is reached by `{channel}`")
        return value

    async def find(self, category: str, value: str, *, by: By = None) -> list[str]:
        """The people who gave this value under a look-up category, oldest first. Releases nothing of theirs; recorded."""
        return [subject.hex() for subject in await self.finding.find(category, value, await self._actor(by))]

    # -- what a person agrees to and asks for --------------------------------------------------------------------

    async def agree(self, who: str, purpose: str, *, words: str, how: str = "form") -> str:
        """The person agrees to a purpose in these words; the consent's id. Refused unless the policy offers the choice.

        `how`: by what means; the form's name, where it was a form. See `confirm`.
        """
        self._known("purpose", (purpose,), self.policy.purposes)
        actor = await self._actor(Somebody(who), who)
        return (await self._agreeing.agree(_id(who), purpose, actor, words, how)).hex()

    async def agree_to(
        self, who: str, way: Literal["share", "sell", "approve"], recipient: str, categories: Sequence[str], *,
        words: str, how: str = "form",
    ) -> list[str]:  # fmt: skip
        """The person agrees that this recipient has (`share`), buys (`sell`), or in writing may have (`approve`) data.

        The consents' ids, one a category.
        """
        actor = await self._actor(Somebody(who), who)
        ids = await self._agreeing.agree_to_share(_id(who), way, recipient, categories, actor, words, how)
        return [one.hex() for one in ids]

    async def confirm(self, who: str, consent: str) -> None:
        """The person confirmed a consent by the way that the policy names; before that it permits nothing."""
        await self._agreeing.confirm(_id(who), _id(consent), await self._actor(Somebody(who), who))

    async def withdraw(self, who: str, about: str) -> bool:
        """End the consent to a purpose (or to a whole fact token). Effective when it returns. True if one stood."""
        return await self._agreeing.withdraw(_id(who), about, await self._actor(Somebody(who), who))

    async def standing(self, who: str) -> tuple[frozenset[str], dict[str, int]]:
        """What the person agreed to, asked for and opted out of, as fact tokens, and since when each consent stands."""
        return await self._agreeing.standing(_id(who))

    async def answer_version(self, who: str, digest: str, *, agree: bool, words: str) -> None:
        """The person agrees to a version of the policy, or declines it; see `avow.practices.answering`."""
        actor = await self._actor(Somebody(who), who)
        await self.answering.answer(_id(who), _id(digest[:32]), actor, words, agree=agree)

    async def opt_out(self, who: str, *channels: str, by: By = None) -> None:
        """No more mail, post or phone. Survives imports, corrections, restores and erasure."""
        await self._agreeing.opt_out(_id(who), channels, await self._actor(by, who))

    async def opt_in(self, who: str, channel: str, *, proved: bool = False) -> None:
        """The person takes an opt-out back. `proved`: a code sent to the address or number has shown it to be theirs."""
        await self._agreeing.opt_in(_id(who), channel, await self._actor(Somebody(who), who), proved=proved)

    async def ask(self, who: str, kind: str) -> str:
        """A service request; its id. What it serves is permitted until it is closed."""
        return (await self._agreeing.ask(_id(who), kind, await self._actor(Somebody(who), who))).hex()

    async def close_request(self, who: str, request: str, *, by: By = None, answered: bool = False) -> None:
        """The request is over, and what it alone permitted. A complaint's only once it was `answered`, else `Refused`."""
        await self._agreeing.close(_id(who), _id(request), await self._actor(by, who), answered=answered)

    # -- rights -------------------------------------------------------------------------------------------------

    async def export(self, who: str, *, by: By = None) -> dict[str, Any]:
        """Everything held on the person, from every table. `by` the person, unless somebody proved who they are."""
        return await self.rights.export(_id(who), await self._actor(by or Somebody(who), who))

    async def seen(self, who: str, *, by: By = None) -> list[dict[str, Any]]:
        """Every event that concerns the person: who looked, for what, what was refused."""
        return await self.rights.seen(_id(who), await self._actor(by or Somebody(who), who))

    async def correct(self, who: str, category: str, value: str, *, no_card: bool = False, by: By = None) -> int | None:
        """Put a right value in place of the newest one; see `Rights.correct`. `no_card`: a doubtful number was confirmed."""
        actor = await self._actor(by or Somebody(who), who)
        return await self.rights.correct(_id(who), category, value, actor, no_card=no_card)

    async def call_off(self, who: str) -> list[str]:
        """Undo changes of contact that are on hold, on the word of who controls the old one; the categories."""
        return list(await self.rights.call_off(_id(who), await self._actor(Somebody(who), who)))

    async def erase(self, who: str, *, asked: Asked = "by the person") -> Erased:
        """Make everything of the person unreadable. Cannot be undone, by a backup neither."""
        actor = await self._actor(Somebody(who) if asked == "by the person" else None, who)
        return await self.rights.erase(_id(who), actor)

    async def staying(self, who: str, *, by: By = None) -> tuple[Stays, ...]:
        """What would outlive an erasure of the person: by which promise or law."""
        return await self.rights.staying(_id(who), await self._actor(by or Somebody(who), who))

    async def leave(self, who: str, *, after: timedelta, by: By = None) -> datetime:
        """Erase the person after a while in which `stay` takes the wish back; when."""
        actor = await self._actor(by or Somebody(who), who)
        due = await self._leaving.wish(_id(who), after // timedelta(milliseconds=1), actor)
        return datetime.fromtimestamp(due / 1000, UTC)

    async def stay(self, who: str) -> None:
        """Take the wish to be erased back."""
        await self._leaving.stay(_id(who), await self._actor(Somebody(who), who))

    async def leaving(self, who: str) -> datetime | None:
        """When the person will be erased, None if they stay."""
        due = await self._leaving.due(_id(who))
        return None if due is None else datetime.fromtimestamp(due / 1000, UTC)

    async def inspect(self, who: str) -> list[str]:
        """Hold one person's rows against the record; what is wrong, in words. Verify the log itself beforehand."""
        await self.sequence_all()
        return await self._inspecting.inspect(_id(who))

    async def census(self) -> list[str]:
        """Whether as many people are held as the record says; what is wrong, in words."""
        await self.sequence_all()
        return await self._inspecting.census()

    # -- the site's own life --------------------------------------------------------------------------------------

    async def sweep(self) -> Swept:
        """Erase what is past its term, and what erased people left."""
        await self._leaving.carry_out()
        await self.reaching.purge()
        self.swept = await self._ending.sweep()
        self._swept = self._gate.now()
        return self.swept

    async def happened(self, event: str) -> Swept:
        """What was kept until this event goes now."""
        return await self._ending.happened(event)

    async def bring(
        self, records: Iterable[tuple[int, Mapping[str, str]]], *, form: str, source: str,
        columns: Mapping[str, str] | None = None, no_card: Iterable[str] = (),
    ) -> Imported:  # fmt: skip
        """Import customers that the shop already has; see `avow.practices.importing`."""
        return await self._importing.bring(records, form, source, columns or {}, frozenset(no_card))

    async def sequence(self) -> int:
        """Put a batch of what is pending into the log and sign a checkpoint; how many. Runs by itself, too."""
        moved = await self.log.sequence(self._gate.moment())
        async with self._gate.store.transaction() as tx:
            await tx.file(BATCH)
        self._sequenced = self._gate.moment()
        return moved

    async def sequence_all(self) -> int:
        """Until nothing is pending."""
        total = 0
        while moved := await self.sequence():
            total += moved
        return total

    async def settle(self) -> Recovered:
        """Finish what a crash or a restore left, and take up the journal; run at every start, before serving."""
        entries = list(self.keystore.journal.entries())
        self._journal.load(entries)
        await self.recovery.remember(entries)
        settled = await self.recovery.settle()
        again = await self.recovery.replay(entries)
        async with self._gate.store.transaction() as tx:
            self._suppressed |= {(entry.channel, entry.hash) for entry in await tx.suppressions()}
        self._suppressed |= suppressed(entries)  # whoever can write the table cannot write the journal
        self.staff_roll.load()
        self.recipients.load(entries)
        self.disclosing.load(entries)
        await self.queue.settle()
        await self.sweep()
        if restoring(entries):
            await self.sequence_all()
            self.keystore.journal.append("restored", {"people": await self._inspecting.lost()})
        await self.contests.load()
        await self.statistics.load(entries)
        self._true = not again.skipped
        if self._true:
            await self.recovery.replayed(self.keystore.journal.last)
        return replace(again, erasures=again.erasures + settled.erasures, endings=again.endings + settled.endings)

    async def finish(self) -> None:
        """On closing. A database that does not answer any more keeps what is pending for the next opening."""
        with suppress(Unavailable):
            await self.sequence_all()
            await self._remember()
            if self._true:
                await self.recovery.replayed(self.keystore.journal.last)

    async def health(self) -> Health:
        """How the site fares while it serves. Raises `Unavailable` if the database does not answer."""
        now = self._gate.moment()
        window = await self.log.window(now)
        sequenced, swept = (None if at is None else datetime.fromtimestamp(at / 1000, UTC)
                            for at in (self._sequenced, self._swept))  # fmt: skip
        return Health(
            sequenced, swept, self.swept.skipped, self._swept is None or now - self._swept > 2 * HOUR,
            timedelta(milliseconds=window.waiting), timedelta(milliseconds=window.longest),
            self.upkeep.error, self.upkeep.failing,
        )  # fmt: skip

    async def _remember(self) -> None:
        if self.keystore.journal.last != self._remembered:
            self._remembered = self.keystore.journal.last
            await remember_journal(self._gate.store, self.keystore)

    async def backup(self, folder: str | Path) -> None:
        """A consistent copy of the database into an empty folder, while serving. Keys and log are not in it."""
        await self._gate.store.backup(Path(folder))

    def rewrap(self, backup: str | Path | None = None) -> None:
        """Begin a new epoch of keys: what was destroyed becomes unreadable in every older copy of the keystore, too.

        `backup` is a folder for the keystore's own backup, replaced before the old epoch's key goes. Nothing else
        runs meanwhile: about 10 s for a million keys. Run it daily; an erasure is final in all copies after it.
        """
        keep = None if backup is None else lambda keys: keys.backup(Path(backup))
        self.keystore.rewrap(keep)

    def now(self) -> int:
        """The moment by the site's clock, in milliseconds since 1970, UTC."""
        return self._gate.moment()

    async def move_clock(self, by: timedelta) -> None:
        """Only in a demo, only forward; every entry from now on says so."""
        self._clock.move(by)

    def explain(self, ask: Request, facts: Facts) -> Explanation:
        """What the policy answers, and why, without touching anybody's data."""
        return explain(self._gate.table, ask, facts)

    async def _heed_versions(self) -> None:
        if self._gate.over:
            self.superseded.set()
        await self.publishing.complete()

    async def _tend_keys(self) -> None:
        self.keystore.purge(self._gate.moment())
        self.keystore.top_up()

    async def _sweep_hourly(self) -> None:
        if self._swept is None or self._gate.now() - self._swept >= HOUR:
            await self.sweep()
