"""OpenDocument spreadsheets (.ods), as LibreOffice saves them: one pass over `content.xml`, a row at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import BinaryIO

from precast_app.spreadsheets.errors import FileRefused, cell_too_long, damaged, too_many_columns, too_many_rows
from precast_app.spreadsheets.sheet import (
    HEAD_ROWS,
    LAST_ROW,
    Cell,
    CellError,
    Limits,
    MergedRange,
    Note,
    SheetRow,
    SheetScan,
)
from precast_app.spreadsheets.xlsx_package import Package
from precast_app.spreadsheets.xlsx_xml import Attributes, feed, local, xml_parser

_CONTENT = "content.xml"
_TABLES, _CELLS = "table", ("table-cell", "covered-table-cell")
# What LibreOffice shows in a cell whose formula has no result.
_ERRORS = ("#", "Err:")


class OdsBook:
    """A Book over an OpenDocument file's zip."""

    format = "ods"
    decimal_comma = False
    notes: tuple[Note, ...] = ()

    def __init__(self, file: BinaryIO, package: Package, limits: Limits) -> None:
        """Read the list of sheets. Raises FileRefused."""
        del file  # the package keeps it
        self._package = package
        self._limits = limits
        self._scans: dict[str, SheetScan] = {}
        names = _Names()
        for _ in self._events(names):
            pass
        self.sheets = tuple(names.found)
        if names.encrypted or _is_encrypted(package):
            raise FileRefused(
                "password_protected",
                "The spreadsheet is protected by a password. Save it without one and upload it again.",
            )
        if not self.sheets:
            raise damaged("it contains no sheet")
        if len(self.sheets) > limits.sheets:
            raise FileRefused("too_many_sheets", f"The spreadsheet has more than {limits.sheets} sheets.")
        if len(set(self.sheets)) != len(self.sheets):
            raise damaged("two of its sheets have the same name")

    def scan(self, sheet: str) -> SheetScan:
        """See Book."""
        if sheet not in self._scans:
            reader = _Table(sheet, self._limits)
            head: list[SheetRow] = []
            faults: dict[tuple[int, int], CellError] = {}
            count = 0
            for row in self._rows(reader):
                count += 1
                if len(head) < HEAD_ROWS:
                    head.append(row)
                for column, cell in enumerate(row.cells, 1):
                    if isinstance(cell, CellError) and len(faults) < self._limits.faults:
                        faults[row.number, column] = cell
            self._scans[sheet] = SheetScan(tuple(head), tuple(reader.merged), count, faults)
        return self._scans[sheet]

    def rows(self, sheet: str) -> Iterator[SheetRow]:
        """See Book."""
        yield from self._rows(_Table(sheet, self._limits))

    def _rows(self, reader: _Table) -> Iterator[SheetRow]:
        if reader.sheet not in self.sheets:
            raise KeyError(reader.sheet)
        for _ in self._events(reader):
            yield from reader.taken()
        yield from reader.taken()

    def _events(self, handler: _Names | _Table) -> Iterator[None]:
        """Parse the content; after each piece of it the handler may have something."""
        parser = xml_parser(handler.start, handler.end, handler.data)
        for chunk in self._package.chunks(_CONTENT):
            feed(parser, chunk)
            yield
        feed(parser, b"", last=True)


def _is_encrypted(package: Package) -> bool:
    manifest = b"".join(package.chunks("meta-inf/manifest.xml")) if "meta-inf/manifest.xml" in package else b""
    return b"encryption-data" in manifest


