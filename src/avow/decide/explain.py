"""An answer in words, for the developer who asked. Pure."""

from typing import TypedDict

from avow.decide.decide import decide
from avow.decide.request import Allow, Facts, Request
from avow.decide.table import Table


class Duty(TypedDict):
    """An obligation, as JSON."""

    duty: str
    detail: str
    promise: str


class Explanation(TypedDict):
    """An answer, as JSON. `words` says all of it in a sentence or two."""

    allowed: bool
    promises: list[str]
    reason: str
    obligations: list[Duty]
    missing: list[str]
    words: str


DUTIES = {
    "opt-out-link": "every message carries a way out",
    "record-call": "the call is recorded",
    "tell-the-person": "the person is told",
    "erase-by": "it is erased after",
    "confirm": "the choice counts once confirmed by",
}


def explain(table: Table, ask: Request, facts: Facts) -> Explanation:
    """Decide, and say why. Decides nothing by itself."""
    answer = decide(table, ask, facts)
    promises = ", ".join(answer.promises)
    what = _asked(ask)
    if isinstance(answer, Allow):
        reason = f"allowed by {promises}" if promises else "it serves the person's own rights, which need no promise"
        words = [f"{what}: {reason}."]
        words += [f"{_owed(o.duty, o.detail)}{f' ({o.promise})' if o.promise else ''}." for o in answer.obligations]
        duties = [Duty(duty=o.duty, detail=o.detail, promise=o.promise) for o in answer.obligations]
        missing: list[str] = []
    else:
        reason, duties, missing = answer.reason, [], list(answer.missing)
        words = [f"{what}: refused by {promises or 'default deny'}, for {reason}."]
    return Explanation(
        allowed=isinstance(answer, Allow),
        promises=list(answer.promises),
        reason=reason,
        obligations=duties,
        missing=missing,
        words=" ".join(words),
    )


def _asked(ask: Request) -> str:
    words = f"`{ask.action}` of {', '.join(f'`{name}`' for name in ask.categories) or 'nothing'} for `{ask.purpose}`"
    words += f" by `{ask.actor}`"
    words += f" with `{ask.recipient}`" if ask.recipient else ""
    return words + (f" through `{ask.form}`" if ask.form else "")


def _owed(duty: str, detail: str) -> str:
    words = f"{DUTIES[duty]} {detail}".strip()
    return words[0].upper() + words[1:]
