"""The command line. Every command that reports takes `--json`; errors say what was wrong, where, and what to do."""

import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated, NoReturn

import typer
from rich.text import Text

from avow.cli import (
    affiliates,
    contests,
    data,
    keys,
    newsletters,
    policy,
    proofs,
    publishing,
    recipients,
    senders,
    serving,
    showing,
    statistics,
)
from avow.cli.output import any_terminal, err, fail
from avow.errors import AvowError, PolicyError, Refused

app = typer.Typer(
    name="avow", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help="A privacy policy is a list of promises. Avow makes the policy the program.",
    epilog="Exit status: 0 yes, or done; 1 no, or a fault was found; 2 it could not be done, and the message says why.",
)  # fmt: skip
for part in (
    policy,
    publishing,
    data,
    keys,
    serving,
    senders,
    newsletters,
    contests,
    affiliates,
    recipients,
    statistics,
    showing,
    proofs,
):
    part.register(app)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"avow {version('avow')}")
        raise typer.Exit


@app.callback()
def _whole(
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Which Avow this is.")] = False,
) -> None:
    """Nothing to do before a command."""


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run a command. Exit status 1 says no, 2 says that the call, the policy or the surroundings are at fault."""
    any_terminal()
    try:
        app(args, standalone_mode=True)
    except Refused as refused:
        err.print(Text(str(refused), "red"), soft_wrap=True)
        sys.exit(1)
    except PolicyError as error:
        for fault in error.faults:
            err.print(Text.assemble((error.name, "bold"), f":{fault}"), soft_wrap=True)
        sys.exit(2)
    except AvowError as error:
        fail(str(error))
        sys.exit(2)
    except OSError as error:
        fail(f"`{error.filename}`: {error.strerror}" if error.filename else str(error.strerror or error))
        sys.exit(2)
    sys.exit(0)
