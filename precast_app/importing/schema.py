"""The columns of the element types' file, each declared once: heading, unit, and how a cell becomes a value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from precast_app.importing import cell_parsing
from precast_app.spreadsheets import MergedRange


class ColumnGroup(StrEnum):
    """The groups of columns, in the order in which they are written."""

    BASE = "base"
    DRAWINGS = "drawings"
    NODES = "quantities"
    STAGES = "stages"
    BOM = "bom"


CellParser = Callable[[object], object]


@dataclass(frozen=True, slots=True)
class BaseColumn:
    """One of the ten columns that every file has; `field` is the attribute of `models.ElementType`."""

    heading: str
    field: str
    parse: CellParser
    unit: str = ""
    aliases: tuple[str, ...] = ()


def _measure(heading: str, field: str, unit: str, *aliases: str) -> BaseColumn:
    return BaseColumn(heading, field, partial(cell_parsing.parse_decimal, maximum=1_000_000, unit=unit), unit, aliases)


BASE_COLUMNS = (
    BaseColumn(
        "Element Type", "element_type", partial(cell_parsing.parse_required_text, max_length=150), aliases=("Type",)
    ),
    BaseColumn(
        "Element Type Name", "name", partial(cell_parsing.parse_required_text, max_length=150), aliases=("Name",)
    ),
    _measure("Height", "height", "mm"),
    _measure("Length", "length", "mm"),
    _measure("Thickness", "thickness", "mm"),
    _measure("Mass", "mass", "kg", "Weight"),
    _measure("Volume", "volume", "m³"),
    _measure("Area", "area", "m²"),
    _measure("Width", "width", "mm"),
    BaseColumn(
        "Element Type Version",
        "version",
        partial(cell_parsing.parse_text, max_length=150, blank="VR-1"),
        aliases=("Version",),
    ),
)

# How a cell of each other group becomes a value. A blank one means no drawing, no pieces there, does not go through the
# stage, none of the product.
CELL_PARSERS: dict[ColumnGroup, CellParser] = {
    ColumnGroup.DRAWINGS: partial(cell_parsing.parse_text, max_length=255, blank=None),
    ColumnGroup.NODES: partial(cell_parsing.parse_count, maximum=100_000),
    ColumnGroup.STAGES: cell_parsing.parse_yes_no,
    ColumnGroup.BOM: partial(cell_parsing.parse_positive_decimal, maximum=1_000_000_000),
}


# The groups whose cells are numbers.
NUMERIC_GROUPS = (ColumnGroup.NODES, ColumnGroup.BOM)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a file that is understood.

    `index` counts from 0. `target` is the field of a base column, else the id of the drawing type, node, stage or
    product that the column is about.
    """

    index: int
    letter: str
    heading: str
    group: ColumnGroup
    target: str | int
    parse: CellParser


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """What the columns of a sheet mean; a row's values stand in the order of `columns`, base columns first.

    `width` is the number of columns under the headings, those that are not understood too; `merged` are cells of base
    columns that are merged over several data rows.
    """

    sheet: str
    first_data_row: int
    columns: tuple[Column, ...]
    width: int
    merged: tuple[MergedRange, ...] = ()

    def positions(self, group: ColumnGroup) -> tuple[tuple[int, str | int], ...]:
        """Of each column of the group: its place in a row's values, and its target."""
        return tuple((place, column.target) for place, column in enumerate(self.columns) if column.group is group)
