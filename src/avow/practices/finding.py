"""Find people by a value that they gave. It releases nothing of theirs, and it is on record: that they are here is told."""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from avow.decide.request import Request
from avow.errors import BadValue, KeyGone, Refused, Tampered, UnknownWord
from avow.gate import Actor, Gate
from avow.policy.model import RIGHTS_PURPOSE
from avow.practices.collecting import Submission, index
from avow.practices.words import unknown
from avow.record import Recorder
from avow.store.interface import Leaf, Trace, Transaction


class Finding:
    """For one site."""

    def __init__(self, gate: Gate, recorder: Recorder) -> None:
        self._gate = gate
        self._policy = gate.policy
        self._recorder = recorder

    async def find(self, category: str, value: str, actor: Actor) -> list[bytes]:
        """The people who gave this value under a look-up category, oldest first.

        Each of them has the look-up among their events; one that finds nobody is on record, too. Raises `UnknownWord`
        for a category that the policy does not let people be found by, `BadValue`, and `Refused`, recorded, for who has
        no standing.
        """
        if category not in self._policy.categories:
            raise unknown("category", category, self._policy.categories)
        known = self._policy.categories[category]
        if not known.look_up:
            raise UnknownWord(f"people are not found by `{category}`; the policy says no `look-up` there")
        hidden = index(self._gate.keys, known.term, category, value)
        async with self._gate.store.transaction() as tx:
            at = self._gate.now()
            if not actor.standing:
                await tx.record((self._recorder.plain(at, "find", actor.name, "refused"),), ())
                found = None
            else:
                found = await tx.find(category, hidden)
                await self._tell(tx, found, (category,), actor, at)
        if found is None:
            raise Refused((), "only the site and colleagues who have standing may look people up")
        return found

    async def behind(self, category: str, hidden: bytes) -> list[bytes]:
        """Who is found by what a sealed link of ours has of an address. For narrowing alone, which is on record itself."""
        async with self._gate.store.transaction() as tx:
            return await tx.find(category, hidden)

    async def given(self, category: str, value: str) -> list[bytes]:
        """Who gave this value, oldest first. Not on record as a look-up: whoever calls puts what comes of it on record."""
        known = self._policy.categories.get(category)
        if known is None or not known.look_up:
            raise unknown(
                "category to find people by", category, [n for n, c in self._policy.categories.items() if c.look_up]
            )
        async with self._gate.store.transaction() as tx:
            return await tx.find(category, index(self._gate.keys, known.term, category, value))

    async def fits(self, subject: bytes, given: Mapping[str, str]) -> bool:
        """Whether these values contradict none by which the person is found. Releases nothing and is not on record:
        whoever asks has given the values. Raises `BadValue`.
        """
        kinds = self._policy.categories
        asked = {name: value for name, value in given.items() if name in kinds and kinds[name].look_up}
        async with self._gate.store.transaction() as tx:
            ((_, data),) = await tx.read([(subject, tuple(asked))])
            for category in {datum.category for datum in data}:
                hidden = index(self._gate.keys, kinds[category].term, category, asked[category])
                if subject not in await tx.find(category, hidden):
                    return False
        return True

    async def known(self, submissions: Sequence[Submission]) -> list[list[bytes]]:
        """Per submission, who is found here already by one of its look-up values, recorded; a value that may not be held
        finds nobody.
        """
        out = []
        async with self._gate.store.transaction() as tx:
            at = self._gate.now()
            for one in submissions:
                found: dict[bytes, str] = {}
                for category, value in one.given.items():
                    known = self._policy.categories.get(category)
                    if known is not None and known.look_up:
                        with suppress(BadValue):
                            hidden = index(self._gate.keys, known.term, category, value)
                            found |= dict.fromkeys(await tx.find(category, hidden), category)
                if found:  # who is not here yet comes in, or is refused: either is on record by itself
                    await self._tell(tx, list(found), tuple(dict.fromkeys(found.values())), one.actor, at)
                out.append(list(found))
        return out

    async def _tell(self, tx: Transaction, found: Sequence[bytes], by: tuple[str, ...], actor: Actor, at: int) -> None:
        """Put it on record that these people were found by these categories, or that nobody was."""
        ask = Request("use", actor.role, RIGHTS_PURPOSE, by)
        leaves: list[Leaf] = []
        traces: list[Trace] = []
        for row in await tx.subjects(found):
            if row is None or row.state == "erased":
                continue
            try:
                key, _ = self._gate.standing(row, at)
            except (Tampered, KeyGone):  # the others are not held up; whoever reads this one is told
                leaves.append(self._recorder.plain(at, "find", actor.name, "failed"))
                continue
            leaf, trace = self._recorder.event(at, key, row.subject, ask, actor.name, "done", (), "find")
            leaves.append(leaf)
            traces.append(trace)
        await tx.record(leaves or (self._recorder.plain(at, "find", actor.name, "done"),), traces)
