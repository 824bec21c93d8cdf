"""Statistics, as the desk answers for them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from avow.desk.interface.statistics import SHOWN, Budget, Figures, Offer
from avow.desk.room import Room
from avow.desk.staff import Colleagues
from avow.gate import Actor
from avow.policy.model import SITE
from avow.practices.statistics import Wish, offers

_OPERATOR: Final = Actor(SITE, "operator", standing=True)


class Figuring:
    """For one site."""

    def __init__(self, room: Room, staff: Colleagues) -> None:
        self._room = room
        self._staff = staff
        self._statistics = room.shop.statistics

    async def releases(self) -> list[Figures]:
        """For anybody."""
        return [cast(Figures, told) for told in await self._statistics.releases(SHOWN)]

    async def budgets(self) -> list[Budget]:
        """For anybody."""
        return [
            {"dataset": dataset, "spent": spent, "limit": limit}
            for dataset, spent, limit in await self._statistics.budgets()
        ]

    async def offers(self, token: str) -> list[Offer]:
        """For a colleague's role."""
        _, member = self._staff.member(token)
        return [
            {
                "of": list(one.of), "by": self._statistics.dimensions(one.of), "recipient": one.recipient,
                "purpose": one.purpose, "promise": one.promise,
            }
            for one in offers(self._room.policy, member.role)
        ]  # fmt: skip

    async def release(self, token: str, *wish: Any) -> Figures:
        """By a colleague, in their role."""
        _, member = self._staff.member(token, looks=True)
        return await self._release(self._room.shop.staff_roll.actor(member.name, member.role), *wish)

    async def by_the_site(self, *wish: Any) -> Figures:
        """By the operator."""
        return await self._release(_OPERATOR, *wish)

    async def _release(
        self, actor: Actor, of: Sequence[str], by: Sequence[str], first: str, last: str, recipient: str | None,
        purpose: str, each: int, epsilon: int,
    ) -> Figures:  # fmt: skip
        wish = Wish(tuple(of), tuple(by), first, last, recipient, purpose, each, epsilon)
        return cast(Figures, await self._statistics.release(wish, actor))

    async def declare(self, category: str, goods: Sequence[str]) -> list[str]:
        """By the operator."""
        return list(await self._statistics.declare(category, goods))

    def goods(self) -> Mapping[str, Sequence[str]]:
        """For the operator."""
        return {name: list(keys) for name, keys in self._statistics.catalogue.items()}
