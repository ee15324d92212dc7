"""Normalisation of every text that a reader returns, whatever the file's format."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace

from precast_app.spreadsheets.sheet import Book, Cell, CellError, ReaderNote, SheetRow, SheetScan

# Errors end with ! or ?, in every language of Excel, apart from these.
_ERROR = re.compile(r"#[¡¿]?(?:[^\W\d_]{3,15}(?:/0)?[!?])")
_OTHER_ERRORS = frozenset({"#N/A", "#N/D", "#NV", "#Н/Д", "#GETTING_DATA"})
_LONGEST_ERROR = 20


class NormalizedBook:
    """Book that returns another book's texts in Unicode's NFC, and as errors if they are error words such as `#N/A`.

    Some programs write a letter such as ä as two characters, which would make two names of one. Google Sheets and CSV
    files hold errors as plain text.
    """

    def __init__(self, book: Book) -> None:
        self._book = book
        self.format = book.format
        self.sheets = book.sheets
        self.decimal_comma = book.decimal_comma

    @property
    def notes(self) -> tuple[ReaderNote, ...]:
        """See Book."""
        return self._book.notes

    def scan(self, sheet: str) -> SheetScan:
        """See Book."""
        found = self._book.scan(sheet)
        return replace(found, head=tuple(map(_normalize_row, found.head)))

    def rows(self, sheet: str) -> Iterator[SheetRow]:
        """See Book."""
        return map(_normalize_row, self._book.rows(sheet))


def _normalize_row(row: SheetRow) -> SheetRow:
    changed: list[Cell] | None = None
    for index, cell in enumerate(row.cells):
        # Nearly all texts are ASCII and no error words.
        if type(cell) is str and cell and (cell[0] in "# " or not cell.isascii()):
            normal = _normalize_text(cell)
            if normal != cell:
                changed = list(row.cells) if changed is None else changed
                changed[index] = normal
    return row if changed is None else SheetRow(row.number, changed)


def _normalize_text(text: str) -> str | CellError:
    normal = unicodedata.normalize("NFC", text)
    if len(normal) <= _LONGEST_ERROR:
        word = normal.strip()
        if word in _OTHER_ERRORS or (_ERROR.fullmatch(word) and word == word.upper()):
            return CellError(word)
    return normal
