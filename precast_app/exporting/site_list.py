"""The printable list of what goes to chosen places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import IO, Any

from precast_app.exporting import safe_text
from precast_app.exporting.piece_lists import print_on_a4
from precast_app.spreadsheets import escape_formula

_SITE_COLUMNS = (
    ("Element Type", None, 16), ("Element Type Name", None, 24), ("Length mm", "length", 10),
    ("Height mm", "height", 10), ("Width mm", "width", 10), ("Thickness mm", "thickness", 10), ("Mass kg", "mass", 11),
)  # fmt: skip
_FIRST_SITE_ROW = 4


def write(file: IO[bytes], project: str, found: Any, day: datetime) -> None:
    """Write a printable workbook of the element types that go to the places, with their quantities and totals.

    `found` is a `queries.piece_exports.SiteList`; each of its places has a column.
    """
    places = found.places
    with safe_text.workbook(file) as book:
        sheet = book.add_worksheet("Site list")
        title, bold = book.add_format({"bold": True, "font_size": 14}), book.add_format({"bold": True})
        heading = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "bottom"})
        cell, total = book.add_format({"border": 4}), book.add_format({"bold": True, "top": 1})
        for index, width in enumerate([*(width for *_, width in _SITE_COLUMNS), *[10] * (len(places) + 2)]):
            sheet.set_column(index, index, width)
        sheet.freeze_panes(_FIRST_SITE_ROW, 2)
        print_on_a4(sheet, project)
        sheet.repeat_rows(_FIRST_SITE_ROW - 1)
        safe_text.write(sheet, 0, 0, escape_formula(project), title)
        safe_text.write(sheet, 1, 0, escape_formula(", ".join(places.values())), bold)
        safe_text.write(sheet, 2, 0, f"Printed {day.date().isoformat()}")
        headings = [*(name for name, *_ in _SITE_COLUMNS), *places.values(), "Pieces", "Total kg"]
        for index, text in enumerate(headings):
            safe_text.write(sheet, _FIRST_SITE_ROW - 1, index, escape_formula(text), heading)
        last = _write_site_rows(sheet, found.rows, places, cell)
        _write_totals(sheet, last, found, total)


def _write_site_rows(sheet: Any, rows: Sequence[Any], places: Mapping[int, str], style: Any) -> int:
    number = _FIRST_SITE_ROW
    for number, row in enumerate(rows, _FIRST_SITE_ROW):
        safe_text.write(sheet, number, 0, escape_formula(row.element_type.element_type), style)
        safe_text.write(sheet, number, 1, escape_formula(row.element_type.name), style)
        values: list[Decimal | int | None] = [
            getattr(row.element_type, attribute) for _, attribute, _ in _SITE_COLUMNS if attribute
        ]
        mass = row.element_type.mass
        values += [row.quantities.get(node_id) for node_id in places]
        values += [row.total, None if mass is None else mass * row.total]
        _write_numbers(sheet, number, 2, values, style)
    return number + 1 if rows else number


def _write_totals(sheet: Any, number: int, found: Any, style: Any) -> None:
    safe_text.write(sheet, number, 0, "Total", style)
    for index in range(1, len(_SITE_COLUMNS)):
        sheet.write_blank(number, index, None, style)
    _write_numbers(sheet, number, len(_SITE_COLUMNS), [*found.totals.values(), found.pieces, found.mass], style)


def _write_numbers(sheet: Any, row: int, first: int, values: Sequence[Decimal | int | None], style: Any) -> None:
    for index, value in enumerate(values, first):
        if value is None:
            sheet.write_blank(row, index, None, style)
        else:
            sheet.write_number(row, index, value, style)
