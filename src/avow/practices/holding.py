"""A contact that was changed is on hold for a while: who controls only the new one gets nothing out and ends nothing.

Whoever got hold of a session for a minute could else put their own address in and come back by a code sent there. What
counts is control of the contact that was on file before. The hold stands among the person's facts, which only their key
can mark; the old value is kept beside it as a datum of its own whose term is the end of the hold. Pure.
"""

from collections.abc import Callable, Sequence
from typing import Final

from avow.decide.facts import tokens
from avow.decide.request import Refuse
from avow.policy.model import Category, Policy, RightName
from avow.policy.retention import day
from avow.practices.deadlines import giving
from avow.store.interface import Datum
from avow.store.terms import Terms

HOLD: Final = 3 * 86_400_000  # ms from the change
WORD: Final = "changed"  # the fact token is `changed/CATEGORY@UNTIL`
REPLACED: Final = "replaced"  # the source of a contact that was on file before
PROVING: Final = ("mail", "phone")  # channels whose contacts show who somebody is


def proves(known: Category) -> bool:
    """Whether a value of the category is a contact that shows who somebody is."""
    return known.channel in PROVING


def on_hold(line: str, at: int) -> dict[str, int]:
    """The categories on hold -> until when (ms); it is over at that moment."""
    found: dict[str, int] = {}
    for token in tokens(line):
        word, _, rest = token.partition("/")
        category, _, until = rest.rpartition("@")
        if word == WORD and category and until.isascii() and until.isdecimal() and int(until) > at:
            found[category] = max(int(until), found.get(category, 0))
    return found


def begin(line: str, category: str, at: int) -> str:
    """The line once a contact of this category was changed at this moment; without what is over."""
    kept = [token for token in tokens(line) if not token.startswith(f"{WORD}/{category}@")]
    return " ".join(sorted({*ended(" ".join(kept), at).split(), f"{WORD}/{category}@{at + HOLD}"}))


def ended(line: str, at: int) -> str:
    """The line without holds that are over."""
    standing = on_hold(line, at)
    return " ".join(
        token for token in tokens(line)
        if not token.startswith(f"{WORD}/") or standing.get(token.partition("/")[2].rpartition("@")[0], 0) > at
    )  # fmt: skip


def bar(policy: Policy, right: RightName, shown: int | None) -> Callable[[str, int], Refuse | None]:
    """Whether a hold stands in the way of this right, for who showed who they are at the moment `shown` (None: it is
    not known when). For `avow.gate.Gate.change`. A changed number bars nothing: codes go by mail alone.
    """

    def barred(line: str, at: int) -> Refuse | None:
        changed = [until - HOLD for name, until in on_hold(line, at).items() if not _telephone(policy, name)]
        if not changed or (shown is not None and shown < min(changed)):  # a clock that stands still bars, too
            return None
        return Refuse(
            giving(policy, right),
            "an address or number of this person was changed, and who controls the new one alone may do nothing yet; "
            "it is over three days after the change, and the notice sent to the old one calls it off",
        )

    return barred


def _telephone(policy: Policy, category: str) -> bool:
    known = policy.categories.get(category)
    return known is not None and known.channel == "phone"


def old(datum: Datum, row: bytes, at: int) -> Datum:
    """The place of a contact that was just replaced: beside the new one until the hold is over, and serving nothing.

    It counts as a millisecond older than it was, so that it never is the newest.
    """
    came = datum.came()
    due = at + HOLD - 1 if came.due is None else min(came.due, at + HOLD - 1)
    terms = Terms(came.policy, came.collected - 1, due, "", came.form, REPLACED)
    return Datum(datum.subject, row, datum.category, f"due-{day(due)}", 1, terms.encode(), b"")


def undone(held: Sequence[Datum], until: int) -> tuple[tuple[Datum, Datum] | None, list[Datum]]:
    """What calling changes off comes to, of what is held of one category, oldest first: the datum that gets its old value
    back, with the one that has it, and what goes: old values, and what was given since the first change.
    """
    before = sorted((one for one in held if is_old(one)), key=lambda one: one.came().due or 0)
    since = min([until, *((one.came().due or until) + 1 for one in before)]) - HOLD
    now = [one for one in held if not is_old(one)]
    given = [one for one in now if one.came().collected >= since]
    stay = [one for one in now if one not in given] or (now[:1] if before else [])
    put_back = (stay[-1], before[0]) if before and stay else None
    return put_back, [*before, *(one for one in given if one not in stay)]


def is_old(datum: Datum) -> bool:
    """Whether it is such a contact."""
    return datum.came().source == REPLACED
