"""Holds for every test: nothing is skipped or expected to fail in silence, and a run may be given a time.

Hypothesis sets no deadline for one example: other work may share the machine. `--hypothesis-profile=core` takes fewer
examples, for `make core`.

A test that cannot run is a fault of the machine or of the test; either way somebody must see it. So a skip, an
expected failure, and a test file that skips itself all count as failed.
"""

import gc
from collections.abc import Generator
from time import process_time

import pytest
from hypothesis import settings

settings.register_profile("shared-machine", deadline=None)
settings.register_profile("core", settings.get_profile("shared-machine"), max_examples=10)
settings.load_profile("shared-machine")

WHY = "nothing is skipped here: obtain what is missing, or take the test away"


def _refuse(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.skipped or hasattr(report, "wasxfail"):
        report.longrepr = f"{WHY} ({getattr(report, 'wasxfail', '') or report.longrepr})"
        report.outcome = "failed"
        vars(report).pop("wasxfail", None)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip or an expected failure of a test into a failure."""
    report = yield
    _refuse(report)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn a file that skips itself into an error."""
    report = yield
    _refuse(report)
    return report


def pytest_collection_finish() -> None:
    """Let the collector of garbage pass over what has been imported by now: it stays, and there is a lot of it."""
    gc.freeze()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--within SECONDS`."""
    parser.addoption("--within", type=float, default=None, help="fail if the run takes more seconds of this process")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hold the run to its time: of the processor, not of the clock, as other work may share the machine."""
    within = session.config.getoption("--within")
    if within is not None and process_time() > within:
        print(f"\ntook {process_time():.1f} s of the processor, and {within:.1f} s is what it may take")  # noqa: T201 - a run's last word
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
