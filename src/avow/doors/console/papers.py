"""Labels and letters as PDF: one sheet for one person. It keeps nothing, and a file says nothing beside what is printed.

Fonts lay glyphs side by side here and shape nothing: what runs from right to left or stacks its marks is refused, for it
would come out as nonsense; as is a character that no font at hand has. No message repeats what it is about.
"""

import unicodedata
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple, Self

from fpdf import FPDF
from fpdf.enums import XPos, YPos
from fpdf.fonts import TTFFont

from avow.cards import Suspicion, suspicion
from avow.errors import BadValue, OperatorError

USUAL: Final = (  # a font with Latin, Greek and Cyrillic, where systems keep it
    Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"),
    Path("/usr/share/fonts/dejavu-sans-fonts/DejaVuSans.ttf"),
    Path("/usr/share/fonts/TTF/DejaVuSans.ttf"),
    Path("/opt/homebrew/share/fonts/DejaVuSans.ttf"),
)
LONGEST: Final = 20_000  # characters of a letter
_FONTS: Final = (b"\0\1\0\0", b"true", b"OTTO")  # how such files begin
_LINES: Final = 9  # of an address
_LABEL: Final = (100.0, 50.0)  # mm
_SIZES: Final = (13, 11, 9, 8, 7)  # points in which an address is tried
_LATIN: Final = frozenset(map(chr, (*range(0x20, 0x7F), *range(0xA0, 0x100)))) - {"\xad"}  # what PDF's own fonts have
_BACKWARDS: Final = frozenset(("R", "AL", "AN"))


class House(NamedTuple):
    """What every letter says of who wrote it. `ways`: pairs of title and address; `policy`: where the policy is read."""

    name: str
    ways: Sequence[tuple[str, str]]
    policy: str


