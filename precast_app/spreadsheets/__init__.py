"""From bytes to rows. Knows file formats; nothing of what the columns mean."""

from precast_app.spreadsheets.errors import UnreadableFile
from precast_app.spreadsheets.format_detection import open_book
from precast_app.spreadsheets.formula_escaping import escape_formula, inert, unescape_formula
from precast_app.spreadsheets.merged_ranges import Sweep
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
from precast_app.spreadsheets.text_decoding import encode_ambiguous
from precast_app.spreadsheets.zip_package import Package

__all__ = [
    "Book",
    "Cell",
    "CellError",
    "Limits",
    "MergedRange",
    "Note",
    "Package",
    "SheetRow",
    "SheetScan",
    "Sweep",
    "UnreadableFile",
    "column_letter",
    "column_number",
    "encode_ambiguous",
    "escape_formula",
    "inert",
    "open_book",
    "unescape_formula",
]
