"""Commands that touch a site's data: each opens the site, does one thing, and closes it."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.markup import escape

from avow.app import Avow
from avow.cli.output import Json, out, print_json
from avow.errors import CallError
from avow.practices.importing import rows
from avow.start import Places
from avow.store.root import FileRoot

T = TypeVar("T")

Policy = Annotated[Path, typer.Option("--policy", envvar="AVOW_POLICY", help="The policy in force.")]
Database = Annotated[str, typer.Option("--database", envvar="AVOW_DATABASE", help="sqlite:///FILE or postgresql://…")]
Folder = Annotated[
    Path | None,
    typer.Option("--folder", envvar="AVOW_FOLDER", help="Where keys and ledger lie; beside an SQLite file."),
]
Who = Annotated[str, typer.Argument(metavar="SUBJECT", help="The person's id: 32 hexadecimal digits.")]


def register(app: typer.Typer) -> None:
    """Put the commands on the command line."""
    for name, command in (
        ("import", import_), ("export", export), ("erase", erase), ("find", find), ("sweep", sweep), ("backup", backup),
        ("restore", restore),
    ):  # fmt: skip
        app.command(name)(command)
    keys = typer.Typer(no_args_is_help=True, help="The root key: make it, back it up, and the keystore with it.")
    keys.command("new")(key_new)
    keys.command("backup")(key_backup)
    app.add_typer(keys, name="key")


def _with(policy: Path, database: str, folder: Path | None, act: Callable[[Avow], Awaitable[T]]) -> T:
    """Open the site for one act. The command line listens on nothing, so it may open a private server's data."""

    async def run() -> T:
        async with Avow.open(policy, database, folder=folder, private=True) as shop:
            return await act(shop)

    return asyncio.run(run())


