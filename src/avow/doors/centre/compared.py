"""What a version changes, as pages and the feed show it. Pure."""

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from typing import Final, NamedTuple

from avow.decide.changed import Changed, Pledge

_WORD: Final = re.compile(r"\s*\S+")
_ASK, _TOLD = "ask", "contact-affected"  # what must come first, as `avow.decide.first` names it


class Piece(NamedTuple):
    """A run of words; `odd`: the other version has not got it there."""

    words: str
    odd: bool


class Sides(NamedTuple):
    """A promise in both versions, side by side: its words in pieces, and what its clauses do as far as it differs."""

    id: str
    mark: str
    before: list[Piece]
    now: list[Piece]
    gone: tuple[str, ...]
    come: tuple[str, ...]


class Held(NamedTuple):
    """What a change means for data that are held already, and the promises that say so."""

    words: str
    promises: tuple[str, ...]


def sides(pledges: Iterable[Pledge]) -> tuple[list[Sides], list[str]]:
    """The promises that changed, and the ids of those that did not."""
    found, same = [], []
    for one in pledges:
        if one.mark == "same":
            same.append(one.id)
        else:
            found.append(Sides(one.id, one.mark, *pieces(one.before, one.now), one.gone, one.come))
    return found, same


def pieces(before: str, now: str) -> tuple[list[Piece], list[Piece]]:
    """Two wordings, each cut where the other goes its own way. One that stands alone is all of a piece."""
    if not (before and now):
        return [Piece(before, odd=False)] if before else [], [Piece(now, odd=False)] if now else []
    old, new = _WORD.findall(before), _WORD.findall(now)
    left: list[Piece] = []
    right: list[Piece] = []
    for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        for side, run in ((left, old[a:b]), (right, new[c:d])):
            if run:
                side.append(Piece("".join(run), tag != "equal"))
    return left, right


def held(change: Changed) -> list[Held]:
    """What becomes of data that came under an older version. Rules: docs/policy-language.md, section 7."""
    by_duty: dict[str, tuple[str, ...]] = {}
    for one in change.first:
        by_duty[one.duty] = (*by_duty.get(one.duty, ()), *filter(None, [one.promise]))
    out: list[Held] = []
    if not change.wider:
        out.append(Held("It lets us do nothing that we might not do before, so there is nothing to agree to.", ()))
    elif _ASK in by_duty:
        says = "What we hold on you already keeps the limits under which it came, until you yourself agree. If you do nothing, it stays so."
        out.append(Held(says, by_duty[_ASK]))
    if change.wider and _TOLD in by_duty:
        says = "We write to everybody whom it concerns."
        if _ASK not in by_duty:
            says += " What we hold on you already serves nothing new before that notice has reached you, nor if you decline."
        out.append(Held(says, by_duty[_TOLD]))
    if change.less:
        out.append(Held("What we may no longer do ends for everything at once, for what came long before, too.", ()))
    says = "What was to be erased by a certain day is erased by that day at the latest. No new version makes it stay longer."
    return [*out, Held(says, ())]


def summary(change: Changed | None) -> str:
    """In plain text, for a feed. None: of a site's first version."""
    if change is None:
        return "The first version."
    parts: Sequence[tuple[str, Sequence[str]]] = (
        ("We may now, and might not before", [one.words for one in change.more]),
        ("We may no longer", [one.words for one in change.less]),
        ("Changed as well", [one.words for one in change.also]),
        ("Who gets data", change.receiving),
        ("For what we hold already", [one.words for one in held(change)]),
    )
    said = [f"{title}: {' '.join(lines)}" for title, lines in parts if lines]
    reworded = [one.id for one in change.promises if one.mark == "reworded"]
    return "\n".join(said + ([f"Put in other words: {', '.join(reworded)}."] if reworded else []))
