"""A site's visits on real files, with a clock and dice of the test's own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

from avow.policy.model import Policy
from avow.policy.parse import read
from avow.store.visits import DAY, HOUR
from avow.visits import Counted

POLICIES = Path(__file__).parents[2] / "policies"
START = 1_780_000_000_000 // DAY * DAY + 9 * HOUR  # nine o'clock of some day
MINUTE = 60_000
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"
CHROME = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
SITES = ("aimini", "audiomidi", "aitpro", "aitoc", "daminion")


def policy(site: str) -> Policy:
    return read(POLICIES / f"{site}.yaml")


def address(number: int, block: int = 193) -> str:
    """One of 65,536 in a block; 193 is Europe's, 199 North America's."""
    return f"{block}.0.{number >> 8}.{number & 255}"


@contextmanager
def counted(folder: Path, site: str, seed: int = 1, now: int = START, **more) -> Iterator[Any]:
    """A `Counted` until the block ends; its parts are there, or the test fails."""
    made = Counted.open(policy(site), folder, random=Random(seed).randbytes, now=now, **more)
    try:
        yield made
    finally:
        made.close()


def come(
    here: Counted, count: int, at: int, *, first: int = 0, block: int = 193, part: str = "home", agent: str = FIREFOX
):
    """So many visitors, each with one page."""
    for number in range(first, first + count):
        here.page(at, address(number, block), agent, part, "")