class _Sheet(FPDF):
    """A page with `foot` at its end."""

    def __init__(self, size: str | tuple[float, float], fonts: Sequence[Path], at: datetime) -> None:
        super().__init__(format=size)
        self.foot = ""
        self.set_creation_date(at)
        self.set_lang("en")
        self.set_producer("Avow")
        self.has: frozenset[str] | set[str] = _LATIN
        names = [f"letter{number}" for number, _ in enumerate(fonts)]
        for name, path in zip(names, fonts, strict=True):
            self.add_font(name, "", path)
        if names:
            self.set_fallback_fonts(names[1:])
            self.has = {chr(one) for font in self.fonts.values() if isinstance(font, TTFFont) for one in font.cmap}
        self._family = names[0] if names else "helvetica"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for font in self.fonts.values():
            if isinstance(font, TTFFont):
                font.close()

    def size(self, points: float) -> None:
        """Print in this size from now on."""
        self.set_font(self._family, size=points)

    def text_of(self, said: str, what: str) -> str:
        """A text as it can be printed. Raises `BadValue`; `what` names it."""
        said = unicodedata.normalize("NFC", said).replace("\r\n", "\n").replace("\t", " ")
        for char in said.replace("\n", ""):
            shaped = unicodedata.category(char)[0] in "MC" or unicodedata.bidirectional(char) in _BACKWARDS
            if shaped or char not in self.has:
                raise BadValue(
                    f"{what} has a character that cannot be printed here; write this one by hand, or have whoever runs "
                    "the server name a font that has it (scripts from right to left, and those that join or stack "
                    "their letters, are not printed at all)"
                )
        return said

    def paragraph(self, said: str, height: float) -> None:
        """A line or more, from the left margin."""
        self.multi_cell(0, height, said, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def footer(self) -> None:
        """What stands below every page."""
        if self.foot:
            self.set_y(-34)
            self.size(8)
            self.paragraph(self.foot, 3.8)


class Papers:
    """For one site. `fonts`: TrueType files, tried in order; without any, what the PDF format itself brings, Latin alone.

    Raises `BadValue` for what cannot be printed, or does not fit, and at once `OperatorError` for what is no font.
    """

    def __init__(self, house: House, fonts: Sequence[Path] | None = None) -> None:
        self._house = house
        self._fonts = [path for path in USUAL if path.is_file()][:1] if fonts is None else fonts
        for path in self._fonts:
            if not _is_font(path):
                raise OperatorError(f"`{path}` is no TrueType font that letters could be printed in")

    def label(self, name: str, address: str, *, at: datetime) -> bytes:
        """One label, 100 mm by 50 mm."""
        with _Sheet(_LABEL, self._fonts, at) as sheet:
            sheet.set_title("Label")
            sheet.set_margin(6)
            sheet.set_auto_page_break(auto=False)
            sheet.add_page()
            self._fitted(sheet, _addressed(name, address), sheet.epw, sheet.eph)
            return bytes(sheet.output())

    def letter(self, name: str, address: str, body: str, *, why: str, number: str, at: datetime) -> bytes:
        """A letter on the house's sheet. `why`: what the person gave the address for, in the policy's words."""
        if not body.strip():
            raise BadValue("the letter is empty; write it first")
        if len(body) > LONGEST:
            raise BadValue(f"the letter is longer than {LONGEST} characters")
        if suspicion(body) is Suspicion.CERTAIN:
            raise BadValue("the letter holds a payment card number; take it out")
        with _Sheet("A4", self._fonts, at) as sheet:
            sheet.set_title("Letter")
            sheet.set_margins(25, 18)
            sheet.set_auto_page_break(auto=True, margin=42)
            sheet.foot = sheet.text_of(self._foot(why), "the foot of the letter")
            sheet.add_page()
            self._head(sheet)
            sheet.set_y(50)  # behind the window of an envelope
            self._fitted(sheet, _addressed(name, address), 85, 38)
            sheet.set_y(96)
            sheet.size(9)
            sheet.paragraph(f"{at.day} {at:%B %Y}, no. {number}", 5)
            sheet.ln(6)
            sheet.size(11)
            sheet.paragraph(sheet.text_of(body.strip(), "the letter"), 5.6)
            return bytes(sheet.output())

    def _head(self, sheet: _Sheet) -> None:
        sheet.size(15)
        sheet.paragraph(sheet.text_of(self._house.name, "the name of the house"), 7)
        sheet.size(8.5)
        said = " · ".join(to for _, to in self._house.ways if not to.startswith("/"))
        sheet.paragraph(sheet.text_of(said, "an address of the house"), 4.2)

    def _foot(self, why: str) -> str:
        ways = "; ".join(f"{title.lower()} {to}" for title, to in self._house.ways if not to.startswith("/"))
        lines = [f"We have your address for this: {why}.", f"No more letters? Tell us, and they stop at once: {ways}."]
        if self._house.policy:
            lines.append(f"What we promise about your data: {self._house.policy}")
        return "\n".join(lines)

    @staticmethod
    def _fitted(sheet: _Sheet, lines: Sequence[str], width: float, height: float) -> None:
        """An address in the largest size in which all of it fits. Raises `BadValue` where it fits in none."""
        lines = [sheet.text_of(line, "the name or address") for line in lines]
        left, top = sheet.l_margin, sheet.get_y()
        for points in _SIZES:
            sheet.size(points)
            step = points * 0.46
            if len(lines) * step <= height and all(sheet.get_string_width(line) <= width for line in lines):
                for number, line in enumerate(lines):
                    sheet.set_xy(left, top + number * step)
                    sheet.cell(width, step, line)
                return
        raise BadValue("the name and address are too long to be printed here; write this one by hand")


def _addressed(name: str, address: str) -> list[str]:
    """The lines of an address, as the person wrote it; one that is a single line is broken where it has commas."""
    lines = [line.strip() for line in address.replace("\r", "\n").split("\n") if line.strip()]
    if len(lines) == 1:
        lines = [part.strip() for part in lines[0].split(",") if part.strip()]
    lines = [" ".join(name.split()), *lines] if name.strip() else lines
    if not 1 <= len(lines) <= _LINES:
        raise BadValue(f"an address has 1 to {_LINES} lines; write this one by hand")
    return lines


def _is_font(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(4) in _FONTS
    except OSError:
        return False
