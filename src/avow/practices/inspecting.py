"""Hold what is stored against the record: who changes, removes or rolls back a row behind the gate is noticed.

The record itself is verified by `avow.ledger.verify`, against a checkpoint held outside. Here the rest: every value
opens where it stands, every row has the version that the record says, every event of a person is in the log, and
the log has none of the person's that the store does not know.
"""

import hmac
from collections.abc import Callable, Iterable

from avow.decide.facts import Circumstances
from avow.decide.request import Allow, Request
from avow.errors import Tampered
from avow.gate import STANDING, Act, Actor, Gate, anchor
from avow.ledger.entry import Entry, decode
from avow.policy.model import RIGHTS_PURPOSE, SITE
from avow.record import Recorder, proves
from avow.vault.keys import tag

_INSPECTOR = Actor(SITE, "inspector", standing=True)
ARRIVALS = ("register", "import")


class Inspecting:
    """For one site. `entries` answers with every entry of the log, sequenced or pending, as bytes."""

    def __init__(self, gate: Gate, recorder: Recorder, entries: Callable[[], Iterable[bytes]]) -> None:
        self._gate = gate
        self._recorder = recorder
        self._entries = entries

    async def inspect(self, subject: bytes) -> list[str]:
        """What is wrong with one living person's rows; empty is good. The look itself is on record.

        Reads the whole log. Call it when nothing is pending. A removed or rolled-back row, an altered value or
        standing, an event missing on either side: each is named, none of them by a personal value.
        """
        try:
            return await self._gate.change(
                subject, Request("use", SITE, RIGHTS_PURPOSE, ()), _INSPECTOR, Circumstances(standing=True),
                self._faults, rule=Allow(()), kind="inspect",
            )  # fmt: skip
        except Tampered as error:  # the person's own row or its key
            return [str(error)]

    async def census(self) -> list[str]:
        """Whether as many people are held as the record says came and were not erased."""
        came = gone = 0
        for entry in map(decode, self._entries()):
            came += entry.kind in ARRIVALS and entry.outcome == "done"
            gone += entry.kind == "erase" and entry.outcome == "done"
        async with self._gate.store.transaction() as tx:
            living = await tx.living()
        if came - gone == living:
            return []
        return [f"the record says that {came - gone} people are held, and {living} are; restore the database"]

    async def _faults(self, act: Act) -> list[str]:
        wrong: list[str] = []
        expected: dict[str, str] = {}
        events: dict[bytes, tuple[bytes, bytes]] = {}
        key = act.key("ordinary")
        for trace in await act.tx.traces(act.row.subject):
            try:
                opening, payload = self._recorder.proof(key, trace)
                seen = self._recorder.reveal(key, trace)
            except Tampered:
                wrong.append("an event of the person does not open")
                continue
            events[trace.event] = opening, payload
            for token in seen.changed.split():
                row, _, version = token.partition(":")
                expected[row] = version
        wrong += await self._rows(act, expected)
        return wrong + self._log(events, key.ledger_key)

    async def _rows(self, act: Act, expected: dict[str, str]) -> list[str]:
        wrong = []
        held = {}
        for datum in await act.tx.held(act.row.subject):
            row, _, version = anchor(datum.row, datum.version).partition(":")
            held[row] = version
            try:
                act.open(datum)
            except Tampered:
                wrong.append(f"a value of `{datum.category}` does not open where it stands")
        standing = anchor(STANDING, 0).partition(":")[0]
        held[standing] = str(act.row.version)
        expected.setdefault(standing, "1")
        expected = {row: version for row, version in expected.items() if version != "0"}
        missing, more = expected.keys() - held.keys(), held.keys() - expected.keys()
        if missing:
            wrong.append(f"{len(missing)} rows of the person are gone, and the record says nothing of it")
        if more:
            wrong.append(f"{len(more)} rows of the person are there that the record does not know")
        old = [row for row in expected.keys() & held.keys() if expected[row] != held[row]]
        if old:
            wrong.append(f"{len(old)} rows of the person have another version than the record says")
        return wrong

    def _log(self, events: dict[bytes, tuple[bytes, bytes]], ledger_key: bytes) -> list[str]:
        mine: dict[bytes, Entry] = {}
        for data in self._entries():
            entry = decode(data)
            if hmac.compare_digest(tag(ledger_key, entry.event), entry.tag):
                mine[entry.event] = entry
        wrong = []
        if unknown := mine.keys() - events.keys():
            wrong.append(f"{len(unknown)} events of the person are in the log and not in the store")
        if unlogged := events.keys() - mine.keys():
            wrong.append(f"{len(unlogged)} events of the person are in the store and not in the log")
        false = [event for event in mine.keys() & events.keys() if not proves(mine[event], *events[event])]
        if false:
            wrong.append(f"{len(false)} events of the person are not what the log committed to")
        return wrong
