"""Commands for affiliates: report."""

from typing import Annotated

import typer
from rich.table import Table

from avow.cli.output import Json, out, print_json
from avow.cli.policy import policy_at
from avow.cli.serving import Socket, asked
from avow.cli.sites import Database, Folder, Policy
from avow.errors import CallError
from avow.policy.affiliates import programme


def register(app: typer.Typer) -> None:
    """Put the commands on the command line."""
    affiliates = typer.Typer(no_args_is_help=True, help="Affiliates: what they are owed.")
    affiliates.callback()(_whole)
    affiliates.command("report")(report)
    app.add_typer(affiliates, name="affiliates", rich_help_panel="The site")


def _whole() -> None:
    """Nothing to do before a command; it keeps the one command there is under its name."""


def report(
    policy: Policy, database: Database, folder: Folder = None,
    affiliate: Annotated[str | None, typer.Option(help="Of this one alone: what may be handed to them.")] = None,
    operator: Socket = None, as_json: Json = False,
) -> None:  # fmt: skip
    """What affiliates are owed for sales: months that are over, so many sales together that none of them stands out.

    It says nothing of any visitor, and is the same for the merchant and for the affiliate. Commissions are in the
    currency's smallest unit, cents for example.
    """
    if programme(policy_at(policy)) is None:
        raise CallError("this policy has no affiliate programme: a cookie that only an affiliate's link sets")
    owed = asked(policy, database, folder, operator, lambda desk: desk.affiliates(), new=False)
    if affiliate is not None:
        owed = [one for one in owed if one["affiliate"] == affiliate]
    if as_json:
        print_json({"payouts": owed})
        return
    if not owed:
        out.print("nothing is owed yet: sales are told once their month is over and enough of them are together")
        return
    table = Table("affiliate", "months", "sales", "commission", box=None, pad_edge=False)
    for column in table.columns[2:]:
        column.justify = "right"
    for one in owed:
        months = f"up to {one['month']}" if one["after"] is None else f"after {one['after']}, up to {one['month']}"
        table.add_row(one["affiliate"], months, f"{one['sales']:,}", f"{one['commission']:,}")
    out.print(table)
