"""The affiliate cookie: a number that is sealed together with the moment of the click, so that the shop itself knows when it
is over, whatever a browser goes on sending. Nothing is remembered here.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from avow.doors.tokens import Tokens
from avow.errors import Denied
from avow.policy.model import Cookies, Policy

KIND: Final = "affiliate"


class Click(NamedTuple):
    """One click: what the browser is given to keep, and the number in it, by which the vault keeps the record."""

    value: str
    number: str


class Clicks:
    """For a site whose policy has a cookie that only an affiliate's link sets."""

    def __init__(self, cookie: Cookies, tokens: Tokens) -> None:
        self.name: Final = cookie.name or ""
        self.seconds: Final = None if cookie.lifetime is None else int(cookie.lifetime.total_seconds())
        self._tokens = tokens

    def fresh(self) -> Click:
        """A new one, now."""
        token = self._tokens.seal(KIND, {})
        return Click(token.rstrip("="), self._tokens.open(KIND, token, within=0).id)

    def over(self, held: Mapping[str, str]) -> bool:
        """Whether a browser sends one that counts no more: older than its policy lets it be, or none of ours."""
        return self.name in held and self.number(held) is None

    def number(self, held: Mapping[str, str]) -> str | None:
        """The number in the one that a browser sends; None where there is none, or it counts no more."""
        value = held.get(self.name, "")
        try:
            return self._tokens.open(KIND, value + "=" * (-len(value) % 4), within=(self.seconds or 0) * 1000).id
        except Denied:
            return None


def clicks(policy: Policy, tokens: Tokens) -> Clicks | None:
    """None where the policy has no such cookie."""
    found = (c for _, c in policy.clauses(Cookies) if "affiliate-link" in c.needs and c.at is None)
    cookie = next(found, None)
    return None if cookie is None else Clicks(cookie, tokens)
