"""Scan of a worksheet in one pass: its head, merged ranges, error cells and number of rows that are not blank.

A sheet of 50 000 element types is 70 to 100 MB of XML, which takes an XML parser many seconds. So the scan searches the
bytes, half of them in a second process. A sheet in an unusual form is parsed instead, with the same result.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import chain
from multiprocessing.connection import Connection

from precast_app.spreadsheets import background_process
from precast_app.spreadsheets.errors import UnreadableFile, damaged, too_many_cells, too_much_text
from precast_app.spreadsheets.scan_limits import ScanCounter
from precast_app.spreadsheets.sheet import Limits, SheetScan
from precast_app.spreadsheets.xlsx.byte_scanner import ByteScanner, ScannedPart
from precast_app.spreadsheets.xlsx.row_split import rows_before_split, rows_behind_split
from precast_app.spreadsheets.xlsx.shared_strings import SharedStrings, UnusualXml
from precast_app.spreadsheets.xlsx.sheet_head import SheetHead
from precast_app.spreadsheets.xlsx.sheet_xml import SheetParser, StoredRow, decode_escapes, parse_shared_index
from precast_app.spreadsheets.xlsx.styles import Styles
from precast_app.spreadsheets.zip_package import ZipPackage

_MIN_BYTES_OF_TWO_SCANS = 8 * 1024 * 1024  # fewer are scanned in less time than a process needs to start
# The share of the first process. The second one must unzip all bytes.
_FIRST_SHARE = 0.53


@dataclass(frozen=True, slots=True)
class ScanResult:
    """Result of scanning a worksheet.

    scan         the scan that `Book.scan` returns
    is_parsed    whether the sheet is in an unusual form, which only the XML parser reads
    """

    scan: SheetScan
    is_parsed: bool


def scan_sheet(package: ZipPackage, part: str, strings: SharedStrings, styles: Styles, limits: Limits) -> ScanResult:
    """Return the scan of a sheet's part. Raise `UnreadableFile` if it is damaged or exceeds a limit."""
    if package.size(part) >= _MIN_BYTES_OF_TWO_SCANS and background_process.has_second_processor():
        # What is wrong is found again by the scan in one process, which says it in the order of the rows.
        with suppress(UnreadableFile, UnusualXml, EOFError, OSError):
            if (scan := _scan_in_two_processes(package, part, strings, styles, limits)) is not None:
                return ScanResult(scan, is_parsed=False)
    counter, head = ScanCounter(limits), SheetHead(strings, styles)
    try:
        ByteScanner(counter, head, strings, limits).run(package.chunks(part))
        return ScanResult(counter.finish_scan(head.read()), is_parsed=False)
    except UnusualXml:
        counter, head = ScanCounter(limits), SheetHead(strings, styles)
        _scan_with_parser(package, part, strings, limits, counter, head)
        return ScanResult(counter.finish_scan(head.read()), is_parsed=True)


def _scan_in_two_processes(
    package: ZipPackage, part: str, strings: SharedStrings, styles: Styles, limits: Limits
) -> SheetScan | None:
    """Scan the first rows here, and the others in a child process at the same time.

    Return None if the head extends to the rows of the child, which has none.
    """
    counter, head = ScanCounter(limits), SheetHead(strings, styles)
    scanner = ByteScanner(counter, head, strings, limits)
    split_from = int(package.size(part) * _FIRST_SHARE)
    with background_process.running(partial(_send_scan, package, part, strings, limits, split_from)) as receiver:
        scanner.run(rows_before_split(package.chunks(part), split_from))
        message = receiver.recv()
    if isinstance(message, Exception):
        raise message
    if isinstance(message, ScannedPart):
        if head.wants_row and message.counter.row_count:
            return None
        scanner.append(message)
    return counter.finish_scan(head.read())


def _send_scan(
    package: ZipPackage, part: str, strings: SharedStrings, limits: Limits, split_from: int, sender: Connection
) -> None:
    """Send what is found in the rows behind the split, or None if there is no split."""
    chunks = rows_behind_split(package.chunks(part), split_from)
    first = next(chunks, None)
    found: ScannedPart | None = None
    if first is not None:
        scanner = ByteScanner(ScanCounter(limits), None, strings, limits)
        scanner.run(chain([first], chunks))
        found = scanner.found
    sender.send(found)


def _scan_with_parser(
    package: ZipPackage, part: str, strings: SharedStrings, limits: Limits, into: ScanCounter, head: SheetHead
) -> None:
    """Scan a sheet with the XML parser, which is about ten times slower than `ByteScanner`."""
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
            if head.wants_row:
                head.add_row(row)
            into.add_row(row.number, max(cell.column for cell in row.cells))

    parser = SheetParser(limits, on_row, into.add_merged_range)
    for chunk in package.chunks(part):
        parser.feed(chunk)
    parser.feed(b"", last=True)
