"""An element type as cells: base columns first, then those of the layout."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from precast_app.exporting.layout import ExportColumn
from precast_app.importing.columns import BASE, Group

BASE_HEADINGS = [column.heading for column in BASE]
SAMPLE = ("ET001", "Beam Type A", "300", "2500", "6000", "2400", "1.50", "5.25", "200", "V1.0")

Cell = str | int | Decimal | None


def cells(element_type: Any, groups: dict[Group, dict[int, Any]], columns: Sequence[ExportColumn]) -> list[Cell]:
    """The cells of a row; None where there is nothing."""
    base = [getattr(element_type, column.field) for column in BASE]
    others = [groups[column.group].get(column.target) for column in columns]
    return [*base, *("yes" if cell is True else cell for cell in others)]
