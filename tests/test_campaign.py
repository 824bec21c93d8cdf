"""The runner of campaigns: what it counts, that it goes on where it was, and that it never calls a failure good."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.campaign import HARNESSES, Harness, State, main, together

CALLS: list[tuple[int, int]] = []


def sound(count: int, seed: int) -> dict[str, Any]:
    """Hold."""
    CALLS.append((count, seed))
    return {"ok": True, "noticed": count, "seconds": 0.5}


async def sound_and_async(count: int, seed: int, flavour: str) -> dict[str, Any]:
    """Hold, in a loop of its own, with an argument of its own."""
    return {"ok": True, "noticed": count, "flavour": flavour, "seed-is-small": seed < 2**48}


def wavering(count: int, seed: int) -> dict[str, Any]:
    """Fail in the second batch until it is mended."""
    CALLS.append((count, seed))
    return {"ok": len(CALLS) != 2, "noticed": count}


def silent(count: int, seed: int) -> dict[str, Any]:
    """Forget to say whether it held."""
    return {"noticed": count, "seed": str(seed)}


def here(name: str, count: int = 25, batch: int = 10, **more: str) -> Harness:
    """A harness in this file."""
    return Harness(name, f"{__name__}:{name}", count, batch, more)


@pytest.fixture(autouse=True)
def _no_calls_yet() -> None:
    CALLS.clear()


def report(out: Path) -> dict[str, Any]:
    """The JSON report."""
    return json.loads((out / "report.json").read_text())  # type: ignore[no-any-return]  # it is an object


def test_the_count_is_cut_into_batches_and_added_up_again(tmp_path: Path) -> None:
    assert main([], [here("sound"), here("sound_and_async", flavour="sweet")], tmp_path) == 0
    assert [count for count, _ in CALLS] == [10, 10, 5]
    assert len({seed for _, seed in CALLS}) == 3
    one, two = report(tmp_path)["harnesses"].values()
    assert (one["ok"], one["count"], one["figures"]["noticed"]) == (True, 25, 25)
    assert two["figures"] == {"noticed": 25, "flavour": "sweet", "seed-is-small": True}
    assert "| sound | yes | 25 |" in (tmp_path / "report.md").read_text()


def test_what_finished_is_not_run_again_and_what_failed_is_with_its_own_seed(tmp_path: Path) -> None:
    assert main([], [here("wavering")], tmp_path) == 1
    failed = report(tmp_path)["harnesses"]["wavering"]["failed"]
    assert [(one["count"], one["seed"]) for one in failed] == [CALLS[1]]
    assert main([], [here("wavering")], tmp_path) == 0
    assert CALLS[3:] == [CALLS[1]]


def test_another_seed_or_a_fresh_start_runs_everything(tmp_path: Path) -> None:
    for arguments in ([], ["--seed", "2"], ["--fresh"]):
        assert main(arguments, [here("sound")], tmp_path) == 0
    assert len(CALLS) == 9
    assert set(CALLS[:3]).isdisjoint(CALLS[3:6])
    assert CALLS[6:] == CALLS[:3]


def test_results_of_other_sources_are_not_taken_up(tmp_path: Path) -> None:
    State(tmp_path / "state.json", "old").put("sound", 10, 1, {"figures": {"ok": True}})
    assert State(tmp_path / "state.json", "old").get("sound", 10, 1) is not None
    changed = State(tmp_path / "state.json", "new")
    assert changed.changed
    assert changed.get("sound", 10, 1) is None


@pytest.mark.parametrize(
    "harness",
    [
        pytest.param(here("silent"), id="does-not-say-whether-it-held"),
        pytest.param(Harness("raises", f"{__name__}:report", 1, 1), id="raises"),
        pytest.param(Harness("missing", "tests.no_such_module:run", 1, 1), id="is-not-there"),
    ],
)
def test_what_cannot_be_shown_to_hold_has_not_held(tmp_path: Path, harness: Harness) -> None:
    assert main([], [here("sound"), harness], tmp_path) == 1
    assert not report(tmp_path)["ok"]
    assert "**Not everything held.**" in (tmp_path / "report.md").read_text()


def test_a_name_that_fits_no_harness_is_an_error(tmp_path: Path) -> None:
    assert main(["sond"], [here("sound")], tmp_path) == 2
    assert main(["so"], [here("sound")], tmp_path) == 0


def test_figures_come_together_by_their_kind() -> None:
    parts = [
        {"n": 1, "t": 1.0, "ok": True, "in": {"a": 2, "b": [1, 2]}},
        {"n": 2, "t": 3.0, "ok": False, "in": {"a": 3, "b": [1]}},
    ]
    spread = {"least": 1.0, "median": 2.0, "most": 3.0}
    assert together(parts) == {"n": 3, "t": spread, "ok": False, "in": {"a": 5, "b": [1, 2]}}


def test_every_registered_harness_is_there() -> None:
    for harness in HARNESSES:
        module, _, function = harness.run.partition(":")
        assert callable(getattr(__import__(module, fromlist=[function]), function)), harness.name
