"""log, verify, key, and the program as a whole."""

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from avow import cli
from tests.cli.terminal import Terminal

README = (Path(__file__).parents[2] / "README.md").read_text()
AVOW = Path(sys.executable).with_name("avow")


def flip(folder: Path) -> None:
    """Change one bit of the first entries."""
    (entries,) = (folder / "tile/entries").rglob("*.p/*")
    data = bytearray(entries.read_bytes())
    data[40] ^= 1
    entries.write_bytes(data)


# -- the log -------------------------------------------------------------------------------------------------------


def test_verify_says_what_it_shows_and_what_it_does_not(site: Terminal) -> None:
    for place in ("shop.db.avow", "shop.db.avow/ledger"):
        ran = site("verify", place)
        assert ran.status == 0
        assert ran.out.startswith("internally consistent: a log of 5 entries\n")
        assert "not shown  that every act is on record" in ran.out
        assert "the key came from the log's own folder" in ran.out
        told = site("verify", place, "--json").json
        assert (told["claim"], told["faults"], told["size"]) == ("internally consistent", [], 5)
        assert told["means"]
        assert told["not_claimed"]


def test_an_auditor_takes_the_log_home_and_holds_the_next_one_against_it(site: Terminal, here: Path) -> None:
    told = site("log", "june", "--json").json
    assert (told["folder"], told["entries"]) == ("june", 5)
    assert not (here / "june/verifier-key").exists()
    ran = site("verify", "june")
    assert (ran.status, "with --key" in ran.err) == (2, True)
    assert site("verify", "june", "--key", told["key"]).status == 0
    (here / "key").write_text(told["key"] + "\n")
    assert site("verify", "june", "--key", "key").status == 0
    assert site("sweep").status == 0
    (here / "more.csv").write_text("name,email\nDee,dee@x.example\n")
    assert site("import", "more.csv", "--form", "order", "--source", "old shop").status == 0
    for kept in ("june", "june/checkpoint"):
        later = site("verify", "shop.db.avow", "--key", "key", "--checkpoint", kept, "--json").json
        assert later["claim"] == "consistent with a checkpoint held outside"
        assert later["size"] > 5
    assert site("log", "june").status == 2


def test_a_changed_log_claims_nothing(site: Terminal, here: Path) -> None:
    key = site("log", "june", "--json").json["key"]
    flip(here / "june")
    ran = site("verify", "june", "--key", key)
    assert ran.status == 1
    assert ran.out.startswith("fault  ")
    assert "nothing can be claimed" in ran.out
    told = site("verify", "june", "--key", key, "--json")
    assert (told.status, told.json["claim"], told.json["not_claimed"]) == (1, "none", [])
    assert set(told.json["faults"][0]) == {"what", "place", "message"}


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["."], "`.` holds no log"),
        (["none"], "`none` holds no log"),
        (["shop.db.avow", "--key", "nonsense"], "no verifier key, nor a file that holds one"),
        (["shop.db.avow", "--witness", "nonsense"], "no verifier key"),
        (["shop.db.avow", "--checkpoint", "none"], "there is no checkpoint `none`"),
    ],
)
def test_verify_says_what_it_was_given_wrongly(site: Terminal, args: list[str], said: str) -> None:
    ran = site("verify", *args)
    assert (ran.status, ran.out, said in ran.err) == (2, "", True)


def test_a_checkpoint_of_another_log_is_a_fault(site: Terminal, here: Path) -> None:
    (here / "note").write_bytes(b"not a note \xff")
    assert site("verify", "shop.db.avow", "--checkpoint", "note").status == 1


def test_a_demo_of_ones_own_policy_runs_and_of_one_without_forms_says_why_not(
    terminal: Terminal, policy: Path, here: Path
) -> None:
    ran = terminal("demo", "--terminal", policy, policy, "--data", "kept")
    assert (ran.status, ran.out.count("kept its word")) == (0, 2)
    assert sorted(path.name for path in (here / "kept").iterdir()) == ["1-my-shop", "2-my-shop"]
    assert terminal("demo", "--terminal", policy, "--data", "kept").status == 2
    (here / "bare.yaml").write_text(
        "avow: 1\nsite: bare\nversion: 2026-01-01\ncontroller: {name: B, contact: {email: a@b.example}}\n"
        "promises:\n- {id: B-1, says: No cookies., source: {section: a, sentence: 1}, cookies: none}\n"
    )
    ran = terminal("demo", "--terminal", "bare.yaml")
    assert (ran.status, "`bare` no form leads to a use" in ran.err) == (2, True)
    ran = terminal("demo", policy)
    assert (ran.status, "add --terminal" in ran.err) == (2, True)


# -- keys ----------------------------------------------------------------------------------------------------------


def test_a_root_key_is_made_for_its_owner_alone_and_never_overwritten(terminal: Terminal, here: Path) -> None:
    ran = terminal("key", "new", "root.key")
    assert (ran.status, "AVOW_ROOT_KEY" in ran.out) == (0, True)
    assert stat.S_IMODE((here / "root.key").stat().st_mode) == 0o600
    before = (here / "root.key").read_bytes()
    assert before.split()[-1].decode() not in ran.out
    assert terminal("key", "new", "root.key").status == 2
    assert (here / "root.key").read_bytes() == before
    assert terminal("key", "new", "no/such/root.key").status == 2


