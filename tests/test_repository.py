"""What the repository says about itself is so: the README, the lock files, the decisions, the size of the files."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

TOP = Path(__file__).parents[1]
README = (TOP / "README.md").read_text()
LONGEST = 500  # lines of a source file

MACHINE_PATH = re.compile(r"(?<![\w.~/])/(?:work|root|home/\w+|Users/\w+)/")  # somebody's own machine


def tracked() -> list[Path]:
    """The files of the repository, those not yet added among them; links and what git ignores are not."""
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=TOP,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return [path for path in (TOP / name for name in sorted(set(names))) if path.is_file() and not path.is_symlink()]


def read(path: Path) -> str:
    """The text of a file; empty for one that is not text."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def too_long(files: dict[str, str]) -> Iterator[str]:
    """Source files that nobody reads in one go."""
    for name, text in files.items():
        if name.endswith((".py", ".sh", ".sql", ".md", ".j2")) and (lines := text.count("\n")) > LONGEST:
            yield f"{name}: {lines} lines, {LONGEST} at most; it is a room to look into"


def machine_paths(files: dict[str, str]) -> Iterator[str]:
    """Lines with a path that is good on one machine only."""
    for name, text in files.items():
        for number, line in enumerate(text.splitlines(), 1):
            if MACHINE_PATH.search(line):
                yield f"{name}:{number}: {line.strip()[:80]}"


def incomplete(records: dict[str, str]) -> Iterator[str]:
    """Decisions that do not say what forced them, what was decided, or what it costs."""
    for name, text in records.items():
        for heading in ("Context", "Decision", "Drawback"):
            body = re.search(rf"^## {heading}s?\b.*\n((?:(?!## ).*\n?)*)", text, re.MULTILINE)
            if not body or not body[1].strip():
                yield f"{name}: nothing under `{heading}`"
        if not re.match(rf"# {name[:4]} ", text):
            yield f"{name}: its title does not begin with its number"


FILES = {str(path.relative_to(TOP)): read(path) for path in tracked()}
HERE = str(Path(__file__).relative_to(TOP))
DECISIONS = {path.name: path.read_text() for path in (TOP / "docs" / "decisions").glob("[0-9]*.md")}


def test_no_source_file_is_longer_than_somebody_reads() -> None:
    assert list(too_long(FILES)) == []


def test_no_file_holds_a_path_of_one_machine() -> None:
    assert list(machine_paths({name: text for name, text in FILES.items() if name != HERE})) == []


def test_every_decision_says_why_what_and_at_which_cost() -> None:
    assert len(DECISIONS) >= 3
    assert list(incomplete(DECISIONS)) == []


def test_no_two_decisions_share_a_number() -> None:
    assert len({name[:4] for name in DECISIONS}) == len(DECISIONS)


def test_planted_faults_are_found() -> None:
    assert list(too_long({"a.py": "\n" * 501, "b.py": "\n" * 500})) == [
        "a.py: 501 lines, 500 at most; it is a room to look into"
    ]
    paths = {"a.py": "open('/home/kim/x')\nopen('~/x')\n", "b.md": "see /root/notes", "c.md": "http://a.example/root/b"}
    assert [one.split(" ")[0] for one in machine_paths(paths)] == ["a.py:1:", "b.md:1:"]
    sound = "# 0004 A\n\n## Context\nx\n\n## Decision\ny\n\n## Drawback\nz\n"
    assert list(incomplete({"0004-a.md": sound})) == []
    assert list(incomplete({"0004-a.md": sound.replace("z\n", "")})) == ["0004-a.md: nothing under `Drawback`"]
    assert list(incomplete({"0004-a.md": sound.replace("# 0004", "# 0005")})) != []


# -- dependencies ---------------------------------------------------------------------------------------------------

PROJECT = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
OURS = {"examples"}  # which the demo serves
BENCH_ONLY = {"casbin", "cedarpy"}  # peers that are measured and asked; never needed to serve
NAMES = {
    "fpdf2": "fpdf",
    "ua-parser": "ua_parser",
    "pyyaml": "yaml",
    "argon2-cffi": "argon2",
    "dkimpy": "dkim",
    "pillow": "PIL",
}  # distribution -> what is imported, where they differ
OPTIONAL = {"opendp", "arro3"}  # of the extra `statistics`
UNSEEN = {"python-multipart"}  # by which Starlette reads a form


