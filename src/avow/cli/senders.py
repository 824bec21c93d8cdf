"""Commands for applications that hand mail in: their credentials at the mail gateway."""

from typing import Annotated

import typer
from rich.text import Text

from avow.cli.output import Json, known, out, print_json
from avow.cli.policy import policy_at
from avow.cli.serving import Socket, asked
from avow.cli.sites import Database, Folder, Policy


def register(app: typer.Typer) -> None:
    """Put the commands on the command line."""
    sender = typer.Typer(no_args_is_help=True, help="Applications that hand mail in: let one in, let it go.")
    sender.command("add")(add)
    sender.command("remove")(remove)
    app.add_typer(sender, name="sender", rich_help_panel="The site")


def add(
    name: Annotated[str, typer.Argument(help="What the application signs in as: small letters, digits, hyphens.")],
    policy: Policy, database: Database,
    purpose: Annotated[list[str], typer.Option(help="What it may write for, a purpose of the policy. May be repeated.")],
    colleague: Annotated[str | None, typer.Option(help="In whose name it writes, if not in the site's.")] = None,
    folder: Folder = None, operator: Socket = None, as_json: Json = False,
) -> None:  # fmt: skip
    """A credential for the mail gateway. Its password is shown this once. Every recipient is decided all the same."""
    for one in purpose:
        known("purpose of the policy", one, policy_at(policy).purposes)
    password = asked(
        policy, database, folder, operator, lambda desk: desk.add_sender(name, purpose, colleague), new=False
    )
    if as_json:
        print_json({"name": name, "purposes": purpose, "colleague": colleague, "password": password})
        return
    out.print(
        Text.assemble((name, "bold"), f" may hand mail in, for {', '.join(purpose)}; its password, shown this once:")
    )
    out.print(password, soft_wrap=True)
    if len(purpose) > 1:
        out.print("next: have it say which purpose by the header Avow-Purpose")


def remove(
    name: Annotated[str, typer.Argument(help="The application.")],
    policy: Policy, database: Database, folder: Folder = None, operator: Socket = None, as_json: Json = False,
) -> None:  # fmt: skip
    """It hands in nothing any more, from now on."""
    asked(policy, database, folder, operator, lambda desk: desk.remove_sender(name), new=False)
    if as_json:
        print_json({"removed": name})
        return
    out.print(Text.assemble((name, "bold"), " hands in nothing any more"))
