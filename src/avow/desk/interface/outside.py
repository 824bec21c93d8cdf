"""What goes out to somebody outside, and what is asked of processors. A part of the desk's contract.

There is no list to be had: each call is about one person. Whatever goes out is a package (docs/disclosure.md) that the
recipient alone opens. A processor works on an *instruction*: a sealed text that the shop gets for one submission and
passes on, which says nothing to either of them, and with which the processor fetches what its contract allows. It ends
with its moment, the service request, the contract, the processor's leave, or `revoke`, whichever comes first.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol, TypedDict

AT_ONCE: Final = 100  # instructions that are worked on in one call


class Instruction(TypedDict):
    """Leave to fetch one person's data for one request. `until` in ms."""

    instruction: str
    until: int


class Fetched(TypedDict):
    """What came of one instruction: a package, or "" and why not. `over`: it will never come of it any more."""

    package: str
    promises: list[str]
    reason: str
    over: bool


class Case(TypedDict):
    """A case as those see it who may disclose what it covers. `mine`: put forward by this colleague, so that another one
    has to agree. `quiet`: until when (ms) the person must not be told.
    """

    case: str
    recipient: str
    purpose: str
    ground: str
    reference: str
    categories: list[str]
    at: int
    until: int
    quiet: int | None
    state: str  # proposed, open, used, closed, over
    mine: bool


class Packed(TypedDict):
    """What went out: `package` is for the recipient alone."""

    disclosure: str
    recipient: str
    categories: list[str]
    until: int | None
    package: str


class Recipient(TypedDict):
    """A recipient who was put on file. `password`: of a processor's door, shown this once; `private`: the key that was
    made for who had none, which is not kept here.
    """

    name: str
    password: str
    private: dict[str, Any] | None


class Outside(Protocol):
    """See the module."""

    async def package_key(self) -> dict[str, Any]:
        """The public key that packages are signed with, as a JWK."""

    async def instruct(
        self, receipt: str, recipient: str, categories: Sequence[str], purpose: str, until: int | None = None
    ) -> Instruction:
        """Have a processor work on the request that a receipt is for, until this moment at the latest. Raises `Denied`,
        `Refused`, `CallError`.
        """

    async def revoke(self, instruction: str) -> None:
        """An instruction ends. Whoever holds it may: it only narrows. Effective when this returns. Raises `Denied`."""

    async def processor_sign_in(self, name: str, password: str) -> str:
        """A session of a processor. Raises `Denied`."""

    async def fetch(self, session: str, instructions: Sequence[str]) -> list[Fetched]:
        """What instructions allow, each decided by itself when its turn comes; at most `AT_ONCE`. Raises `Denied` for a
        session that is no processor's; who is sent away in the middle gets nothing more.
        """

    async def disclose(
        self, session: str, task: str, recipient: str, categories: Sequence[str], purpose: str, way: str = "share"
    ) -> Packed:
        """Pass data of the person behind a task on: for what they agreed to (`share`, `sell`), or to a processor for what
        they asked. Raises `Refused`, `NotHeld`, and `CallError` where the recipient has no key on file.
        """

    async def cases(self, session: str) -> list[Case]:
        """Those that the colleague's role may disclose, oldest first."""

    async def case_propose(
        self, session: str, category: str, value: str, recipient: str, purpose: str, ground: str, reference: str,
        categories: Sequence[str], until: int, quiet: int | None = None,
    ) -> list[Case]:  # fmt: skip
        """Put a case forward for whoever gave this value, one for each person found. Raises `Refused`, `CallError`,
        `NotHeld` where nobody is held.
        """

    async def case_approve(self, session: str, case: str, category: str, value: str) -> Case:
        """Agree to a case that another colleague put forward, about whoever gave this value: nobody is shown whom a case is
        about, so who agrees names them again. Raises `Refused`, `NotHeld`, `CallError` also for another person's value.
        """

    async def case_close(self, session: str, case: str) -> Case:
        """It serves nobody any more."""

    async def case_disclose(self, session: str, case: str) -> Packed:
        """What an open case covers, once. The person is told, unless the order forbids it. Raises `Refused`, `NotHeld`."""


class Filing(Protocol):
    """What the operator may ask."""

    async def add_recipient(self, name: str, key: Mapping[str, Any] | None = None) -> Recipient:
        """Put a recipient on file with their public key (a JWK), or with one that is made now. Raises `CallError`."""

    async def remove_recipient(self, name: str) -> None:
        """Nothing goes out to them any more, and a processor's sessions end. Raises `CallError` where there is none."""
