"""A version of the policy is published, never edited, and in force from its day on: not before, and not by a file alone."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from avow.app import Avow
from avow.errors import OperatorError, PolicyError, Superseded, Tampered
from avow.ledger.checkpoint import Signer
from avow.ledger.entry import Entry, decode
from avow.ledger.folder import VERSIONS, files, versions
from avow.ledger.published import Published, committed, day_of, state
from avow.ledger.verify import verify_log
from avow.policy.model import Policy
from avow.policy.parse import parse
from avow.record import Recorder
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


def killed(folder: Path, step: str) -> int:
    """How a process ended that died at this step of publishing."""
    return subprocess.run([sys.executable, "-m", "tests.publishing_dies", str(folder), step], check=False).returncode


STEPS = ("text", "statement", "journal", "database")


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


# -- for an auditor --------------------------------------------------------------------------------------------------


async def lived(folder: Path, early: bytes = b"") -> Path:
    """A copy of a log over two versions; with an entry of this version's from before any took effect, if one is named."""
    clock = Clock()
    async with opened(folder, clock) as shop:
        await shop.collect("order", ADA)
        await publish(shop, NEXT)
        if early:
            leaf = Recorder("corner", early, b"k" * 32, os.urandom, lambda: False).plain(
                shop.now(), "use", "site", "done"
            )
            async with shop._gate.store.transaction() as tx:
                await tx.record((leaf,), ())
    clock.now = DAY
    async with opened(folder, clock) as shop:
        await shop.collect("order", BEA)
        await shop.sequence_all()
        shop.log.export(folder / "copy")
        (folder / "key").write_text(shop.verifier_key)
    return folder / "copy"


def wrong(copy: Path) -> list[str]:
    report = verify_log(files(copy), (copy.parent / "key").read_text(), versions=versions(copy))
    assert (report.claim is None) is bool(report.faults)
    return [f"{one.place}: {one.message}" for one in report.faults]


async def test_an_auditor_verifies_every_version_with_the_log(tmp_path: Path) -> None:
    """TOC-15."""
    copy = await lived(tmp_path)
    assert len(versions(copy) or ()) == 2
    assert wrong(copy) == []


async def test_an_act_under_a_version_before_its_day_or_under_none_is_found_in_the_log(tmp_path: Path) -> None:
    """AUD-13: broken: any change that takes effect without a post; TOC-15: an effective version missing from the log."""
    (tmp_path / "a").mkdir()
    (one,) = wrong(await lived(tmp_path / "a", NEXT.digest[:16]))
    assert "entry" in one
    assert "the version of 2026-03-03, which was not in force then" in one
    (tmp_path / "b").mkdir()
    (one,) = wrong(await lived(tmp_path / "b", b"x" * 16))
    assert "was never published" in one


def text_edited(folder: Path, first: Path, _: Path) -> str:
    path = first.with_suffix(".yaml")
    path.write_text(path.read_text().replace("Courier", "Curier"))
    return "the version of 2026-01-01 is not the text that was published"


def statement_edited(folder: Path, first: Path, _: Path) -> str:
    first.write_text(first.read_text().replace("2026-01-01", "2026-01-02"))
    return "its statement is not what the log's key signed"


def first_gone(folder: Path, first: Path, _: Path) -> str:
    first.unlink()
    return "the version of 2026-03-03 does not follow the one that was published before it"


def newest_gone(folder: Path, _: Path, newest: Path) -> str:
    newest.unlink()
    return "was never published"


def one_too_many(folder: Path, first: Path, newest: Path) -> str:
    """Signed by the log's key, and in no entry of it."""
    told = Published("corner", "2026-05-01", LATER.digest, NEXT.digest, 1_777_000_000_000)
    key = (folder.parent.parent / "seed").read_bytes()
    (folder / "late.note").write_text(state(told, Signer("corner", key)))
    (folder / "late.yaml").write_text(LATER.source)
    return "no entry that says that the version of 2026-05-01 was published"


@pytest.mark.parametrize("defect", [text_edited, statement_edited, first_gone, newest_gone, one_too_many])
async def test_whatever_is_done_to_the_versions_that_an_auditor_gets_is_found(
    tmp_path: Path, defect: Callable[[Path, Path, Path], str]
) -> None:
    """TOC-15: broken: an edited old version."""
    copy = await lived(tmp_path)
    async with opened(tmp_path, Clock(DAY)) as shop:
        (tmp_path / "seed").write_bytes(shop.keystore.site_key("ledger"))
    folder = copy / VERSIONS
    first, newest = sorted(folder.glob("*.note"), key=lambda path: day_of(path.read_text()))
    says = defect(folder, first, newest)
    assert any(says in one for one in wrong(copy)), wrong(copy)
