"""Detection of a file's format by its content, because file names and declared types are often wrong."""

from __future__ import annotations

import codecs
import re
from typing import BinaryIO

from precast_app.messages import Message
from precast_app.spreadsheets.delimited import DelimitedBook
from precast_app.spreadsheets.errors import UnreadableFile, not_a_spreadsheet, unsupported_format
from precast_app.spreadsheets.normalized_book import NormalizedBook
from precast_app.spreadsheets.ods import OdsBook
from precast_app.spreadsheets.positioned_file import with_own_position
from precast_app.spreadsheets.sheet import Book, Limits
from precast_app.spreadsheets.text_decoding import detect_utf_16_by_zeros
from precast_app.spreadsheets.text_formats import name_text_format
from precast_app.spreadsheets.workbook_parts import WorkbookParts, find_workbook
from precast_app.spreadsheets.xls import XlsBook
from precast_app.spreadsheets.xlsb.book import XlsbBook
from precast_app.spreadsheets.xlsx.book import XlsxBook
from precast_app.spreadsheets.zip_package import ZipPackage

_MAX_SHEET_NAME_LENGTH = 150  # characters; Excel's own limit is 31
_START_BYTES = 64 * 1024
_MAGICS = (
    (b"\xff\xd8\xff", Message("a JPEG image")),
    (b"\x89PNG\r\n\x1a\n", Message("a PNG image")),
    (b"GIF8", Message("a GIF image")),
    (b"BM", Message("a bitmap image")),
    (b"II*\0", Message("a TIFF image")),
    (b"MM\0*", Message("a TIFF image")),
    (b"%PDF-", Message("a PDF document")),
    (b"{\\rtf", Message("an RTF document")),
    (b"\x1f\x8b", Message("a gzip archive")),
    (b"7z\xbc\xaf\x27\x1c", Message("a 7-Zip archive")),
    (b"Rar!\x1a\x07", Message("a RAR archive")),
    (b"BZh", Message("a bzip2 archive")),
    (b"\xfd7zXZ\0", Message("an xz archive")),
    (b"MZ", Message("a Windows program")),
    (b"\x7fELF", Message("a Linux program")),
    (b"SQLite format 3\0", Message("a SQLite database")),
    (b"AC10", Message("an AutoCAD drawing")),
)
_WORD_MAGICS = (b"BM", b"MZ", b"GIF8", b"BZh", b"AC10")  # the first heading of a CSV file may start like this
# The first record of a workbook of Excel 2 to 4, which has no container.
_OLD_EXCEL = re.compile(rb"\A\x09[\x00\x02\x04][\x04\x06]\x00")
_OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_NO_CONTENT = b" \t\r\n\0\x1a\xef\xbb\xbf"  # white space, marks of the byte order and of the end of the file
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x19\x1b-\x1f\x7f]")


def open_book(
    file: BinaryIO, limits: Limits | None = None, *, encoding: str | None = None, delimiter: str | None = None
) -> Book:
    """Return a Book over a seekable file, which must stay open as long as the book is used.

    `encoding`, one of `ENCODINGS`, and `delimiter` overrule what would be detected in a text file. Raise
    `UnreadableFile` if the content can't be read as a spreadsheet.
    """
    book = _open(with_own_position(file), limits or Limits(), encoding, delimiter)
    if any(len(sheet) > _MAX_SHEET_NAME_LENGTH for sheet in book.sheets):
        raise UnreadableFile(
            "sheet_name_too_long",
            Message(
                "The name of a sheet has more than %(limit)s characters. Rename the sheet and upload the file again.",
                limit=_MAX_SHEET_NAME_LENGTH,
            ),
        )
    return NormalizedBook(book)


def _open(file: BinaryIO, limits: Limits, encoding: str | None, delimiter: str | None) -> Book:
    file.seek(0)
    start = file.read(_START_BYTES)
    if not start.strip(_NO_CONTENT) and not _has_more_content(file):
        raise UnreadableFile("empty_file", "The file is empty. Save the workbook again and upload it.")
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _open_zip(file, limits)
    if start.startswith(_OLE2):
        return _open_ole2(file, limits)
    if _OLD_EXCEL.match(start):
        raise unsupported_format(Message("a workbook of Excel 4 or an older version"))
    if encoding is None:
        _reject_binary(start)
    named = name_text_format(start)
    if named is not None:
        kind, is_spreadsheet = named
        raise (unsupported_format if is_spreadsheet else not_a_spreadsheet)(kind)
    return DelimitedBook(file, limits, encoding, delimiter)


def _has_more_content(file: BinaryIO) -> bool:
    """Return whether anything but white space follows."""
    while data := file.read(_START_BYTES):
        if data.strip(_NO_CONTENT):
            return True
    return False


def _open_zip(file: BinaryIO, limits: Limits) -> Book:
    package = ZipPackage(file, limits)
    if "encrypted-package" in package or _is_encrypted(package):
        raise UnreadableFile(
            "password_protected",
            "The spreadsheet is protected by a password. Save it without one and upload it again.",
        )
    parts = find_workbook(package)
    if parts is not None:
        return _open_office_document(package, parts, limits)
    if "content.xml" in package and "mimetype" in package:
        kind = b"".join(package.chunks("mimetype"))[:200]
        if b"opendocument.spreadsheet" in kind:
            return OdsBook(package, limits)
        raise not_a_spreadsheet(Message("an OpenDocument file other than a spreadsheet"))
    if "index/document.iwa" in package or "index.zip" in package:
        raise unsupported_format(Message("a Numbers spreadsheet"))
    raise not_a_spreadsheet(Message("a ZIP archive"))


def _open_office_document(package: ZipPackage, parts: WorkbookParts, limits: Limits) -> Book:
    if parts.kind == "xlsx":
        return XlsxBook(package, parts, limits)
    if parts.kind == "xlsb":
        return XlsbBook(package, parts, limits)
    raise not_a_spreadsheet(
        Message("a Word document") if parts.kind == "docx" else Message("a PowerPoint presentation")
    )


def _is_encrypted(package: ZipPackage) -> bool:
    """Return whether an OpenDocument file is encrypted; its list of parts is not."""
    manifest = "meta-inf/manifest.xml"
    return manifest in package and b"encryption-data" in b"".join(package.chunks(manifest))


def _open_ole2(file: BinaryIO, limits: Limits) -> Book:
    """Open a file in Microsoft's OLE2 container: an Excel 97 workbook, an encrypted workbook, or something else."""
    file.seek(0)
    tail = b""
    while data := file.read(1024 * 1024):
        if _ENCRYPTED in tail + data:
            raise UnreadableFile(
                "password_protected",
                "The workbook is protected by a password. Open it in Excel, remove the password "
                "(File, Info, Protect Workbook, Encrypt with Password), save it and upload it "
                "again.",
            )
        tail = data[-len(_ENCRYPTED) :]
    return XlsBook(file, limits)


def _reject_binary(start: bytes) -> None:
    control = _CONTROL.search(start)
    for magic, kind in _MAGICS:
        if start.startswith(magic) and (control or magic not in _WORD_MAGICS):
            raise not_a_spreadsheet(kind)
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        raise not_a_spreadsheet(Message("a WebP image"))
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or detect_utf_16_by_zeros(start):
        return
    if control:
        raise not_a_spreadsheet(Message("a binary file of an unknown kind"))
