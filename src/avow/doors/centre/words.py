"""What is held and what happened, put in words. Pure.

The words of a choice are made here from the policy alone: what is shown beside the switch is what goes on record.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from avow.desk.interface import Choice, Stays
from avow.policy.model import PERSON, SITE, Collect, Policy, Right, RightName
from avow.policy.notice import words
from avow.policy.notice.statements import statement
from avow.policy.notice.words import listed, sentence

ALL: Final = ("*",)


class Row(NamedTuple):
    """One datum as it is shown. `until` is a moment in ms, or words."""

    category: str
    what: str
    value: str
    came: str
    collected: int
    version: str
    purposes: str
    until: int | str


class Event(NamedTuple):
    """One event as it is shown."""

    at: int
    says: str
    refused: bool
    promises: tuple[str, ...]
    times: int = 1  # how often in a row; `at` is the newest


def rows(policy: Policy, data: Sequence[Mapping[str, Any]], versions: Mapping[str, str]) -> list[Row]:
    """Each datum in words. `versions`: see `Room`."""
    return [
        Row(
            one["category"], _capital(words.category(policy, one["category"])), one["value"], _came(policy, one),
            one["collected"], versions.get(one["policy"], f"an earlier version ({one['policy'][:8]}…)"),
            listed(words.purpose(policy, name) for name in one["purposes"]) or "nothing but keeping it for you",
            _until(one),
        )
        for one in data
    ]  # fmt: skip


def _came(policy: Policy, one: Mapping[str, Any]) -> str:
    form = words.form(policy, one["form"])
    return f"you gave it: {form}" if one["source"] == PERSON else f"from {one['source']}: {form}"


def _until(one: Mapping[str, Any]) -> int | str:
    if one.get("kept-for"):
        return f"until {words.plain(one['kept-for'])}"
    return "until you have it erased" if one["due"] is None else int(one["due"])


_OWN: Final[Mapping[str, str]] = MappingProxyType({
    "register": "You became known to us",
    "collect": "You gave us more",
    "import": "You were brought over from the shop's earlier records",
    "consent": "You agreed to something",
    "confirm": "You confirmed what you had agreed to",
    "withdraw": "You took back something that you had agreed to",
    "opt-out": "You told us by which way not to reach you",
    "opt-in": "You allowed us again to reach you by a way",
    "request": "You asked us for something",
    "close": "A request of yours was answered and closed",
    "access": "You looked at who saw your data",
    "export": "You had everything shown that we hold on you",
    "correct": "You put something right",
    "erase": "An erasure was asked for",
    "leave": "You asked to be erased",
    "stay": "You took back your wish to be erased",
    "credential": "Your password was set",
    "expire": "Its time was over, and it was erased",
    "restore": "A restored backup was brought up to date with what you had decided",
    "shorten": "A new version of our policy keeps something less long, and so it will go earlier",
    "agree-version": "You agreed to a version of our policy",
    "decline-version": "You declined a version of our policy",
    "told-version": "The notice of a new version of our policy reached you",
    "untold-version": "The notice of a new version of our policy came back",
    "call-off": "A change of your address or number was called off",
    "staying": "You were shown what an erasure leaves",
    "warn": "You were warned at every address of yours that we hold",
    "inspect": "Your data were held against the record",
    "case-propose": "An authority or a firm against fraud asked for data of yours, and a colleague put its case forward",
    "case-approve": "A second colleague agreed to such a case",
    "case-close": "Such a case was closed",
    "instruct": "A company that works for us was told to work on a request of yours",
    "revoke": "A company that worked for us on a request of yours was told to stop",
    "code": "A colleague had a code sent to your address on file, for a request that came in your name",
    "find": "Your record was found by something that you gave",
})  # fmt: skip
_DID: Final[Mapping[str, str]] = MappingProxyType({
    "use": "read {what}", "share": "passed {what} on to {whom}", "sell": "sold {what} to {whom}",
    "summarise": "counted {what} in a statistic", "mail": "got {what} to e-mail you",
    "post": "got {what} to write you a letter", "call": "got {what} to telephone you", "link": "tied {what} to you",
    "collect": "took {what} in", "correct": "put {what} right", "find": "found your record",
})  # fmt: skip
_WANTED: Final[Mapping[str, str]] = MappingProxyType({
    "use": "wanted to read {what}", "share": "wanted to pass {what} on to {whom}",
    "sell": "wanted to sell {what} to {whom}", "summarise": "wanted to count {what} in a statistic",
    "mail": "wanted to e-mail you", "post": "wanted to write you a letter", "call": "wanted to telephone you",
    "link": "wanted to tie {what} to you", "collect": "wanted to take {what} in",
})  # fmt: skip


def events(policy: Policy, seen: Sequence[Mapping[str, Any]]) -> list[Event]:
    """What happened, newest first; the same several times in a row is told once."""
    told: list[Event] = []
    for one in reversed(seen):
        event = Event(one["at"], _event(policy, one), one["outcome"] != "done", tuple(one["promises"]))
        if told and told[-1][1:4] == event[1:4]:
            told[-1] = told[-1]._replace(times=told[-1].times + 1)
        else:
            told.append(event)
    return told


class Got(NamedTuple):
    """Data that went out, as it is shown. `why`: the purpose, with the case behind it. `until` in ms, None without an end."""

    at: int
    whom: str
    what: str
    why: str
    until: int | None
    promises: tuple[str, ...]


_GROUNDS: Final[Mapping[str, str]] = MappingProxyType({
    "law": "because a law permits or demands it", "prevent": "to keep fraud from happening",
    "investigate": "to look into fraud that happened",
})  # fmt: skip


def disclosures(policy: Policy, went: Sequence[Mapping[str, Any]]) -> list[Got]:
    """What went out of the house, newest first."""
    return [
        Got(
            one["at"], whom(policy, one["recipient"]), listed(words.category(policy, name) for name in one["categories"]),
            _why(policy, one), one["until"], tuple(one["promises"]),
        )
        for one in sorted(went, key=lambda one: -int(one["at"]))
    ]  # fmt: skip


def _why(policy: Policy, one: Mapping[str, Any]) -> str:
    why = f"{'sold ' if one['way'] == 'sell' else ''}{words.purpose(policy, one['purpose'])}"
    because = one["case"]
    return why if not because else f"{why}, {_GROUNDS[because['ground']]} (their reference: {because['reference']})"


def whom(policy: Policy, recipient: str) -> str:
    """A recipient in words, one that the policy does not declare by its own name."""
    kind, colon, name = recipient.partition(":")
    return f"{name} ({words.recipient(policy, kind)})" if colon else words.recipient(policy, recipient)


def _event(policy: Policy, one: Mapping[str, Any]) -> str:
    names = tuple(one["categories"])
    what = "everything" if names == ALL else listed(words.category(policy, name) for name in names) or "your data"
    whom = words.recipient(policy, one["recipient"]) if one["recipient"] else "somebody outside"
    done, action, role = one["outcome"] == "done", one["action"], one["role"]
    purpose = f", {words.purpose(policy, one['purpose'])}" if one["purpose"] and one["purpose"] != "rights" else ""
    through = f" through {words.form(policy, one['form'])}" if one["form"] else ""
    if action in _OWN and (role == PERSON or action not in _DID):
        told = f": {what}" if names and names != ALL else ""
        return sentence(
            f"{_OWN[action]}{through}{told}" if done else f"Not done: {_OWN[action].lower()}{through}{told}"
        )
    known, plain = (_DID, "did") if done else (_WANTED, "wanted to do")
    did = known.get(action, f"{plain} “{words.plain(action)}” with {{what}}").format(what=what, whom=whom)
    return sentence(f"{_who(policy, role)} {did}{purpose}{through}")


def _who(policy: Policy, role: str) -> str:
    if role == SITE:
        return "our system"
    return "you" if role == PERSON else words.actor(policy, role)


def choice(policy: Policy, one: Choice) -> str:
    """The statement that is agreed to or declined."""
    return statement(policy, one["way"], one["purposes"], one["recipients"], one["categories"])


def agreeing(policy: Policy, day: str, digest: str) -> str:
    """What is agreed to, or declined, about a version of this day: shown beside the buttons, and kept on record."""
    return (
        f"{policy.controller.name} may do with what it holds on me already all that its privacy policy of {day} allows, and "
        f"not only what was allowed when I gave it. (SHA-256 of that policy: {digest})"
    )


def promises(policy: Policy, ids: Sequence[str]) -> list[tuple[str, str]]:
    """Ids with their words, as far as the policy has them."""
    says = {promise.id: promise.says for promise in policy.promises}
    return [(one, says.get(one, "a promise of an earlier version")) for one in ids]


class Request(NamedTuple):
    """Something that was asked for. `due`: until when an answer is promised; `left`: whole days until then, negative
    once it is overdue.
    """

    says: str
    opened: int
    closed: int | None
    due: int | None
    left: int
    id: str


_RIGHTS: Final[Mapping[str, str]] = MappingProxyType({
    "access": "a copy of everything that we hold", "correct": "something to be put right", "erase": "to be erased",
    "opt-out": "not to be contacted", "withdraw": "to take back an agreement", "complain": "a complaint",
    "ask": "a question",
})  # fmt: skip
_ROUTES: Final[Mapping[str, str]] = MappingProxyType({
    "mail": "by e-mail", "phone": "by telephone", "letter": "by letter", "form": "by a form",
    "centre": "in the privacy centre", "link": "by a link",
})  # fmt: skip


def requests(policy: Policy, asked: Sequence[Mapping[str, Any]], now: int) -> list[Request]:
    """What a person asked for, and how long it has until an answer is due."""
    out = []
    for one in asked:
        known = policy.requests.get(one["kind"])
        says = known.says if known and known.says else words.plain(one["kind"])
        if one["kind"] == "rights-request" and one["right"]:
            way = f", {_ROUTES[one['through']]}" if one["through"] in _ROUTES else ""
            says = f"{says}: {_RIGHTS.get(one['right'], one['right'])}{way}"
        left = 0 if one["due"] is None else (one["due"] - now) // 86_400_000
        out.append(Request(says, one["opened"], one["closed"], one["due"], left, one["id"]))
    return out


def answering(policy: Policy, *rights: RightName) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """For the first of the rights that a promise names: within what time there is an answer ("" if no promise says),
    the outside offices that are named, and the promises.
    """
    found = list(policy.clauses(Right))
    about = next((them for right in rights if (them := [one for one in found if right in one[1].rights])), [])
    within = min((c.within for _, c in about if c.within is not None), default=None)
    offices = tuple(dict.fromkeys(office for _, c in about for office in c.offices))
    return _span(within), offices, tuple(dict.fromkeys(id_ for id_, _ in about))


def _span(term: timedelta | None) -> str:
    return "" if term is None else words.span(term)


def asked(policy: Policy, form: str) -> tuple[list[tuple[str, str, bool]], str]:
    """The fields of a form (category, label, whether it must be filled in), and what all of it is for."""
    clauses = [clause for _, clause in policy.clauses(Collect) if clause.form == form]
    must = {name for clause in clauses for name in clause.asks}
    names = dict.fromkeys(name for clause in clauses for name in (*clause.asks, *clause.optional))
    purposes = dict.fromkeys(name for clause in clauses for name in clause.purposes)
    order = sorted(names, key=lambda name: name == "message")  # what is written stands last
    fields = [(name, label(policy, name), name in must) for name in order]
    return fields, listed(words.purpose(policy, name) for name in purposes)


def label(policy: Policy, category: str) -> str:
    """A category as a label of a field."""
    return _capital(words.category(policy, category))


class Stay(NamedTuple):
    """Something that outlives an erasure; the promises with their words."""

    says: str
    promises: list[tuple[str, str]]
    law: str


_CHANNELS: Final[Mapping[str, str]] = MappingProxyType({"mail": "e-mails", "post": "letters", "phone": "calls"})


def stays(policy: Policy, found: Sequence[Stays]) -> list[Stay]:
    """What outlives an erasure, in words."""
    told = []
    for one in found:
        if one["what"] == "data":
            says = f"What has to be kept: {listed(words.category(policy, name) for name in one['about'])}"
        elif one["what"] == "do-not-contact":
            ways = listed(_CHANNELS.get(name, name) for name in one["about"])
            says = (
                f"That you want no {ways}: a mark made from your address or number, which cannot be read back from it, "
                "so that you stay opted out"
            )
        elif one["what"] == "disclosures":
            says = "To whom we passed data of yours on, what kind of data, when and why: not the data themselves"
        else:
            says = "That somebody was erased, and when: an entry in the record that says nothing about whom"
        told.append(Stay(sentence(says), promises(policy, one["promises"]), one["law"]))
    return told


def _capital(says: str) -> str:
    return says[:1].upper() + says[1:]
