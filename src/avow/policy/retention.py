"""How long a datum is kept, read off the policy. Pure. Rules: docs/policy-language.md, section on `keep`."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from avow.policy.model import Keep, Policy

ORDINARY: Final = "ordinary"  # kept until the person is erased
RECORD: Final = "record"  # outlives an erasure, because a promise or the law says so
DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Retention:
    """What holds for one datum.

    `kept_as` names the key that seals it: data that end on the same day share a key, so that the key ends with
    them. `due` is the last millisecond, UTC, at which it may be used, None without a term. `event` is what it
    waits for, or "". `promise` is the id of the promise that says so, or "".
    """

    kept_as: str
    due: int | None
    event: str
    promise: str


ALWAYS: Final = Retention(ORDINARY, None, "", "")


def rule(policy: Policy, category: str, form: str) -> tuple[str, Keep] | None:
    """The promise and clause that say how long `category`, come in through `form`, is kept.

    The most particular wins: category and form named, then category, then form, then neither; the policy's order
    breaks ties. None when no promise speaks of it.
    """
    best: tuple[int, str, Keep] | None = None
    for promise in policy.promises:
        for clause in promise.clauses:
            if not isinstance(clause, Keep):
                continue
            if (clause.categories and category not in clause.categories) or (clause.forms and form not in clause.forms):
                continue
            weight = 2 * bool(clause.categories) + bool(clause.forms)
            if best is None or weight > best[0]:
                best = (weight, promise.id, clause)
    return best and (best[1], best[2])


def retention(policy: Policy, category: str, form: str, collected: int) -> Retention:
    """The retention of a datum collected at `collected` (milliseconds since 1970, UTC)."""
    return term(rule(policy, category, form), collected)


def term(found: tuple[str, Keep] | None, collected: int) -> Retention:
    """The same, for what `rule` has found."""
    if found is None:
        return ALWAYS
    promise, clause = found
    if clause.until is not None:
        return Retention(f"until-{clause.until}", None, clause.until, promise)
    assert clause.term is not None  # noqa: S101 - the parser holds this: exactly one of the two is set
    due = collected + int(clause.term.total_seconds() * 1000)
    return Retention(f"due-{day(due)}", due, "", promise)


def awaited(kept_as: str) -> str:
    """The event that data of a class wait for, or ""."""
    return kept_as.removeprefix("until-") if kept_as.startswith("until-") else ""


def midnight(of: date) -> int:
    """The first moment of a UTC day, in milliseconds since 1970."""
    return int(datetime(of.year, of.month, of.day, tzinfo=UTC).timestamp()) * 1000


def day(at: int) -> str:
    """The UTC day of a moment in milliseconds, as 2026-01-31."""
    return datetime.fromtimestamp(at / 1000, UTC).date().isoformat()
