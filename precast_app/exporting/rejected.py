"""The rows of a file that did not go in, as a workbook of the same layout: to be mended and uploaded again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from typing import IO, Any

import xlsxwriter

from precast_app.importing import headers, layout
from precast_app.importing.layout import REASON
from precast_app.spreadsheets import Book, Cell, CellError, SheetRow


def write(file: IO[bytes], book: Book, reasons: Mapping[int, str], *, is_catalogue: bool) -> None:
    """Write the heading rows of the upload, and under them the rows of `reasons` with the reason in a last column.

    `is_catalogue` tells a file of element types from one of reference data, whose first row is its header.
    """
    if is_catalogue:
        found, scan = layout.find(book)
        sheet_name, first_data_row, width = found.sheet, found.first_data_row, len(found.headings)
        header_row = found.header_row
        read = headers.number_reader(book, found)
    else:
        sheet_name = book.sheets[0]
        scan = book.scan(sheet_name)
        header_row = scan.head[0].number
        first_data_row, width = header_row + 1, len(scan.head[0].cells)
        read = None
    with xlsxwriter.Workbook(file, {"constant_memory": True, "remove_timezone": True}) as out:
        sheet = out.add_worksheet(sheet_name or "Element Types")
        styles = {"bold": out.add_format({"bold": True}), "date": out.add_format({"num_format": "yyyy-mm-dd"})}
        sheet.set_column(width, width, 90)
        line = first_data_row - 1
        for row in book.rows(sheet_name):
            if row.number < first_data_row:
                _put(sheet, row.number - 1, row.cells, styles)
                if row.number == header_row:
                    sheet.write_string(row.number - 1, width, REASON, styles["bold"])
                for area in scan.merged:
                    if area.first_row == area.last_row == row.number and area.last_column > area.first_column:
                        shown = str(row.cells[area.first_column - 1])
                        sheet.merge_range(
                            area.first_row - 1, area.first_column - 1, area.last_row - 1, area.last_column - 1, shown
                        )
            elif row.number in reasons:
                _put(sheet, line, _cells(row, width, read), styles)
                sheet.write_string(line, width, reasons[row.number])
                line += 1


def _cells(row: SheetRow, width: int, read: Callable[[int, Cell], Cell] | None) -> list[Cell]:
    """The cells under the headings; numbers as they are read outside of their file."""
    cells = list(row.cells[:width])
    return cells if read is None else [read(index, cell) for index, cell in enumerate(cells)]


def _put(sheet: Any, line: int, cells: Any, styles: dict[str, Any]) -> None:
    for index, cell in enumerate(cells):
        if isinstance(cell, CellError):
            sheet.write_string(line, index, cell.text)
        elif isinstance(cell, (date, datetime, time)):
            sheet.write_datetime(line, index, cell, styles["date"])
        elif isinstance(cell, bool):
            sheet.write_boolean(line, index, cell)
        elif isinstance(cell, (int, float)):
            sheet.write_number(line, index, cell)
        elif isinstance(cell, str) and cell:
            sheet.write_string(line, index, cell)
