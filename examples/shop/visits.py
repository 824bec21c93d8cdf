"""The cookies that a policy declares for all pages: one token a visit, one a returning guest. They say nothing.

What a guest looked at stays in this process's memory, has no person in it, and goes when the process does. Refused, by
the browser or by Sec-GPC, they are not set and nothing depends on them. Visits are counted around the shop, by
`avow.doors.counting`, which takes a part of the site from `parts`.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from typing import Final

from avow.policy.model import Cookies, Policy

MOST: Final = 20_000  # tokens that are remembered
SHOWN: Final = 3  # articles that a returning guest is reminded of
GUEST: Final = "OptimisationForConsumer"  # DPV term of serving a returning guest


class Visits:
    """For one site. `fresh` makes a cookie's value."""

    def __init__(self, policy: Policy, fresh: Callable[[], str]) -> None:
        clauses = (clause for promise in policy.promises for clause in promise.clauses)
        self.cookies: Final = tuple(
            one for one in clauses
            if isinstance(one, Cookies) and one.name and one.at is None and one.paths == ("/",) and not one.needs
        )  # fmt: skip
        self.guest: Final = next(
            (one.name for one in self.cookies if one.purpose and policy.purposes[one.purpose].term == GUEST), None
        )
        self._fresh = fresh
        self._went: OrderedDict[bytes, list[str]] = OrderedDict()

    def wanted(self, held: dict[str, str], *, gpc: bool) -> Iterator[tuple[str, str, int | None]]:
        """The cookies to set now: name, value, seconds to live. None where the browser sends Sec-GPC."""
        for one in self.cookies if not gpc else ():
            if one.name and one.name not in held:
                life = None if one.lifetime is None else int(one.lifetime.total_seconds())
                yield one.name, self._fresh(), life

    def went(self, held: dict[str, str], to: str) -> None:
        """A guest looked at an article."""
        value = held.get(self.guest or "")
        if value:
            key = sha256(f"{self.guest}={value}".encode()).digest()
            seen = self._went.setdefault(key, [])
            self._went.move_to_end(key)
            if to not in seen:
                seen.append(to)
                del seen[:-20]
        while len(self._went) > MOST:
            self._went.popitem(last=False)

    def looked_at(self, held: dict[str, str]) -> list[str]:
        """What a returning guest looked at before, newest first."""
        value = held.get(self.guest or "")
        seen = self._went.get(sha256(f"{self.guest}={value}".encode()).digest(), []) if value else []
        return seen[::-1][: SHOWN + 1]


def parts(policy: Policy) -> Mapping[str, str]:
    """First word of a path -> the part of the shop that a visit goes to there."""
    found = {
        "": "home", "goods": "goods", "cart": "cart", "checkout": "checkout", "order": "order", "account": "account",
        "privacy": "policy", "promises": "policy", "cookies": "policy",
    }  # fmt: skip
    return found | {form: "writing to us" for form in policy.forms if form not in found}
