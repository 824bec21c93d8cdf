"""The demo as a command: everything for a browser, or a story in the terminal, or a check for scripts."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from avow.cli.output import fail, out
from avow.cli.policy import policy_at
from avow.errors import CallError


def register(app: typer.Typer) -> None:
    """Put the command on the command line."""
    app.command("demo", rich_help_panel="The proof")(demo)


def demo(
    policies: Annotated[
        list[Path] | None, typer.Argument(metavar="[POLICY...]", help="With --terminal, instead of the five.")
    ] = None,
    terminal: Annotated[bool, typer.Option("--terminal", help="A story in the terminal; nothing is served.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Start, buy in each shop, look, and stop.")] = False,
    data: Annotated[
        Path | None, typer.Option(help="A folder where the data stay; a new one, or an earlier demo's.")
    ] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="For the sites, over HTTPS.")] = 8443,
    guide: Annotated[int, typer.Option(min=1, max=65535, help="For the guide, over plain HTTP.")] = 8080,
) -> None:
    """Five shops under five policies, with their privacy centres, consoles, payments and mail, for your browser.

    It prints one address to open, and runs until Ctrl-C. Everything stays on this machine. Exit status 1 when a check
    finds something wrong.
    """
    if terminal:
        _story(policies, data, check=check)
    elif policies:
        raise CallError("a policy of your own is shown in the terminal: add --terminal")
    else:
        _house(data, port, guide, check=check)


def _story(policies: list[Path] | None, data: Path | None, *, check: bool) -> None:
    from avow.cli.telling import Telling  # noqa: PLC0415 - so that other commands start without it
    from avow.demo.terminal import run, shipped  # noqa: PLC0415 - as above

    if data is not None and data.exists() and (not data.is_dir() or any(data.iterdir())):
        raise CallError(f"`{data}` is not empty; name a new folder")
    chosen = [policy_at(path) for path in policies or shipped()]
    telling = Telling(out, quiet=check)
    try:
        shown = asyncio.run(run(chosen, telling, data))
    except LookupError as error:
        raise CallError(str(error)) from None
    for one in shown if check else ():
        for wrong in one.wrong:
            fail(f"{one.site}: {wrong}")
    if any(one.wrong for one in shown):
        raise typer.Exit(1)


def _house(data: Path | None, port: int, guide: int, *, check: bool) -> None:
    from avow.demo import run  # noqa: PLC0415 - so that other commands start without it

    if check:
        seen = asyncio.run(run.checked(data, port, guide, _tell))
        out.print(run.table(seen))
        for one in seen:
            for wrong in one.wrong:
                fail(f"{one.site}: {wrong}")
        if any(one.wrong for one in seen):
            raise typer.Exit(1)
        return
    asyncio.run(run.shown(data, port, guide, _tell))
    out.print("stopped; everything is closed")


def _tell(words: str) -> None:
    out.print(Text.assemble(("· ", "cyan"), words), soft_wrap=True)
