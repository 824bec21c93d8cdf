"""The person's own rights: have everything that is held, have it corrected, have it erased."""

import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal, TypeVar

from avow.decide.facts import Circumstances, drop, opt_out, tokens
from avow.decide.request import Allow, Request
from avow.errors import CallError, KeyGone, Tampered
from avow.gate import Act, Actor, Gate, Journal
from avow.policy.model import PERSON, RIGHTS_PURPOSE, Channel, Policy
from avow.policy.retention import awaited
from avow.practices.collecting import Entry, bound, check_value, entries_of, listing
from avow.practices.deadlines import asked, due, giving
from avow.practices.disclosed import Case, Disclosure, Unseen, cases, disclosures, own
from avow.practices.ending import find_by, forget
from avow.practices.holding import WORD, bar, begin, is_old, old, on_hold, proves, undone
from avow.practices.staying import Stays, staying
from avow.practices.words import unknown
from avow.record import Recorder
from avow.rows import outlives, words_of
from avow.store.interface import Consent, Datum, Message, ServiceRequest
from avow.store.terms import decode
from avow.vault.lookup import same

T = TypeVar("T")
PERSONAL: Final = ("password",)  # kinds of credentials that people have; what they say stays sealed
EVERYTHING: Final = ("*",)  # how the record says every category


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure did: how many keys it destroyed, and what stays all the same."""

    keys: int
    stays: tuple[Stays, ...]


class Rights:
    """For one site."""

    def __init__(self, gate: Gate, recorder: Recorder, journal: Journal, suppressed: set[Entry]) -> None:
        self._gate = gate
        self._policy = gate.policy
        self._recorder = recorder
        self._journal = journal
        self._suppressed = suppressed
        self._held_here = tuple(n for n, one in self._policy.categories.items() if one.with_person)
        kinds = ((name, self._policy.categories[name].channel) for name in self._held_here)
        self._contacts = {name: channel for name, channel in kinds if channel}
        self._told: list[Callable[[str], None]] = []

    async def export(self, subject: bytes, actor: Actor) -> dict[str, Any]:
        """Everything that is held on one person, from every table: values, sources, uses, consents, requests.

        The actor must be the identified person, or act for one whose identity was proved. Raises `Refused`.
        """

        async def apply(act: Act) -> dict[str, Any]:
            everything = await act.tx.held(subject)
            held = [datum for datum in everything if self._gate.in_time(datum, act.at) and not own(datum)]
            known, unseen = [one for _, one in cases(everything, act.open)], Unseen(everything, act.open, act.at)
            return {
                "site": self._gate.store.site,
                "policy": self._policy.version.isoformat(),
                "subject": subject.hex(),
                "since": act.row.created,
                "data": _told(held, map(act.open, held)),
                "consents": [self._consent(act, one) for one in await act.tx.consents(subject)],
                "requests": [_request(self._policy, one) for one in await act.tx.requests(subject)],
                "messages": [_message(one) for one in await act.tx.messages_of(subject)],
                "account": [
                    {"kind": kind, "since": one.since}
                    for kind in PERSONAL for one in await act.tx.credentials(subject, kind)
                ],
                "do-not-contact": self._listed(act, held),
                "standing": act.row.facts.split(),
                "events": await self._events(act, everything),
                "disclosures": [
                    _disclosure(one, known)
                    for one in disclosures(everything, act.open) if not unseen.disclosure(one)
                ],
            }  # fmt: skip

        return await self._whole("access", subject, actor, apply, "export")

    async def seen(self, subject: bytes, actor: Actor) -> list[dict[str, Any]]:
        """Who looked, who got it, what was refused: every event that concerns the person, oldest first."""

        async def apply(act: Act) -> list[dict[str, Any]]:
            return await self._events(act, await act.tx.held(subject))

        return await self._whole("access", subject, actor, apply)

    async def correct(
        self, subject: bytes, category: str, value: str, actor: Actor, *, no_card: bool = False
    ) -> int | None:
        """Replace the newest value of a category by a right one. The old value is overwritten, not kept, except that a
        contact is kept until its hold is over, see `holding`; who cannot show the old one changes none meanwhile. The
        moment at which such a hold began, or None.

        `no_card`: the person confirmed that a doubtful number is none. An opt-out goes with the person to the new address; a new address that is on the list brings one.
        """
        if category not in self._policy.categories:
            raise unknown("category", category, self._policy.categories)
        check_value(category, value, confirmed=no_card)
        known = self._policy.categories[category]
        changed: list[int] = []

        async def apply(act: Act) -> Entry | None:
            held = [one for one in await act.tx.held(subject) if one.category == category and not is_old(one)]
            if not held:
                raise CallError(f"nothing is held under `{category}` for this person")
            new = act.seal(held[-1]._replace(version=held[-1].version + 1), value)
            if proves(known) and not same(known.term, before := act.open(held[-1]), value):
                await act.tx.put([act.seal(old(held[-1], self._gate.random(16), act.at), before)])
                act.facts = begin(act.facts, category, act.at)
                changed.append(act.at)
            await act.tx.put([new])
            await find_by(act, [*held[:-1], new], (category,))
            act.facts, entry = bound(self._policy, self._gate.keys, self._suppressed, act.facts, category, value)
            if entry is not None:
                await act.tx.suppress(listing(self._journal, entry, act.at))
            return entry

        bar_ = bar(self._policy, "correct", actor.shown) if proves(known) else None
        entry = await self._gate.change(subject, *self._right("correct", actor, category), apply, bar=bar_)
        if entry is not None:
            self._suppressed.add(entry)
        return changed[0] if changed else None

    async def call_off(self, subject: bytes, actor: Actor) -> tuple[str, ...]:
        """Undo every change of contact that is on hold: what was on file before is on file again. The categories.

        For who controls the old contact: whoever calls this has verified that, by the link in the notice sent there.
        """

        async def apply(act: Act) -> tuple[str, ...]:
            standing = on_hold(act.facts, act.at)
            held = await act.tx.held(subject)
            for category, until in sorted(standing.items()):
                put_back, gone = undone([one for one in held if one.category == category], until)
                if put_back is not None:
                    datum, before = put_back
                    await act.tx.put([act.seal(datum._replace(version=datum.version + 1), act.open(before))])
                await act.remove(gone)
                act.facts = drop(act.facts, f"{WORD}/{category}")
            await find_by(act, await act.tx.held(subject), standing)
            return tuple(sorted(standing))

        ask, actor, circumstances = self._right("correct", actor)
        ask = ask._replace(categories=())
        return await self._gate.change(
            subject, ask, actor, circumstances, apply, rule=Allow(giving(self._policy, "correct")), kind="call-off"
        )

    async def held_back(self, subject: bytes, shown: int | None) -> int | None:
        """Until when a change of contact keeps who showed at this moment who they are from seeing and ending anything;
        None where it does not.
        """
        async with self._gate.store.transaction() as tx:
            (row,) = await tx.subjects((subject,))
            if row is None or row.state == "erased":
                return None
            at = self._gate.now()
            line = self._gate.standing(row, at)[1]
        standing = on_hold(line, at)
        return max(standing.values()) if bar(self._policy, "access", shown)(line, at) else None

    async def erase(self, subject: bytes, actor: Actor) -> Erased:
        """Make everything of the person unreadable, whatever its amount; what outlives it by promise or law stays.

        The order is the safety: intent journalled, then facts, look-ups and traces gone with the tombstone and its
        record in one commit, then the keys destroyed. Whoever dies in between finishes at the next start.
        """

        async def apply(act: Act) -> tuple[list[bytes], tuple[Stays, ...]]:
            stays = await self._staying(act)
            return await forget(act, self._journal), stays

        keys, stays = await self._whole("erase", subject, actor, apply)
        self._gate.keys.destroy(keys)
        self._journal.append("erased", {"subject": subject.hex()})
        for tell in self._told:
            tell(subject.hex())
        return Erased(len(keys), stays)

    async def staying(self, subject: bytes, actor: Actor) -> tuple[Stays, ...]:
        """What would outlive an erasure of the person now. A look at what is held, recorded as one."""
        return await self._whole("access", subject, actor, self._staying, "staying")

    async def _staying(self, act: Act) -> tuple[Stays, ...]:
        """Costs the same however much is held, and does not fail for what does not open: an erasure waits for neither."""
        subject, out = act.row.subject, tokens(act.facts)
        ((_, contacts),) = await act.tx.read([(subject, tuple(self._contacts))], "change")
        channels: list[Channel] = []
        for one in contacts:
            channel = self._contacts[one.category]
            with suppress(Tampered, KeyGone):
                if opt_out(channel) in out or self._listed(act, [one]):
                    channels.append(channel)
        held = await act.tx.held(subject) if any(map(outlives, act.keys)) else []
        return staying(self._policy, held, channels, disclosed=self._disclosed(act, held))

    @staticmethod
    def _disclosed(act: Act, held: Sequence[Datum]) -> bool:
        """Whether there is anything to say of data that went out: no word of a case that the person must not know of."""
        with suppress(Tampered, KeyGone):
            unseen = Unseen(held, act.open, act.at)
            return any(not unseen.disclosure(one) for one in disclosures(held, act.open))
        return True

    def when_erased(self, tell: Callable[[str], None]) -> None:
        """Have `tell` called with the id of everybody who is erased from now on, whoever asked for it."""
        self._told.append(tell)

    def _listed(self, act: Act, held: Sequence[Datum]) -> list[dict[str, str]]:
        """By which of their categories the person stands on the do-not-contact list. That outlives their erasure."""
        found = []
        for one in held:
            entries = entries_of(self._policy, self._gate.keys, one.category, act.open(one))
            if not self._suppressed.isdisjoint(entries):
                found.append({"category": one.category, "channel": entries[0][0]})
        return found

    # -- parts --------------------------------------------------------------------------------------------------

    async def _whole(
        self,
        action: Literal["access", "erase"],
        subject: bytes,
        actor: Actor,
        apply: Callable[[Act], Awaitable[T]],
        kind: str | None = None,
    ) -> T:
        """A right to all that is held: decided for each category, told in the record as `*`."""
        ask, actor, circumstances = self._right(action, actor)
        told = Request(action, actor.role, RIGHTS_PURPOSE, EVERYTHING)
        hold = bar(self._policy, action, actor.shown) if actor.role == PERSON else None
        return await self._gate.change(subject, ask, actor, circumstances, apply, kind=kind, told=told, bar=hold)

    def _right(self, action: Any, actor: Actor, *categories: str) -> tuple[Request, Actor, Circumstances]:
        circumstances = Circumstances(identified=actor.identified, standing=actor.standing)
        asked = categories or self._held_here
        return Request(action, actor.role, RIGHTS_PURPOSE, asked), actor, circumstances

    def _consent(self, act: Act, consent: Consent) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(act.gate.open(words_of(consent), act.at, act.own, "consent"))
        about = {
            "id": consent.row.hex(),
            "about": consent.about,
            "given": consent.given,
            "withdrawn": consent.withdrawn,
        }
        return about | {"policy": consent.policy.hex()} | told

    async def _events(self, act: Act, held: Sequence[Datum]) -> list[dict[str, Any]]:
        """All but those of a case that the person must not be told of yet."""
        unseen = Unseen(held, act.open, act.at)
        seen = [self._recorder.reveal(act.own, trace) for trace in await act.tx.traces(act.row.subject)]
        return [
            one._asdict() | {"event": one.event.hex()}
            for one in seen
            if not unseen.event(one.recipient, one.at, one.changed)
        ]


def _disclosure(one: Disclosure, known: Sequence[Case]) -> dict[str, Any]:
    because = next((case for case in known if case.id.hex() == one.case), None)
    told = one._asdict() | {"id": one.id.hex()}
    return told | {"case": None if because is None else {"ground": because.ground, "reference": because.reference}}


def _message(one: Message) -> dict[str, Any]:
    told = {"at": one.at, "channel": one.channel, "purpose": one.purpose, "sender": one.sender, "state": one.state}
    return told | {"promises": one.promises.split(), "reason": one.reason}


def _request(policy: Policy, one: ServiceRequest) -> dict[str, Any]:
    kind, right, route = asked(one.kind)
    told = {"id": one.row.hex(), "kind": kind, "opened": one.opened, "closed": one.closed}
    return told | {"right": right, "through": route, "due": due(policy, one.kind, one.opened)}


def _told(data: Sequence[Datum], values: Iterable[str]) -> list[dict[str, Any]]:
    came = cache(_came)  # what one form gives came under the same terms
    return [
        {"category": datum.category, "value": value, **came(datum.terms, datum.kept_as)}
        for datum, value in zip(data, values, strict=True)
    ]


def _came(terms: bytes, kept_as: str) -> dict[str, Any]:
    policy, collected, due, purposes, form, source = decode(terms)
    return {
        "purposes": purposes.split(), "form": form, "source": source, "collected": collected, "due": due,
        "kept-for": awaited(kept_as), "policy": policy.hex(),
    }  # fmt: skip
