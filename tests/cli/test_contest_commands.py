"""contest close, draw, told, show; and verify of what anybody gets."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from avow.app import Avow
from avow.desk.desk import Desk
from avow.desk.interface import Operator
from avow.wire import serving
from tests.cli.terminal import Terminal

POLICY = Path(__file__).parents[2] / "policies" / "daminion.yaml"
URL = "sqlite:///shop.db"


def person(number: int) -> dict[str, str]:
    return {
        "name": f"Person{number}", "postal-address": f"{number} Lantern Lane", "phone": f"+44 20 7946 0{number:03}",
        "email": f"person{number}@quillfeather.example",
    }  # fmt: skip


async def _enter(count: int) -> list[str]:
    notes = []
    async with Avow.open(POLICY, URL, private="attested") as shop:
        for number in range(count):
            who = await shop.collect("contest", person(number))
            (one,) = await shop.queue.of(bytes.fromhex(who))
            told = await shop.contests.entered(one.row)
            assert told is not None
            notes.append(str(told["note"]))
    return notes


@pytest.fixture
def contest(terminal: Terminal, here: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal whose environment names a site with five entries; the notes they got lie in `notes`."""
    monkeypatch.setenv("AVOW_POLICY", str(POLICY))
    monkeypatch.setenv("AVOW_DATABASE", URL)
    (here / "notes").mkdir()
    for number, note in enumerate(asyncio.run(_enter(5))):
        (here / "notes" / str(number)).write_text(note)
    return terminal


def key() -> str:
    return Path("shop.db.avow/ledger/verifier-key").read_text().strip()


def test_a_contest_goes_from_its_closing_to_its_end_and_anybody_checks_it(contest: Terminal, here: Path) -> None:
    assert "5 entries" in contest("contest", "show", "contest").out
    closed = contest("contest", "close", "contest", "--winners", "2", "--json").json
    assert (closed["phase"], closed["entries"]) == ("closed", 5)
    (here / "kept").write_bytes(b"\n" + closed["checkpoint"].strip().replace("\n", "\r\n").encode())  # off a page
    ran = contest("contest", "show", "contest", "--file", "closing.json")
    assert "keep this checkpoint" in ran.out
    ran = contest("verify", "closing.json", "--key", key())
    assert (ran.status, "nothing drawn yet" in ran.out) == (0, True)
    drawn = contest("contest", "draw", "contest", "--json").json
    assert len(drawn["won"]) == 2
    ran = contest("contest", "show", "contest", "--file", "draw.json")
    assert (ran.status, ran.out.count("  request ")) == (0, 2)
    ran = contest("contest", "told", "contest", "--yes")
    assert (ran.status, "no mail, letter or call" in ran.err) == (2, True)
    ran = contest("contest", "told", "contest")
    assert (ran.status, "say --yes" in ran.err) == (2, True)
    assert contest("contest", "told", "contest", "--yes", "--anyway", "--json").json["phase"] == "ended"
    ran = contest(
        "verify", "draw.json", "--key", key(), "--checkpoint", "kept", "--entry", "notes/0", "--entry", "notes/4"
    )
    assert ran.status == 0
    assert ran.out.startswith("consistent with a checkpoint held outside: a draw among 5 entries")
    told = contest("verify", "draw.json", "--key", key(), "--json").json
    assert (told["claim"], told["faults"], sorted(told["winners"])) == (
        "internally consistent", [], sorted(drawn["won"]),
    )  # fmt: skip
    assert "internally consistent" in contest("verify", "shop.db.avow").out


def test_a_bent_file_is_a_fault_and_its_exit_status_says_so(contest: Terminal, here: Path) -> None:
    contest("contest", "close", "contest", "--winners", "2")
    contest("contest", "draw", "contest")
    assert contest("contest", "show", "contest", "--file", "draw.json", "--json").status == 0
    told: dict[str, Any] = json.loads((here / "draw.json").read_text())
    told["entries"].pop()
    (here / "bent.json").write_text(json.dumps(told))
    ran = contest("verify", "bent.json", "--key", key())
    assert (ran.status, "nothing can be claimed" in ran.out) == (1, True)
    bent = contest("verify", "bent.json", "--key", key(), "--json").json
    assert (bent["claim"], bent["faults"] != []) == ("none", True)


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("contest", "close", "order", "--winners", "1"), "contest"),
        (("contest", "draw", "contest"), "it must be closed"),
        (("contest", "close", "contest", "--winners", "1", "--at", "2020-01-01T00:00"), "that moment has passed"),
        (("verify", "notes/0"), "neither a log's folder nor the file of a draw"),
        (("contest", "close", "contest", "--winners", "1", "--policy", str(POLICY.with_name("aitoc.yaml"))), "no contest"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_says_why(contest: Terminal, args: tuple[str, ...], says: str) -> None:
    ran = contest(*args)
    assert (ran.status, says in " ".join(ran.err.split())) == (2, True)


def test_the_commands_speak_to_the_site_that_is_served(contest: Terminal, here: Path) -> None:
    async def served() -> tuple[Any, str]:
        async with Avow.open(POLICY, URL, private="attested") as shop:
            desk = Desk(shop, bytes)
            async with serving(desk, str(here / "operator"), contract=Operator):
                ran = await asyncio.to_thread(
                    contest, "contest", "close", "contest", "--winners", "1", "--operator", here / "operator", "--json"
                )
            return ran.json, (await shop.contests.show("contest"))["phase"]

    told, phase = asyncio.run(served())
    assert (told["phase"], phase) == ("closed", "closed")
