"""The sequencer over a real SQLite store and real folders."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copytree, rmtree

import pytest

from avow.errors import RolledBack, SecondWriter, Tampered, Unavailable
from avow.ledger.checkpoint import Signer, read
from avow.ledger.entry import EVENT, decode, encode
from avow.ledger.folder import files
from avow.ledger.tree import check_consistency, check_inclusion, leaf_hash, root_of
from avow.ledger.verify import verify_log
from avow.sequencer import Log, reconcile
from avow.store import open_store
from avow.store.interface import Leaf, Store
from tests.ledger import crashes, logs

ENTRIES = logs.entries(700)


class Died(BaseException):
    """The process died here."""


@dataclass
class Place:
    """A site's database, ledger and checkpoint store."""

    path: Path
    store: Store
    logs: list[Log] = field(default_factory=list)

    async def record(self, entries: list[bytes]) -> None:
        async with self.store.transaction() as tx:
            await tx.record([Leaf(entry[EVENT], entry) for entry in entries], ())

    async def open(self, step: Callable[[str], None] = lambda _: None) -> Log:
        log = await Log.open(self.path / "log", self.store, logs.SIGNER, self.path / "kept", step)
        self.logs.append(log)
        return log

    def claim(self, *trusted: str) -> str | None:
        return verify_log(files(self.path / "log"), logs.KEY, trusted).claim


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    store = await open_store(f"sqlite:///{tmp_path / 'shop.db'}", "shop")
    place = Place(tmp_path, store)
    yield place
    for log in place.logs:
        log.close()
    await store.close()


# -- growing -------------------------------------------------------------------------------------------------------


async def test_what_was_recorded_is_sequenced_in_order_and_verifies(place: Place) -> None:
    log = await place.open()
    await place.record(ENTRIES)
    assert await log.sequence(logs.START) == 700
    assert [log.entry(index) for index in (0, 255, 256, 699)] == [ENTRIES[index] for index in (0, 255, 256, 699)]
    assert read(log.checkpoint(), logs.SIGNER.key).root == root_of([leaf_hash(entry) for entry in ENTRIES])
    assert place.claim() == "internally consistent"


async def test_in_small_steps_it_comes_to_the_same_log(place: Place) -> None:
    log = await place.open()
    await place.record(ENTRIES[:300])
    held = []
    for limit in (1, 2, 250, 100):
        await log.sequence(logs.START, limit)
        held.append(log.checkpoint())
    await place.record(ENTRIES[300:])
    await log.sequence(logs.START)
    expected = logs.log(ENTRIES)
    assert all(files(place.path / "log")(path) == data for path, data in expected.items())
    assert place.claim(*held) == "consistent with a checkpoint held outside"


async def test_nothing_pending_changes_nothing(place: Place) -> None:
    log = await place.open()
    before = log.checkpoint()
    assert await log.sequence(logs.START) == 0
    assert log.checkpoint() == before


async def test_sequenced_entries_are_pending_no_more(place: Place) -> None:
    log = await place.open()
    await place.record(ENTRIES[:10])
    await log.sequence(logs.START, 4)
    async with place.store.transaction() as tx:
        assert [leaf.entry for leaf in await tx.pending(100)] == ENTRIES[4:10]


async def test_partial_files_go_when_the_full_one_is_there(place: Place) -> None:
    log = await place.open()
    await place.record(ENTRIES[:300])
    await log.sequence(logs.START, 100)
    assert (place.path / "log/tile/entries/000.p/100").exists()
    await log.sequence(logs.START, 200)
    assert not (place.path / "log/tile/entries/000.p").exists()
    assert not (place.path / "log/tile/0/000.p").exists()


async def test_the_window_is_the_age_of_the_oldest_pending_entry(place: Place) -> None:
    log = await place.open()
    assert await log.window(logs.START) == (0, 0)
    await place.record(ENTRIES[:2])
    assert await log.window(logs.START + 300) == (300, 300)
    await log.sequence(logs.START + 450)
    assert await log.window(logs.START + 900) == (0, 450)


async def test_it_goes_on_where_it_was(place: Place) -> None:
    for start in range(0, 700, 100):
        log = await place.open()
        await place.record(ENTRIES[start : start + 100])
        await log.sequence(logs.START)
        log.close()
    assert place.claim(logs.note(ENTRIES)) == "consistent with a checkpoint held outside"


# -- reading -------------------------------------------------------------------------------------------------------


async def test_an_event_is_found_by_its_time_and_without_it(place: Place) -> None:
    log = await place.open()
    await place.record(ENTRIES)
    await log.sequence(logs.START)
    for index in (0, 1, 255, 256, 511, 512, 699):
        entry = decode(ENTRIES[index])
        assert log.find(entry.event, entry.at) == log.find(entry.event) == index
    assert log.find(bytes(16)) is None
    assert log.find(bytes(16), logs.START) is None


