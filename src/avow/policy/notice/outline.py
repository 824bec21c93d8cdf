"""The policy turned round for its reader: what is said of each category, purpose, recipient, cookie and right.

Pure. The text and the page both show these rows, so neither can know more than the other.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import groupby
from typing import Final, NamedTuple

from avow.policy.model import (
    Choose,
    Clause,
    Collect,
    Contact,
    Cookies,
    Keep,
    Policy,
    Promise,
    Recipient,
    Right,
    Share,
    Use,
)
from avow.policy.notice import words
from avow.policy.notice.words import listed

_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_ONES: Final = (
    "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS: Final = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_WAYS: Final = (
    ("email", "E-mail", "mailto:"),
    ("phone", "Telephone", "tel:"),
    ("post", "Post", ""),
    ("form", "Form", ""),
)


class Glance(NamedTuple):
    """One of the few facts that stand first. `items` is empty where there is nothing, and `none` says so."""

    title: str
    items: tuple[str, ...]
    none: str


class Part(NamedTuple):
    """Neighbouring lines under one label."""

    label: str
    lines: tuple[str, ...]


class Said(NamedTuple):
    """One promise with what its clauses do."""

    id: str
    says: str
    source: str
    attested: str
    parts: tuple[Part, ...]


class Section(NamedTuple):
    """Neighbouring promises from one section of the published text. `key` is unique on the page."""

    key: str
    title: str
    promises: tuple[Said, ...]


class Datum(NamedTuple):
    """What is said of one category."""

    says: str
    where: str
    comes_by: str
    purposes: tuple[str, ...]
    kept: str
    promises: tuple[str, ...]


class Aim(NamedTuple):
    """What is said of one purpose. An aim without promises is one that is only ever refused."""

    says: str
    data: str
    promises: tuple[str, ...]


class Party(NamedTuple):
    """What is said of one recipient. `policy` is a web address or nothing."""

    says: str
    kind: str
    policy: str
    contract: str
    gets: str
    promises: tuple[str, ...]


class Cookie(NamedTuple):
    """What is said of one cookie."""

    name: str
    words: str
    promises: tuple[str, ...]


class Claim(NamedTuple):
    """One right with its ways."""

    says: str
    routes: str
    within: str
    promises: tuple[str, ...]


class Way(NamedTuple):
    """One way to reach the controller. `link` is nothing where it is no link."""

    title: str
    says: str
    link: str


def counted(number: int) -> str:
    """`thirteen`; in figures from a hundred on."""
    if number < len(_ONES):
        return _ONES[number]
    if number < 100:
        return _TENS[number // 10] + (f"-{_ONES[number % 10]}" if number % 10 else "")
    return str(number)


def headline(policy: Policy) -> str:
    """What the notice is called."""
    number = len(policy.promises)
    return f"{counted(number).capitalize()} promise{'' if number == 1 else 's'} about your data"


def day(when: date) -> str:
    """`10 June 2004`."""
    return f"{when.day} {_MONTHS[when.month - 1]} {when.year}"


def web(address: str | None) -> str:
    """The address where it is one of the web, else nothing: no other scheme becomes a link."""
    return address if address is not None and address.startswith(("https://", "http://")) else ""


def glances(policy: Policy) -> tuple[Glance, ...]:
    """The four things that people look for first."""
    held = [c.name for c in policy.categories.values() if c.held_by is not None]
    ours = [c.name for c in policy.categories.values() if c.held_by is None]
    asked = {n for _, c in _clauses(policy) if isinstance(c, Collect) for n in (*c.asks, *c.optional)}
    getting = {name for _, c in _clauses(policy) if isinstance(c, Share) for name in c.recipients}
    own = [c.name for _, c in _clauses(policy) if isinstance(c, Cookies) and c.name is not None and c.at is None]
    return (
        Glance("We collect", _short(policy, (n for n in ours if n in asked)), "Nothing."),
        Glance("Never reaches us", _short(policy, held), "Nothing is kept from us."),
        Glance("Shared with", tuple(words.recipient(policy, name) for name in _ordered(policy, getting)), "Nobody."),
        Glance("In your browser", tuple(f"the cookie “{name}”" for name in own), "Nothing at all."),
    )


def sections(policy: Policy) -> tuple[Section, ...]:
    """The promises in the policy's order, neighbours from one section of the published text together."""
    groups = groupby(policy.promises, key=lambda promise: promise.source.section)
    return tuple(
        Section(f"section-{number}", title, tuple(_said(policy, promise) for promise in those))
        for number, (title, those) in enumerate(groups, 1)
    )


