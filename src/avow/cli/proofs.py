"""Commands that show: the demo, the offline verifier, the measured ratios."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from avow.cli.output import Json, err, out, print_json
from avow.errors import CallError
from avow.ledger.verify import verify_log


def register(app: typer.Typer) -> None:
    """Put the commands on the command line."""
    app.command("demo")(demo)
    app.command("verify")(verify)
    app.command("bench")(bench)


def demo(
    policies: Annotated[list[Path] | None, typer.Argument(metavar="[POLICY...]", help="Instead of the five.")] = None,
    check: Annotated[bool, typer.Option("--check", help="For scripts: the same, and nothing more.")] = False,
) -> None:
    """Five shops under five policies, on real files: collect, use, refuse, erase, verify, and look for what is left.

    Always checks itself; exit status 1 when a shop did not keep its word.
    """
    from avow.demo import run, shipped  # noqa: PLC0415 - so that other commands start without it

    del check  # there is no way not to
    if not asyncio.run(run(policies or shipped(), out)):
        raise typer.Exit(1)


def verify(
    log: Annotated[Path, typer.Argument(metavar="LOG", help="A site's ledger folder, or an exported copy.")],
    key: Annotated[str | None, typer.Option(help="The log's verifier key, or a file that holds it.")] = None,
    held: Annotated[
        list[Path] | None, typer.Option("--checkpoint", help="A checkpoint that you kept yourself; repeat it.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Verify a log offline, trusting nothing but its key and the checkpoints that you held. Exit status 1: it lies."""
    if not log.is_dir():
        raise CallError(f"{log} is no folder of a log")
    if key is None and not (log / "verifier-key").is_file():
        raise CallError(f"{log} has no file `verifier-key`; pass the log's key with --key")
    known = key if key and not Path(key).is_file() else Path(key or log / "verifier-key").read_text().strip()
    report = verify_log(reader(log), known, [path.read_text() for path in held or []])
    if as_json:
        faults = [{"what": f.what, "place": f.place, "message": f.message} for f in report.faults]
        print_json({"claim": report.claim or "none", "size": report.size, "root": report.root.hex(), "faults": faults})
    else:
        for fault in report.faults:
            out.print(f"[red]{escape(str(fault))}[/red]", soft_wrap=True)
        colour = "red" if report.faults else "green"
        out.print(f"[{colour}]{report.claim or 'nothing can be claimed'}[/{colour}]: {report.size:,} entries")
        if key is None:
            out.print(
                "[dim]the key came from the log's own folder; compare it with the one that the site gave you[/dim]"
            )
    if report.faults:
        raise typer.Exit(1)


def reader(folder: Path) -> Callable[[str], bytes | None]:
    """How the verifier reads files: by their path within the log, None where there is none."""

    def read(path: str) -> bytes | None:
        file = folder / path
        return file.read_bytes() if file.is_file() else None

    return read


def bench(
    names: Annotated[list[str] | None, typer.Argument(metavar="[ID...]", help="Such as 1 or 8a; all without.")] = None,
    as_json: Json = False,
    database: Annotated[str | None, typer.Option(help="A PostgreSQL to measure on; without, one is started.")] = None,
) -> None:
    """Ratios against raw floors, measured side by side in this run. Exit status 1 when one misses its goal."""
    from avow.bench import run, table  # noqa: PLC0415 - so that other commands start without it

    ratios = run(names or [], database, err)
    if as_json:
        print_json({"ratios": [ratio.as_json() for ratio in ratios]})
    else:
        out.print(table(ratios))
    if not all(ratio.reached for ratio in ratios):
        raise typer.Exit(1)
