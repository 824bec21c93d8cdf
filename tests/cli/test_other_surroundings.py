"""The same commands on PostgreSQL, and at a real terminal that asks before what cannot be undone."""

import os
import pty
import select
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.terminal import Terminal

AVOW = str(Path(sys.executable).with_name("avow"))


def test_the_data_commands_work_on_postgresql(
    terminal: Terminal, policy: Path, here: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AVOW_POLICY", "privacy.yaml")
    monkeypatch.setenv("AVOW_DATABASE", postgres_url)
    monkeypatch.setenv("AVOW_FOLDER", "vault")
    ran = terminal("sweep")
    assert (ran.status, "there is no site in `vault/keys`" in ran.err) == (2, True)
    (here / "old.csv").write_text("name,email\nAda,ada@x.example\nBea,bea@x.example\n")
    assert terminal("import", "old.csv", "--form", "order", "--source", "old shop").status == 0
    (ada,) = terminal("find", "email", "--json", typed="ada@x.example\n").json["subjects"]
    assert terminal("backup", "copy").status == 0
    assert terminal("erase", ada, "--yes").status == 0
    assert terminal("restore", "copy", "--yes", "--json").json["erasures"] == 1
    assert terminal("export", ada).status == 1
    assert terminal("find", "email", typed="bea@x.example\n").status == 0
    assert terminal("verify", "vault").status == 0


def at_a_terminal(args: list[str], answer: str) -> tuple[int, str]:
    """Exit status and what the screen showed, when `answer` is typed after the last thing that was asked."""
    screen, theirs = pty.openpty()
    shown = ""
    with subprocess.Popen([AVOW, *args], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True) as program:
        os.close(theirs)
        while True:
            ready, _, _ = select.select([screen], [], [], 10)
            try:
                data = os.read(screen, 65536) if ready else b""
            except OSError:  # the other end is closed
                data = b""
            if not data:
                break
            shown += data.decode()
            if answer and ("[y/N]: " in shown or "(not shown): " in shown):
                os.write(screen, f"{answer}\n".encode())
                answer = ""
    os.close(screen)
    return program.returncode, shown


def test_at_a_terminal_erasing_is_asked_for_and_a_value_is_not_shown(site: Terminal) -> None:
    status, shown = at_a_terminal(["find", "email"], "ada@quillfeather.example")
    assert (status, "quillfeather" in shown) == (0, False)
    who = shown.split()[-1]
    status, shown = at_a_terminal(["erase", who], "n")
    assert (status, "It cannot be" in shown) == (1, True)
    assert site("export", who).status == 0
    status, shown = at_a_terminal(["erase", who], "y")
    assert (status, "1 key destroyed" in shown) == (0, True)
    assert site("export", who).status == 1
