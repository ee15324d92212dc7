"""An element type as cells: base columns first, then those of the groups."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from precast_app.exporting.export_columns import ExportColumn
from precast_app.importing.schema import BASE_COLUMNS, GROUP_SPECS, ColumnGroup

BASE_HEADINGS = [column.heading for column in BASE_COLUMNS]
SAMPLE = ("ET001", "Beam Type A", "300", "2500", "6000", "2400", "1.50", "5.25", "200", "V1.0")

Cell = str | int | Decimal | None

_RENDER = {group: spec.value_type.render for group, spec in GROUP_SPECS.items()}


def row_cells(
    element_type: Any, groups: dict[ColumnGroup, dict[int, Any]], columns: Sequence[ExportColumn]
) -> list[Cell]:
    """Return the cells of a row; None for a blank cell."""
    base = [getattr(element_type, column.field) for column in BASE_COLUMNS]
    return [*base, *(_RENDER[column.group](groups[column.group].get(column.target)) for column in columns)]
