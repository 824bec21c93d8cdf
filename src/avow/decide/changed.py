"""What a new version changes, in sentences for the people whose data it is about.

Pure, and no markup. Made from the answers of both versions (`avow.decide.difference`) and the policies' own words, so
that a page or a letter made of it can say no more and no less than what the system will do.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final, Literal, NamedTuple

from avow.decide.difference import Change, Difference, difference
from avow.decide.first import First, first
from avow.decide.grants import OWN_RIGHTS, guards, kind_of
from avow.policy.model import Collect, Condition, Policy, Promise, Share
from avow.policy.notice import outline, words
from avow.policy.notice.words import listed

Mark = Literal["new", "gone", "changed", "reworded", "same"]


class Sentence(NamedTuple):
    """One whole sentence, and the promises that it follows from; none where only a declaration changed."""

    words: str
    promises: tuple[str, ...]


class Pledge(NamedTuple):
    """One promise through both versions.

    `before` and `now` are its words, empty where that version has no such promise. `gone` and `come` are the lines that
    say what its clauses did, and do: without those that both versions share.
    """

    id: str
    mark: Mark
    before: str
    now: str
    gone: tuple[str, ...]
    come: tuple[str, ...]


class Receiver(NamedTuple):
    """Somebody outside who gets data under either version.

    `says` and `kind` are who they are, in words. `before` and `now` are all that they get, in a row. `more` is what they
    may get now and might not before, `less` the reverse. `policy` is the web address of their own policy, or nothing.
    """

    name: str
    says: str
    kind: str
    mark: Mark
    before: str
    now: str
    more: tuple[Sentence, ...]
    less: tuple[Sentence, ...]
    policy: str


class Changed(NamedTuple):
    """From the version of the day `before` to that of the day `now`.

    `more` is what the site may do now, or leave undone, that it might not before; `less` is the reverse. `also` is
    neither: an address, a number, a name. `promises` are those of the new version in its order, then those gone.
    `receivers` are everybody who gets data under either version, and `receiving` says in short what changes of that.
    `wider` is whether there is anything in `more`. `first` is what must happen first, by the old version's promises.
    """

    before: date
    now: date
    wider: bool
    more: tuple[Sentence, ...]
    less: tuple[Sentence, ...]
    also: tuple[Sentence, ...]
    promises: tuple[Pledge, ...]
    receiving: tuple[str, ...]
    receivers: tuple[Receiver, ...]
    first: tuple[First, ...]


def changed(old: Policy, new: Policy, found: Difference | None = None) -> Changed:
    """What changes from `old` to `new`. `found` is their difference, where it is known already."""
    found = found or difference(old, new)
    receivers = tuple(_receivers(old, new, found))
    return Changed(
        before=old.version,
        now=new.version,
        wider=found.wider,
        more=(*_sentences(new, found.widened, now=True), *_asides(found, wider=True)),
        less=(*_sentences(old, found.narrowed, now=False), *_asides(found, wider=False)),
        also=tuple(Sentence(one.words, one.promises) for one in found.asides if one.neither),
        promises=tuple(_pledges(old, new)),
        receiving=_receiving(old, new),
        receivers=receivers,
        first=first(found, old),
    )


def _asides(found: Difference, *, wider: bool, recipient: str | None = None) -> Iterator[Sentence]:
    """What no answer shows: one way or the other; of everybody, or of one recipient."""
    for one in found.asides:
        if one.wider is wider and not one.neither and recipient in (None, one.recipient):
            yield Sentence(one.words, one.promises)


# -- promises ------------------------------------------------------------------------------------------------------


def _pledges(old: Policy, new: Policy) -> Iterator[Pledge]:
    was = {promise.id: promise for promise in old.promises}
    for promise in new.promises:
        yield _pledge(old, new, was.pop(promise.id, None), promise)
    for promise in was.values():
        yield _pledge(old, new, promise, None)


def _pledge(old: Policy, new: Policy, was: Promise | None, now: Promise | None) -> Pledge:
    before, after = _lines(old, was), _lines(new, now)
    gone = tuple(line for line in before if line not in after)
    come = tuple(line for line in after if line not in before)
    if was is None or now is None:
        one = now or was
        assert one is not None  # noqa: S101 - one of the two is there
        return Pledge(
            one.id, "gone" if now is None else "new", was.says if was else "", one.says if now else "", gone, come
        )
    mark: Mark = "changed" if gone or come else "same" if was.says == now.says else "reworded"
    return Pledge(now.id, mark, was.says, now.says, gone, come)


def _lines(policy: Policy, promise: Promise | None) -> tuple[str, ...]:
    """What its clauses do, a line each."""
    if promise is None:
        return ()
    lines = (words.line(policy, clause) for clause in promise.clauses)
    return tuple(dict.fromkeys(f"{line.label}: {line.words}" for line in lines))


# -- what may be done ----------------------------------------------------------------------------------------------


def _sentences(policy: Policy, changes: Sequence[Change], *, now: bool) -> Iterator[Sentence]:
    """One sentence for all categories and actors that change alike. A person's own rights are no news of the site's."""
    alike: dict[tuple[object, ...], dict[str, dict[str, Change]]] = {}
    for change in changes:
        action, actor, purpose, category, recipient, form = change.key
        if action in OWN_RIGHTS:
            continue
        same = (action, purpose, recipient, form, *_needs(policy, change), change.promises)
        alike.setdefault(same, {}).setdefault(actor, {})[category] = change
    for by_actor in alike.values():
        actors: dict[tuple[str, ...], list[str]] = {}
        for actor, found in by_actor.items():
            actors.setdefault(tuple(found), []).append(actor)
        for categories, who in actors.items():
            change = by_actor[who[0]][categories[0]]
            yield Sentence(_sentence(policy, change, categories, who, now=now), change.promises)


def _needs(policy: Policy, change: Change) -> tuple[frozenset[Condition], frozenset[Condition]]:
    """Under which conditions, and under which the other version allows it, too: without what all of this sort needs."""
    action, actor, _, _, recipient, _ = change.key
    common = guards(action, actor, kind_of(policy, recipient))
    return frozenset(change.when) - common, frozenset(change.still or ()) - common


def _sentence(policy: Policy, change: Change, categories: Sequence[str], who: Sequence[str], *, now: bool) -> str:
    said = _act(policy, change, categories, who, "may now" if now else "may no longer")
    needs, still = _needs(policy, change)
    if now:
        said += words.needing(needs)
    if still:
        said += words.needing(still).replace(", only", "; before, only" if now else "; now, only", 1)
    return words.sentence(said)


_ACT: Final = {
    "collect": "{form} {may} bring us {what}, {why}",
    "use": "{by} {may} use {what}, {why}",
    "share": "{by} {may} pass {what} on to {whom}, {why}",
    "sell": "{by} {may} sell {what} to {whom}, {why}",
    "summarise": "{by} {may} give {whom} figures made from {what}, in which nobody can be found",
    "mail": "{by} {may} e-mail you {why}",
    "post": "{by} {may} write you letters {why}",
    "call": "{by} {may} telephone you {why}",
    "link": "{by} {may} connect {what} with you, {why}",
    "set-cookie": "the cookie “{cookie}” {may} be set, {why}",
}


def _act(policy: Policy, change: Change, categories: Sequence[str], who: Sequence[str], may: str) -> str:
    action, _, purpose, _, recipient, form = change.key
    return _ACT[action].format(
        by=listed(words.actor(policy, name) for name in who),
        may=may,
        what=listed((words.category(policy, name) for name in categories), "and" if may == "may now" else "or"),
        why=words.purpose(policy, purpose),
        whom=words.recipient(policy, recipient or ""),
        form=words.form(policy, form or ""),
        cookie=categories[0],
    )


# -- who gets data -------------------------------------------------------------------------------------------------


def _receivers(old: Policy, new: Policy, found: Difference) -> Iterator[Receiver]:
    was = dict(zip(old.recipients, outline.parties(old), strict=True))
    is_ = dict(zip(new.recipients, outline.parties(new), strict=True))
    for name in {**is_, **was}:
        before, after = was.get(name), is_.get(name)
        party = after or before
        assert party is not None  # noqa: S101 - it is in one of the two
        widened, narrowed = ([one for one in part if one.key[4] == name] for part in (found.widened, found.narrowed))
        more = (*_sentences(new, widened, now=True), *_asides(found, wider=True, recipient=name))
        less = (*_sentences(old, narrowed, now=False), *_asides(found, wider=False, recipient=name))
        mark: Mark = "new" if before is None else "gone" if after is None else "same"
        if before is not None and after is not None and (more or less or before != after):
            mark = "changed"
        yield Receiver(
            name, party.says, party.kind, mark, before.gets if before else "", after.gets if after else "",
            more, less, party.policy,
        )  # fmt: skip


def _receiving(old: Policy, new: Policy) -> tuple[str, ...]:
    """Who gets something that they got in no way before, and who no longer gets something, whatever it is for."""
    names = {**new.recipients, **old.recipients}
    had, has = ({name: set(_gets(policy, name)) for name in names} for policy in (old, new))
    said = []
    for changed_, verb in (
        ([name for name in names if has[name] - had[name]], "may get data that {} might not get before"),
        ([name for name in names if had[name] - has[name]], "may no longer get data that {} might get before"),
    ):
        if changed_:
            whom = listed(names[name].says for name in changed_)
            said.append(words.sentence(f"{whom} {verb.format('it' if len(changed_) == 1 else 'they')}"))
    return tuple(said) or ("Nobody gets data that they did not get before.",)


def _gets(policy: Policy, name: str) -> Iterator[tuple[str, str]]:
    """How a recipient gets which category: passed on, sold, in figures, or from the person's own hands."""
    kind = policy.recipients[name].kind if name in policy.recipients else ""
    for _, share in policy.clauses(Share):
        if name in share.recipients or kind in share.recipients:
            yield from ((share.way, category) for category in share.categories)
    for _, collect in policy.clauses(Collect):
        if policy.forms[collect.form].at == name:
            yield from (("collect", category) for category in (*collect.asks, *collect.optional))
