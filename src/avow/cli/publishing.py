"""Publish the next version of a policy, with what it changes shown first."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from avow.cli.output import Json, out, print_json, told
from avow.cli.policy import diff_json, policy_at, print_diff
from avow.cli.serving import Socket, asked
from avow.cli.sites import Database, Folder, Yes, sure
from avow.decide.difference import difference
from avow.decide.first import first
from avow.desk.interface import Operator
from avow.desk.interface.changing import Progress, Version
from avow.policy.parse import parse


def register(app: typer.Typer) -> None:
    """Put the commands on the command line."""
    app.command("publish", rich_help_panel="The policy")(publish)
    app.command("versions", rich_help_panel="The policy")(versions)


def publish(
    policy: Annotated[Path, typer.Argument(metavar="POLICY", help="The version to come.")],
    database: Database, folder: Folder = None, operator: Socket = None, yes: Yes = False,
    dry: Annotated[bool, typer.Option("--dry-run", help="Show what it would change, and publish nothing.")] = False,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Publish the next version: posted at once, in force from its day on. A version is never edited and never taken back.

    Shows what it changes against the newest version first, and asks. What is held already keeps the older limits.
    """
    new = policy_at(policy)
    newest = asked(policy, database, folder, operator, lambda desk: desk.published(), new=False, unpublished=True)[-1]
    old = parse(newest["source"], newest["version"])
    found = difference(old, new)
    steps = first(found, old)
    if not as_json:
        out.print(Text.assemble("from ", (newest["version"], "bold"), " to ", (new.version.isoformat(), "bold"), ":"))
        print_diff(found, steps)
    if dry:
        if as_json:
            print_json({"published": False, "against": newest["digest"], "changes": diff_json(found, steps)})
        return
    sure(f"Publish this as {new.site}'s policy, in force from {new.version} on? It cannot be taken back.", yes)
    done = asked(
        policy, database, folder, operator, lambda desk: desk.publish(new.source, newest["digest"]), new=False,
        unpublished=True,
    )  # fmt: skip
    if as_json:
        changes = diff_json(found, steps)
        print_json({"published": True, "against": newest["digest"], "changes": changes, "version": done})
        return
    out.print(Text.assemble("published: ", (done["digest"], "bold")), soft_wrap=True)
    out.print(f"in force from {_moment(done['effective'])} on; until then nothing is done by it")


def versions(
    policy: Annotated[Path, typer.Argument(metavar="POLICY", help="Any version of the site's policy.")],
    database: Database, folder: Folder = None, operator: Socket = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Every version that was published, oldest first."""

    async def ask(desk: Operator) -> tuple[list[Version], list[Progress]]:
        return await desk.published(), await desk.telling()

    known, telling = asked(policy, database, folder, operator, ask, new=False, unpublished=True)
    if as_json:
        print_json({"versions": known, "telling": telling})
        return
    for one in known:
        out.print(Text.assemble((f"{one['version']}  ", "bold"), f"{one['state']:9} {one['digest']}"), soft_wrap=True)
    for each in telling:
        told(f"{each['version']}  ", _progress(each), "green" if each["told"] == each["people"] else "yellow")


def _progress(one: Progress) -> str:
    """How far people are told, in a line."""
    parts = ", ".join(f"{one[name]:,} {says}" for name, says in _SAYS if one[name])  # type: ignore[literal-required]  # its own keys
    going = "; notices are going out" if one["sending"] else ""
    return f"of {one['people']:,} people who are owed a notice: {parts or 'none yet'}{going}"


_SAYS = (
    ("told", "told"), ("waiting", "sent, and may still come back"), ("returned", "came back"),
    ("unknown", "may or may not have gone"), ("refused", "may not or cannot be written to"), ("left", "to be sent"),
)  # fmt: skip


def _moment(at: int) -> str:
    return f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d %H:%M} UTC"
