"""The words of every notice owed: a message that a promise, or a right, itself requires.

Fixed texts. What is put into them are codes, days, links of the site's own centre and words of the policy; nobody's
free text, nothing that advertises, and nothing of what is held. Pure. Each notice is sent once per cause, by the way
of every mail (docs/decisions/0070), which adds the way out.
"""

import re
from collections.abc import Container, Sequence
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formataddr
from typing import Final, Literal, NamedTuple

from avow.errors import BadValue, UnknownWord
from avow.mail.address import checked, parts
from avow.mail.message import Draft
from avow.policy.model import RECIPIENT_KINDS, Policy
from avow.policy.notice import words
from avow.policy.notice.statements import statement

Kind = Literal["code", "confirm", "contact-changed", "erasure-planned", "disclosed", "new-use"]
KINDS: Final[tuple[Kind, ...]] = Kind.__args__  # type: ignore[attr-defined]  # a Literal's members, once
_CODE: Final = re.compile(r"\d{8}")
_LINK: Final = re.compile(r"https?://[a-z0-9.-]+(:\d+)?(/[A-Za-z0-9_-]*)*")


class Notice(NamedTuple):
    """What is sent. `text` has lines of any length; whoever makes the message folds them."""

    kind: Kind
    subject: str
    text: str


def code(policy: Policy, digits: str, *, enter: str = "") -> Notice:
    """A code by which somebody shows that an address is theirs. `enter`: the page for it, where a request that came by
    letter or telephone has it sent and nobody is on that page already.
    """
    if not _CODE.fullmatch(digits):
        raise BadValue("a code is eight digits")
    name = policy.controller.name
    if enter:
        return Notice("code", f"Your code for {name}", _text(
            f"Your code is {digits}.",
            f"Somebody, we hope you, wrote to {name} or called, and asked for something about your own data. We show and "
            "change nothing on such a word. If it was you, do it yourself in the privacy centre: give this address and the "
            "code there. It is good for ten minutes and for one use; later, have a new one sent on the centre's first page.",
            _link(enter),
            "Tell the code to nobody: none of us ever asks for it. If it was not you, do nothing.",
        ))  # fmt: skip
    return Notice("code", f"Your code for {name}", _text(
        f"Your code is {digits}.",
        f"Somebody, we hope you, gave this address at {name} and wants to show that it is theirs. The code is good for "
        "ten minutes and for one use. If it was not you, do nothing: without it nothing comes of it.",
    ))  # fmt: skip


def confirm(policy: Policy, purposes: Sequence[str], *, link: str, until: int) -> Notice:
    """Whether it was the owner of the address who agreed. `until` (ms): then the link is void."""
    name = policy.controller.name
    says = statement(policy, "agree", [_known(policy.purposes, one, "purpose") for one in purposes])
    return Notice("confirm", f"Please confirm what you agreed to at {name}", _text(
        f"Somebody, we hope you, gave this address at {name} and agreed to this:",
        f"    {says}",
        f"It counts only once you confirm it. Open this page and press its button, until {day(until)}:",
        _link(link),
        "If it was not you, do nothing: without your yes nothing of it happens.",
    ))  # fmt: skip


def contact_changed(policy: Policy, category: str, *, at: int, undo: str, until: int) -> Notice:
    """To the address before the change and to the one after it. Names neither. `undo`: the page that calls it off, ""
    where there is none; until `until` (ms).
    """
    name, what = policy.controller.name, words.category(policy, _known(policy.categories, category, "category"))
    return Notice("contact-changed", f"What {name} holds on you was changed", _text(
        f"On {day(at)} somebody signed in with your data at {name} and put in another value for this: {what}.",
        "If it was you, there is nothing to do. Until "
        f"{day(until)} nobody sees a copy of your data or ends anything by the new one alone.",
        *_undo(undo, "If it was not you, call it off: open this page and press its button, and what was on file before is "
               "on file again:", "If it was not you, tell us at once, and we call it off."),
    ))  # fmt: skip