def _said(policy: Policy, promise: Promise) -> Said:
    attested = ""
    if promise.attest is not None:
        until = day(promise.attest.until)
        attested = (
            f"Part of this happens where no check of ours can see it. It rests on {promise.attest.by}, until {until}."
        )
    return Said(
        promise.id,
        promise.says,
        f"{promise.source.section}, sentence {promise.source.sentence}",
        attested,
        tuple(
            Part(label, tuple(dict.fromkeys(line.words for line in lines)))
            for label, lines in groupby((words.line(policy, c) for c in promise.clauses), key=lambda line: line.label)
        ),
    )


def data(policy: Policy) -> tuple[Datum, ...]:
    """A row a category, in the policy's order."""
    return tuple(_datum(policy, name) for name in policy.categories)


def _datum(policy: Policy, name: str) -> Datum:
    category = policy.categories[name]
    asked: list[str] = []
    purposes: dict[str, None] = {}
    ids: dict[str, None] = {}
    for promise, clause in _clauses(policy):
        named = _data_of(policy, clause)
        if name not in named:
            continue
        ids[promise.id] = None
        if isinstance(clause, Collect | Use | Share | Contact):
            purposes.update(dict.fromkeys(clause.purposes))
        if isinstance(clause, Collect):
            choice = " (up to you)" if name in clause.optional else ""
            asked.append(words.form(policy, clause.form) + choice)
    where = "with us, encrypted"
    if category.held_by is not None:
        where = f"with {words.recipient(policy, category.held_by)}, never with us"
    elif category.apart is not None:
        where = "with us, apart from anything that says who you are"
    return Datum(
        words.category(policy, name),
        where,
        listed(dict.fromkeys(asked)) or ("your visit itself" if category.apart is not None else "nothing"),
        tuple(words.purpose(policy, purpose) for purpose in policy.purposes if purpose in purposes),
        _kept(policy, name),
        tuple(ids),
    )


def _kept(policy: Policy, name: str) -> str:
    """How long. Rules that name the category go before one about everything without a rule of its own."""
    category = policy.categories[name]
    if category.held_by is not None:
        return "we do not hold it"
    rules = [c for _, c in _clauses(policy) if isinstance(c, Keep)]
    named = [c for c in rules if name in c.categories] or [c for c in rules if not c.categories]
    said = []
    for rule in named:
        through = (
            f", if given on {listed((words.form(policy, form) for form in rule.forms), 'or')}" if rule.forms else ""
        )
        term = words.span(rule.term) if rule.term is not None else f"until {words.plain(rule.until or '')}"
        said.append(term + through)
    if not named or all(rule.forms for rule in named):
        said.append("until you have it erased" if category.apart is None else "as long as it is of use")
    return "; else ".join(said)


def aims(policy: Policy) -> tuple[Aim, ...]:
    """A row a purpose, in the policy's order."""
    found = []
    for name in policy.purposes:
        uses: dict[str, None] = {}
        ids: dict[str, None] = {}
        for promise, clause in _clauses(policy):
            if isinstance(clause, Collect | Use | Share | Contact) and name in clause.purposes:
                uses.update(dict.fromkeys(_data_of(policy, clause)))
                ids[promise.id] = None
            elif isinstance(clause, Cookies) and name == clause.purpose:
                ids[promise.id] = None
        found.append(Aim(words.purpose(policy, name), listed(_says(policy, uses)), tuple(ids)))
    return tuple(found)


def parties(policy: Policy) -> tuple[Party, ...]:
    """A row a recipient, in the policy's order."""
    return tuple(_party(policy, recipient) for recipient in policy.recipients.values())


