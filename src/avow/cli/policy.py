"""Commands about a policy's text: they touch nobody's data."""

import json
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any, Literal

import typer
from rich.markup import escape
from rich.table import Table as Grid

from avow.cli.output import Json, out, print_json
from avow.decide.difference import Difference, difference
from avow.decide.explain import explain
from avow.decide.faults import faults as space_faults
from avow.decide.request import Facts, Request
from avow.decide.space import prove
from avow.decide.table import compile_policy
from avow.errors import CallError, Fault, PolicyError
from avow.policy import check as checks
from avow.policy import notice
from avow.policy.model import ACTIONS, CONDITIONS
from avow.policy.parse import read
from avow.policy.starter import starter

PolicyFile = Annotated[Path, typer.Argument(metavar="POLICY", help="A policy file, such as privacy.yaml.")]


def register(app: typer.Typer) -> None:
    """Put the commands on the command line."""
    app.command("init")(init)
    app.command("check")(check)
    app.command("explain")(explain_command)
    app.command("render")(render)
    app.command("diff")(diff)


def init(
    file: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("privacy.yaml"),
) -> None:
    """Write a commented starter policy for a shop."""
    if file.exists():
        raise CallError(f"{file} is there already; name another file, or move it away")
    file.write_text(starter(), encoding="utf-8")
    out.print(f"wrote [bold]{escape(str(file))}[/bold]; now: avow check {escape(str(file))}")


def check(
    policies: Annotated[list[Path], typer.Argument(metavar="POLICY...", help="Policy files.")],
    as_json: Json = False,
) -> None:
    """Every fault at once, and a proof of each `never` over the whole space of decisions."""
    reports = [_check_one(path) for path in policies]
    if as_json:
        print_json({"policies": reports})
    else:
        for path, report in zip(policies, reports, strict=True):
            _print_check(path, report)
    if any(report["faults"] or not all(n["proved"] for n in report["nevers"]) for report in reports):
        raise typer.Exit(1)


def _check_one(path: Path) -> dict[str, Any]:
    report: dict[str, Any] = {"file": str(path), "site": "", "version": "", "promises": [], "faults": [], "nevers": []}
    try:
        policy = read(path)
    except PolicyError as error:
        return report | {"faults": [_fault(one) for one in error.faults], "seconds": 0.0}
    table = compile_policy(policy)
    found = sorted([*checks.faults(policy), *space_faults(policy, table)])
    proofs = prove(policy, table, perf_counter)
    return report | {
        "site": policy.site,
        "version": policy.version.isoformat(),
        "promises": [promise.id for promise in policy.promises],
        "faults": [_fault(one) for one in found],
        "nevers": [
            {
                "promise": p.promise,
                "says": p.says,
                "decisions": p.decisions,
                "proved": p.proved,
                "unless": list(p.unless),
                "counterexample": p.counterexample,
            }
            for p in proofs
        ],
        "seconds": max((p.seconds for p in proofs), default=0.0),
    }


def _fault(fault: Fault) -> dict[str, Any]:
    return {"line": fault.line, "column": fault.column, "message": fault.message, "help": fault.help}


def _print_check(path: Path, report: dict[str, Any]) -> None:
    for fault in report["faults"]:
        where = f"[bold]{escape(str(path))}[/bold]:{fault['line']}:{fault['column']}"
        out.print(f"{where}: [red]{escape(fault['message'])}[/red]", soft_wrap=True)
        if fault["help"]:
            out.print(f"    [dim]help:[/dim] {escape(fault['help'])}", soft_wrap=True)
    if not report["site"]:
        return
    grid = Grid(
        "promise",
        "never",
        "decisions",
        "holds",
        "unless",
        title=f"{report['site']} {report['version']}",
        title_justify="left",
    )
    for never in report["nevers"]:
        holds = "[green]proved[/green]" if never["proved"] else f"[red]broken[/red] {escape(never['counterexample'])}"
        grid.add_row(
            never["promise"],
            escape(never["says"]),
            f"{never['decisions']:,}",
            holds,
            escape("; or ".join(map(str, never["unless"]))),
        )
    out.print(grid)
    decisions = sum(never["decisions"] for never in report["nevers"])
    verdict = f"[red]{len(report['faults'])} faults[/red]" if report["faults"] else "[green]no fault[/green]"
    out.print(
        f"{len(report['promises'])} promises, {verdict}; {len(report['nevers'])} nevers over {decisions:,} decisions, "
        f"each one made, in {report['seconds']:.1f} s\n"
    )


