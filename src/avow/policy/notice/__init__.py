"""Policy -> the notice that people read: plain text, a page, and JSON-LD. All three are made from the same rows.

Pure, and the same policy always gives the same bytes. Nothing here decides anything: what the notice says is what the
policy says, which is what `avow.decide` enforces.
"""

import html as markup
import json
import re
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any, NamedTuple

from avow.policy.model import Policy
from avow.policy.notice.linked import jsonld
from avow.policy.notice.page import Standing, html, standing_in, style_source
from avow.policy.notice.plain import text

__all__ = [
    "Edited",
    "Standing",
    "edited",
    "html",
    "json_text",
    "jsonld",
    "names_every_promise",
    "standing_in",
    "style_source",
    "text",
]


class Edited(NamedTuple):
    """A published notice that is not what the policy says: the first line that differs, and the promises that do not
    stand there word for word.
    """

    line: int
    promises: tuple[str, ...]


def json_text(policy: Policy) -> str:
    """The JSON-LD document as a file."""
    return json.dumps(jsonld(policy), indent=2, ensure_ascii=False) + "\n"


def edited(policy: Policy, published: str) -> Edited | None:
    """What is wrong with a published notice, a page, a text or JSON-LD; None where it is what the policy says, to the
    letter but for the ends of lines, and, of a page, a mark of how the version stands among others.
    """
    start = published.lstrip().lower()
    if start.startswith("<"):
        made = html(policy, standing_in(published))
    else:
        made = json_text(policy) if start.startswith("{") else text(policy)
    lines = zip_longest(made.splitlines(), published.splitlines())
    line = next((number for number, (one, other) in enumerate(lines, 1) if one != other), 0)
    return Edited(line, names_every_promise(policy, published)) if line else None


def names_every_promise(policy: Policy, rendered: str | Mapping[str, Any]) -> tuple[str, ...]:
    """The ids of the promises that `rendered` does not name; empty when it names every one.

    A promise is named when its id stands there as a word of its own and its words stand there too, whatever the line
    breaks and the escaping. `rendered` is a text, a page, or a JSON-LD document (as a value).
    """
    whole = rendered if isinstance(rendered, str) else "\n".join(_strings(rendered))
    said = _evened(markup.unescape(whole))
    words = set(re.findall(r"[\w-]+", said))
    return tuple(p.id for p in policy.promises if p.id not in words or _evened(p.says) not in said)


def _evened(words: str) -> str:
    return " ".join(words.split())


def _strings(value: object) -> Iterator[str]:
    """Every text in a JSON value, keys left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _strings(inner)
