"""The sites behind one port: who signs in for which, and whose an address is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from avow.desk.interface.mail import Mailroom
from avow.errors import CallError
from avow.mail.address import is_address, parts, same, token_of
from avow.mail.message import House
from avow.policy.model import Policy

STOP: Final = "out"  # the address at which mails are stopped; the token stands in the subject


@dataclass(frozen=True, slots=True)
class Served:
    """One site."""

    name: str
    mailroom: Mailroom
    house: House

    @classmethod
    def of(cls, policy: Policy, mailroom: Mailroom, house: House) -> "Served":
        """Raises `CallError` where its policy names no address that mail could come back to."""
        if not is_address(house.contact):
            raise CallError(f"the policy of `{policy.site}` names no e-mail address of the controller to write from")
        return cls(policy.site, mailroom, house)


class Target(NamedTuple):
    """Whom a mail that comes in is for. `kind`: `contact`, `out` or `back`. Several sites may share a host's name."""

    kind: str
    token: str
    sites: tuple[Served, ...]


class Sites:
    """All of them."""

    def __init__(self, sites: Sequence[Served]) -> None:
        self._sites = tuple(sites)

    def signing_in(self, user: str) -> tuple[Served | None, str]:
        """Of which site a user is, and by what name: `NAME@SITE`; the site may be left out where there is one alone."""
        name, at, site = user.rpartition("@")
        if not at:
            return (self._sites[0] if len(self._sites) == 1 else None), user
        return next((one for one in self._sites if one.name == site), None), name

    def target(self, address: str) -> Target | None:
        """Whom it is for; None for what is no address of any site."""
        for one in self._sites:
            if same(address, one.house.contact):
                return Target("contact", "", (one,))
        host = parts(address)[1]
        here = tuple(one for one in self._sites if parts(one.house.contact)[1].lower() == host.lower())
        if not here:
            return None
        if same(address, f"{STOP}@{host}"):
            return Target(STOP, "", here)
        token = token_of(address)
        return Target("back", token, here) if token else None
