"""Scan of a worksheet in one pass: its head, merged ranges, error cells and number of rows that are not blank.

A sheet of 50 000 element types is 70 to 100 MB of XML, which takes an XML parser many seconds. So the scan searches the
bytes, block by block, in the form in which Excel, LibreOffice and the usual libraries write them, and checks that form
as it goes. A sheet in any other form is parsed instead, with the same result.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from precast_app.messages import Message
from precast_app.spreadsheets.errors import cell_too_long, damaged, too_many_cells, too_many_columns, too_much_text
from precast_app.spreadsheets.sheet import LAST_ROW, Limits, column_number
from precast_app.spreadsheets.xlsx.head_rows import read_usual_row
from precast_app.spreadsheets.xlsx.row_bytes import DATA_START, ROW_END, match_row
from precast_app.spreadsheets.xlsx.scan_collector import ScanCollector, ScanResult, rows_out_of_order
from precast_app.spreadsheets.xlsx.shared_strings import SharedStrings, UnusualXml
from precast_app.spreadsheets.xlsx.sheet_xml import (
    SheetParser,
    StoredRow,
    decode_escapes,
    decode_xml_text,
    doctype_error,
    parse_range,
    parse_shared_index,
    shorten_formula,
)
from precast_app.spreadsheets.xlsx.styles import Styles
from precast_app.spreadsheets.zip_package import ZipPackage

_BLOCK = 1024 * 1024  # bytes that are searched at once
_PREAMBLE = 4 * 1024 * 1024  # bytes before the first row: column widths, views
_MAX_ROW_BYTES = 16 * 1024 * 1024  # bytes of XML

_OTHER_ENCODING = re.compile(rb"""\A<\?xml[^>]*encoding\s*=\s*["'](?!utf-8["'])""", re.IGNORECASE)
_COLUMN = re.compile(rb'<c r="([A-Z]{1,3})[0-9]')
# A cell's attributes and value, or an inline text.
_VALUE = re.compile(
    rb"<c ([^<>]*)>\s*(?:<f(?:\s[^<>]*)?(?:/>|>[^<]*</f>)\s*)?<v(?:\s[^<>]*)?>([^<]+)</v>"
    rb"|<t(?:\s[^<>]*)?>([^<]+)</t>"
)
_WIDE = re.compile(rb'<c r="([A-Z]{3})([0-9]{1,7})"[^<>]*(?<!/)>')  # beyond column ZZ, with content
_USUAL_SHARED = re.compile(rb't="s"><v>([0-9]{1,9})</v>')
# Anchored at the start of the tag, so that a tag with many `t="s"` is matched once and not once per attribute.
_SHARED_INDEX = re.compile(rb"""<c(?=\s(?:[^<>]*\s)?t=["']s["'])[^<>]*>\s*<v>\s*([0-9]{1,9})\s*</v>""")
_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LETTERS_TO_A = bytes.maketrans(_LETTERS, b"A" * len(_LETTERS))
_SHARED = re.compile(rb"""\st=["']s["']""")
_ERROR = re.compile(
    rb"""<c r="([A-Z]{1,3})([0-9]{1,7})"(?=[^<>]*\st=["']e["'])[^<>]*>"""
    rb"""(?:\s*<f(?:\s[^<>]*)?(?:/>|>[^<]*</f>))?\s*<v>([^<]+)</v>"""
)
_UNSAVED = re.compile(
    rb'<c r="([A-Z]{1,3})([0-9]{1,7})"([^<>]*)>\s*'
    rb"(?:<f(?:\s[^<>]*)?/>|<f(?:\s[^<>]*)?>([^<]*)</f>)\s*"
    rb"(</c>|<v\s*/>|<v>\s*</v>)"
)
_TYPED_TEXT = re.compile(rb"""\st=["']str["']""")
_TYPED_ERROR = re.compile(rb"""\st=["']e["']""")
_MERGED = re.compile(rb"""<mergeCell\s[^<>]*?ref=["']([A-Za-z0-9:]{1,30})["']""")
# A text that starts like this, before any entity, escape (`_x000D_`) or non-ASCII character, is not blank.
_SURELY_CONTENT = re.compile(rb"\A\s*[!-%'-^`-~]")


def scan_sheet(package: ZipPackage, part: str, strings: SharedStrings, styles: Styles, limits: Limits) -> ScanResult:
    """Return the scan of a sheet's part. Raise `UnreadableFile` if it is damaged or exceeds a limit."""
    collector = ScanCollector(limits, strings, styles)
    try:
        _ByteScanner(collector, strings, limits).run(package.chunks(part))
        return collector.finish()
    except UnusualXml:
        collector = ScanCollector(limits, strings, styles)
        _scan_with_parser(package, part, strings, limits, collector)
        return collector.finish()


def _scan_with_parser(
    package: ZipPackage, part: str, strings: SharedStrings, limits: Limits, into: ScanCollector
) -> None:
    """Scan a sheet with the XML parser, which is about ten times slower than `_ByteScanner`."""
    text_bytes = cells = 0

    def on_row(row: StoredRow) -> None:
        nonlocal text_bytes, cells
        cells += len(row.cells)
        if cells > limits.parsed_cells:
            raise too_many_cells("was saved in an unusual form", limits.parsed_cells)
        has_content = False
        for cell in row.cells:
            text_bytes += len(cell.text)
            if (error := cell.error()) is not None:
                into.add_error(row.number, cell.column, error.text)
                has_content = True
            elif cell.kind == "s" and cell.text:
                index = parse_shared_index(cell.text)
                if index >= len(strings.sizes):
                    raise damaged("a cell refers to a text that is not in the workbook")
                text_bytes += strings.sizes[index]
                has_content = has_content or index not in strings.blank
            else:
                has_content = has_content or bool(decode_escapes(cell.text).strip())
        if text_bytes > limits.text_bytes:
            raise too_much_text()
        if has_content:
            if into.wants_head:
                into.add_head_row(row)
            into.add_row(row.number, max(cell.column for cell in row.cells))

    parser = SheetParser(limits, on_row, into.add_merged_range)
    for chunk in package.chunks(part):
        parser.feed(chunk)
    parser.feed(b"", last=True)
    into.is_parsed = True


class _ByteScanner:
    """Scanner that searches the bytes of a sheet. Raises `UnusualXml` if the sheet must be parsed."""

    def __init__(self, collector: ScanCollector, strings: SharedStrings, limits: Limits) -> None:
        self._into = collector
        self._strings = strings
        self._limits = limits
        self._row = 0
        self._cells = 0
        self._text_size = 0

    def run(self, chunks: Iterator[bytes]) -> None:
        """Scan the sheet."""
        rest = self._skip_preamble(chunks)
        rest = self._scan_rows(rest, chunks)
        self._scan_merged_ranges(rest, chunks)

    def _skip_preamble(self, chunks: Iterator[bytes]) -> bytes:
        """Skip everything before the rows; return the bytes already read after that."""
        buffer = b""
        for chunk in chunks:
            buffer += chunk
            match = DATA_START.search(buffer)
            before = buffer if match is None else buffer[: match.start()]
            if b"<!DOCTYPE" in before:
                raise doctype_error()
            if match is not None:
                if b"<!" in before or _OTHER_ENCODING.match(buffer):
                    raise UnusualXml
                # `<sheetData/>` has no closing tag, so add the one that `_scan_rows` looks for.
                return (b"</sheetData>" if match[1] else b"") + buffer[match.end() :]
            if len(buffer) > _PREAMBLE:
                break
        raise UnusualXml

    def _scan_rows(self, rest: bytes, chunks: Iterator[bytes]) -> bytes:
        """Scan all rows, block by block; return the bytes already read after them."""
        pieces, size = [rest], len(rest)
        while True:
            for chunk in chunks:
                pieces.append(chunk)
                size += len(chunk)
                if size >= _BLOCK:
                    break
            else:
                chunks = iter(())
            block = b"".join(pieces)
            end = block.rfind(ROW_END)
            data_end = block.find(b"</sheetData>", max(end, 0))
            if end >= 0:
                self._scan_block(block[: end + len(ROW_END)])
            if data_end >= 0:
                between = block[end + len(ROW_END) if end >= 0 else 0 : data_end]
                if b"<c" in between or b"<!" in between:
                    raise UnusualXml
                return block[data_end:]
            if size == len(rest) and end < 0:
                raise damaged("a sheet breaks off")
            rest = block[end + len(ROW_END) :] if end >= 0 else block
            if len(rest) > _MAX_ROW_BYTES:
                raise damaged(Message("row %(row)s of a sheet is too long", row=self._row + 1))
            pieces, size = [rest], len(rest)

    def _scan_merged_ranges(self, rest: bytes, chunks: Iterator[bytes]) -> None:
        """Collect the merged ranges, which come after the rows; read to the end of the part."""
        while True:
            last = 0
            for match in _MERGED.finditer(rest):
                last = match.end()
                if (merged := parse_range(match[1].decode())) is not None:
                    self._into.add_merged_range(merged)
            chunk = next(chunks, None)
            if chunk is None:
                break
            # A chunk may end inside a tag, so keep the beginning of the tag.
            rest = rest[max(last, len(rest) - 200) :] + chunk
        if not rest.rstrip().endswith(b"</worksheet>"):
            raise UnusualXml  # the part is probably truncated, which the parser will report

    def _scan_block(self, block: bytes) -> None:
        """Scan complete rows; the block ends with the end of a row."""
        cells = block.count(b"<c")
        # A search for one byte takes a tenth of the time of a search for two.
        if cells != block.count(b'<c r="') or (b"!" in block and b"<!" in block):
            raise UnusualXml
        self._cells += cells
        if self._cells > self._limits.cells:
            raise too_many_cells(Message("has %(cells)s cells or more", cells=self._cells), self._limits.cells)
        self._check_shared_texts(block)
        error_rows = self._add_errors(block)
        limit, into = self._limits.cell_characters, self._into
        rows = block.split(ROW_END)
        own_cells = 0
        for part in rows[:-1]:
            match = match_row(part)
            if match is None:
                raise UnusualXml
            start, number = match.start(), int(match[1])
            if not self._row < number <= LAST_ROW:
                raise rows_out_of_order(number, self._row)
            self._row = number
            # With the columns' letters deleted, every reference in the row is its number.
            own_cells += part.translate(None, _LETTERS).count(b'<c r="%d"' % number)
            end = part.rfind(b"</c>")
            if end < start:
                continue  # the row has no cells with content
            if not (number in error_rows or self._has_content(part, start)):
                continue
            if len(part) > limit:
                self._check_text_lengths(part, number)
            if into.wants_head:
                self._add_head_row(number, part, start)
            into.add_row(number, self._last_column(part, end))
        if own_cells != cells:
            raise UnusualXml  # references in small letters, which the parser reads, or to cells of another row
        self._check_wide_cells(block)

    def _check_shared_texts(self, block: bytes) -> None:
        """Check that the block's shared strings exist, and that all texts so far fit in memory."""
        count = block.count(b't="s"') + (block.count(b"t='s'") if b"'" in block else 0)
        if not count:
            return
        sizes, stored = self._strings.sizes, _USUAL_SHARED.findall(block)
        indices = list(map(int, stored if len(stored) == count else _SHARED_INDEX.findall(block)))
        if indices and max(indices) >= len(sizes):
            raise damaged("a cell refers to a text that is not in the workbook")
        self._text_size += sum(map(sizes.__getitem__, indices))
        if self._text_size > self._limits.text_bytes:
            raise too_much_text()

    def _check_wide_cells(self, block: bytes) -> None:
        # A quick check, with each letter replaced by an A.
        if b'<c r="AAA' not in block.translate(_LETTERS_TO_A):
            return
        for match in _WIDE.finditer(block):
            column = column_number(match[1].decode())
            if column > self._limits.columns:
                raise too_many_columns(int(match[2]), column, self._limits)

    def _check_text_lengths(self, row: bytes, number: int) -> None:
        limit, position = self._limits.cell_characters, 0
        # A regular expression for a long run would take quadratic time on hostile text.
        for piece in row.split(b"<"):
            if len(piece) > limit:
                text = piece.partition(b">")[2]
                if len(text.decode("utf-8", "replace")) > limit:
                    raise cell_too_long(number, self._last_column(row, position), self._limits)
            position += len(piece) + 1

    def _has_content(self, part: bytes, start: int) -> bool:
        """Return whether a cell of the row is not blank; usually the first cell decides."""
        position = start
        while (match := _VALUE.search(part, position)) is not None:
            position = match.end()
            if self._is_content(match[1] or b"", match[2] or b"", match[3] or b""):
                return True
        return False

    def _is_content(self, attributes: bytes, value: bytes, text: bytes) -> bool:
        if value and _SHARED.search(attributes):
            index = parse_shared_index(value.decode("ascii", "replace"))
            if index >= len(self._strings.sizes):
                raise damaged("a cell refers to a text that is not in the workbook")
            return index not in self._strings.blank
        text = value or text
        return bool(_SURELY_CONTENT.match(text) or decode_escapes(decode_xml_text(text)).strip())

    def _last_column(self, part: bytes, end: int) -> int:
        """Return the column of the last cell that starts before `end`."""
        match = _COLUMN.match(part, part.rfind(b'<c r="', 0, end))
        if match is None:
            raise UnusualXml
        return _column_number(match[1])

    def _add_head_row(self, number: int, part: bytes, start: int) -> None:
        row = read_usual_row(number, part, start, self._limits)
        if row is not None:
            self._into.add_head_row(row)
            return
        parser = SheetParser(self._limits, self._into.add_head_row, self._into.add_merged_range)
        parser.feed(part[start:] + ROW_END, last=True)

    def _add_errors(self, block: bytes) -> set[int]:
        """Record the cells that show an error; return the numbers of their rows."""
        rows: set[int] = set()
        if b't="e"' in block or (b"'" in block and b"t='e'" in block):
            for letters, row, text in _ERROR.findall(block):
                self._add_error(rows, letters, row, decode_xml_text(text))
        if b"<f" in block:
            for letters, row, attributes, formula, ending in _UNSAVED.findall(block):
                if _TYPED_ERROR.search(attributes):
                    continue  # an error without its text; every reader treats the cell as blank
                if ending != b"</c>" and _TYPED_TEXT.search(attributes):
                    continue  # a formula whose result is an empty text
                self._add_error(rows, letters, row, shorten_formula(decode_xml_text(formula)))
        return rows

    def _add_error(self, rows: set[int], letters: bytes, row: bytes, text: str) -> None:
        rows.add(int(row))
        self._into.add_error(int(row), column_number(letters.decode()), text)


@lru_cache(maxsize=1024)
def _column_number(letters: bytes) -> int:
    return column_number(letters.decode())
