"""What a policy says, as frozen values.

A `Policy` is only ever built by `avow.policy.parse`, which has found it free of faults: every name that a promise
uses is declared. Rules: docs/policy-language.md.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal, TypeVar

Action = Literal[
    "collect", "use", "share", "sell", "summarise", "mail", "post", "call", "link", "set-cookie",
    "access", "correct", "erase",
]  # fmt: skip
ACTIONS: Final[tuple[Action, ...]] = (
    "collect",  # take a category in through a form
    "use",  # read a category
    "share",  # let a recipient have a category
    "sell",  # the same, for something in return
    "summarise",  # release a statistic made from a category, without anyone in it
    "mail", "post", "call",  # reach the person by e-mail, letter, telephone
    "link",  # tie a category to the person it is kept apart from
    "set-cookie",
    "access", "correct", "erase",  # the person's own rights
)  # fmt: skip
CONTACT: Final[Mapping[str, Action]] = {"mail": "mail", "post": "post", "phone": "call"}  # channel -> action

Condition = Literal[
    "volunteered", "identified", "request", "consent", "approval", "contract", "case", "notice-owed", "no-opt-out",
    "notified", "standing", "in-time", "affiliate-link", "on-path", "aggregate",
]  # fmt: skip
CONDITIONS: Final[tuple[Condition, ...]] = (
    "volunteered",  # the person submitted it, or it was imported with its provenance
    "identified",  # the one who acts has been verified as the person
    "request",  # the person has an open service request that the purpose serves
    "consent",  # the person agreed to this purpose (and, when shared or sold, to this recipient and category)
    "approval",  # a stored, dated, written statement of the person names this recipient and category
    "contract",  # the processor's contract is in force
    "case",  # an open case with ground, scope, expiry and two approvers covers this recipient and category
    "notice-owed",  # the message is one that a promise itself requires
    "no-opt-out",  # the person has not opted out of this channel
    "notified",  # the notice of this new use was delivered to the person
    "standing",  # the staff member is active and has signed the agreement that the policy asks for
    "in-time",  # the datum is not past its retention (exactly as old is in time)
    "affiliate-link",  # the visitor came by an affiliate link
    "on-path",  # the page lies under a path that the cookie is declared for
    "aggregate",  # nothing comes of it but a release of statistics, in which nobody can be found
)
Needs = frozenset[Condition]

RecipientKind = Literal["processor", "third-party", "list-broker", "authority", "fraud-prevention", "public"]
RECIPIENT_KINDS: Final[tuple[RecipientKind, ...]] = (
    "processor", "third-party", "list-broker", "authority", "fraud-prevention", "public",
)  # fmt: skip

Count = Literal["region", "duration", "section", "browser", "system", "network", "visitors", "address"]
COUNTS: Final[tuple[Count, ...]] = (
    "region",  # the part of the world that the address is of
    "duration",  # how long it lasted, in four steps
    "section",  # which parts of the site it went to
    "browser", "system",  # kinds of browser and operating system
    "network",  # the domain of the network that it came from
    "visitors",  # how many different ones came in a day
    "address",  # the IP address, in the operational log alone
)  # fmt: skip

Channel = Literal["mail", "post", "phone"]
CHANNELS: Final[tuple[Channel, ...]] = ("mail", "post", "phone")

PERSON: Final = "person"  # the actor: the subject themself
SITE: Final = "site"  # the actor: the merchant's software, no human looking
RIGHTS_PURPOSE: Final = "rights"  # the one purpose that needs no declaration


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in the policy file. Both count from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Category:
    """A category of personal data. `term` is its DPV name, for example `EmailAddress`."""

    name: str
    term: str
    says: str = ""  # in words, for people; the name with spaces when the policy gives none
    look_up: bool = False  # the person can be found by it
    channel: Channel | None = None  # the person can be reached by it
    held_by: str | None = None  # the processor that alone holds it: it never enters the merchant
    apart: str | None = None  # the room it is kept in, away from persons
    counts: tuple[Count, ...] = ()  # what of a visit it stands for, where it is kept apart
    place: Place = Place(1, 1)

    @property
    def with_person(self) -> bool:
        """Whether the merchant may hold it with the person it is of: neither a processor's alone, nor kept apart."""
        return not (self.held_by or self.apart)


