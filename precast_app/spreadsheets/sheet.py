"""What a reader hands out: numbered rows of cells, and what one look at a sheet tells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal, Protocol

# Excel's own last row; a number beyond it is never right.
LAST_ROW = 1_048_576
HEAD_ROWS = 8


@dataclass(frozen=True, slots=True)
class CellError:
    """A cell that shows an error instead of a value.

    `text` is what stands in the cell: `#REF!` and the like, or `=…` for a formula that was saved
    without its result. `str()` explains it.
    """

    text: str

    def __str__(self) -> str:
        if self.text.startswith("="):
            return f"{self.text} (a formula that was saved without its result)"
        return f"{self.text} (an error that Excel shows in this cell)"


# A blank cell is ''. Numbers of a workbook are floats, also the whole ones, and may be inf or nan
# in a file that no spreadsheet program wrote.
Cell = str | float | int | bool | datetime | date | time | timedelta | CellError


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A row that holds something. `number` is the one that Excel shows; `cells[0]` is column A.

    Cells beyond the end of `cells` are blank.
    """

    number: int
    cells: Sequence[Cell]


@dataclass(frozen=True, slots=True)
class MergedRange:
    """Merged cells; rows and columns count from 1, and both ends belong to the range."""

    first_row: int
    first_column: int
    last_row: int
    last_column: int


@dataclass(frozen=True, slots=True)
class Note:
    """What a reader had to choose or to mend. `severity` is info, or warning where it may have chosen wrong."""

    severity: Literal["info", "warning"]
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class SheetScan:
    """What one quick look at a sheet tells.

    head       the first 8 rows that hold anything. Dates in a workbook's head are still the numbers
               that Excel stores for them, since the look does not read cell formats.
    merged     merged ranges by row and column, of which no two share a cell
    row_count  rows that hold anything, header rows included: as many as `Book.rows` yields
    faults     (row, column), from 1, of each cell that shows an error
    """

    head: tuple[SheetRow, ...]
    merged: tuple[MergedRange, ...]
    row_count: int
    error_cells: Mapping[tuple[int, int], CellError]


@dataclass(frozen=True, slots=True)
class Limits:
    """What is still read; a file beyond one of these is refused."""

    unpacked_bytes: int = 1024 * 1024 * 1024  # bytes of all parts of a workbook, unzipped
    compression_ratio: int = 250  # unzipped bytes per zipped byte, for a part of 8 MiB and more
    parts: int = 10_000  # files inside the zip
    sheets: int = 500
    rows: int = 200_000  # rows that hold anything, per sheet
    columns: int = 2_000  # the last column that holds anything
    cells: int = 12_000_000  # cells between the first and the last one, blank ones included
    cell_characters: int = 32_767  # characters in a cell: Excel's own limit
    parsed_cells: int = 3_000_000  # cells of a sheet that only the slow way can read
    shared_texts: int = 4_000_000  # different texts in a workbook
    text_bytes: int = 512 * 1024 * 1024  # bytes of text in a sheet, each repetition counted
    error_cells: int = 200_000  # cells of a sheet that show an error
    merged_ranges: int = 100_000  # per sheet


class Book(Protocol):
    """An opened file. It keeps the file object it was given, and does not close it."""

    @property
    def format(self) -> str:
        """`xlsx`, `xlsb`, `xls`, `ods` or `csv`."""

    @property
    def decimal_comma(self) -> bool:
        """Whether text that is a number has its decimals after a comma, whatever it looks like."""

    @property
    def notes(self) -> tuple[Note, ...]:
        """What the reader chose and mended; complete after all of a sheet's rows were read."""

    @property
    def sheets(self) -> tuple[str, ...]:
        """The worksheets in the workbook's order, hidden ones included; `('',)` for CSV."""

    def scan(self, sheet: str) -> SheetScan:
        """A quick look at a sheet. Raises UnreadableFile; KeyError for a sheet that is not there."""

    def rows(self, sheet: str) -> Iterator[SheetRow]:
        """Every row that holds anything, header rows included. Raises, on the way, as `scan`."""


def column_letter(column: int) -> str:
    """The letters over a column: 1 → A, 27 → AA."""
    letters = ""
    while column > 0:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def column_number(letters: str) -> int:
    """The opposite of `column_letter`, for upper-case letters."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number
