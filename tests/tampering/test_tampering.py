"""Who changes stored bytes behind the gate is noticed, whatever they change; who changes nothing raises no alarm."""

import pytest

from tests.tampering import kinds, resting
from tests.tampering.harness import DEFECTS, RESTING, run

EACH_ONCE = len(kinds.KINDS) * RESTING // (RESTING - 1) + 1
EACH_RESTING = len(resting.KINDS) * RESTING


@pytest.mark.parametrize("seed", [1, 2])
async def test_tampering_of_every_kind_is_noticed_and_the_site_as_it_was_raises_no_alarm(seed: int) -> None:
    """DAM-16."""
    figures = await run(max(EACH_ONCE, EACH_RESTING), seed)
    assert figures["wrong"] == []
    assert figures["ok"], figures
    assert figures["by kind"].keys() == {kind.__name__.replace("_", " ") for kind in (*kinds.KINDS, *resting.KINDS)}


@pytest.mark.parametrize("defect", DEFECTS)
async def test_an_inspection_with_one_check_taken_out_misses_something(defect: str) -> None:
    seldom = defect in ("log", "order")  # not every event that is gone or moved needs these very checks to be seen
    figures = await run(EACH_ONCE * (4 if seldom else 1), 1, defect)
    assert figures["missed"], figures
