"""The notice as plain text, 80 columns wide."""

import textwrap
from collections.abc import Iterator

from avow.policy.model import Policy
from avow.policy.notice import outline
from avow.policy.notice.words import listed

WIDTH = 80  # columns


def text(policy: Policy) -> str:
    """The whole notice, ending with a line feed."""
    return "\n".join(line.rstrip() for line in _lines(policy)) + "\n"


def _lines(policy: Policy) -> Iterator[str]:
    yield from _heading(outline.headline(policy), "=")
    yield from _wrapped(f"Privacy policy of {policy.controller.name}, in force since {outline.day(policy.version)}.")
    yield from _wrapped("It is made from the rules that our system enforces: what they do not allow, it refuses.")
    yield ""
    for glance in outline.glances(policy):
        yield from _wrapped(f"{glance.title}: {listed(glance.items) + '.' if glance.items else glance.none}", "  ")
    for section in outline.sections(policy):
        yield from _heading(section.title, "-")
        for promise in section.promises:
            yield from _promise(promise)
    yield from _rows(policy)


def _promise(promise: outline.Said) -> Iterator[str]:
    yield from _wrapped(f"{promise.id}  {promise.says}")
    for part in promise.parts:
        for words in part.lines:
            yield from _wrapped(f"{part.label}: {words}", "    ", "      ")
    if promise.attested:
        yield from _wrapped(promise.attested, "    ", "      ")
    yield from _wrapped(f"(Published text: {promise.source}.)", "    ", "      ")
    yield ""


def _rows(policy: Policy) -> Iterator[str]:
    yield from _heading("What we know", "-")
    for datum in outline.data(policy):
        purposes = f"; {listed(datum.purposes)}" if datum.purposes else ""
        comes = f"comes by {datum.comes_by}; kept: {datum.kept}"
        yield from _item(f"{datum.says}: {datum.where}; {comes}{purposes}", datum.promises)
    yield from _heading("What for", "-")
    for aim in outline.aims(policy):
        yield from _item(f"{aim.says}: {aim.data or 'no personal data'}", aim.promises, "only ever refused")
    yield from _heading("Who else", "-")
    for party in outline.parties(policy):
        contract = f"; contract {party.contract}" if party.contract else ""
        address = f"; its policy: {party.policy}" if party.policy else ""
        yield from _item(f"{party.says} ({party.kind}): {party.gets}{contract}{address}", party.promises)
    yield from _heading("Cookies", "-")
    for cookie in outline.cookies(policy):
        yield from _item(cookie.words.rstrip("."), cookie.promises)
    if not outline.cookies(policy):
        yield from _wrapped("None.")
    yield from _heading("Your rights", "-")
    for claim in outline.claims(policy):
        within = f", answered within {claim.within}" if claim.within else ""
        yield from _item(f"{claim.says}: {claim.routes}{within}", claim.promises)
    yield from _heading("Reach us", "-")
    for way in outline.ways(policy):
        yield from _wrapped(f"{way.title}: {way.says}", "- ", "  ")
    yield from _heading("This version", "-")
    yield from _wrapped(f"{policy.site}, {policy.version.isoformat()}, SHA-256 of its source:")
    yield policy.digest.hex()


def _heading(words: str, line: str) -> Iterator[str]:
    yield ""
    yield words
    yield line * min(len(words), WIDTH)
    yield ""


def _item(words: str, promises: tuple[str, ...], without: str = "") -> Iterator[str]:
    why = listed(promises) or without
    yield from _wrapped(words + (f" ({why})" if why else ""), "- ", "  ")


def _wrapped(words: str, first: str = "", rest: str | None = None) -> list[str]:
    return textwrap.wrap(
        words,
        WIDTH,
        initial_indent=first,
        subsequent_indent=first if rest is None else rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
