"""What changes of the things that a policy declares: their meaning, who holds them, what a form asks, who makes the promises.

Pure. Whether new words for a purpose, a category, a recipient or a role mean more than the old ones nobody can tell by
looking at them, and all that was agreed to and allowed under the name goes on under it: so they count as wider.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from avow.decide.asides import Aside, Say
from avow.policy.model import Category, Collect, Policy, Recipient
from avow.policy.notice import words

_KINDS: Final = {"categories": "category", "purposes": "purpose", "recipients": "recipient", "roles": "actor"}
_CALLED: Final = {
    "category": "kind of data",
    "purpose": "purpose",
    "recipient": "recipient",
    "actor": "role",
    "request": "request",
}


def declared(old: Policy, new: Policy, say: Say) -> Iterator[Aside]:
    """Categories, purposes, recipients, roles and kinds of request: new, gone, or with another meaning."""
    for field, kind in (*_KINDS.items(), ("requests", "request")):
        was, now = getattr(old, field), getattr(new, field)
        for name in {**was, **now}:
            about = name if kind == "recipient" else ""
            called = f"the {_CALLED[kind]} {_name(say, kind, name)}"
            if name not in was or name not in now:
                yield Aside(f"{called} is {'new' if name in now else 'gone'}", False, recipient=about, neither=True)
                continue
            datum = name if kind == "category" else ""
            for one in _meaning(called, kind, was[name], now[name], say):
                yield replace(one, recipient=about, category=datum)
            if isinstance(now[name], Category):
                yield from (replace(one, category=name) for one in _category(called, was[name], now[name], say))
            elif isinstance(now[name], Recipient):
                yield from (replace(one, recipient=name) for one in _recipient(called, was[name], now[name], say))


def _name(say: Say, kind: str, name: str) -> str:
    """Words in quotes, where they are not a name and have no quotes yet."""
    said = say.one(kind, name)
    return f"“{said}”" if say.people and kind in ("category", "actor") else said


def _meaning(called: str, kind: str, was: Any, now: Any, say: Say) -> Iterator[Aside]:
    """Its words and its term. A kind of request has no term, and what it serves is looked at elsewhere."""
    judged = kind != "request"
    if _evened(was.says) != _evened(now.says):
        before, after = (say.quoted(one.says or words.plain(one.name)) for one in (was, now))
        yield Aside(f"{called} is described as {after} now, before as {before}", wider=judged, neither=not judged)
    if getattr(was, "term", "") != getattr(now, "term", ""):
        yield Aside(f"{called} is a kind of {say.quoted(now.term)} now, before of {say.quoted(was.term)}", wider=True)


def _evened(says: str) -> str:
    """Without what makes no difference to the meaning: case, white space, and how it is set off."""
    return " ".join("".join(c if c.isalnum() else " " for c in says.casefold()).split())


def _category(called: str, was: Category, now: Category, say: Say) -> Iterator[Aside]:
    if was.look_up != now.look_up:
        yield Aside(f"people can {'now' if now.look_up else 'no longer'} be found by {called}", now.look_up)
    if was.channel != now.channel:
        yield Aside(f"people can be reached by {called} through {_or_nothing(say, now.channel)}", False, neither=True)
    if was.held_by != now.held_by:
        holder = now.held_by or ""
        by = f"{say.one('recipient', holder)} alone" if holder else "no longer by a company that works for the site"
        yield Aside(f"{called} is held by {by} now" if holder else f"{called} is held {by}", True, recipient=holder)
    if was.apart != now.apart:
        where = (
            f"in the room {say.quoted(now.apart)} apart from persons now"
            if now.apart
            else "no longer apart from persons"
        )
        yield Aside(f"{called} is kept {where}", now.apart is None, neither=None not in (was.apart, now.apart))


def _or_nothing(say: Say, channel: str | None) -> str:
    return say.word(channel, words.CHANNEL) if channel else "nothing"


def _recipient(called: str, was: Recipient, now: Recipient, say: Say) -> Iterator[Aside]:
    """But for the contract, by which a condition holds."""
    if was.kind != now.kind:
        before, after = (say.word(one.kind, words.KIND) for one in (was, now))
        yield Aside(f"{called} is {after} now, before {before}", wider=True)
    if was.origin != now.origin:
        origin = (
            f"pages may load from {say.quoted(now.origin)}" if now.origin else "pages load nothing from it any more"
        )
        yield Aside(f"{called}: {origin}", wider=now.origin is not None)
    if was.policy != now.policy:
        yield Aside(f"{called}: its own policy is at {now.policy or 'no address'} now", wider=False, neither=True)


# -- forms ---------------------------------------------------------------------------------------------------------

_Asked = Mapping[str, tuple[bool, frozenset[str], str]]  # category -> whether one must give it, what for, the promise


def forms(old: Policy, new: Policy, say: Say) -> Iterator[Aside]:
    """What forms ask, where that is no answer of the site's: what must be given, and all that others ask on their pages."""
    for name in {**old.forms, **new.forms}:
        was, now = old.forms.get(name), new.forms.get(name)
        called = f"the form {say.quoted(name)}" if not say.people else say.one("form", name)
        if was is None or now is None:
            yield Aside(f"{called} is {'gone' if now is None else 'new'}", False, neither=True)
        else:
            if _evened(was.says) != _evened(now.says):
                yield Aside(f"{called} is called {say.quoted(now.says)} now", False, neither=True)
            if was.at != now.at:
                at = f"with {say.one('recipient', now.at)}" if now.at else "with the site itself"
                yield Aside(f"{called} stands {at} now", wider=now.at is not None, recipient=now.at or was.at or "")
            if was.opens != now.opens:
                yield _opens(old, new, say, called, (was.opens or "", now.opens or ""))
        yield from _asked(old, new, say, name, called)


