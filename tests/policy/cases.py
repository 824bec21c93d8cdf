"""The policies in tests/conformance/policy, each read once for all tests."""

from functools import cache
from pathlib import Path
from typing import Final

from avow.errors import Fault, PolicyError
from avow.policy.model import Policy
from avow.policy.parse import read

FOLDER: Final = Path(__file__).parents[1] / "conformance" / "policy"
FILES: Final = tuple(sorted(path.name for path in FOLDER.glob("*.yaml") if path.name != "cases.yaml"))


@cache
def parsed(name: str) -> tuple[Policy | None, tuple[Fault, ...]]:
    """The policy in a file, or else its faults."""
    try:
        return read(FOLDER / name), ()
    except PolicyError as error:
        return None, error.faults