def import_(
    file: Annotated[Path, typer.Argument(help="CSV with a header, or JSON lines (.jsonl).")],
    form: Annotated[str, typer.Option(help="The form of the policy that the data are held as given through.")],
    source: Annotated[str, typer.Option(help="Where they come from, in words.")],
    policy: Policy,
    database: Database,
    folder: Folder = None,
    column: Annotated[
        list[str] | None, typer.Option(help="FILE-COLUMN=CATEGORY; nothing after = leaves it out.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Bring in the customers that a shop already has, with provenance and no wider use.

    Columns are categories of the policy; also `collected` (a day) and `opt-out` (channels). Exit status 1 when a
    record was left out.
    """
    columns = {}
    for pair in column or []:
        name, equals, category = pair.partition("=")
        if not equals:
            raise CallError(f"`{pair}` does not say FILE-COLUMN=CATEGORY")
        columns[name] = category
    records = list(rows(file.read_text(encoding="utf-8-sig"), "jsonl" if file.suffix == ".jsonl" else "csv"))
    done = _with(policy, database, folder, lambda shop: shop.bring(records, form=form, source=source, columns=columns))
    if as_json:
        print_json(
            {"people": done.people, "known": done.known, "faults": [{"line": n, "message": m} for n, m in done.faults]}
        )
    else:
        out.print(f"{done.people:,} people imported, {done.known:,} already here, {len(done.faults):,} left out")
        for line, message in done.faults:
            out.print(f"  {escape(str(file))}:{line}: {escape(message)}", soft_wrap=True)
    if done.faults:
        raise typer.Exit(1)


def export(
    who: Who, policy: Policy, database: Database, folder: Folder = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file, instead of the screen.")] = None,
) -> None:  # fmt: skip
    """Everything that is held on one person, as JSON. You have verified that it is they who ask."""
    told = _with(policy, database, folder, lambda shop: shop.export(who))
    if output is None:
        print_json(_dated(told))
    else:
        output.touch(mode=0o600)
        output.write_text(json.dumps(_dated(told), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def erase(who: Who, policy: Policy, database: Database, folder: Folder = None, as_json: Json = False) -> None:
    """Make everything of one person unreadable, now and in every backup. Cannot be undone."""
    done = _with(policy, database, folder, lambda shop: shop.erase(who))
    if as_json:
        print_json({"subject": who, "keys": done.keys, "kept": list(done.kept)})
    else:
        kept = f"; kept because a promise or a law says so: {', '.join(done.kept)}" if done.kept else ""
        out.print(f"erased: {done.keys} keys destroyed, what they sealed is unreadable{kept}")


def find(
    category: Annotated[str, typer.Argument(help="A category that people are found by.")],
    policy: Policy, database: Database, folder: Folder = None, as_json: Json = False,
) -> None:  # fmt: skip
    """The ids of the people who gave a value; it is asked for, so that it stands in no history of commands."""
    value = typer.prompt(f"{category} (not shown)", hide_input=True)
    ids = _with(policy, database, folder, lambda shop: shop.find(category, value))
    if as_json:
        print_json({"subjects": ids})
    else:
        out.print("\n".join(ids) or "nobody")


def sweep(policy: Policy, database: Database, folder: Folder = None, as_json: Json = False) -> None:
    """Erase what is past its term. Run it from a timer; running it twice does no harm."""

    async def act(shop: Avow) -> Any:  # opening has swept already; its result is what counts
        return shop.swept

    done = _with(policy, database, folder, act)
    if as_json:
        print_json({"data": done.data, "keys": done.keys, "purged": done.purged})
    else:
        out.print(
            f"{done.data:,} data erased, {done.keys:,} keys destroyed, {done.purged:,} rows of erased people removed"
        )


def backup(
    to: Annotated[Path, typer.Argument(help="An empty or new folder.")],
    policy: Policy, database: Database, folder: Folder = None,
) -> None:  # fmt: skip
    """A consistent copy of the database. Keys and ledger are not in it: see `avow key backup`."""
    _with(policy, database, folder, lambda shop: shop.backup(to))
    out.print(f"the database is copied to {escape(str(to))}; keys and ledger are not in it")


def restore(
    source: Annotated[Path, typer.Argument(metavar="FROM", help="A folder made by `avow backup`.")],
    policy: Policy, database: Database, folder: Folder = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Put a copy in the database's place: erased people stay erased, opted-out people stay opted out."""
    done = asyncio.run(Avow.restore(policy, database, source, folder=folder, private=True))
    if as_json:
        print_json({"erasures": done.erasures, "endings": done.endings, "narrowings": done.narrowings})
    else:
        out.print(
            f"restored; done again from the journal: {done.erasures} erasures, {done.endings} endings of data, "
            f"{done.narrowings} withdrawals, opt-outs and the like"
        )


def key_new(file: Annotated[Path, typer.Argument(help="Where to write the root key.")]) -> None:
    """Make a root key, readable by you alone. Keep a copy apart: without it nothing can be read."""
    FileRoot.create(file, os.urandom)
    out.print(f"made {escape(str(file))}; set AVOW_ROOT_KEY to it, and keep a copy where no backup of the data lies")


def key_backup(
    to: Annotated[Path, typer.Argument(help="An empty or new folder.")],
    policy: Policy, database: Database, folder: Folder = None,
) -> None:  # fmt: skip
    """A copy of the keystore, without the root key. Destroy it within days: it still has the keys of who is erased next."""

    async def act(shop: Avow) -> None:
        shop.keystore.backup(to)

    _with(policy, database, folder, act)
    root = Places.of(database, folder).root
    out.print(f"the keystore is copied to {escape(str(to))}; the root key in {escape(str(root))} is not in it")


def _dated(told: Any) -> Any:
    """Moments as people write them."""
    if isinstance(told, dict):
        return {
            key: datetime.fromtimestamp(value / 1000, UTC).isoformat()
            if key in _MOMENTS and isinstance(value, int)
            else _dated(value)
            for key, value in told.items()
        }
    return [_dated(one) for one in told] if isinstance(told, list | tuple) else told


_MOMENTS = frozenset({"at", "since", "collected", "due", "given", "withdrawn", "opened", "closed"})
