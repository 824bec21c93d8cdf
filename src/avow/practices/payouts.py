"""What an affiliate is told of sales: how many and how much, by months, and never so few that one of them stands out.

Pure. A commission tells what was bought, and a month when. Who sent one acquaintance, and is then told of one sale, knows
who bought. So months are told once they are over, and only together with as many others as it takes for `FEWEST` sales.
What is still too few is told to nobody, and no word says whether there is any.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

FEWEST: Final = 5  # sales that are told together
Months = Mapping[str, Mapping[str, tuple[int, int]]]  # 2026-03 -> affiliate -> sales, commission


@dataclass(frozen=True, slots=True)
class Payout:
    """What is owed for some months: from the one after the payout before, None for the beginning, to this one."""

    affiliate: str
    after: str | None
    month: str
    sales: int
    commission: int  # in the smallest unit of the merchant's currency


def payouts(months: Months, now: str) -> list[Payout]:
    """All payouts of all affiliates, by affiliate and month. `now`: the month that is not over yet."""
    out: list[Payout] = []
    for affiliate in sorted({name for owed in months.values() for name in owed}):
        after, sales, commission = None, 0, 0
        for month in sorted(one for one in months if one < now):
            more, amount = months[month].get(affiliate, (0, 0))
            sales, commission = sales + more, commission + amount
            if sales >= FEWEST:
                out.append(Payout(affiliate, after, month, sales, commission))
                after, sales, commission = month, 0, 0
    return out