def erasure_planned(policy: Policy, *, due: int, undo: str) -> Notice:
    """To every address that is held, so that nobody is erased by a stranger. `due` in ms. `undo`: the page that takes it
    back, "" where there is none.
    """
    name = policy.controller.name
    return Notice("erasure-planned", f"Your data at {name} will be erased", _text(
        f"Somebody, we hope you, asked {name} to erase everything that is held on you. It will be erased on "
        f"{day(due)}, and cannot be brought back then.",
        *_undo(undo, "If it was not you, or you think better of it, take it back before that day: open this page and press "
               "its button:", "If it was not you, or you think better of it, tell us before that day."),
    ))  # fmt: skip


def disclosed(
    policy: Policy, categories: Sequence[str], recipient: str, purpose: str, *, at: int, promise: str, centre: str
) -> Notice:
    """That data were passed on, to whom and by which promise. `recipient`: a declared one, or a kind."""
    name = policy.controller.name
    what = words.listed(words.category(policy, _known(policy.categories, one, "category")) for one in categories)
    whom = words.recipient(policy, _known((*policy.recipients, *RECIPIENT_KINDS), recipient, "recipient"))
    why = words.purpose(policy, _known(policy.purposes, purpose, "purpose"))
    known = _known([one.id for one in policy.promises], promise, "promise")
    return Notice("disclosed", f"{name} passed on data of yours", _text(
        f"On {day(at)} {name} passed this on to {whom}, {why}: {what}. Our promise {known} allows it, and has us tell "
        "you.",
        "The privacy centre shows everything that happened to your data:",
        _link(centre),
    ))  # fmt: skip


def new_use(
    policy: Policy, purposes: Sequence[str], *, since: int, days: int, promises: Sequence[str], centre: str
) -> Notice:
    """That data which are held already shall be used in a way that they did not come for. `policy`: the version to come;
    `purposes`: those that are new in it; `promises` have this notice sent; `days`: within which it may come back.
    """
    name = policy.controller.name
    new = [words.purpose(policy, _known(policy.purposes, one, "purpose")) for one in purposes]
    why = words.listed(new) if new else "in ways that our policy did not state when you gave them to us"
    because = ", ".join(promises)
    return Notice("new-use", f"{name} plans a new use of your data", _text(
        f"From {day(since)} on our policy lets {name} do more with data that you gave us before than it said then: {why}.",
        f"Our promise {because} has us tell you first. Nothing of it is done with your data before that day, nor before this notice "
        f"has reached you and {days} days have passed; and nothing at all if you decline.",
        "What changes, word by word, and what it means for what we hold of you stands here. There you also agree or decline; "
        "one is as easy as the other:",
        _link(centre),
    ))  # fmt: skip


def _undo(link: str, with_it: str, without: str) -> tuple[str, ...]:
    return (with_it, _link(link)) if link else (without,)


def draft(policy: Policy, subject: str, text: str) -> Draft:
    """A message in the controller's name, not yet to anybody. Raises `BadValue` where it names no address of its own."""
    contact = policy.controller.contact.get("email", "")
    message = EmailMessage()
    message["From"] = Address(policy.controller.name, *parts(checked(contact)))
    message["Subject"] = subject
    message.set_content(text, cte="quoted-printable")
    return Draft.read(message)


def in_the_name_of(policy: Policy, raw: bytes) -> bytes:
    """A message's bytes with lines that end in CRLF, from the controller where they do not say from whom."""
    lines = b"\r\n".join(raw.replace(b"\r\n", b"\n").split(b"\n"))
    head = lines.partition(b"\r\n\r\n")[0]
    if re.search(rb"^from:", head, re.IGNORECASE | re.MULTILINE):
        return lines
    contact = checked(policy.controller.contact.get("email", ""))
    return f"From: {formataddr((policy.controller.name, contact))}\r\n".encode() + lines


def day(milliseconds: int) -> str:
    """A day in words, in UTC."""
    at = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return f"{at.day} {at:%B %Y}"


def _known(declared: Container[str], word: str, what: str) -> str:
    """A word of the policy, and nothing else: a name that is none would be somebody's text. Raises `UnknownWord`."""
    if word not in declared:
        raise UnknownWord(f"the policy declares no {what} of that name; a notice says words of the policy only")
    return word


def _link(address: str) -> str:
    """An address of the centre on a line of its own. Raises `BadValue` for what could be a text, or name anybody."""
    if not _LINK.fullmatch(address):
        raise BadValue("a notice links to a page of the privacy centre only, without a query")
    return address


def _text(*paragraphs: str) -> str:
    return "\n\n".join(paragraphs) + "\n"
