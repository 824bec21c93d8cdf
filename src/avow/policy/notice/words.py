"""What each clause of a promise does, in plain words.

Pure. Names become the policy's own words (`says`), conditions and closed words become fixed ones. The matching over
clause kinds is exhaustive: a new kind does not type-check before it has words. Nothing here escapes anything; that is
the page's task.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Final, NamedTuple, assert_never

from avow.policy.model import (
    PERSON,
    SITE,
    Action,
    Change,
    ChangeDuty,
    Channel,
    Choose,
    Clause,
    Collect,
    Condition,
    Contact,
    Cookies,
    Inform,
    Keep,
    KeepApart,
    Measure,
    Needs,
    Never,
    Policy,
    Protect,
    RecipientKind,
    Right,
    RightName,
    Route,
    Share,
    Topic,
    Use,
)


class Line(NamedTuple):
    """What one clause does: a label that says which sort of thing it is, and whole sentences."""

    label: str
    words: str


def line(policy: Policy, clause: Clause) -> Line:  # noqa: C901, PLR0911, PLR0912 - one case a kind of clause
    """The clause in words."""
    match clause:
        case Collect():
            return Line("We collect", _collect(policy, clause))
        case Use():
            return Line("We use", _use(policy, clause))
        case Share():
            return Line("We pass on", _share(policy, clause))
        case Never():
            return Line("Never", _never(policy, clause))
        case Cookies():
            return Line("Cookies", _cookies(policy, clause))
        case Contact():
            return Line("We write or call", _contact(policy, clause))
        case Choose():
            return Line("You choose", _choose(policy, clause))
        case Keep():
            return Line("How long", _keep(policy, clause))
        case KeepApart():
            return Line("Kept apart", _keep_apart(policy, clause))
        case Protect():
            return Line("We protect", _each(MEASURE[measure] for measure in clause.measures))
        case Right():
            return Line("Your right", _right(clause))
        case Change():
            return Line("If this changes", _change(clause))
        case Inform():
            return Line("We tell you", _inform(policy, clause))
        case _:
            assert_never(clause)


CONDITION: Final[Mapping[Condition, str]] = MappingProxyType({
    "volunteered": "you gave it yourself",
    "identified": "you have shown that it is you",
    "request": "you have an open request that calls for it",
    "consent": "you agreed to it and still do",
    "approval": "you approved it in writing, naming who and what",
    "contract": "a contract with them is in force",
    "case": "an open legal case that two of us have approved covers it",
    "notice-owed": "it is a notice that we owe you",
    "no-opt-out": "you have not opted out",
    "notified": "a notice of this new use has reached you",
    "standing": "the employee is active and has signed what we ask of employees",
    "in-time": "its time is not over",
    "affiliate-link": "you came through an affiliate's link",
    "on-path": "the page is one of those the cookie is declared for",
    "aggregate": "nothing comes of it but figures in which nobody can be found",
})  # fmt: skip

KIND: Final[Mapping[RecipientKind, str]] = MappingProxyType({
    "processor": "a company that works for us",
    "third-party": "another company",
    "list-broker": "an address-list company",
    "authority": "a public authority",
    "fraud-prevention": "a fraud-prevention firm",
    "public": "the public",
})  # fmt: skip

MEASURE: Final[Mapping[Measure, str]] = MappingProxyType({
    "tls": "Pages and forms are encrypted on their way, and never sent in the open.",
    "mail-tls": "Our mail goes over an encrypted, verified connection, or it waits.",
    "encryption-at-rest": "Each piece of personal data is stored encrypted.",
    "authentication": "Nobody gets at data without proving who they are, and guessing is cut short.",
    "limited-access": "Employees see only what the task in hand needs.",
    "confidentiality-agreement": "No employee sees anything before signing to keep it confidential.",
    "private-server": "Personal data live on a server with no address on the Internet.",
    "tamper-evidence": "Every access is recorded so that a changed record shows.",
    "backup": "There are backups, and what was erased stays erased in them.",
    "no-payment-data": "Card and bank numbers are turned away wherever they might be typed.",
    "content-security-policy": "Our pages can load nothing from servers that are not named here.",
    "no-bulk-export": "There is no way to take out people's data in bulk.",
    "site-boundary": "Data of this site cannot be used under another site's policy.",
    "hosted-checkout": "Payment happens on the payment company's own pages.",
})  # fmt: skip

RIGHT: Final[Mapping[RightName, str]] = MappingProxyType({
    "access": "get all that we hold about you",
    "correct": "have your data put right",
    "erase": "have your data erased",
    "opt-out": "stop",
    "complain": "complain",
    "ask": "ask us anything about your data",
    "withdraw": "take back what you agreed to",
})  # fmt: skip

ROUTE: Final[Mapping[Route, str]] = MappingProxyType({
    "mail": "by e-mail",
    "phone": "by telephone",
    "letter": "by letter",
    "form": "with a form on the site",
    "centre": "in the privacy centre",
    "link": "by the link in each message",
})  # fmt: skip

CHANNEL: Final[Mapping[Channel, str]] = MappingProxyType(
    {"mail": "our e-mails", "post": "our letters", "phone": "our calls"}
)
REACH: Final[Mapping[Channel, str]] = MappingProxyType(
    {"mail": "e-mail you", "post": "write you letters", "phone": "telephone you"}
)

DUTY: Final[Mapping[ChangeDuty, str]] = MappingProxyType({
    "post": "A changed policy is posted before it takes effect.",
    "announce": "Every change is announced in public, with its text and its day.",
    "forward-only": "A change reaches only data collected after it, unless you agree to more.",
    "contact-affected": "Everybody whom a new use concerns is told before it begins.",
    "accept-by-use": "Using the site means accepting this policy.",
})  # fmt: skip

TOPIC: Final[Mapping[Topic, str]] = MappingProxyType({
    "policy-link": "Every page links to this one.",
    "policy-version": "Every page names the version in force.",
    "policy-page": "This page is made from the very rules that our system enforces.",
    "contact-routes": "This page says how to reach us.",
    "leaving-notice": "A link to another site says that other rules hold there.",
    "partner-notice": "A link to a partner says that it may set cookies, and leads to its policy",
    "processor-policy": "Before you give anything, you see a link to its policy",
    "what-changed": "A page shows what has changed since any version.",
    "order-status": "You are told how your order stands",
    "returning-customer": "When you come back you are recognised, and have less to type",
})  # fmt: skip

_DATA_VERB: Final[Mapping[Action, str]] = MappingProxyType({
    "collect": "collect",
    "use": "use",
    "share": "pass on",
    "sell": "sell",
    "summarise": "make statistics of",
    "access": "show",
    "correct": "correct",
    "erase": "erase",
})  # fmt: skip
_REACH_VERB: Final[Mapping[Action, str]] = MappingProxyType(
    {"mail": "e-mail you", "post": "write you letters", "call": "telephone you"}
)
_MOST: Final = 5  # from so many purposes on, naming the few that are left out says it better


def listed(items: Iterable[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    words = list(items)
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}" if words else ""


def sentence(words: str) -> str:
    """With a capital first letter and a full stop."""
    words = words.strip()
    return words[:1].upper() + words[1:] + ("" if words.endswith((".", "?", "!")) else ".")


def plain(name: str) -> str:
    """A name of the policy where it has no words of its own."""
    return name.replace("-", " ")


def category(policy: Policy, name: str) -> str:
    """A category, or a cookie by its name."""
    found = policy.categories.get(name)
    return plain(name) if found is None else found.says or plain(name)


def purpose(policy: Policy, name: str) -> str:
    """A purpose, starting with `to`."""
    found = policy.purposes.get(name)
    return f"for {plain(name)}" if found is None else found.says


def recipient(policy: Policy, name: str) -> str:
    """A recipient's name, or what a kind is called."""
    found = policy.recipients.get(name)
    return found.says if found else next((says for kind, says in KIND.items() if kind == name), plain(name))


