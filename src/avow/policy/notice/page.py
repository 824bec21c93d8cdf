"""The notice as one page that loads nothing: no script, no font, no picture, its style inside.

Written against WCAG 2.2 AA: a language, landmarks, one `h1` and headings without gaps, captions and headers on
tables, a skip link, colours that hold 4.5:1 in light and dark, no meaning by colour alone.
"""

import base64
import hashlib
import re
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Final, Literal, NamedTuple

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from avow.policy.model import Policy
from avow.policy.notice import outline

_HERE: Final = files("avow.policy.notice")
_DAY: Final = r'<time datetime="(\d{4}-\d\d-\d\d)">'
_STANDING: Final = re.compile(
    rf'<aside class="standing (next|new|past|to-come)"[^>]*>\n<p>.*?{_DAY}.*?"/changes/([0-9a-f]{{64}})".*?(?:{_DAY}.*)?</p>'
)


class Standing(NamedTuple):
    """How a version stands among others, in a mark on top of its page. Of the one in force: `next`, another takes its place
    on `day`, or `new`, it is in force since then. Of another one: `past`, it was in force until then, or `to-come`, it
    will be from then on; `in_force` is then the day of the one that is. `digest` (hexadecimal) names the version whose
    changes are led to.
    """

    state: Literal["next", "new", "past", "to-come"]
    day: date
    digest: str
    in_force: date | None = None


def html(policy: Policy, standing: Standing | None = None) -> str:
    """The whole page, UTF-8 when encoded. Every word of the policy in it is escaped.

    `standing`: a mark that leads to the site's public pages about its versions. Without it the page is the notice and
    nothing else; with it, the same bytes and the mark.
    """
    return _template().render(
        policy=policy,
        standing=standing,
        day=outline.day,
        headline=outline.headline(policy),
        since=outline.day(policy.version),
        glances=outline.glances(policy),
        sections=outline.sections(policy),
        data=outline.data(policy),
        aims=outline.aims(policy),
        parties=outline.parties(policy),
        cookies=outline.cookies(policy),
        claims=outline.claims(policy),
        ways=outline.ways(policy),
        home=outline.web(policy.controller.url),
        style=Markup(_style()),  # noqa: S704 - our own file, no word of a policy in it
    )


def standing_in(page: str) -> Standing | None:
    """What the mark on a page says; None where there is none."""
    found = _STANDING.search(page)
    try:
        days = [date.fromisoformat(one) if one else None for one in (found[2], found[4])] if found else []
    except ValueError:
        return None
    return found and Standing(found[1], days[0], found[3], days[1])  # type: ignore[arg-type]  # as the pattern has it


def style_source() -> str:
    """What a content security policy says of the page's style: `'sha256-…'`."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()}'"


@cache
def _template() -> Template:
    source = _HERE.joinpath("page.html.jinja").read_text("utf-8")
    return Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    ).from_string(source)


@cache
def _style() -> str:
    return _HERE.joinpath("page.css").read_text("utf-8")
