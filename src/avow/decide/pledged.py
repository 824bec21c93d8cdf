"""What changes of what a policy promises beside its answers: choices, rights, measures, duties, what people are told.

Pure. What a version no longer promises the site may leave undone: so that counts as wider.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import NamedTuple

from avow.decide.asides import Aside, Say
from avow.decide.table import span
from avow.policy.model import (
    CHANNELS,
    Change,
    Choose,
    Inform,
    KeepApart,
    Policy,
    Protect,
    Right,
)
from avow.policy.notice import outline, words

_Found = dict[tuple[str, ...], dict[str, None]]  # what is promised -> the promises that say so


def _ids(*found: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for some in found for one in some))


# -- choices -------------------------------------------------------------------------------------------------------


class _Offer(NamedTuple):
    """How one thing may be agreed to, over all choices that offer it."""

    forms: frozenset[str]
    confirmed: bool  # by every one of them
    written: bool
    purposes: frozenset[str]
    promises: tuple[str, ...]


def choices(old: Policy, new: Policy, say: Say) -> Iterator[Aside]:
    """What is put to people, where, and when it counts. What changes alike of one recipient is said once."""
    was, now = _offers(old), _offers(new)
    alike: dict[tuple[str, tuple[_Offer | None, _Offer | None]], list[str]] = {}
    for about in {**was, **now}:
        if was.get(about) != now.get(about):
            alike.setdefault((about[0], (was.get(about), now.get(about))), []).append(about[1])
    for (recipient, (before, after)), names in alike.items():
        for one in names if not recipient else [""]:
            what = f"to {say.one('purpose', one)}" if not recipient else _having(say, recipient, names)
            ids = _ids(*(offer.promises for offer in (before, after) if offer))
            for says, wider, neither in _choice(say, what, before, after):
                yield Aside(says, wider, ids, recipient=recipient, neither=neither)


def _having(say: Say, recipient: str, categories: list[str]) -> str:
    what = say.all("category", categories) if categories != [""] else "anything"
    whom = say.one("recipient", recipient)
    return f"that {whom} may have {what}" if say.people else f"to {whom} having {what}"


def _offers(policy: Policy) -> dict[tuple[str, str], _Offer]:
    """By recipient and category, or by "" and purpose."""
    found: dict[tuple[str, str], _Offer] = {}
    for promise, one in policy.clauses(Choose):
        abouts = [(name, c) for name in one.recipients for c in one.categories or ("",)]
        for about in abouts or [("", purpose) for purpose in one.purposes]:
            known = found.get(
                about, _Offer(frozenset(), confirmed=True, written=True, purposes=frozenset(), promises=())
            )
            found[about] = _Offer(
                known.forms | {one.form or ""},
                known.confirmed and one.confirm is not None,
                known.written and one.written,
                known.purposes | (frozenset(one.purposes) if abouts else frozenset()),
                _ids(known.promises, [promise]),
            )
    return found


def _choice(say: Say, what: str, before: _Offer | None, after: _Offer | None) -> Iterator[tuple[str, bool, bool]]:
    """What of it changed, whether that is wider, and whether neither."""
    if before is None or after is None:
        yield f"agreeing {what} is {'possible now' if after else 'no longer possible'}", False, after is not None
        return
    if before.confirmed != after.confirmed:
        how = "only once it is confirmed by mail" if after.confirmed else "without being confirmed by mail"
        yield f"agreeing {what} counts {how} now", not after.confirmed, False
    if before.written != after.written:
        how = "in writing" if after.written else "without being in writing"
        yield f"agreeing {what} counts {how} now", not after.written, False
    if before.purposes != after.purposes:
        why = say.all("purpose", sorted(after.purposes)) or "nothing in particular"
        yield f"agreeing {what} is for {why} now", not after.purposes <= before.purposes or not after.purposes, False
    if before.forms != after.forms:
        where = say.all("form", sorted(after.forms - {""})) or "no form of its own"
        yield f"agreeing {what} is put on {where} now", False, True


# -- rights --------------------------------------------------------------------------------------------------------

_Routes = dict[str, timedelta | None]  # by which way, and within which time


def rights(old: Policy, new: Policy, say: Say) -> Iterator[Aside]:
    """What people may ask for, by which ways, answered within which time, and which offices are named."""
    was, now = _rights(old), _rights(new)
    for right, channel in {**was, **now}:
        (before, said), (after, says) = was.get((right, channel), ({}, {})), now.get((right, channel), ({}, {}))
        what = say.word(right, words.RIGHT) + (f" ({say.word(channel, words.CHANNEL)})" if channel else "")
        for words_, wider in _right(say, what, before, after):
            yield Aside(words_, wider, _ids(said, says))
    before_, after_ = _offices(old), _offices(new)
    for office in {**before_, **after_}:
        if (office in before_) != (office in after_):
            says_ = "is named for complaints now" if office in after_ else "is no longer named for complaints"
            yield Aside(f"{say.quoted(office)} {says_}", office in before_, _ids((before_ | after_)[office]))


def _right(say: Say, what: str, before: _Routes, after: _Routes) -> Iterator[tuple[str, bool]]:
    lead = f"the right to {what}"
    if not before or not after:
        yield f"{lead} is {'promised now' if after else 'no longer promised'}", not after
        return
    gone, come = [one for one in before if one not in after], [one for one in after if one not in before]
    if gone:
        yield f"{lead}: no longer {words.listed(_route(say, one) for one in gone)}", True
    if come:
        yield f"{lead}: now {words.listed(_route(say, one) for one in come)} as well", False
    changed = dict.fromkeys((before[one], after[one]) for one in before if one in after)
    for was, now in changed:
        if was == now:
            continue
        times = ["without a time to answer in" if one is None else f"answered within {span(one)}" for one in (now, was)]
        yield f"{lead}: {times[0]} now, before {times[1]}", now is None or (was is not None and now > was)


def _route(say: Say, route: str) -> str:
    return say.word(route, words.ROUTE) if route else "by any way"


def _rights(policy: Policy) -> dict[tuple[str, str], tuple[_Routes, dict[str, None]]]:
    """By right, and by channel for opting out. Of two times the shorter one binds."""
    found: dict[tuple[str, str], tuple[_Routes, dict[str, None]]] = {}
    for promise, clause in policy.clauses(Right):
        for right in clause.rights:
            for channel in (clause.channels or CHANNELS) if right == "opt-out" else ("",):
                routes, ids = found.setdefault((right, channel), ({}, {}))
                ids[promise] = None
                for route in clause.routes or ("",):
                    times = [one for one in (routes.get(route), clause.within) if one is not None]
                    routes[route] = min(times, default=None)
    return found


def _offices(policy: Policy) -> dict[str, dict[str, None]]:
    found: dict[str, dict[str, None]] = {}
    for promise, clause in policy.clauses(Right):
        for office in clause.offices:
            found.setdefault(office, {})[promise] = None
    return found


# -- measures, duties, what people are told ------------------------------------------------------------------------


def protection(old: Policy, new: Policy, say: Say) -> Iterator[Aside]:
    """Measures, and what is kept apart from persons."""
    for (measure,), ids, now in _turned(_measures(old), _measures(new)):
        yield _stated(say.word(measure, words.MEASURE), now, ids, say)
    for (category,), ids, now in _turned(_apart(old), _apart(new)):
        what = say.one("category", category)
        yield Aside(
            f"{what} is {'' if now else 'no longer '}promised to be kept apart{' now' if now else ''}", not now, ids
        )


def duties(old: Policy, new: Policy, say: Say) -> Iterator[Aside]:
    """What must happen at a change. Taking use for agreement is no duty of the site's: it is wider where it is new."""
    for (duty,), ids, now in _turned(_duties(old), _duties(new)):
        one = _stated(say.word(duty, words.DUTY), now, ids, say)
        yield Aside(one.says, now if duty == "accept-by-use" else one.wider, ids)
    was, now_ = _bounce(old), _bounce(new)
    if was != now_:
        said = "no time is stated" if now_ is None else f"{span(now_[0])} are left"
        ids = _ids(*([one[1]] for one in (was, now_) if one))
        shorter = now_ is None or (was is not None and now_[0] < was[0])
        yield Aside(f"for a notice to come back undelivered {said} now", shorter, ids)


