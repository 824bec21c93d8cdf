"""Who has a log, its key and the versions that lie with it finds every act under a version that was not in force."""

import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from avow.app import Avow
from avow.ledger.checkpoint import Signer
from avow.ledger.folder import VERSIONS, files, versions
from avow.ledger.published import Published, day_of, read, state
from avow.ledger.verify import verify_log
from avow.policy.parse import parse
from avow.record import Recorder
from tests.cli.terminal import Terminal
from tests.ledger import logs
from tests.shops import ADA, BEA, POLICY, Clock, dated, opened, publish

NEXT = dated(POLICY, "2026-03-03")
LATER = dated(POLICY.replace("to send news", "to send you news"), "2026-04-01")
DAY = datetime(2026, 3, 3, tzinfo=UTC)


async def lived(folder: Path, early: bytes = b"", late: bytes = b"") -> Path:
    """A copy of a log over two versions; with an act under the version of this name before the second one's day, and with
    one an hour after it began.
    """
    clock = Clock()
    async with opened(folder, clock) as shop:
        await shop.collect("order", ADA)
        await publish(shop, NEXT)
        await acted(shop, early)
    clock.now = DAY + timedelta(hours=1)
    async with opened(folder, clock) as shop:
        await shop.collect("order", BEA)
        await acted(shop, late)
        await shop.sequence_all()
        shop.log.export(folder / "copy")
        (folder / "key").write_text(shop.verifier_key)
    return folder / "copy"


async def acted(shop: Avow, version: bytes) -> None:
    if version:
        made = Recorder("corner", version, b"k" * 32, os.urandom, lambda: False)
        async with shop._gate.store.transaction() as tx:
            await tx.record((made.plain(shop.now(), "use", "site", "done"),), ())


def wrong(copy: Path) -> list[str]:
    report = verify_log(files(copy), (copy.parent / "key").read_text(), versions=versions(copy))
    assert (report.claim is None) is bool(report.faults)
    return [f"{one.place}: {one.message}" for one in report.faults]


async def test_an_auditor_verifies_every_version_with_the_log(tmp_path: Path) -> None:
    """TOC-15."""
    copy = await lived(tmp_path)
    assert len(versions(copy)) == 2
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


async def test_an_act_under_a_version_that_a_newer_one_had_followed_is_found_in_the_log(tmp_path: Path) -> None:
    """AUD-13, TOC-15: what is posted is what is done."""
    (one,) = wrong(await lived(tmp_path, late=parse(POLICY, "corner").digest[:16]))
    assert "the version of 2026-01-01, and a newer one was in force then" in one


async def test_a_log_that_speaks_of_versions_is_not_sound_without_them(tmp_path: Path) -> None:
    copy = await lived(tmp_path)
    shutil.rmtree(copy / VERSIONS)
    assert len([one for one in wrong(copy) if "was never published" in one]) == 2


def test_a_log_from_before_there_were_versions_is_verified_as_ever() -> None:
    assert verify_log(logs.log(logs.entries(300)).get, logs.KEY, versions=[]).faults == ()


async def test_another_text_than_the_statement_speaks_of_is_found_by_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log's key signs what the site lets it sign: of which day a text is stands in the text."""
    copy, avow = await lived(tmp_path), Terminal(capsys, monkeypatch)
    assert avow("verify", copy, "--key", tmp_path / "key").status == 0
    async with opened(tmp_path, Clock(DAY + timedelta(hours=1))) as shop:
        by = Signer("corner", shop.keystore.site_key("ledger"))
    first = min((copy / VERSIONS).glob("*.note"), key=lambda path: day_of(path.read_text()))
    first.write_text(state(read(first.read_text(), by.key)._replace(day="2026-01-02"), by))
    ran = avow("verify", copy, "--key", tmp_path / "key", "--json")
    assert (ran.status, ran.json["claim"]) == (1, "none")
    assert "its text is no policy of corner that is in force from 2026-01-02 on" in ran.out


def text_edited(folder: Path, first: Path, _: Path) -> str:
    path = first.with_suffix(".yaml")
    path.write_text(path.read_text().replace("Courier", "Curier"))
    return "the version of 2026-01-01 is not the text that was published"


def statement_edited(folder: Path, first: Path, _: Path) -> str:
    first.write_text(first.read_text().replace("2026-01-01", "2026-01-02"))
    return "its statement is not what the log's key signed"


def signed_by_another(folder: Path, first: Path, _: Path) -> str:
    key = Signer("corner", (folder.parent.parent / "seed").read_bytes()).key
    first.write_text(state(read(first.read_text(), key), Signer("corner", b"k" * 32)))
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


@pytest.mark.parametrize(
    "defect", [text_edited, statement_edited, signed_by_another, first_gone, newest_gone, one_too_many]
)
async def test_whatever_is_done_to_the_versions_that_an_auditor_gets_is_found(
    tmp_path: Path, defect: Callable[[Path, Path, Path], str]
) -> None:
    """TOC-15: broken: an edited old version."""
    copy = await lived(tmp_path)
    async with opened(tmp_path, Clock(DAY + timedelta(hours=1))) as shop:
        (tmp_path / "seed").write_bytes(shop.keystore.site_key("ledger"))
    folder = copy / VERSIONS
    first, newest = sorted(folder.glob("*.note"), key=lambda path: day_of(path.read_text()))
    says = defect(folder, first, newest)
    assert any(says in one for one in wrong(copy)), wrong(copy)
