"""A contest from its closing to its end: who takes part, a draw that anybody checks again, winners told, all erased.

    open        people enter by a form; each entry is an open service request
    announced   the same, and a moment is stated after which nobody enters
    closed      which entries take part, and the hash of a seed, stand in the log
    drawn       the winners stand in the log; every other entry is closed, so that nobody else may be reached
    ending      the winners have been told; entries are being erased
    ended       nothing of any entry is left but its public name; people may enter the next contest

Each step is one transaction that moves the state and puts it on record; what follows from it is finished afterwards, and
at the next start if the process died in between. What the draw is worth: docs/contests.md.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

from avow.decide.facts import Circumstances
from avow.decide.request import Request
from avow.errors import AvowError, CallError, KeyGone, NotHeld, Refused, Tampered
from avow.gate import Actor, Gate, Look
from avow.ledger import draw as drawing
from avow.ledger.entry import AT, EVENT, decode
from avow.policy.contests import Contest
from avow.policy.model import CONTACT, SITE
from avow.practices.agreeing import Agreeing
from avow.practices.collecting import index
from avow.practices.contest_book import Book, Ledger, State, file, following, shown, where
from avow.practices.ending import Ending
from avow.practices.entering import Entering
from avow.practices.words import unknown
from avow.record import Recorder
from avow.store.interface import Leaf, ServiceRequest
from avow.vault.lookup import hmac_sha256

BATCH: Final = 1000
FILES: Final = 8  # of draws that are kept ready
EVERY: Final = 1 << 40  # more open requests than fit any disk
_ACTOR: Final = Actor(SITE, "contests", standing=True)
_REACHING: Final = frozenset(CONTACT.values())
_FIRST: Final = 100  # of untold winners that a message names

log = logging.getLogger("avow.contests")


class Contests:
    """For one site. `sequence` puts everything that is pending into the log."""

    def __init__(
        self, gate: Gate, recorder: Recorder, ledger: Ledger, entering: Entering, agreeing: Agreeing, ending: Ending,
        sequence: Callable[[], Awaitable[object]],
    ) -> None:  # fmt: skip
        self._gate = gate
        self._book = Book(gate)
        self._recorder = recorder
        self._ledger = ledger
        self._entering = entering
        self._agreeing = agreeing
        self._ending = ending
        self._sequence = sequence
        self._turn = asyncio.Lock()
        self._known: dict[str, State] = {}  # what anybody may know, as last looked up
        self._files: dict[str, dict[str, Any]] = {}  # of draws: anybody may ask, and they are long
        self._announced: dict[str, int] = {}  # kind -> the moment after which nobody enters, ms
        self._unfinished: set[str] = set()  # kinds whose newest contest is to be looked at again

    # -- what the operator does -------------------------------------------------------------------------------------

    async def close(self, kind: str, winners: int, closes: int | None = None) -> State:
        """Let nobody enter any more, and put on record who takes part; with `closes` (ms, to come) at that moment.

        Of several entries of one person, or with one look-up value, the first takes part. Raises `CallError` where the
        contest is closed, was announced for a moment, or nobody has entered.
        """
        one = self._contest(kind)
        if not 1 <= winners <= drawing.MOST:
            raise CallError(f"there are 1 to {drawing.MOST:,} winners; say how many")
        async with self._turn:
            state = await self._book.newest(kind)
            if state is not None and state["phase"] == "announced":
                raise CallError("this contest is announced: it closes by itself at the moment that people were told")
            if state is not None and state["phase"] != "ended":
                raise CallError(f"this contest is {state['phase']} already; its end comes before the next one's")
            begun = {"contest": self._gate.random(16).hex(), "kind": kind, "number": following(state)}
            begun |= {"phase": "open", "winners": winners}
            if closes is not None and closes > self._gate.now():
                begun |= {"phase": "announced", "closes": closes}
                await self._book.save(begun, self._leaf("contest-announce", kind))
                self._announced[kind] = closes
                self._entering.close_at(kind, closes)
                return shown(begun)
            closed = await self._close(one, begun)
            if closed is None:
                raise CallError("nobody has entered this contest, and there is nothing to draw; it stays open")
            return shown(closed)

    async def draw(self, kind: str) -> State:
        """Draw the winners, put them on record, and close the requests of all others. Drawing again changes nothing."""
        self._contest(kind)
        async with self._turn:
            state = await self._finish(await self._in(kind, "closed", "drawn"))
            if state["phase"] == "closed":
                state = await self._finish(await self._draw(state))
            return shown(state)

    async def told(self, kind: str, *, anyway: bool = False) -> State:
        """The winners have been told: close every entry and erase what was given with it.

        Raises `CallError` while the record has no mail, letter or call to a winner whose entry is open; `anyway`, where
        they were told in another way, or cannot be.
        """
        self._contest(kind)
        async with self._turn:
            state = await self._in(kind, "drawn", "ending")
            if state["phase"] == "drawn":
                await self._must_be_told(state, anyway=anyway)
                state |= {"phase": "ending"}
                await self._book.save(state, self._leaf("contest-told", kind))
            return shown(await self._finish(state))

    async def show(self, kind: str) -> State:
        """How the newest contest of this kind stands; for the operator: with the open requests of the winners."""
        self._contest(kind)
        state, waiting = await self._book.newest(kind), await self._open(kind)
        if state is None or (state["phase"] == "ended" and waiting):
            return {"kind": kind, "phase": "open", "entered": len(waiting)}
        told = shown(state)
        winning = frozenset(told["won"])
        requests = {_name(one): one.row.hex() for one in waiting if _name(one) in winning}
        return told | {"requests": requests, "entered": len(waiting)}

    # -- what anybody may know --------------------------------------------------------------------------------------

    async def known(self, most: int = 20) -> list[State]:
        """Contests that were announced or closed, newest first; nothing of anybody is in it."""
        for contest in (newest := (await self._book.ids())[: -most - 1 : -1]):
            if self._known.get(contest, {}).get("phase") != "ended":  # after that nothing of it changes
                self._known[contest] = shown(await self._book.kept(contest))
        return [self._known[contest] for contest in newest]

    async def entered(self, request: bytes) -> dict[str, str | int] | None:
        """The public name of an entry, and a note of the log's key by which its person proves that it was taken in.

        None for what is no open request of a contest.
        """
        async with self._gate.store.transaction() as tx:
            found = await tx.open_request(request)
        if found is None or found.kind not in self._entering.contests:
            return None
        state, name = await self._book.newest(found.kind), drawing.entry_id(found.row)
        over = state is None or state["phase"] == "ended"
        number: int = following(state) if over or state is None else state["number"]
        text = drawing.entry_text(self._gate.store.site, found.kind, number, name, found.opened)
        return {"entry": name.hex(), "number": number, "note": self._ledger.signed(text)}

    async def proof(self, contest: str) -> dict[str, Any]:
        """The file with which anybody checks a draw (`avow.ledger.draw`). Raises `NotHeld` where there is none yet."""
        if contest in self._files:
            return self._files[contest]
        if contest in await self._book.ids():
            state = await self._book.kept(contest)
            if "first" in state:
                if "drawn" in state and not self._logged(state["drawn"]):
                    raise NotHeld("the winners are just being put on record; ask again in a second")
                made = file(self._ledger, state)
                if "result" in state:  # from here on it stays as it is, and is good for ever
                    self._files[contest] = made
                    while len(self._files) > FILES:
                        del self._files[next(iter(self._files))]
                return made
        raise NotHeld("no closing of such a contest is on record; look at the list of contests")

    # -- from one start to the next ---------------------------------------------------------------------------------

    async def load(self) -> None:
        """Take up what stands in the database, and finish what a crash left. Before serving."""
        self._unfinished.update(self._entering.contests)
        await self.carry_on()

    async def carry_on(self) -> None:
        """Close what was announced for a moment that has passed, and finish what was begun.

        Waits for nobody: the end of a large contest takes minutes, and the log goes on meanwhile.
        """
        if self._turn.locked():
            return
        now = self._gate.now()
        due = {kind for kind, closes in self._announced.items() if now > closes}
        for kind in sorted(self._unfinished | due):
            async with self._turn:
                await self._take_up(kind)

    async def _take_up(self, kind: str) -> None:
        """What the database says of the newest contest holds, whatever was believed here."""
        state = await self._book.newest(kind)
        self._announced.pop(kind, None)
        if state is None or state["phase"] == "ended":
            self._entering.open(kind)
        elif state["phase"] == "announced" and self._gate.now() <= state["closes"]:
            self._announced[kind] = state["closes"]
            self._entering.close_at(kind, state["closes"])
        elif state["phase"] == "announced":
            if await self._close(self._contest(kind), state) is None:
                await self._book.save(state | {"phase": "ended"})
        else:
            await self._entering.shut(kind)
            await self._finish(state)
        self._unfinished.discard(kind)

    # -- closing ----------------------------------------------------------------------------------------------------

    async def _close(self, one: Contest, state: State) -> State | None:
        """Put on record who takes part; None where nobody does. Whoever dies before the commit has closed nothing."""
        self._unfinished.add(one.kind)  # until it is known what came of it, nobody enters
        await self._entering.shut(one.kind)
        entries, aside = await self._one_each(one)
        if not entries:
            self._entering.open(one.kind)
            self._unfinished.discard(one.kind)
            return None
        statement = {
            "site": self._gate.store.site, "kind": one.kind, "number": state["number"],
            "contest": state["contest"], "closed": self._gate.now(), "winners": state["winners"],
            "entries": drawing.listed(entries).hex(),
            "aside": drawing.listed(aside).hex(), "seed": drawing.seed_hash(self._seed(state)).hex(),
        }  # fmt: skip
        leaf = self._leaf(drawing.CLOSED, one.kind, drawing.stated(statement))
        closed = state | {
            "phase": "closed", "statement": statement, "closed": _placed(leaf),
            "entries": [name.hex() for name in entries], "aside": [name.hex() for name in aside],
        }  # fmt: skip
        await self._book.save(closed, leaf)
        return await self._finish(closed)

    async def _one_each(self, one: Contest) -> tuple[list[bytes], list[bytes]]:
        """The entries that take part, and those set aside: not the first of their person or of somebody with the same
        look-up value, or of somebody who can be neither read nor reached. Both sorted. Each look is on record.
        """
        known = self._gate.policy.categories
        wanted = tuple(name for name in one.categories if known[name].look_up)
        ask = Request("use", SITE, self._gate.policy.requests[one.kind].serves[0], wanted)
        circumstances = Circumstances(standing=True)
        seen: set[bytes] = set()
        entries: list[bytes] = []
        aside: list[bytes] = []
        requests = await self._open(one.kind)
        for start in range(0, len(requests), BATCH):
            batch = requests[start : start + BATCH]
            people = list(dict.fromkeys(request.subject for request in batch))
            answers: list[dict[str, str] | AvowError] = [{} for _ in people]
            if wanted:
                answers = await self._gate.read([Look(subject, ask, _ACTOR, circumstances) for subject in people])
            told = dict(zip(people, answers, strict=True))
            for request in batch:
                values = told[request.subject]
                if isinstance(values, AvowError) or (wanted and not values):
                    aside.append(drawing.entry_id(request.row))
                    continue
                marks = {index(self._gate.keys, known[name].term, name, value) for name, value in values.items()}
                marks.add(request.subject)
                (entries if seen.isdisjoint(marks) else aside).append(drawing.entry_id(request.row))
                seen |= marks
        return sorted(entries), sorted(aside)

    # -- drawing ----------------------------------------------------------------------------------------------------

    async def _draw(self, state: State) -> State:
        await self._sequence()
        size = drawing.luck_size(self._closed_at(state))
        if (missing := size - self._ledger.size) > 0:  # the site's own life has not let the log grow so far
            async with self._gate.store.transaction() as tx:
                await tx.record([self._leaf("contest-wait", state["kind"]) for _ in range(missing)], ())
            await self._sequence()
        seed, root = self._seed(state), self._ledger.root_at(size)
        entries = [bytes.fromhex(name) for name in state["entries"]]
        won = drawing.winners(seed, root, entries, state["winners"])
        result = {
            "contest": state["contest"], "statement": drawing.stated(state["statement"]).hex(), "size": size,
            "root": root.hex(), "seed": seed.hex(), "winners": [name.hex() for name in won],
        }  # fmt: skip
        leaf = self._leaf(drawing.DRAWN, state["kind"], drawing.resulted(result))
        drawn = state | {"phase": "drawn", "result": result, "drawn": _placed(leaf)}
        await self._book.save(drawn, leaf)
        return drawn

    def _closed_at(self, state: State) -> int:
        """Where the statement stands in the log. Raises `Tampered` unless it is the one that was put on record."""
        index = where(self._ledger, state["closed"])
        statement, entries = state["statement"], [bytes.fromhex(name) for name in state["entries"]]
        committed = decode(self._ledger.inclusion(index).entry).commitment
        if committed != drawing.stated(statement) or drawing.listed(entries).hex() != statement["entries"]:
            raise Tampered("who takes part in the contest was changed since it closed; restore the database")
        return index

    def _logged(self, told: State) -> bool:
        return self._ledger.find(bytes.fromhex(told["event"]), told["at"]) is not None

    def _seed(self, state: State) -> bytes:
        """Kept nowhere, and not to be chosen: it follows from the contest's random id and a key of the site."""
        return hmac_sha256(self._gate.keys.site_key("draw"), bytes.fromhex(state["contest"]))

    # -- telling and ending -----------------------------------------------------------------------------------------

    async def _must_be_told(self, state: State, *, anyway: bool) -> None:
        winning, since = frozenset(state["result"]["winners"]), state["drawn"]["at"]
        open_ = [one for one in await self._open(state["kind"]) if _name(one) in winning]
        untold = [_name(one) for one in open_ if not await self._reached(one, since)]
        if untold and not anyway:
            raise CallError(
                f"the record has no mail, letter or call to {len(untold)} of the winners: "
                f"{', '.join(untold[:_FIRST])}; tell them, or say `anyway`"
            )

    async def _reached(self, request: ServiceRequest, since: int) -> bool:
        """Whether the record has the person reached for the contest since then."""
        purposes = self._gate.policy.requests[request.kind].serves
        async with self._gate.store.transaction() as tx:
            (row,) = await tx.subjects((request.subject,))
            if row is None or row.state == "erased":
                return True
            try:
                key, _ = self._gate.standing(row, self._gate.now())
                seen = [self._recorder.reveal(key, trace) for trace in await tx.traces(request.subject)]
            except (Tampered, KeyGone):
                return False
        return any(
            one.action in _REACHING and one.outcome == "done" and one.purpose in purposes and one.at >= since
            for one in seen
        )

    async def _finish(self, state: State) -> State:
        """Do what the phase asks for and is not done yet. Idempotent; what came of it."""
        kind = state["kind"]
        self._unfinished.add(kind)
        if state["phase"] == "closed":
            if "first" not in state:  # at once, so that it is signed before the luck exists
                await self._sequence()
                state |= {"first": self._ledger.checkpoint()}
                await self._book.save(state)
            aside = frozenset(state["aside"])
            await self._close_all(kind, lambda name: name in aside)
        elif state["phase"] == "drawn":
            winning = frozenset(state["result"]["winners"])
            await self._close_all(kind, lambda name: name not in winning)
            await self._sequence()
        elif state["phase"] == "ending":
            stuck = await self._close_all(kind, lambda _: True)
            swept = await self._ending.happened(self._entering.contests[kind].event)
            if stuck or swept.skipped:
                log.error("a contest cannot end: the rows of some of its people were changed outside; restore them")
            else:
                state |= {"phase": "ended"}
                await self._book.save(state)
                self._entering.open(kind)
        self._unfinished.discard(kind)
        return state

    async def _close_all(self, kind: str, fits: Callable[[str], bool]) -> int:
        """Close the requests of entries whose names fit; how many could not be."""
        stuck = 0
        for one in await self._open(kind):
            if fits(_name(one)):
                try:
                    await self._agreeing.close(one.subject, one.row, _ACTOR)
                except (Refused, CallError):  # its person was erased, or it was closed, a moment ago
                    continue
                except (Tampered, KeyGone):
                    stuck += 1
        return stuck

    # -- parts ------------------------------------------------------------------------------------------------------

    def _contest(self, kind: str) -> Contest:
        if kind not in self._entering.contests:
            raise unknown("contest", kind, self._entering.contests)
        return self._entering.contests[kind]

    async def _in(self, kind: str, *phases: str) -> State:
        """The newest contest, which must be in one of these phases."""
        state = await self._book.newest(kind)
        if state is None or state["phase"] not in phases:
            stands = "open" if state is None else state["phase"]
            raise CallError(f"this contest is {stands}; for this it must be {phases[0]}")
        return state

    async def _open(self, kind: str) -> list[ServiceRequest]:
        async with self._gate.store.transaction() as tx:
            return await tx.open_requests((kind,), EVERY)

    def _leaf(self, what: str, kind: str, commitment: bytes = b"") -> Leaf:
        promises = self._entering.contests[kind].promises
        return self._recorder.plain(self._gate.now(), what, SITE, "done", promises, commitment)


def _name(request: ServiceRequest) -> str:
    return drawing.entry_id(request.row).hex()


def _placed(leaf: Leaf) -> State:
    """How an entry is found again in the log."""
    return {"event": leaf.entry[EVENT].hex(), "at": int.from_bytes(leaf.entry[AT], "big")}
