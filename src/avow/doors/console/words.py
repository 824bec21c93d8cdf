"""The policy's words, put for a colleague: what things are called, how long they wait, why something is refused."""

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from avow.errors import Refused
from avow.policy.model import Policy, Use

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

    def route(self, name: str) -> str:
        """By which way it came."""
        return _ROUTES.get(name, name)

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
                    (promise.id, clause)
                    for promise in self._policy.promises
                    for clause in promise.clauses
                    if isinstance(clause, Use) and role in clause.by and purpose in clause.purposes
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
        for promise in self._policy.promises:
            for clause in promise.clauses:
                if isinstance(clause, Use) and category in clause.categories:
                    for role in clause.by:
                        if role in self._policy.roles:
                            found.setdefault(role, {}).update(dict.fromkeys(clause.purposes))
        if not found:
            return f"{self.label(category)}: no colleague of any role sees it."
        each = (f"{self.label(role)} for {_listed([p.replace('-', ' ') for p in why])}" for role, why in found.items())
        return f"{self.label(category)}: our policy shows it to {'; to '.join(each)}."


def _listed(words: Sequence[str]) -> str:
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
