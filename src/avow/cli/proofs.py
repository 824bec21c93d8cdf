"""Commands that show: the demo, the log and its offline verifier, the measured ratios."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.text import Text

from avow.app import Avow
from avow.cli.draws import verify_file
from avow.cli.output import Json, claimed, count, err, out, print_json, told
from avow.cli.sites import Database, Folder, Policy, with_site
from avow.errors import CallError, PolicyError
from avow.ledger.checkpoint import read_key
from avow.ledger.faults import LedgerError, Malformed
from avow.ledger.folder import files, versions
from avow.ledger.published import read
from avow.ledger.tiles import CHECKPOINT
from avow.ledger.verify import Finding, Report, verify_log
from avow.opening import VERIFIER_KEY
from avow.policy.parse import parse

_PANEL = "The proof"
_SOUND: Final = "every entry is whole, in its place, and under the root that the log's key signed"
_OLDER: Final = "the log begins with what you held: of that nothing was altered, removed or put in between, by anybody"
_MEANS: Final[Mapping[str, tuple[str, ...]]] = {
    "internally consistent": (_SOUND,),
    "consistent with a checkpoint held outside": (_SOUND, _OLDER),
    "witnessed": (_SOUND, "the witnesses asked for saw this very tree: nobody is shown another one"),
}
_ANEW: Final = (
    "that nobody with the log's key wrote the whole log anew: keep this checkpoint, and pass it with --checkpoint"
)
_NEVER: Final = (
    "that every act is on record: only what passes the gate is",
    "what happened since the checkpoint was signed, half a second as a rule",
    "that whoever holds the log's key appended nothing made up",
)


def register(app: typer.Typer) -> None:
    """Put the commands on the command line."""
    for name, command in (("log", log), ("verify", verify), ("bench", bench)):
        app.command(name, rich_help_panel=_PANEL)(command)


def log(
    to: Annotated[Path, typer.Argument(help="An empty or new folder.")],
    policy: Policy, database: Database, folder: Folder = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Copy the log for an auditor, who verifies it offline with `avow verify`.

    No personal data are in it. Its verifier key is not in the copy: give that by another way, once.
    """

    async def act(shop: Avow) -> tuple[int, int, str]:
        await shop.sequence_all()
        return shop.log.export(to), shop.log.size, shop.verifier_key

    copied, size, key = with_site(policy, database, folder, act)
    if as_json:
        print_json({"folder": str(to), "files": copied, "entries": size, "key": key})
        return
    entries, parts = count(size, "entry", "entries"), count(copied, "file")
    out.print(Text.assemble(f"{entries} in {parts} copied to ", (str(to), "bold")))
    out.print("give the auditor this key by another way, once; then they run")
    out.print(Text(f"  avow verify {to} --key {key}", "bold"), soft_wrap=True)


