"""The promises that are kept or broken in front of people: each has tests that hold it and tests that try to break it.

Which, says `promises.yaml` beside this file. A test that it names is there, and quotes the promise.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from avow.policy.parse import read

TESTS: Final = Path(__file__).parents[1]
SITES: Final = {"AIM": 13, "AUD": 15, "AIT": 23, "TOC": 16, "DAM": 25}  # how many promises each of the five has
IDS: Final = [id_ for site, n in SITES.items() for id_ in (f"{site}-{m + 1}" for m in range(n))]
Table = Mapping[str, Mapping[str, list[str]]]


def table() -> Table:
    found: Table = yaml.safe_load((TESTS / "journeys" / "promises.yaml").read_text())
    return found


@cache
def written_in(file: str) -> Mapping[str, str]:
    """Name -> everything that is written about the test, its decorators among it."""
    path = TESTS / file
    if not path.is_file():
        return {}
    lines = path.read_text().splitlines()
    return {
        one.name: "\n".join(lines[min((d.lineno for d in one.decorator_list), default=one.lineno) - 1 : one.end_lineno])
        for one in ast.parse("\n".join(lines)).body
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) and one.name.startswith("test_")
    }


def faults(rows: Table) -> Iterator[str]:
    """Every promise without a test that holds it or tries to break it, and every test that is none of this promise."""
    for id_ in IDS:
        for side in ("holds", "broken"):
            named = rows.get(id_, {}).get(side, [])
            if not named:
                yield f"{id_}: no test in `{side}`"
            for one in named:
                file, _, test = one.partition("::")
                written = written_in(file).get(test)
                if written is None:
                    yield f"{id_}: there is no test {one}"
                elif not re.search(rf"\b{id_}\b|_{id_.lower().replace('-', '_')}_", written):
                    yield f"{id_}: {one} does not quote it"


def test_every_promise_of_the_doors_is_held_and_attacked() -> None:
    assert list(faults(table())) == []
    assert list(table()) == IDS


def test_every_promise_of_the_list_is_one_of_a_policy() -> None:
    policies = [read(path) for path in (TESTS.parent / "policies").glob("*.yaml")]
    assert set(IDS) <= {promise.id for policy in policies for promise in policy.promises}


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (None, "no test in `holds`"),
        ({"holds": [], "broken": ["journeys/test_promises.py::test_nothing"]}, "no test in `holds`"),
        ({"holds": ["journeys/test_promises.py::test_nothing"], "broken": []}, "there is no test"),
        ({"holds": ["nowhere.py::test_nothing"], "broken": []}, "there is no test"),
        (
            {"holds": ["journeys/test_promises.py::test_every_promise_of_the_list_is_one_of_a_policy"]},
            "does not quote it",
        ),
    ],
)
def test_a_promise_that_lost_its_tests_is_noticed(row: Any, says: str) -> None:
    rows = {**table(), "TOC-13": row or {}}
    assert any(one.startswith("TOC-13: ") and says in one for one in faults(rows))
