"""Versions of the policy, as the desk answers for them."""

from typing import cast

from avow.desk.interface.changing import Plan, Version
from avow.desk.room import Room, text
from avow.desk.telling import NewVersions
from avow.policy.model import Policy
from avow.policy.parse import parse

LONGEST = 1 << 20  # characters of a policy's text


class Posting:
    """For one site."""

    def __init__(self, room: Room, new_versions: NewVersions) -> None:
        self._publishing = room.shop.publishing
        self._new_versions = new_versions
        self._planning = room.shop.planning

    async def versions(self) -> list[Version]:
        """All of them, oldest first."""
        return [cast(Version, one._asdict()) for one in self._publishing.versions()]

    async def plan(self, source: str) -> Plan:
        """What it would mean."""
        plan = await self._planning.plan(_read(source))
        told = plan._asdict() | {name: [one._asdict() for one in getattr(plan, name)] for name in ("first", "touched")}
        return cast(Plan, told | {"wider": told.pop("found").wider})

    async def publish(self, source: str, previous: str) -> Version:
        """The next one."""
        done = await self._publishing.publish(_read(source), text(previous, "a digest"))
        self._new_versions.wake()
        return cast(Version, done._asdict())


def _read(source: str) -> Policy:
    return parse(text(source, "a policy", LONGEST), "the version to come")
