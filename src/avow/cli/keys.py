"""Commands about keys: the root key, and the keystore that it opens."""

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from avow.app import Avow
from avow.cli.output import out
from avow.cli.policy import policy_at
from avow.cli.sites import Database, Folder, Policy, places, with_site
from avow.errors import CallError
from avow.store.keystore import Keystore
from avow.store.root import FileRoot

To = Annotated[Path, typer.Argument(help="A folder for it; a backup that is there is replaced.")]


def register(app: typer.Typer) -> None:
    """Put the commands on the command line."""
    keys = typer.Typer(no_args_is_help=True, help="The root key and the keystore: make, back up, restore, rewrap.")
    for name, command in (("new", new), ("backup", backup), ("restore", restore), ("rewrap", rewrap)):
        keys.command(name)(command)
    app.add_typer(keys, name="key", rich_help_panel="The keys")


def new(file: Annotated[Path, typer.Argument(help="Where to write the root key.")]) -> None:
    """Make a root key, readable by you alone. Keep a copy apart: without it nothing can be read."""
    if not file.parent.is_dir():
        raise CallError(f"there is no folder `{file.parent}`; make it first")
    root = FileRoot.create(file, os.urandom)
    out.print(Text.assemble("made ", (str(file), "bold"), f", fingerprint {root.fingerprint}"))
    out.print(f"next: set AVOW_ROOT_KEY to it, and keep a copy where no backup of the data lies: cp -p {file} SAFE")


def backup(to: To, policy: Policy, database: Database, folder: Folder = None) -> None:
    """A copy of the keystore, without the root key.

    Replace it within days: it still has the keys of whoever is erased next.
    """

    async def act(shop: Avow) -> None:
        shop.keystore.backup(to)

    with_site(policy, database, folder, act)
    root = places(database, folder).root
    out.print(Text.assemble("the keystore is copied to ", (str(to), "bold"), f"; the root key in {root} is not in it"))


def restore(
    source: Annotated[Path, typer.Argument(metavar="FROM", help="A folder made by `avow key backup`.")],
    policy: Policy, database: Database, folder: Folder = None,
) -> None:  # fmt: skip
    """Put a keystore's copy in the place of one that is lost; the journal's erasures are done again in it."""
    site, where = policy_at(policy).site, places(database, folder)
    if not (source / "keystore").is_file():
        raise CallError(f"`{source}` holds no keystore; name a folder that `avow key backup` made")
    Keystore.restore(source, where.keys, FileRoot.open(where.root, os.urandom), site, os.urandom).close()
    out.print(Text.assemble("the keystore is back in ", (str(where.keys), "bold"), ", less what was destroyed since"))


def rewrap(
    policy: Policy, database: Database, folder: Folder = None,
    to: Annotated[Path | None, typer.Option("--backup", help="The keystore's backup, replaced on the way.")] = None,
) -> None:  # fmt: skip
    """Begin a new epoch of keys: what was destroyed becomes unreadable in older copies of the keystore, too.

    Run it daily. Nothing else runs meanwhile: about 10 s for a million keys.
    """

    async def act(shop: Avow) -> None:
        shop.rewrap(to)

    with_site(policy, database, folder, act)
    kept = Text.assemble("its backup in ", (str(to), "bold"), " is replaced") if to else Text("back it up anew")
    out.print(Text.assemble("a new epoch has begun; ", kept))
