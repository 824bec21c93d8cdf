"""The rule that nothing is skipped in silence, tried on test files that would."""

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]
RULE = Path(__file__).parents[1] / "conftest.py"

WAYS_OUT = {
    "skip": "import pytest\ndef test_it(): pytest.skip('no server')",
    "mark": "import pytest\n@pytest.mark.skip(reason='no server')\ndef test_it(): pass",
    "xfail-that-fails": "import pytest\n@pytest.mark.xfail(reason='no server')\ndef test_it(): assert False",
    "xfail-that-passes": "import pytest\n@pytest.mark.xfail(reason='no server')\ndef test_it(): pass",
    "whole-file": "import pytest\npytest.skip('no server', allow_module_level=True)",
    "import": "import pytest\npytest.importorskip('no_such_module_here')",
    "in-set-up": "import pytest\n@pytest.fixture\ndef f(): pytest.skip('no server')\ndef test_it(f): pass",
}


def test_every_way_of_skipping_is_a_failure_or_an_error(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(RULE.read_text())
    for way, text in WAYS_OUT.items():
        pytester.makepyfile(**{f"test_{way.replace('-', '_')}": text})
    run = pytester.runpytest_subprocess("-rA", "--continue-on-collection-errors")
    run.assert_outcomes(failed=3, errors=4)
    assert run.stdout.str().count("nothing is skipped here") >= len(WAYS_OUT)


@pytest.mark.parametrize(("seconds", "answer"), [("60", 0), ("0.001", 1)], ids=["within", "over"])
def test_a_run_over_its_time_is_red(pytester: pytest.Pytester, seconds: str, answer: int) -> None:
    pytester.makeconftest(RULE.read_text())
    pytester.makepyfile("def test_it(): pass")
    assert pytester.runpytest_subprocess("--within", seconds).ret == answer