def verify(
    log: Annotated[
        Path, typer.Argument(metavar="LOG", help="A copy of a log, a site's folder or ledger, or the file of a draw.")
    ],
    key: Annotated[str | None, typer.Option(help="The log's verifier key, or a file that holds it.")] = None,
    held: Annotated[
        list[Path] | None, typer.Option("--checkpoint", help="A checkpoint that you kept yourself; repeat it.")
    ] = None,
    witness: Annotated[
        list[str] | None, typer.Option(help="The verifier key of a witness that you trust; repeat it.")
    ] = None,
    entry: Annotated[
        list[Path] | None, typer.Option(help="Of a draw: the note that you were given when you entered; repeat it.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Verify a log, or the draw of a contest, offline, trusting nothing but the log's key and what you held.

    Exit status 1: there is a fault, and nothing can be claimed.
    """
    if log.is_file():
        if verify_file(log, key, [_note(path) for path in held or []], entry or [], as_json=as_json):
            raise typer.Exit(1)
        return
    folder = log / "ledger" if (log / "ledger" / CHECKPOINT).is_file() else log
    if not (folder / CHECKPOINT).is_file() and not (folder / "tile").is_dir():
        raise CallError(f"`{log}` holds no log; name a folder that `avow log` made, or a site's folder")
    own = folder / VERIFIER_KEY
    if key is None and not own.is_file():
        raise CallError(f"`{folder}` names no key of the log; pass the one that the site gave you, with --key")
    named = Path(key) if key else own
    notes = [_note(path) for path in held or []]
    try:
        known = named.read_text(encoding="utf-8", errors="replace").strip() if named.is_file() else str(key)
        published = versions(folder)
        report = _with_texts(verify_log(files(folder), known, notes, witness or [], published), published, known)
    except Malformed as error:
        raise CallError(f"a key given is no verifier key, nor a file that holds one: {error}") from None
    if as_json:
        print_json(_as_json(report))
    else:
        _print_report(report, own_key=key is None)
    if report.faults:
        raise typer.Exit(1)


def _with_texts(report: Report, published: Sequence[tuple[str, bytes]], key: str) -> Report:
    """The same, with the versions whose text is not of the site and day that its statement says."""
    faults = list(report.faults)
    for note, source in published:
        with suppress(LedgerError):  # reported already
            told = read(note, read_key(key))
            try:
                policy = parse(source.decode(errors="replace"), f"the version of {told.day}")
                wrong = (policy.site, policy.version.isoformat()) != (told.site, told.day)
            except PolicyError:
                wrong = True
            if wrong:
                message = f"its text is no policy of {told.site} that is in force from {told.day} on"
                faults.append(Finding("version", f"the version of {told.day}", message))
    return report._replace(claim=None, faults=tuple(faults)) if len(faults) > len(report.faults) else report


def _note(path: Path) -> str:
    if path.is_dir():
        path /= CHECKPOINT  # a copy of the log that was kept has it inside
    if not path.is_file():
        raise CallError(f"there is no checkpoint `{path}`; name the file `checkpoint` of a copy that you kept")
    return path.read_text(encoding="utf-8", errors="replace")


def _not_claimed(report: Report) -> tuple[str, ...]:
    return (_ANEW, *_NEVER) if report.claim == "internally consistent" else _NEVER


def _as_json(report: Report) -> dict[str, object]:
    return {
        "claim": report.claim or "none",
        "means": list(_MEANS[report.claim]) if report.claim else [],
        "not_claimed": list(_not_claimed(report)) if report.claim else [],
        "size": report.size,
        "root": report.root.hex(),
        "witnesses": [{"name": name, "seconds": seconds} for name, seconds in report.witnesses],
        "faults": [{"what": f.what, "place": f.place, "message": f.message} for f in report.faults],
    }


def _print_report(report: Report, *, own_key: bool) -> None:
    of = f"a log of {count(report.size, 'entry', 'entries')}"
    means = _MEANS[report.claim] if report.claim else ()
    if claimed(report.claim, of, report.faults, means, _not_claimed(report)) and own_key:
        told(
            "  note       ",
            "the key came from the log's own folder; compare it with the one the site gave you",
            "yellow",
        )


def bench(
    names: Annotated[list[str] | None, typer.Argument(metavar="[ID...]", help="Such as 1 or 8a; all without.")] = None,
    as_json: Json = False,
    database: Annotated[str | None, typer.Option(help="A PostgreSQL to measure on; without, one is started.")] = None,
) -> None:
    """Ratios against raw floors, measured side by side in this run. Exit status 1 when one misses its goal."""
    from avow.bench import interpreter, run, table  # noqa: PLC0415 - so that other commands start without it

    ratios = run(names or [], database, err)
    if as_json:
        print_json({"ratios": [ratio.as_json() for ratio in ratios], "python": interpreter()})
    else:
        out.print(table(ratios))
        if not interpreter()["optimised"]:
            err.print(
                "this Python was built without its optimisations: ratios of our own code come out lower", style="dim"
            )
    if not all(ratio.reached for ratio in ratios):
        raise typer.Exit(1)