def explain_command(
    policy: PolicyFile,
    action: Annotated[str, typer.Argument(help="collect, use, share, sell, summarise, mail, post, call, …")],
    categories: Annotated[list[str], typer.Argument(metavar="CATEGORY...")],
    purpose: Annotated[str, typer.Option("--for", help="The purpose.")],
    actor: Annotated[str, typer.Option("--by", help="person, site, or a role.")] = "site",
    recipient: Annotated[str | None, typer.Option("--to", help="A recipient, or a kind of one.")] = None,
    form: Annotated[str | None, typer.Option("--form", help="The form, for collect.")] = None,
    given: Annotated[list[str] | None, typer.Option("--given", help="A condition that holds; repeat it.")] = None,
    as_json: Json = False,
) -> None:
    """May we? The answer, and the promises that give it. Exit status 1 says no."""
    if action not in ACTIONS:
        raise CallError(f"`{action}` is no action; the actions are {', '.join(ACTIONS)}")
    held = given or []
    for condition in held:
        if condition not in CONDITIONS:
            raise CallError(f"`{condition}` is no condition; the conditions are {', '.join(CONDITIONS)}")
    ask = Request(action, actor, purpose, tuple(categories), recipient, form)
    answer = explain(compile_policy(read(policy)), ask, Facts.of(*held))  # type: ignore[arg-type]  # checked above
    if as_json:
        print_json(answer)
    else:
        colour, word = ("green", "yes") if answer["allowed"] else ("red", "no")
        promises = f" ({', '.join(answer['promises'])})" if answer["promises"] else ""
        out.print(f"[{colour}]{word}[/{colour}]{promises}: {escape(answer['reason'])}", soft_wrap=True)
        for obligation in answer["obligations"]:
            out.print(f"  with it: {escape(str(obligation))}", soft_wrap=True)
    if not answer["allowed"]:
        raise typer.Exit(1)


def render(
    policy: PolicyFile,
    to: Annotated[
        Literal["text", "html", "jsonld"], typer.Option("--to", help="text, html or jsonld (DPV 2.3).")
    ] = "text",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file, instead of the screen.")] = None,
) -> None:
    """The notice that people read, made from the policy itself."""
    chosen = read(policy)
    if to == "jsonld":
        text = json.dumps(notice.jsonld(chosen), indent=2, ensure_ascii=False) + "\n"
    else:
        text = notice.html(chosen) if to == "html" else notice.text(chosen)
    if output is None:
        typer.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")


def diff(
    old: Annotated[Path, typer.Argument(help="The policy in force.")],
    new: Annotated[Path, typer.Argument(help="The policy to come.")],
    as_json: Json = False,
) -> None:
    """What widened, what narrowed, and what is only words. Exit status 1 when something widened."""
    found = difference(read(old), read(new))
    if as_json:
        print_json(asdict(found) | {"wider": found.wider})
    else:
        _print_diff(found)
    if found.wider:
        raise typer.Exit(1)


def _print_diff(found: Difference) -> None:
    for title, colour, changes in (("widened", "red", found.widened), ("narrowed", "green", found.narrowed)):
        if changes:
            out.print(f"[{colour} bold]{title}[/{colour} bold]")
        for change in changes:
            when = f" when {', '.join(change.when)}" if change.when else ""
            promises = f" ({', '.join(change.promises)})" if change.promises else ""
            out.print(f"  {escape(change.says + when + promises)}", soft_wrap=True)
    for title, asides in (("retention", found.retention), ("cookies", found.cookies), ("conditions", found.conditions)):
        for aside in asides:
            out.print(f"[{'red' if aside.wider else 'green'}]{title}[/] {escape(aside.says)}", soft_wrap=True)
    for title, ids in (("new", found.added), ("gone", found.removed), ("only words", found.words)):
        if ids:
            out.print(f"[bold]{title}[/bold] {', '.join(ids)}")
    verdict = (
        "[red]wider[/red]: people must agree, or be told, as the policy says" if found.wider else "nothing is wider"
    )
    out.print(f"{verdict}; {found.decisions:,} pairs of decisions compared")
