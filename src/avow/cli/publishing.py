"""Publish the next version of a policy, with what it changes shown first."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, TypeVar

import typer
from rich.text import Text

from avow.cli.output import Json, out, print_json, told
from avow.cli.policy import diff_json, policy_at, print_diff
from avow.cli.serving import Socket, asked
from avow.cli.sites import Database, Folder, Yes, sure
from avow.decide.difference import difference
from avow.decide.first import first
from avow.desk.interface import Operator
from avow.desk.interface.changing import Plan, Progress, Version
from avow.errors import CallError, OperatorError
from avow.policy.parse import parse

T = TypeVar("T")
PATIENCE: Final = 120.0  # seconds: counting what a million people are held with takes some


def register(app: typer.Typer) -> None:
    """Put the commands on the command line."""
    app.command("diff", rich_help_panel="The policy")(diff)
    app.command("publish", rich_help_panel="The policy")(publish)
    app.command("versions", rich_help_panel="The policy")(versions)


def diff(
    old: Annotated[Path, typer.Argument(help="The policy in force.")],
    new: Annotated[Path, typer.Argument(help="The policy to come.")],
    database: Annotated[
        str | None, typer.Option("--database", envvar="AVOW_DATABASE", help="Count whom it touches, too, in this one.")
    ] = None,
    folder: Folder = None, operator: Socket = None, as_json: Json = False,
) -> None:  # fmt: skip
    """What a new version widens, what it narrows, what is only words, and what must happen before it takes effect.

    With a database: how many people and data it touches, too. OLD is the newest published version then.
    """
    before, after = policy_at(old), policy_at(new)
    found = difference(before, after)
    plan = None
    if database is not None:
        plan = asked(
            old, database, folder, operator, lambda desk: desk.plan_version(after.source), patience=PATIENCE, new=False
        )
        if plan["previous"] != before.digest.hex():
            raise CallError(f"`{old}` is not the newest version that was published; `avow versions` shows which one is")
    steps = first(found, before)
    if as_json:
        print_json(diff_json(found, steps) | ({} if plan is None else {"plan": plan}))
    else:
        print_diff(found, steps)
        if plan is not None:
            print_plan(plan)
    if found.wider:
        raise typer.Exit(1)


def publish(
    policy: Annotated[Path, typer.Argument(metavar="POLICY", help="The version to come.")],
    database: Database, folder: Folder = None, operator: Socket = None, yes: Yes = False,
    dry: Annotated[bool, typer.Option("--dry-run", help="Show what it would change, and publish nothing.")] = False,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Publish the next version: posted at once, in force from its day on. A version is never edited and never taken back.

    Shows the plan first: what changes against the newest version, how many people and data that touches, and what must
    happen before; then asks. What is held already keeps the older limits.
    """
    new = policy_at(policy)

    def ask(act: Callable[[Operator], Awaitable[T]]) -> T:
        return asked(policy, database, folder, operator, act, patience=PATIENCE, new=False, unpublished=True)

    newest, plan = ask(lambda desk: _planned(desk, new.source))
    old = parse(newest["source"], newest["version"])
    found = difference(old, new)
    steps = first(found, old)
    changes = {"changes": diff_json(found, steps), "plan": plan}
    if not as_json:
        out.print(Text.assemble("from ", (newest["version"], "bold"), " to ", (new.version.isoformat(), "bold"), ":"))
        print_diff(found, steps)
        print_plan(plan)
    if plan["faults"] and not dry:
        raise OperatorError("this version may not be published: " + "; ".join(plan["faults"]))
    if dry:
        if as_json:
            print_json({"published": False, "against": newest["digest"]} | changes)
        if plan["faults"]:
            raise typer.Exit(1)
        return
    sure(f"Publish this as {new.site}'s policy, in force from {new.version} on? It cannot be taken back.", yes)
    done = ask(lambda desk: desk.publish(new.source, newest["digest"]))
    if as_json:
        print_json({"published": True, "against": newest["digest"], "version": done} | changes)
        return
    out.print(Text.assemble("published: ", (done["digest"], "bold")), soft_wrap=True)
    out.print(f"in force from {_moment(done['effective'])} on; until then nothing is done by it")


async def _planned(desk: Operator, source: str) -> tuple[Version, Plan]:
    """The plan, and the version that it was made against."""
    plan = await desk.plan_version(source)
    return next(one for one in await desk.published() if one["digest"] == plan["previous"]), plan


def print_plan(plan: Plan) -> None:
    """Whom it touches, for people."""
    for one in plan["touched"]:
        told("touches    ", f"{one['category']}: {one['data']:,} held, of {one['people']:,} people")
    if not plan["people"]:
        told("touches    ", "nothing that is held serves more than before", "green")
    else:
        told("in all     ", f"{plan['people']:,} people, {plan['data']:,} data")
    if plan["unreachable"]:
        left = f"{plan['unreachable']:,} of them gave no address to write to; what is held of them keeps its limits"
        told("unreachable", left, "yellow")
    for fault in plan["faults"]:
        told("stops it   ", fault, "red")


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
