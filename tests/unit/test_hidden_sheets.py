"""A hidden sheet is read only if no visible sheet has the headings."""

from __future__ import annotations

import io

import openpyxl
import pytest

from precast_app.importing import header_detection
from precast_app.importing.schema import BASE_COLUMNS
from precast_app.spreadsheets import Book, open_book


def book_of(sheets: dict[str, str]) -> Book:
    """Return a workbook with the base headings on each sheet; the values are the states of the sheets."""
    made = openpyxl.Workbook()
    made.active.title = "Notes"
    for name, state in sheets.items():
        page = made.create_sheet(name)
        page.append([column.heading for column in BASE_COLUMNS])
        page.append(["WALL", "W-1"])
        page.sheet_state = state
    file = io.BytesIO()
    made.save(file)
    return open_book(file)


@pytest.mark.parametrize(
    ("sheets", "read"),
    [
        ({"Types 2024": "visible", "Element Types": "hidden"}, "Types 2024"),
        ({"Element Types": "veryHidden", "Types 2024": "visible"}, "Types 2024"),
        ({"Old": "hidden", "Element Types": "visible"}, "Element Types"),
        ({"Old": "hidden", "Types 2024": "visible"}, "Types 2024"),
        ({"Element Types": "hidden"}, "Element Types"),
        ({"Old": "hidden", "Element Types": "hidden"}, "Element Types"),
    ],
)
def test_a_visible_sheet_wins_over_a_hidden_one(sheets: dict[str, str], read: str) -> None:
    assert header_detection.detect_header(book_of(sheets))[0].sheet == read
