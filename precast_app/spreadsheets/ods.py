"""OpenDocument spreadsheets (.ods), as saved by LibreOffice, read row by row in one pass over `content.xml`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from itertools import islice

from precast_app.messages import Message
from precast_app.spreadsheets.errors import (
    UnreadableFile,
    cell_too_long,
    damaged,
    too_many_cells,
    too_many_columns,
    too_many_rows,
)
from precast_app.spreadsheets.merged_ranges import drop_overlapping
from precast_app.spreadsheets.ods_cells import attribute, cell_value, count_attribute
from precast_app.spreadsheets.sheet import (
    HEAD_ROWS,
    LAST_ROW,
    Cell,
    CellError,
    Limits,
    MergedRange,
    ReaderNote,
    SheetRow,
    SheetScan,
)
from precast_app.spreadsheets.xlsx.sheet_xml import Attributes, local_name, parse_chunk, xml_parser
from precast_app.spreadsheets.zip_package import ZipPackage

_CONTENT = "content.xml"
_TABLES, _CELLS = "table", ("table-cell", "covered-table-cell")
# A cell that is not blank has at least two XML elements: the cell and its text.
_ELEMENTS_PER_CELL = 2


class OdsBook:
    """Book over an OpenDocument spreadsheet."""

    format = "ods"
    decimal_comma = False
    notes: tuple[ReaderNote, ...] = ()

    def __init__(self, package: ZipPackage, limits: Limits) -> None:
        """Scan all sheets. Raise `UnreadableFile` if the file can't be read."""
        self._package = package
        self._limits = limits
        # All sheets are in one part, so they are scanned in one pass over it, not in one pass per sheet.
        reader = _TableReader(None, limits)
        found = _ScanBuilder(limits)
        for _ in self._parse_content(reader):
            found.add_rows_of(reader)
        self._scans = found.finish(reader)
        self._errors = reader.errors
        self.sheets = tuple(self._scans)
        self.hidden_sheets = frozenset(reader.hidden)
        if not self.sheets:
            raise damaged("it contains no sheet")

    def scan(self, sheet: str) -> SheetScan:
        """See Book."""
        if sheet in self._errors:
            raise self._errors[sheet]
        return self._scans[sheet]

    def rows(self, sheet: str, shown_columns: Set[int] | None = None) -> Iterator[SheetRow]:
        """See Book."""
        if sheet not in self.sheets:
            raise KeyError(sheet)
        reader = _TableReader(sheet, self._limits)
        for _ in self._parse_content(reader):
            for each in reader.take_rows():
                yield from each.rows()
            if sheet in reader.errors:
                raise reader.errors[sheet]

    def _parse_content(self, handler: _TableReader) -> Iterator[None]:
        """Feed the content to the handler and yield after each chunk, so that its rows can be taken."""
        parser = xml_parser(handler.start, handler.end, handler.data)
        for chunk in self._package.chunks(_CONTENT):
            parse_chunk(parser, chunk)
            yield
        parse_chunk(parser, b"", last=True)
        yield


@dataclass(frozen=True, slots=True)
class _RepeatedRow:
    """Row that is repeated `count` times but stored once, as in the file."""

    sheet: str
    first: int
    count: int
    cells: list[Cell]

    def rows(self) -> Iterator[SheetRow]:
        """Yield the rows, which share their cells."""
        return (SheetRow(self.first + offset, self.cells) for offset in range(self.count))