@dataclass(frozen=True, slots=True)
class Purpose:
    """What data are used for. `says` is what the person reads; `term` its DPV name."""

    name: str
    term: str
    says: str
    place: Place = Place(1, 1)


@dataclass(frozen=True, slots=True)
class RequestKind:
    """A kind of service request and the purposes that an open one serves."""

    name: str
    serves: tuple[str, ...]
    says: str = ""
    place: Place = Place(1, 1)


@dataclass(frozen=True, slots=True)
class Contract:
    """In force on `from_` and up to, but not on, `to`. Days in UTC."""

    from_: date
    to: date
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody outside. `policy` is the URL of the recipient's own privacy policy."""

    name: str
    kind: RecipientKind
    says: str
    policy: str | None = None
    contract: Contract | None = None
    origin: str | None = None
    place: Place = Place(1, 1)


@dataclass(frozen=True, slots=True)
class Role:
    """A role of the merchant's staff."""

    name: str
    says: str = ""
    place: Place = Place(1, 1)


@dataclass(frozen=True, slots=True)
class Form:
    """A form that asks for personal data.

    `at` is the processor on whose pages it stands, None for the merchant. `opens` is the kind of service request
    that submitting it opens, if any.
    """

    name: str
    says: str = ""
    at: str | None = None
    opens: str | None = None
    place: Place = Place(1, 1)


