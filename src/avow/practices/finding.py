"""Find people by a value that they gave. It releases nothing of theirs, and it is on record: that they are here is told."""

from avow.decide.request import Request
from avow.errors import KeyGone, Tampered, UnknownWord
from avow.gate import Actor, Gate
from avow.policy.model import RIGHTS_PURPOSE
from avow.practices.collecting import index
from avow.practices.words import unknown
from avow.record import Recorder
from avow.store.interface import Leaf, Trace


class Finding:
    """For one site."""

    def __init__(self, gate: Gate, recorder: Recorder) -> None:
        self._gate = gate
        self._policy = gate.policy
        self._recorder = recorder

    async def find(self, category: str, value: str, actor: Actor) -> list[bytes]:
        """The people who gave this value under a look-up category, oldest first.

        Each of them has the look-up among their events; one that finds nobody is on record, too. Raises `UnknownWord`
        for a category that the policy does not let people be found by, and `BadValue`.
        """
        if category not in self._policy.categories:
            raise unknown("category", category, self._policy.categories)
        known = self._policy.categories[category]
        if not known.look_up:
            raise UnknownWord(f"people are not found by `{category}`; the policy says no `look-up` there")
        hidden = index(self._gate.keys, known.term, category, value)
        ask = Request("use", actor.role, RIGHTS_PURPOSE, (category,))
        leaves: list[Leaf] = []
        traces: list[Trace] = []
        async with self._gate.store.transaction() as tx:
            found = await tx.find(category, hidden)
            at = self._gate.now()
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
            if not leaves:
                leaves.append(self._recorder.plain(at, "find", actor.name, "done"))
            await tx.record(leaves, traces)
        return found
