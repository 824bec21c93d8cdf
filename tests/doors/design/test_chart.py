"""Pictures of figures, whatever the figures are."""

from io import BytesIO
from typing import cast

import pytest
from PIL import Image

from avow.desk.interface.statistics import Figures
from avow.doors.design.chart import png, svg

TOLD = {
    "by": ["items"], "first": "2026-01", "last": "2026-01", "promises": ["AUD-10"], "unit": "person", "each": 1,
    "epsilon": 250, "datasets": ["people/2026"], "least": 17, "margin": 12,
}  # fmt: skip


def of(*figures: int | None) -> Figures:
    return cast(Figures, TOLD | {"axes": [[f"Thing {n}" for n in range(len(figures))]], "figures": list(figures)})


@pytest.mark.parametrize("most", [18, 100_000, 1 << 53])
def test_a_figure_beside_one_that_is_much_larger_has_a_bar_too(most: int) -> None:
    """Its bar was shorter than nothing, and there was no picture."""
    with Image.open(BytesIO(png(of(most, 17, None)))) as image:
        assert image.width == 1440
    assert f">{most:,}<" in svg(of(most, 17, None))


def test_the_picture_of_the_largest_table_is_drawn_within_bounds() -> None:
    """It took 356 MB and half a minute, in which nobody else was served."""
    with Image.open(BytesIO(png(of(*range(17, 1017))))) as image:
        assert image.width == 720
        assert image.width * image.height < 20_000_000
