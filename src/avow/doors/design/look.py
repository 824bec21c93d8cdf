"""How one site differs from another: hue, corners and display face, put before the common sheet."""

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Literal

_COMMON = (Path(__file__).parent / "design.css").read_text(encoding="utf-8")

_FACES = {
    "sans": "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif",
    "serif": "'Iowan Old Style', 'Palatino Linotype', Palatino, Georgia, serif",
    "round": "ui-rounded, 'Hiragino Maru Gothic ProN', Quicksand, Nunito, system-ui, sans-serif",
    "mono": "ui-monospace, 'Cascadia Code', Menlo, Consolas, 'DejaVu Sans Mono', monospace",
    "grand": "Optima, Candara, 'Gill Sans', 'Noto Sans', 'Trebuchet MS', sans-serif",
}


@dataclass(frozen=True)
class Look:
    """`hue`: degrees on the OKLCH wheel (30 red, 90 yellow, 150 green, 250 blue, 310 violet); lightness is the sheet's,
    so that contrast holds for any. `colour`: how vivid, 0 to 0.2. `radius`: of corners, in px. `face`: for headings.
    """

    hue: int = 255
    colour: float = 0.13
    radius: int = 8
    face: Literal["sans", "serif", "round", "mono", "grand"] = "sans"

    @cached_property
    def sheet(self) -> str:
        """The whole style sheet."""
        own = f"--hue:{self.hue};--colour:{self.colour};--radius:{self.radius}px;--face:{_FACES[self.face]}"
        return f":root{{{own}}}\n{_COMMON}"

    @cached_property
    def file(self) -> str:
        """Its name, which changes with every byte of it: whoever holds a copy holds the right one."""
        return f"design.{sha256(self.sheet.encode()).hexdigest()[:16]}.css"
