"""What a person agrees to, asks for and puts an end to: consents, approvals, service requests, opt-outs.

What narrows is written to the journal before the database, so that no restore can lose it.
"""

import hashlib
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Final, TypeVar

from avow.decide.facts import Circumstances, add, drop, escaped, tokens
from avow.decide.history import ended
from avow.decide.request import Allow, Answer, Refuse, Request
from avow.errors import BadValue, CallError, OperatorError, Refused, Unavailable, UnknownWord
from avow.gate import Act, Actor, Gate, Journal
from avow.policy.model import CHANNELS, RECIPIENT_KINDS, RIGHTS_PURPOSE, SITE, Choose, Policy
from avow.policy.retention import ORDINARY
from avow.practices.collecting import Entry, entries_of, listing
from avow.practices.deadlines import RIGHTS_REQUEST, asked, giving
from avow.practices.entering import Entering
from avow.practices.words import quoted, unknown
from avow.rows import anchored, words_of
from avow.store.interface import Consent, Datum, ServiceRequest, Transaction

T = TypeVar("T")
CONFIRM_WITHIN: Final = (
    7 * 86_400_000
)  # ms in which an agreement may be confirmed; after that it permits nothing for good
LONGEST_NAME: Final = 200  # of a recipient that the policy does not declare
_SITE: Final = Actor(SITE, "site", standing=True)

log = logging.getLogger("avow.agreeing")


