"""Contests, as the desk answers for them."""

from typing import Any, cast

from avow.desk.interface import CONTESTS
from avow.desk.interface.contests import Contest, Entered
from avow.desk.room import Room, row, text
from avow.errors import NotHeld


class Contesting:
    """For one site."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._contests = room.shop.contests

    async def contests(self) -> list[Contest]:
        """The newest ones."""
        return [cast(Contest, told) for told in await self._contests.known(CONTESTS)]

    async def draw(self, contest: str) -> dict[str, Any]:
        """The file."""
        return await self._contests.proof(text(contest, "a contest"))

    async def entered(self, receipt: str) -> Entered:
        """What a receipt is for."""
        shown = self._room.receipts.read(text(receipt, "a receipt"), self._room.now())
        told = None if shown.request is None else await self._contests.entered(row(shown.request))
        if told is None:
            raise NotHeld("this receipt is for no entry of a contest that is open")
        return cast(Entered, told)

    async def close(self, kind: str, winners: int, closes: int | None) -> Contest:
        """By the operator."""
        return cast(Contest, await self._contests.close(kind, winners, closes))

    async def drawn(self, kind: str) -> Contest:
        """By the operator."""
        return cast(Contest, await self._contests.draw(kind))

    async def told(self, kind: str, *, anyway: bool) -> Contest:
        """By the operator."""
        return cast(Contest, await self._contests.told(kind, anyway=anyway))

    async def file(self, kind: str) -> dict[str, Any]:
        """For the operator."""
        return await self._contests.proof((await self._contests.show(kind)).get("contest", ""))

    async def show(self, kind: str) -> dict[str, Any]:
        """For the operator."""
        return await self._contests.show(kind)
