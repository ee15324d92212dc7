"""What is kept of a file to check single rows without it: the headings of its sheet, and cells as JSON. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from precast_app.importing import column_mapping
from precast_app.importing.cell_parsing import display_text
from precast_app.importing.profiles import application
from precast_app.importing.profiles.schema import load_profile
from precast_app.importing.reference_data import ReferenceData
from precast_app.importing.schema import NOT_IN_FILE, ColumnMap
from precast_app.spreadsheets import (
    Book,
    Cell,
    CellError,
    FormattedNumber,
    MergedRange,
    ReaderNote,
    SheetRow,
    SheetScan,
    ShownText,
)

# The rows below the headings by which headings are told from data.
_ROWS_BELOW_HEADINGS = 2


def describe(book: Book, columns: ColumnMap, last_row: int) -> dict[str, Any]:
    """Return the layout of the sheet that was read, as JSON: what `LayoutBook` needs, and the columns by letter.

    `last_row` is the number of the last row that is not blank; layouts of jobs that ran before it was stored lack it.
    """
    scan = book.scan(columns.sheet)
    below = [row for row in scan.head if row.number >= columns.first_data_row][:_ROWS_BELOW_HEADINGS]
    head = [*(row for row in scan.head if row.number < columns.first_data_row), *below]
    return {
        "sheet": _storable(columns.sheet),
        "first_data_row": columns.first_data_row,
        "last_row": last_row,
        "format": book.format,
        "decimal_comma": book.decimal_comma,
        "head": [[row.number, [encode_cell(cell) for cell in row.cells]] for row in head],
        "merged": [
            [area.first_row, area.first_column, area.last_row, area.last_column]
            for area in scan.merged
            if area.first_row < columns.first_data_row
        ],
        "columns": [
            [column.letter, _storable(column.heading), column.is_number]
            for column in sorted(columns.columns, key=lambda each: each.index)
            if column.index != NOT_IN_FILE
        ],
    }


@dataclass(frozen=True, slots=True)
class LayoutBook:
    """The headings of a file whose rows are not at hand, as a spreadsheet with one sheet and no data."""

    layout: Mapping[str, Any]

    @property
    def format(self) -> str:
        """Return the format of the file."""
        return str(self.layout["format"])

    @property
    def decimal_comma(self) -> bool:
        """Return whether the comma is the decimal separator in cells that are text."""
        return bool(self.layout["decimal_comma"])

    @property
    def notes(self) -> tuple[ReaderNote, ...]:
        """Return nothing."""
        return ()

    @property
    def sheets(self) -> tuple[str, ...]:
        """Return the name of the sheet that was read."""
        return (self.layout["sheet"],)

    @property
    def hidden_sheets(self) -> frozenset[str]:
        """Return nothing."""
        return frozenset()

    def scan(self, sheet: str) -> SheetScan:
        """Return the first rows of the sheet, and the merged cells of its headings."""
        head = tuple(SheetRow(number, list(map(decode_cell, cells))) for number, cells in self.layout["head"])
        return SheetScan(head, tuple(MergedRange(*area) for area in self.layout["merged"]), len(head), {})

    def rows(self, sheet: str, shown_columns: Set[int] | None = None) -> Iterator[SheetRow]:
        """Yield the first rows of the sheet."""
        yield from self.scan(sheet).head


def map_columns(layout: Mapping[str, Any], reference: ReferenceData, profile: Mapping[str, Any] | None) -> ColumnMap:
    """Return what the columns of the sheet mean, for rows that are prepared and filled already.

    `profile` is the JSON of the import profile by which the file is read.
    """
    book = LayoutBook(layout)
    if profile is None:
        columns, _ = column_mapping.map_columns(book, reference)
    else:
        columns, _ = application.map_columns(book, load_profile(profile), reference)
    return replace(columns, preparation=None, merged=(), grouping=None)


def encode_cell(cell: Cell) -> Any:
    """Return a cell as JSON: texts and numbers as they are, other cells as an object or, at last, as text."""
    if isinstance(cell, FormattedNumber) and math.isfinite(cell):
        return {"number": float(cell), "shown": cell.shown, "unit": cell.unit, "code": cell.code}
    if isinstance(cell, bool) or (isinstance(cell, (int, float)) and math.isfinite(cell)):
        return cell
    if isinstance(cell, CellError):
        return {"error": _storable(cell.text)}
    if isinstance(cell, datetime):
        return {"date_time": cell.isoformat()}
    if isinstance(cell, date):
        return {"date": cell.isoformat()}
    return _storable(display_text(cell))


def decode_cell(stored: Any) -> Cell:
    """Return the cell that `encode_cell` has written."""
    match stored:
        case {"number": number, "shown": shown, "unit": unit, "code": code}:
            return FormattedNumber(number, ShownText(shown, unit, code))
        case {"error": text}:
            return CellError(text)
        case {"date_time": text}:
            return datetime.fromisoformat(text)
        case {"date": text}:
            return date.fromisoformat(text)
        case str() | int() | float():
            return stored
    return ""


def filled_cells(raw: Sequence[Cell], prepared: Sequence[Cell]) -> dict[int, Cell]:
    """Return the cells, by index, that are blank in a row and were filled from a row above."""
    return {
        index: cell for index, cell in enumerate(prepared) if cell != "" and (index >= len(raw) or raw[index] == "")
    }


def _storable(text: str) -> str:
    """Return the text without what PostgreSQL can't store."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
