"""Decide whether one request keeps the site's promises.

Pure: no clock, store or network. Rules: docs/policy-language.md, section 4.
"""

from collections.abc import Sequence
from typing import Final

from avow.decide.grants import TO_RECIPIENT
from avow.decide.request import Allow, Facts, Refuse, Request
from avow.decide.table import ANY_COOKIE, Table, Words
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
REMEMBERED: Final = 65_536  # refusals of what nothing grants: about 20 MB at most
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
            cell = table.cells.get((action, actor, purpose, category, recipient, form))
            if cell is None:
                return _ungranted(table, ask, category, facts.held | facts.by_category.get(category, 0))
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
        cell = table.cells.get((action, actor, purpose, category, recipient, form))
        answer = _ungranted(table, ask, category, held) if cell is None else cell[1][held & cell[0]]
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


def _ungranted(table: Table, ask: Request, category: str, held: int) -> Refuse:
    """Why a cell that nothing grants is refused: an unknown word, the nevers over it, or the limits of its like.

    A cookie that no promise declares is no unknown word: a page may try to set anything, for no stated purpose, and
    the answer names the promises that forbid it.
    """
    key = (ask.action, ask.actor, ask.purpose, category, ask.recipient, ask.form, held)
    answer = table.ungranted.get(key)
    if answer is not None:
        return answer
    stray = ask.action == "set-cookie" and category not in table.words.cookies
    if stray:
        category = ANY_COOKIE
    unknown = _unknown(table.words, ask, category, stray)
    if unknown is not None:
        return unknown
    answer = _limited(table, ask, category, held)
    if not stray:  # what is declared is finite; a page may ask for any cookie
        if len(table.ungranted) >= REMEMBERED:
            table.ungranted.clear()
        table.ungranted[key] = answer
    return answer


def _limited(table: Table, ask: Request, category: str, held: int) -> Refuse:
    index = table.index
    blocking = index.blocking(index.over(ask.action, ask.actor, ask.purpose, category, ask.recipient), held)
    if not blocking:
        return table.limits.get((ask.action, category), table.otherwise)
    known = table.refusals.get((ask.action, blocking))
    if known is None:
        promises = table.in_order(promise for ban in index.pick(blocking) for promise in ban.promises)
        known = table.refusals[ask.action, blocking] = Refuse(promises, f"`{ask.action}` is never allowed here")
    return known


def _unknown(words: Words, ask: Request, category: str, stray: bool) -> Refuse | None:
    action, recipient, form = ask.action, ask.recipient, ask.form
    checks = (
        (action in _ACTIONS, NO_ACTION),
        (ask.actor in words.actors, NO_ACTOR),
        (stray or ask.purpose in words.purposes, NO_PURPOSE),
        (action == "set-cookie" or category in words.categories, NO_CATEGORY),
        ((recipient is not None) == (action in TO_RECIPIENT), WANTS_RECIPIENT),
        (recipient is None or recipient in words.recipients, NO_RECIPIENT),
        ((form is not None) == (action == "collect"), WANTS_FORM),
        (form is None or form in words.forms, NO_FORM),
    )
    for fine, refusal in checks:
        if not fine:
            return refusal
    return None