def _party(policy: Policy, recipient: Recipient) -> Party:
    gets: dict[str, None] = {}
    ids: dict[str, None] = {}
    for promise, clause in _clauses(policy):
        if isinstance(clause, Share) and {recipient.name, recipient.kind} & set(clause.recipients):
            figures = "figures about " if clause.way == "summarise" else ""
            gets.update(dict.fromkeys(figures + says for says in _says(policy, clause.categories)))
            ids[promise.id] = None
        elif isinstance(clause, Collect) and policy.forms[clause.form].at == recipient.name:
            gets.update(
                dict.fromkeys(f"{says} (from yourself)" for says in _says(policy, clause.asks + clause.optional))
            )
            ids[promise.id] = None
    contract = recipient.contract
    return Party(
        recipient.says,
        words.KIND[recipient.kind],
        web(recipient.policy),
        "" if contract is None else f"from {day(contract.from_)}, up to {day(contract.to)}",
        listed(gets) or "nothing from us",
        tuple(ids),
    )


def cookies(policy: Policy) -> tuple[Cookie, ...]:
    """A row a cookie."""
    return tuple(
        Cookie(clause.name, words.line(policy, clause).words, (promise.id,))
        for promise, clause in _clauses(policy)
        if isinstance(clause, Cookies) and clause.name is not None
    )


def claims(policy: Policy) -> tuple[Claim, ...]:
    """A row a right. Erasing, seeing and correcting one's data are always there, promised or not."""
    routes: dict[tuple[str, str], dict[str, None]] = {}
    ids: dict[tuple[str, str], dict[str, None]] = {}
    for promise, clause in _clauses(policy):
        if isinstance(clause, Right):
            for right in clause.rights:
                said = words.RIGHT[right]
                if right == "opt-out":
                    said += f" {listed((words.CHANNEL[c] for c in clause.channels), 'and') or 'everything we send'}"
                key = said, "" if clause.within is None else words.span(clause.within)
                routes.setdefault(key, {}).update(dict.fromkeys(words.ROUTE[route] for route in clause.routes))
                ids.setdefault(key, {})[promise.id] = None
    promised = {r for _, c in _clauses(policy) if isinstance(c, Right) for r in c.rights}
    for always in ("access", "correct", "erase"):
        if always not in promised:
            routes[words.RIGHT[always], ""], ids[words.RIGHT[always], ""] = {words.ROUTE["centre"]: None}, {}
    return tuple(
        Claim(says, listed(how, "or"), within, tuple(ids[says, within])) for (says, within), how in routes.items()
    )


def ways(policy: Policy) -> tuple[Way, ...]:
    """How to reach the controller."""
    found = []
    for key, title, scheme in _WAYS:
        said = policy.controller.contact.get(key)
        if said:
            link = scheme + said.replace(" ", "") if scheme else _page(said) if key == "form" else ""
            found.append(Way(title, said, link))
    return tuple(found)


def _page(address: str) -> str:
    """A page of the site's own or a web address, else nothing."""
    return address if address.startswith("/") and not address.startswith("//") else web(address)


def _clauses(policy: Policy) -> Iterator[tuple[Promise, Clause]]:
    for promise in policy.promises:
        for clause in promise.clauses:
            yield promise, clause


def _data_of(policy: Policy, clause: Clause) -> Sequence[str]:
    """The categories that a clause lets somebody have, or says how long to keep."""
    if isinstance(clause, Collect):
        return (*clause.asks, *clause.optional)
    if isinstance(clause, Contact):
        return [c.name for c in policy.categories.values() if c.channel in clause.channels]
    if isinstance(clause, Use | Share | Keep | Choose):
        return clause.categories
    return ()


def _says(policy: Policy, names: Iterable[str]) -> tuple[str, ...]:
    return tuple(words.category(policy, name) for name in names)


def _short(policy: Policy, names: Iterable[str]) -> tuple[str, ...]:
    """Without the `your` in front, where all are the reader's anyway."""
    return tuple(dict.fromkeys(says.removeprefix("your ") for says in _says(policy, names)))


def _ordered(policy: Policy, names: set[str]) -> list[str]:
    """Declared names in the policy's order, then kinds."""
    return [n for n in policy.recipients if n in names] + sorted(names - set(policy.recipients))