class Agreeing:
    """For one site. `suppressed` is shared with the collecting practice and kept up to date here."""

    def __init__(self, gate: Gate, journal: Journal, suppressed: set[Entry], entering: Entering) -> None:
        self._gate = gate
        self._entering = entering
        self._policy = gate.policy
        self._journal = journal
        self._suppressed = suppressed

    # -- consents -----------------------------------------------------------------------------------------------

    async def agree(self, subject: bytes, purpose: str, actor: Actor, words: str, how: str) -> bytes:
        """The person agrees to a purpose, in these words, by this means (`how`: the form's name, if by one). Its id.

        Refused unless the policy offers that choice (a `choose` clause); agreeing to what nobody asks widens nothing.
        Where a choice says `confirm`, the consent holds nothing until `confirm`.
        """
        offer = _offers(self._policy, how, lambda choose: purpose in choose.purposes)
        return await self._agree(subject, f"consent/{purpose}", purpose, (), offer, actor, (words, how))

    async def agree_to_share(
        self, subject: bytes, way: str, recipient: str, categories: Sequence[str], actor: Actor, words: str, how: str
    ) -> list[bytes]:
        """The person agrees that this one recipient has, or buys (`way` sell), these categories.

        `recipient` is a declared one, or `kind:name`. With `way` approve it is a written approval: a dated statement
        that names recipient and data. One id a category. Refused and confirmed as in `agree`.
        """
        if way not in ("share", "sell", "approve"):
            raise CallError(f"{quoted(way)} is no way of sharing; use share, sell or approve")
        kind, identity = recipient_of(self._policy, recipient)
        for category in categories:
            if category not in self._policy.categories:
                raise unknown("category", category, self._policy.categories)

        def offered(choose: Choose, category: str) -> bool:
            about = not choose.categories or category in choose.categories
            return about and not {identity, kind}.isdisjoint(choose.recipients) and (choose.written or way != "approve")

        ids = []
        for category in categories:
            prefix = "approval" if way == "approve" else f"consent/{way}"
            token = f"{prefix}/{escaped(identity)}/{category}"
            offer = _offers(self._policy, how, partial(offered, category=category))
            ids.append(await self._agree(subject, token, "", (category,), offer, actor, (words, how)))
        return ids

    async def confirm(self, subject: bytes, consent: bytes, actor: Actor) -> None:
        """The person confirms, by the way that the policy names, what they agreed to: now it holds. Again is harmless.

        Raises `CallError` when they have no such consent, withdrew it, or let `CONFIRM_WITHIN` go by; `Refused` when no
        choice asks for it any more.
        """

        async def apply(act: Act) -> None:
            for one in await act.tx.consents(subject):
                if one.row == consent and one.withdrawn is None:
                    if act.at > one.given + CONFIRM_WITHIN and one.about not in tokens(act.facts):
                        raise CallError("this consent was not confirmed in time; have them agree anew")
                    told = json.loads(act.gate.open(words_of(one), act.at, act.own, "consent")) | {"confirmed": act.at}
                    await put_consent(act, one._replace(sealed=sealed(act, one, told)))
                    act.facts = self._gate.history.under(act.facts, one.about, one.policy)
                    return
            raise CallError("this person has no standing consent of that id; have them agree anew")

        offer, _ = _offers(self._policy, "", lambda choose: choose.confirm is not None)
        ask = Request("use", actor.role, RIGHTS_PURPOSE, ())
        circumstances = Circumstances(identified=actor.identified)
        await self._gate.change(subject, ask, actor, circumstances, apply, rule=offer, kind="confirm")

    async def _agree(
        self, subject: bytes, token: str, purpose: str, categories: tuple[str, ...], offer: "_Offer", actor: Actor,
        told: tuple[str, str],
    ) -> bytes:  # fmt: skip
        if not told[0].strip():
            raise BadValue("a consent needs the words that the person agreed to; pass them as `words`")
        row = self._gate.random(16)
        answer, unconfirmed = offer

        async def apply(act: Act) -> bytes:
            consent = Consent(subject, row, token, act.at, None, self._gate.current, b"")
            words: dict[str, str | None] = {"words": told[0], "how": told[1]}
            words |= {"confirmed": None} if unconfirmed else {}
            await put_consent(act, consent._replace(sealed=sealed(act, consent, words)))
            if not unconfirmed:
                act.facts = self._gate.history.under(act.facts, token)
            return row

        ask = Request("use", actor.role, purpose or RIGHTS_PURPOSE, categories)
        return await self._gate.change(
            subject, ask, actor, Circumstances(identified=actor.identified), apply, rule=answer, kind="consent"
        )

    async def withdraw(self, subject: bytes, about: str, actor: Actor) -> bool:
        """End every standing consent to `about`: a purpose's name, a whole token, or a token's first parts.

        So `consent/share` ends all sharing, and `opt-out/mail` is a `CallError`: only what was agreed to ends. Never
        refused. True if one stood. Effective when this returns; journalled before, so a restored backup stays narrowed.
        """
        token = about if "/" in about else f"consent/{about}"
        if token.partition("/")[0] not in ("consent", "approval"):
            raise CallError("only a consent or an approval is withdrawn; pass a purpose, or a token that begins so")

        async def apply(act: Act) -> bool:
            standing = [one for one in await act.tx.consents(subject) if one.withdrawn is None]
            over = [one for one in standing if one.about == token or one.about.startswith(f"{about}/")]
            for ending in sorted({one.about for one in over}):
                self._journal.append("withdrawal", {"subject": subject.hex(), "about": mark(ending), "at": act.at})
                act.facts = ended(act.facts, ending)
            for consent in over:
                await put_consent(act, consent._replace(withdrawn=act.at))
            return bool(over)

        return await self._narrow(subject, actor, "withdraw", apply)

    async def standing(self, subject: bytes) -> tuple[frozenset[str], dict[str, int]]:
        """The fact tokens that hold for the person, and since when each consent stands. Releases no value."""
        async with self._gate.store.transaction() as tx:
            (row,) = await tx.subjects((subject,))
            if row is None or row.state == "erased":
                return frozenset(), {}
            _, line = self._gate.standing(row, self._gate.now())
            consents = await tx.consents(subject)
        return frozenset(tokens(line)), {one.about: one.given for one in consents if one.withdrawn is None}

    # -- opting out ---------------------------------------------------------------------------------------------

    async def opt_out(self, subject: bytes, channels: Sequence[str], actor: Actor) -> None:
        """Reach this person no more by these channels. Never refused; survives import, correction and erasure."""
        for channel in channels:
            if channel not in CHANNELS:
                raise UnknownWord(f"{quoted(channel)} is no channel; the channels are {', '.join(CHANNELS)}")

        async def apply(act: Act) -> list[Entry]:
            entries: list[Entry] = []
            held = await act.tx.held(subject)
            for channel in channels:
                self._journal.append("opt-out", {"subject": subject.hex(), "channel": channel, "at": act.at})
                act.facts = add(act.facts, f"opt-out/{channel}")
                listed = (self._entries(act, one)[0] for one in held if self._by(one) == channel)
                for entry in dict.fromkeys(listed):
                    await act.tx.suppress(listing(self._journal, entry, act.at))
                    entries.append(entry)
            return entries

        await self._narrow(subject, actor, "opt-out", apply, self._suppressed.update)

    async def opt_in(self, subject: bytes, channel: str, actor: Actor, *, proved: bool = False) -> None:
        """Take an opt-out back, on the person's own wish only: the actor must be the identified person.

        `proved`: that their newest address or number there is theirs, by a code sent to it. Without that a listed one
        stays listed and this raises `CallError`: anybody might register with it. Journalled once it is on record, for
        whoever dies in between has widened nothing.
        """
        if actor.role != "person" or not actor.identified:
            raise CallError("only the person, identified, may take an opt-out back")

        async def apply(act: Act) -> tuple[int, list[Entry]]:
            newest = {one.category: one for one in await act.tx.held(subject) if self._by(one) == channel}
            entries = [e for one in newest.values() for e in self._entries(act, one) if e in self._suppressed]
            if entries and not proved:
                raise CallError(
                    "the address or number is on the do-not-contact list; have the person prove that it is theirs, "
                    "by a code sent to it, then pass `proved`"
                )
            for entry in entries:
                await act.tx.unsuppress(*entry)
            act.facts = drop(act.facts, f"opt-out/{channel}")
            return act.at, entries

        at, entries = await self._narrow(subject, actor, "opt-in", apply)
        for _, hidden in entries:
            self._journal.append("contact-again", {"channel": channel, "hash": hidden.hex(), "at": at})
        self._journal.append("opt-in", {"subject": subject.hex(), "channel": channel, "at": at})
        self._suppressed.difference_update(entries)

    def _by(self, datum: Datum) -> str | None:
        """The channel that a datum is an address or number of."""
        known = self._policy.categories.get(datum.category)
        return known.channel if known else None

    def _entries(self, act: Act, datum: Datum) -> tuple[Entry, ...]:
        return entries_of(self._policy, self._gate.keys, datum.category, act.open(datum))

    async def list_entry(self, entry: Entry, by: str = SITE) -> None:
        """Reach nobody by an address or number any more, whoever is held with it, now or later: by what stands for it on
        the do-not-contact list. `by`: the actor's name. Again is harmless.
        """
        if entry in self._suppressed:
            return

        async def apply(tx: Transaction) -> None:
            await tx.suppress(listing(self._journal, entry, self._gate.now()))

        await self._gate.note("opt-out", apply, by)
        self._suppressed.add(entry)

    # -- service requests ---------------------------------------------------------------------------------------

    async def ask(self, subject: bytes, kind: str, actor: Actor, row: bytes | None = None) -> bytes:
        """The person asks for something: an open service request. Its id, by chance unless `row` is passed. For rights
        requests see `deadlines.kind_of`.
        """
        word = asked(kind).kind
        if word not in self._policy.requests or word not in (kind, RIGHTS_REQUEST):
            raise unknown("service request", kind, self._policy.requests)
        made = row or self._gate.random(16)

        async def apply(act: Act) -> bytes:
            await put_request(act, ServiceRequest(subject, made, kind, act.at, None))
            act.facts = add(act.facts, f"request/{word}")
            return made

        with self._entering.inside((kind,)):
            over = self._entering.over(kind, self._gate.now())
            rule = Refuse(over.promises, over.reason) if over else None
            return await self._narrow(subject, actor, "request", apply, rule=rule)

    async def close(self, subject: bytes, request: bytes, actor: Actor, *, answered: bool = False) -> None:
        """The request is answered: whatever it alone permitted is refused from now on.

        Raises `Refused` for a complaint unless the caller vouches that it was `answered`.
        """

        async def apply(act: Act) -> None:
            requests = await act.tx.requests(subject)
            for one in requests:
                if one.row == request and one.closed is None:
                    if asked(one.kind).right == "complain" and not answered:
                        raise Refused(
                            giving(self._policy, "complain"), "a complaint is closed by an answer; send it one"
                        )
                    self._journal.append("closed", {"subject": subject.hex(), "row": request.hex(), "at": act.at})
                    await put_request(act, one._replace(closed=act.at))
                    act.facts = without(act.facts, one, requests)
                    return
            raise CallError("this person has no open service request of that id")

        await self._narrow(subject, actor, "close", apply)

    async def _narrow(
        self, subject: bytes, actor: Actor, kind: str, apply: Callable[[Act], Awaitable[T]],
        then: Callable[[T], object] = lambda _: None, rule: Answer | None = None,
    ) -> T:  # fmt: skip
        """An act of the person's own, which nothing refuses but `rule`. `then` is told what came of it once it is
        committed.
        """
        ask = Request("erase", actor.role, RIGHTS_PURPOSE, ())
        circumstances = Circumstances(identified=actor.identified, standing=actor.standing)
        answer = rule or Allow(giving(self._policy, kind))
        versions: list[int] = []
        if kind in _NARROWING:  # such a wish is not lost with the colleague who took it down
            actor = actor._replace(standing=False)

        async def watched(act: Act) -> T:
            done = await apply(act)
            if act.facts != act.row.facts and kind in _NARROWING:
                versions.append(act.row.version + 1)
            return done

        done = await self._gate.change(subject, ask, actor, circumstances, watched, rule=answer, kind=kind)
        then(done)
        for version in versions:
            hold(self._gate, self._journal, subject, version)
        return done


