"""Affiliates: a click is an anonymous person with nothing but the click; a sale that it led to is credited once.

    click     who followed an affiliate's link: an address, a number that their browser keeps, whose link it was
    sale      an order that came with the number; its receipt carries the click, and no table does
    credit    the order is paid: one more sale of that affiliate in this month, and the click is erased in the same
              transaction. So one click is one commission, however often and wherever a sale is told of

A click that is due is refused by the gate, whether swept already or not. What is left of a credit is a month, an
affiliate, a count and a sum. Why it is so, and what that costs: docs/affiliates.md.
"""

import asyncio
import json
from typing import Final

from avow.decide.facts import Circumstances
from avow.decide.request import Allow, Request
from avow.errors import CallError, Refused
from avow.gate import Act, Actor, Gate, Journal, Look
from avow.policy.affiliates import programme
from avow.policy.model import SITE
from avow.policy.retention import day
from avow.practices.collecting import index
from avow.practices.ending import CREDITING, forget
from avow.practices.payouts import Months, Payout, payouts
from avow.store.interface import Transaction

NOTE: Final = "commission"  # the note that names the months; that of a month says what was credited in it
MOST: Final = 10**12  # of one commission: a figure beyond it is a mistake
_ACTOR: Final = Actor(SITE, "affiliates", standing=True)
_CIRCUMSTANCES: Final = Circumstances(standing=True)


class Affiliates:
    """For one site. Where its policy has no programme nobody is credited with anything."""

    def __init__(self, gate: Gate, journal: Journal) -> None:
        self._gate = gate
        self._journal = journal
        self.programme = programme(gate.policy)
        self._turn = asyncio.Lock()  # one process owed for a site

    async def click(self, number: str) -> bytes | None:
        """The click whose number a browser presents. Nothing of it is read, and nothing is said of whether it counts."""
        known = self.programme
        if known is None:
            return None
        hidden = index(self._gate.keys, self._gate.policy.categories[known.number].term, known.number, number)
        async with self._gate.store.transaction() as tx:
            found = await tx.find(known.number, hidden)
        return found[0] if found else None

    async def credit(self, click: bytes, commission: int) -> bool:
        """Credit a sale to whose link it was; False where that counts no more, or was credited already.

        The look is decided and recorded by the gate, as any other: past the click's time it is refused, by the promises
        that say so. Dying before the transaction that follows leaves the sale to be told of again. Raises `CallError`.
        """
        if not 0 <= commission <= MOST:
            raise CallError(f"a commission is 0 to {MOST} of the smallest unit of a currency")
        known = self.programme
        if known is None:
            return False
        ask = Request("use", SITE, known.purpose, (known.source,))
        async with self._turn:
            try:
                held = await self._gate.look(Look(click, ask, _ACTOR, _CIRCUMSTANCES))
                if known.source not in held:
                    return False

                async def apply(act: Act) -> list[bytes]:
                    if act.facts or any(one.came().form != known.form for one in await act.tx.held(click)):
                        raise Refused((), "this is somebody who asked for something or gave more, and no click")
                    doomed = await forget(act, self._journal, CREDITING)
                    await _count(act.tx, day(act.at)[:7], held[known.source], commission)
                    return doomed

                doomed = await self._gate.change(
                    click, ask, _ACTOR, _CIRCUMSTANCES, apply, rule=Allow(known.promises), kind="credit"
                )
            except Refused:
                return False
        self._gate.keys.destroy(doomed)
        self._journal.append("erased", {"subject": click.hex()})
        return True

    async def payouts(self, by: str) -> list[Payout]:
        """What is owed to affiliates, as `avow.practices.payouts` tells it. That somebody looked is on record."""
        found: dict[str, Months] = {}

        async def apply(tx: Transaction) -> None:
            found["months"] = await _months(tx)

        async with self._turn:  # a credit of the month's last moment is counted before the month is called over
            await self._gate.note("payouts", apply, by)
            return payouts(found["months"], day(self._gate.now())[:7])


async def _months(tx: Transaction) -> Months:
    names = (await tx.note(NOTE) or "").split()
    kept = {name: json.loads(await tx.note(f"{NOTE}/{name}") or "{}") for name in names}
    return {name: {who: (sales, amount) for who, (sales, amount) in of.items()} for name, of in kept.items()}


async def _count(tx: Transaction, month: str, affiliate: str, commission: int) -> None:
    """One more sale. Under `Affiliates`' lock, so that of two at once none is lost."""
    names = (await tx.note(NOTE) or "").split()
    if month not in names:
        await tx.set_note(NOTE, " ".join(sorted((*names, month))))
    owed = json.loads(await tx.note(f"{NOTE}/{month}") or "{}")
    sales, amount = owed.get(affiliate, (0, 0))
    owed[affiliate] = sales + 1, amount + commission
    await tx.set_note(f"{NOTE}/{month}", json.dumps(owed, sort_keys=True))
