"""Types that every reader returns: books, numbered rows of cells, and scans of a sheet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal, Protocol

# Excel's last row.
LAST_ROW = 1_048_576
HEAD_ROWS = 20


@dataclass(frozen=True, slots=True)
class CellError:
    """Cell that shows an error instead of a value.

    `text` is what the cell shows, for example `#REF!`, or `=…` for a formula that was saved without its result. `str()`
    explains it.
    """

    text: str

    def __str__(self) -> str:
        if self.text.startswith("="):
            return f"{self.text} (a formula that was saved without its result)"
        return f"{self.text} (an error that Excel shows in this cell)"


class CellFormat(Protocol):
    """Format by which a cell shows more of its number than the digits."""

    @property
    def unit(self) -> str | None:
        """Return the unit that is shown after the number, None if there is none."""

    @property
    def code(self) -> str:
        """Return the format in Excel's notation, by which a copy of the cell shows the same."""

    def show(self, number: float) -> str | None:
        """Return what a cell shows of a number, or None if the format is not simple enough."""


@dataclass(frozen=True, slots=True)
class ShownText:
    """Format of a single cell of which only what it shows is known."""

    shown: str | None
    unit: str | None
    code: str

    def show(self, number: float) -> str | None:
        """Return what the cell shows."""
        return self.shown


class FormattedNumber(float):
    """Number whose cell shows more than its digits because of its number format.

    What the cell shows is determined only when it is asked for, because most cells are in columns of numbers.
    """

    __slots__ = ("format",)

    format: CellFormat

    def __new__(cls, number: float, number_format: CellFormat) -> FormattedNumber:
        """Return the number with the format of its cell."""
        new = float.__new__(cls, number)
        new.format = number_format
        return new

    def __reduce__(self) -> tuple[type[FormattedNumber], tuple[float, CellFormat]]:
        # By default unpickling would call the class with the number only.
        return type(self), (float(self), self.format)

    @property
    def shown(self) -> str | None:
        """Return what the cell shows, such as `0012`, `W-101` or `50%`; None if the format is not simple enough."""
        return self.format.show(float(self))

    @property
    def unit(self) -> str | None:
        """Return the unit that the format shows after the number, None if it shows no unit."""
        return self.format.unit

    @property
    def code(self) -> str:
        """Return the format in Excel's notation."""
        return self.format.code


# A blank cell is ''. Numbers in a workbook are floats of 15 significant digits, including whole numbers, and may be inf
# or nan if no spreadsheet program wrote the file.
Cell = str | float | int | bool | datetime | date | time | timedelta | CellError


@dataclass(frozen=True, slots=True)
class SheetRow:
    """Row that is not blank. `number` is the row number that Excel shows; `cells[0]` is column A.

    Cells beyond the end of `cells` are blank.
    """

    number: int
    cells: Sequence[Cell]


@dataclass(frozen=True, slots=True)
class MergedRange:
    """Merged cells. Rows and columns count from 1; the last row and column belong to the range."""

    first_row: int
    first_column: int
    last_row: int
    last_column: int


@dataclass(frozen=True, slots=True)
class ReaderNote:
    """Choice or correction that a reader made. `severity` is warning if the choice may be wrong, else info.

    `row`, `column` (its letters) and `value` say which cell it is about; they are None if it is about the whole file.
    `unit` is the unit that the cell shows, if the note is about a unit.
    """

    severity: Literal["info", "warning"]
    code: str
    message: str
    row: int | None = None
    column: str | None = None
    value: str | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class SheetScan:
    """Result of a quick scan of a sheet.

    head         the first rows that are not blank, up to `HEAD_ROWS`
    merged       merged ranges sorted by row and column; none of them overlap
    row_count    number of rows that are not blank, including header rows: as many as `Book.rows` yields
    error_cells  the cells whose value is an error, by (row, column), counted from 1; not texts such as `#N/A`
    """

    head: tuple[SheetRow, ...]
    merged: tuple[MergedRange, ...]
    row_count: int
    error_cells: Mapping[tuple[int, int], CellError]


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on a file; `UnreadableFile` is raised for a file that exceeds one of them."""

    unpacked_bytes: int = 1024 * 1024 * 1024  # bytes of all parts of a workbook, unzipped
    compression_ratio: int = 250  # unzipped bytes per zipped byte, for a part of 8 MiB and more
    parts: int = 10_000  # files inside the zip
    sheets: int = 500
    rows: int = 200_000  # rows per sheet that are not blank
    columns: int = 2_000  # number of the last column that is not blank
    cells: int = 12_000_000  # cells of the rectangle around all values, including blank ones
    cell_characters: int = 32_767  # characters in a cell: Excel's own limit
    parsed_cells: int = 3_000_000  # cells of a sheet that only the slow XML parser can read
    shared_texts: int = 4_000_000  # different texts in a workbook
    text_bytes: int = 512 * 1024 * 1024  # bytes of text in a sheet, counting each repetition
    error_cells: int = 200_000  # cells of a sheet that show an error
    merged_ranges: int = 100_000  # per sheet


class Book(Protocol):
    """Opened spreadsheet. It keeps the file object that it was given and does not close it."""

    @property
    def format(self) -> str:
        """Return `xlsx`, `xlsb`, `xls`, `ods` or `csv`."""

    @property
    def decimal_comma(self) -> bool:
        """Return whether the comma is the decimal separator in cells that are text."""

    @property
    def notes(self) -> tuple[ReaderNote, ...]:
        """Return the reader's choices and corrections; complete after all rows of a sheet have been read."""

    @property
    def sheets(self) -> tuple[str, ...]:
        """Return the names of the worksheets in the workbook's order, including hidden ones; `('',)` for CSV."""

    @property
    def hidden_sheets(self) -> frozenset[str]:
        """Return the names of the sheets that users don't see."""

    def scan(self, sheet: str) -> SheetScan:
        """Return a quick scan of a sheet. Raise `UnreadableFile`, or `KeyError` if there is no such sheet."""

    def rows(self, sheet: str, shown_columns: Set[int] | None = None) -> Iterator[SheetRow]:
        """Yield every row that is not blank, including header rows. Raises the same errors as `scan` on the way.

        `shown_columns` are the indices of the columns in which it matters what the cells show; None means all. In the
        other ones a reader may return plain numbers in place of formatted ones, unless their format shows a unit.
        """


def column_letter(column: int) -> str:
    """Return the letters of a column: 1 → A, 27 → AA."""
    letters = ""
    while column > 0:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def column_number(letters: str) -> int:
    """Return the number of a column by its upper-case letters: A → 1, AA → 27."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number
