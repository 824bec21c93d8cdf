"""Versions of the policy, as the desk answers for them."""

from typing import cast

from avow.desk.interface.changing import Version
from avow.desk.room import Room, text
from avow.desk.telling import NewVersions
from avow.policy.parse import parse

LONGEST = 1 << 20  # characters of a policy's text


class Posting:
    """For one site."""

    def __init__(self, room: Room, new_versions: NewVersions) -> None:
        self._publishing = room.shop.publishing
        self._new_versions = new_versions

    async def versions(self) -> list[Version]:
        """All of them, oldest first."""
        return [cast(Version, one._asdict()) for one in self._publishing.versions()]

    async def publish(self, source: str, previous: str) -> Version:
        """The next one."""
        new = parse(text(source, "a policy", LONGEST), "the version to come")
        done = await self._publishing.publish(new, text(previous, "a digest"))
        self._new_versions.wake()
        return cast(Version, done._asdict())
