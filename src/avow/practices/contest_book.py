"""What is kept of contests: notes of the store, without anything of anybody, and the file by which a draw is checked."""

import json
from typing import Any, Final, Protocol

from avow.errors import Tampered
from avow.gate import Gate
from avow.ledger import draw as drawing
from avow.ledger.checkpoint import parse
from avow.store.interface import Leaf

NOTE: Final = "contest"  # the note of a kind says which contest of it is the newest; that of a contest how it stands
ALL: Final = "contests"  # the note that names all contests, oldest first
State = dict[str, Any]


class Placed(Protocol):
    """An entry of the log with the proof that it is there."""

    @property
    def index(self) -> int:
        """Where it stands."""

    @property
    def entry(self) -> bytes:
        """Its bytes."""

    @property
    def proof(self) -> tuple[bytes, ...]:
        """Leads to the root of the newest checkpoint."""


class Ledger(Protocol):
    """What a draw asks of the log."""

    @property
    def size(self) -> int:
        """How many entries it has."""

    def root_at(self, size: int) -> bytes:
        """The root of its tree at that size."""

    def find(self, event: bytes, at: int | None = None) -> int | None:
        """Where an event's entry stands."""

    def inclusion(self, index: int) -> Placed:
        """The proof that it does."""

    def consistency(self, old: int) -> tuple[bytes, ...]:
        """The proof that the newest tree begins with an older one."""

    def checkpoint(self) -> str:
        """The newest one, signed."""

    def signed(self, text: str) -> str:
        """A note of the log's key over a text."""


class Book:
    """For one site."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    async def save(self, state: State, leaf: Leaf | None = None) -> None:
        """The state as it is now and what the record says of it, in one transaction."""
        async with self._gate.store.transaction() as tx:
            if leaf is not None:
                await tx.record((leaf,), ())
            ids = (await tx.note(ALL) or "").split()
            if state["contest"] not in ids:
                await tx.set_note(ALL, " ".join((*ids, state["contest"])))
            await tx.set_note(f"{NOTE}/{state['kind']}", state["contest"])
            await tx.set_note(f"{NOTE}/{state['contest']}", json.dumps(state))

    async def ids(self) -> list[str]:
        """Every contest, oldest first."""
        async with self._gate.store.transaction() as tx:
            return (await tx.note(ALL) or "").split()

    async def newest(self, kind: str) -> State | None:
        """The newest contest of a kind."""
        async with self._gate.store.transaction() as tx:
            contest = await tx.note(f"{NOTE}/{kind}")
        return None if contest is None else await self.kept(contest)

    async def kept(self, contest: str) -> State:
        """How a contest stands."""
        async with self._gate.store.transaction() as tx:
            state: State = json.loads(await tx.note(f"{NOTE}/{contest}") or "{}")
        return state


def following(state: State | None) -> int:
    """The number of the contest that comes after this one of its kind; one that nobody entered does not count."""
    return 1 if state is None else state["number"] + ("statement" in state)


def where(ledger: Ledger, told: State) -> int:
    """Where the entry stands that a state speaks of. Raises `Tampered`."""
    found = ledger.find(bytes.fromhex(told["event"]), told["at"])
    if found is None:
        raise Tampered("the log does not hold what the database says of a contest; restore the database")
    return found


def file(ledger: Ledger, state: State) -> dict[str, Any]:
    """See `avow.ledger.draw`. Nothing is awaited here, so that all proofs lead to one checkpoint."""
    result = state.get("result")
    first = parse(state["first"].partition("\n\n")[0] + "\n").size
    return {
        "avow-draw": drawing.VERSION, "statement": state["statement"], "entries": state["entries"],
        "aside": state["aside"], "result": result,
        "proof": {
            "closed": _proved(ledger, state["closed"]), "drawn": _proved(ledger, state["drawn"]) if result else None,
            "root": _hex(ledger.consistency(result["size"])) if result else [],
            "first": {"checkpoint": state["first"], "path": _hex(ledger.consistency(first))},
            "checkpoint": ledger.checkpoint(),
        },
    }  # fmt: skip


def _proved(ledger: Ledger, told: State) -> dict[str, Any]:
    found = ledger.inclusion(where(ledger, told))
    return {"index": found.index, "entry": found.entry.hex(), "path": _hex(found.proof)}


def _hex(hashes: tuple[bytes, ...]) -> list[str]:
    return [one.hex() for one in hashes]


def shown(state: State) -> State:
    """What anybody may know of a contest."""
    statement, result = state.get("statement"), state.get("result")
    return {
        "contest": state["contest"], "number": state["number"], "kind": state["kind"], "phase": state["phase"], "winners": state["winners"],
        "closes": state.get("closes"), "closed": statement["closed"] if statement else None,
        "entries": len(state.get("entries", ())), "aside": len(state.get("aside", ())),
        "drawn": state["drawn"]["at"] if result else None, "won": result["winners"] if result else [],
        "checkpoint": state.get("first", ""),
    }  # fmt: skip
