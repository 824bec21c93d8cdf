"""Hold what is stored against the record: who changes, removes or rolls back a row behind the gate is noticed.

The record itself is verified by `avow.ledger.verify`, against a checkpoint held outside. Here the rest: every value
opens where it stands, every row is there as the record says, with the term and purposes that follow from the policy
it came under, and is found by its look-up; every event of a person is in the log, and the log has none of the person's
that the store does not know.

Not noticed here: a look-up added to somebody who never gave the value; another day or name given to an import (its
events do not say them), as long as the same term follows from it.
"""

import hmac
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Final

from avow.decide.facts import Circumstances
from avow.decide.request import Allow, Request
from avow.errors import KeyGone, Tampered
from avow.gate import Act, Actor, Gate, Journal
from avow.ledger.entry import Entry, decode
from avow.ledger.faults import LedgerError
from avow.policy.model import RIGHTS_PURPOSE, SITE, Policy
from avow.policy.parse import parse
from avow.policy.retention import ORDINARY, day, retention
from avow.practices.collecting import THEIR_OWN, index, plan
from avow.practices.disclosed import own
from avow.practices.holding import HOLD, REPLACED
from avow.record import Recorder, Seen, proves
from avow.rows import STANDING, anchor, anchored, words_of
from avow.store.interface import Consent, Datum
from avow.vault.keys import tag

_INSPECTOR = Actor(SITE, "inspector", standing=True)
ARRIVALS = ("register", "import")
BACKWARDS: Final = 600_000  # ms: an event may be this much older than one before it, as in the log


