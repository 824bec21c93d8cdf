"""The statement of a version: one spelling, one signature, one chain."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from avow.ledger.checkpoint import Signer, read_key
from avow.ledger.faults import LedgerError
from avow.ledger.published import Published, broken, committed, read, state

VECTORS = json.loads((Path(__file__).parents[1] / "conformance/ledger/versions.json").read_text())
KEY = read_key(VECTORS["key"])
SIGNER = Signer("corner", bytes(range(32)))


def chain() -> list[tuple[Published, bytes]]:
    return [(read(one["note"], KEY), one["source"].encode()) for one in VECTORS["chain"]]


@pytest.mark.parametrize("one", VECTORS["chain"], ids=lambda one: one["day"])
def test_a_statement_reads_and_is_written_as_published(one: dict[str, Any]) -> None:
    told = read(one["note"], KEY)
    assert (told.site, told.day, told.digest.hex(), told.at) == (one["site"], one["day"], one["digest"], one["at"])
    assert (told.previous and told.previous.hex()) == one["previous"]
    assert told.digest == sha256(one["source"].encode()).digest()
    assert told.effective == one["effective"]
    assert committed(one["note"]).hex() == one["commitment"]
    assert state(told, SIGNER) == one["note"]


@pytest.mark.parametrize("one", VECTORS["refused"], ids=lambda one: one["id"])
def test_what_is_no_statement_of_this_key_is_refused(one: dict[str, Any]) -> None:
    with pytest.raises(LedgerError):
        read(one["note"], KEY)


def test_a_whole_chain_is_sound() -> None:
    assert list(broken(chain())) == []


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"previous": None}, "does not follow"),
        ({"previous": bytes(32)}, "does not follow"),
        ({"day": "2026-01-01"}, "after a later one"),
        ({"at": 1}, "after a later one"),
        ({"at": 1_772_496_000_000}, "when its day had begun"),
        ({"digest": bytes(32)}, "not the text that was published"),
    ],
    ids=["a second beginning", "after another", "not a later day", "before the first", "on its day", "another text"],
)
def test_whatever_breaks_the_chain_is_named_with_its_day(changed: dict[str, Any], why: str) -> None:
    first, (told, source) = chain()
    found = list(broken([first, (told._replace(**changed), source)]))
    assert any(why in one for one in found)
    assert all(changed.get("day", "2026-03-03") in one for one in found)
