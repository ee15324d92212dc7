"""Scanner that searches the bytes of a worksheet, block by block.

It knows the form in which Excel, LibreOffice and the usual libraries write a sheet, and checks that form as it goes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from precast_app.messages import Message
from precast_app.spreadsheets.errors import (
    UnreadableFile,
    cell_too_long,
    damaged,
    too_many_cells,
    too_many_columns,
    too_much_text,
)
from precast_app.spreadsheets.scan_limits import ScanCounter
from precast_app.spreadsheets.sheet import LAST_ROW, Limits, column_number
from precast_app.spreadsheets.xlsx.head_rows import read_usual_row
from precast_app.spreadsheets.xlsx.row_bytes import DATA_START, ROW_END, USUAL_ROW_START, match_row
from precast_app.spreadsheets.xlsx.shared_strings import SharedStrings, UnusualXml
from precast_app.spreadsheets.xlsx.sheet_head import SheetHead
from precast_app.spreadsheets.xlsx.sheet_xml import (
    SheetParser,
    decode_escapes,
    decode_xml_text,
    doctype_error,
    parse_range,
    parse_shared_index,
    shorten_formula,
)

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
_TO_A = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"A" * 26)
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


@dataclass(frozen=True, slots=True)
class ScannedPart:
    """What was found in a part of a sheet's rows; `first_row` is 0 if there were none.

    `cells` counts blank ones too, and `text_bytes` those of shared strings, once for each cell.
    """

    first_row: int
    last_row: int
    cells: int
    text_bytes: int
    counter: ScanCounter


class ByteScanner:
    """Scanner of a sheet, or of a part of its rows. Raises `UnusualXml` if the sheet must be parsed.

    Without a `head` the first rows are only counted.
    """

    def __init__(self, counter: ScanCounter, head: SheetHead | None, strings: SharedStrings, limits: Limits) -> None:
        self._into = counter
        self._head = head
        self._strings = strings
        self._limits = limits
        self._first_row = self._row = 0
        self._cells = 0
        self._text_size = 0

    @property
    def found(self) -> ScannedPart:
        """Return what has been found so far."""
        return ScannedPart(self._first_row, self._row, self._cells, self._text_size, self._into)

    def run(self, chunks: Iterator[bytes]) -> None:
        """Scan the sheet."""
        rest = self._skip_preamble(chunks)
        rest = self._scan_rows(rest, chunks)
        self._scan_merged_ranges(rest, chunks)

    def append(self, behind: ScannedPart) -> None:
        """Add what another scanner has found in the rows behind those of this one."""
        if behind.last_row and behind.first_row <= self._row:
            raise rows_out_of_order(behind.first_row, self._row)
        self._row = behind.last_row or self._row
        self._count_cells(behind.cells)
        self._count_text(behind.text_bytes)
        self._into.append(behind.counter)

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
        # A search for one byte takes a tenth of the time of a search for two.
        if b"!" in block and b"<!" in block:
            raise UnusualXml
        # With an A for each capital letter, the references in a row differ only in how many letters they have.
        masked = block.translate(_TO_A)
        cells = masked.count(b"<c")
        self._count_cells(cells)
        self._check_shared_texts(block)
        error_rows = self._add_errors(block)
        limit, into, head, blank = self._limits.cell_characters, self._into, self._head, self._strings.blank
        masked_rows = masked.split(ROW_END)[:-1]
        numbers: list[int] = []
        begin = 0
        for masked_row in masked_rows:
            at = slice(begin, begin + len(masked_row))
            begin += len(masked_row) + len(ROW_END)
            usual = USUAL_ROW_START.match(masked_row)
            match = usual or match_row(masked_row)
            if match is None:
                raise UnusualXml
            number = int(match[1])
            if not self._row < number <= LAST_ROW:
                raise rows_out_of_order(number, self._row)
            self._row = number
            self._first_row = self._first_row or number
            numbers.append(number)
            start, end = match.start(), masked_row.rfind(b"</c>")
            if end < start:
                continue  # the row has no cells with content
            is_surely_content = usual is not None and (usual["shared"] is None or int(usual["shared"]) not in blank)
            if not (is_surely_content or number in error_rows or self._has_content(block[at], start)):
                continue
            if len(masked_row) > limit:
                self._check_text_lengths(block[at], number)
            if head is not None and head.wants_row:
                self._add_head_row(head, number, block[at], start)
            into.add_row(number, self._last_column(block, at.start, at.start + end))
        self._check_references(block, masked_rows, numbers, cells)

    def _check_shared_texts(self, block: bytes) -> None:
        """Check that the block's shared strings exist, and that all texts so far fit in memory."""
        count = block.count(b't="s"') + (block.count(b"t='s'") if b"'" in block else 0)
        if not count:
            return
        sizes, stored = self._strings.sizes, _USUAL_SHARED.findall(block)
        indices = list(map(int, stored if len(stored) == count else _SHARED_INDEX.findall(block)))
        if indices and max(indices) >= len(sizes):
            raise damaged("a cell refers to a text that is not in the workbook")
        self._count_text(sum(map(sizes.__getitem__, indices)))

    def _count_cells(self, count: int) -> None:
        self._cells += count
        if self._cells > self._limits.cells:
            raise too_many_cells(Message("has %(cells)s cells or more", cells=self._cells), self._limits.cells)

    def _count_text(self, size: int) -> None:
        self._text_size += size
        if self._text_size > self._limits.text_bytes:
            raise too_much_text()

    def _check_references(self, block: bytes, masked_rows: list[bytes], numbers: list[int], cells: int) -> None:
        """Check that the cells of each row refer to that row, and to columns within the limit."""
        rows = list(zip(masked_rows, numbers, strict=True))
        own = sum(row.count(b'<c r="A%d"' % number) + row.count(b'<c r="AA%d"' % number) for row, number in rows)
        if own == cells:
            return
        if own + sum(row.count(b'<c r="AAA%d"' % number) for row, number in rows) != cells:
            raise UnusualXml  # no references or such in small letters, which the parser reads, or to other rows
        for match in _WIDE.finditer(block):
            column = column_number(match[1].decode())
            if column > self._limits.columns:
                raise too_many_columns(int(match[2]), column, self._limits)

    def _check_text_lengths(self, row: bytes, number: int) -> None:
        limit, position = self._limits.cell_characters, 0
        # A regular expression for a long run would take quadratic time on hostile text.
        for piece in row.split(b"<"):
            if len(piece) > limit and len(decode_xml_text(piece.partition(b">")[2])) > limit:
                raise cell_too_long(number, self._last_column(row, 0, position), self._limits)
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

    def _last_column(self, block: bytes, start: int, end: int) -> int:
        """Return the column of the last cell that starts between `start` and `end`."""
        match = _COLUMN.match(block, block.rfind(b'<c r="', start, end))
        if match is None:
            raise UnusualXml
        return _column_number(match[1])

    def _add_head_row(self, head: SheetHead, number: int, part: bytes, start: int) -> None:
        row = read_usual_row(number, part, start, self._limits)
        if row is not None:
            head.add_row(row)
            return
        parser = SheetParser(self._limits, head.add_row, self._into.add_merged_range)
        parser.feed(part[start:] + ROW_END, last=True)

    def _add_errors(self, block: bytes) -> set[int]:
        """Record the cells that show an error; return the numbers of their rows."""
        rows: set[int] = set()
        if b't="e"' in block or (b"'" in block and b"t='e'" in block):
            for letters, row, text in _ERROR.findall(block):
                self._add_error(rows, letters, row, decode_xml_text(text))
        if b"f" in block and b"<f" in block:
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


def rows_out_of_order(number: int, before: int) -> UnreadableFile:
    """Return the error for rows that are not in ascending order."""
    return damaged(Message("row %(row)s comes after row %(before)s", row=number, before=before))


@lru_cache(maxsize=1024)
def _column_number(letters: bytes) -> int:
    return column_number(letters.decode())