class Inspecting:
    """For one site. `entries` answers with every entry of the log, sequenced or pending, as bytes."""

    def __init__(
        self, gate: Gate, recorder: Recorder, entries: Callable[[], Iterable[bytes]], journal: Journal
    ) -> None:
        self._gate = gate
        self._journal = journal
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
        except (Tampered, KeyGone) as error:  # the person's own row or its key
            return [str(error)]

    async def census(self) -> list[str]:
        """Whether as many people are held as the record says came and were not erased, or lost by a restore."""
        living, missing = await self._counted()
        if not missing:
            return []
        return [f"the record says that {living + missing} people are held, and {living} are; restore the database"]

    async def lost(self) -> int:
        """How many people the record has more than are held: those that a restore lost. Call it when one is done."""
        return (await self._counted())[1]

    async def _counted(self) -> tuple[int, int]:
        """How many people are held, and how many more the record and the journal say are."""
        came = gone = 0
        for entry in self._logged():
            came += entry.kind in ARRIVALS and entry.outcome == "done"
            gone += entry.kind == "erase" and entry.outcome == "done"
        lost = sum(int(entry.fields["people"]) for entry in self._journal.entries() if entry.kind == "restored")
        async with self._gate.store.transaction() as tx:
            living = await tx.living()
        return living, came - gone - lost - living

    async def _faults(self, act: Act) -> list[str]:
        wrong: list[str] = []
        events: dict[bytes, bytes] = {}
        seen: list[Seen] = []
        key = act.key(ORDINARY)
        for trace in await act.tx.traces(act.row.subject):
            try:
                events[trace.event] = self._recorder.proof(key, trace)
                seen.append(self._recorder.reveal(key, trace))
            except Tampered:
                wrong.append("an event of the person does not open")
        if len(seen) > len(events):
            wrong.append("an event of the person is there twice")
        if any(after.at < before.at - BACKWARDS for before, after in pairwise(seen)):
            wrong.append("events of the person stand in another order than they happened in")
        mine = self._mine(key.ledger_key)
        wrong += self._log(events, mine)
        return wrong + await self._rows(act, seen, mine)

    async def _rows(self, act: Act, seen: list[Seen], mine: dict[bytes, Entry]) -> list[str]:
        """What is wrong with the rows, held against the events that wrote them."""
        expected = {anchor(STANDING, 1)[:8]: "1"}
        first: dict[str, Seen] = {}  # the event that a row came with
        for one in seen:
            for token in one.changed.split():
                row, _, version = token.partition(":")
                expected[row] = version
                first.setdefault(row, one)
        data, consents = await act.tx.held(act.row.subject), await act.tx.consents(act.row.subject)
        held = dict(
            token.split(":")
            for token in (
                anchor(STANDING, act.row.version),
                *(anchor(datum.row, datum.version) for datum in data),
                *map(anchored, consents),
                *map(anchored, await act.tx.requests(act.row.subject)),
            )
        )
        wrong = _differences({row: version for row, version in expected.items() if version != "0"}, held)
        arrival = next((one for one in seen if one.action in ARRIVALS), None)
        if arrival is None or arrival.at != act.row.created:
            wrong.append("the person did not come when the row says")
        policies = await self._policies(act)
        for datum in data:
            wrong += await self._datum(act, datum, first.get(anchor(datum.row, 0)[:8]), mine, policies)
        return wrong + [fault for consent in consents for fault in _consent(act, consent)]

    async def _datum(
        self, act: Act, datum: Datum, origin: Seen | None, mine: dict[bytes, Entry], policies: dict[bytes, Policy]
    ) -> list[str]:
        """What is wrong with one value, or with what stands beside it: term, purposes, source, version of the policy."""
        try:
            value = act.open(datum)
        except (Tampered, KeyGone):
            return [f"a value of `{datum.category}` does not open where it stands"]
        if datum.came().source != REPLACED and not await self._found(act, datum, value):
            return [f"the person is not found by their `{datum.category}`"]
        if origin is None or origin.event not in mine or own(datum):
            return []  # said already; what Avow keeps itself has no terms that a policy gives
        return self._terms(datum, origin, mine[origin.event], policies)

    async def _found(self, act: Act, datum: Datum, value: str) -> bool:
        known = self._gate.policy.categories.get(datum.category)
        if known is None or not known.look_up:
            return True
        return datum.subject in await act.tx.find(
            datum.category, index(self._gate.keys, known.term, datum.category, value)
        )

    def _terms(self, datum: Datum, origin: Seen, logged: Entry, policies: dict[bytes, Policy]) -> list[str]:
        came = datum.came()
        if came.source == REPLACED:  # a contact that was on file before, until its hold is over
            short = came.due is not None and came.due < origin.at + HOLD
            right = short and origin.action == "correct" and came.purposes == ""
            return [] if right else [f"the term or purposes of an old `{datum.category}` are not as they were written"]
        policy = policies.get(came.policy)
        if policy is None or came.policy != logged.policy:
            return [f"a value of `{datum.category}` came under another version of the policy than its row says"]
        kept = retention(policy, datum.category, came.form, came.collected)
        given = came.source in THEIR_OWN
        if (
            came.form != origin.form
            or given != (origin.action != "import")
            or (given and came.collected != origin.at)
            or ((datum.kept_as, came.due) != (kept.kept_as, kept.due) and not self._shortened(datum, kept.due))
            or came.purposes != " ".join(sorted(plan(policy, came.form).purposes.get(datum.category, ())))
        ):
            return [f"the term, purposes or source of a value of `{datum.category}` is not as it was written"]
        return []

    def _shortened(self, datum: Datum, due: int | None) -> bool:
        """Whether a later version ends it just then."""
        came = datum.came()
        earlier = self._gate.history.ends(came.policy, datum.category, came.form, came.collected, due)
        return came.due is not None and came.due in earlier and datum.kept_as == f"due-{day(came.due)}"

    async def _policies(self, act: Act) -> dict[bytes, Policy]:
        return {digest: parse(source, version) for digest, version, source, _ in await act.tx.policies()}

    def _logged(self) -> Iterator[Entry]:
        """Every entry of the log. Raises `Tampered` where its files hold none."""
        try:
            for data in self._entries():
                yield decode(data)
        except LedgerError as error:
            raise Tampered(f"the ledger's files were changed ({error}); verify the log, and put it back") from None

    def _mine(self, ledger_key: bytes) -> dict[bytes, Entry]:
        """The person's entries in the log."""
        entries = self._logged()
        return {one.event: one for one in entries if hmac.compare_digest(tag(ledger_key, one.event), one.tag)}

    @staticmethod
    def _log(events: dict[bytes, bytes], mine: dict[bytes, Entry]) -> list[str]:
        wrong = []
        if unknown := mine.keys() - events.keys():
            wrong.append(f"{len(unknown)} events of the person are in the log and not in the store")
        if unlogged := events.keys() - mine.keys():
            wrong.append(f"{len(unlogged)} events of the person are in the store and not in the log")
        false = [event for event in mine.keys() & events.keys() if not proves(mine[event], events[event])]
        if false:
            wrong.append(f"{len(false)} events of the person are not what the log committed to")
        return wrong


def _differences(expected: dict[str, str], held: dict[str, str]) -> list[str]:
    """In words, how rows and their versions differ from what the record says."""
    wrong = []
    if missing := expected.keys() - held.keys():
        wrong.append(f"{len(missing)} rows of the person are gone, and the record says nothing of it")
    if more := held.keys() - expected.keys():
        wrong.append(f"{len(more)} rows of the person are there that the record does not know")
    if other := [row for row in expected.keys() & held.keys() if expected[row] != held[row]]:
        wrong.append(f"{len(other)} rows of the person have another version than the record says")
    return wrong


def _consent(act: Act, consent: Consent) -> list[str]:
    try:
        act.gate.open(words_of(consent), act.at, act.own, "consent")
    except (Tampered, KeyGone):
        return ["what the person agreed to does not open where it stands"]
    return []
