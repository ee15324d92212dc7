"""One pass over a worksheet: its head, its merged ranges, how many rows hold something, what shows
an error.

The sheet of 50 000 element types is 70 to 100 MB of XML; an XML parser takes many seconds for it.
So the pass looks at bytes, block by block, in the shape in which Excel, LibreOffice and the usual
libraries write them, and makes sure of that shape as it goes; a sheet of any other shape is given
to the parser instead, with the same result.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from precast_app.spreadsheets.errors import cell_too_long, damaged, too_many_cells, too_much_text
from precast_app.spreadsheets.sheet import LAST_ROW, Limits, column_number
from precast_app.spreadsheets.xlsx.scan_collector import ScanCollector, ScanResult, bad_row_order
from precast_app.spreadsheets.xlsx.shared_strings import SharedStrings, UnusualXml
from precast_app.spreadsheets.xlsx.sheet_xml import (
    SheetParser,
    StoredRow,
    doctype,
    formula_text,
    merged_range,
    plain,
    shared_index,
    unescaped,
)
from precast_app.spreadsheets.zip_package import Package

_ROW_END = b"</row>"
_BLOCK = 1024 * 1024  # bytes that are looked at together
_PREAMBLE = 4 * 1024 * 1024  # bytes before the first row: column widths, views
_LONGEST_ROW = 16 * 1024 * 1024  # bytes of XML

_DATA = re.compile(rb"<sheetData\s*(/?)>")
_OTHER_ENCODING = re.compile(rb"""\A<\?xml[^>]*encoding\s*=\s*["'](?!utf-8["'])""", re.IGNORECASE)
_ROW = re.compile(rb"""<row\s(?>(?:[^<>]*\s)?r=["']([0-9]{1,7})["'])""")
# The usual case, and the quick one: nothing stands before the row, neither blanks nor rows without cells.
_FIRST_ROW = re.compile(_ROW.pattern + rb"[^<>]*(?<!/)>")
_COLUMN = re.compile(rb'<c r="([A-Z]{1,3})[0-9]')
# A cell's value, with the cell's attributes, or a text that stands in the cell itself.
_VALUE = re.compile(
    rb"<c ([^<>]*)>\s*(?:<f(?:\s[^<>]*)?(?:/>|>[^<]*</f>)\s*)?<v(?:\s[^<>]*)?>([^<]+)</v>"
    rb"|<t(?:\s[^<>]*)?>([^<]+)</t>"
)
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
_MERGED = re.compile(rb"""<mergeCell\s[^<>]*?ref=["']([A-Z0-9:]{1,30})["']""")
# Surely more than white space: begins so, before any entity, escape (`_x000D_`) or non-ASCII.
_SURELY_HELD = re.compile(rb"\A\s*[!-%'-^`-~]")


def scan(package: Package, part: str, strings: SharedStrings, limits: Limits) -> ScanResult:
    """The pass. Raises UnreadableFile."""
    collector = ScanCollector(limits, strings)
    try:
        _ByteScanner(collector, strings, limits).run(package.chunks(part))
        return collector.finish()
    except UnusualXml:
        collector = ScanCollector(limits, strings)
        parse(package, part, strings, limits, collector)
        return collector.finish()


def parse(package: Package, part: str, strings: SharedStrings, limits: Limits, into: ScanCollector) -> None:
    """The same by the parser, for the sheets of unusual writers; about ten times slower."""
    text_bytes = cells = 0

    def on_row(row: StoredRow) -> None:
        nonlocal text_bytes, cells
        cells += len(row.cells)
        if cells > limits.parsed_cells:
            raise too_many_cells("was saved in an unusual way", limits.parsed_cells)
        held = False
        for cell in row.cells:
            text_bytes += len(cell.text)
            if (fault := cell.error()) is not None:
                into.add_error(row.number, cell.column, fault.text)
                held = True
            elif cell.kind == "s" and cell.text:
                index = shared_index(cell.text)
                if index >= len(strings.sizes):
                    raise damaged("a cell refers to a text that is not in the workbook")
                text_bytes += strings.sizes[index]
                held = held or index not in strings.blank
            else:
                held = held or bool(unescaped(cell.text).strip())
        if text_bytes > limits.text_bytes:
            raise too_much_text()
        if held:
            if into.wants_head:
                into.add_head_row(row)
            into.add_row(row.number, max(cell.column for cell in row.cells))

    parser = SheetParser(limits, on_row, into.add_merged_range)
    for chunk in package.chunks(part):
        parser.feed(chunk)
    parser.feed(b"", last=True)
    into.parsed = True


class _ByteScanner:
    """The pass over bytes. Raises UnusualXml where only the parser can tell."""

    def __init__(self, collector: ScanCollector, strings: SharedStrings, limits: Limits) -> None:
        self._into = collector
        self._strings = strings
        self._limits = limits
        self._row = 0
        self._cells = 0

    def run(self, chunks: Iterator[bytes]) -> None:
        """Go through the sheet."""
        rest = self._preamble(chunks)
        if rest is not None:
            rest = self._rows(rest, chunks)
            self._behind(rest, chunks)

    def _preamble(self, chunks: Iterator[bytes]) -> bytes | None:
        """What comes before the rows is skipped; returns what was read of the rows."""
        buffer = b""
        for chunk in chunks:
            buffer += chunk
            match = _DATA.search(buffer)
            before = buffer if match is None else buffer[: match.start()]
            if b"<!DOCTYPE" in before:
                raise doctype()
            if match is not None:
                if b"<!" in before or _OTHER_ENCODING.match(buffer):
                    raise UnusualXml
                # Without rows, `</sheetData>` is not to be looked for.
                return (b"</sheetData>" if match[1] else b"") + buffer[match.end() :]
            if len(buffer) > _PREAMBLE:
                break
        raise UnusualXml

    def _rows(self, rest: bytes, chunks: Iterator[bytes]) -> bytes:
        """All rows, block by block; returns what was read behind them."""
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
            end = block.rfind(_ROW_END)
            data_end = block.find(b"</sheetData>", max(end, 0))
            if end >= 0:
                self._block(block[: end + len(_ROW_END)])
            if data_end >= 0:
                between = block[end + len(_ROW_END) if end >= 0 else 0 : data_end]
                if b"<c" in between or b"<!" in between:
                    raise UnusualXml
                return block[data_end:]
            if size == len(rest) and end < 0:
                raise damaged("a sheet breaks off")
            rest = block[end + len(_ROW_END) :] if end >= 0 else block
            if len(rest) > _LONGEST_ROW:
                raise damaged(f"row {self._row + 1} of a sheet is too long")
            pieces, size = [rest], len(rest)

    def _behind(self, rest: bytes, chunks: Iterator[bytes]) -> None:
        """The merged ranges, which stand behind the rows; reads to the end of the part."""
        while True:
            last = 0
            for match in _MERGED.finditer(rest):
                last = match.end()
                if (merged := merged_range(match[1].decode())) is not None:
                    self._into.add_merged_range(merged)
            chunk = next(chunks, None)
            if chunk is None:
                break
            # A tag may be cut in two: keep its beginning.
            rest = rest[max(last, len(rest) - 200) :] + chunk
        if not rest.rstrip().endswith(b"</worksheet>"):
            raise UnusualXml  # it breaks off, most likely, and the parser will say so

    def _block(self, block: bytes) -> None:
        """Rows that are complete; the block ends with a row's end."""
        cells = block.count(b"<c")
        # A search for a byte takes a tenth of one for two.
        if cells != block.count(b'<c r="') or (b"!" in block and b"<!" in block):
            raise UnusualXml
        self._cells += cells
        if self._cells > self._limits.cells:
            raise too_many_cells(f"has {self._cells} cells or more", self._limits.cells)
        faults = self._faults(block)
        limit, into = self._limits.cell_characters, self._into
        rows = block.split(_ROW_END)
        for part in rows[:-1]:
            match = _FIRST_ROW.match(part) or _ROW.match(part, part.rfind(b"<row"))
            if match is None:
                raise UnusualXml
            start, number = match.start(), int(match[1])
            if not self._row < number <= LAST_ROW:
                raise bad_row_order(number, self._row)
            self._row = number
            end = part.rfind(b"</c>")
            if end < start:
                continue  # cells without content, if any
            if not (number in faults or self._holds(part, start)):
                continue
            if len(part) > limit:
                self._refuse_long_text(part, number)
            if into.wants_head:
                self._head(part[start:])
            into.add_row(number, self._last_column(part, end))

    def _refuse_long_text(self, row: bytes, number: int) -> None:
        limit, position = self._limits.cell_characters, 0
        # Split, not searched: a search for a long run takes quadratic time on hostile text.
        for piece in row.split(b"<"):
            if len(piece) > limit:
                text = piece.partition(b">")[2]
                if len(text.decode("utf-8", "replace")) > limit:
                    raise cell_too_long(number, self._last_column(row, position), self._limits)
            position += len(piece) + 1

    def _holds(self, part: bytes, start: int) -> bool:
        """Whether a row has a cell with more than white space; mostly the first one tells."""
        for match in _VALUE.finditer(part, start):
            if self._held(match[1] or b"", match[2] or b"", match[3] or b""):
                return True
        return False

    def _held(self, attributes: bytes, value: bytes, text: bytes) -> bool:
        if value and _SHARED.search(attributes):
            index = shared_index(value.decode("ascii", "replace"))
            if index >= len(self._strings.sizes):
                raise damaged("a cell refers to a text that is not in the workbook")
            return index not in self._strings.blank
        text = value or text
        return bool(_SURELY_HELD.match(text) or unescaped(plain(text)).strip())

    def _last_column(self, part: bytes, end: int) -> int:
        """The column of the last cell that starts before `end`."""
        match = _COLUMN.match(part, part.rfind(b'<c r="', 0, end))
        if match is None:
            raise UnusualXml
        return column_number(match[1].decode())

    def _head(self, row: bytes) -> None:
        parser = SheetParser(self._limits, self._into.add_head_row, self._into.add_merged_range)
        parser.feed(row + _ROW_END, last=True)

    def _faults(self, block: bytes) -> set[int]:
        """Report the cells that show an error; returns the numbers of their rows."""
        rows: set[int] = set()
        if b't="e"' in block or (b"'" in block and b"t='e'" in block):
            for letters, row, text in _ERROR.findall(block):
                self._fault(rows, letters, row, plain(text))
        if b"<f" in block:
            for letters, row, attributes, formula, ending in _UNSAVED.findall(block):
                if _TYPED_ERROR.search(attributes):
                    continue  # an error without its text: blank for every reader
                if ending != b"</c>" and _TYPED_TEXT.search(attributes):
                    continue  # a formula whose result is an empty text
                self._fault(rows, letters, row, formula_text(plain(formula)))
        return rows

    def _fault(self, rows: set[int], letters: bytes, row: bytes, text: str) -> None:
        rows.add(int(row))
        self._into.add_error(int(row), column_number(letters.decode()), text)