def told(old: Policy, new: Policy, say: Say) -> Iterator[Aside]:
    """What people are told, and about whom."""
    for (topic, recipient), ids, now in _turned(_topics(old), _topics(new)):
        about = f" (about {say.one('recipient', recipient)})" if recipient else ""
        one = _stated(say.word(topic, words.TOPIC), now, ids, say, about)
        yield Aside(one.says, one.wider, ids, recipient=recipient)


def _stated(what: str, now: bool, ids: tuple[str, ...], say: Say, about: str = "") -> Aside:
    if say.people:
        return Aside(f"{'promised now' if now else 'no longer promised'}: {what.rstrip('.')}{about}", not now, ids)
    return Aside(f"{what}{about} is {'promised now' if now else 'no longer promised'}", not now, ids)


def _turned(was: _Found, now: _Found) -> Iterator[tuple[tuple[str, ...], tuple[str, ...], bool]]:
    """What only one version promises, with the promises that say so, and whether it is the new one."""
    for what in {**was, **now}:
        if (what in was) != (what in now):
            yield what, tuple((was | now)[what]), what in now


def _measures(policy: Policy) -> _Found:
    return _by_what(((one,), promise) for promise, clause in policy.clauses(Protect) for one in clause.measures)


def _apart(policy: Policy) -> _Found:
    return _by_what(((one,), promise) for promise, clause in policy.clauses(KeepApart) for one in clause.categories)


