"""Element types as cells: base columns first, then those of the groups."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Any

from precast_app.exporting.export_columns import ExportColumn
from precast_app.importing.schema import BASE_COLUMNS, GROUP_SPECS, ColumnGroup

BASE_HEADINGS = [column.heading for column in BASE_COLUMNS]
SAMPLE = ("ET001", "Beam Type A", "300", "2500", "6000", "2400", "1.50", "5.25", "200", "V1.0")

Cell = str | int | Decimal | None


@dataclass(frozen=True, slots=True)
class ExportRow:
    """An element type and, by group, its values by the id of their item."""

    element_type: Any
    groups: Mapping[ColumnGroup, Mapping[int, Any]]


def row_cells(rows: Iterable[ExportRow], columns: Sequence[ExportColumn]) -> Generator[list[Cell]]:
    """Yield the cells of each row; None for a blank cell."""
    runs = []
    for group, run in groupby(columns, key=lambda column: column.group):
        runs.append((group, [column.target for column in run], GROUP_SPECS[group].value_type.render))
    for row in rows:
        cells = [getattr(row.element_type, column.field) for column in BASE_COLUMNS]
        for group, targets, render in runs:
            values = map(row.groups[group].get, targets)
            cells += values if render is None else map(render, values)
        yield cells
