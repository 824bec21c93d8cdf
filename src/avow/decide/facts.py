"""A person's facts line, and the facts that it makes for one request.

Pure: the moment is passed in. Rules: docs/policy-language.md, section 4. The line is what the store keeps with each
subject: tokens of words, sorted, with one space between them, none of them twice.

    consent/PURPOSE                       agreed to the purpose
    consent/share/RECIPIENT/CATEGORY      agreed to the recipient's having the category; consent/sell/… to its sale
    approval/RECIPIENT/CATEGORY           the same in writing
    case/RECIPIENT/CATEGORY@UNTIL         an open case
    request/KIND                          at least one open service request of the kind
    opt-out/CHANNEL                       not to be reached by it
    notified/PURPOSE                      the notice of a new use was delivered
    agreed/… declined/… told/… under/…    about versions of the policy: see avow.decide.history

RECIPIENT is a declared one's name, or `kind:name`, percent-encoded, of one that is not declared. Any token may end in
`@` and a moment in milliseconds since 1970, UTC: it holds strictly before that moment.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final
from urllib.parse import quote

from avow.decide.grants import REACHING
from avow.decide.request import BIT, NOTHING, Facts, Request
from avow.decide.table import CHANNEL, Table, Tokens
from avow.policy.model import CHANNELS, RECIPIENT_KINDS, Channel

FOREVER: Final = 1 << 63  # later than any moment
ANY_CHANNEL: Final = "opt-out"
NO_TOKENS: Final = Tokens("", "", ())
NO_DUE: Final[Mapping[str, int | None]] = {}
_CONSENT: Final = BIT["consent"]
_REQUEST: Final = BIT["request"]
_NOTIFIED: Final = BIT["notified"]
_CONTRACT: Final = BIT["contract"]
_APPROVAL: Final = BIT["approval"]
_CASE: Final = BIT["case"]
_NO_OPT_OUT: Final = BIT["no-opt-out"]
_IN_TIME: Final = BIT["in-time"]
DISCLOSING: Final = frozenset(("share", "sell"))  # to these a person agrees by recipient and category, not by purpose
_KINDS: Final = frozenset(RECIPIENT_KINDS)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the surroundings vouch for at the moment of one request; nothing of it is stored with the person.

    Make one for each kind of caller and keep it: `held`, the same as bits, is made once.
    """

    identified: bool = False
    volunteered: bool = False
    notice_owed: bool = False
    standing: bool = False
    affiliate_link: bool = False
    on_path: bool = False
    aggregate: bool = False
    held: int = field(init=False, repr=False, compare=False)

    def __hash__(self) -> int:
        return self.held

    def __post_init__(self) -> None:
        held = self.identified and BIT["identified"]
        held |= self.volunteered and BIT["volunteered"]
        held |= self.notice_owed and BIT["notice-owed"]
        held |= self.standing and BIT["standing"]
        held |= self.affiliate_link and BIT["affiliate-link"]
        held |= self.on_path and BIT["on-path"]
        held |= self.aggregate and BIT["aggregate"]
        object.__setattr__(self, "held", held)


def facts(
    table: Table,
    ask: Request,
    line: str,
    *,
    at: int,
    circumstances: Circumstances,
    identity: str | None = None,
    due: Mapping[str, int | None] = NO_DUE,
) -> Facts:
    """What holds for the person behind `line`, for this request, at the moment `at` (milliseconds since 1970, UTC).

    `identity` names the true recipient where the request has only its kind; the tokens of the line use it. `due` has
    the last millisecond at which each category may be used, None (or no entry) for no end: a datum that is exactly as
    old as its retention is in time. Reads no clock and nothing stored. A malformed token holds nothing.
    """
    known = standing(line)
    purpose = table.tokens.get(ask.purpose, NO_TOKENS)
    held = circumstances.held
    if known:
        for token in purpose.requests:
            if known.get(token, 0) > at:
                held |= _REQUEST
                break
        if known.get(purpose.notified, 0) > at:
            held |= _NOTIFIED
        if ask.action not in DISCLOSING and known.get(purpose.consent, 0) > at:
            held |= _CONSENT
    categories = ask.categories
    recipient = None
    if ask.recipient is not None:
        held |= _contract(table, ask.recipient, at)
        if ask.action in DISCLOSING:
            recipient = named(table, ask.recipient, identity)
    if len(categories) == 1:
        return plain(held | _of_category(table, ask, known, categories[0], recipient, at, due))
    each = {name: _of_category(table, ask, known, name, recipient, at, due) for name in categories}
    return plain(held) if not any(each.values()) else Facts(held, each)


