"""The policy compiled: every answer made beforehand, so that deciding is looking up.

Pure. Rules: docs/policy-language.md, section 4. A cell is what a request says about one category. Its answer depends
only on those held conditions that a grant or a never of that cell names: the cell's `mask`. All of them are made
when the policy is loaded, for each subset of the mask; equal ones are one value.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import MappingProxyType
from typing import Final, NamedTuple

from avow.decide.grants import LEGAL_KINDS, OWN_RIGHTS, Grant, Key, grants, kind_of
from avow.decide.nevers import Ban, Index, bans
from avow.decide.request import Allow, Answer, Obligation, Refuse, names
from avow.policy.model import (
    CONTACT,
    PERSON,
    RECIPIENT_KINDS,
    RIGHTS_PURPOSE,
    SITE,
    Change,
    Choose,
    Cookies,
    Keep,
    Never,
    Policy,
    Right,
)
from avow.policy.retention import midnight, rule

CHANNEL: Final[Mapping[str, str]] = MappingProxyType({action: channel for channel, action in CONTACT.items()})


ANY_COOKIE: Final = ""  # stands for every cookie that no promise declares


class Cell(NamedTuple):
    """`answers[held & mask]` is the answer; there is one for every subset of `mask`."""

    mask: int
    answers: dict[int, Answer]


class Tokens(NamedTuple):
    """The words in a person's facts line that matter to one purpose."""

    consent: str
    notified: str
    requests: tuple[str, ...]


class Words(NamedTuple):
    """What the policy declares: a request with any other word is refused."""

    actors: frozenset[str]
    purposes: frozenset[str]
    categories: frozenset[str]
    recipients: frozenset[str]
    forms: frozenset[str]
    cookies: frozenset[str]


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """One policy version, ready to decide. Immutable but for its last three fields, which only remember what was made
    once.
    """

    site: str
    cells: Mapping[Key, Cell]
    words: Words
    index: Index
    limits: Mapping[tuple[str, str], Refuse]  # action, category -> where no grant has the cell, but others exist
    otherwise: Refuse  # where no promise grants this action on this category at all
    order: Mapping[str, int]  # promise id -> its place in the policy
    tokens: Mapping[str, Tokens]  # by purpose
    contracts: Mapping[str, tuple[int, int]]  # recipient -> in force from, and up to but not at (ms UTC)
    channels: Mapping[str, str]  # category -> the channel that it is an address of
    declared: frozenset[str]  # the recipients with a name of their own
    keeping: Policy  # what it says of retention, and nothing else
    by_notice: bool  # whether a newer version reaches what is held once the person was told, without their agreement
    ungranted: dict[Key, Cell] = field(default_factory=dict)  # cells of declared words that nothing grants
    alike: dict[tuple[str, str, int], Cell] = field(default_factory=dict)  # the same by action, category and nevers
    refusals: dict[tuple[str, tuple[str, ...]], Refuse] = field(default_factory=dict)  # by action and promises

    def in_order(self, ids: Iterable[str]) -> tuple[str, ...]:
        """Promise ids once each, in the policy's order."""
        return tuple(sorted(set(ids), key=self.order.__getitem__))


def compile_policy(policy: Policy) -> Table:
    """The table of a policy. Takes time in proportion to the cells that the policy grants."""
    order = {promise.id: place for place, promise in enumerate(policy.promises)}
    by_key: dict[Key, list[Grant]] = {}
    for grant in grants(policy):
        by_key.setdefault(grant.key, []).append(grant)
    index = Index(tuple(bans(policy)))
    return Table(
        site=policy.site,
        cells=_cells(policy, by_key, index, order),
        words=_words(policy),
        index=index,
        limits=_limits(by_key, _otherwise(policy), order),
        otherwise=Refuse(_otherwise(policy), "no promise allows this action on this category"),
        order=order,
        tokens={purpose: _tokens(policy, purpose) for purpose in (*policy.purposes, RIGHTS_PURPOSE)},
        contracts={
            r.name: (midnight(r.contract.from_), midnight(r.contract.to))
            for r in policy.recipients.values()
            if r.contract is not None
        },
        channels={c.name: c.channel for c in policy.categories.values() if c.channel is not None},
        declared=frozenset(policy.recipients),
        keeping=keeping(policy),
        by_notice=_by_notice(policy),
    )


