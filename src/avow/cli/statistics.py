"""Commands for statistics: declare the goods, release figures, show what was released."""

import io
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Final, TypeVar

import typer
from rich.table import Table
from rich.text import Text

from avow.cli.output import Json, count, known, out, print_json, told
from avow.cli.policy import policy_at
from avow.cli.serving import Socket, asked
from avow.cli.sites import Database, Folder, Policy
from avow.desk.interface import Operator
from avow.desk.interface.statistics import EACH, LARGEST, Figures
from avow.doors.design import figures as words
from avow.errors import CallError, OperatorError

T = TypeVar("T")
PATIENCE: Final = 3600.0  # seconds: everybody is looked at
FOR_OURSELVES: Final = "ourselves"


def register(app: typer.Typer) -> None:
    """Put the commands on the command line."""
    stats = typer.Typer(no_args_is_help=True, help="Statistics in which nobody can be made out.")
    stats.command("goods")(goods)
    stats.command("release")(release)
    stats.command("show")(show)
    app.add_typer(stats, name="stats", rich_help_panel="The site")


def goods(
    file: Annotated[Path, typer.Argument(help="The goods' names, one a line, as orders have them. UTF-8.")],
    policy: Policy, database: Database,
    category: Annotated[str, typer.Option(help="The category of the policy that orders name them under.")] = "items",
    folder: Folder = None, operator: Socket = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Declare the goods there are. Figures are made by these names and no others, so that none tells of anybody."""
    known("category of the policy", category, policy_at(policy).categories)
    try:
        names = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise CallError(f"`{file}` is no text that can be read; name a file in UTF-8") from None
    kept = _asked(policy, database, folder, operator, lambda desk: desk.declare_goods(category, names))
    if as_json:
        print_json({"category": category, "goods": kept})
        return
    out.print(Text.assemble("declared ", (count(len(kept), "name"), "bold"), f" under {category}"))


def release(
    policy: Policy, database: Database,
    first: Annotated[str, typer.Option("--from", metavar="YYYY-MM", help="The first month.")],
    last: Annotated[str, typer.Option("--to", metavar="YYYY-MM", help="The last month, which is over.")],
    by: Annotated[list[str] | None, typer.Option(help="A dimension: a category, or `month`. Repeat it.")] = None,
    of: Annotated[
        list[str] | None, typer.Option(help="The categories it is made from, where they are not all in --by.")
    ] = None,
    recipient: Annotated[
        str, typer.Option("--for", help="A recipient of the policy, KIND:NAME for another, or `ourselves`.")
    ] = FOR_OURSELVES,
    purpose: Annotated[str, typer.Option(help="A purpose of the policy.")] = "statistics",
    epsilon: Annotated[str, typer.Option(help=f"What it costs of the budget: 0.001 to {LARGEST / 1000:g}.")] = "0.25",
    each: Annotated[int, typer.Option(help="In how many cells one person or visit counts.", min=1, max=EACH)] = 1,
    to_csv: Annotated[Path | None, typer.Option("--csv", dir_okay=False, help="Write the table, for machines.")] = None,
    to_parquet: Annotated[Path | None, typer.Option("--parquet", dir_okay=False, help="The same, as Parquet.")] = None,
    to_svg: Annotated[Path | None, typer.Option("--svg", dir_okay=False, help="Write a picture.")] = None,
    to_png: Annotated[Path | None, typer.Option("--png", dir_okay=False, help="The same, in pixels.")] = None,
    folder: Folder = None, operator: Socket = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Release figures: how many people or visits fall into each cell of a table, with noise, within the budget.

    The promises decide whether, and for whom. The same question has the same answer for ever, and costs nothing more.
    Exit status 1: no promise allows it, or the budget is spent.
    """
    chosen = policy_at(policy)
    dimensions = list(by or ())
    made_of = list(of or (name for name in dimensions if name != words.MONTH))
    for name in made_of:
        known("category of the policy", name, chosen.categories)
    known("purpose of the policy", purpose, chosen.purposes)
    cost = _thousandths(epsilon)
    for_whom = None if recipient == FOR_OURSELVES else recipient
    if not made_of:
        raise CallError("say with --of what the figures are made from, a category of the policy")
    files = [(to_csv, words.as_csv), (to_parquet, _parquet), (to_svg, _svg), (to_png, _png)]
    figures = _asked(
        policy, database, folder, operator,
        lambda desk: desk.release_figures(made_of, dimensions, first, last, for_whom, purpose, each, cost),
    )  # fmt: skip
    for path, write in files:
        if path is not None:
            path.write_bytes(write(figures))
    if as_json:
        print_json(figures)
        return
    _report(figures)
    for path, _ in files:
        if path is not None:
            out.print(Text.assemble("wrote ", (str(path), "bold")))


def show(
    policy: Policy, database: Database, folder: Folder = None, operator: Socket = None, as_json: Json = False
) -> None:
    """What was released, to whom, at which cost, and what is left of each budget. Without the figures."""

    async def both(desk: Operator) -> tuple[list[Figures], list[tuple[str, int, int]]]:
        budgets = [(one["dataset"], one["spent"], one["limit"]) for one in await desk.budgets_spent()]
        return await desk.figures_released(), budgets

    releases, budgets = _asked(policy, database, folder, operator, both)
    if as_json:
        print_json({
            "releases": releases,
            "budgets": [{"dataset": name, "spent": spent, "limit": limit} for name, spent, limit in budgets],
        })  # fmt: skip
        return
    for one in releases:
        out.print(Text(words.title(one), "bold"))
        told("  for      ", f"{one['recipient'] or FOR_OURSELVES}, {one['purpose']}; {', '.join(one['promises'])}")
        told("  epsilon  ", words.thousandths(one["epsilon"]))
    for name, spent, limit in budgets:
        told("budget  ", f"{name}: {words.thousandths(spent)} of {words.thousandths(limit)} spent")
    if not releases:
        out.print("nothing was released")


def _asked(
    policy: Path, database: str, folder: Path | None, operator: str | None, act: Callable[[Operator], Awaitable[T]]
) -> T:
    return asked(policy, database, folder, operator, act, patience=PATIENCE, new=False)


def _thousandths(text: str) -> int:
    """`0.25` is 250, without a floating-point number in between."""
    whole, _, part = text.partition(".")
    if not (whole + part).isdecimal() or not (whole + part).isascii() or len(whole) > 3 or len(part) > 3:
        raise CallError("epsilon is a number like 0.25, with three digits after the point at most")
    return int(whole or "0") * 1000 + int(part.ljust(3, "0"))


def _report(figures: Figures) -> None:
    rows = words.rows(figures)
    table = Table(title=words.title(figures), title_justify="left", box=None, pad_edge=False, header_style="dim")
    for name in figures["by"] or ["all"]:
        table.add_column(name.replace("-", " "))
    table.add_column("count", justify="right")
    most = max((row.figure for row in rows if row.figure), default=1)
    table.add_column("")
    for row, cell in zip(rows, words.columns(figures)[1], strict=True):
        keys = [str(key) for key in cell[:-1]] or ["all"]
        if row.figure is None:
            table.add_row(*keys, Text(f"under {figures['least']:,}", "dim"), "")
        else:
            table.add_row(*keys, f"{row.figure:,}", Text("█" * max(1, row.figure * 24 // most), "cyan"))
    out.print(table)
    for note in words.notes(figures):
        out.print(Text(note, "dim"), soft_wrap=not out.is_terminal)


# -- files ----------------------------------------------------------------------------------------------------------------


def _parquet(figures: Figures) -> bytes:
    """Columns of keys as text, and `count` as a 64-bit integer, null where it is not shown."""
    try:
        from arro3 import core  # noqa: PLC0415 - only who asks for it has it
        from arro3 import io as files  # noqa: PLC0415
    except ImportError:
        raise OperatorError(
            "Parquet is written with arro3, which is not installed here: pip install 'avow[statistics]'"
        ) from None
    names, rows = words.columns(figures)
    kinds = [*(core.DataType.utf8() for _ in names[1:]), core.DataType.int64()]
    made = [core.Array([row[number] for row in rows], kind) for number, kind in enumerate(kinds)]
    file = io.BytesIO()
    files.write_parquet(core.Table.from_arrays(made, names=names), file)
    return file.getvalue()


def _svg(figures: Figures) -> bytes:
    from avow.doors.design.chart import svg  # noqa: PLC0415 - nobody else waits for Pillow

    return svg(figures).encode()


def _png(figures: Figures) -> bytes:
    from avow.doors.design.chart import png  # noqa: PLC0415 - as above

    return png(figures)
