"""What a policy says about a web application, laid out for one look-up a question. Made once; pure.

Which promise a refusal names is decided here, in the order of the policy.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeVar

from avow.policy.model import SITE, Clause, Collect, Cookies, Inform, Measure, Needs, Never, Policy, Protect, Topic

CARD_TERMS: Final = frozenset({"PaymentCardNumber", "BankAccount"})
# DPV terms of purposes without which what the person asked for cannot be done; Sec-GPC stops cookies for all others
STRICTLY_NEEDED: Final = frozenset(
    {
        "RequestedServiceProvision", "ServiceProvision", "TechnicalServiceProvision", "PaymentManagement",
        "FulfilmentOfContractualObligation", "CustomerOrderManagement", "DeliveryOfGoods", "IdentityAuthentication",
        "EnforceSecurity", "EnforceAccessControl",
    }
)  # fmt: skip
_PREFIXES: Final = ("__Host-", "__Secure-")


@dataclass(frozen=True, slots=True)
class Declared:
    """A cookie that the site may set.

    `sent` is the name that the browser sees. `alternatives`: the cookie may be set where all conditions of one of each
    never's alternatives, and of `needs`, hold; `on-path` among them is the guard's own finding.
    """

    name: str
    sent: str
    purpose: str
    paths: tuple[str, ...]
    lifetime: timedelta | None
    needs: Needs
    nevers: tuple[tuple[Needs, ...], ...]
    needed: bool  # strictly, for what the person asked for
    promises: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """The policy's answers. Every tuple of texts is one of promise ids, unless it says otherwise."""

    cookies: Mapping[str, Declared]  # by declared name
    no_cookies: bool  # the site promises that it sets none at all
    undeclared_cookie: tuple[str, ...]
    tls: tuple[str, ...]
    subresource: tuple[str, ...]
    cards: tuple[str, ...]
    takes_cards: bool  # the site is itself the one that card numbers are given to
    leaving: tuple[str, ...]  # promises of a notice on links to other sites
    partner: Mapping[str, tuple[str, ...]]  # recipient -> promises of a notice before going there
    processor_policy: Mapping[str, tuple[str, ...]]  # recipient -> promises of a link to its policy
    policy_link: tuple[str, ...]
    policy_version: tuple[str, ...]  # beside each link to the policy

    @property
    def notices(self) -> bool:
        """Whether anybody is told anything before leaving."""
        return bool(self.leaving or self.partner)


def rules_of(policy: Policy) -> Rules:
    """Lay a policy out."""
    ids = _Ids(policy)
    own = [clause for clause in _clauses(policy, Cookies) if clause.at is None]
    return Rules(
        cookies={clause.name: _declared(policy, ids, clause) for clause in own if clause.name is not None},
        no_cookies=any(clause.name is None for clause in own),
        undeclared_cookie=ids.of(_limits_cookies),
        tls=ids.of(lambda clause: _protects(clause, "tls")),
        subresource=ids.of(lambda clause: _protects(clause, "content-security-policy")),
        cards=ids.of(lambda clause: _protects(clause, "no-payment-data"))
        or ids.of(lambda clause: isinstance(clause, Collect) and _has_card(policy, clause)),
        takes_cards=any(
            _has_card(policy, clause, ours=True) and policy.forms[clause.form].at is None
            for clause in _clauses(policy, Collect)
        ),
        leaving=ids.of(lambda clause: _informs(clause, "leaving-notice")),
        partner=_about(policy, ids, "partner-notice"),
        processor_policy=_about(policy, ids, "processor-policy"),
        policy_link=ids.of(lambda clause: _informs(clause, "policy-link")),
        policy_version=ids.of(lambda clause: _informs(clause, "policy-link") and _informs(clause, "policy-version")),
    )


class _Ids:
    """Promises by what their clauses say."""

    def __init__(self, policy: Policy) -> None:
        self._promises = policy.promises

    def of(self, holds: Callable[[Clause], bool]) -> tuple[str, ...]:
        """The promises with a clause of which that holds."""
        return tuple(one.id for one in self._promises if any(map(holds, one.clauses)))


_Kind = TypeVar("_Kind", bound=Clause)


def _clauses(policy: Policy, kind: type[_Kind]) -> Iterator[_Kind]:
    """All clauses of one kind."""
    return (clause for _, clause in policy.clauses(kind))


def _declared(policy: Policy, ids: _Ids, clause: Cookies) -> Declared:
    name, purpose = clause.name or "", clause.purpose or ""

    def speaks(other: Clause) -> bool:
        if isinstance(other, Cookies):
            return other.name == name and other.at is None
        return isinstance(other, Never) and _covers(other, name, purpose)

    return Declared(
        name=name,
        sent=sent_name(name, clause.paths),
        purpose=purpose,
        paths=clause.paths,
        lifetime=clause.lifetime,
        needs=clause.needs,
        nevers=tuple(never.unless for never in _clauses(policy, Never) if _covers(never, name, purpose)),
        needed=policy.purposes[purpose].term in STRICTLY_NEEDED,
        promises=ids.of(speaks),
    )


def sent_name(name: str, paths: Collection[str]) -> str:
    """The declared name as the browser gets it: with a prefix that makes the browser hold it to its promise."""
    if name.startswith(_PREFIXES):
        return name
    return ("__Host-" if tuple(paths) == ("/",) else "__Secure-") + name


def _covers(never: Never, name: str, purpose: str) -> bool:
    """Whether it refuses that the site sets this cookie."""
    return (
        not never.otherwise
        and (not never.actions or "set-cookie" in never.actions)
        and (not never.categories or name in never.categories)
        and (not never.purposes or purpose in never.purposes)
        and (not never.by or SITE in never.by)
        and not never.recipients
    )


def _limits_cookies(clause: Clause) -> bool:
    """Whether it speaks against a cookie that nobody declared."""
    if isinstance(clause, Cookies):
        return clause.at is None
    return isinstance(clause, Never) and _covers(clause, "", "") and "set-cookie" in clause.actions


def _protects(clause: Clause, measure: Measure) -> bool:
    return isinstance(clause, Protect) and measure in clause.measures


def _informs(clause: Clause, topic: Topic) -> bool:
    return isinstance(clause, Inform) and topic in clause.topics


def _has_card(policy: Policy, clause: Collect, *, ours: bool = False) -> bool:
    """Whether the form asks for a card's or account's number; `ours`: and the site itself holds it."""
    return any(
        policy.categories[name].term in CARD_TERMS and (not ours or policy.categories[name].held_by is None)
        for name in (*clause.asks, *clause.optional)
    )


def _about(policy: Policy, ids: _Ids, topic: Topic) -> dict[str, tuple[str, ...]]:
    """Recipient -> the promises that tell this about it."""

    def tells(name: str) -> Callable[[Clause], bool]:
        return lambda clause: _informs(clause, topic) and name in (getattr(clause, "recipients", ()) or (name,))

    told = {name: ids.of(tells(name)) for name in policy.recipients}
    return {name: promises for name, promises in told.items() if promises}
