"""The flat CSV file: one header row, in UTF-8 with the mark by which Excel knows it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from precast_app.exporting import layout
from precast_app.exporting.layout import ExportColumn
from precast_app.exporting.rows import BASE_HEADINGS, Cell
from precast_app.spreadsheets import as_written, disarmed


def lines(rows: Iterable[Sequence[Cell]], columns: Sequence[ExportColumn]) -> Iterator[str]:
    """The lines of the file; `rows` are in the order of `columns`."""
    flat = layout.flat(columns)
    places = [*range(len(BASE_HEADINGS)), *(len(BASE_HEADINGS) + columns.index(column) for column in flat)]
    yield "\ufeff" + _line([*BASE_HEADINGS, *(as_written(disarmed(column.heading)) for column in flat)])
    for row in rows:
        yield _line([_cell(row[place]) for place in places])


def _cell(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return as_written(disarmed(cell))
    return f"{cell:f}" if isinstance(cell, Decimal) else str(cell)


def _line(cells: list[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()