def form(policy: Policy, name: str) -> str:
    """A form."""
    found = policy.forms.get(name)
    return found.says or plain(name) if found else plain(name)


def actor(policy: Policy, name: str) -> str:
    """Who acts."""
    if name == PERSON:
        return "you yourself"
    if name == SITE:
        return "our system"
    found = policy.roles.get(name)
    return found.says or plain(name) if found else plain(name)


def span(term: timedelta) -> str:
    """`30 days`, `12 hours`, and a whole number of weeks as days."""
    hours, days = int(term.total_seconds()) // 3600, term.days
    amount, unit = (days, "day") if hours % 24 == 0 and days else (hours, "hour")
    return f"{amount} {unit}" + ("" if amount == 1 else "s")


def needing(needs: Needs) -> str:
    """` if …`, or nothing where nothing is needed."""
    words = [says for name, says in CONDITION.items() if name in needs]
    return f", only if {listed(words)}" if words else ""


def unless(alternatives: Sequence[Needs]) -> str:
    """` unless …`; the conditions of one alternative must hold together."""
    each = [listed((says for name, says in CONDITION.items() if name in needs)) for needs in alternatives]
    return f", unless {listed(each, 'or')}" if each else ""


def _categories(policy: Policy, names: Sequence[str], last: str = "and") -> str:
    if not names or set(names) >= set(policy.categories):
        return "anything about you"
    return listed((category(policy, name) for name in names), last)


