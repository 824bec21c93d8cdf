import pytest

from tests.ledger import clean
from tests.ledger.tampering import DEFECTS, KINDS, run


def test_tampering_of_every_kind_is_noticed_and_the_log_as_it_was_raises_no_alarm() -> None:
    figures = run(2 * len(KINDS), 1)
    assert figures["ok"], figures


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_verifier_with_one_check_taken_out_misses_something(defect: str) -> None:
    figures = run(3 * len(KINDS), 1, defect)
    assert figures["missed"], figures


def test_honest_logs_of_many_sizes_raise_no_alarm() -> None:
    assert clean.run(20, 1)["ok"]
