"""The canonical workbook: `Summary`, then `Element Types` with merged headings and locked heading rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import IO, Any

from precast_app.exporting import export_columns, safe_text
from precast_app.exporting.export_columns import ExportColumn
from precast_app.exporting.row_cells import BASE_HEADINGS, SAMPLE, Cell
from precast_app.exporting.template import ColumnGuide
from precast_app.importing import cell_parsing
from precast_app.importing.schema import BASE_COLUMNS, GROUP_SPECS
from precast_app.spreadsheets import column_letter, escape_formula

_BASE_WIDTH, _WIDTH = 20, 12
_MAX_DIGITS, _MAX_DECIMALS = 15, 20
_EXAMPLE_NOTE = "This row shows what goes where. It is never imported: write your element types into the rows below it."
# What users may do on the protected sheet: everything except changing locked cells.
_ALLOWED = dict.fromkeys(
    (
        "format_cells", "format_columns", "format_rows", "insert_columns", "insert_rows", "insert_hyperlinks",
        "delete_columns", "delete_rows", "sort", "autofilter", "pivot_tables", "objects", "scenarios",
    ),
    True,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ProjectTitle:
    """The project whose element types are exported, as the summary names it."""

    project_id: int
    name: str


def write(
    file: IO[bytes],
    about: ProjectTitle,
    columns: Sequence[ExportColumn],
    rows: Iterable[Sequence[Cell]],
    *,
    headings: Sequence[str] = BASE_HEADINGS,
    guides: Sequence[ColumnGuide] = (),
) -> None:
    """Write the workbook row by row; without rows it is a template.

    `headings` are those of the base columns; `guides` explain the columns of a template.
    """
    # Cells without a format of their own are unlocked: all except those of the heading rows.
    with safe_text.workbook(file, default_format_properties={"locked": False}) as book:
        _write_summary(book, about, columns)
        sheet = _write_headings(book, headings, columns)
        _write_sample(book, sheet, columns, guides)
        for number, row in enumerate(rows, 3):
            for index, cell in enumerate(row):
                if cell is not None:
                    _write_cell(sheet, number, index, cell)


def _write_summary(book: Any, about: ProjectTitle, columns: Sequence[ExportColumn]) -> None:
    sheet = book.add_worksheet("Summary")
    title, label = book.add_format({"bold": True, "font_size": 14}), book.add_format({"bold": True})
    sheet.set_column(0, 0, 28)
    sheet.set_column(1, 2, 20)
    lines: list[tuple[str, Any, str]] = [("Project ID", str(about.project_id), ""), ("Project Name", about.name, "")]
    reference = [f"A1-{column_letter(len(BASE_HEADINGS))}1: Base Columns ({len(BASE_HEADINGS)})"]
    for group, spec in GROUP_SPECS.items():
        numbers = [number for number, column in enumerate(columns, len(BASE_HEADINGS) + 1) if column.group is group]
        span = f"{column_letter(numbers[0])}1-{column_letter(numbers[-1])}1" if numbers else ""
        lines.append((spec.summary_label, len(numbers), f"Range: {span}" if span else ""))
        if span:
            reference.append(f"{span}: {spec.title} ({len(numbers)})")
    lines.append(("Base Columns", str(len(BASE_HEADINGS)), f"Range: A1-{column_letter(len(BASE_HEADINGS))}1"))
    safe_text.write(sheet, 0, 0, "Element Type Export Summary", title)
    for number, (name, value, span) in enumerate(lines, 1):
        safe_text.write(sheet, number, 0, name, label)
        if isinstance(value, int):
            sheet.write_number(number, 1, value)
        else:
            safe_text.write(sheet, number, 1, escape_formula(value))
        if span:
            safe_text.write(sheet, number, 2, span)
    safe_text.write(sheet, len(lines) + 2, 0, "Column Layout Reference:", label)
    for number, text in enumerate(reference, len(lines) + 3):
        safe_text.write(sheet, number, 0, text)
    row = len(lines) + len(reference) + 4
    safe_text.write(sheet, row, 0, "Units:", label)
    for number, (unit, columns_in_unit) in enumerate(_columns_by_unit().items(), row + 1):
        safe_text.write(sheet, number, 0, f"{', '.join(columns_in_unit)}: {unit}")


def _columns_by_unit() -> dict[str, list[str]]:
    """Return the headings of the base columns by their unit."""
    found: dict[str, list[str]] = {}
    for column in BASE_COLUMNS:
        if column.unit:
            found.setdefault(column.unit, []).append(column.heading)
    return found


def _write_headings(book: Any, headings: Sequence[str], columns: Sequence[ExportColumn]) -> Any:
    """Add the sheet of the element types with its two rows of headings, and return it."""
    sheet = book.add_worksheet("Element Types")
    sheet.activate()
    heading = book.add_format({"bold": True, "bg_color": "#DDE6F0", "border": 1, "align": "center", "locked": True})
    first = len(BASE_HEADINGS)
    sheet.set_column(0, first - 1, _BASE_WIDTH)
    sheet.set_column(first, first + len(columns), _WIDTH)
    sheet.freeze_panes(3, 2)
    sheet.protect("", _ALLOWED)
    for number in (0, 1):
        # Blank cells of these rows are locked too.
        sheet.set_row(number, None, heading)
    for index, text in enumerate(headings):
        safe_text.write(sheet, 0, index, text, heading)
    for index, column in enumerate(columns, first):
        safe_text.write(sheet, 0, index, escape_formula(column.top), heading)
    for top, start, end in export_columns.spans(columns):
        safe_text.merge_cells(sheet, 0, first + start, first + end, escape_formula(top), heading)
    for index, column in enumerate(columns, first):
        safe_text.write(sheet, 1, index, escape_formula(column.sub), heading)
    return sheet


def _write_sample(book: Any, sheet: Any, columns: Sequence[ExportColumn], guides: Sequence[ColumnGuide]) -> None:
    """Write the locked sample row, and with guides a note for it and for the cells below each heading."""
    style = book.add_format({"italic": True, "font_color": "#6B7280", "locked": True})
    sheet.set_row(2, None, style)
    cells = [guide.example for guide in guides] or [*SAMPLE, *(column.sample for column in columns)]
    for index, cell in enumerate(cells):
        _write_cell(sheet, 2, index, cell, style)
    for index, guide in enumerate(guides):
        safe_text.add_input_message(sheet, (2, index, 2, index), "Example", _EXAMPLE_NOTE)
        below = (3, index, safe_text.LAST_ROW, index)
        safe_text.add_input_message(sheet, below, guide.title, guide.note, guide.choices)


def _write_cell(sheet: Any, row: int, column: int, cell: Cell, style: Any = None) -> None:
    if cell is None:
        return
    if isinstance(cell, str):
        safe_text.write(sheet, row, column, escape_formula(cell), style)
    elif isinstance(cell, int) or _fits_a_number_cell(cell):
        # XlsxWriter writes up to 16 digits: a Decimal's own ones, whereas a float such as 0.81 would get a 16th digit.
        sheet.write_number(row, column, cell, style)
    else:
        # As text it keeps its digits.
        safe_text.write(sheet, row, column, f"{cell:f}", style)


def _fits_a_number_cell(number: Decimal) -> bool:
    """Return whether spreadsheet programs keep every digit: all of them keep 15, LibreOffice up to 20 decimals."""
    text = str(number)
    if len(text) <= _MAX_DIGITS and "E" not in text:
        return True
    _, digits, exponent = cell_parsing.canonical(number).as_tuple()
    return len(digits) <= _MAX_DIGITS and isinstance(exponent, int) and exponent >= -_MAX_DECIMALS