async def test_an_event_far_in_time_is_found_among_many_bundles(place: Place) -> None:
    log = await place.open()
    spread = [
        encode(decode(entry)._replace(at=logs.START + 60_000 * (number - number % 7)))
        for number, entry in enumerate(ENTRIES * 4)
    ]
    spread = [entry[:9] + number.to_bytes(16, "big") + entry[25:] for number, entry in enumerate(spread)]
    await place.record(spread)
    await log.sequence(logs.START)
    for index in range(0, len(spread), 97):
        entry = decode(spread[index])
        assert log.find(entry.event, entry.at) == index
    assert place.claim() == "internally consistent"


async def test_inclusion_and_consistency_are_proved_to_anybody_with_the_key(place: Place) -> None:
    log = await place.open()
    await place.record(ENTRIES)
    await log.sequence(logs.START, 300)
    old = read(log.checkpoint(), logs.SIGNER.key)
    await log.sequence(logs.START)
    proof = log.inclusion(5)
    head = read(proof.checkpoint, logs.SIGNER.key)
    check_inclusion(leaf_hash(proof.entry), proof.index, head.size, proof.proof, head.root)
    check_consistency(old.size, head.size, log.consistency(old.size), old.root, head.root)
    with pytest.raises(IndexError):
        log.inclusion(700)


async def test_an_export_verifies_on_its_own(place: Place, tmp_path: Path) -> None:
    log = await place.open()
    await place.record(ENTRIES)
    await log.sequence(logs.START)
    log.export(tmp_path / "auditor")
    assert verify_log(files(tmp_path / "auditor"), logs.KEY, [log.checkpoint()]).faults == ()
    with pytest.raises(FileExistsError):
        log.export(tmp_path / "auditor")


# -- dying ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["files", "force", "commit", "keep", "publish", "tidy"])
@pytest.mark.parametrize("first", [3, 300])
async def test_dying_at_any_step_loses_and_doubles_nothing(place: Place, step: str, first: int) -> None:
    def dies(at: str) -> None:
        if at == step and armed:
            raise Died

    armed = False
    log = await place.open(dies)
    await place.record(ENTRIES[:first])
    await log.sequence(logs.START)
    held = log.checkpoint()
    await place.record(ENTRIES[first:])
    armed = True
    with pytest.raises(Died):
        await log.sequence(logs.START)
    log.close()
    again = await place.open()
    await again.sequence(logs.START)
    assert again.size == 700
    assert place.claim(held, logs.note(ENTRIES)) == "consistent with a checkpoint held outside"


async def test_after_an_unknown_outcome_the_same_log_goes_on(place: Place) -> None:
    def dies(at: str) -> None:
        if at == "keep" and armed:
            raise Died

    armed = False
    log = await place.open(dies)
    await place.record(ENTRIES[:20])
    armed = True
    with pytest.raises(Died):
        await log.sequence(logs.START)
    armed = False
    await place.record(ENTRIES[20:])
    await log.sequence(logs.START)
    assert log.size == 700
    assert place.claim(logs.note(ENTRIES)) == "consistent with a checkpoint held outside"


@pytest.mark.parametrize("broken", ["keep", "publish"])
async def test_a_checkpoint_that_could_not_be_given_out_is_given_out_when_called_again(
    place: Place, broken: str
) -> None:
    failing = [False]

    def step(name: str) -> None:
        if failing[0] and name == broken:
            raise Unavailable("the disk is full")

    log = await place.open(step)
    await place.record(ENTRIES[:10])
    before = log.checkpoint()
    failing[0] = True
    with pytest.raises(Unavailable):
        await log.sequence(logs.START)
    assert log.checkpoint() == before
    failing[0] = False
    assert await log.sequence(logs.START) == 0
    assert read(log.checkpoint(), logs.SIGNER.key).size == 10
    assert log.checkpoint() == (place.path / "kept/checkpoint").read_text()
    assert log.checkpoint() == (place.path / "log/checkpoint").read_text()


def test_a_killed_process_loses_and_doubles_nothing() -> None:
    figures = crashes.run(6, 1)
    assert figures["ok"], figures


def test_the_harness_of_kills_notices_an_acknowledgement_that_comes_too_early() -> None:
    figures = crashes.run(1, 1, early=True)
    assert figures["lost"], figures


# -- rolled back ---------------------------------------------------------------------------------------------------