def needed(group: list[str]) -> set[str]:
    """The distributions that a list of requirements names."""
    return {Requirement(line).name for line in group}


def imported(folder: Path) -> set[str]:
    """The first names of all libraries that the files of a folder import, of Python's own and ours none."""
    found = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                found.add(node.module.split(".")[0])
    return found - set(sys.stdlib_module_names) - {"avow", "examples"}  # the demo serves our own examples


def locked(name: str) -> dict[str, str]:
    """Distribution -> version, of a lock file."""
    return dict(re.findall(r"^([a-z0-9-]+)==([^ ;\\]+)", (TOP / name).read_text(), re.MULTILINE))


def test_what_the_source_imports_is_declared_and_what_is_declared_is_imported() -> None:
    declared = {NAMES.get(name, name) for name in needed(PROJECT["dependencies"])} | OPTIONAL
    assert imported(TOP / "src") - BENCH_ONLY - OURS == declared - UNSEEN


def test_every_declared_dependency_is_locked_with_hashes_and_both_locks_agree() -> None:
    run, dev = locked("requirements.lock"), locked("requirements-dev.lock")
    wanted = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["statistics"]]
    canonical = {name.replace(".", "-") for name in needed(wanted)}
    assert canonical <= set(run)
    assert needed(PROJECT["optional-dependencies"]["dev"]) <= set(dev)
    assert {name: dev.get(name) for name in run} == run
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (TOP / name).read_text()
        pinned = re.findall(r"^\S+==", text, re.MULTILINE)  # a library may be pinned twice, for older and newer Pythons
        assert len(re.findall(r"^\S+==.*\\\n    --hash=sha256:[0-9a-f]{64}", text, re.MULTILINE)) == len(pinned)
        assert "://" not in text


# -- the README -----------------------------------------------------------------------------------------------------


def blocks(kind: str) -> list[str]:
    """The README's fenced blocks of one kind."""
    return re.findall(rf"^```{kind}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_every_make_target_that_the_readme_names_is_there() -> None:
    named = {word for words in re.findall(r"\bmake ((?:[a-z]+ ?)+?)(?=\s{2}|`|\n|$)", README) for word in words.split()}
    assert {"demo", "test", "install", "core", "lint", "types", "bench", "campaign"} <= named
    makefile = (TOP / "Makefile").read_text()
    assert [name for name in sorted(named) if not re.search(rf"^{name}:", makefile, re.MULTILINE)] == []


def test_every_room_that_the_readme_names_is_there() -> None:
    rooms = re.findall(r"^\| (`.*?) \|", README, re.MULTILINE)
    paths = [path for room in rooms for path in re.findall(r"`([^`]+)`", room)]
    assert len(paths) >= 8
    assert [path for path in paths if not (TOP / path).exists() and not (TOP / "src/avow" / path).exists()] == []


@pytest.fixture
def terminal(tmp_path: Path) -> dict[str, str]:
    """An environment in which `avow` is the one of this Python."""
    return os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path),
    }


def test_a_first_policy_of_ones_own_works_as_the_readme_says(tmp_path: Path, terminal: dict[str, str]) -> None:
    steps = re.findall(r"^```(console|python)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    assert [kind for kind, _ in steps].count("console") >= 5
    assert [kind for kind, _ in steps].count("python") == 2  # with an event loop, and without
    for kind, text in steps:
        lines = text.splitlines() if kind == "console" else []
        commands = [(["bash", "-c", line.removeprefix("$ ")], line.endswith("# no")) for line in lines]
        for command, no in commands or [([sys.executable, "-c", text], False)]:
            run = subprocess.run(command, cwd=tmp_path, env=terminal, capture_output=True, text=True, check=False)
            assert run.returncode == no, f"{command}\n{run.stdout}{run.stderr}"
            assert kind == "console" or "1 Quay Street" in run.stdout
