"""The command that sends a newsletter, by the vault process that serves the site."""

import asyncio
from base64 import b64encode
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.text import Text

from avow.cli.output import Json, count, err, known, out, print_json
from avow.cli.policy import policy_at
from avow.cli.serving import Socket, serves
from avow.cli.sites import Database, Folder, Policy, places
from avow.desk.interface.newsletters import LONGEST, Newsletter
from avow.errors import CallError
from avow.serve.sites import operator_at
from avow.wire import OperatorClient

EVERY: Final = 0.5  # seconds between looks at how far it is


def register(app: typer.Typer) -> None:
    """Put the command on the command line."""
    app.command("newsletter", rich_help_panel="The site")(newsletter)


def newsletter(
    file: Annotated[Path, typer.Argument(help="The message, as a mail program saves it (.eml): without recipients.")],
    policy: Policy, database: Database,
    purpose: Annotated[str, typer.Option(help="A purpose that people agree to, of the policy.")],
    interest: Annotated[str | None, typer.Option(help="Only to people who state this interest.")] = None,
    folder: Folder = None, operator: Socket = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Send a newsletter, a mail of its own to each person who agreed to it. Cut off, and run again, it goes on.

    It goes on by itself when this command is stopped; the vault process sends it. Exit status 1: not to everybody yet.
    """
    known("purpose of the policy", purpose, policy_at(policy).purposes)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise CallError(f"`{file}` cannot be read: {error.strerror}; name a message's file") from None
    if not content or len(content) > LONGEST:
        raise CallError(f"`{file}` is no newsletter of at most {LONGEST // 1024} KiB; link to what is larger")
    address = operator or operator_at(places(database, folder).keys.parent)
    if not serves(address):
        raise CallError("no process serves this site; start `avow serve` with --smarthost, and send it then")
    done = asyncio.run(_sent(address, b64encode(content).decode(), purpose, interest, quiet=as_json))
    if as_json:
        print_json(done)
    else:
        for line in _lines(done):
            out.print(line, soft_wrap=True)
    if done["state"] != "sent":
        raise typer.Exit(1)


async def _sent(address: str, content: str, purpose: str, interest: str | None, *, quiet: bool) -> Newsletter:
    async with OperatorClient(address, timeout=60.0) as desk:
        told = await desk.newsletter(content, purpose, interest=interest)
        with err.status("beginning") as shown:
            while told["state"] in ("sending", "waiting"):
                await asyncio.sleep(EVERY)
                told = await desk.newsletter_state(told["id"])
                if not quiet:
                    shown.update(_progress(told))
                    if not err.is_terminal:
                        err.print(_progress(told), soft_wrap=True)
    return told


def _progress(told: Newsletter) -> str:
    waits = f"; waiting: {told['reason']}" if told["state"] == "waiting" else ""
    return f"{told['sent']:,} sent, {count(told['looked'], 'person', 'people')} looked at{waits}"


def _lines(told: Newsletter) -> list[Text]:
    whole = told["state"] == "sent"
    lines = [Text.assemble((f"{told['sent']:,}", "bold"), " sent; it has gone out to everybody" if whole else " sent")]
    for number, words in (
        (told["before"], "had it before"), (told["elsewhere"], "state another interest, or none"),
        (told["refused"], "may not be written to"), (told["never"], "cannot be delivered to"),
        (told["unknown"], "may or may not have it, and never get it by itself: the connection ended at the wrong moment"),
        (told["later"], "were not taken yet"),
    ):  # fmt: skip
        if number:
            lines.append(Text(f"{number:,} {words}"))
    if not whole:
        lines.append(Text(f"stopped: {told['reason']}", "bold red"))
        lines.append(Text("next: run the same command again; who has it does not get it twice"))
    return lines
