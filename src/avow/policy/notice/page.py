"""The notice as one page that loads nothing: no script, no font, no picture, its style inside.

Written against WCAG 2.2 AA: a language, landmarks, one `h1` and headings without gaps, captions and headers on
tables, a skip link, colours that hold 4.5:1 in light and dark, no meaning by colour alone.
"""

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Final

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from avow.policy.model import Policy
from avow.policy.notice import outline

_HERE: Final = files("avow.policy.notice")


def html(policy: Policy) -> str:
    """The whole page, UTF-8 when encoded. Every word of the policy in it is escaped."""
    return _template().render(
        policy=policy,
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
