"""Affiliates, as the desk answers for them."""

from dataclasses import asdict
from typing import cast

from avow.desk.interface.affiliates import Payout
from avow.desk.room import Room, text
from avow.desk.staff import ADMIN, Colleagues
from avow.errors import CallError, Refused

OPERATOR = "operator"  # as the record names who asked


class Referring:
    """For one site."""

    def __init__(self, room: Room, staff: Colleagues) -> None:
        self._room = room
        self._staff = staff
        self._affiliates = room.shop.affiliates

    async def credit(self, receipt: str, commission: int) -> None:
        """The order of a receipt is paid."""
        shown = self._room.receipts.read(text(receipt, "a receipt"), self._room.now())
        if shown.click is not None:
            await self._affiliates.credit(shown.click, commission)

    async def payouts(self, session: str) -> list[Payout]:
        """For an admin."""
        _, member = self._staff.member(session)
        if member.role != ADMIN:
            raise Refused((), f"only the role `{ADMIN}` is told what affiliates are owed")
        return await self._payouts(member.name)

    async def owed(self) -> list[Payout]:
        """For the operator."""
        return await self._payouts(OPERATOR)

    async def _payouts(self, by: str) -> list[Payout]:
        if self._affiliates.programme is None:
            raise CallError("this policy has no affiliate programme: a cookie that only an affiliate's link sets")
        return [cast(Payout, asdict(one)) for one in await self._affiliates.payouts(by)]
