"""Versions of the policy, as the desk answers for them."""

from typing import cast

from avow.desk.interface.changing import Version
from avow.desk.room import Room, text
from avow.policy.parse import parse

LONGEST = 1 << 20  # characters of a policy's text


class Posting:
    """For one site."""

    def __init__(self, room: Room) -> None:
        self._publishing = room.shop.publishing

    async def versions(self) -> list[Version]:
        """All of them, oldest first."""
        return [cast(Version, one._asdict()) for one in self._publishing.versions()]

    async def publish(self, source: str, previous: str) -> Version:
        """The next one."""
        new = parse(text(source, "a policy", LONGEST), "the version to come")
        return cast(Version, (await self._publishing.publish(new, text(previous, "a digest")))._asdict())
