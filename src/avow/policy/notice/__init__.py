"""Policy -> the notice that people read: plain text, a page, and JSON-LD. All three are made from the same rows.

Pure, and the same policy always gives the same bytes. Nothing here decides anything: what the notice says is what the
policy says, which is what `avow.decide` enforces.
"""

import html as markup
import re
from collections.abc import Iterator, Mapping
from typing import Any

from avow.policy.model import Policy
from avow.policy.notice.linked import jsonld
from avow.policy.notice.page import html, style_source
from avow.policy.notice.plain import text

__all__ = ["html", "jsonld", "names_every_promise", "style_source", "text"]


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
