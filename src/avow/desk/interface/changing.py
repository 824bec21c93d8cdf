"""Versions of the policy: which there are, and the next one published. Parts of the desk's contract."""

from typing import Final, Protocol, TypedDict

MOST: Final = 10_000  # answers of one sort that are counted


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


class Mine(TypedDict):
    """A version that came after something of theirs, in force or not. `answer`: `agreed`, `declined`, or "". `notice`: what
    became of the one that they are owed of it: `sent` at that moment (ms), `arrived`, or `returned`; "" where none went.
    `lifted`: whether older versions limit nothing of theirs, once this one is in force. `categories`: of theirs, which came
    under an older version; of these `more` are the ones of which this version makes more than the one before it.
    """

    digest: str
    version: str
    effective: int
    state: str
    answer: str
    notice: str
    sent: int | None
    lifted: bool
    categories: list[str]
    more: list[str]


class Answers(TypedDict):
    """How many people agreed to a version, and how many declined it, so far as they stand by it; at most `MOST`."""

    digest: str
    agreed: int
    declined: int


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
    """What anybody may ask, a customer, and a colleague."""

    async def versions(self) -> list[Version]:
        """All that were ever published, oldest first, those to come among them."""

    async def my_changes(self, session: str) -> list[Mine]:
        """What versions mean for a customer: those that came after something of theirs, newest first. Raises `Refused` while a
        change of contact keeps from this session what is held.
        """

    async def answer_change(self, session: str, digest: str, *, agree: bool, words: str) -> None:
        """The customer agrees to a version, in force or to come, or declines it, on seeing these words. They may change their
        mind. Raises `UnknownWord` for a version that was never published; agreeing is `Refused` as `my_changes` is.
        """

    async def change_progress(self, session: str) -> list[Progress]:
        """As `Publishing.telling`, for any colleague."""

    async def change_answers(self, session: str) -> list[Answers]:
        """What people answered to each version but the first, oldest first; for any colleague."""


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
