"""The label formats: sheets of A4 labels as shops sell them, four on a plain A4 sheet, and rolls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_A4 = (210.0, 297.0)


@dataclass(frozen=True, slots=True)
class LabelFormat:
    """The sizes of a label and of its sheet in mm, from the sheet's top left corner.

    `pitch_x` and `pitch_y` are the distances from the edge of a label to the same edge of its neighbour.
    """

    name: str
    title: str
    page: tuple[float, float]
    columns: int
    rows: int
    width: float
    height: float
    left: float = 0.0
    top: float = 0.0
    pitch_x: float = 0.0
    pitch_y: float = 0.0

    @property
    def per_page(self) -> int:
        """The number of labels on a sheet."""
        return self.columns * self.rows

    def corner(self, index: int) -> tuple[float, float]:
        """Return x and y of a label's top left corner in mm; labels count from 0, row by row."""
        row, column = divmod(index, self.columns)
        return self.left + column * self.pitch_x, self.top + row * self.pitch_y


FORMATS: Mapping[str, LabelFormat] = {
    each.name: each
    for each in (
        LabelFormat("a4_24", "A4, 24 labels 70 × 37 mm", _A4, 3, 8, 70, 37, 0, 0.5, 70, 37),
        LabelFormat("a4_21", "A4, 21 labels 63.5 × 38.1 mm", _A4, 3, 7, 63.5, 38.1, 7.25, 15.15, 66, 38.1),
        LabelFormat("a4_14", "A4, 14 labels 99.1 × 38.1 mm", _A4, 2, 7, 99.1, 38.1, 4.65, 15.15, 101.6, 38.1),
        LabelFormat("a4_8", "A4, 8 labels 99.1 × 67.7 mm", _A4, 2, 4, 99.1, 67.7, 4.65, 13.1, 101.6, 67.7),
        LabelFormat("a4_4", "A4, 4 labels 105 × 148.5 mm", _A4, 2, 2, 105, 148.5, 0, 0, 105, 148.5),
        LabelFormat("roll_100x60", "Roll, labels 100 × 60 mm", (100.0, 60.0), 1, 1, 100, 60),
    )
}
