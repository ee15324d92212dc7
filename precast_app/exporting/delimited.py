"""CSV files of element types and of reference data, in UTF-8 with a byte order mark, which Excel needs."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from datetime import date
from typing import Any

from precast_app.exporting import export_columns
from precast_app.exporting.export_columns import ExportColumn
from precast_app.exporting.row_cells import BASE_HEADINGS, Cell
from precast_app.exporting.safe_text import csv_line
from precast_app.importing.reference_schema import REFERENCE_SPECS
from precast_app.spreadsheets import escape_formula, protect_from_decoding

# Attributes of the file that have another name in the model.
_MODEL_ATTRIBUTES = {"parent": "parent_id"}


def lines(
    rows: Iterable[Sequence[Cell]], columns: Sequence[ExportColumn], headings: Sequence[str] = BASE_HEADINGS
) -> Generator[str]:
    """Yield the lines of a file of element types; the cells of `rows` are in the order of `columns`.

    `headings` are those of the base columns.
    """
    flat = export_columns.flat_order(columns)
    indices = [*range(len(BASE_HEADINGS)), *(len(BASE_HEADINGS) + columns.index(column) for column in flat)]
    yield "\ufeff" + csv_line([*headings, *(protect_from_decoding(escape_formula(column.heading)) for column in flat)])
    for row in rows:
        yield csv_line([_cell(row[index]) for index in indices])


def reference_lines(job_type: str, items: Iterable[Any]) -> Generator[str]:
    """Yield the lines of a file of reference data for imports of this type; without items only its header."""
    fields = REFERENCE_SPECS[job_type].columns
    yield "\ufeff" + csv_line([field.heading for field in fields])
    for item in items:
        yield csv_line(
            [_cell(getattr(item, _MODEL_ATTRIBUTES.get(field.attribute, field.attribute))) for field in fields]
        )


def _cell(cell: Cell | date) -> Cell:
    """Return the cell as an import reads it back."""
    if isinstance(cell, date):
        return cell.isoformat()
    return protect_from_decoding(escape_formula(cell)) if isinstance(cell, str) else cell