def _duties(policy: Policy) -> _Found:
    return _by_what(((one,), promise) for promise, clause in policy.clauses(Change) for one in clause.duties)


def _topics(policy: Policy) -> _Found:
    return _by_what(
        ((topic, about), promise)
        for promise, clause in policy.clauses(Inform)
        for topic in clause.topics
        for about in clause.recipients or ("",)
    )


def _by_what(stated: Iterable[tuple[tuple[str, ...], str]]) -> _Found:
    found: _Found = {}
    for what, promise in stated:
        found.setdefault(what, {})[promise] = None
    return found


def _bounce(policy: Policy) -> tuple[timedelta, str] | None:
    """The longest that a notice may still come back, and who says so."""
    stated = [(clause.bounce, promise) for promise, clause in policy.clauses(Change) if clause.bounce is not None]
    return max(stated, default=None)


# -- what stands beside a promise ----------------------------------------------------------------------------------


def beside(old: Policy, new: Policy, say: Say) -> Iterator[Aside]:
    """Who vouches for a promise of both versions, until when, and where in the published text it stands."""
    known = {promise.id: promise for promise in old.promises}
    for promise in new.promises:
        was = known.get(promise.id)
        if was is None:
            continue
        if was.attest != promise.attest:
            now, before = promise.attest, was.attest
            until = "" if now is None else outline.day(now.until) if say.people else now.until.isoformat()
            vouched = f"rests on {say.quoted(now.by)} until {until} now" if now else "rests on nobody's word any more"
            less = now is None or (before is not None and now.until < before.until)
            yield Aside(f"{promise.id} {vouched}", less, (promise.id,))
        if was.source != promise.source:
            where = f"{promise.source.section}, sentence {promise.source.sentence}"
            yield Aside(f"{promise.id} stands in {say.quoted(where)} now", False, (promise.id,), neither=True)