@dataclass(frozen=True, slots=True)
class Collect:
    """Take `asks` (required) and `optional` categories in through a form, for the purposes named there."""

    form: str
    asks: tuple[str, ...]
    optional: tuple[str, ...]
    purposes: tuple[str, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Use:
    """The actors `by` may read the categories for the purposes while all of `needs` hold."""

    categories: tuple[str, ...]
    purposes: tuple[str, ...]
    by: tuple[str, ...]
    needs: Needs
    place: Place


@dataclass(frozen=True, slots=True)
class Share:
    """A recipient may have the categories. `way` is `share`, `sell` or `summarise` (statistics only)."""

    way: Literal["share", "sell", "summarise"]
    categories: tuple[str, ...]
    recipients: tuple[str, ...]  # names, or kinds for recipients that are not declared
    purposes: tuple[str, ...]
    by: tuple[str, ...]
    needs: Needs
    place: Place


@dataclass(frozen=True, slots=True)
class Never:
    """Refused, whatever else allows it, unless all conditions of one of the alternatives in `unless` hold.

    An empty dimension means every value of it, declared or not. `otherwise` marks the promise that default deny
    itself keeps: it is named by refusals that no other promise explains and it blocks nothing of its own.
    """

    actions: tuple[Action, ...]
    categories: tuple[str, ...]
    purposes: tuple[str, ...]
    recipients: tuple[str, ...]
    by: tuple[str, ...]
    unless: tuple[Needs, ...]
    otherwise: bool
    place: Place


@dataclass(frozen=True, slots=True)
class Cookies:
    """One declared cookie; `name` None says that no cookie is ever set. `at`: the recipient on whose origin it is set."""

    name: str | None
    purpose: str | None
    paths: tuple[str, ...]
    lifetime: timedelta | None  # None: until the browser closes
    at: str | None
    needs: Needs
    place: Place


@dataclass(frozen=True, slots=True)
class Contact:
    """The person may be reached by the channels for the purposes while all of `needs` hold."""

    channels: tuple[Channel, ...]
    purposes: tuple[str, ...]
    by: tuple[str, ...]
    needs: Needs
    despite_opt_out: bool  # only for notices owed, and only where a promise says so
    place: Place


@dataclass(frozen=True, slots=True)
class Choose:
    """A choice put to the person: agreeing to purposes, or to a recipient's having categories."""

    purposes: tuple[str, ...]
    recipients: tuple[str, ...]
    categories: tuple[str, ...]
    form: str | None
    confirm: Literal["mail"] | None  # the agreement counts once confirmed by that channel
    written: bool  # the agreement is a written approval
    place: Place


@dataclass(frozen=True, slots=True)
class Keep:
    """How long. Exactly one of `term` and `until` (an event's name) is set."""

    categories: tuple[str, ...]  # empty: every category without a rule of its own
    forms: tuple[str, ...]  # empty: whatever form it came through
    term: timedelta | None
    until: str | None
    place: Place


@dataclass(frozen=True, slots=True)
class KeepApart:
    """The categories are kept where nothing ties them to a person."""

    categories: tuple[str, ...]
    place: Place


Measure = Literal[
    "tls", "mail-tls", "encryption-at-rest", "authentication", "limited-access", "confidentiality-agreement",
    "private-server", "tamper-evidence", "backup", "no-payment-data", "content-security-policy", "no-bulk-export",
    "site-boundary", "hosted-checkout",
]  # fmt: skip
MEASURES: Final[tuple[Measure, ...]] = Measure.__args__  # type: ignore[attr-defined]  # a Literal's members, once


@dataclass(frozen=True, slots=True)
class Protect:
    """Technical and organisational measures."""

    measures: tuple[Measure, ...]
    place: Place


RightName = Literal["access", "correct", "erase", "opt-out", "complain", "ask", "withdraw"]
RIGHTS: Final[tuple[RightName, ...]] = RightName.__args__  # type: ignore[attr-defined]  # a Literal's members, once
Route = Literal["mail", "phone", "letter", "form", "centre", "link"]
ROUTES: Final[tuple[Route, ...]] = Route.__args__  # type: ignore[attr-defined]  # a Literal's members, once


@dataclass(frozen=True, slots=True)
class Right:
    """What the person may ask for, through which routes, answered within which time."""

    rights: tuple[RightName, ...]
    routes: tuple[Route, ...]
    channels: tuple[Channel, ...]  # for opt-out: of what; empty: of all
    within: timedelta | None
    offices: tuple[str, ...]  # for complaints: outside offices that are named
    place: Place


ChangeDuty = Literal["post", "announce", "forward-only", "contact-affected", "accept-by-use"]
CHANGE_DUTIES: Final[tuple[ChangeDuty, ...]] = ChangeDuty.__args__  # type: ignore[attr-defined]  # as above


@dataclass(frozen=True, slots=True)
class Change:
    """What must happen when the policy changes. `bounce` is how long a notice may still come back undelivered."""

    duties: tuple[ChangeDuty, ...]
    bounce: timedelta | None
    place: Place


Topic = Literal[
    "policy-link", "policy-version", "policy-page", "contact-routes", "leaving-notice", "partner-notice",
    "processor-policy", "what-changed", "order-status", "returning-customer",
]  # fmt: skip
TOPICS: Final[tuple[Topic, ...]] = Topic.__args__  # type: ignore[attr-defined]  # as above


@dataclass(frozen=True, slots=True)
class Inform:
    """What people are told, and where."""

    topics: tuple[Topic, ...]
    recipients: tuple[str, ...]
    place: Place


Clause = (
    Collect | Use | Share | Never | Cookies | Contact | Choose | Keep | KeepApart | Protect | Right | Change | Inform
)


@dataclass(frozen=True, slots=True)
class Source:
    """Where in the published text the promise stands. `sentence` counts from 1 within the section."""

    section: str
    sentence: int


@dataclass(frozen=True, slots=True)
class Attestation:
    """A person vouches for what no check can see. Counts up to, but not on, `until`."""

    by: str
    until: date


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise: its id, its words, where they come from, and the clauses that keep it."""

    id: str
    says: str
    source: Source
    clauses: tuple[Clause, ...]
    attest: Attestation | None
    place: Place


@dataclass(frozen=True, slots=True)
class Controller:
    """Who makes the promises."""

    name: str
    contact: Mapping[str, str]  # email, phone, post, form -> address
    url: str | None = None


C = TypeVar("C", bound=Clause)


@dataclass(frozen=True, slots=True)
class Policy:
    """A whole policy. `digest` is the SHA-256 of the file's bytes: the version's true name."""

    site: str
    version: date
    controller: Controller
    categories: Mapping[str, Category]
    purposes: Mapping[str, Purpose]
    requests: Mapping[str, RequestKind]
    recipients: Mapping[str, Recipient]
    roles: Mapping[str, Role]
    forms: Mapping[str, Form]
    promises: tuple[Promise, ...]
    digest: bytes
    source: str  # the file's text

    def clauses(self, kind: type[C]) -> Iterator[tuple[str, C]]:
        """Every clause of a kind with the id of its promise, in the order of the policy."""
        return ((promise.id, one) for promise in self.promises for one in promise.clauses if isinstance(one, kind))