_NARROWING: Final = ("withdraw", "opt-out", "close")  # the others of a person's own acts permit something


def recipient_of(policy: Policy, recipient: str) -> tuple[str, str]:
    """Kind and identity of a recipient: the name of a declared one, or `kind:name` whole, where the name has nothing in it
    that nobody sees. Raises `UnknownWord`.
    """
    if recipient in policy.recipients:
        return policy.recipients[recipient].kind, recipient
    kind, _, name = recipient.partition(":")
    if kind not in RECIPIENT_KINDS or not name or not name.isprintable() or len(name) > LONGEST_NAME:
        raise UnknownWord(
            f"the policy declares no recipient {quoted(recipient)}; for others write kind:name, with one of the kinds "
            f"{', '.join(RECIPIENT_KINDS)}"
        )
    if name in policy.recipients:
        raise UnknownWord(f"the policy declares the recipient `{name}`; pass its name without a kind")
    return kind, recipient


def asked_as(policy: Policy, recipient: str) -> str:
    """How a request names a recipient: a declared one by name, any other by its kind. Raises `UnknownWord`."""
    kind, identity = recipient_of(policy, recipient)
    return identity if identity in policy.recipients else kind


def hold(gate: Gate, journal: Journal, subject: bytes, version: int) -> None:
    """Whoever puts an older row of this person back is not believed from now on, not even after a restart.

    The act itself is on disk and in force: a journal that cannot be written takes nothing back of it.
    """
    gate.hold(subject, version)
    try:
        journal.append("standing", {"subject": subject.hex(), "version": version})
    except (Unavailable, OperatorError):
        log.error("the journal could not be written: an older row would be believed after a restart")  # noqa: TRY400 - a trace could tell values


