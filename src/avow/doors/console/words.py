"""The policy's words, put for a colleague: what things are called, how long they wait, why something is refused."""

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from avow.errors import Refused
from avow.policy import aggregates
from avow.policy.model import Collect, Contact, Policy, Use
from avow.policy.outside import outside

_QUOTED: Final = re.compile(r"`([^`]+)`")
_MISSING: Final[Mapping[str, str]] = {  # a condition that would have changed the answer -> what it would take
    "volunteered": "that the person gave it themself",
    "identified": "that the person themself asks, and has shown who they are",
    "request": "an open request of this person that this purpose serves",
    "consent": "that the person agreed to it, and still does",
    "approval": "that the person approved it in writing, naming who and what",
    "contract": "a contract with the recipient that is in force",
    "case": "an open legal case that two colleagues approved",
    "notice-owed": "that it is a notice which the policy itself owes the person",
    "no-opt-out": "that the person has not opted out",
    "notified": "that the notice of this new use has reached the person",
    "standing": "that you are on the staff in this role and have signed the agreement in force",
    "in-time": "that the time for which it may be kept is not over",
    "aggregate": "that nothing comes of it but figures over many people, under Statistics",
}
_RIGHTS: Final[Mapping[str, str]] = {
    "access": "a copy of everything", "correct": "to put something right", "erase": "to be erased",
    "opt-out": "not to be contacted", "withdraw": "to take an agreement back", "complain": "a complaint",
    "ask": "a question",
}  # fmt: skip
_ROUTES: Final[Mapping[str, str]] = {
    "mail": "by e-mail", "phone": "by telephone", "letter": "by letter", "form": "by a form",
    "centre": "in the privacy centre", "link": "by a link",
}  # fmt: skip
CHANNELS: Final[Mapping[str, str]] = {"mail": "e-mail", "post": "letters", "phone": "telephone calls"}
_AGES: Final = ((86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"))


class Refusal(NamedTuple):
    """A refusal in words: the decision's own reason, what would change it, and the promises that were kept by it."""

    reason: str
    instead: Sequence[str]  # who may see what was asked for, and what for, a sentence each
    missing: Sequence[str]
    promises: Sequence[tuple[str, str]]  # id, words


class Business(NamedTuple):
    """What a role may see of who made a request of a kind, for one purpose, and by which promises."""

    kind: str
    purpose: str
    categories: Sequence[str]
    promises: Sequence[str]


class Field(NamedTuple):
    """What a form of the policy asks for, as a field of a page."""

    name: str
    label: str
    says: str
    long: bool


class Words:
    """For one policy version."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._says = {promise.id: promise.says for promise in policy.promises}

    def label(self, name: str) -> str:
        """A name of the policy as a heading: `postal-address` is `Postal address`."""
        words = name.replace("-", " ")
        return words[:1].upper() + words[1:]

    def category(self, name: str) -> str:
        """The words by which the person knows this category; "" for none."""
        known = self._policy.categories.get(name)
        return known.says if known else ""

    def purpose(self, name: str) -> str:
        """The words by which the person knows this purpose; "" for none."""
        known = self._policy.purposes.get(name)
        return known.says if known else ""

    def kind(self, name: str) -> str:
        """What sort of request it is, beginning with a capital letter."""
        known = self._policy.requests.get(name)
        return self.label(known.says if known and known.says else name)

    def right(self, name: str) -> str:
        """What a rights request is for."""
        return _RIGHTS.get(name, name)

    def offices(self, right: str | None) -> Sequence[str]:
        """Where else who asks for this right can turn to; none but for a complaint."""
        return outside(self._policy) if right == "complain" else ()

    def route(self, name: str) -> str:
        """By which way it came."""
        return _ROUTES.get(name, name)

    def recipient(self, name: str | None) -> str:
        """Whom figures are for."""
        return aggregates.recipient(self._policy, name)

    def figures(self, role: str) -> bool:
        """Whether the policy lets a role ask for statistics."""
        return aggregates.asks(self._policy, role)

    def role(self, name: str) -> str:
        """Who the people of a role are; "" where the policy does not say."""
        known = self._policy.roles.get(name)
        return known.says if known else ""

    def serves(self, kind: str) -> Sequence[str]:
        """The purposes that a request of this kind serves, for whichever role."""
        known = self._policy.requests.get(kind)
        return known.serves if known else ()

    def channel(self, category: str) -> str:
        """By what channel the person is reached under this category; "" for none."""
        known = self._policy.categories.get(category)
        return known.channel or "" if known else ""

    def by_hand(self) -> list[str]:
        """The channels by which colleagues themselves reach somebody, as far as the policy knows an address of theirs."""
        known = {each.channel for each in self._policy.categories.values()}
        return [channel for channel in ("phone", "post") if channel in known]

    def asked_first(self, role: str, purpose: str) -> list[str]:
        """The categories that a role gets by asking whether it may call or write for a purpose, and not by ticking."""
        channels = {
            channel for _, c in self._policy.clauses(Contact) if role in c.by and purpose in c.purposes
            for channel in c.channels if channel != "mail"
        }  # fmt: skip
        return [name for name, each in self._policy.categories.items() if each.channel in channels]

    def addresses(self) -> list[tuple[str, str]]:
        """What somebody may be told by who wants no more mail, letters or calls: name, and label."""
        known = self._policy.categories
        return [(name, self.label(name)) for name in self.held() if known[name].look_up or known[name].channel]

    def channels(self) -> list[tuple[str, str]]:
        """The channels by which the policy knows an address of people: name, and what comes by it."""
        known = {each.channel for each in self._policy.categories.values()}
        return [(name, says) for name, says in CHANNELS.items() if name in known]

    def forms(self) -> list[tuple[str, str]]:
        """The site's own forms that open a request: name, and what is asked for by it."""
        forms = self._policy.forms.values()
        return [(form.name, self.kind(form.opens)) for form in forms if form.opens and form.at is None]

    def fields(self, form: str) -> list[Field]:
        """What a form asks for, in the order of the policy, as far as it is held here."""
        here = set(self.held())
        asked: dict[str, None] = {}
        for _, clause in self._policy.clauses(Collect):
            if clause.form == form:
                asked |= dict.fromkeys(name for name in (*clause.asks, *clause.optional) if name in here)
        known = self._policy.categories
        return [
            Field(name, self.label(name), known[name].says, known[name].term in {"Communication", "PhysicalAddress"})
            for name in asked
        ]

    def purposes(self) -> list[tuple[str, str]]:
        """Every purpose: name, and label."""
        return [(name, self.label(name)) for name in self._policy.purposes]

    def held(self) -> list[str]:
        """The categories that may be held here of a person, in the order of the policy."""
        return [name for name, each in self._policy.categories.items() if not each.held_by and not each.apart]

    def look_ups(self) -> list[tuple[str, str]]:
        """The categories by which a person is found: name, and label."""
        return [(name, self.label(name)) for name in self.held() if self._policy.categories[name].look_up]

    def roles(self) -> list[tuple[str, str]]:
        """The roles of the staff: name, and label with words."""
        known = self._policy.roles.values()
        return [(role.name, f"{self.label(role.name)}{f': {role.says}' if role.says else ''}") for role in known]

    def business(self, role: str) -> list[Business]:
        """What the role's business is, as far as the promises grant it; each look is decided anew all the same."""
        here = set(self.held())
        found: list[Business] = []
        for kind, request in self._policy.requests.items():
            for purpose in request.serves:
                granting = [
                    (name, clause)
                    for name, clause in self._policy.clauses(Use)
                    if role in clause.by and purpose in clause.purposes
                ]
                seen = dict.fromkeys(name for _, clause in granting for name in clause.categories if name in here)
                if seen:
                    found.append(Business(kind, purpose, list(seen), list(dict.fromkeys(each for each, _ in granting))))
        return found

    def why(self, refused: Refused, categories: Sequence[str] = ()) -> Refusal:
        """A refusal in words; `categories` were asked for."""
        instead = [self._seen_by(name) for name in dict.fromkeys(categories) if name in self._policy.categories]
        missing = [_MISSING[name] for name in _QUOTED.findall(refused.reason) if name in _MISSING]
        return Refusal(
            refused.reason, instead, missing, [(each, self._says.get(each, "")) for each in refused.promises]
        )

    def _seen_by(self, category: str) -> str:
        found: dict[str, dict[str, None]] = {}  # role -> purposes
        for _, clause in self._policy.clauses(Use):
            if category in clause.categories:
                for role in clause.by:
                    if role in self._policy.roles:
                        found.setdefault(role, {}).update(dict.fromkeys(clause.purposes))
        if not found:
            return f"{self.label(category)}: no colleague of any role sees it."
        each = (f"{self.label(role)} for {listed([p.replace('-', ' ') for p in why])}" for role, why in found.items())
        return f"{self.label(category)}: our policy shows it to {'; to '.join(each)}."


def listed(words: Sequence[str]) -> str:
    """One, or several with commas and an "and"."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def age(opened: int, now: int) -> str:
    """How long something has waited, both in ms: the largest unit that fits."""
    waited = max(0, now - opened)
    for length, unit in _AGES:
        if waited >= length:
            count = waited // length
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "less than a minute"


def sentence(said: object) -> str:
    """What an error says, as a sentence of its own."""
    words = str(said)
    return f"{words[:1].upper()}{words[1:]}."
