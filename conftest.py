"""Holds for every test: nothing is skipped or expected to fail in silence, and a run may be given a time.

Hypothesis sets no deadline for one example: other work may share the machine. `--hypothesis-profile=core` takes fewer
examples, for `make core`.

A test that cannot run is a fault of the machine or of the test; either way somebody must see it. So a skip, an
expected failure, and a test file that skips itself all count as failed.
"""

import gc
from collections.abc import Generator
from hashlib import sha256
from time import process_time

import pytest
from hypothesis import settings

settings.register_profile("shared-machine", deadline=None)
settings.register_profile("core", settings.get_profile("shared-machine"), max_examples=10)
settings.load_profile("shared-machine")

YARD = 0.0032  # s that the yardstick takes on the machine on which the core's bound was set (docs/decisions/0005)
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


def pytest_configure(config: pytest.Config) -> None:
    """Measure only where it is asked for."""
    if config.getoption("--within") is not None:
        config.pluginmanager.register(Within(config.getoption("--within")))


class Within:
    """Holds a run to its time: of the processor, not of the clock, as other work may share the machine; and by a yardstick,
    a fixed piece of work done again and again between the tests, as one machine is half as fast as another and the same
    one from minute to minute. On a machine as fast as the one on which the bound was set, or faster, the seconds are whole.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._tests = 0
        self._yards = [yardstick()]

    def pytest_runtest_logfinish(self) -> None:
        """After every fortieth test."""
        self._tests += 1
        if self._tests % 40 == 0:
            self._yards.append(yardstick())

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail the run if it took too long."""
        took = process_time() - sum(self._yards)
        slower = max(1.0, sum(self._yards) / len(self._yards) / YARD)
        told = f"took {took:.1f} s of the processor, {took / slower:.1f} s by the yardstick; {self._seconds:.1f} s is what it may take"
        print(f"\n{told}")  # noqa: T201 - a run's last word
        if took / slower > self._seconds:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def yardstick() -> float:
    """The processor time of work like the core's own: calls, tuples, dicts, bytes, hashes. Some ms."""
    began = process_time()
    known: dict[tuple[str, int], bytes] = {}
    for n in range(5_000):
        key = ("yard", n % 997)
        known[key] = sha256(known.get(key, b"") + n.to_bytes(8, "big")).digest()
    return process_time() - began
