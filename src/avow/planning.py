"""The plan of a version: what it widens, whom that touches, and what must happen first. Publishes nothing."""

from typing import NamedTuple

from avow.decide.difference import Difference, difference
from avow.decide.first import First, first, touched
from avow.gate import Gate
from avow.policy.model import SITE, Contact, Policy
from avow.policy.retention import midnight
from avow.store.interface import Holding
from avow.versions import Publishing


class Touched(NamedTuple):
    """How many people are held with a category of which more may be made, and how many data."""

    category: str
    people: int
    data: int


class Plan(NamedTuple):
    """What publishing `digest` after `previous` (both hexadecimal) would mean, counted now. `faults`: why it may not be
    published. `people`: held with any of what is `touched`; `unreachable`: so many of them gave no address that a notice
    of it could go to. Moments in ms.
    """

    site: str
    digest: str
    version: str
    effective: int
    previous: str
    faults: list[str]
    found: Difference
    first: list[First]
    people: int
    data: int
    touched: list[Touched]
    unreachable: int


class Planning:
    """For one site."""

    def __init__(self, gate: Gate, publishing: Publishing) -> None:
        self._gate = gate
        self._publishing = publishing

    async def plan(self, new: Policy) -> Plan:
        """Against the newest version there is. Counts the people and data that are held, in one walk over them."""
        newest = self._publishing.policies()[-1]
        previous, digest = newest.digest.hex(), new.digest.hex()
        found = difference(newest, new)
        counted = await self.counted(newest, found)
        each = [Touched(name, *counted.categories[name]) for name in newest.categories if name in counted.categories]
        return Plan(
            new.site, digest, new.version.isoformat(), midnight(new.version), previous,
            self._publishing.troubles(new, previous), found, list(first(found, newest)), counted.people,
            sum(one.data for one in each), each, counted.unreachable,
        )  # fmt: skip

    async def counted(self, old: Policy, found: Difference) -> Holding:
        """Whom the change touches: they were all held under older versions, which is all that there are."""
        names = touched(found, old)
        if not names:
            return Holding({}, 0, 0)
        versions = [one.digest[:16] for one in self._publishing.policies()]
        async with self._gate.store.transaction() as tx:
            return await tx.holding(names, versions, addresses(old))


def addresses(policy: Policy) -> tuple[str, ...]:
    """The categories that a notice owed could go to: by mail or letter, or as far as the policy has such notices go."""
    owed = [one for _, one in policy.clauses(Contact) if one.despite_opt_out or "notice-owed" in one.needs]
    ways = {way for one in owed if SITE in one.by for way in one.channels} - {"phone"} or {"mail", "post"}
    return tuple(name for name, one in policy.categories.items() if one.channel in ways)
