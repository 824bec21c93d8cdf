"""After a crash, finish what was begun; after a restore, narrow again what had been narrowed. Before serving.

The journal beside the keystore is the truth about narrowing: it is never restored from a backup. Replaying is
idempotent, so it may itself be interrupted.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from avow.decide.facts import Circumstances, add, drop
from avow.decide.request import Allow, Request
from avow.gate import Act, Actor, Entry, Gate, unpack
from avow.policy.model import RIGHTS_PURPOSE, SITE
from avow.practices.agreeing import mark, put_consent, put_request, without
from avow.practices.ending import find_by
from avow.store.interface import Suppression

Fields = Mapping[str, str | int]
_RECOVERER = Actor(SITE, "recovery", standing=True)


@dataclass(frozen=True, slots=True)
class Recovered:
    """How many acts had to be finished or done again."""

    erasures: int
    endings: int
    narrowings: int


class Recovery:
    """For one site."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    async def settle(self, entries: Sequence[Entry]) -> Recovered:
        """Finish erasures and endings that were begun and not marked done. Run at every start."""
        done = {str(e.fields["subject"]) for e in entries if e.kind == "erased"}
        ended = {key for e in entries if e.kind == "ended" for key in str(e.fields["keys"]).split()}
        erasures = [e for e in entries if e.kind == "erasure" and e.fields["subject"] not in done]
        for entry in erasures:
            await self._erase(entry, "erase")
        endings = [e for e in entries if e.kind == "ending" and e.fields["key"] not in ended]
        for entry in endings:
            await self._end(entry, restored=False)
        return Recovered(len(erasures), len(endings), 0)

    async def replay(self, entries: Sequence[Entry]) -> Recovered:
        """Do every narrowing of the journal again on a restored database, in order."""
        on_record = {entry.fields["subject"] for entry in entries if entry.kind == "erased"}
        erasures = endings = narrowings = 0
        for entry in entries:  # first: what narrowed before an erasure is of no use to a person whose key is gone
            if entry.kind == "erasure":
                erasures += await self._erase(entry, "restore" if entry.fields["subject"] in on_record else "erase")
        for entry in entries:
            if entry.kind == "ending":
                endings += await self._end(entry, restored=True)
            else:
                narrowings += await self._narrow(entry)
        return Recovered(erasures, endings, narrowings)

    async def _erase(self, entry: Entry, kind: str) -> bool:
        """Erase, again or at last; `kind` is the word for the record, which has each erasure once. True if the person stood here again. The keys are destroyed either way; that is what counts."""
        subject = bytes.fromhex(str(entry.fields["subject"]))
        keys = _ids(str(entry.fields["keys"]))
        again = await self._live(subject)
        if again:
            # The person's own key may be gone, so the record of this is one without a face.
            await self._gate.note(kind, lambda tx: tx.drop_subject(subject), "recovery")
        self._gate.keys.destroy(keys)
        return again

    async def _end(self, entry: Entry, *, restored: bool) -> bool:
        """Destroy an ended key. True if there was something to do.

        After a crash the database may never have committed the ending: then it still uses the key, nobody was told
        that the data ended, and they stay. After a restore it uses the key again: then the data go again.
        """
        subject, key = bytes.fromhex(str(entry.fields["subject"])), bytes.fromhex(str(entry.fields["key"]))
        async with self._gate.store.transaction() as tx:
            row = (await tx.subjects((subject,)))[0]
        used = row is not None and row.state == "live" and key in unpack(row.keys).values()
        if used and not restored:
            return False
        if used:
            await self._change(subject, lambda act: _forget(act, key))
        self._gate.keys.destroy((key,))
        return used

    async def _narrow(self, entry: Entry) -> bool:
        fields = entry.fields
        at = int(fields.get("at", 0))
        if entry.kind in ("do-not-contact", "contact-again"):
            channel, hidden = str(fields["channel"]), bytes.fromhex(str(fields["hash"]))
            async with self._gate.store.transaction() as tx:
                if entry.kind == "do-not-contact":
                    await tx.suppress(Suppression(channel, hidden, at))
                else:
                    await tx.unsuppress(channel, hidden)
            return True
        if entry.kind not in _NARROW:
            return False
        subject = bytes.fromhex(str(fields["subject"]))
        if not await self._live(subject):
            return False

        await self._change(subject, lambda act: _NARROW[entry.kind](act, fields))
        return True

    async def _change(self, subject: bytes, apply: Callable[[Act], Awaitable[None]]) -> None:
        ask = Request("erase", SITE, RIGHTS_PURPOSE, ())
        circumstances = Circumstances(standing=True)
        await self._gate.change(subject, ask, _RECOVERER, circumstances, apply, rule=Allow(()), kind="restore")

    async def _live(self, subject: bytes) -> bool:
        async with self._gate.store.transaction() as tx:
            row = (await tx.subjects((subject,)))[0]
        return row is not None and row.state == "live"


def suppressed(entries: Iterable[Entry]) -> set[tuple[str, bytes]]:
    """Channel and hash of every do-not-contact entry that stands, by the journal: the database may have lost some."""
    standing: set[tuple[str, bytes]] = set()
    for entry in entries:
        if entry.kind in ("do-not-contact", "contact-again"):
            one = str(entry.fields["channel"]), bytes.fromhex(str(entry.fields["hash"]))
            (standing.add if entry.kind == "do-not-contact" else standing.discard)(one)
    return standing


async def _withdraw(act: Act, fields: Fields) -> None:
    """End what was agreed up to then; what was agreed to anew after it stands."""
    about, at = fields["about"], int(fields["at"])
    consents = [consent for consent in await act.tx.consents(act.row.subject) if mark(consent.about) == about]
    ended = [consent for consent in consents if consent.withdrawn is None and consent.given <= at]
    for consent in ended:
        await put_consent(act, consent._replace(withdrawn=at))
    if ended and not any(consent.withdrawn is None for consent in consents if consent not in ended):
        act.facts = drop(act.facts, ended[0].about)


async def _close(act: Act, fields: Fields) -> None:
    requests = await act.tx.requests(act.row.subject)
    for one in requests:
        if one.row.hex() == fields["row"] and one.closed is None:
            await put_request(act, one._replace(closed=int(fields["at"])))
            act.facts = without(act.facts, one, requests)


async def _opt_out(act: Act, fields: Fields) -> None:
    act.facts = add(act.facts, f"opt-out/{fields['channel']}")


async def _opt_in(act: Act, fields: Fields) -> None:
    act.facts = drop(act.facts, f"opt-out/{fields['channel']}")


_NARROW: Final[Mapping[str, Callable[[Act, Fields], Awaitable[None]]]] = {
    "withdrawal": _withdraw,
    "closed": _close,
    "opt-out": _opt_out,
    "opt-in": _opt_in,
}


async def _forget(act: Act, key: bytes) -> None:
    """Remove the data that this key sealed, and the key's name."""
    ended = {name for name, held in act.keys.items() if held == key}
    rows = [datum for datum in await act.tx.held(act.row.subject) if datum.kept_as in ended]
    await act.remove(rows)
    await find_by(act, await act.tx.held(act.row.subject), {datum.category for datum in rows})
    act.keys = {name: held for name, held in act.keys.items() if name not in ended}


def _ids(line: str) -> list[bytes]:
    return [bytes.fromhex(key) for key in line.split()]
