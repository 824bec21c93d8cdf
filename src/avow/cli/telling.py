"""The demo as a picture for a terminal of 80 columns: what each shop does as it does it, and a table at the end."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.rule import Rule
from rich.table import Table as Grid
from rich.text import Text

from avow.cli.output import count
from avow.demo.terminal import Shown, Step
from avow.policy.model import Policy

WIDTH: Final = 80
_WORD: Final = 8  # columns of the word that says what is done
_COLOURS: Final = {
    "take": "cyan", "use": "cyan", "refuse": "yellow", "sealed": "blue", "erase": "magenta", "search": "magenta",
    "others": "cyan", "record": "blue",
}  # fmt: skip


class Telling:
    """Prints as it happens. `quiet` prints nothing at all, for scripts."""

    def __init__(self, console: Console, *, quiet: bool = False) -> None:
        self._console = console
        self._quiet = quiet
        self._width = min(WIDTH, console.width)
        self._said: set[str] = set()  # promises of this shop whose words stand above already

    def shop(self, number: int, of: int, policy: Policy) -> None:
        """The name of a shop, over a line."""
        self._said.clear()
        if self._quiet:
            return
        if number == 1:
            shops = count(of, "shop")
            words = f"Ada and Bea are customers of {shops}, each under its own policy. Ada is erased."
            self._console.print(Text(words, "dim"), width=self._width)
        title = Text.assemble((f"{number}/{of} ", "dim"), (policy.controller.name, "bold"))
        title.append(f"  {count(len(policy.promises), 'promise')}, version {policy.version}", "dim")
        self._console.print()
        self._console.print(Rule(title, align="left", style="dim", characters="─"), width=self._width)

    def step(self, policy: Policy, step: Step) -> None:
        """A mark, a word, a sentence, and beneath it the promises that spoke, in their own words."""
        if self._quiet:
            return
        colour = _COLOURS.get(step.word, "")
        mark = ("✔", "green") if step.good else ("✘", "bold red")
        head = Text.assemble(" ", mark, " ", (f"{step.word:{_WORD}}", f"bold {colour}"))
        self._beside(head, _parts(step.told, "" if step.good else "red"))
        if not step.promises:
            return
        words = {promise.id: promise.says for promise in policy.promises}
        first, others = step.promises[0], step.promises[1:]
        bar = Text.assemble(" " * (3 + _WORD), ("│ ", colour))
        if first in self._said:
            self._beside(
                bar, Text(f"{', '.join(step.promises)}, as above: {step.why}".replace("`", ""), "dim"), bar=colour
            )
            return
        self._said.add(first)
        self._beside(bar + Text(f"{first}  ", f"bold {colour}"), Text(f"“{words[first]}”", "italic"), bar=colour)
        why = f"{step.why}; also {', '.join(others)}" if others else step.why
        self._beside(bar, Text(why.replace("`", ""), "dim"), bar=colour)

    def end(self, shown: Sequence[Shown], seconds: float, kept: Path | None) -> None:
        """The table."""
        if self._quiet:
            return
        self._console.print()
        self._console.print(_table(shown), width=self._width)
        for one in shown:
            for wrong in one.wrong:
                self._console.print(Text.assemble((f"✘ {one.site}: ", "bold red"), (wrong, "red")), width=self._width)
        where = f"the files are in {kept}" if kept else "each in files of its own, which are gone again"
        self._console.print()
        self._console.print(Text(f"{count(len(shown), 'shop')} in {seconds:.1f} s, {where}.", "dim"), width=self._width)
        self._console.print(
            Text(
                "Searched: each value as text, in other case, in UTF-16, hex and base64; each key and wrapped key as "
                "bytes and hex; in the database, its WAL, keys, journal, ledger and logs.",
                "dim",
            ),
            width=self._width,
        )

    def _beside(self, lead: Text, text: Text, bar: str = "") -> None:
        """Text that wraps beside its lead, with the bar going down."""
        wide = lead.cell_len
        for number, line in enumerate(text.wrap(self._console, self._width - wide)):
            line.rstrip()
            if not number:
                start = lead
            elif bar:
                start = Text.assemble(" " * (3 + _WORD), ("│", bar), " " * (wide - 4 - _WORD))
            else:
                start = Text(" " * wide)
            self._console.print(Text.assemble(start, line), soft_wrap=True)


def _parts(told: str, style: str) -> Text:
    """The sentence, with what stands in backticks lifted out."""
    text = Text(style=style)
    for number, part in enumerate(told.split("`")):
        text.append(part, "bold" if number % 2 else "")
    return text


def _table(shown: Sequence[Shown]) -> Grid:
    grid = Grid(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    grid.add_column("shop", style="bold")
    grid.add_column("promises", justify="right")
    grid.add_column("refused", justify="right")
    grid.add_column("erased person")
    grid.add_column("record")
    grid.add_column("")
    for one in shown:
        found = any("readable" in wrong for wrong in one.wrong)
        searched = f"{one.bytes / 1000:,.0f} kB"
        grid.add_row(
            one.site,
            str(one.promises),
            str(one.refused),
            Text.assemble(("found", "bold red") if found else ("nowhere", "green"), f" in {searched}"),
            Text.assemble(f"{one.entries} ", ("verified", "green") if one.claim != "none" else ("faulty", "bold red")),
            Text("broke its word", "bold red") if one.wrong else Text("kept its word", "bold green"),
        )
    return grid