def _purposes(policy: Policy, names: Sequence[str], last: str = "and") -> str:
    return listed((purpose(policy, name) for name in names), last)


def _each(sentences: Iterable[str]) -> str:
    return " ".join(sentence(words) for words in sentences)


def _collect(policy: Policy, clause: Collect) -> str:
    where, at = form(policy, clause.form), policy.forms[clause.form].at
    verb = "brings us" if at is None else "takes"
    said = [f"{where} {verb} {_categories(policy, clause.asks)}"] if clause.asks else []
    if clause.optional:
        verb = "is" if len(clause.optional) == 1 else "are"
        place = "" if clause.asks else f" on {where}"
        said.append(f"{_categories(policy, clause.optional)}{place} {verb} up to you")
    said.append(f"what for: {_purposes(policy, clause.purposes)}")
    if at is not None:
        said.append(f"it stands with {recipient(policy, at)}, and what you enter there does not come to us")
    return _each(said)


def _use(policy: Policy, clause: Use) -> str:
    who, what = listed(actor(policy, name) for name in clause.by), _categories(policy, clause.categories)
    verb = "see" if clause.by == (PERSON,) else "use"
    return sentence(f"{who} may {verb} {what}, {_purposes(policy, clause.purposes)}{needing(clause.needs)}")


def _share(policy: Policy, clause: Share) -> str:
    who, what = listed(recipient(policy, name) for name in clause.recipients), _categories(policy, clause.categories)
    needs = needing(clause.needs | _guards(policy, clause))
    match clause.way:
        case "share":
            said = f"{who} may get {what}, {_purposes(policy, clause.purposes)}{needs}"
        case "sell":
            said = f"{what} may be sold to {who}, {_purposes(policy, clause.purposes)}{needs}"
        case "summarise":
            said = f"{who} may get figures made from {what}, in which nobody can be found{needs}"
        case _:
            assert_never(clause.way)
    return sentence(said)


def _guards(policy: Policy, clause: Share) -> Needs:
    """What the kind of recipient needs beside what the clause says."""
    if clause.way == "summarise":
        return frozenset()
    kinds = {policy.recipients[name].kind if name in policy.recipients else name for name in clause.recipients}
    contract: Needs = frozenset(("contract",)) if "processor" in kinds else frozenset()
    case: Needs = frozenset(("case",)) if kinds & {"authority", "fraud-prevention"} else frozenset()
    return contract | case


def _never(policy: Policy, clause: Never) -> str:
    if clause.otherwise:
        return "What no promise on this page allows, our system refuses."
    who = _nobody(policy, clause.by)
    what = _categories(policy, clause.categories, "or")
    data = [verb for action, verb in _DATA_VERB.items() if action in clause.actions]
    reach = [verb for action, verb in _REACH_VERB.items() if action in clause.actions]
    acts = [f"{listed(data, 'or')} {what}"] if data else []
    acts += [f"connect {'it' if data else what} with a person"] if "link" in clause.actions else []
    acts += [listed(reach, "or")] if reach else []
    acts += ["set a cookie"] if "set-cookie" in clause.actions else []
    said = f"{who} never {', and never '.join(acts)}"
    if clause.recipients:
        said += f", where {listed((_any_kind(policy, name) for name in clause.recipients), 'or')} would get it"
    return sentence(said + _never_for(policy, clause.purposes) + unless(clause.unless))


def _nobody(policy: Policy, by: Sequence[str]) -> str:
    if not by:
        return "we"
    if set(by) >= set(policy.roles):
        return "our employees"
    return listed(actor(policy, name) for name in by)


