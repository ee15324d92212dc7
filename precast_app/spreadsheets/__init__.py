"""From bytes to rows. Knows file formats; nothing of what the columns mean."""

from precast_app.spreadsheets.detect import open_book
from precast_app.spreadsheets.errors import FileRefused
from precast_app.spreadsheets.formulas import armed, disarmed, inert
from precast_app.spreadsheets.sheet import (
    Book,
    Cell,
    CellError,
    Limits,
    MergedRange,
    Note,
    SheetRow,
    SheetScan,
    column_letter,
    column_number,
)
from precast_app.spreadsheets.text import as_written

__all__ = [
    "Book",
    "Cell",
    "CellError",
    "FileRefused",
    "Limits",
    "MergedRange",
    "Note",
    "SheetRow",
    "SheetScan",
    "armed",
    "as_written",
    "column_letter",
    "column_number",
    "disarmed",
    "inert",
    "open_book",
]
