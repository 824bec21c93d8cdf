"""The one way out for personal data: decided, recorded, and packed for the one recipient that gets it.

One person at a time: there is no way to disclose a list. What goes out is exactly the categories asked for, each value
once, signed by the site and sealed to the recipient's key; that it went out is kept with the person, and outlives them.
A processor gets what belongs to one open service request, until its leave ends; others what the person agreed to, or
what a case covers.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import Final, Literal, NamedTuple, TypeVar

from avow.decide.facts import FOREVER, Circumstances, add, drop, request, standing, tokens
from avow.decide.facts import case as covered
from avow.decide.request import Allow, Refuse, Request
from avow.errors import CallError, NotHeld, UnknownWord
from avow.gate import Act, Actor, Entry, Gate, Journal
from avow.policy.model import RIGHTS_PURPOSE, SITE, Policy, Share
from avow.practices.agreeing import asked_as, hold, recipient_of
from avow.practices.deadlines import asked
from avow.practices.disclosed import DISCLOSURE, REVOKED, Case, Disclosure, cases, disclosures, own, place, written
from avow.practices.holding import is_old
from avow.practices.recipients import Recipients
from avow.practices.words import unknown
from avow.store.interface import Datum, ServiceRequest
from avow.vault.package import Jwk, pack, published, signer

T = TypeVar("T")
LEAVE: Final = 30 * 86_400_000  # ms for which a processor may use what it got, where nobody says less
FETCHES: Final = 5  # packages that one instruction gives: the first, and more for who lost it on the way
Way = Literal["share", "sell"]
OVER: Final = "case-over"  # an entry of the journal
_BEFORE: Final = "the leave would be over before it begins; name a later moment"
_SITE: Final = Actor(SITE, "site", standing=True)
WAYS: Final[tuple[Way, ...]] = ("share", "sell")


class Wish(NamedTuple):
    """What is to go out, to whom and for what. `recipient`: a declared one, or `kind:name`. `request`: the service
    request that a processor works on. `until` (ms): when the recipient's leave ends. `case`: the case that asks for it.
    `instruction`: the one by which a processor comes for it.
    """

    subject: bytes
    way: str
    categories: tuple[str, ...]
    recipient: str
    purpose: str
    request: bytes | None = None
    until: int | None = None
    case: bytes | None = None
    instruction: bytes | None = None


class Package(NamedTuple):
    """What went out: the record of it, and the bytes for the recipient."""

    told: Disclosure
    sealed: str


class Disclosing:
    """For one site."""

    def __init__(self, gate: Gate, journal: Journal, recipients: Recipients) -> None:
        self._gate = gate
        self._journal = journal
        self._policy: Policy = gate.policy
        self._recipients = recipients
        self._over: set[str] = set()  # cases
        self._key = signer(gate.keys.site_key("packages"))

    @property
    def verifier(self) -> Jwk:
        """The public key that packages are signed with."""
        return published(self._key)

    async def disclose(self, wish: Wish, actor: Actor) -> Package:
        """Decide, record, commit, and only then hand the package out.

        Raises `Refused`; `NotHeld` where nothing of it is held; `CallError` for a wish that cannot be meant, and where
        the recipient has no key on file: then nothing is recorded, and nothing has left.
        """
        kind, identity = self._checked(wish)
        on_file = await self._recipients.known(identity)

        async def apply(act: Act, chosen: Sequence[Datum], found: Sequence[tuple[Datum, Case]]) -> Package:
            if on_file is None or not self._recipients.stands(on_file):  # taken off meanwhile
                raise CallError(
                    "this recipient has no key on file, so nothing can go out to it; add it with its key first"
                )
            if not chosen:
                raise NotHeld("nothing of what this recipient may have is held for this person")
            values = {one.category: act.open(one) for one in chosen}
            told = self._told(act, wish, identity, tuple(values), actor, self._until(wish, kind, act.at, found))
            package = Package(told, pack(self._claims(told, values), self._key, on_file.key))
            await act.tx.put(
                [act.seal(place(wish.subject, DISCLOSURE, told.id, self._gate.current, act.at), written(told))]
            )
            for row, one in found:
                self.over(wish.subject, one.id, act.at)
                used = one._replace(state="used")
                await act.tx.put([act.seal(row._replace(version=row.version + 1), written(used))])
            return package

        return await self._decided(wish, actor, apply)

    async def instruct(self, wish: Wish, actor: Actor) -> int:
        """Decide as `disclose` does, and let nothing out: until when (ms) the recipient may come for it. Recorded."""
        kind, _ = self._checked(wish)
        if kind != "processor":
            raise CallError("only a processor works on an instruction; to others data go by consent, approval or case")

        async def apply(act: Act, _: Sequence[Datum], found: Sequence[tuple[Datum, Case]]) -> int:
            until = self._until(wish, kind, act.at, found)
            if until is None or until <= act.at:
                raise CallError(_BEFORE)
            return until

        return await self._decided(wish, actor, apply, kind="instruct")

    async def revoke(self, subject: bytes, instruction: bytes, until: int) -> None:
        """An instruction ends before its time: remembered until then, and journalled, so that no restore brings it back."""
        versions: list[int] = []

        async def apply(act: Act) -> None:
            if standing(act.facts).get(f"{REVOKED}/{instruction.hex()}"):
                return  # whoever says it again makes nothing longer
            self._journal.append(
                REVOKED, {"subject": subject.hex(), "row": instruction.hex(), "at": act.at, "until": until}
            )
            act.facts = add(_without_ended(act.facts, act.at), f"{REVOKED}/{instruction.hex()}@{until}")
            versions.append(act.row.version + 1)

        ask, here = Request("share", SITE, RIGHTS_PURPOSE, ()), Circumstances(standing=True)
        await self._gate.change(subject, ask, _SITE, here, apply, rule=Allow(()), kind="revoke")
        for version in versions:
            hold(self._gate, self._journal, subject, version)

    async def _decided(
        self, wish: Wish, actor: Actor,
        apply: Callable[[Act, Sequence[Datum], Sequence[tuple[Datum, Case]]], Awaitable[T]], kind: str | None = None,
    ) -> T:  # fmt: skip
        chosen: list[Datum] = []
        found: list[tuple[Datum, Case]] = []
        used_up: list[Refuse] = []
        of_kind, identity = recipient_of(self._policy, wish.recipient)

        async def weigh(act: Act) -> Sequence[Datum]:
            held = await act.tx.held(wish.subject)
            used_up.extend(self._used_up(wish, held, act.open))
            work = await self._work(act, of_kind, wish)
            if work is not None:
                act.facts = _only(act.facts, work)
            if wish.case is not None:
                found.extend(one for one in cases(held, act.open) if self._covers(one[1], wish))
                act.facts = _granted(act.facts, wish, found)
            requests = await act.tx.requests(wish.subject) if work is not None else []
            alike = [one for one in requests if wish.purpose in self._serves(one)]
            chosen.extend(_of(held, wish.categories, work, alike))
            return chosen

        async def decided(act: Act) -> T:
            act.facts = act.row.facts
            return await apply(act, chosen, found)

        asked_for = asked_as(self._policy, wish.recipient)
        ask = Request(_way(wish.way), actor.role, wish.purpose, wish.categories, asked_for)
        circumstances = Circumstances(identified=actor.identified, standing=actor.standing)
        return await self._gate.change(
            wish.subject,
            ask,
            actor,
            circumstances,
            decided,
            identity=identity,
            weigh=weigh,
            kind=kind,
            bar=lambda *_: next(iter(used_up), None),
        )

    def _used_up(self, wish: Wish, held: Sequence[Datum], read: Callable[[Datum], str]) -> Iterator[Refuse]:
        """Whether an instruction gave all the packages that it gives: a processor does not read on for as long as it lasts."""
        if wish.instruction is None:
            return
        fetched = sum(one.instruction == wish.instruction.hex() for one in disclosures(held, read))
        if fetched >= FETCHES:
            sharing = tuple(name for name, one in self._policy.clauses(Share) if wish.recipient in one.recipients)
            yield Refuse(sharing, f"this instruction gave {FETCHES} packages already; ask the shop for another one")

    def _checked(self, wish: Wish) -> tuple[str, str]:
        if not wish.categories or len(set(wish.categories)) < len(wish.categories):
            raise CallError("name each category that is to go out, once")
        for category in wish.categories:
            if category not in self._policy.categories:
                raise unknown("category", category, self._policy.categories)
        if wish.purpose not in self._policy.purposes:
            raise unknown("purpose", wish.purpose, self._policy.purposes)
        return recipient_of(self._policy, wish.recipient)

    async def _work(self, act: Act, kind: str, wish: Wish) -> ServiceRequest | None:
        """The open service request that this is about, which must be the person's own; for a processor there must be one.

        None of that id leaves the decision without any: the policy then says which promise wants one.
        """
        open_ = [one for one in await act.tx.requests(wish.subject) if one.closed is None]
        if wish.request is None and kind != "processor":
            return None
        nothing = ServiceRequest(wish.subject, bytes(16), "", 0, None)
        if wish.instruction is not None and standing(act.facts).get(f"{REVOKED}/{wish.instruction.hex()}"):
            return nothing
        if wish.request is not None:
            open_ = [one for one in open_ if one.row == wish.request]
        serving = [one for one in open_ if wish.purpose in self._serves(one)]
        if len(serving) > 1:
            raise CallError("this person has several open requests that this serves; name the one it is about")
        return serving[0] if serving else nothing

    def as_the_journal_has(self, one: Case) -> Case:
        """A case as it stands: an older row of one that is over, or an act that failed after it was journalled, opens none."""
        over = one.id.hex() in self._over and one.state in ("proposed", "open")
        return one._replace(state="closed") if over else one

    def _covers(self, one: Case, wish: Wish) -> bool:
        """Whether this is the case that is meant, open, and covers all that is wished for."""
        exact = (one.id, one.recipient, one.purpose) == (wish.case, wish.recipient, wish.purpose)
        open_ = self.as_the_journal_has(one).state == "open"
        return exact and open_ and set(wish.categories) <= set(one.categories)

    def load(self, entries: Iterable[Entry]) -> None:
        """Take up from the journal which cases are over: no older row of one opens it again."""
        self._over |= {str(entry.fields["row"]) for entry in entries if entry.kind == OVER}

    def over(self, subject: bytes, case: bytes, at: int) -> None:
        """A case serves nobody from now on, whatever becomes of the act that ends it."""
        self._journal.append(OVER, {"subject": subject.hex(), "row": case.hex(), "at": at})
        self._over.add(case.hex())

    def _serves(self, one: ServiceRequest) -> tuple[str, ...]:
        known = self._policy.requests.get(asked(one.kind).kind)
        return known.serves if known else ()

    def _until(self, wish: Wish, kind: str, at: int, found: Sequence[tuple[Datum, Case]]) -> int | None:
        """When the recipient's leave ends: never later than its contract or case."""
        ends = [one.until for _, one in found]
        if wish.until is not None:
            ends.append(wish.until)
        elif kind == "processor":
            ends.append(at + LEAVE)
        contract = self._gate.table.contracts.get(wish.recipient)
        if kind == "processor" and contract is not None:
            ends.append(contract[1])
        return min(ends, default=None)

    def _told(
        self, act: Act, wish: Wish, identity: str, categories: tuple[str, ...], actor: Actor, until: int | None
    ) -> Disclosure:
        if until is not None and until <= act.at:
            raise CallError(_BEFORE)
        about = "" if wish.request is None else wish.request.hex()
        because = "" if wish.case is None else wish.case.hex()
        return Disclosure(
            self._gate.random(16), act.at, wish.way, identity, wish.purpose, categories, act.promises, actor.role,
            about, because, until, "" if wish.instruction is None else wish.instruction.hex(),
        )  # fmt: skip

    def _claims(self, told: Disclosure, values: dict[str, str]) -> dict[str, object]:
        """Formats: docs/formats.md, 6. `exp` and `iat` as RFC 7519 has them, in seconds."""
        claims: dict[str, object] = {
            "iss": self._policy.site, "aud": told.recipient, "jti": told.id.hex(), "iat": told.at // 1000,
            "avow": {
                "version": 1, "way": told.way, "purpose": told.purpose, "promises": told.promises,
                "policy": self._policy.version.isoformat(), "request": told.request, "case": told.case, "data": values,
            },
        }  # fmt: skip
        return claims if told.until is None else claims | {"exp": told.until // 1000}


def _without_ended(line: str, at: int) -> str:
    """The facts line without the marks of instructions whose time is over anyway."""
    known = standing(line)
    return " ".join(
        token
        for token in tokens(line)
        if not token.startswith(f"{REVOKED}/") or known.get(token.rpartition("@")[0], FOREVER) > at
    )


def _way(way: str) -> Way:
    for known in WAYS:
        if way == known:
            return known
    raise UnknownWord(f"that is no way out; the ways are {', '.join(WAYS)}")


def _only(line: str, work: ServiceRequest) -> str:
    """The facts line as if this were the person's one open request, if it is one at all."""
    line = drop(line, "request")
    return add(line, request(asked(work.kind).kind)) if work.kind else line


def _granted(line: str, wish: Wish, found: Sequence[tuple[Datum, Case]]) -> str:
    """The facts line with what the case covers; only while this is decided."""
    for _, one in found:
        for category in wish.categories:
            line = add(line, covered(one.recipient, category, one.until))
    return line


def _of(
    held: Sequence[Datum], categories: Sequence[str], work: ServiceRequest | None, alike: Sequence[ServiceRequest]
) -> list[Datum]:
    """One datum of each category, if any is held: what came with the request, as it was put right since, else what was held
    before and came with no other one like it; where it is about no request, the newest.
    """
    elsewhere = {one.opened for one in alike}
    chosen = []
    for category in categories:
        there = [one for one in held if one.category == category and not is_old(one) and not own(one)]
        if work is not None:
            when = {one.row: one.came().collected for one in there}
            with_it = [one for one in there if when[one.row] == work.opened]
            before = [one for one in there if when[one.row] < work.opened and when[one.row] not in elsewhere]
            there = with_it or before
        chosen += there[-1:]
    return chosen
