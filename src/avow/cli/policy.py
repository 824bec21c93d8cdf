"""Commands about a policy's text: they touch nobody's data."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any, Literal

import typer
from rich.table import Table as Grid
from rich.text import Text

from avow.cli.output import Json, count, fail, known, out, print_json, quoted, told
from avow.decide.difference import PARTS, Change, Difference
from avow.decide.explain import Explanation, explain
from avow.decide.faults import faults as space_faults
from avow.decide.first import First
from avow.decide.grants import OWN_RIGHTS, TO_RECIPIENT
from avow.decide.request import Facts, Request
from avow.decide.space import prove, size
from avow.decide.table import compile_policy
from avow.errors import CallError, Fault, PolicyError
from avow.policy import check as checks
from avow.policy import notice
from avow.policy.model import ACTIONS, CONDITIONS, PERSON, RECIPIENT_KINDS, RIGHTS_PURPOSE, SITE, Policy
from avow.policy.parse import parse
from avow.policy.starter import starter

PolicyFile = Annotated[Path, typer.Argument(metavar="POLICY", help="A policy file, such as privacy.yaml.")]
_PANEL = "The policy"


def register(app: typer.Typer) -> None:
    """Put the commands on the command line."""
    for name, command in (
        ("init", init), ("check", check), ("explain", explain_command), ("render", render)
    ):  # fmt: skip
        app.command(name, rich_help_panel=_PANEL)(command)


def policy_at(path: Path) -> Policy:
    """The policy in a file. Raises `CallError` for what is no file of text, `PolicyError` for what is no policy."""
    if path.is_dir():
        raise CallError(f"`{path}` is a folder; name the policy file in it")
    if not path.exists():
        raise CallError(f"there is no file `{path}`; `avow init {path}` writes a policy to start from")
    content = path.read_bytes()
    if b"\0" in content[:4096]:
        raise CallError(f"`{path}` is not a text file; name a policy file, such as privacy.yaml")
    return parse(content, path.name)


def init(
    file: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("privacy.yaml"),
) -> None:
    """Write a commented starter policy for a shop."""
    if file.is_dir():
        raise CallError(f"`{file}` is a folder; name the file to write, such as {file / 'privacy.yaml'}")
    if file.exists():
        raise CallError(f"`{file}` is there already; name another file, or move it away")
    if not file.parent.is_dir():
        raise CallError(f"there is no folder `{file.parent}`; make it first")
    file.write_text(starter(), encoding="utf-8")
    out.print(Text.assemble("wrote ", (str(file), "bold"), "; next: ", (f"avow check {file}", "bold")), soft_wrap=True)


# -- check ---------------------------------------------------------------------------------------------------------


def check(
    policies: Annotated[list[Path], typer.Argument(metavar="POLICY...", help="Policy files.")],
    page: Annotated[
        Path | None, typer.Option("--page", help="A notice as it was published: is it still what the policy says?")
    ] = None,
    as_json: Json = False,
) -> None:
    """Every fault at once, and each `never` proved over all decisions."""
    if page is not None and len(policies) != 1:
        raise CallError("a page belongs to one policy; name that one alone beside `--page`")
    reports: list[dict[str, Any]] = []
    unreadable = False
    for path in policies:
        try:
            reports.append(_check_one(path, page))
        except (CallError, OSError) as error:
            fail(str(error) if isinstance(error, CallError) else f"`{path}`: {error.strerror}")
            unreadable = True
            continue
        if not as_json:
            _print_check(path, reports[-1])
    if as_json:
        print_json({"policies": reports})
    if unreadable:
        raise typer.Exit(2)
    if any(report["faults"] or report["page"] or not all(n["proved"] for n in report["nevers"]) for report in reports):
        raise typer.Exit(1)


def _check_one(path: Path, page: Path | None) -> dict[str, Any]:
    report: dict[str, Any] = {
        "file": str(path), "site": "", "version": "", "promises": [], "faults": [], "nevers": [], "page": None,
    }  # fmt: skip
    try:
        policy = policy_at(path)
    except PolicyError as error:
        return report | {"faults": [_fault(one) for one in error.faults], "space": 0, "seconds": 0.0}
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
        "page": None if page is None else _page_fault(policy, path, page),
        "space": size(policy),
        "seconds": max((p.seconds for p in proofs), default=0.0),
    }


def _page_fault(policy: Policy, path: Path, page: Path) -> dict[str, Any] | None:
    """What is wrong with a published notice. Raises `CallError` for what is no text."""
    try:
        found = notice.edited(policy, page.read_text("utf-8"))
    except UnicodeDecodeError:
        raise CallError(f"`{page}` is not a text file; name the notice that `avow render` wrote") from None
    if found is None:
        return None
    missing = f"; not there word for word: {', '.join(found.promises)}" if found.promises else ""
    message = f"this is not what the policy says{missing}"
    again = f"`avow render {path} --output {page}` with its `--to` makes it anew; change the policy, and not its page"
    return {"file": str(page), "line": found.line, "column": 1, "message": message, "help": again}


def _fault(fault: Fault) -> dict[str, Any]:
    return {"line": fault.line, "column": fault.column, "message": fault.message, "help": fault.help}


def _print_check(path: Path, report: dict[str, Any]) -> None:
    for fault in (*report["faults"], *filter(None, [report["page"]])):
        where = f":{fault['line']}:{fault['column']}: "
        out.print(
            Text.assemble((fault.get("file", str(path)), "bold"), where, (fault["message"], "red")), soft_wrap=True
        )
        if fault["help"]:
            out.print(Text.assemble(("    help: ", "dim"), fault["help"]), soft_wrap=True)
    if not report["site"]:
        faults = count(len(report["faults"]), "fault")
        out.print(Text.assemble((str(path), "bold"), ": ", (faults, "red"), "; there is no policy to prove\n"))
        return
    verdict = (count(len(report["faults"]), "fault"), "red") if report["faults"] else ("no fault", "green")
    promises = count(len(report["promises"]), "promise")
    out.print(Text.assemble((f"{report['site']} {report['version']}", "bold"), f"  {promises}, ", verdict))
    if report["nevers"]:
        out.print(_nevers(report))
    decisions = sum(never["decisions"] for never in report["nevers"])
    broken = sum(not never["proved"] for never in report["nevers"])
    proved = f"{broken} broken" if broken else "all proved"
    nevers, points = count(len(report["nevers"]), "never"), count(report["space"], "point")
    out.print(f"{nevers}, {proved}: {decisions:,} decisions over {points}, in {report['seconds']:.2f} s\n")


def _nevers(report: dict[str, Any]) -> Grid:
    """A promise's nevers together, its id said once; those that say only what is not collected are one row."""
    rows: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for never in report["nevers"]:
        alike = "collect" if _collects(never) else never["says"]
        rows.setdefault((never["promise"], alike, *never["unless"], str(never["counterexample"])), []).append(never)
    order = [*report["promises"], ""]  # what no promise speaks of comes last
    grid = Grid("promise", "never", "decisions", "holds", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in grid.columns:
        column.header_style, column.no_wrap = "dim", True
    grid.columns[1].no_wrap, grid.columns[1].overflow = False, "fold"
    grid.columns[2].justify = "right"
    before = ""
    for together in sorted(rows.values(), key=lambda nevers: order.index(nevers[0]["promise"])):
        never = together[0]
        says = Text(never["says"] or "anything")
        for other in dict.fromkeys(one["says"] for one in together[1:]):
            if other != never["says"]:
                says.append(", " + other.removeprefix("collect "))
        if never["unless"]:
            says.append("\nunless " + ", or ".join(never["unless"]), "yellow")
        if never["counterexample"]:
            says.append("\nallowed: " + never["counterexample"], "red")
        holds = Text("proved", "green") if never["proved"] else Text("broken", "bold red")
        name = never["promise"] if never["promise"] != before else ""
        before = never["promise"]
        grid.add_row(Text(name, "bold"), says, f"{sum(one['decisions'] for one in together):,}", holds)
    return grid


def _collects(never: dict[str, Any]) -> bool:
    """Whether it says no more than `collect CATEGORY`, as those do that a category itself implies."""
    words = never["says"].split()
    return len(words) == 2 and words[0] == "collect"


# -- explain -------------------------------------------------------------------------------------------------------


def explain_command(
    policy: PolicyFile,
    action: Annotated[str, typer.Argument(metavar="ACTION", help=", ".join(ACTIONS) + ".")],
    categories: Annotated[list[str], typer.Argument(metavar="CATEGORY...", help="Of the policy; all or none.")],
    purpose: Annotated[str | None, typer.Option("--for", help="The purpose.")] = None,
    actor: Annotated[str, typer.Option("--by", help="person, site, or a role of the policy.")] = SITE,
    recipient: Annotated[str | None, typer.Option("--to", help="A recipient, or a kind of one.")] = None,
    form: Annotated[str | None, typer.Option("--form", help="The form, for collect.")] = None,
    given: Annotated[list[str] | None, typer.Option("--given", help="A condition that holds; repeat it.")] = None,
    as_json: Json = False,
) -> None:
    """May we? The answer, and the promises that give it.

    Nobody's data are looked at: what would hold is said with --given, for example --given request --given in-time.
    """
    chosen = policy_at(policy)
    ask = _asked(chosen, action, actor, purpose, tuple(categories), recipient, form)
    held = given or []
    for condition in held:
        known("condition", condition, CONDITIONS)
    answer = explain(compile_policy(chosen), ask, Facts.of(*held))  # type: ignore[arg-type]  # checked above
    if as_json:
        print_json(answer)
    else:
        _print_answer(chosen, answer, held)
    if not answer["allowed"]:
        raise typer.Exit(1)


def _asked(
    policy: Policy, action: str, actor: str, purpose: str | None, categories: tuple[str, ...], recipient: str | None,
    form: str | None,
) -> Request:  # fmt: skip
    """The request, once every word of it is one that the policy or the language knows."""
    known("action", action, ACTIONS)
    if purpose is None:
        if action not in OWN_RIGHTS:
            raise CallError(f"say what for, with --for; the purposes are {quoted(policy.purposes)}")
        purpose = RIGHTS_PURPOSE
    if action != "set-cookie":  # a page may try to set any cookie: an undeclared one has an answer
        for category in categories:
            known("category of the policy", category, policy.categories)
    known("purpose of the policy", purpose, (*policy.purposes, RIGHTS_PURPOSE))
    known("actor", actor, (PERSON, SITE, *policy.roles))
    for option, word, wanted, words in (
        ("--to", recipient, action in TO_RECIPIENT, (*policy.recipients, *RECIPIENT_KINDS)),
        ("--form", form, action == "collect", tuple(policy.forms)),
    ):
        if wanted and word is None:
            raise CallError(f"`{action}` asks for {option}; say one of {quoted(words)}")
        if word is not None and not wanted:
            raise CallError(f"`{action}` takes no {option}; leave it out")
        if word is not None:
            known(("recipient" if option == "--to" else "form") + " of the policy", word, words)
    return Request(action, actor, purpose, categories, recipient, form)  # type: ignore[arg-type]  # an action, as checked


def _print_answer(policy: Policy, answer: Explanation, held: Sequence[str]) -> None:
    if answer["allowed"]:
        out.print(Text.assemble(("yes", "bold green"), f": {answer['reason']}"))
    else:
        out.print(Text.assemble(("no", "bold red"), f": {answer['reason']}"))
    words = {promise.id: promise.says for promise in policy.promises}
    wide = max((len(one) for one in answer["promises"]), default=0)
    for one in answer["promises"]:
        told(f"  {one:{wide}}  ", words[one])
    for duty in answer["obligations"]:
        told("  with it: ", " ".join(filter(None, (duty["duty"], duty["detail"], f"({duty['promise']})"))))
    if missing := [name for name in answer["missing"] if name not in held]:
        told("yes with: ", " ".join(f"--given {name}" for name in (*held, *missing)))


# -- render, diff --------------------------------------------------------------------------------------------------


def render(
    policy: PolicyFile,
    to: Annotated[
        Literal["text", "html", "jsonld"], typer.Option("--to", help="text, html or jsonld (DPV 2.3).")
    ] = "text",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file, instead of the screen.")] = None,
) -> None:
    """The notice that people read, made from the policy itself."""
    chosen = policy_at(policy)
    text = {"jsonld": notice.json_text, "html": notice.html, "text": notice.text}[to](chosen)
    if output is None:
        typer.echo(text, nl=False)
        return
    if output.resolve() == policy.resolve():
        raise CallError(f"`{output}` is the policy itself; name another file for the notice")
    output.write_text(text, encoding="utf-8")


def diff_json(found: Difference, steps: Sequence[First]) -> dict[str, Any]:
    """What changes, and what must happen first, as JSON."""
    return asdict(found) | {"wider": found.wider, "first": [step._asdict() for step in steps]}


def print_diff(found: Difference, steps: Sequence[First]) -> None:
    """What answers show, then what none shows, then the promises, and at last what must happen first."""
    for title, colour, changes in (("wider", "red", found.widened), ("narrower", "green", found.narrowed)):
        for line in _together(changes):
            told(f"{title:11}", line, colour)
    for part in PARTS:
        for aside in getattr(found, part):
            colour = "red" if aside.wider else "" if aside.neither else "green"
            by = f" ({', '.join(aside.promises)})" if aside.promises else ""
            told(f"{_TITLES.get(part, part):11}", aside.says + by, colour)
    for title, ids in (
        ("new", found.added),
        ("gone", found.removed),
        ("changed", found.changed),
        ("words only", found.words),
    ):
        if ids:
            told(f"{title:11}", ", ".join(ids))
    for step in steps:
        told(f"{'first':11}", step.says + (f" ({step.promise})" if step.promise else ""))
    verdict = (
        ("wider", "bold red", ": people must agree, or be told, as the policy says")
        if found.wider
        else ("nothing is wider", "bold green", "")
    )
    out.print(Text.assemble(verdict[:2], verdict[2], f"; {found.decisions:,} pairs of decisions compared"))


_TITLES = {"conditions": "condition", "protection": "protect", "duties": "change", "told": "inform"}


def _together(changes: Sequence[Change]) -> list[str]:
    """One line for all categories and actors that change alike."""
    alike: dict[tuple[Any, ...], dict[str, list[str]]] = {}
    for change in changes:
        action, actor, purpose, category, recipient, form = change.key
        same = (action, purpose, recipient, form, change.when, change.promises)
        alike.setdefault(same, {}).setdefault(actor, []).append(category)
    lines = []
    for (action, purpose, recipient, form, when, promises), by_actor in alike.items():
        actors: dict[tuple[str, ...], list[str]] = {}
        for actor, categories in by_actor.items():
            actors.setdefault(tuple(categories), []).append(actor)
        for together, who in actors.items():
            line = f"{action} {', '.join(together)} for {purpose} by {', '.join(who)}"
            line += f" with {recipient}" if recipient else ""
            line += f" through {form}" if form else ""
            line += f", when {', '.join(when)}" if when else ""
            lines.append(line + (f" ({', '.join(promises)})" if promises else ""))
    return lines
