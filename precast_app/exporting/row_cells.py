"""An element type as cells: base columns first, then those of the layout."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from precast_app.exporting.export_columns import ExportColumn
from precast_app.importing.schema import BASE_COLUMNS, ColumnGroup

BASE_HEADINGS = [column.heading for column in BASE_COLUMNS]
SAMPLE = ("ET001", "Beam Type A", "300", "2500", "6000", "2400", "1.50", "5.25", "200", "V1.0")

Cell = str | int | Decimal | None


def row_cells(
    element_type: Any, groups: dict[ColumnGroup, dict[int, Any]], columns: Sequence[ExportColumn]
) -> list[Cell]:
    """The cells of a row; None where there is nothing."""
    base = [getattr(element_type, column.field) for column in BASE_COLUMNS]
    others = [groups[column.group].get(column.target) for column in columns]
    return [*base, *("yes" if cell is True else cell for cell in others)]