def _any_kind(policy: Policy, name: str) -> str:
    found = recipient(policy, name)
    first, _, rest = found.partition(" ")
    any_of = {"a": "any", "an": "any", "another": "any other"}
    return f"{any_of[first]} {rest}" if first in any_of and name not in policy.recipients else found


def _never_for(policy: Policy, names: Sequence[str]) -> str:
    """The purposes of a never. Where nearly all are meant, the few that are not are named."""
    rest = [name for name in policy.purposes if name not in names]
    if not names or not rest:
        return ""
    if len(names) >= _MOST and len(rest) < len(names):
        return f", for any purpose on this page but {_purposes(policy, rest)}"
    return f", whether {_purposes(policy, names, 'or')}" if len(names) > 1 else f" {_purposes(policy, names)}"


def _cookies(policy: Policy, clause: Cookies) -> str:
    if clause.name is None or clause.purpose is None:
        return "None. No page of ours leaves anything behind in your browser."
    where = "on every page" if clause.paths == ("/",) else f"on pages under {listed(clause.paths)}"
    if clause.at is not None:
        where = f"on the pages of {recipient(policy, clause.at)}, not on ours"
    term = "until you close the browser" if clause.lifetime is None else f"for {span(clause.lifetime)} at most"
    why = purpose(policy, clause.purpose)
    return sentence(f"“{clause.name}” is set {where}, {term}, {why}{needing(clause.needs)}")


def _contact(policy: Policy, clause: Contact) -> str:
    who = listed(actor(policy, name) for name in clause.by)
    how = listed((REACH[channel] for channel in clause.channels), "or")
    said = f"{who} may {how} {_purposes(policy, clause.purposes)}{needing(clause.needs)}"
    return _each([said, "this holds even after you opted out"] if clause.despite_opt_out else [said])


def _choose(policy: Policy, clause: Choose) -> str:
    where = f" on {form(policy, clause.form)}" if clause.form else ""
    if clause.recipients:
        who = listed(recipient(policy, name) for name in clause.recipients)
        why = f", {_purposes(policy, clause.purposes)}" if clause.purposes else ""
        said = [f"you decide{where} whether {who} may have {_categories(policy, clause.categories, 'or')}{why}"]
    else:
        said = [f"you decide{where} whether you want us {_purposes(policy, clause.purposes)}"]
    said.append("your approval is in writing, dated, and kept" if clause.written else "nothing is ticked beforehand")
    if clause.confirm is not None:
        said.append("your yes counts once you confirmed it from your own mailbox")
    return _each(said)


def _keep(policy: Policy, clause: Keep) -> str:
    what = _categories(policy, clause.categories) if clause.categories else "anything without a term of its own"
    if clause.forms:
        what += f", given on {listed(form(policy, name) for name in clause.forms)},"
    if clause.term is not None:
        return sentence(f"{what}: {span(clause.term)}, then erased")
    return sentence(f"{what}: until {plain(clause.until or '')}, then erased".replace(",:", ":"))


def _keep_apart(policy: Policy, clause: KeepApart) -> str:
    return sentence(f"nothing ties {_categories(policy, clause.categories, 'or')} to a person, and nobody may tie it")


def _right(clause: Right) -> str:
    stop = listed((CHANNEL[channel] for channel in clause.channels), "or") or "everything we send"
    what = [f"stop {stop}" if right == "opt-out" else RIGHT[right] for right in clause.rights]
    said = [f"you can {listed(what)} {listed((ROUTE[route] for route in clause.routes), 'or')}"]
    if clause.within is not None:
        said.append(f"you get an answer within {span(clause.within)}")
    if clause.offices:
        said.append(f"you can also turn to {listed(clause.offices, 'or')}")
    return _each(said)


def _change(clause: Change) -> str:
    said = [DUTY[duty] for duty in clause.duties]
    if clause.bounce is not None:
        said.append(f"a notice that comes back within {span(clause.bounce)} has not reached you, and does not count")
    return _each(said)


def _inform(policy: Policy, clause: Inform) -> str:
    about = listed(recipient(policy, name) for name in clause.recipients)
    tail = f" (this concerns {about})" if about else ""
    return _each(TOPIC[topic].rstrip(".") + tail for topic in clause.topics)
