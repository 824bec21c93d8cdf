"""What a new version of a policy changes, found in the answers and not in the text.

Pure. Rules: docs/policy-language.md, section 6. Every cell that either version grants is compared under every subset of
the conditions that either looks at. Cells that neither grants are refused by both.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from avow.decide import asides, declared, pledged
from avow.decide.asides import Aside, Finding
from avow.decide.faults import said
from avow.decide.grants import OWN_RIGHTS, Key
from avow.decide.request import Allow, Answer, names
from avow.decide.table import Cell, Table, compile_policy, subsets
from avow.policy.model import Condition, Policy, Promise


@dataclass(frozen=True, slots=True)
class Change:
    """One cell whose answer changes for `decisions` of its subsets of conditions.

    `promises` allow what is allowed now (widened), or allowed what is refused now (narrowed). `when` are the fewest
    conditions under which the answer differs; `still` are the fewest under which the other version allows it, too,
    None where it never does. `says` is the cell in words.
    """

    key: Key
    says: str
    promises: tuple[str, ...]
    when: tuple[Condition, ...]
    decisions: int
    still: tuple[Condition, ...] | None


@dataclass(frozen=True, slots=True)
class Difference:
    """From an old version to a new one.

    `widened` was refused before and is allowed now, `narrowed` the reverse. `promises` counts the decisions per promise
    id as (widened, narrowed). Of the promises of both versions, `changed` are those whose clauses mean something else,
    and `words` those of which only the text changed. `decisions` is how many pairs of answers were compared. The rest
    is what no single answer shows.
    """

    widened: tuple[Change, ...]
    narrowed: tuple[Change, ...]
    promises: Mapping[str, tuple[int, int]]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    words: tuple[str, ...]
    retention: tuple[Aside, ...]
    cookies: tuple[Aside, ...]
    visits: tuple[Aside, ...]  # what is counted of them
    conditions: tuple[Aside, ...]
    forms: tuple[Aside, ...]
    choices: tuple[Aside, ...]
    rights: tuple[Aside, ...]
    protection: tuple[Aside, ...]
    duties: tuple[Aside, ...]  # at a change
    told: tuple[Aside, ...]
    declared: tuple[Aside, ...]
    controller: tuple[Aside, ...]
    beside: tuple[Aside, ...]  # who vouches, and where a promise stands
    decisions: int

    @property
    def asides(self) -> tuple[Aside, ...]:
        """All that no single answer shows, in the order in which it is said."""
        return tuple(aside for part in PARTS for aside in getattr(self, part))

    @property
    def wider(self) -> bool:
        """Whether the site may do anything, or leave anything undone, that it might not before.

        What is granted whatever a policy says (4.7) serves the person or only narrows, and makes no version wider.
        """
        widened = any(change.key[0] not in OWN_RIGHTS for change in self.widened)
        return widened or any(aside.wider for aside in self.asides)

    @property
    def nothing(self) -> bool:
        """Whether the two versions say the same, in other words at most; a promise's words count."""
        promises = (*self.added, *self.removed, *self.changed, *self.words)
        return not (self.widened or self.narrowed or promises or self.asides)


PARTS: Final[Mapping[str, Finding]] = {
    "retention": asides.retention,
    "cookies": asides.cookies,
    "visits": asides.visits,
    "conditions": asides.conditions,
    "forms": declared.forms,
    "choices": pledged.choices,
    "rights": pledged.rights,
    "protection": pledged.protection,
    "duties": pledged.duties,
    "told": pledged.told,
    "declared": declared.declared,
    "controller": declared.controller,
    "beside": pledged.beside,
}


def difference(old: Policy, new: Policy) -> Difference:
    """What changes from `old` to `new`."""
    before, after = compile_policy(old), compile_policy(new)
    widened, narrowed, decisions = _compare(before, after)
    gained: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    for changes, count in ((widened, gained), (narrowed, lost)):
        for change in changes:
            for promise in change.promises:
                count[promise] += change.decisions
    old_ids, new_ids = {p.id: p for p in old.promises}, {p.id: p for p in new.promises}
    return Difference(
        widened=widened,
        narrowed=narrowed,
        promises={one: (gained[one], lost[one]) for one in {**new_ids, **old_ids} if gained[one] or lost[one]},
        added=tuple(one for one in new_ids if one not in old_ids),
        removed=tuple(one for one in old_ids if one not in new_ids),
        changed=tuple(one for one in new_ids if one in old_ids and not _alike(old_ids[one], new_ids[one])),
        words=tuple(
            one
            for one, promise in new_ids.items()
            if one in old_ids and promise.says != old_ids[one].says and _alike(old_ids[one], promise)
        ),
        decisions=decisions,
        **{part: asides.asides(find, old, new) for part, find in PARTS.items()},
    )


_REFUSED: Final = Cell(0, {})  # stands for a cell that a version does not grant
_Turn = tuple[tuple[str, ...], tuple[Condition, ...], int, tuple[Condition, ...] | None]
"""Promises, fewest conditions, how many decisions, and the fewest conditions that the other version asks."""


def _compare(before: Table, after: Table) -> tuple[tuple[Change, ...], tuple[Change, ...], int]:
    """Like pairs of cells are compared once: a table has far fewer cells than keys."""
    widened: list[Change] = []
    narrowed: list[Change] = []
    decisions = 0
    seen: dict[tuple[int, int], tuple[tuple[_Turn | None, _Turn | None], int]] = {}
    for key in (*before.cells, *(key for key in after.cells if key not in before.cells)):
        was, now = before.cells.get(key, _REFUSED), after.cells.get(key, _REFUSED)
        pair = (id(was), id(now))
        if pair not in seen:
            mask = was.mask | now.mask
            seen[pair] = (_turn(was, now, mask), _turn(now, was, mask)), 1 << mask.bit_count()
        (gain, loss), size = seen[pair]
        decisions += size
        if gain is not None:
            widened.append(Change(key, said(key), *gain))
        if loss is not None:
            narrowed.append(Change(key, said(key), *loss))
    return tuple(widened), tuple(narrowed), decisions


def _turn(refusing: Cell, allowing: Cell, mask: int) -> _Turn | None:
    """Where one cell refuses and the other allows: by which promises, under which fewest conditions, how often."""
    promises: dict[str, None] = {}
    where: list[int] = []
    for held in subsets(mask):
        answer = _answer(allowing, held)
        if isinstance(answer, Allow) and not isinstance(_answer(refusing, held), Allow):
            where.append(held)
            promises.update(dict.fromkeys(answer.promises))
    if not where:
        return None
    still = [held for held, answer in refusing.answers.items() if isinstance(answer, Allow)]
    return tuple(promises), _fewest(where), len(where), _fewest(still) if still else None


def _fewest(sets: Iterable[int]) -> tuple[Condition, ...]:
    return names(min(sets, key=lambda held: (held.bit_count(), held)))


def _answer(cell: Cell, held: int) -> Answer | None:
    return cell.answers.get(held & cell.mask)


def _alike(was: Promise, now: Promise) -> bool:
    """Whether their clauses, but for where they stand, mean the same."""
    return _meant(was.clauses) == _meant(now.clauses)


def _meant(clauses: tuple[object, ...]) -> list[tuple[object, ...]]:
    return sorted(
        (
            (type(clause).__name__, *(getattr(clause, part) for part in clause.__match_args__ if part != "place"))  # type: ignore[attr-defined]  # every clause is a dataclass
            for clause in clauses
        ),
        key=repr,
    )
