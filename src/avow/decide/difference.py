"""What a new version of a policy changes, found in the answers and not in the text.

Pure. Rules: docs/policy-language.md, section 6. Every cell that either version grants is compared under every subset of
the conditions that either looks at. Cells that neither grants are refused by both.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from avow.decide.faults import said
from avow.decide.grants import Key
from avow.decide.request import Allow, Answer, names
from avow.decide.table import Cell, Table, compile_policy, span, subsets
from avow.policy.model import COUNTS, Condition, Cookies, Policy
from avow.policy.retention import rule


@dataclass(frozen=True, slots=True)
class Change:
    """One cell whose answer changes for `decisions` of its subsets of conditions.

    `promises` allow what is allowed now (widened), or allowed what is refused now (narrowed). `when` are the fewest
    conditions under which the answer differs. `says` is the cell in words.
    """

    key: Key
    says: str
    promises: tuple[str, ...]
    when: tuple[Condition, ...]
    decisions: int


@dataclass(frozen=True, slots=True)
class Aside:
    """A change that no single answer shows: retention, a cookie, what is counted of visits, when a condition holds. `wider`: for the site."""

    says: str
    wider: bool


@dataclass(frozen=True, slots=True)
class Difference:
    """From an old version to a new one.

    `widened` was refused before and is allowed now, `narrowed` the reverse. `promises` counts the decisions per promise
    id as (widened, narrowed). `words` are the promises of which only the text changed. `decisions` is how many
    pairs of answers were compared.
    """

    widened: tuple[Change, ...]
    narrowed: tuple[Change, ...]
    promises: Mapping[str, tuple[int, int]]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    words: tuple[str, ...]
    retention: tuple[Aside, ...]
    cookies: tuple[Aside, ...]
    visits: tuple[Aside, ...]  # what is counted of them
    conditions: tuple[Aside, ...]
    decisions: int

    @property
    def wider(self) -> bool:
        """Whether the site may do anything that it might not do before."""
        asides = (*self.retention, *self.cookies, *self.visits, *self.conditions)
        return bool(self.widened) or any(aside.wider for aside in asides)


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
        words=_words_only(old, new),
        retention=tuple(_retention(old, new)),
        cookies=tuple(_cookies(old, new)),
        visits=tuple(_visits(old, new)),
        conditions=tuple(_conditions(before, after)),
        decisions=decisions,
    )


_REFUSED: Final = Cell(0, {})  # stands for a cell that a version does not grant
_Turn = tuple[tuple[str, ...], tuple[Condition, ...], int]  # promises, fewest conditions, how many decisions


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
    return tuple(promises), names(min(where, key=lambda held: (held.bit_count(), held))), len(where)


def _answer(cell: Cell, held: int) -> Answer | None:
    return cell.answers.get(held & cell.mask)


def _words_only(old: Policy, new: Policy) -> tuple[str, ...]:
    """Promises of both versions whose text differs while their clauses, but for where they stand, do not."""
    was = {promise.id: promise for promise in old.promises}
    found = []
    for promise in new.promises:
        before = was.get(promise.id)
        if before is not None and before.says != promise.says and _meant(before.clauses) == _meant(promise.clauses):
            found.append(promise.id)
    return tuple(found)


def _meant(clauses: tuple[object, ...]) -> list[tuple[object, ...]]:
    return sorted(
        (
            (type(clause).__name__, *(getattr(clause, part) for part in clause.__match_args__ if part != "place"))  # type: ignore[attr-defined]  # every clause is a dataclass
            for clause in clauses
        ),
        key=repr,
    )


def _retention(old: Policy, new: Policy) -> Iterator[Aside]:
    """For each category and form of both versions: how long a datum lives."""
    for category in new.categories:
        if category not in old.categories:
            continue
        changes: dict[tuple[str, str, bool], list[str]] = {}
        for form in new.forms:
            if form in old.forms:
                was, now = _kept(old, category, form), _kept(new, category, form)
                if was != now:
                    wider = _days(now) > _days(was)
                    changes.setdefault((_spoken(was), _spoken(now), wider), []).append(form)
        for (was_said, now_said, wider), forms in changes.items():
            through = ", ".join(f"`{form}`" for form in forms)
            yield Aside(f"`{category}` through {through}: kept {was_said} before, {now_said} now", wider)


def _kept(policy: Policy, category: str, form: str) -> timedelta | str | None:
    found = rule(policy, category, form)
    return None if found is None else found[1].until or found[1].term


def _days(kept: timedelta | str | None) -> float:
    """For comparing: an event may never come, so it is as long as no end; between the two nothing is wider."""
    return kept.total_seconds() if isinstance(kept, timedelta) else float("inf")


def _spoken(kept: timedelta | str | None) -> str:
    if kept is None:
        return "until the person is erased"
    return f"until `{kept}`" if isinstance(kept, str) else f"for {span(kept)}"


def _cookies(old: Policy, new: Policy) -> Iterator[Aside]:
    was, now = _declared_cookies(old), _declared_cookies(new)
    for name in {**was, **now}:
        before, after = was.get(name), now.get(name)
        if before is None:
            yield Aside(f"the cookie `{name}` is new", wider=True)
        elif after is None:
            yield Aside(f"the cookie `{name}` is gone", wider=False)
        else:
            yield from _cookie(name, before, after)


def _declared_cookies(policy: Policy) -> dict[str, Cookies]:
    clauses = (clause for promise in policy.promises for clause in promise.clauses)
    return {clause.name: clause for clause in clauses if isinstance(clause, Cookies) and clause.name is not None}


def _cookie(name: str, before: Cookies, after: Cookies) -> Iterator[Aside]:
    if before.lifetime != after.lifetime:
        wider = (after.lifetime or timedelta()) > (before.lifetime or timedelta())
        yield Aside(f"the cookie `{name}` lives {_life(after)}, before {_life(before)}", wider)
    if set(before.paths) != set(after.paths):
        more = sorted(set(after.paths) - set(before.paths))
        paths = ", ".join(f"`{path}`" for path in after.paths)
        yield Aside(f"the cookie `{name}` is set on {paths}", bool(more))


def _life(cookie: Cookies) -> str:
    return "until the browser closes" if cookie.lifetime is None else span(cookie.lifetime)


def _visits(old: Policy, new: Policy) -> Iterator[Aside]:
    """What each category stands for of a visit."""
    for name in {**old.categories, **new.categories}:
        was, now = (set(one.categories[name].counts if name in one.categories else ()) for one in (old, new))
        for what in COUNTS:
            if what in was ^ now:
                yield Aside(f"`{name}` counts `{what}` of visits{' now' if what in now else ' no more'}", what in now)


def _conditions(before: Table, after: Table) -> Iterator[Aside]:
    """A condition with the same name may hold in more cases than before."""
    for purpose, tokens in after.tokens.items():
        known = before.tokens.get(purpose)
        if known is None:
            continue
        for kind in sorted(set(tokens.requests) - set(known.requests)):
            yield Aside(f"a request of the kind `{kind.split('/')[1]}` serves `{purpose}` now", wider=True)
        for kind in sorted(set(known.requests) - set(tokens.requests)):
            yield Aside(f"a request of the kind `{kind.split('/')[1]}` no longer serves `{purpose}`", wider=False)
    for recipient in {**before.contracts, **after.contracts}:
        was, now = before.contracts.get(recipient), after.contracts.get(recipient)
        if was != now:
            wider = now is not None and (was is None or now[0] < was[0] or now[1] > was[1])
            yield Aside(f"the contract of `{recipient}` runs for other days", wider)