def _contract(table: Table, recipient: str, at: int) -> int:
    term = table.contracts.get(recipient)
    return _CONTRACT if term is not None and term[0] <= at < term[1] else 0


def named(table: Table, recipient: str, identity: str | None) -> str | None:
    """The recipient as the tokens have it. Whoever is declared must be asked for by name, not hidden behind a kind."""
    if recipient in table.declared or recipient not in _KINDS:
        return recipient
    return None if identity is None or identity in table.declared else escaped(identity)


def _of_category(
    table: Table,
    ask: Request,
    known: Mapping[str, int],
    category: str,
    recipient: str | None,
    at: int,
    due: Mapping[str, int | None],
) -> int:
    last = due.get(category)
    held = _IN_TIME if last is None or at <= last else 0
    if known and recipient is not None:
        if known.get(f"consent/{ask.action}/{recipient}/{category}", 0) > at:
            held |= _CONSENT
        if known.get(f"approval/{recipient}/{category}", 0) > at:
            held |= _APPROVAL
        if known.get(f"case/{recipient}/{category}", 0) > at:
            held |= _CASE
    action = ask.action
    channel = CHANNEL[action] if action in REACHING else table.channels.get(category)
    return held if known.get(_OPT_OUTS[channel], 0) > at else held | _NO_OPT_OUT


@lru_cache(maxsize=1 << 14)  # there are no more sets of conditions than that
def plain(held: int) -> Facts:
    """Facts that are the same for every category; equal ones are one value."""
    return Facts(held, NOTHING)


@lru_cache(maxsize=4096)
def standing(line: str) -> Mapping[str, int]:
    """What the line says: each token without its expiry -> until when it holds.

    `ANY_CHANNEL` stands for the latest opt-out of all.
    """
    known: dict[str, int] = {}
    for token in tokens(line):
        word, until = token, FOREVER
        if "@" in token:
            start, _, end = token.rpartition("@")
            if end.isdecimal() and end.isascii() and len(end) < 20:
                word, until = start, int(end)
        elif word.startswith("opt-out/"):
            known[ANY_CHANNEL] = max(until, known.get(ANY_CHANNEL, 0))
        if until > known.get(word, 0):
            known[word] = until
    return known


def tokens(line: str) -> tuple[str, ...]:
    """The tokens of a line."""
    return tuple(line.split())


def add(line: str, token: str) -> str:
    """The line with this token in it. A token with another expiry is another token: to shorten, drop first.

    Raises ValueError for what is no token: nothing at all, or white space in it.
    """
    if not token or token != "".join(token.split()):
        raise ValueError("a token is one word without white space")
    return " ".join(sorted({*tokens(line), token}))


def drop(line: str, start: str) -> str:
    """The line without `start` itself, with or without an expiry, and without what stands below it (`start/…`)."""
    return " ".join(
        token for token in tokens(line) if token != start and not token.startswith((f"{start}/", f"{start}@"))
    )


@lru_cache(maxsize=1024)
def escaped(identity: str) -> str:
    """A recipient's name as the tokens have it: names of the policy as they are, else percent-encoded."""
    return quote(identity, safe="")


def consent(purpose: str) -> str:
    """The token of an agreement to a purpose."""
    return f"consent/{purpose}"


def consent_to(way: str, recipient: str, category: str) -> str:
    """The token of an agreement that a recipient has a category; `way` is `share` or `sell`."""
    return f"consent/{way}/{escaped(recipient)}/{category}"


def approval(recipient: str, category: str) -> str:
    """The token of a written approval."""
    return f"approval/{escaped(recipient)}/{category}"


def case(recipient: str, category: str, until: int) -> str:
    """The token of an open case, which ends at `until` (milliseconds since 1970, UTC)."""
    return f"case/{escaped(recipient)}/{category}@{until}"


def request(kind: str) -> str:
    """The token of open service requests of a kind. Which ones, the store knows: so the lines of many are alike."""
    return f"request/{kind}"


def opt_out(channel: Channel) -> str:
    """The token of an opt-out."""
    return f"opt-out/{channel}"


def notified(purpose: str) -> str:
    """The token of a delivered notice of a new use."""
    return f"notified/{purpose}"


# for a category that is the address of no channel, an opt-out from any counts
_OPT_OUTS: Final[Mapping[str | None, str]] = {None: ANY_CHANNEL, **{channel: opt_out(channel) for channel in CHANNELS}}
