"""Versions of the policy: which there are, and the next one published. Parts of the desk's contract."""

from typing import Protocol, TypedDict


class Version(TypedDict):
    """A published version, for anybody. Digests in hexadecimal; moments in ms. `version`: the day from whose first moment,
    UTC, it is in force (`effective`); `state`: `past`, `in-force` or `to-come`; `note`: the signed statement of all this.
    """

    digest: str
    version: str
    effective: int
    published: int
    state: str
    previous: str | None
    source: str
    note: str


class Progress(TypedDict):
    """How far people are told of a version that is owed a notice, by the newest round: `people` in all; `told`: sent, and not
    come back within the days that the promise gives; `waiting`: sent, and these days are not over; `returned`; `unknown`:
    whether it went; `refused`: may not be written to, or has no address; `left`: not sent yet. `sending`: a round goes on.
    """

    digest: str
    version: str
    people: int
    told: int
    waiting: int
    returned: int
    unknown: int
    refused: int
    left: int
    sending: bool


class First(TypedDict):
    """What must happen first: a `duty` of the version before, or `ask`; `promise` says so, "" where none does."""

    duty: str
    promise: str
    says: str


class Touched(TypedDict):
    """How many people are held with a category of which a version makes more, and how many data."""

    category: str
    people: int
    data: int


class Plan(TypedDict):
    """What publishing a version after `previous` would mean, counted when it was asked for. `faults`: why it may not be
    published. `people`: held with any of what is `touched`; `unreachable`: so many of them gave no address to write to.
    """

    site: str
    digest: str
    version: str
    effective: int
    previous: str
    faults: list[str]
    wider: bool
    first: list[First]
    people: int
    data: int
    touched: list[Touched]
    unreachable: int


class Changing(Protocol):
    """What anybody may ask."""

    async def versions(self) -> list[Version]:
        """All that were ever published, oldest first, those to come among them."""


class Publishing(Protocol):
    """What the operator may ask."""

    async def published(self) -> list[Version]:
        """The same."""

    async def telling(self) -> list[Progress]:
        """How far people are told of versions that they are owed a notice of."""

    async def plan_version(self, source: str) -> Plan:
        """What publishing the version of this text would mean; publishes nothing. Raises `PolicyError`."""

    async def publish(self, source: str, previous: str) -> Version:
        """Publish the version of this text: posted at once, in force from its day on. `previous`: the digest of the version
        that the plan was made against. Raises `PolicyError`, and `OperatorError` with all that stands in the way.
        """
