"""Normalisation of texts: Unicode's composed form (NFC), and errors that are stored as text.

Some programs write a letter such as ä as two characters, which would make two names of one. Google Sheets and CSV files
hold errors as plain text.
"""

from __future__ import annotations

import re
import unicodedata

from precast_app.spreadsheets.sheet import Cell, CellError, SheetRow

# Errors end with ! or ?, in every language of Excel, apart from these. LibreOffice numbers some (Err:502).
_ERROR = re.compile(r"#[¡¿]?(?:[^\W\d]{3,18}(?:/0)?[!?])")
_NUMBERED_ERROR = re.compile(r"Err:5\d\d")
_OTHER_ERRORS = frozenset({
    "#N/A", "#N/D", "#N/B", "#NV", "#I/T", "#Н/Д", "#Δ/Υ", "#YOK", "#HIÁNYZIK", "#NEDOSTUPNÝ", "#NENÍ_K_DISPOZICI",
    "#GETTING_DATA", "#DATEN_ABRUFEN",
})  # fmt: skip
_MAX_ERROR_LENGTH = 20


def normalize_row(row: SheetRow) -> SheetRow:
    """Return a row with its texts normalised."""
    changed: list[Cell] | None = None
    for index, cell in enumerate(row.cells):
        # Nearly all texts are ASCII and no error words.
        if type(cell) is str and cell and (cell[0] in "#E " or not cell.isascii()):
            normal = normalize_text(cell)
            if normal != cell:
                changed = list(row.cells) if changed is None else changed
                changed[index] = normal
    return row if changed is None else SheetRow(row.number, changed)


def normalize_text(text: str) -> str | CellError:
    """Return a text in NFC, or as an error if it is an error word such as `#N/A`."""
    normal = unicodedata.normalize("NFC", text)
    if len(normal) <= _MAX_ERROR_LENGTH:
        word = normal.strip()
        if (
            word in _OTHER_ERRORS
            or _NUMBERED_ERROR.fullmatch(word)
            or (_ERROR.fullmatch(word) and word == word.upper())
        ):
            return CellError(word)
    return normal
