"""A site is put together from its parts: policy, store, keys, log and clock, each checked before the next one."""

import os
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from avow.decide.table import Table, compile_policy
from avow.errors import OperatorError, PolicyError, Tampered
from avow.gate import Gate, Journal
from avow.ledger.entry import decode
from avow.ledger.faults import LedgerError
from avow.ledger.folder import VERSIONS
from avow.policy.check import faults
from avow.policy.model import Count, Policy
from avow.policy.parse import read
from avow.practices.noise import laplace
from avow.practices.recovery import restoring
from avow.practices.statistics import Statistics
from avow.practices.visited import VisitCells
from avow.record import Recorder
from avow.sequencer import Log, reconcile
from avow.start import MovedClock, Places, Private, must_be_private, open_keystore, signer
from avow.store import disk, open_store
from avow.store.interface import Store
from avow.store.keystore import Keystore
from avow.vault.keys import RootProvider
from avow.versions import Versions, Where
from avow.visits.counted import Files
from avow.visits.counting import DURATIONS, LONG

VERIFIER_KEY: Final = (
    "verifier-key"  # the file beside the log that names its key, for those who have it from nowhere else
)


class Parts(NamedTuple):
    """What a site stands on."""

    gate: Gate
    keystore: Keystore
    recorder: Recorder
    log: Log
    clock: MovedClock
    places: Places
    versions: Versions


async def put_together(
    stack: AsyncExitStack, policy: str | Path | Policy, url: str, folder: str | Path | None,
    root: str | Path | RootProvider | None, clock: Callable[[], datetime], private: Private, demo: bool,
    source: Path | None = None, unpublished: bool = False,
) -> Parts:  # fmt: skip
    """Check what must be true, then open store, keys and log; what was opened is closed with `stack`.

    The policy says which site it is, and founds a new one; else the version in force counts, and a text that was never
    published is refused, unless `unpublished` lets it name the site, too.

    `source` is a backup to put in the database's place first. A restore that died is finished here as far as the
    ledger goes; `Avow.settle` does the rest.
    """
    try:
        chosen = policy if isinstance(policy, Policy) else read(policy)
    except OSError as error:
        raise OperatorError(f"the policy `{policy}` cannot be read: {error.strerror}; name its file") from None
    if wrong := faults(chosen):
        raise PolicyError(wrong, chosen.site)
    must_be_private(chosen, private)
    provider, path = (None, root) if root is None or isinstance(root, str | Path) else (root, None)
    places = Places.of(url, folder, path)
    if not places.keys.parent.exists():
        places.keys.parent.mkdir(mode=0o700, parents=True)
    store = await open_store(url, chosen.site)
    stack.push_async_callback(store.close)
    keystore = await open_keystore(store, places, provider, source)
    stack.callback(keystore.close)
    if restoring(keystore.journal.entries()):
        await reconcile(places.ledger, store, signer(keystore).key, places.checkpoints)
    async with store.transaction() as tx:
        new = not (await tx.log_state()).size and not await tx.pending(1)
    moved = MovedClock.load(clock, keystore.journal, demo=demo, new=new)
    parts = await _serve(stack, chosen, store, keystore, moved, places, unpublished=unpublished)
    must_be_private(parts.gate.policy, private)
    return parts


def statistics(gate: Gate, recorder: Recorder, journal: Journal, places: Places) -> Statistics:
    """Figures of people, and of visits: those counted into the environment's AVOW_VISITS, or beside the folder with keys
    and ledger.
    """
    made = Statistics(gate, recorder, journal, laplace)
    files = Files(Path(os.environ.get("AVOW_VISITS") or places.keys.parent.parent), gate.policy.site)
    made.add(VisitCells(gate.policy, files.visits, _kinds, made.catalogue))
    return made


def _kinds() -> dict[Count, Sequence[str]]:
    from avow.visits.agents import BROWSERS, SYSTEMS  # noqa: PLC0415 - their tables are loaded where they are asked about
    from avow.visits.regions import REGIONS  # noqa: PLC0415 - as above

    lengths = [*(name for _, name in DURATIONS), LONG]
    return {"browser": BROWSERS, "system": SYSTEMS, "region": sorted(REGIONS.values()), "duration": lengths}


async def _serve(
    stack: AsyncExitStack, chosen: Policy, store: Store, keystore: Keystore, clock: MovedClock, places: Places, *,
    unpublished: bool,
) -> Parts:  # fmt: skip
    """The parts that decide and record, over those that hold. By the version in force: `chosen` only says which site."""
    log = await Log.open(places.ledger, store, signer(keystore), places.checkpoints)
    stack.callback(log.close)
    where = Where(store, keystore.journal, places.ledger / VERSIONS, signer(keystore))
    versions = await Versions.load(where, chosen, clock())
    if not unpublished:
        versions.known(chosen)
    policy = versions.current.policy
    tables: dict[bytes, Table] = {one.name: compile_policy(one.policy) for one in versions.lived}
    recorder = Recorder(policy.site, versions.current.name, keystore.site_key("actor"), os.urandom, lambda: clock.moved)
    gate = Gate(policy, tables, store, keystore, recorder, clock, os.urandom)
    if log.size:
        try:
            gate.not_before(decode(log.entry(log.size - 1)).at)
        except LedgerError as error:
            raise Tampered(f"the newest entry of the ledger in `{places.ledger}` was changed: {error}") from None
    await versions.settle(recorder, gate.moment())
    disk.write(places.ledger / VERIFIER_KEY, f"{log.key}\n".encode())
    stack.push_async_callback(gate.close)
    return Parts(gate, keystore, recorder, log, clock, places, versions)