def _opens(old: Policy, new: Policy, say: Say, called: str, opens: tuple[str, str]) -> Aside:
    """An open request makes a condition hold: more, where it serves what the one before did not."""
    served, serves = (
        set(policy.requests[kind].serves if kind in policy.requests else ())
        for policy, kind in ((old, opens[0]), (new, opens[1]))
    )  # fmt: skip
    what = f"opens a request of the kind {say.one('request', opens[1])}" if opens[1] else "opens no request"
    return Aside(f"{called} {what} now", wider=not serves <= served)


def _asked(old: Policy, new: Policy, say: Say, form: str, called: str) -> Iterator[Aside]:
    was, now = _asks(old, form), _asks(new, form)
    at = new.forms[form].at if form in new.forms else old.forms[form].at
    for category in {**was, **now}:
        before, after = was.get(category), now.get(category)
        what = say.one("category", category)
        ids = tuple(dict.fromkeys(one[2] for one in (before, after) if one))
        elsewhere = at is not None or not _comes_in(new if after else old, category)
        if before is None or after is None:
            if elsewhere:
                asks = "asks for" if after else "no longer asks for"
                yield Aside(
                    f"{called} {asks} {what}{' now' if after else ''}", after is not None, ids, recipient=at or ""
                )
            continue
        if before[0] != after[0]:
            must = "must be given now; before, it was up to the person" if after[0] else "need not be given any more"
            must = must.replace("the person", "you") if say.people else must
            yield Aside(f"{called}: {what} {must}", after[0], ids, recipient=at or "")
        if elsewhere and before[1] != after[1]:
            why = say.all("purpose", sorted(after[1]))
            yield Aside(f"{called} asks for {what} for {why} now", not after[1] <= before[1], ids, recipient=at or "")


def _comes_in(policy: Policy, category: str) -> bool:
    return category in policy.categories and policy.categories[category].with_person


def _asks(policy: Policy, form: str) -> _Asked:
    """Asked by any clause is asked."""
    found: dict[str, tuple[bool, frozenset[str], str]] = {}
    for promise, clause in policy.clauses(Collect):
        if clause.form == form:
            for category in (*clause.asks, *clause.optional):
                must, why, _ = found.get(category, (False, frozenset(), promise))
                found[category] = (must or category in clause.asks, why | set(clause.purposes), promise)
    return found


# -- who makes the promises ----------------------------------------------------------------------------------------


def controller(old: Policy, new: Policy, say: Say) -> Iterator[Aside]:
    """Who makes them, and how they are reached. Another name may be another company, with all the data."""
    was, now = old.controller, new.controller
    if old.site != new.site:
        yield Aside(f"these are two sites, {say.quoted(old.site)} and {say.quoted(new.site)}", wider=True)
    if _evened(was.name) != _evened(now.name):
        yield Aside(f"{say.quoted(now.name)} makes the promises now, before {say.quoted(was.name)}", wider=True)
    if was.url != now.url:
        yield Aside(f"its address on the web is {now.url or 'not stated'} now", wider=False, neither=True)
    for way in {**was.contact, **now.contact}:
        before, after = was.contact.get(way), now.contact.get(way)
        if before != after:
            says = (
                f"the contact by {say.word(way)} is {after} now" if after else f"the contact by {say.word(way)} is gone"
            )
            yield Aside(says, wider=after is None, neither=None not in (before, after))
