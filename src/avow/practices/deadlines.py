"""Rights requests in words and time: which right, by which route it came, until when the policy promises an answer. Pure.

A rights request is a service request whose kind says the right and the route: `rights-request/access/letter`. What it
serves, and the fact that it is open, go by the kind's first word, which the policy declares.
"""

from typing import Final, NamedTuple

from avow.errors import UnknownWord
from avow.policy.model import RIGHTS, ROUTES, Policy, Right, RightName, Route

RIGHTS_REQUEST: Final = "rights-request"
_FORMS: Final[dict[str, RightName]] = {"complaint": "complain", "question": "ask"}  # what forms open is a right, too


class Asked(NamedTuple):
    """What a request's kind says. `kind`: the policy's word. Right and route are None where it is about neither."""

    kind: str
    right: RightName | None
    route: Route | None


def kind_of(right: str, route: str) -> str:
    """The kind of a rights request. Raises `UnknownWord`."""
    if right not in RIGHTS:
        raise UnknownWord(f"that is no right; the rights are {', '.join(RIGHTS)}")
    if route not in ROUTES:
        raise UnknownWord(f"that is no route; the routes are {', '.join(ROUTES)}")
    return f"{RIGHTS_REQUEST}/{right}/{route}"


def asked(kind: str) -> Asked:
    """A kind taken apart."""
    word, _, rest = kind.partition("/")
    if word != RIGHTS_REQUEST:
        return Asked(word, _FORMS.get(word), "form" if word in _FORMS else None)
    right, _, route = rest.partition("/")
    return Asked(
        word, next((one for one in RIGHTS if one == right), "ask"), next((one for one in ROUTES if one == route), None)
    )


def kinds(kind: str) -> tuple[str, ...]:
    """Every kind that requests of this word of the policy may have in the store."""
    return (
        (kind,) if kind != RIGHTS_REQUEST else (kind, *(kind_of(right, route) for right in RIGHTS for route in ROUTES))
    )


def due(policy: Policy, kind: str, opened: int) -> int | None:
    """Until when (ms) there is an answer to a request opened at `opened`; None where the policy promises no time.

    Where it promises none for the right itself, it is what it promises to whoever asks.
    """
    right = asked(kind).right
    if right is None:
        return None
    terms = _within(policy, right) or _within(policy, "ask")
    return None if not terms else opened + min(terms)


def giving(policy: Policy, right: str) -> tuple[str, ...]:
    """The promises that give this right; none for what is no right."""
    return tuple(dict.fromkeys(name for name, clause in policy.clauses(Right) if right in clause.rights))


def _within(policy: Policy, right: RightName) -> list[int]:
    terms = (clause.within for _, clause in policy.clauses(Right) if right in clause.rights)
    return [int(term.total_seconds() * 1000) for term in terms if term is not None]