def keeping(policy: Policy) -> Policy:
    """What a policy says of retention: so one of thousands of promises is not searched for each cell."""
    return replace(
        policy,
        promises=tuple(p for p in policy.promises if any(isinstance(clause, Keep) for clause in p.clauses)),
    )


def _by_notice(policy: Policy) -> bool:
    duties = {duty for _, change in policy.clauses(Change) for duty in change.duties}
    return "contact-affected" in duties and "forward-only" not in duties


def _words(policy: Policy) -> Words:
    clauses = [clause for promise in policy.promises for clause in promise.clauses]
    return Words(
        actors=frozenset((PERSON, SITE, *policy.roles)),
        purposes=frozenset((*policy.purposes, RIGHTS_PURPOSE)),
        categories=frozenset(policy.categories),
        recipients=frozenset((*policy.recipients, *RECIPIENT_KINDS)),
        forms=frozenset(policy.forms),
        cookies=frozenset(c.name for c in clauses if isinstance(c, Cookies) and c.name is not None and c.at is None),
    )


def _tokens(policy: Policy, purpose: str) -> Tokens:
    serving = tuple(f"request/{kind.name}" for kind in policy.requests.values() if purpose in kind.serves)
    return Tokens(f"consent/{purpose}", f"notified/{purpose}", serving)


def _otherwise(policy: Policy) -> tuple[str, ...]:
    """The promises that default deny itself keeps."""
    return tuple(
        promise.id
        for promise in policy.promises
        if any(isinstance(clause, Never) and clause.otherwise for clause in promise.clauses)
    )


def _limits(
    by_key: Mapping[Key, Sequence[Grant]], otherwise: Sequence[str], order: Mapping[str, int]
) -> dict[tuple[str, str], Refuse]:
    """Who allows an action on a category anywhere thereby says where it ends."""
    elsewhere: dict[tuple[str, str], set[str]] = {}
    for key, granting in by_key.items():
        elsewhere.setdefault((key[0], key[3]), set()).update(grant.promise for grant in granting)
        if key[0] == "set-cookie":
            elsewhere.setdefault((key[0], ANY_COOKIE), set()).update(grant.promise for grant in granting)
    made: dict[tuple[str, ...], Refuse] = {}
    limits = {}
    for pair, ids in elsewhere.items():
        promises = tuple(sorted((ids | set(otherwise)) - {""}, key=order.__getitem__))
        limits[pair] = made.setdefault(
            promises, Refuse(promises, "this action on this category is allowed elsewhere, but not here")
        )
    return limits


class _Duties:
    """What comes with a permission, read off the policy once."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.keeping = keeping(policy)
        self.ways_out = [
            (promise.id, clause.channels)
            for promise in policy.promises
            for clause in promise.clauses
            if isinstance(clause, Right) and "opt-out" in clause.rights
        ]
        self.choices = [
            (promise.id, clause, clause.confirm)
            for promise in policy.promises
            for clause in promise.clauses
            if isinstance(clause, Choose) and clause.confirm is not None
        ]
        self.erase_by: dict[tuple[str, str], tuple[Obligation, ...]] = {}

    def of_cell(self, key: Key) -> tuple[Obligation, ...]:
        """The obligations that come whichever promise grants the cell."""
        action, _, purpose, category, _, form = key
        if action == "mail":
            offered = [
                Obligation("opt-out-link", "", promise) for promise, channels in self.ways_out if _reaches(channels)
            ]
            return tuple(offered) or (Obligation("opt-out-link", "", ""),)
        if action != "collect" or form is None:
            return ()
        if (category, form) not in self.erase_by:
            found = rule(self.keeping, category, form)
            self.erase_by[category, form] = (
                () if found is None else (Obligation("erase-by", _term(found[1]), found[0]),)
            )
        confirm = tuple(
            Obligation("confirm", channel, promise)
            for promise, choice, channel in self.choices
            if choice.form in (None, form) and (purpose in choice.purposes if choice.purposes else choice.form == form)
        )
        return self.erase_by[category, form] + confirm

    def of_grant(self, key: Key) -> str:
        """The duty that each granting promise asks for, or ""."""
        if key[0] == "call":
            return "record-call"
        if key[0] == "share" and kind_of(self.policy, key[4]) in LEGAL_KINDS:
            return "tell-the-person"
        return ""


def _reaches(channels: Sequence[str]) -> bool:
    return not channels or "mail" in channels


def _term(keep: Keep) -> str:
    """How long, as in the policy: a span, or the event's name."""
    return keep.until or span(keep.term or timedelta())


