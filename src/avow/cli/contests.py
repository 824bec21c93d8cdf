"""Commands for contests: close, draw, told, show."""

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import typer
from rich.text import Text

from avow.cli.output import Json, count, known, out, print_json, told
from avow.cli.policy import policy_at
from avow.cli.serving import Socket, asked
from avow.cli.sites import Database, Folder, Policy, Yes, sure
from avow.desk.interface import Operator
from avow.errors import CallError
from avow.policy.contests import contests

T = TypeVar("T")
PATIENCE: Final = 3600.0  # seconds: each entry that is closed is an act of its own, on record
Kind = Annotated[str, typer.Argument(help="The kind of service request that an entry is, such as `contest`.")]
_MOMENTS: Final = ("closes", "closed", "drawn")


def register(app: typer.Typer) -> None:
    """Put the commands on the command line."""
    contest = typer.Typer(no_args_is_help=True, help="A contest: close it, draw the winners, tell them, erase entries.")
    for name, command in (("close", close), ("draw", draw), ("told", winners_told), ("show", show)):
        contest.command(name)(command)
    app.add_typer(contest, name="contest", rich_help_panel="The site")


def close(
    kind: Kind, winners: Annotated[int, typer.Option(help="How many are drawn.", min=1)],
    policy: Policy, database: Database, folder: Folder = None,
    at: Annotated[
        datetime | None, typer.Option(help="Not now but then, in UTC: tell people this moment.", formats=["%Y-%m-%dT%H:%M"])
    ] = None,
    operator: Socket = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Let nobody enter any more, and put on record who takes part and how many win.

    Keep the checkpoint that it prints, and publish it: it shows later that nothing was changed since.
    """
    _known(policy, kind)
    closes = None if at is None else int(at.replace(tzinfo=UTC).timestamp() * 1000)
    if closes is not None and closes <= int(datetime.now(UTC).timestamp() * 1000):
        raise CallError("that moment has passed; leave --at out to close now")
    _report(_asked(policy, database, folder, operator, lambda desk: desk.contest_close(kind, winners, closes)), as_json)


def draw(
    kind: Kind, policy: Policy, database: Database, folder: Folder = None, operator: Socket = None, as_json: Json = False
) -> None:  # fmt: skip
    """Draw the winners. All other entries are closed: nobody may be written to or called about them any more.

    Drawing again changes nothing.
    """
    _known(policy, kind)
    _report(_asked(policy, database, folder, operator, lambda desk: desk.contest_draw(kind)), as_json)


def winners_told(
    kind: Kind, policy: Policy, database: Database, folder: Folder = None, operator: Socket = None,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Though the record has no mail, letter or call to some of the winners.")
    ] = False,
    yes: Yes = False, as_json: Json = False,
) -> None:  # fmt: skip
    """The winners have been told: erase every entry. Cannot be undone."""
    _known(policy, kind)
    sure("What people gave to enter becomes unreadable, that of the winners too. It cannot be undone.", yes)
    _report(_asked(policy, database, folder, operator, lambda desk: desk.contest_told(kind, anyway=anyway)), as_json)


def show(
    kind: Kind, policy: Policy, database: Database, folder: Folder = None, operator: Socket = None,
    file: Annotated[Path | None, typer.Option(help="Write the file by which anybody checks the draw.")] = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """How a contest stands, and the open requests of its winners."""
    _known(policy, kind)
    if file is not None:
        told_ = _asked(policy, database, folder, operator, lambda desk: desk.contest_file(kind))
        file.write_text(json.dumps(told_, indent=1) + "\n", encoding="utf-8")
    _report(_asked(policy, database, folder, operator, lambda desk: desk.contest_show(kind)), as_json)
    if file is not None and not as_json:
        out.print(
            Text.assemble(
                "wrote ", (str(file), "bold"), "; nothing of anybody is in it: avow verify ", str(file), " --key KEY"
            )
        )


def _known(policy: Path, kind: str) -> None:
    found = contests(policy_at(policy))
    if not found:
        raise CallError(
            "this policy has no contest: a form that opens a kind of request of its own, and whose data are kept `until` "
            "the winners have been told"
        )
    known("contest of the policy", kind, found)


def _asked(
    policy: Path, database: str, folder: Path | None, operator: str | None, act: Callable[[Operator], Awaitable[T]]
) -> T:
    return asked(policy, database, folder, operator, act, patience=PATIENCE, new=False)


def _report(state: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(state)
        return
    number = f" {state['number']}" if "number" in state else ""
    out.print(Text.assemble((f"{state['kind']}{number}", "bold"), " is ", (str(state["phase"]), "bold green")))
    if state["phase"] == "open":
        told("  entered   ", count(state["entered"], "entry", "entries"))
        return
    for name in _MOMENTS:
        if state[name] is not None:
            told(f"  {name:8}  ", f"{datetime.fromtimestamp(state[name] / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC")
    if state["closed"] is not None:
        told("  take part ", f"{count(state['entries'], 'entry', 'entries')}, {state['aside']:,} set aside")
    requests: Mapping[str, str] = state.get("requests", {})
    for name in state["won"]:
        told("  won       ", name)
        if name in requests:
            told("  request   ", requests[name], "dim")
    if state["checkpoint"] and state["phase"] == "closed":
        out.print("keep this checkpoint, and publish it:")
        out.print(Text(state["checkpoint"].rstrip()), soft_wrap=True)