async def put_consent(act: Act, consent: Consent) -> None:
    """Write a consent as it stands now, which the record then says."""
    await act.tx.put_consent(consent)
    act.changed.append(anchored(consent))


async def put_request(act: Act, request: ServiceRequest) -> None:
    """Write a service request as it stands now, which the record then says."""
    await act.tx.put_request(request)
    act.changed.append(anchored(request))


def without(line: str, closed: ServiceRequest, requests: Sequence[ServiceRequest]) -> str:
    """The facts line once a request is closed: its kind stays while another one of it is open."""
    word = asked(closed.kind).kind
    others = [one for one in requests if asked(one.kind).kind == word and one.closed is None and one.row != closed.row]
    return line if others else drop(line, f"request/{word}")


def mark(token: str) -> str:
    """A fact token as the journal has it: a token may name a recipient in words that the journal does not take."""
    return hashlib.sha256(token.encode()).hexdigest()[:32]


_Offer = tuple[Allow | Refuse, bool]  # which promises offer a choice, and whether one of them wants it confirmed


def _offers(policy: Policy, how: str, fits: Callable[[Choose], bool]) -> _Offer:
    """Who offers such a choice; when it was put by a form of the policy, then there."""
    offers = [
        (name, clause)
        for name, clause in policy.clauses(Choose)
        if fits(clause) and (how not in policy.forms or clause.form in (None, how))
    ]
    if not offers:
        return Refuse((), "the policy offers the person no such choice"), False
    return Allow(tuple(dict.fromkeys(name for name, _ in offers))), any(choose.confirm for _, choose in offers)


def sealed(act: Act, consent: Consent, told: Mapping[str, str | int | None]) -> bytes:
    """What a person agreed to, in the words they saw, sealed where the consent stands."""
    plain = json.dumps(told, sort_keys=True).encode()
    return act.gate.seal(act.key(ORDINARY), "consent", words_of(consent), plain)
