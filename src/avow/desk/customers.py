"""What a person may do once they have shown who they are."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from avow.app import Avow
from avow.decide.facts import opt_out
from avow.desk.interface import HOLD, Choice, Stays
from avow.desk.interface.customising import Shaping
from avow.desk.room import Room, row, text
from avow.desk.sessions import AGAIN, Person, is_fresh
from avow.desk.visitors import Visitors
from avow.desk.warnings import Warnings
from avow.errors import AvowError, BadValue, CallError, Denied, NotHeld, Refused, UnknownWord
from avow.policy.customising import customising
from avow.policy.model import CHANNELS, PERSON, Collect, Use
from avow.practices.deadlines import RIGHTS_REQUEST, asked, kind_of
from avow.practices.holding import WORD, on_hold, proves
from avow.store.interface import ServiceRequest

log = logging.getLogger("avow.desk")

T = TypeVar("T")


def ms(at: datetime) -> int:
    """A moment in milliseconds since 1970."""
    return round(at.timestamp() * 1000)


LISTS: Final = (  # of an export
    "data", "consents", "requests", "messages", "account", "do-not-contact", "events", "disclosures",
)  # fmt: skip


class Customers:
    """For one site. A session may stand for several ids: who proved an address gets all that is held under it."""

    def __init__(self, room: Room, visitors: Visitors, warnings: Warnings) -> None:
        self._room = room
        self._shop: Avow = room.shop
        self._visitors = visitors
        self._warnings = warnings
        self._customising = customising(room.policy)

    def _person(self, session: str, *, looks: bool = False) -> Person:
        return self._room.sessions.customer(text(session, "a session"), self._room.now(), looks=looks)

    async def prefill(self, session: str, form: str) -> dict[str, str]:
        """Values for a form, as far as a promise lets the person themself have them for such a purpose."""
        person = self._person(session, looks=True)
        if await self._held_back(person.people[0], person) is not None:
            return {}
        clauses = [clause for promise in self._room.policy.promises for clause in promise.clauses]
        asked = {
            name for c in clauses if isinstance(c, Collect) and c.form == form for name in (*c.asks, *c.optional)
        }  # fmt: skip
        out: dict[str, str] = {}
        for clause in clauses:
            if isinstance(clause, Use) and PERSON in clause.by:
                wanted = [name for name in clause.categories if name in asked and name not in out]
                for name in wanted:
                    with suppress(Refused, NotHeld):
                        by = self._shop.person(person.people[0])
                        out[name] = await self._shop.use(
                            person.people[0], name, purpose=clause.purposes[0], by=by
                        )  # fmt: skip
        return out

    async def shaping(self, session: str) -> Shaping | None:
        """What they told before, of each id that no change of contact keeps back."""
        known = self._customising
        person = self._person(session, looks=known is not None)
        if known is None:
            return None
        out: list[dict[str, str]] = []
        for who in person.people:
            if await self._held_back(who, person) is None:
                with suppress(Refused):  # erased since the session began
                    by = self._shop.person(who, person.began)
                    out.append(await self._shop.use_all(who, known.categories, purpose=known.purpose, by=by))
        return {"purpose": known.purpose, "known": out, "promises": list(known.promises)}

    async def held(self, session: str) -> dict[str, Any]:
        """Everything, of all ids that the session stands for."""
        exports = await self._each(self._person(session, looks=True), self._shop.export)
        if not exports:
            raise Denied
        whole = exports[0]
        for name in LISTS:
            whole[name] = [one for export in exports for one in export[name]]
        whole["standing"] = sorted({token for export in exports for token in export["standing"]})
        return whole

    async def seen(self, session: str) -> list[dict[str, Any]]:
        """Every event, oldest first."""
        seen = await self._each(self._person(session, looks=True), self._shop.seen)
        return sorted((event for events in seen for event in events), key=lambda event: int(event["at"]))

    async def _each(self, person: Person, read: Callable[..., Awaitable[T]]) -> list[T]:
        """What is read of each id. Raises `Refused` while a change of contact keeps this session from one of them."""
        out = []
        for who in person.people:
            try:
                out.append(await read(who, by=self._shop.person(who, person.began)))
            except Refused:  # erased since the session began, and the others are there still
                if await self._held_back(who, person) is not None:
                    raise
        return out

    async def _held_back(self, who: str, person: Person) -> int | None:
        return await self._shop.rights.held_back(row(who), person.began)

    async def held_back(self, session: str) -> int | None:
        """The last of the moments, over all ids."""
        person = self._person(session)
        moments = [await self._held_back(who, person) for who in person.people]
        return max((at for at in moments if at is not None), default=None)

    # -- agreeing ---------------------------------------------------------------------------------------------------

    async def choices(self, session: str) -> list[Choice]:
        """All, with how each stands."""
        person = self._person(session)
        known = [await self._shop.standing(who) for who in person.people]
        out: list[Choice] = []
        for one in self._room.choices.values():
            tokens = one.tokens()
            given = any(tokens <= standing for standing, _ in known)
            moments = [since[token] for _, since in known for token in tokens if token in since]
            out.append({
                "id": one.id, "way": one.way, "promise": one.promise, "purposes": list(one.purposes),
                "recipients": [] if one.recipient is None else [one.recipient], "categories": list(one.categories),
                "written": one.written, "confirm": one.confirm, "given": given,
                "since": max(moments, default=None) if given else None,
            })  # fmt: skip
        return out

    async def agree(self, session: str, choice: str, words: str) -> None:
        """Agree, in these words."""
        person = self._person(session)
        await self._visitors.agree(person.people[0], choice, text(words, "the words", 4096), proved=person.proved)

    async def withdraw(self, session: str, choice: str) -> None:
        """Take it back, for every id."""
        person, one = self._person(session), self._room.choices.get(text(choice, "a choice"))
        if one is None:
            raise UnknownWord("the policy offers no such choice")
        for who in person.people:
            for token in sorted(one.tokens()):
                await self._shop.withdraw(who, token)

    async def consent_receipts(self, session: str) -> list[dict[str, Any]]:
        """One for each agreement of all ids, oldest first."""
        return await self._shop.agreements.receipts(await self.held(session))

    async def opted_out(self, session: str) -> list[str]:
        """The channels."""
        known = [await self._shop.standing(who) for who in self._person(session).people]
        return [name for name in CHANNELS if any(opt_out(name) in standing for standing, _ in known)]

    async def opt_out(self, session: str, channel: str) -> None:
        """For every id."""
        for who in self._person(session).people:
            await self._shop.opt_out(who, text(channel, "a channel"), by=self._shop.person(who))

    async def opt_in(self, session: str, channel: str) -> None:
        """For every id that has opted out. Whoever came in by a code sent to the address has proved it."""
        person = self._person(session)
        for who in person.people:
            await self._shop.opt_in(who, text(channel, "a channel"), proved=channel == person.proved)

    async def correct(self, session: str, category: str, value: str, *, no_card: bool) -> None:
        """For every id that holds the category. Raises `CallError` where none does, `Denied` for what people are found by
        in a session that is not fresh.
        """
        person, held, changes = self._person(session), False, list[tuple[str, int]]()
        known = self._room.policy.categories.get(text(category, "a category"))
        if known is not None and known.look_up and not is_fresh(person, self._room.now()):
            raise Denied(AGAIN)  # whom a code opens hangs on it
        async with self._watched(person.people if known is not None and proves(known) else (), "centre"):
            for who in person.people:
                try:
                    by = self._shop.person(who, person.began)
                    value = text(value, "the value", 64 * 1024)
                    changed = await self._shop.correct(who, category, value, no_card=no_card, by=by)
                    held = True
                    if changed is not None:
                        changes.append((who, changed))
                except (BadValue, UnknownWord):
                    raise
                except CallError:
                    continue
            if not held:
                raise CallError("nothing is held under that category")
            await self._warn(changes, category, value)
        if known is not None and proves(known):  # who read mail at the old address is not in here any longer
            for who in person.people:
                self._room.sessions.end_others(who, session)

    async def submitted(self, session: str | None, given: Mapping[str, str], take: Callable[[], Awaitable[T]]) -> T:
        """What `take` gives. Where somebody signed in gave another contact by it, that is told as a change is; what was
        asked for is not held up by a notice that does not go.
        """
        if session is None:
            return await take()
        who = self._person(session).people[0]
        before, _ = await self._shop.standing(who)
        another = False
        with suppress(BadValue):  # of which `take` tells
            another = not await self._shop.finding.fits(row(who), given)
        async with self._watched((who,) if another else (), "form"):
            taken = await take()
            for token in sorted((await self._shop.standing(who))[0] - before):
                word, _, rest = token.partition("/")
                category, _, until = rest.rpartition("@")
                if word == WORD and category in given:
                    with suppress(AvowError):
                        await self._warnings.changed([(who, int(until) - HOLD)], category, given[category])
        return taken

    @asynccontextmanager
    async def _watched(self, people: Sequence[str], route: str) -> AsyncIterator[None]:
        """A change of contact and its notices: should this process die within, the next one's `resume` finishes it."""
        async with AsyncExitStack() as stack:
            for who in people if RIGHTS_REQUEST in self._room.policy.requests else ():
                with suppress(Refused):  # erased since the session began
                    kind = kind_of("correct", route)
                    await stack.enter_async_context(self._shop.queue.passing(row(who), kind, watched=True))
            yield

    async def resume(self) -> int:
        """Tell of changes of contact over whose notice a process died; of how many people. Before anything is served.

        A change whose notice does not go now either is called off, but for one that came by a form. Whose data do not
        open, or where calling off fails, waits for the next start.
        """
        done = 0
        for one in await self._shop.queue.left(watched=True):
            try:
                await self._resume(one)
                done += await self._shop.queue.end(one)
            except AvowError as error:  # nobody else is held up by it
                log.error("a change of contact that a crash cut off was not told: %s", type(error).__name__)  # noqa: TRY400 - a trace could tell values
        return done

    async def _resume(self, one: ServiceRequest) -> None:
        who = one.subject.hex()
        tokens, _ = await self._shop.standing(who)
        for category, until in on_hold(" ".join(tokens), self._room.now()).items():
            if until - HOLD < one.opened:
                continue  # a change of before
            try:
                await self._warnings.changed([(who, until - HOLD)], category, "", resumed=True)
            except AvowError:
                if asked(one.kind).route != "form":
                    await self._shop.call_off(who)

    async def _warn(self, changes: Sequence[tuple[str, int]], category: str, value: str) -> None:
        """No change stands of which nobody is told who was reached before it."""
        try:
            await self._warnings.changed(changes, category, value)
        except AvowError:
            for who, _ in changes:
                await self._shop.call_off(who)
            raise

    # -- leaving ----------------------------------------------------------------------------------------------------

    async def erase(self, session: str) -> int:
        """When everything will be erased."""
        person = self._person(session)
        staying = {who for who in person.people if await self._shop.leaving(who) is None}
        wishes = [(who, await self._leave(who, person.began)) for who in person.people]
        await self._warnings.leaving([one for one in wishes if one[0] in staying])
        return max(due for _, due in wishes)

    async def _leave(self, who: str, shown: int) -> int:
        by = self._shop.person(who, shown)
        return ms(await self._shop.leave(who, after=timedelta(milliseconds=HOLD), by=by))

    async def staying(self, session: str) -> list[Stays]:
        """Each thing once."""
        out: list[Stays] = []
        for found in await self._each(self._person(session, looks=True), self._shop.staying):
            for one in found:
                told: Stays = {
                    "what": one.what, "about": list(one.about), "promises": list(one.promises), "law": one.law
                }  # fmt: skip
                if told not in out:
                    out.append(told)
        return out

    async def keep(self, session: str) -> None:
        """Nobody leaves."""
        for who in self._person(session).people:
            await self._shop.stay(who)

    async def leaving(self, session: str) -> int | None:
        """The last moment of the last of them."""
        moments = [await self._shop.leaving(who) for who in self._person(session).people]
        return max((ms(at) for at in moments if at is not None), default=None)

    async def complain(self, session: str, words: str, collect: Callable[..., Awaitable[Any]]) -> str:
        """By the policy's form for complaints, or else for questions. Raises `CallError` where no answer could come."""
        person = self._person(session)
        words = text(words, "the complaint", 64 * 1024)
        forms = {form.opens: form.name for form in self._room.policy.forms.values()}
        form, address = forms.get("complaint") or forms.get("question"), await self._own(person, "email")
        if form is None or address is None:  # a complaint that nobody can answer shall not look as if it were taken in
            raise CallError("there is no e-mail address of yours to answer to; write by the contact form and give one")
        taken = await collect(form, {"email": address, "message": words}, session=session)
        if self._room.policy.forms[form].opens == "complaint":
            return str(taken["request"])
        who = person.people[0]  # a complaint is no question: it has its own time, and is closed by an answer alone
        request = await self._shop.ask(who, kind_of("complain", "centre"))
        await self._shop.close_request(who, str(taken["request"]), by=self._shop.person(who))
        return request

    async def _own(self, person: Person, category: str) -> str | None:
        """A value of the person's own, out of what they may always have: everything."""
        try:
            export = await self._shop.export(person.people[0], by=self._shop.person(person.people[0], person.began))
        except Refused:  # held back
            return None
        values = [one["value"] for one in export["data"] if one["category"] == category]
        return str(values[-1]) if values else None
