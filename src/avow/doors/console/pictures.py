"""Counts as pictures that a page carries inside: columns over time, a week by its hours, shares. Pure.

SVG in the design's own classes, so that light, dark and a site's hue are the sheet's. Words stand beside it in HTML, where
they keep their size on a phone; what a picture shows is also told to who hears the page.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from markupsafe import Markup, escape

DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_CELL: Final = 10
_LEFT: Final = 24  # for the days' names


class Column(NamedTuple):
    """`says`: when, in words."""

    says: str
    visits: int


class Share(NamedTuple):
    """One value of a category, and its part of all, 0 to 100."""

    name: str
    visits: int
    percent: int


def columns(found: Sequence[Column], about: str) -> Markup:
    """Columns side by side, as wide as the page; the tallest is as high as the picture."""
    most = max((one.visits for one in found), default=0) or 1
    bars = Markup("").join(
        Markup('<rect class="a1" x="{}" y="{}" width="0.8" height="{}"><title>{}: {}</title></rect>').format(
            f"{at + 0.1:g}", f"{100 - height:g}", f"{height:g}", one.says, f"{one.visits:,}"
        )
        for at, one in enumerate(found)
        if (height := round(100 * one.visits / most, 1))
    )
    lines = Markup("").join(
        Markup('<rect class="a3" x="0" y="{}" width="{}" height="0.6"/>').format(y, len(found)) for y in (0, 50)
    )
    return Markup(
        '<svg class="plot" viewBox="0 0 {} 100" preserveAspectRatio="none" role="img" aria-label="{}">{}{}</svg>'
    ).format(len(found), about, lines, bars)


def week(found: Sequence[Sequence[int]], about: str) -> Markup:
    """Seven days of 24 hours, Monday first; the fuller an hour, the stronger its colour."""
    most = max((count for day in found for count in day), default=0) or 1
    parts: list[Markup] = []
    for row, (name, day) in enumerate(zip(DAYS, found, strict=True)):
        y = row * _CELL
        parts.append(Markup('<text class="quiet" x="0" y="{}">{}</text>').format(y + 7.5, name))
        for hour, count in enumerate(day):
            strength = f"{0.12 + 0.88 * count / most:.2f}" if count else "0.05"
            said = f"{name} {hour:02}:00, {count:,}"
            parts.append(
                Markup(
                    '<rect class="a1" x="{}" y="{}" width="9" height="9" rx="1.5" fill-opacity="{}"><title>{}</title></rect>'
                ).format(_LEFT + hour * _CELL, y, strength, said)
            )
    parts += [
        Markup('<text class="quiet" x="{}" y="{}">{}:00</text>').format(
            _LEFT + hour * _CELL, 7 * _CELL + 8, f"{hour:02}"
        )
        for hour in (0, 6, 12, 18)
    ]
    return Markup('<svg class="week" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        _LEFT + 24 * _CELL, 7 * _CELL + 12, about, Markup("").join(parts)
    )


def share(percent: int) -> Markup:
    """A bar of so many hundredths; said by the words beside it."""
    return Markup(
        '<svg class="share" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="a3" width="100" height="1"/><rect class="a1" width="{}" height="1"/></svg>'
    ).format(escape(percent))
