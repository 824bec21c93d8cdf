"""The command line. Every command that reports takes `--json`; errors say what was wrong, where, and what to do."""

import sys

import typer
from rich.markup import escape

from avow.cli import data, policy, proofs
from avow.cli.output import err
from avow.errors import AvowError, PolicyError, Refused

app = typer.Typer(
    name="avow", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help="A privacy policy is a list of promises. Avow makes the policy the program.",
)  # fmt: skip
for part in (policy, data, proofs):
    part.register(app)


def main() -> None:
    """Run a command. Exit status 1 says no, 2 says that the call, the policy or the surroundings are at fault."""
    try:
        app(standalone_mode=True)
    except Refused as refused:
        err.print(f"[red]{escape(str(refused))}[/red]")
        sys.exit(1)
    except PolicyError as error:
        for fault in error.faults:
            err.print(f"[bold]{escape(error.name)}[/bold]:{escape(str(fault))}", highlight=False)
        sys.exit(2)
    except AvowError as error:
        err.print(f"[red]{escape(str(error))}[/red]")
        sys.exit(2)
    except OSError as error:
        err.print(f"[red]{escape(str(error.strerror))}: {escape(str(error.filename))}[/red]")
        sys.exit(2)
