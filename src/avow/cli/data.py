"""Commands that touch a site's data: each opens the site, does one thing, and closes it."""

import asyncio
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import track
from rich.text import Text

from avow.app import Avow
from avow.cli.output import Json, count, err, known, out, print_json, quoted
from avow.cli.policy import policy_at
from avow.cli.sites import Database, Folder, Policy, Yes, ask, must_be_there, sure, with_site
from avow.errors import CallError
from avow.policy.model import Policy as Model
from avow.practices.importing import COLLECTED, OPT_OUT, Imported, rows
from avow.practices.staying import Stays

Who = Annotated[str, typer.Argument(metavar="SUBJECT", help="The person's id: 32 hexadecimal digits.")]
_PANEL = "The data"
_MOMENTS = frozenset({"at", "since", "collected", "due", "given", "withdrawn", "opened", "closed"})  # in milliseconds
_FEW = 1000  # records: below this no progress is shown


def register(app: typer.Typer) -> None:
    """Put the commands on the command line."""
    for name, command in (
        ("import", import_), ("find", find), ("export", export), ("erase", erase), ("sweep", sweep),
        ("backup", backup), ("restore", restore),
    ):  # fmt: skip
        app.command(name, rich_help_panel=_PANEL)(command)


# -- import --------------------------------------------------------------------------------------------------------


