"""How a command opens a site: which options name it, and what must be there before anything is made."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from avow.app import Avow
from avow.cli.output import err
from avow.cli.policy import policy_at
from avow.errors import CallError
from avow.start import Places
from avow.store import POSTGRES, SQLITE

T = TypeVar("T")

Policy = Annotated[Path, typer.Option("--policy", envvar="AVOW_POLICY", help="The policy in force.")]
Database = Annotated[
    str, typer.Option("--database", envvar="AVOW_DATABASE", help="sqlite:///FILE or postgresql://HOST/NAME")
]
Folder = Annotated[
    Path | None,
    typer.Option("--folder", envvar="AVOW_FOLDER", help="Where keys and ledger lie; by default FILE.avow."),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask whether you mean it.")]


def places(database: str, folder: Path | None) -> Places:
    """Where the site's files are. Raises `CallError` for a database that is none, or a folder that is missing."""
    if not database.startswith((SQLITE, *POSTGRES)):
        raise CallError(f"`{database}` names no database; say sqlite:///shop.db or postgresql://host/name")
    if folder is None and not database.startswith(SQLITE):
        raise CallError("say with --folder (or AVOW_FOLDER) where keys and ledger lie, on a disk of this machine")
    return Places.of(database, folder)


def with_site(
    policy: Path, database: str, folder: Path | None, act: Callable[[Avow], Awaitable[T]], *, new: bool = False,
    unpublished: bool = False,
) -> T:  # fmt: skip
    """Open the site for one act; a site that is not there is made only with `new`, never by a mistyped name.

    The command line listens on nothing, so it may open a private server's data.
    """
    chosen = policy_at(policy)
    must_be_there(database, folder, new=new)

    async def run() -> T:
        async with Avow.open(chosen, database, folder=folder, private="attested", unpublished=unpublished) as shop:
            return await act(shop)

    return asyncio.run(run())


def must_be_there(database: str, folder: Path | None, *, new: bool = False) -> None:
    """Raise `CallError` unless something of the site is there; what is half there, opening itself refuses."""
    where = places(database, folder)
    file = Path(database.removeprefix(SQLITE)) if database.startswith(SQLITE) else None
    if file and not file.parent.is_dir():
        raise CallError(f"there is no folder `{file.parent}` for the database; make it, or mend --database")
    if new or where.keys.exists() or (file and file.exists()):
        return
    raise CallError(f"there is no site in `{file or where.keys}`; mend --database or --folder, or begin with import")


def ask(words: str) -> str:
    """A line from the terminal that it does not show, or from what is piped in."""
    if sys.stdin.isatty():
        return str(typer.prompt(words, hide_input=True, err=True))
    return sys.stdin.readline().rstrip("\r\n")


def sure(question: str, yes: bool) -> None:
    """Ask before what cannot be undone. Without a terminal there is nobody to ask, and `--yes` must be there."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise CallError("this cannot be undone, and there is no terminal to ask at; say --yes")
    err.print(question, markup=False)
    typer.confirm("Do it?", abort=True, err=True)
