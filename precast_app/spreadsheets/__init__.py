"""From bytes to rows. Knows file formats; nothing of what the columns mean."""

from precast_app.spreadsheets.detect import open_book
from precast_app.spreadsheets.errors import FileRefused
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
)

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
    "column_letter",
    "open_book",
]
