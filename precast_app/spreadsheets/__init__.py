"""Readers of spreadsheet files: they turn bytes into numbered rows of cells and know nothing about the columns."""

from precast_app.spreadsheets.background_book import BackgroundBook
from precast_app.spreadsheets.errors import UnreadableFile
from precast_app.spreadsheets.format_detection import open_book
from precast_app.spreadsheets.formula_escaping import ensure_escaped, escape_formula, unescape_formula
from precast_app.spreadsheets.merged_ranges import MergedRangeSweep, MergedValues
from precast_app.spreadsheets.number_formats import round_to_excel
from precast_app.spreadsheets.positioned_file import PositionedFile
from precast_app.spreadsheets.sheet import (
    Book,
    Cell,
    CellError,
    FormattedNumber,
    Limits,
    MergedRange,
    ReaderNote,
    SheetRow,
    SheetScan,
    ShownText,
    column_letter,
    column_number,
)
from precast_app.spreadsheets.text_decoding import ENCODINGS, encoding_name, protect_from_decoding
from precast_app.spreadsheets.unit_names import unit_name
from precast_app.spreadsheets.zip_package import ZipPackage

__all__ = [
    "ENCODINGS",
    "BackgroundBook",
    "Book",
    "Cell",
    "CellError",
    "FormattedNumber",
    "Limits",
    "MergedRange",
    "MergedRangeSweep",
    "MergedValues",
    "PositionedFile",
    "ReaderNote",
    "SheetRow",
    "SheetScan",
    "ShownText",
    "UnreadableFile",
    "ZipPackage",
    "column_letter",
    "column_number",
    "encoding_name",
    "ensure_escaped",
    "escape_formula",
    "open_book",
    "protect_from_decoding",
    "round_to_excel",
    "unescape_formula",
    "unit_name",
]
