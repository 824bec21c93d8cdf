"""Decide whether one request keeps the site's promises.

Pure: no clock, store or network. Rules: docs/policy-language.md, section 4.
"""

from collections.abc import Sequence
from typing import Final

from avow.decide.grants import TO_RECIPIENT, Key
from avow.decide.request import Allow, Answer, Facts, Refuse, Request
from avow.decide.table import ANY_COOKIE, Cell, Table, Words
from avow.policy.model import ACTIONS

EMPTY: Final = Refuse((), "the request names no category")
MALFORMED: Final = Refuse((), "the request is not made of words")
NO_ACTION: Final = Refuse((), "the action is not one that exists")
NO_ACTOR: Final = Refuse((), "the actor is neither the person, nor the site, nor a role that the policy declares")
NO_PURPOSE: Final = Refuse((), "the purpose is not one that the policy declares")
NO_CATEGORY: Final = Refuse((), "the category is not one that the policy declares")
NO_RECIPIENT: Final = Refuse((), "the recipient is neither declared by the policy nor a kind of recipient")
NO_FORM: Final = Refuse((), "the form is not one that the policy declares")
WANTS_RECIPIENT: Final = Refuse((), "only `share`, `sell` and `summarise` have a recipient, and they always do")
WANTS_FORM: Final = Refuse((), "only `collect` has a form, and it always does")
REMEMBERED: Final = 65_536  # cells that nothing grants: about 15 MB at most
_ACTIONS: Final = frozenset(ACTIONS)


def decide(table: Table, ask: Request, facts: Facts) -> Allow | Refuse:
    """Grant all of the categories or none; what no promise allows, and every unknown word, is refused.

    Total: there is an answer to everything, and never an exception. Monotone: more facts never turn an `Allow` into
    a `Refuse`, more categories never a `Refuse` into an `Allow`.
    """
    try:
        action, actor, purpose, categories, recipient, form = ask
        if len(categories) == 1:
            category = categories[0]
            key = (action, actor, purpose, category, recipient, form)
            cell = table.cells.get(key)
            if cell is None:
                cell = table.ungranted.get(key) or _ungranted(table, key)
            more = facts.by_category
            held = facts.held | more.get(category, 0) if more else facts.held
            return cell[1][held & cell[0]]
        return _several(table, ask, facts)
    except (TypeError, AttributeError, ValueError):  # not words but, say, a list where a name belongs: default deny
        return MALFORMED


def _several(table: Table, ask: Request, facts: Facts) -> Allow | Refuse:
    if not ask.categories:
        return EMPTY
    action, actor, purpose, recipient, form = ask.action, ask.actor, ask.purpose, ask.recipient, ask.form
    allows: list[Allow] = []
    refusals: list[Refuse] = []
    for category in ask.categories:
        held = facts.held | facts.by_category.get(category, 0)
        key = (action, actor, purpose, category, recipient, form)
        cell = table.cells.get(key) or table.ungranted.get(key) or _ungranted(table, key)
        answer = cell[1][held & cell[0]]
        if isinstance(answer, Allow):
            if answer not in allows:
                allows.append(answer)
        elif answer not in refusals:
            refusals.append(answer)
    if refusals:
        return refusals[0] if len(refusals) == 1 else _all_refusing(table, refusals)
    return allows[0] if len(allows) == 1 else _all_allowing(table, allows)


def _all_allowing(table: Table, allows: Sequence[Allow]) -> Allow:
    return Allow(
        table.in_order(promise for answer in allows for promise in answer.promises),
        tuple(sorted({obligation for answer in allows for obligation in answer.obligations})),
    )


def _all_refusing(table: Table, refusals: Sequence[Refuse]) -> Refuse:
    """What is missing is missing for all: where one category is refused whatever holds, nothing would help."""
    hopeless = next((answer for answer in refusals if not answer.missing), None)
    missing = {} if hopeless else dict.fromkeys(name for answer in refusals for name in answer.missing)
    return Refuse(
        table.in_order(promise for answer in refusals for promise in answer.promises),
        (hopeless or refusals[0]).reason,
        tuple(missing),
    )


def _ungranted(table: Table, key: Key) -> Cell:
    """The cell of what nothing grants: refused for an unknown word, by the nevers over it, or by the limits of its like.

    A cookie that no promise declares is no unknown word: a page may try to set anything, for no stated purpose, and
    the answer names the promises that forbid it.
    """
    action, actor, purpose, category, recipient, _ = key
    stray = action == "set-cookie" and category not in table.words.cookies
    unknown = _unknown(table.words, key, stray)
    if unknown is not None:
        return unknown
    like = ANY_COOKIE if stray else category
    over = table.index.over(action, actor, purpose, like, recipient)
    cell = table.alike.get((action, like, over))
    if cell is None:
        cell = table.alike[action, like, over] = Cell(
            table.index.exceptions(over), _Refusals(table, action, like, over)
        )
    if not stray:  # what is declared is finite; a page may ask for any cookie
        if len(table.ungranted) >= REMEMBERED:
            table.ungranted.clear()
        table.ungranted[key] = cell
    return cell


class _Refusals(dict[int, Answer]):
    """The answers of a cell that nothing grants, each made when it is first asked for."""

    def __init__(self, table: Table, action: str, category: str, over: int) -> None:
        self._table, self._action, self._category, self._over = table, action, category, over

    def __missing__(self, held: int) -> Answer:
        table, action = self._table, self._action
        blocking = table.index.blocking(self._over, held)
        if not blocking:
            answer = table.limits.get((action, self._category), table.otherwise)
        else:
            promises = table.in_order(promise for ban in table.index.pick(blocking) for promise in ban.promises)
            answer = table.refusals.setdefault(
                (action, promises), Refuse(promises, f"`{action}` is never allowed here")
            )
        self[held] = answer
        return answer


_UNKNOWN: Final = {  # what is wrong with a request's words -> a cell that refuses whatever holds
    wrong: Cell(0, {0: refusal})
    for wrong, refusal in (
        ("action", NO_ACTION),
        ("actor", NO_ACTOR),
        ("purpose", NO_PURPOSE),
        ("category", NO_CATEGORY),
        ("with a recipient", WANTS_RECIPIENT),
        ("recipient", NO_RECIPIENT),
        ("with a form", WANTS_FORM),
        ("form", NO_FORM),
    )
}


def _unknown(words: Words, key: Key, stray: bool) -> Cell | None:
    action, actor, purpose, category, recipient, form = key
    if action not in _ACTIONS:
        wrong = "action"
    elif actor not in words.actors:
        wrong = "actor"
    elif not stray and purpose not in words.purposes:
        wrong = "purpose"
    elif action != "set-cookie" and category not in words.categories:
        wrong = "category"
    elif (recipient is not None) != (action in TO_RECIPIENT):
        wrong = "with a recipient"
    elif recipient is not None and recipient not in words.recipients:
        wrong = "recipient"
    elif (form is not None) != (action == "collect"):
        wrong = "with a form"
    elif form is not None and form not in words.forms:
        wrong = "form"
    else:
        return None
    return _UNKNOWN[wrong]
