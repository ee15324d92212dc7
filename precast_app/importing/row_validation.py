"""Rows of a sheet to rows of values, each with its issues. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import call

from precast_app.enums import Severity
from precast_app.importing.cell_caches import CACHED_TYPES, MAX_CACHED_CELLS, CellPicker, ParsedCellCache, read_as_shown
from precast_app.importing.cell_parsing import FALSY_TEXTS, InvalidCell, display_text, is_falsy
from precast_app.importing.decimal_signs import DecimalSigns, reading_message, with_point
from precast_app.importing.header_detection import EXAMPLE_NAMES
from precast_app.importing.issues import Issue, IssueOverflow
from precast_app.importing.profiles import cell_values
from precast_app.importing.row_warnings import beyond_headings_warning, cell_at, shown_value, type_warnings
from precast_app.importing.schema import NOT_IN_FILE, CellParser, Column, ColumnMap
from precast_app.messages import Message
from precast_app.spreadsheets import Cell, FormattedNumber, MergedValues, SheetRow, unescape_formula
from precast_app.text import clean_text, identity_key

_ROWS_TO_JUDGE_CACHES = 500
_FORMATTED = {FormattedNumber}
# What the text of a row of totals begins with.
_TOTAL_WORD = re.compile(
    r"\A(?:(?:(?:grand|sub|sous)[\s-]*)?totals?\b|(?:sub)?total[ei]\b|(?:eind|sub)?totaal\b|(?:sum(?:me|ma)?|somm[ae]|soma"
    r"|suma|som)\b|gesamt|insgesamt\b|(?:zwischen|end)summe\b"  # codespell:ignore
    r"|razem\b|ogółem\b|łącznie\b|(?:kaikki )?yhteensä\b"
    r"|(?:genel |ara )?toplam\b|kul yog\b|count\b|anzahl\b|[∑Σ]|итого|всего|合计|总计|小计)",
    re.IGNORECASE,
)
# Such as 12, or 12 pcs.
_COUNT_OR_BLANK = re.compile(r"(?:[\d.,]{1,20} ?[^\W\d]{0,20}\.?)?")
_NO_KEY = ("", "")
_EXAMPLE_KEY = (identity_key(EXAMPLE_NAMES[0]), identity_key(EXAMPLE_NAMES[1]))


@dataclass(frozen=True, slots=True)
class Row:
    """A data row: its number in the sheet, its identity, and its values in the order of `ColumnMap.columns`.

    A rejected row has at least one issue of severity error, and neither key nor values. Other rows may have warnings.
    """

    number: int
    key: tuple[str, str]
    values: tuple[object, ...]
    issues: tuple[Issue, ...] = ()
    # A row of totals, which is not data.
    skipped: bool = False
    # Whether it has no names and may be a row of totals for that.
    nameless: bool = False
    # Indices of values whose cells are blank and keep what is stored.
    kept_positions: tuple[int, ...] = ()
    # The key of a rejected row, as far as its names can be read. A row of a file whose rows are put together has it in
    # any case, and its cells; later the rows that name the nodes.
    element_type_key: tuple[str, str] = _NO_KEY
    cells: Sequence[Cell] = ()
    node_rows: Mapping[int, int] | None = None

    @property
    def rejected(self) -> bool:
        """Whether the row is not imported."""
        return not self.key[0]


def validate_rows(read_rows: Callable[[], Iterable[SheetRow]], columns: ColumnMap) -> Iterator[Row]:
    """Yield the data rows of a sheet; rows above the data are dropped, and so are rows that hold nothing but no and 0.

    `read_rows` returns the rows of the sheet from the first one on; it is called twice if a number can be read in two
    ways. A repeated element type is rejected after its first row. A row of totals is `skipped`: one that says so, or
    the last row if it has no names, or the number of the rows above it in place of names.
    """
    before: Row | None = None
    last: Row | None = None
    above = 0
    for row in _validate_each(read_rows, columns):
        if last is not None:
            yield last
            above += not last.skipped
        before, last = last, row
    if last is not None:
        yield _totals_row(last.number, columns) if last.nameless or _counts_rows(last, above, before) else last


def says_total(text: str) -> bool:
    """Return whether a text begins with a word for totals."""
    return _TOTAL_WORD.match(text) is not None


def cap_issues(rows: Iterable[Row], limit: int) -> tuple[list[Row], IssueOverflow]:
    """Return the rows, without the issues of rejected rows, and of other rows, that follow the first `limit` of them.

    The dropped issues are counted.
    """
    capped: list[Row] = []
    counts = {True: 0, False: 0}
    overflow_count = 0
    overflow_rows = set()
    for row in rows:
        if row.issues and counts[row.rejected] >= limit:
            overflow_count += len(row.issues)
            if row.rejected and not row.skipped:
                overflow_rows.add(row.number)
            row = replace(row, issues=())
        counts[row.rejected] += len(row.issues)
        capped.append(row)
    return capped, IssueOverflow(overflow_count, frozenset(overflow_rows))


def _validate_each(read_rows: Callable[[], Iterable[SheetRow]], columns: ColumnMap) -> Iterator[Row]:
    signs = DecimalSigns(columns.file_sign)
    validator = _RowValidator(columns, signs)
    first_unclear: int | None = None
    for row in data_rows(read_rows(), columns):
        # The rows from the first unclear number on are read again when all cells of its column are known.
        if validator.has_unclear_number(row) and first_unclear is None:
            first_unclear = row.number
        if first_unclear is None and (validated := validator.validate(row)) is not None:
            yield validated
    if first_unclear is not None:
        for row in data_rows(read_rows(), columns):
            if row.number >= first_unclear and (validated := validator.validate(row)) is not None:
                yield validated


def data_rows(rows: Iterable[SheetRow], columns: ColumnMap) -> Iterator[SheetRow]:
    """Yield the rows below the headings, with the values of merged cells and as an import profile prepares them."""
    merged = MergedValues(columns.merged)
    below = (merged.fill(row) for row in rows if row.number >= columns.first_data_row)
    return below if columns.preparation is None else columns.preparation.rows(below)


class _RowValidator:
    """Validates rows one by one and remembers their names."""

    def __init__(self, columns: ColumnMap, signs: DecimalSigns) -> None:
        self._columns = columns
        self._signs = signs
        self._first_rows: dict[tuple[str, str], int] = {}
        self._parsers = [(column, self._parser(column)) for column in columns.columns]
        self._uncached = [parse for _, parse in self._parsers]
        self._caches = list(map(ParsedCellCache, self._uncached))
        self._use_caches([True] * len(self._caches))
        self._rows_until_judged = _ROWS_TO_JUDGE_CACHES
        self._cells = CellPicker(column.index for column in columns.columns)
        self._text_columns = [column for column in columns.columns if column.is_text]
        # Texts that can be read in one way only, by column.
        self._clear_texts: dict[int, set[str]] = {
            column.index: set() for column in columns.columns if column.is_number and column.sign is None
        }
        self._signed_cells = CellPicker(self._clear_texts)
        self._keeping = [
            (position, column.index)
            for position, column in enumerate(columns.columns)
            if column.keeps_blank and "" not in (column.replacements or {})
        ]
        self._has_unclear_numbers = False

    def _use_caches(self, is_used: Sequence[bool]) -> None:
        caches = zip(self._caches, self._uncached, is_used, strict=True)
        self._cached = [cache.__getitem__ if is_cached else parse for cache, parse, is_cached in caches]
        # For rows with numbers whose format shows more than their digits.
        self._cached_as_shown = [
            read_as_shown(parse) if column.is_text else parse
            for parse, column in zip(self._cached, self._columns.columns, strict=True)
        ]

    def has_unclear_number(self, row: SheetRow) -> bool:
        """Collect the decimal signs of a row; return whether one of its numbers can be read in two ways."""
        is_unclear = False
        cells = self._signed_cells.pick(row.cells)
        texts = [
            (index, cell) for index, cell in zip(self._clear_texts, cells, strict=True) if type(cell) is str and cell
        ]
        for index, text in texts:
            clear_texts = self._clear_texts[index]
            if text.isdigit() or text in clear_texts:
                continue
            if self._signs.add(index, unescape_formula(text)):
                is_unclear = self._has_unclear_numbers = True
            elif len(clear_texts) < MAX_CACHED_CELLS:
                clear_texts.add(text)
        return is_unclear

    def validate(self, row: SheetRow) -> Row | None:
        """Return the values and the issues of a row; None if it holds nothing but no and 0, or is a sample."""
        columns = self._columns
        cells = row.cells
        width = len(cells)
        self._rows_until_judged -= 1
        if not self._rows_until_judged:
            # A cache of values that hardly repeat takes more time than it saves.
            self._use_caches([len(cache) < _ROWS_TO_JUDGE_CACHES / 2 for cache in self._caches])
        # True equals 1.0, so a cache would return the value of the other, though a column may accept only one of them.
        other_types = set(map(type, cells)) - CACHED_TYPES
        parsers = self._cached
        if other_types:
            parsers = self._cached_as_shown if other_types == _FORMATTED else self._uncached
        try:
            values = tuple(map(call, parsers, self._cells.pick(cells)))
        except InvalidCell:
            if self._is_empty(row):
                return None
            return _totals_row(row.number, columns) if _is_total(row, columns) else self._rejected_row(row)
        may_be_total = columns.preparation is not None or says_total(str(values[0]))
        if may_be_total and _is_total(row, columns):
            return _totals_row(row.number, columns)
        key = (identity_key(str(values[0])), identity_key(str(values[1])))
        if key == _EXAMPLE_KEY or (key[0] in FALSY_TEXTS and self._is_empty(row)):
            return None
        # Rows of one element type may be put together, and are no duplicates then.
        first = self._first_rows.setdefault(key, row.number) if columns.grouping is None else row.number
        if first != row.number:
            return Row(row.number, _NO_KEY, (), (_duplicate_issue(row, columns, first),), element_type_key=key)
        issues: list[Issue] = []
        if self._has_unclear_numbers:
            issues += self._unclear_number_warnings(row)
        if other_types or width > columns.width:
            issues += beyond_headings_warning(row, columns)
        if other_types:
            issues += type_warnings(row, other_types, columns, self._text_columns)
        kept = tuple(
            [
                position
                for position, index in self._keeping
                if index >= width or not clean_text(display_text(cells[index]))
            ]
        )
        if columns.grouping is None:
            return Row(row.number, key, values, tuple(issues), kept_positions=kept)
        return Row(row.number, key, values, tuple(issues), kept_positions=kept, element_type_key=key, cells=cells)

    def _parser(self, column: Column) -> CellParser:
        if not column.is_number:
            return cell_values.replacing_parser(column)
        sign, parse = column.sign, column.parse

        def parse_number(cell: object) -> object:
            if type(cell) is str and cell:
                text = unescape_formula(cell)
                return parse(with_point(text, sign) if sign else self._signs.read(column.index, text).text)
            return parse(cell)

        return cell_values.replacing_parser(column, parse_number)

    def _is_empty(self, row: SheetRow) -> bool:
        """Return whether a row has no names and no values, such as a row of formulas for rows to come.

        Formulas show 0 or FALSE where they refer to a blank cell, whatever their column is about.
        """
        cells = [(parse, cell_at(row, column.index)) for column, parse in self._parsers]
        if not all(is_falsy(cell) for _, cell in cells[:2]):
            return False
        try:
            return not any(parse(cell) for parse, cell in cells[2:] if not is_falsy(cell))
        except InvalidCell:
            return False

    def _rejected_row(self, row: SheetRow) -> Row:
        """Return the row with an issue for each invalid cell, not only for the first."""
        issues = []
        for column, parse in self._parsers:
            cell = cell_at(row, column.index)
            try:
                parse(cell)
            except InvalidCell as invalid:
                issues.append(
                    self._columns.issue(
                        severity=Severity.ERROR,
                        code=invalid.code,
                        message=invalid.message,
                        row=row.number,
                        column=column,
                        value=shown_value(cell),
                    )
                )
        return Row(
            row.number,
            _NO_KEY,
            (),
            tuple(issues),
            nameless=self._is_nameless(row),
            element_type_key=self._identity(row),
            cells=() if self._columns.grouping is None else row.cells,
        )

    def _is_nameless(self, row: SheetRow) -> bool:
        """Return whether the names are blank and, if one of them is the same for all rows, all other texts, too."""
        names = [column for column in self._columns.columns[:2] if column.index != NOT_IN_FILE]
        texts = [column for column in self._columns.columns[2:] if not column.is_number] if len(names) < 2 else []
        return not any(clean_text(display_text(cell_at(row, column.index))) for column in (*names, *texts))

    def _identity(self, row: SheetRow) -> tuple[str, str]:
        """Return the key of the element type of a row with an invalid cell, with a blank text for an invalid name.

        Rows that are put together have both names or none.
        """
        keys = []
        for column, parse in self._parsers[:2]:
            try:
                keys.append(identity_key(str(parse(cell_at(row, column.index)))))
            except InvalidCell:
                keys.append("")
        type_key, name_key = keys
        return _NO_KEY if self._columns.grouping is not None and not (type_key and name_key) else (type_key, name_key)

    def _unclear_number_warnings(self, row: SheetRow) -> Iterator[Issue]:
        for column in self._columns.columns:
            cell = cell_at(row, column.index)
            if column.index not in self._clear_texts or type(cell) is not str or not cell:
                continue
            reading = self._signs.read(column.index, unescape_formula(cell))
            if not reading.is_certain:
                yield self._columns.issue(
                    severity=Severity.WARNING,
                    code="unclear_number",
                    message=reading_message(cell, reading),
                    row=row.number,
                    column=column,
                    value=shown_value(cell),
                )


def _is_total(row: SheetRow, columns: ColumnMap) -> bool:
    """Return whether one of the two names says that the row is a total, and the other is blank or counts something."""
    if columns.preparation is not None and columns.preparation.is_total(row):
        return True
    names = [clean_text(display_text(cell_at(row, column.index))) for column in columns.columns[:2]]
    return any(says_total(word) and _COUNT_OR_BLANK.fullmatch(other) for word, other in (names, reversed(names)))


def _counts_rows(row: Row, above: int, before: Row | None) -> bool:
    """Return whether the names of a row are the number of rows above it, or one of them is and the other blank.

    Where the row before it has a number for its element type, too, it is no count.
    """
    names = row.element_type_key if row.rejected else row.key
    if before is None or above < 2 or names == _NO_KEY or not set(names) <= {"", str(above)}:
        return False
    return not (before.element_type_key if before.rejected else before.key)[0].isdigit()


def _totals_row(number: int, columns: ColumnMap) -> Row:
    issue = columns.issue(
        severity=Severity.WARNING,
        code="totals_row",
        message="The row has no element type and looks like totals. It was ignored.",
        row=number,
    )
    return Row(number, _NO_KEY, (), (issue,), skipped=True)


def _duplicate_issue(row: SheetRow, columns: ColumnMap, first: int) -> Issue:
    name = columns.columns[1]
    return columns.issue(
        severity=Severity.ERROR,
        code="duplicate_row",
        message=Message("Row %(row)s already has this element type. Keep one of the two rows.", row=first),
        row=row.number,
        column=name,
        value=shown_value(row.cells[name.index]),
    )
