"""`avow verify` of a contest's draw."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from avow.cli.output import claimed, count, print_json, told
from avow.errors import CallError
from avow.ledger.draw import Drawn, is_draw, verify_draw
from avow.ledger.faults import Malformed

_LISTED: Final = "who takes part, how many win and the hash of the seed were on record when entering closed"
_DRAWN: Final = "the winners are those that the seed and the log's root at the stated size give, from that list"
_EARLY: Final = "the list was in a checkpoint that was signed before the luck existed"
_HELD: Final = "the list is in the log of the checkpoint that you held: the draw was not made anew since then"
_ANEW: Final = (
    "that nobody with the log's key made the whole draw anew: keep the checkpoint that is given out at the closing, and "
    "pass it with --checkpoint"
)
_NEVER: Final = (
    "that the list has everybody who entered: pass the note of an entry with --entry",
    "that an entry is a person of their own: somebody may enter under several addresses",
    "that whoever holds the log's key did not add entries to the log until its root pleased them",
)


def verify_file(path: Path, key: str | None, held: Sequence[str], entered: Sequence[Path], *, as_json: bool) -> bool:
    """Check the file of a draw and say what came of it; whether there is a fault."""
    text = path.read_text(encoding="utf-8", errors="replace")
    if not is_draw(text):
        raise CallError(f"`{path}` is neither a log's folder nor the file of a draw")
    if key is None:
        raise CallError(f"`{path}` names no key of the log; pass the one that the site gave you, with --key")
    named = Path(key)
    known = named.read_text(encoding="utf-8", errors="replace").strip() if named.is_file() else key
    try:
        report = verify_draw(text, known, list(map(_copied, held)), [_entry(one) for one in entered])
    except Malformed as error:
        raise CallError(f"`{path}` cannot be checked: {error}") from None
    if as_json:
        print_json(_as_json(report))
    else:
        _print(report)
    return bool(report.faults)


def _entry(path: Path) -> str:
    if not path.is_file():
        raise CallError(f"there is no note `{path}`; name the file with what you were given when you entered")
    return _copied(path.read_text(encoding="utf-8", errors="replace"))


def _copied(note: str) -> str:
    """A signed note that may have been copied from a page: its lines count, and not how they end or what is around."""
    return "\n".join(note.strip().splitlines()) + "\n"


def _means(report: Drawn) -> list[str]:
    means = [_LISTED, *([_DRAWN] if report.result else []), *([_EARLY] if report.early else [])]
    return [*means, _HELD] if report.claim == "consistent with a checkpoint held outside" else means


def _not_claimed(report: Drawn) -> list[str]:
    late = [] if report.early else ["that the list was fixed before the luck existed: no checkpoint shows it"]
    return [*late, *([_ANEW] if report.claim == "internally consistent" else []), *_NEVER]


def _as_json(report: Drawn) -> dict[str, object]:
    return {
        "claim": report.claim or "none", "means": _means(report) if report.claim else [],
        "not_claimed": _not_claimed(report) if report.claim else [], "size": report.size, "root": report.root.hex(),
        "contest": report.statement["contest"], "number": report.statement["number"], "entries": report.entries,
        "winners": list(report.result["winners"]) if report.result else [], "drawn": report.result is not None,
        "faults": [{"what": f.what, "place": f.place, "message": f.message} for f in report.faults],
    }  # fmt: skip


def _print(report: Drawn) -> None:
    what = "a draw" if report.result else "a closing, nothing drawn yet,"
    of = f"{what} among {count(report.entries, 'entry', 'entries')}"
    if not claimed(report.claim, of, report.faults, _means(report), _not_claimed(report)):
        return
    for name in report.result["winners"] if report.result else ():
        told("  won        ", name)
