"""A version of the policy is published, never edited, and in force from its day on: not before, and not by a file alone."""

import asyncio
import shutil
import signal
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import apsw
import pytest

from avow.app import Avow
from avow.errors import OperatorError, PolicyError, RolledBack, SecondWriter, Superseded, Tampered, Unavailable
from avow.ledger.checkpoint import Signer
from avow.ledger.entry import Entry, decode
from avow.ledger.folder import VERSIONS, files, versions
from avow.ledger.published import committed, read, state
from avow.ledger.verify import verify_log
from avow.policy.model import Policy
from avow.policy.parse import parse
from tests.shops import ADA, BEA, POLICY, START, Clock, dated, opened, publish

NEXT = dated(POLICY, "2026-03-03")
LATER = dated(POLICY.replace("to send news", "to send you news"), "2026-04-01")
DAY = datetime(2026, 3, 3, tzinfo=UTC)


def log_of(shop: Avow) -> list[Entry]:
    return [decode(shop.log.entry(index)) for index in range(shop.log.size)]


def states(shop: Avow) -> list[tuple[str, str]]:
    return [(one.version, one.state) for one in shop.publishing.versions()]


async def test_a_site_begins_with_its_first_version_published_and_in_force(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        (first,) = shop.publishing.versions()
        assert (first.version, first.state, first.previous) == ("2026-01-01", "in-force", None)
        await shop.sequence_all()
        entries = log_of(shop)
        assert [one.kind for one in entries] == ["publish", "in-force"]
        assert {one.commitment for one in entries} == {committed(first.note)}
    async with opened(tmp_path) as shop:
        await shop.sequence_all()
        assert len(log_of(shop)) == 2  # once


async def test_a_version_is_in_force_from_the_first_moment_of_its_day_and_not_before(tmp_path: Path) -> None:
    """AUD-13: it is posted before. TOC-15: every version that takes effect is in the list."""
    clock = Clock()
    async with opened(tmp_path, clock) as shop:
        await publish(shop, NEXT)
        assert states(shop) == [("2026-01-01", "in-force"), ("2026-03-03", "to-come")]
        who = await shop.collect("order", ADA)
        clock.now = DAY - timedelta(milliseconds=1)
        assert await shop.use(who, "name", purpose="order") == ADA["name"]
        assert not shop.superseded.is_set()
    async with opened(tmp_path, clock, policy=NEXT) as shop:  # the file says which site it is, and no more
        assert shop.policy.digest != NEXT.digest
        clock.now = DAY
        for act in (
            shop.use(who, "name", purpose="order"), shop.collect("order", BEA), shop.opt_out(who, "mail"),
            shop.find("email", ADA["email"]), publish(shop, LATER),
        ):  # fmt: skip
            with pytest.raises(Superseded):
                await act
        await shop._heed_versions()
        assert shop.superseded.is_set()
    async with opened(tmp_path, clock) as shop:
        assert shop.policy == NEXT
        assert states(shop) == [("2026-01-01", "past"), ("2026-03-03", "in-force")]
        await shop.collect("order", BEA)
        await shop.sequence_all()
        kinds = [(one.kind, one.policy == NEXT.digest[:16]) for one in log_of(shop)]
        assert ("publish", False) in kinds
        assert ("in-force", True) in kinds
        assert kinds[-1] == ("register", True) or kinds[-1] == ("collect", True)


async def test_a_file_that_was_never_published_takes_effect_nowhere_and_the_error_says_what_to_do(
    tmp_path: Path,
) -> None:
    """AUD-13: broken: any change that takes effect without a post."""
    async with opened(tmp_path) as shop:
        who = await shop.collect("order", ADA)
    for policy in (NEXT, dated(POLICY.replace("for: [order]", "for: [order, marketing]"), "2026-01-01")):
        with pytest.raises(OperatorError, match=r"never published.*avow publish"):
            async with opened(tmp_path, policy=policy):
                pass
    async with opened(tmp_path, policy=NEXT, unpublished=True) as shop:  # names the site, and changes nothing
        assert shop.policy.version.isoformat() == "2026-01-01"
        assert await shop.use(who, "name", purpose="order") == ADA["name"]


@pytest.mark.parametrize(
    ("policy", "why"),
    [
        (dated(POLICY, "2026-03-01"), "has begun or is over"),
        (dated(POLICY, "2025-12-31"), "is not after 2026-01-01"),
        (dated(POLICY, "2026-01-01"), "published before"),
        (dated(POLICY.replace("site: corner", "site: other"), "2026-03-03"), "policy of `other`"),
    ],
    ids=["today", "before the newest", "the same bytes", "another site"],
)
async def test_what_cannot_be_published_is_refused_and_said_why(tmp_path: Path, policy: Policy, why: str) -> None:
    async with opened(tmp_path) as shop:
        with pytest.raises(OperatorError, match=why):
            await publish(shop, policy)
        assert len(shop.publishing.versions()) == 1
        assert len(list((shop.places.ledger / VERSIONS).iterdir())) == 2


async def test_everything_that_stands_in_the_way_is_said_at_once(tmp_path: Path) -> None:
    wrong = dated(POLICY.replace("site: corner", "site: other"), "2025-01-01")
    async with opened(tmp_path) as shop:
        found = "; ".join(shop.publishing.troubles(wrong, "00" * 32))
        for part in ("policy of `other`", "somebody else published meanwhile", "begun or is over", "not after"):
            assert part in found


@pytest.mark.parametrize(
    ("line", "instead", "why"),
    [("version: 2026-01-01\n", "", "version"), ("says: to send news", 'says: " "', "write some words")],
    ids=["no day", "a purpose without words"],
)
def test_a_text_that_leaves_out_its_day_or_a_purposes_words_is_no_policy(line: str, instead: str, why: str) -> None:
    with pytest.raises(PolicyError, match=why):
        parse(POLICY.replace(line, instead), "corner")


async def test_of_two_publishers_at_once_the_second_is_told_to_look_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        newest = shop.publishing.versions()[-1].digest
        await shop.publishing.publish(NEXT, newest)
        with pytest.raises(OperatorError, match="look at the plan anew"):
            await shop.publishing.publish(LATER, newest)
        await publish(shop, LATER)
        assert states(shop) == [("2026-01-01", "in-force"), ("2026-03-03", "to-come"), ("2026-04-01", "to-come")]


async def test_a_clock_that_goes_back_brings_no_older_version_back(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as shop:
        await publish(shop, NEXT)
    clock.now = DAY
    async with opened(tmp_path, clock) as shop:
        assert shop.policy == NEXT
    clock.now = DAY - timedelta(minutes=5)  # within what a clock may be set right by
    async with opened(tmp_path, clock) as shop:
        assert shop.policy == NEXT
    clock.now = START
    with pytest.raises(OperatorError, match="clock"):
        async with opened(tmp_path, clock):
            pass


@pytest.mark.parametrize("ending", ["yaml", "note"])
async def test_an_edited_old_version_is_noticed_and_named(tmp_path: Path, ending: str) -> None:
    """TOC-15: broken: an edited old version."""
    clock = Clock()
    async with opened(tmp_path, clock) as shop:
        await publish(shop, NEXT)
        first = shop.publishing.versions()[0]
        folder = shop.places.ledger / VERSIONS
    file = folder / f"{first.digest}.{ending}"
    whole = file.read_text()
    file.write_text(whole.replace("Courier", "Curier").replace("2026-01-01", "2026-01-02"))
    with pytest.raises(Tampered, match=r"2026-01-0|statement"):
        async with opened(tmp_path, clock):
            pass
    file.unlink()
    with pytest.raises(OperatorError, match="put them back"):
        async with opened(tmp_path, clock):
            pass
    file.write_text(whole)
    async with opened(tmp_path, clock) as shop:
        assert len(shop.publishing.versions()) == 2


async def test_a_restored_backup_knows_every_version_that_was_published_since(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as shop:
        await shop.collect("order", ADA)
        (tmp_path / "copy").mkdir()
        await shop.backup(tmp_path / "copy")
        await publish(shop, NEXT)
    clock.now = DAY
    await Avow.restore(NEXT, f"sqlite:///{tmp_path}/shop.db", tmp_path / "copy", folder=tmp_path / "avow", clock=clock)
    async with opened(tmp_path, clock) as shop:
        assert shop.policy == NEXT
        async with shop._gate.store.transaction() as tx:
            assert [version for _, version, _, _ in await tx.policies()] == ["2026-01-01", "2026-03-03"]


@pytest.mark.parametrize("column", ["source", "version"])
async def test_a_version_that_was_edited_in_the_database_is_noticed_and_named(tmp_path: Path, column: str) -> None:
    async with opened(tmp_path) as shop:
        await publish(shop, NEXT)
    with apsw.Connection(str(tmp_path / "shop.db")) as database:
        database.execute(f"UPDATE policy SET {column} = {column} || ' ' WHERE version = '2026-01-01'")
        assert database.changes() == 1
    database.close()
    with pytest.raises(Tampered, match=r"version of 2026-01-01 is not in the database as it was published"):
        async with opened(tmp_path):
            pass


@pytest.mark.parametrize(
    ("site", "day", "seed", "why"),
    [
        ("corner", "2026-01-02", b"", "another version's statement"),
        ("other", "2026-01-01", b"", "another version's statement"),
        ("corner", "2026-01-01", b"k" * 32, "not the statement that was signed"),
    ],
    ids=["another day than the text's", "another site", "another key"],
)
async def test_a_statement_that_does_not_fit_its_text_or_key_is_noticed(
    tmp_path: Path, site: str, day: str, seed: bytes, why: str
) -> None:
    async with opened(tmp_path) as shop:
        (first,) = shop.publishing.versions()
        file = shop.places.ledger / VERSIONS / f"{first.digest}.note"
        own = shop.keystore.site_key("ledger")
    told = read(first.note, Signer("corner", own).key)._replace(site=site, day=day)
    file.write_text(state(told, Signer("corner", seed or own)))
    with pytest.raises(Tampered, match=why):
        async with opened(tmp_path):
            pass


# -- what fails meanwhile ----------------------------------------------------------------------------------------------


async def test_a_version_whose_transaction_failed_is_published_all_the_same_and_in_force_from_its_day_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    async with opened(tmp_path, clock, sequence_every=Clock.NEVER) as shop:
        with monkeypatch.context() as patch:
            patch.setattr("avow.versions._put", unavailable)
            with pytest.raises(Unavailable):
                await publish(shop, NEXT)
            await shop.upkeep.turn()
            assert shop.upkeep.failing == 1
        assert states(shop)[-1] == ("2026-03-03", "to-come")
        await shop.upkeep.turn()
        assert shop.upkeep.failing == 0
        await shop.sequence_all()
        assert [one.kind for one in log_of(shop)].count("publish") == 2
        clock.now = DAY
        with pytest.raises(Superseded):
            await shop.collect("order", ADA)


async def unavailable(*_: object) -> None:
    raise Unavailable("the database did not answer; nothing was done")


async def test_a_clock_that_went_back_puts_nothing_into_the_record(tmp_path: Path) -> None:
    """What a publication left undone is done by a clock that is right: else the log itself would go back."""
    async with opened(tmp_path) as shop:
        await shop.collect("order", ADA)
    assert killed(tmp_path, "version") == -signal.SIGKILL
    with pytest.raises(OperatorError, match="clock"):
        async with opened(tmp_path, Clock(START - timedelta(days=1))):
            pass
    async with opened(tmp_path) as shop:
        await shop.sequence_all()
        ledger = shop.places.ledger
        assert verify_log(files(ledger), shop.verifier_key, versions=versions(ledger)).faults == ()


@pytest.mark.parametrize("step", ["text", "statement"])
async def test_what_a_killed_publication_left_is_taken_away_and_no_auditor_takes_it_for_a_version(
    tmp_path: Path, step: str
) -> None:
    async with opened(tmp_path) as shop:
        await shop.collect("order", ADA)
        folder = shop.places.ledger / VERSIONS
        own = {path.name for path in folder.iterdir()}
    assert killed(tmp_path, step) == -signal.SIGKILL
    (folder / f"{'0' * 64}.yaml.new").write_text("half of a te")
    assert len({path.name for path in folder.iterdir()} - own) == (2 if step == "text" else 3)
    async with opened(tmp_path) as shop:
        assert {path.name for path in folder.iterdir()} == own
        await publish(shop, LATER)
        await shop.sequence_all()
        shop.log.export(tmp_path / "copy")
        copy = tmp_path / "copy"
        assert verify_log(files(copy), shop.verifier_key, versions=versions(copy)).faults == ()


async def test_of_two_processes_one_publishes(tmp_path: Path, postgres_url: str) -> None:
    """In one folder there is one process. With a copy of the folder beside one database: the first of them."""
    async with opened(tmp_path, url=postgres_url):
        with pytest.raises(SecondWriter):
            async with opened(tmp_path, url=postgres_url):
                pass
    copy = tmp_path / "copy"
    shutil.copytree(tmp_path / "avow", copy / "avow")
    done: list[object] = []
    with pytest.raises(RolledBack):  # the ledger of who came second: such a copy is good for nothing else either
        await both_publish(tmp_path, copy, postgres_url, done)
    assert {type(one) for one in done} == {type(None), OperatorError, list}
    assert any("another process published one meanwhile" in str(one) for one in done)
    assert done[-1] == ["2026-01-01", "2026-03-03"] or done[-1] == ["2026-01-01", "2026-04-01"]


async def both_publish(one: Path, copy: Path, url: str, done: list[object]) -> None:
    """What came of each, and which versions the database has then."""
    async with opened(one, url=url) as shop, opened(copy, url=url) as other:
        done += await asyncio.gather(publish(shop, NEXT), publish(other, LATER), return_exceptions=True)
        async with shop._gate.store.transaction() as tx:
            done.append(sorted(version for _, version, _, _ in await tx.policies()))


# -- killed ------------------------------------------------------------------------------------------------------------


def killed(folder: Path, step: str, *day: str) -> int:
    """How a process ended that died at this step of publishing, or of opening the site on a day."""
    command = [sys.executable, "-m", "tests.publishing_dies", str(folder), step, *day]
    return subprocess.run(command, check=False, timeout=120).returncode


STEPS = ("text", "statement", "version", "database")


@pytest.mark.parametrize("step", STEPS)
async def test_killed_at_any_step_of_publishing_a_version_is_published_wholly_or_not_at_all(
    tmp_path: Path, step: str
) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as shop:
        await shop.collect("order", ADA)
    assert killed(tmp_path, step) == -signal.SIGKILL
    async with opened(tmp_path, clock) as shop:
        there = [version for version, _ in states(shop)]
        assert there == (["2026-01-01"] if step in ("text", "statement") else ["2026-01-01", "2026-03-03"])
        if len(there) == 1:
            await publish(shop, NEXT)
        await shop.sequence_all()
        notes = [committed(one.note) for one in shop.publishing.versions()]
        published = [one.commitment for one in log_of(shop) if one.kind == "publish"]
        assert [published.count(one) for one in notes] == [1, 1]
    clock.now = DAY
    async with opened(tmp_path, clock) as shop:
        assert shop.policy.version == date(2026, 3, 3)


async def test_the_first_version_may_not_be_one_of_a_day_to_come(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="that day has not come"):
        async with opened(tmp_path, policy=NEXT):
            pass


@pytest.mark.parametrize("step", [*STEPS, "in-force"])
async def test_killed_at_any_step_of_its_first_opening_a_site_begins_with_one_version(
    tmp_path: Path, step: str
) -> None:
    assert killed(tmp_path, step, START.date().isoformat()) == -signal.SIGKILL
    async with opened(tmp_path) as shop:
        await shop.sequence_all()
        assert states(shop) == [("2026-01-01", "in-force")]
        assert [one.kind for one in log_of(shop)] == ["publish", "in-force"]
        assert [one.kind for one in shop.keystore.journal.entries()].count("version") == 1


@pytest.mark.parametrize("step", ["in-force", "database"])
async def test_killed_while_a_version_takes_effect_it_is_in_force_and_said_once(tmp_path: Path, step: str) -> None:
    async with opened(tmp_path) as shop:
        await publish(shop, NEXT)
    assert killed(tmp_path, step, "2026-03-03") == -signal.SIGKILL
    async with opened(tmp_path, Clock(DAY - timedelta(minutes=1))) as shop:
        assert shop.policy == NEXT
        await shop.sequence_all()
        newest = committed(shop.publishing.versions()[-1].note)
        assert [one.kind for one in log_of(shop) if one.commitment == newest] == ["publish", "in-force"]
        ledger = shop.places.ledger
        assert verify_log(files(ledger), shop.verifier_key, versions=versions(ledger)).faults == ()
