"""The documents of the library and of operating are held against the code."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from avow import errors
from avow.app import Avow
from tests.cli.terminal import Terminal
from tests.cli.test_proof_commands import commands

DOCS = Path(__file__).parents[2] / "docs"
LIBRARY, OPERATING = (DOCS / "library.md").read_text(), (DOCS / "operating.md").read_text()
INTERNAL = {"settle", "finish"}  # run by `open` itself


def public() -> set[str]:
    return {name for name in vars(Avow) if not name.startswith("_")} - INTERNAL


def test_every_method_and_every_error_is_in_the_library_document() -> None:
    code = " ".join(re.findall(r"`([^`]+)`", re.sub(r"^```.*?^```", "", LIBRARY, flags=re.MULTILINE | re.DOTALL)))
    assert {name for name in public() if not re.search(rf"\b{name}\b", code)} == set()
    family = {name for name, one in vars(errors).items() if isinstance(one, type) and issubclass(one, errors.AvowError)}
    assert {name for name in family - {"AvowError"} if name not in code} == set()


def test_the_acts_in_the_library_document_exist_with_these_arguments() -> None:
    rows = re.findall(r"^\| `([a-z_]+)\(([^)]*)\)`", LIBRARY, re.MULTILINE)
    assert len(rows) > 20
    for name, arguments in rows:
        code = getattr(Avow, name).__code__
        for argument in filter(None, re.split(r", ?", arguments)):
            assert argument == "..." or argument.strip("*=") in code.co_varnames, f"{name}({argument})"


def test_the_library_documents_programs_run(policy: Path, here: Path) -> None:
    programs = re.findall(r"^```python\n(.*?)^```", LIBRARY, re.MULTILINE | re.DOTALL)
    assert len(programs) == 2
    said = ""
    for program in programs:
        run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr
        said += run.stdout
    assert "Do you ship to Orkney?" in said
    assert "mail site news refused" in said
    assert said.endswith("2\n")


def test_the_commands_in_the_operating_document_exist() -> None:
    named = set(re.findall(r"(?:`|^    |/)avow ((?:key )?[a-z]+)", OPERATING, re.MULTILINE))
    assert named >= {"sweep", "backup", "restore", "key backup", "key restore", "key rewrap", "log", "verify"}
    assert named <= set(commands())


def test_the_drill_goes_as_it_is_written(site: Terminal, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (ada,) = site("find", "email", "--json", typed="ada@quillfeather.example\n").json["subjects"]
    assert site("log", "kept").status == 0
    assert site("backup", "drill").status == 0
    assert site("key", "backup", "drill-keys").status == 0
    assert site("erase", ada, "--yes").status == 0
    assert "1 erasure\n" in site("restore", "drill", "--yes").out
    assert "nobody is held under this id" in site("export", ada).err
    (here / "shop.db.avow/keys").rename(here / "away")
    assert site("sweep").status == 2
    assert site("key", "restore", "drill-keys").status == 0
    assert site("export", ada).status == 1
    ran = site("verify", "shop.db.avow", "--checkpoint", "kept", "--json")
    assert ran.json["claim"] == "consistent with a checkpoint held outside"