class _ScanBuilder:
    """Builder of the scans of all sheets from one pass over the document."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._heads: dict[str, list[SheetRow]] = {}
        self._error_cells: dict[str, dict[tuple[int, int], CellError]] = {}

    def add_rows_of(self, reader: _TableReader) -> None:
        """Add the rows that the reader has completed."""
        for each in reader.take_rows():
            head = self._heads.setdefault(each.sheet, [])
            head.extend(islice(each.rows(), HEAD_ROWS - len(head)))
            errors = self._error_cells.setdefault(each.sheet, {})
            for column, cell in enumerate(each.cells, 1):
                if isinstance(cell, CellError):
                    for row in islice(each.rows(), self._limits.error_cells - len(errors)):
                        errors[row.number, column] = cell

    def finish(self, reader: _TableReader) -> dict[str, SheetScan]:
        """Return the scans by sheet, in the order of the document."""
        return {
            sheet: SheetScan(
                tuple(self._heads.get(sheet, ())),
                drop_overlapping(merged),
                reader.counts[sheet],
                self._error_cells.get(sheet, {}),
            )
            for sheet, merged in reader.merged.items()
        }


class _TableReader:
    """XML handler that collects the rows of one sheet, or of all sheets if `sheet` is None.

    Repeated rows are stored once; blank cells and rows are not stored.

    merged    each sheet's merged ranges, in the order of the document
    counts    each sheet's number of rows that are not blank
    errors    the error for each sheet that could not be read to its end
    hidden    the sheets that users don't see
    """

    def __init__(self, sheet: str | None, limits: Limits) -> None:
        self.merged: dict[str, list[MergedRange]] = {}
        self.counts: dict[str, int] = {}
        self.errors: dict[str, UnreadableFile] = {}
        self.hidden: set[str] = set()
        self._style = ""
        self._hidden_styles: set[str] = set()
        self._only_sheet = sheet
        self._sheet = ""
        self._limits = limits
        self._elements = 0
        self._rows: list[_RepeatedRow] = []
        self._cells_seen = 0
        self._table_depth = 0
        self._is_reading = False
        self._row = 1
        self._row_repeat = 1
        self._cells: list[Cell] = []
        self._blank = 0
        self._cell: Attributes | None = None
        self._lines: list[str] = []
        self._text: list[str] | None = None
        self._length = 0
        self._annotation_depth = 0
        self._starts: dict[str, Callable[[Attributes], None]] = {
            "table-row": self._start_row,
            "table-cell": self._start_cell,
            "covered-table-cell": self._start_cell,
        }

    def take_rows(self) -> list[_RepeatedRow]:
        """Return the rows completed since the last call."""
        rows, self._rows = self._rows, []
        return rows

    def start(self, tag: str, attributes: Attributes) -> None:
        self._elements += 1
        if self._elements > _ELEMENTS_PER_CELL * self._limits.parsed_cells:
            raise too_many_cells("has too many XML elements", self._limits.parsed_cells)
        name = local_name(tag)
        if name == _TABLES:
            # A table inside a table belongs to a chart or an annotation.
            self._table_depth += 1
            if self._table_depth == 1:
                self._start_table(attribute(attributes, "name"), attribute(attributes, "style-name"))
        elif name == "style":
            self._style = attribute(attributes, "name")
        elif name == "table-properties":
            if attribute(attributes, "display") == "false" and len(self._hidden_styles) < self._limits.sheets:
                self._hidden_styles.add(self._style)
        elif not self._is_reading or self._table_depth > 1:
            return
        elif name == "annotation":
            # The text of an annotation does not belong to the cell's value.
            self._annotation_depth += 1
        elif name in self._starts:
            self._starts[name](attributes)
        elif self._cell is not None and not self._annotation_depth:
            self._start_text(name, attributes)

    def end(self, tag: str) -> None:
        name = local_name(tag)
        if name == _TABLES:
            self._table_depth -= 1
            self._is_reading = self._is_reading and self._table_depth > 0
        elif not self._is_reading or self._table_depth > 1:
            return
        elif name == "annotation":
            self._annotation_depth -= 1
        elif name == "p" and self._text is not None and not self._annotation_depth:
            self._lines.append("".join(self._text))
            self._text = None
            self._count_characters(1)
        elif name in _CELLS:
            self._end_cell()
        elif name == "table-row":
            self._end_row()

    def data(self, text: str) -> None:
        if self._text is not None and not self._annotation_depth:
            self._count_characters(len(text))
            if self._is_reading:
                self._text.append(text)

    def _start_table(self, name: str, style: str) -> None:
        if name in self.merged:
            raise damaged("two of its sheets have the same name")
        if len(self.merged) >= self._limits.sheets:
            raise UnreadableFile(
                "too_many_sheets", Message("The spreadsheet has more than %(limit)s sheets.", limit=self._limits.sheets)
            )
        self.merged[name], self.counts[name] = [], 0
        if style in self._hidden_styles:
            self.hidden.add(name)
        self._sheet, self._is_reading = name, self._only_sheet in (None, name)
        self._row, self._annotation_depth = 1, 0
        self._cell = self._text = None

    def _skip_sheet(self, error: UnreadableFile) -> None:
        """Record the error and skip the rest of the sheet, because the import may need another sheet."""
        self.errors[self._sheet] = error
        self._is_reading, self._text = False, None

    def _count_characters(self, count: int) -> None:
        """Count the characters of a cell, including line ends."""
        self._length += count
        # One more than the limit, because the last line's end is counted but not part of the value.
        if self._length > self._limits.cell_characters + 1:
            self._skip_sheet(cell_too_long(self._row, len(self._cells) + self._blank + 1, self._limits))

    def _start_row(self, attributes: Attributes) -> None:
        self._row_repeat = count_attribute(attributes, "number-rows-repeated")
        self._cells, self._blank = [], 0

    def _start_cell(self, attributes: Attributes) -> None:
        self._cell, self._lines, self._text, self._length = attributes, [], None, 0

    def _start_text(self, name: str, attributes: Attributes) -> None:
        if name == "p":
            self._text = []
        elif self._text is not None and name in ("s", "tab", "line-break"):
            blanks = min(count_attribute(attributes, "c"), self._limits.cell_characters + 1) if name == "s" else 1
            self.data(" " * blanks if name == "s" else "\n" if name == "line-break" else "\t")

    def _end_cell(self) -> None:
        attributes, self._cell = self._cell or {}, None
        value = cell_value(attributes, "\n".join(self._lines))
        repeat = count_attribute(attributes, "number-columns-repeated")
        column = len(self._cells) + self._blank + 1
        self._merge(attributes, column)
        if value == "" or (isinstance(value, str) and value.isspace()):
            self._blank += repeat
            return
        last = column + repeat - 1
        if last > self._limits.columns:
            self._skip_sheet(too_many_columns(self._row, last, self._limits))
            return
        self._cells.extend([""] * self._blank)
        self._blank = 0
        self._cells.extend([value] * repeat)

    def _merge(self, attributes: Attributes, column: int) -> None:
        columns, rows = (
            count_attribute(attributes, "number-columns-spanned"),
            count_attribute(attributes, "number-rows-spanned"),
        )
        merged = self.merged[self._sheet]
        if columns * rows > 1 and len(merged) < self._limits.merged_ranges:
            merged.append(MergedRange(self._row, column, self._row + rows - 1, column + columns - 1))

    def _end_row(self) -> None:
        if self._cells:
            count = self.counts[self._sheet] = self.counts[self._sheet] + self._row_repeat
            self._cells_seen += self._row_repeat * len(self._cells)
            if count > self._limits.rows or self._cells_seen > self._limits.cells:
                self._skip_sheet(too_many_rows(self._limits))
                return
            self._rows.append(_RepeatedRow(self._sheet, self._row, self._row_repeat, self._cells))
        self._row += self._row_repeat
        if self._row > LAST_ROW * 2:
            raise damaged("it has more rows than a spreadsheet can have")
