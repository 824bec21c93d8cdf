"""Released figures as a picture: bars beside their names, with the range that noise leaves open. SVG, or PNG.

Laid out once, in units of a pixel, and drawn twice: a text of rectangles and words, or the same through Pillow. It names
colours of its own, loads nothing, and holds nothing but what stands in the figures.
"""

from collections.abc import Iterator
from html import escape
from io import BytesIO
from textwrap import wrap
from typing import Final, NamedTuple

from PIL import Image, ImageDraw, ImageFont

from avow.desk.interface.statistics import Figures
from avow.doors.design.figures import Row, grouped, notes, rows, title

WIDTH: Final = 720
_EDGE, _LINE, _BAR = 24, 26, 14
_NAMES, _COUNTS, _IN = 230, 90, 14  # columns left and right of the bars; how far names under a head go in
_FULL: Final = WIDTH - 2 * _EDGE - _NAMES - _COUNTS
_SCALE: Final = 2  # pixels of a PNG a unit
_TALL: Final = (
    6_000  # units; a taller picture has one pixel a unit: its memory and time are bounded, and it is no poster
)
_COLOURS: Final = {"paper": "#ffffff", "ink": "#1c2733", "quiet": "#54616e", "bar": "#2b7a9b", "range": "#1c2733"}
_DARK: Final = {"paper": "#171c21", "ink": "#e9edf0", "quiet": "#a9b4be", "bar": "#5fb3d3", "range": "#e9edf0"}


class Box(NamedTuple):
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float
    colour: str


class Words(NamedTuple):
    """A line of text; `y` is its middle. `right`: it ends at `x`, and does not begin there."""

    x: float
    y: float
    text: str
    size: int
    colour: str = "ink"
    right: bool = False


Shape = Box | Words


def svg(told: Figures) -> str:
    """The picture as SVG, light or dark as who looks at it prefers."""
    height, shapes = _laid_out(told)
    style = "".join(f".{name}{{fill:{value}}}" for name, value in _COLOURS.items())
    dark = "".join(f".{name}{{fill:{value}}}" for name, value in _DARK.items())
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
        f' role="img" font-family="system-ui, sans-serif"><title>{escape(title(told))}</title>'
        f"<style>{style}@media(prefers-color-scheme:dark){{{dark}}}</style>"
        f'<rect class="paper" width="{WIDTH}" height="{height}"/>'
    )
    return head + "".join(map(_element, shapes)) + "</svg>\n"


def png(told: Figures) -> bytes:
    """The picture as PNG, on white. Letters that Pillow's own font lacks show as boxes; SVG has all."""
    height, shapes = _laid_out(told)
    scale = _SCALE if height <= _TALL else 1
    image = Image.new("RGB", (WIDTH * scale, height * scale), _COLOURS["paper"])
    draw = ImageDraw.Draw(image)
    fonts = {
        size: ImageFont.load_default(size * scale) for size in {one.size for one in shapes if isinstance(one, Words)}
    }
    for one in shapes:
        x, y = one.x * scale, one.y * scale
        if isinstance(one, Words):
            draw.text((x, y), one.text, _COLOURS[one.colour], fonts[one.size], anchor="rm" if one.right else "lm")
        elif one.width > 0:
            right = x + max(1, one.width * scale) - 1  # beside a figure that is much larger, a bar is one pixel
            draw.rectangle((x, y, right, y + one.height * scale - 1), _COLOURS[one.colour])
    out = BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def _element(one: Shape) -> str:
    if isinstance(one, Box):
        size = f'width="{one.width:g}" height="{one.height:g}"'
        return f'<rect class="{one.colour}" x="{one.x:g}" y="{one.y:g}" {size}/>'
    ends = ' text-anchor="end"' if one.right else ""
    return (
        f'<text class="{one.colour}" x="{one.x:g}" y="{one.y:g}" font-size="{one.size}" dominant-baseline="central"{ends}>'
        f"{escape(one.text)}</text>"
    )


def _laid_out(told: Figures) -> tuple[int, list[Shape]]:
    """The height, and what is on it."""
    shapes: list[Shape] = []
    y = float(_EDGE)
    for line in wrap(title(told), 62):
        shapes.append(Words(_EDGE, y + 12, line, 20))
        y += 28
    y += 8
    table = rows(told)
    most = max((row.figure + told["margin"] for row in table if row.figure is not None), default=1)
    for head, group in grouped(table):
        if head:
            shapes.append(Words(_EDGE, y + _LINE / 2, _short(head, 90), 14))
            y += _LINE
        for row in group:
            shapes += _bar(row, y, most, told)
            y += _LINE
        y += 6
    y += 12
    for note in notes(told):
        for line in wrap(note, 104):
            shapes.append(Words(_EDGE, y + 8, line, 13, "quiet"))
            y += 19
        y += 4
    return int(y) + _EDGE, shapes


def _bar(row: Row, y: float, most: int, told: Figures) -> Iterator[Shape]:
    middle, left, end, count = y + _LINE / 2, _EDGE + _NAMES, WIDTH - _EDGE, row.figure
    yield Words(_EDGE + (_IN if row.head else 0), middle, _short(row.label, 30), 14)
    if count is None:
        yield Words(end, middle, f"under {told['least']:,}", 13, "quiet", right=True)
        return
    unit = _FULL / most
    low, high = max(0, count - told["margin"]), count + told["margin"]
    yield Box(left, middle - _BAR / 2, round(count * unit, 1), _BAR, "bar")
    yield Box(left + round(low * unit, 1), middle - 1, round((high - low) * unit, 1), 2, "range")
    for at in (low, high):
        yield Box(left + round(at * unit, 1) - 1, middle - 4, 2, 8, "range")
    yield Words(end, middle, f"{count:,}", 14, right=True)


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
