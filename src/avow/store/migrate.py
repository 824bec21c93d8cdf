"""The schema's steps: numbered SQL files, applied in order, each database's own. Pure but for reading the package.

A step, once released, never changes. Each database applies the missing ones in one transaction and writes their
numbers down in it, so a schema is always wholly at a step. There is no way back; that is what backups are for.
"""

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Final, Literal, NamedTuple

from avow.errors import OperatorError

Kind = Literal["sqlite", "postgres"]
SQLITE: Final[Kind] = "sqlite"
POSTGRES: Final[Kind] = "postgres"


class Step(NamedTuple):
    """One migration: its number from 1, its name, its statements."""

    number: int
    name: str
    sql: str


@cache
def steps(kind: Kind) -> tuple[Step, ...]:
    """All steps of a kind of database, in order."""
    found = []
    for file in files("avow.store").joinpath("schema", kind).iterdir():
        if file.name.endswith(".sql"):
            number, _, name = file.name.removesuffix(".sql").partition("_")
            found.append(Step(int(number), name, file.read_text("utf-8")))
    return tuple(sorted(found))


def missing(applied: Sequence[int], known: Sequence[Step]) -> tuple[Step, ...]:
    """The steps still to apply. Raises `OperatorError` when the schema is newer than this program, or has a gap."""
    newest = max(applied, default=0)
    if newest > len(known):
        raise OperatorError(
            f"the database's schema is at step {newest} and this version of avow knows {len(known)}: "
            "run the newer version that made it, or restore a backup from before the upgrade"
        )
    if sorted(applied) != list(range(1, newest + 1)):
        raise OperatorError("the database's list of schema steps has a gap: restore a backup")
    return tuple(known[newest:])
