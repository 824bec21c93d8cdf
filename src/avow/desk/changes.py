# ruff: noqa: D102 - what each method of `AboutVersions` does stands in the contract
"""Versions of the policy, as the desk answers for them to anybody, to a person, and to colleagues."""

from collections.abc import Sequence
from typing import Final, cast

from avow.desk.interface.changing import MOST, Answers, Mine, Plan, Progress, Version
from avow.desk.room import Room, row, text
from avow.desk.sessions import Person
from avow.desk.staff import Colleagues
from avow.desk.telling import NewVersions
from avow.errors import Refused, UnknownWord
from avow.policy.model import Policy
from avow.policy.parse import parse
from avow.practices.meaning import Meaning

LONGEST: Final = 1 << 20  # characters of a policy's text
_NOTICES: Final = ("", "returned", "sent", "arrived")  # the first that one of several ids has counts for all


class Changes:
    """`avow.desk.interface.changing`, for one site."""

    def __init__(self, room: Room, staff: Colleagues, new_versions: NewVersions) -> None:
        self._room = room
        self._shop = room.shop
        self._staff = staff
        self._new_versions = new_versions

    # -- anybody, and the operator ----------------------------------------------------------------------------------

    async def versions(self) -> list[Version]:
        """All of them, oldest first."""
        return [cast(Version, one._asdict()) for one in self._shop.publishing.versions()]

    async def plan_version(self, source: str) -> Plan:
        """What the next one would mean."""
        plan = await self._shop.planning.plan(_read(source))
        told = plan._asdict() | {name: [one._asdict() for one in getattr(plan, name)] for name in ("first", "touched")}
        return cast(Plan, told | {"wider": told.pop("found").wider})

    async def publish(self, source: str, previous: str) -> Version:
        """The next one."""
        done = await self._shop.publishing.publish(_read(source), text(previous, "a digest"))
        self._new_versions.wake()
        return cast(Version, done._asdict())

    # -- a person ---------------------------------------------------------------------------------------------------

    async def mine(self, session: str) -> list[Mine]:
        """For all ids together that the session stands for."""
        person = self._person(session)
        found: dict[str, list[Meaning]] = {}
        for who in person.people:
            for one in await self._shop.meanings.of(row(who), person.began):
                found.setdefault(one.version.hex(), []).append(one)
        versions = reversed(await self.versions())
        return [_mine(version, found[name]) for version in versions if (name := version["digest"][:32]) in found]

    async def answer(self, session: str, digest: str, words: str, *, agree: bool) -> None:
        """Of each id. What one agrees to is shown to nobody who may not see what is held."""
        person, words = self._person(session), text(words, "the words", 4096)
        version = next((one for one in await self.versions() if one["digest"] == text(digest, "a digest")), None)
        if version is None or version["previous"] is None:
            raise UnknownWord("no later version of the policy has this digest; take one of those published")
        if agree:
            await self.mine(session)  # refused while a change of contact is on hold
        for who in person.people:
            try:
                await self._shop.answer_version(who, version["digest"], agree=agree, words=words)
            except Refused:  # erased since the session began, and the others are there still
                if len(person.people) == 1:
                    raise

    def _person(self, session: str) -> Person:
        return self._room.sessions.customer(text(session, "a session"), self._room.now())

    # -- colleagues -------------------------------------------------------------------------------------------------

    async def progress(self, session: str) -> list[Progress]:
        """How far people are told."""
        self._staff.member(session)
        return self.told()

    def told(self) -> list[Progress]:
        """The same, for the operator."""
        return self._new_versions.progress()

    async def answers(self, session: str) -> list[Answers]:
        """How many said what."""
        self._staff.member(session)
        out: list[Answers] = []
        for version in (await self.versions())[1:]:
            yes, no = await self._shop.meanings.answers(bytes.fromhex(version["digest"])[:16], MOST)
            out.append({"digest": version["digest"], "agreed": yes, "declined": no})
        return out


class AboutVersions:  # a part of the desk, which is long enough
    """The desk's methods about versions; each does what its contract says."""

    _changes: Changes

    async def versions(self) -> list[Version]:
        return await self._changes.versions()

    async def published(self) -> list[Version]:
        return await self._changes.versions()

    async def telling(self) -> list[Progress]:
        return self._changes.told()

    async def plan_version(self, source: str) -> Plan:
        return await self._changes.plan_version(source)

    async def publish(self, source: str, previous: str) -> Version:
        return await self._changes.publish(source, previous)

    async def my_changes(self, session: str) -> list[Mine]:
        return await self._changes.mine(session)

    async def answer_change(self, session: str, digest: str, *, agree: bool, words: str) -> None:
        await self._changes.answer(session, digest, words, agree=agree)

    async def change_progress(self, session: str) -> list[Progress]:
        return await self._changes.progress(session)

    async def change_answers(self, session: str) -> list[Answers]:
        return await self._changes.answers(session)


def _read(source: str) -> Policy:
    return parse(text(source, "a policy", LONGEST), "the version to come")


def _mine(version: Version, each: Sequence[Meaning]) -> Mine:
    answers = {one.answer for one in each}
    notice = min((one.notice for one in each), key=_NOTICES.index)
    sent = [one.sent for one in each if one.sent is not None]
    return {
        "digest": version["digest"], "version": version["version"], "effective": version["effective"],
        "state": version["state"], "answer": answers.pop() if len(answers) == 1 else "", "notice": notice,
        "sent": max(sent, default=None) if notice else None, "lifted": all(one.lifted for one in each),
        "categories": sorted({name for one in each for name in one.categories}),
        "more": sorted({name for one in each for name in one.more}),
    }  # fmt: skip