def import_(
    file: Annotated[Path, typer.Argument(help="CSV with a header, or JSON lines (.jsonl).")],
    form: Annotated[str, typer.Option(help="The form of the policy that the data are held as given through.")],
    source: Annotated[str, typer.Option(help="Where they come from, in words.")],
    policy: Policy,
    database: Database,
    folder: Folder = None,
    column: Annotated[
        list[str] | None, typer.Option(help="FILE-COLUMN=CATEGORY; nothing after = leaves it out. Repeat it.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Bring in the customers that a shop already has, with provenance and no wider use.

    Columns are categories of the policy; also `collected` (a day) and `opt-out` (channels). Who is found here already
    is left as they are. Exit status 1 when a record was left out.
    """
    chosen = policy_at(policy)
    known("form of the policy", form, chosen.forms)
    records = _records(file)
    columns = _columns(column or [], records, chosen.categories, file)
    shown: Iterable[tuple[int, Mapping[str, str]]] = records
    if len(records) >= _FEW and err.is_terminal:
        shown = track(records, "importing", console=err, transient=True)

    async def bring(shop: Avow) -> Imported:
        return await shop.bring(shown, form=form, source=source, columns=columns)

    done = with_site(policy, database, folder, bring, new=True)
    if as_json:
        print_json(
            {"people": done.people, "known": done.known, "faults": [{"line": n, "message": m} for n, m in done.faults]}
        )
    else:
        people = count(done.people, "person", "people")
        out.print(f"{people} imported, {done.known:,} already here, {len(done.faults):,} left out")
        for line, message in done.faults:
            out.print(Text.assemble((f"{file}:{line}", "bold"), f": {message}"), soft_wrap=True)
    if done.faults:
        raise typer.Exit(1)


def _records(file: Path) -> list[tuple[int, Mapping[str, str]]]:
    if not file.is_file():
        raise CallError(f"there is no file `{file}`; name a CSV file, or JSON lines (.jsonl)")
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise CallError(f"`{file}` is not UTF-8 text at byte {error.start}; save it as CSV in UTF-8") from None
    return list(rows(text, "jsonl" if file.suffix == ".jsonl" else "csv"))


def _columns(
    pairs: Sequence[str], records: Sequence[tuple[int, Mapping[str, str]]], categories: Iterable[str], file: Path
) -> dict[str, str]:
    """File column -> category, once each column of the file is known to mean something here."""
    there = list(dict.fromkeys(name for _, record in records for name in record))
    columns = {}
    for pair in pairs:
        name, equals, category = pair.partition("=")
        if not equals:
            raise CallError(f"`--column {pair}` does not say FILE-COLUMN=CATEGORY")
        if records and name not in there:
            raise CallError(f"`{file}` has no column `{name}`; it has {quoted(there)}")
        if category:
            known("category of the policy", category, (*categories, COLLECTED, OPT_OUT))
        columns[name] = category
    if strange := [name for name in there if name not in columns and name not in (*categories, COLLECTED, OPT_OUT)]:
        raise CallError(
            f"`{file}` has the columns {quoted(strange)}, which are no categories of the policy; for each say "
            f"--column {strange[0]}=CATEGORY, or --column {strange[0]}= to leave it out; "
            f"the categories are {quoted(categories)}"
        )
    return columns


# -- one person ----------------------------------------------------------------------------------------------------


def find(
    category: Annotated[str, typer.Argument(help="A category that people are found by.")],
    policy: Policy, database: Database, folder: Folder = None, as_json: Json = False,
) -> None:  # fmt: skip
    """The ids of the people who gave a value.

    The value is asked for, or read from standard input, so that it stands in no history of commands. Exit status 1:
    nobody.
    """
    chosen = policy_at(policy)
    known("category of the policy", category, chosen.categories)
    if not chosen.categories[category].look_up:
        found_by = quoted(name for name, one in chosen.categories.items() if one.look_up)
        raise CallError(f"people are not found by `{category}`; the policy says `look-up` of {found_by}")
    must_be_there(database, folder)
    value = ask(f"{category} (not shown)")
    ids = with_site(policy, database, folder, lambda shop: shop.find(category, value))
    if as_json:
        print_json({"subjects": ids})
    else:
        out.print("\n".join(ids) or "nobody")
    if not ids:
        raise typer.Exit(1)


def export(
    who: Who, policy: Policy, database: Database, folder: Folder = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A new file, instead of the screen.")] = None,
) -> None:  # fmt: skip
    """Everything that is held on one person, as JSON, or as an archive into a file whose name ends in .zip.

    You have verified that it is they who ask, by the contact that was on file before they did.
    """
    if output is not None and (output.exists() or not output.parent.is_dir()):
        raise CallError(f"`{output}` is there already, or its folder is not; name a new file")  # before it is on record
    export = with_site(policy, database, folder, lambda shop: shop.export(who))
    if output is None:
        print_json(_dated(export))
        return
    body = json.dumps(_dated(export), indent=2, ensure_ascii=False).encode() + b"\n"
    if output.suffix == ".zip":
        body = _archive(policy_at(policy), export)
    with os.fdopen(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(body)
    out.print(Text.assemble("wrote ", (str(output), "bold"), "; it is personal: hand it over, then remove it"))


def _archive(policy: Model, export: Any) -> bytes:
    from avow.doors.centre import archive  # noqa: PLC0415 - no other command waits for the doors' libraries

    version = {policy.digest.hex()[:32]: policy.version.isoformat()}
    now = int(datetime.now(UTC).timestamp() * 1000)
    return archive.packed(archive.alone(policy), policy, export, version, now)


def erase(
    who: Who, policy: Policy, database: Database, folder: Folder = None, yes: Yes = False, as_json: Json = False
) -> None:
    """Make everything of one person unreadable, now and in every backup.

    Cannot be undone. What stays is named before and after, by promise or law.
    """
    must_be_there(database, folder)
    if not yes:
        for one in with_site(policy, database, folder, lambda shop: shop.staying(who)):
            err.print(f"stays: {_stays(one)}", markup=False)
    sure("Everything of this person becomes unreadable, in every backup too. It cannot be undone.", yes)
    done = with_site(policy, database, folder, lambda shop: shop.erase(who))
    if as_json:
        print_json({"subject": who, "keys": done.keys, "stays": [asdict(one) for one in done.stays]})
        return
    out.print(f"erased: {count(done.keys, 'key')} destroyed, and what they sealed is unreadable; what stays:")
    for line in map(_stays, done.stays):
        out.print(f"  {line}")


def _stays(one: Stays) -> str:
    about = f" ({', '.join(one.about)})" if one.about else ""
    return f"{one.what}{about}: {', '.join((*one.promises, one.law))}"


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


# -- the whole site ------------------------------------------------------------------------------------------------


def sweep(policy: Policy, database: Database, folder: Folder = None, as_json: Json = False) -> None:
    """Erase what is past its term. Run it from a timer; running it twice does no harm."""

    async def act(shop: Avow) -> Any:  # opening has swept already; its result is what counts
        return shop.swept

    done = with_site(policy, database, folder, act)
    if as_json:
        print_json({"data": done.data, "keys": done.keys, "purged": done.purged})
    else:
        data, rows_ = count(done.data, "datum", "data"), count(done.purged, "row")
        out.print(f"{data} erased, {count(done.keys, 'key')} destroyed, {rows_} of erased people removed")


def backup(
    to: Annotated[Path, typer.Argument(help="An empty or new folder.")],
    policy: Policy, database: Database, folder: Folder = None,
) -> None:  # fmt: skip
    """A consistent copy of the database; keys and ledger are not in it.

    Keys have a backup of their own, with a short life: `avow key backup`.
    """
    with_site(policy, database, folder, lambda shop: shop.backup(to))
    out.print(Text.assemble("the database is copied to ", (str(to), "bold"), "; keys and ledger are not in it"))


def restore(
    source: Annotated[Path, typer.Argument(metavar="FROM", help="A folder made by `avow backup`.")],
    policy: Policy, database: Database, folder: Folder = None, yes: Yes = False, as_json: Json = False,
) -> None:  # fmt: skip
    """Put a copy in the database's place: who was erased stays erased, who opted out stays opted out."""
    chosen = policy_at(policy)
    must_be_there(database, folder)
    if not source.is_dir():
        raise CallError(f"there is no folder `{source}`; name one that `avow backup` made")
    sure(f"The database becomes what it was when {source} was made; what was written since is lost.", yes)
    done = asyncio.run(Avow.restore(chosen, database, source, folder=folder, private="attested"))
    if as_json:
        print_json({"erasures": done.erasures, "endings": done.endings, "narrowings": done.narrowings})
    else:
        out.print("restored, and from the journal done again:")
        for line in _again(done.erasures, done.endings, done.narrowings):
            out.print(f"  {line}")


def _again(erasures: int, endings: int, narrowings: int) -> Iterator[str]:
    yield count(erasures, "erasure")
    yield f"{count(endings, 'ending')} of data past their term"
    yield f"{count(narrowings, 'withdrawal, opt-out or the like', 'withdrawals, opt-outs and the like')}"
