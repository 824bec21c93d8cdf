"""The five policies, each read and compiled once a test run, and the version of each that is to come."""

from functools import cache
from pathlib import Path
from typing import Final

from avow.decide.table import Table, compile_policy
from avow.policy.model import Policy
from avow.policy.parse import read

FOLDER: Final = Path(__file__).parents[2] / "policies"
NEXT: Final = Path(__file__).parents[1] / "next"
SITES: Final = ("aimini", "audiomidi", "aitpro", "aitoc", "daminion")


@cache
def policy_of(site: str) -> Policy:
    return read(FOLDER / f"{site}.yaml")


@cache
def next_of(site: str) -> Policy:
    return read(NEXT / f"{site}.yaml")


@cache
def table_of(site: str) -> Table:
    return compile_policy(policy_of(site))