async def older_database(place: Place) -> None:
    """700 entries sequenced, then the database as it was at 300, with 100 of the others still pending."""
    log = await place.open()
    await place.record(ENTRIES[:300])
    await log.sequence(logs.START)
    await place.record(ENTRIES[300:400])
    await place.store.backup(place.path / "backup")
    await place.record(ENTRIES[400:])
    await log.sequence(logs.START)
    log.close()
    await place.store.restore(place.path / "backup")


async def test_an_older_database_is_refused(place: Place) -> None:
    await older_database(place)
    with pytest.raises(RolledBack, match="it is an older one"):
        await place.open()


async def test_an_older_database_is_refused_while_running_too(place: Place) -> None:
    log = await place.open()
    await place.store.backup(place.path / "backup")
    await place.record(ENTRIES)
    await log.sequence(logs.START)
    await place.store.restore(place.path / "backup")
    with pytest.raises(RolledBack):
        await log.sequence(logs.START)


async def test_reconciling_moves_an_older_database_forward_without_doubling(place: Place) -> None:
    await older_database(place)
    dropped = await reconcile(place.path / "log", place.store, logs.SIGNER.key, place.path / "kept")
    assert dropped == 100
    more = logs.entries(5, seed=9)
    await place.record(more)
    log = await place.open()
    assert await log.sequence(logs.START) == 5
    assert log.size == 705
    assert place.claim(logs.note(ENTRIES)) == "consistent with a checkpoint held outside"


async def test_reconciling_what_needs_none_changes_nothing(place: Place) -> None:
    log = await place.open()
    await place.record(ENTRIES)
    await log.sequence(logs.START)
    log.close()
    assert await reconcile(place.path / "log", place.store, logs.SIGNER.key, place.path / "kept") == 0
    assert (await place.open()).size == 700


@pytest.mark.parametrize("gone", ["kept", "log"])
async def test_reconciling_without_ledger_or_checkpoint_store_is_refused(place: Place, gone: str) -> None:
    await older_database(place)
    rmtree(place.path / gone)
    (place.path / gone).mkdir()
    with pytest.raises(RolledBack):
        await reconcile(place.path / "log", place.store, logs.SIGNER.key, place.path / "kept")


async def test_an_older_ledger_is_refused(place: Place) -> None:
    log = await place.open()
    await place.record(ENTRIES[:300])
    await log.sequence(logs.START)
    copytree(place.path / "log", place.path / "older")
    await place.record(ENTRIES[300:])
    await log.sequence(logs.START)
    log.close()
    rmtree(place.path / "log")
    (place.path / "older").rename(place.path / "log")
    with pytest.raises(RolledBack, match="does not hold the 700 entries"):
        await place.open()


async def test_database_and_ledger_rolled_back_together_are_refused_by_the_checkpoint_store(place: Place) -> None:
    log = await place.open()
    await place.record(ENTRIES[:300])
    await log.sequence(logs.START)
    copytree(place.path / "log", place.path / "older")
    await place.store.backup(place.path / "backup")
    await place.record(ENTRIES[300:])
    await log.sequence(logs.START)
    log.close()
    await place.store.restore(place.path / "backup")
    rmtree(place.path / "log")
    (place.path / "older").rename(place.path / "log")
    with pytest.raises(RolledBack, match="kept/checkpoint"):
        await place.open()


async def test_a_lost_checkpoint_store_is_refused(place: Place) -> None:
    log = await place.open()
    await place.record(ENTRIES)
    await log.sequence(logs.START)
    log.close()
    rmtree(place.path / "kept")
    with pytest.raises(RolledBack, match="there is no checkpoint in"):
        await place.open()


async def test_a_lost_published_checkpoint_is_published_again(place: Place) -> None:
    log = await place.open()
    await place.record(ENTRIES)
    await log.sequence(logs.START)
    log.close()
    (place.path / "log/checkpoint").unlink()
    await place.open()
    assert place.claim(logs.note(ENTRIES)) == "consistent with a checkpoint held outside"


async def test_a_forked_ledger_is_refused(place: Place) -> None:
    log = await place.open()
    await place.record(ENTRIES)
    await log.sequence(logs.START)
    log.close()
    (place.path / "kept/checkpoint").write_text(logs.note([*ENTRIES[:600], *logs.entries(100, seed=3)]))
    with pytest.raises(RolledBack, match="it is another"):
        await place.open()


@pytest.mark.parametrize("name", ["log/checkpoint", "kept/checkpoint"])
async def test_a_checkpoint_of_another_key_is_refused(place: Place, name: str) -> None:
    (await place.open()).close()
    (place.path / name).write_text(logs.note([], Signer(logs.ORIGIN, b"o" * 32)))
    with pytest.raises(Tampered):
        await place.open()


async def test_one_process_at_a_time_sequences_a_folder(place: Place) -> None:
    await place.open()
    with pytest.raises(SecondWriter):
        await place.open()