class _Names:
    """Collects the names of the sheets."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.encrypted = False
        self._depth = 0

    def start(self, tag: str, attributes: Attributes) -> None:
        if local(tag) == _TABLES:
            if not self._depth:
                self.found.append(_get(attributes, "name"))
            # A table inside a cell belongs to a chart or a note.
            self._depth += 1

    def end(self, tag: str) -> None:
        if local(tag) == _TABLES:
            self._depth -= 1

    def data(self, text: str) -> None:
        """Names stand in attributes."""


class _Table:
    """Collects the rows of one sheet. Rows and cells may be repeated; those that hold nothing take no room."""

    def __init__(self, sheet: str, limits: Limits) -> None:
        self.sheet = sheet
        self.merged: list[MergedRange] = []
        self._limits = limits
        self._rows: list[SheetRow] = []
        self._count = self._cells_seen = 0
        self._depth = 0
        self._here = False
        self._row = 1
        self._row_repeat = 1
        self._cells: list[Cell] = []
        self._blank = 0
        self._cell: Attributes | None = None
        self._lines: list[str] = []
        self._text: list[str] | None = None
        self._length = 0
        self._aside = 0
        self._starts: dict[str, Callable[[Attributes], None]] = {
            "table-row": self._start_row,
            "table-cell": self._start_cell,
            "covered-table-cell": self._start_cell,
        }

    def taken(self) -> list[SheetRow]:
        """The rows that are complete since the last time."""
        rows, self._rows = self._rows, []
        return rows

    def start(self, tag: str, attributes: Attributes) -> None:
        name = local(tag)
        if name == _TABLES:
            self._depth += 1
            if self._depth == 1:
                self._here = _get(attributes, "name") == self.sheet
                self._row = 1
        elif not self._here or self._depth > 1:
            return
        elif name == "annotation":
            # The text of a note is not that of its cell.
            self._aside += 1
        elif name in self._starts:
            self._starts[name](attributes)
        elif self._cell is not None and not self._aside:
            self._start_text(name, attributes)

    def end(self, tag: str) -> None:
        name = local(tag)
        if name == _TABLES:
            self._depth -= 1
            self._here = self._here and self._depth > 0
        elif not self._here or self._depth > 1:
            return
        elif name == "annotation":
            self._aside -= 1
        elif name == "p" and self._text is not None and not self._aside:
            self._lines.append("".join(self._text))
            self._text = None
            self._count_characters(1)
        elif name in _CELLS:
            self._end_cell()
        elif name == "table-row":
            self._end_row()

    def data(self, text: str) -> None:
        if self._text is not None and not self._aside:
            self._count_characters(len(text))
            self._text.append(text)

    def _count_characters(self, count: int) -> None:
        """Count what a cell holds, the ends of its lines too."""
        self._length += count
        # The last line has no end.
        if self._length > self._limits.cell_characters + 1:
            raise cell_too_long(self._row, len(self._cells) + self._blank + 1, self._limits)

    def _start_row(self, attributes: Attributes) -> None:
        self._row_repeat = _number(attributes, "number-rows-repeated")
        self._cells, self._blank = [], 0

    def _start_cell(self, attributes: Attributes) -> None:
        self._cell, self._lines, self._text, self._length = attributes, [], None, 0

    def _start_text(self, name: str, attributes: Attributes) -> None:
        if name == "p":
            self._text = []
        elif self._text is not None and name in ("s", "tab", "line-break"):
            blanks = min(_number(attributes, "c"), self._limits.cell_characters + 1) if name == "s" else 1
            self.data(" " * blanks if name == "s" else "\n" if name == "line-break" else "\t")

    def _end_cell(self) -> None:
        attributes, self._cell = self._cell or {}, None
        value = _value(attributes, "\n".join(self._lines))
        repeat = _number(attributes, "number-columns-repeated")
        column = len(self._cells) + self._blank + 1
        self._merge(attributes, column)
        if value == "" or (isinstance(value, str) and value.isspace()):
            self._blank += repeat
            return
        last = column + repeat - 1
        if last > self._limits.columns:
            raise too_many_columns(self._row, last, self._limits)
        self._cells.extend([""] * self._blank)
        self._blank = 0
        self._cells.extend([value] * repeat)

    def _merge(self, attributes: Attributes, column: int) -> None:
        columns, rows = _number(attributes, "number-columns-spanned"), _number(attributes, "number-rows-spanned")
        if columns * rows > 1 and len(self.merged) < self._limits.merged_ranges:
            self.merged.append(MergedRange(self._row, column, self._row + rows - 1, column + columns - 1))

    def _end_row(self) -> None:
        if self._cells:
            self._count += self._row_repeat
            self._cells_seen += self._row_repeat * len(self._cells)
            if self._count > self._limits.rows or self._cells_seen > self._limits.cells:
                raise too_many_rows(self._limits)
            self._rows += [SheetRow(self._row + place, list(self._cells)) for place in range(self._row_repeat)]
        self._row += self._row_repeat
        if self._row > LAST_ROW * 2:
            raise damaged("it has more rows than a spreadsheet can have")


def _get(attributes: Attributes, name: str) -> str:
    return next((value for key, value in attributes.items() if local(key) == name), "")


def _number(attributes: Attributes, name: str) -> int:
    text = _get(attributes, name)
    if not text:
        return 1
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise damaged(f"a cell or row says {name}={text[:20]!r}")
    return max(1, int(text))


def _value(attributes: Attributes, text: str) -> Cell:
    """The value that the file stores; what the cell shows is `text`."""
    kinds = {value for key, value in attributes.items() if local(key) == "value-type"}
    formula = _get(attributes, "formula")
    if "error" in kinds or (formula and text.startswith(_ERRORS)):
        return CellError(text or "#ERR")
    if not kinds:
        return CellError(f"={formula.partition('=')[2]}"[:60]) if formula and not text else text
    try:
        if kinds & {"float", "percentage", "currency"}:
            return float(_get(attributes, "value"))
        if "boolean" in kinds:
            return _get(attributes, "boolean-value") == "true"
        if "date" in kinds:
            written = _get(attributes, "date-value")
            return datetime.fromisoformat(written) if "T" in written else _midnight(date.fromisoformat(written))
    except ValueError:
        return text
    return _get(attributes, "string-value") or text


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 # a cell has no time zone