def test_a_lost_keystore_comes_back_from_its_backup_without_who_was_erased_since(site: Terminal, here: Path) -> None:
    (ada,) = site("find", "email", "--json", typed="ada@quillfeather.example\n").json["subjects"]
    (bea,) = site("find", "email", "--json", typed="bea@thistledown.example\n").json["subjects"]
    for _ in range(2):  # the second replaces the first
        assert site("key", "backup", "keys").status == 0
    assert site("erase", ada, "--yes").status == 0
    assert site("key", "restore", "keys").status == 2  # there is one
    (here / "shop.db.avow/keys").rename(here / "lost")
    ran = site("sweep")
    assert (ran.status, "put it back from its backup" in ran.err) == (2, True)
    assert site("key", "restore", ".").status == 2
    assert site("key", "restore", "keys").status == 0
    assert (site("export", ada).status, site("export", bea).status) == (1, 0)


def test_a_new_epoch_replaces_the_backup_on_the_way(site: Terminal, here: Path) -> None:
    assert site("key", "rewrap", "--backup", "keys").status == 0
    assert (here / "keys/epoch-2.key").exists()
    assert (here / "shop.db.avow/keys/epoch-2.key").exists()
    assert site("find", "email", typed="ada@quillfeather.example\n").status == 0


def test_a_wrong_root_key_is_named_by_its_fingerprint(site: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    assert site("key", "new", "root.key").status == 0
    monkeypatch.setenv("AVOW_ROOT_KEY", "root.key")
    ran = site("sweep")
    assert (ran.status, "give the right root key file" in ran.err) == (2, True)


# -- the program ---------------------------------------------------------------------------------------------------


def commands() -> list[str]:
    """Every command there is, such as `check` and `key new`."""
    group = typer.main.get_command(cli.app)
    found = []
    for name, command in group.commands.items():  # type: ignore[attr-defined]  # a group, as the app has many
        found += [f"{name} {part}" for part in command.commands] if hasattr(command, "commands") else [name]
    return found


def test_the_program_itself_answers_with_its_exit_status(here: Path, policy: Path) -> None:
    for args, status in (
        (["check", policy], 0),
        (["check", "none.yaml"], 2),
        (["explain", policy, "use", "email", "--for", "news"], 1),
        (["frobnicate"], 2),
        (["verify", "."], 2),
        (["--version"], 0),
    ):
        run = subprocess.run([AVOW, *args], capture_output=True, text=True, check=False)
        assert run.returncode == status, args
        assert "Traceback" not in run.stderr


def test_output_to_a_pipe_that_closes_early_is_no_traceback(policy: Path) -> None:
    line = f"set -o pipefail; {AVOW} render {policy} | head -1"
    run = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert "Traceback" not in run.stderr


def test_a_terminal_without_unicode_is_no_traceback_and_json_stays_whole(site: Terminal, here: Path) -> None:
    (here / "more.csv").write_text("name,email\nŁucja,lucja@x.example\n")
    assert site("import", "more.csv", "--form", "order", "--source", "old shop").status == 0
    (who,) = site("find", "email", "--json", typed="lucja@x.example\n").json["subjects"]
    plain = os.environ | {"PYTHONIOENCODING": "ascii"}
    run = subprocess.run([AVOW, "demo", "--terminal"], env=plain, capture_output=True, check=False)
    assert (run.returncode, run.stderr) == (0, b"")
    run = subprocess.run([AVOW, "export", who], env=plain, capture_output=True, check=False)
    assert "Łucja" in [one["value"] for one in json.loads(run.stdout)["data"]]


def test_every_command_has_help_that_fits_eighty_columns(terminal: Terminal) -> None:
    assert {"init", "check", "explain", "render", "diff", "import", "export", "find", "erase", "sweep", "backup",
            "restore", "demo", "verify", "bench", "log", "key new", "key backup"} <= set(commands())  # fmt: skip
    for name in ("", *commands()):
        ran = terminal(*name.split(), "--help")
        assert ran.status == 0
        assert max(map(len, ran.out.splitlines())) <= 80
    assert "0 yes" in terminal("--help").out


def test_the_readme_names_commands_that_exist_and_all_of_them() -> None:
    text = re.sub(r"^```python\n.*?^```", "", README, flags=re.MULTILINE | re.DOTALL)
    lists = [re.sub(r" {2,}.*", "", line) for line in text.splitlines() if re.match(r"avow [a-z]+ ", line)]
    named = {name.strip() for line in lists for name in line.removeprefix("avow ").split("|")}
    named |= set(re.findall(r"(?:`|\$ )avow ((?:key )?[a-z]+)", text))
    assert named == set(commands())


def test_a_secret_never_comes_by_the_environments_name_into_an_error(site: Terminal, here: Path) -> None:
    os.chmod(here / "shop.db.avow/root.key", 0o644)  # noqa: PTH101 - as an operator would
    ran = site("sweep")
    secret = (here / "shop.db.avow/root.key").read_text().split()[-1]
    assert (ran.status, "may be read by others" in ran.err, secret in ran.err) == (2, True, False)
