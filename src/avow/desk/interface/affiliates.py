"""What is asked about affiliates, in plain values. A part of the desk's contract."""

from typing import Protocol, TypedDict


class Payout(TypedDict):
    """What an affiliate is owed for some months, all of them over: those after `after` (None: from the beginning) up to
    `month`, as 2026-03. `commission` in the smallest unit of the currency. Nothing of any visitor, and never so few sales
    that one of them stands out; what is still too few is not told, nor whether there is any.
    """

    affiliate: str
    after: str | None
    month: str
    sales: int
    commission: int


class Affiliates(Protocol):
    """See the module; docs/affiliates.md."""

    async def credit(self, receipt: str, commission: int) -> None:
        """The order that a receipt is for is paid: credit this commission to whoever's link led to it, if somebody's did
        and the click still counts. Once, however often it is asked; nothing tells whether anybody was credited. Raises
        `Denied`, `CallError`.
        """

    async def payouts(self, session: str) -> list[Payout]:
        """What every affiliate is owed. Of the role `admin` alone; recorded. Raises `Refused`."""


class Paying(Protocol):
    """What the operator may ask about affiliates."""

    async def affiliates(self) -> list[Payout]:
        """As `Affiliates.payouts`. Raises `CallError` where the policy has no programme."""