def span(term: timedelta) -> str:
    """A duration in words: `30 days`, or `12 hours` where it is no whole number of days."""
    hours = int(term.total_seconds()) // 3600
    count, unit = (hours // 24, "day") if hours % 24 == 0 else (hours, "hour")
    return f"{count} {unit}" + ("" if count == 1 else "s")


class _Kind(NamedTuple):
    """What makes two cells alike."""

    action: str
    ways: tuple[tuple[str, int], ...]  # who grants, and what that needs
    over: int  # the bans, as the index has them
    shared: tuple[Obligation, ...]
    each: str  # the duty that every granting promise asks for


def _cells(
    policy: Policy, by_key: Mapping[Key, Sequence[Grant]], index: Index, order: Mapping[str, int]
) -> dict[Key, Cell]:
    """A cell a key. Keys with the same grants, nevers and duties share one cell, so a wide policy stays small."""
    duties = _Duties(policy)
    made: dict[_Kind, Cell] = {}
    cells = {}
    for key, granting in by_key.items():
        over = 0 if key[0] in OWN_RIGHTS else index.over(*key[:5])
        ways = tuple((grant.promise, grant.needs) for grant in granting)
        kind = _Kind(key[0], ways, over, duties.of_cell(key), duties.of_grant(key))
        if kind not in made:
            made[kind] = _cell(kind, index.pick(over), order)
        cells[key] = made[kind]
    return cells


def _cell(kind: _Kind, over: Sequence[Ban], order: Mapping[str, int]) -> Cell:
    """All answers of one cell: first who grants and who blocks under each subset, then what a refusal lacks."""
    action, ways, _, shared, each = kind
    mask = 0
    for _, needs in ways:
        mask |= needs
    for ban in over:
        for alternative in ban.unless:
            mask |= alternative

    def ids(found: Iterable[str]) -> tuple[str, ...]:
        return tuple(sorted(set(found) - {""}, key=order.__getitem__))

    answers: dict[int, Answer] = {}
    allowed: list[int] = []
    for held in subsets(mask):
        granting = [promise for promise, needs in ways if needs & held == needs]
        if granting and not any(blocks(ban.unless, held) for ban in over):
            promises = ids(granting)
            own = [Obligation(each, "", promise) for promise in promises] if each else []
            answers[held] = Allow(promises, tuple(sorted({*shared, *own})))
            allowed.append(held)
    least = [held for held in allowed if not any(held ^ bit in answers for bit in single_bits(held))]
    for held in subsets(mask):
        if held not in answers:
            missing = min((way & ~held for way in least), key=lambda lacking: (lacking.bit_count(), lacking), default=0)
            blocking = [promise for ban in over if blocks(ban.unless, held) for promise in ban.promises]
            stopped = any(blocks(ban.unless, held) for ban in over)
            promises = ids(blocking) if stopped else ids(promise for promise, _ in ways)
            answers[held] = Refuse(promises, _reason(action, stopped, missing), names(missing))
    return Cell(mask, answers)


def blocks(unless: Sequence[int], held: int) -> bool:
    """Whether a never with these exceptions blocks when `held` holds."""
    return not any(alternative & held == alternative for alternative in unless)


def _reason(action: str, stopped: bool, missing: int) -> str:
    if not missing:
        return f"`{action}` is never allowed here"
    lacking = " and ".join(f"`{name}`" for name in names(missing))
    return (
        f"`{action}` is never allowed here unless {lacking} holds" if stopped else f"`{action}` needs {lacking} as well"
    )


def subsets(mask: int) -> Iterable[int]:
    """Every subset of the bits, the whole first and nothing last: 2 to the power of their number."""
    subset = mask
    while subset:
        yield subset
        subset = (subset - 1) & mask
    yield 0


def single_bits(mask: int) -> Iterable[int]:
    """Each bit by itself, lowest first."""
    while mask:
        lowest = mask & -mask
        yield lowest
        mask ^= lowest
