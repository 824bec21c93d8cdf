"""The demo shows what it says it shows, and notices when it is not so."""

import io
import logging
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from rich.console import Console

from avow.cli.telling import Telling
from avow.demo import terminal as demo
from avow.policy.parse import read

AVOW = Path(sys.executable).with_name("avow")
SHOPS = demo.shipped()


def telling() -> tuple[Telling, io.StringIO]:
    screen = io.StringIO()
    return Telling(Console(file=screen, width=80, force_terminal=False)), screen


async def test_five_shops_keep_their_word_and_it_is_told_within_eighty_columns() -> None:
    tell, screen = telling()
    shown = await demo.run(SHOPS, tell)
    assert [one.wrong for one in shown] == [[]] * 5
    assert [one.site for one in shown] == [path.stem for path in SHOPS]
    assert all(one.refused >= 2 and one.keys == 1 and one.files > 10 and one.entries > 10 for one in shown)
    assert {one.claim for one in shown} == {"consistent with a checkpoint held outside"}
    text = screen.getvalue()
    assert max(map(len, text.splitlines())) <= 80
    assert text.count("kept its word") == 5
    assert text.count("nowhere") == 10
    assert "✘" not in text


async def test_each_refusal_stands_beside_the_promises_own_words() -> None:
    tell, screen = telling()
    (path,) = [path for path in SHOPS if path.stem == "aimini"]
    await demo.run([path], tell)
    says = next(promise.says for promise in read(path).promises if promise.id == "AIM-1")
    told = " ".join(line.split("│", 1)[-1].strip() for line in screen.getvalue().splitlines())
    assert f"AIM-1  “{says}”" in told


async def test_the_files_stay_where_one_asks_for_them_and_hold_nothing_of_the_erased(tmp_path: Path) -> None:
    tell, _ = telling()
    (shown,) = await demo.run(SHOPS[:1], tell, tmp_path / "kept")
    held = [path for path in (tmp_path / "kept").rglob("*") if path.is_file()]
    assert len(held) == shown.files
    assert not [path for path in held if b"4f9a71c2" in path.read_bytes()]


def left_in_the_log(folder: Path, given: Mapping[str, str]) -> None:
    logging.getLogger("shop").warning("order of %s", given["email"])


def left_in_a_file(folder: Path, given: Mapping[str, str]) -> None:
    (folder / "debug.txt").write_bytes(given["email"].encode("utf-16-le"))


@pytest.mark.parametrize(
    ("defect", "file"), [(left_in_the_log, "everything.log"), (left_in_a_file, "debug.txt")], ids=["log", "file"]
)
async def test_a_value_that_is_left_anywhere_is_found_and_said(defect: demo.Meddle, file: str) -> None:
    tell, screen = telling()
    (shown,) = await demo.run(SHOPS[:1], tell, meddle=defect)
    assert shown.wrong == [f"the email of Ada is readable in {file}"]
    assert "broke its word" in screen.getvalue()
    assert "ada.4f9a71c2" not in " ".join(shown.wrong)


async def test_a_key_that_is_left_is_found_and_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    secrets: list[bytes] = []
    keys = demo._keys

    async def seen(*args: object) -> demo._Secrets:
        found = await keys(*args)  # type: ignore[arg-type]  # passed on as it came
        secrets.extend(found.keys.values())
        return found

    monkeypatch.setattr(demo, "_keys", seen)

    def dump(folder: Path, _: Mapping[str, str]) -> None:
        (folder / "core.dump").write_bytes(b"..." + secrets[0])

    tell, _ = telling()
    (shown,) = await demo.run(SHOPS[:1], tell, meddle=dump)
    assert shown.wrong == ["the key `ordinary` of Ada is readable in core.dump"]


async def test_a_log_that_is_changed_is_said() -> None:
    def forge(folder: Path, _: Mapping[str, str]) -> None:
        (entries,) = (folder / "shop.db.avow/ledger/tile/entries").rglob("*.p/*")
        entries.write_bytes(entries.read_bytes()[:-1] + b"?")

    tell, _ = telling()
    (shown,) = await demo.run(SHOPS[:1], tell, meddle=forge)
    assert shown.wrong
    assert shown.claim == "none"


async def test_an_erasure_that_keeps_the_key_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("avow.store.keystore.Keystore.destroy", lambda *_: None)
    tell, _ = telling()
    (shown,) = await demo.run(SHOPS[:1], tell)
    assert any("wrapped key `ordinary` of Ada is readable in wraps-1.db" in one for one in shown.wrong)


def test_the_command_exits_1_and_names_the_shop_when_one_breaks_its_word(tmp_path: Path) -> None:
    run = subprocess.run([AVOW, "demo", "--terminal", "--check"], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    program = (
        "import avow.demo.terminal as demo; from avow.cli import main\n"
        "real = demo.shop\n"
        "def spoilt(policy, folder, tell, meddle=None):\n"
        "    def leave(folder, given): (folder / 'left').write_text(given['email'])\n"
        "    return real(policy, folder, tell, leave if policy.site == 'aitpro' else None)\n"
        "demo.shop = spoilt\n"
        "main(['demo', '--terminal', '--check'])\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr == "error: aitpro: the email of Ada is readable in left\n"
