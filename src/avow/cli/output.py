"""What commands share: where they print, and how."""

import json
import sys
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from io import TextIOWrapper
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from avow.errors import UnknownWord

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

Json = Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")]


def print_json(value: Any) -> None:
    """JSON on standard output, readable, with keys in the order given; escaped where the output is not UTF-8."""
    json.dump(value, sys.stdout, indent=2, ensure_ascii=sys.stdout.encoding.lower() != "utf-8", default=str)
    sys.stdout.write("\n")


def any_terminal() -> None:
    """What a terminal cannot show becomes a question mark instead of an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def fail(message: str) -> None:
    """Say on standard error what was wrong."""
    err.print(Text.assemble(("error: ", "bold red"), message), soft_wrap=not err.is_terminal)


def told(lead: str, text: str, style: str = "") -> None:
    """A short lead, and beside it a text that wraps within its own column."""
    for number, line in enumerate(Text(text, style).wrap(out, max(20, out.width - len(lead)))):
        line.rstrip()
        out.print(Text.assemble((" " * len(lead) if number else lead, "bold"), line), soft_wrap=True)


def claimed(
    claim: str | None, of: str, faults: Sequence[object], shown: Iterable[str], not_shown: Iterable[str]
) -> bool:
    """What an offline verifier found: its faults, or its claim with what that shows and what not; whether it claims."""
    if claim is None:
        for fault in faults:
            told("fault  ", str(fault), "red")
        out.print(Text.assemble(("nothing can be claimed", "bold red"), f": {count(len(faults), 'fault')} in {of}"))
        return False
    out.print(Text.assemble((claim, "bold green"), f": {of}"))
    for line in shown:
        told("  shown      ", line)
    for line in not_shown:
        told("  not shown  ", line, "dim")
    return True


def count(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun: `1 key`, `2,000 keys`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def known(what: str, word: str, words: Iterable[str]) -> None:
    """Raise `UnknownWord`, with a guess and the words that there are, unless `word` is one of them."""
    there = list(words)
    if word in there:
        return
    near = get_close_matches(word, there, n=1, cutoff=0.6)
    guess = f"did you mean `{near[0]}`? " if near else ""
    raise UnknownWord(f"`{word}` is no {what}; {guess}choose from {quoted(there)}")


def quoted(words: Iterable[str]) -> str:
    """Words in backticks, or `none`."""
    return ", ".join(f"`{word}`" for word in words) or "none"
