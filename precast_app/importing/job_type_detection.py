"""Detection of what an uploaded file contains, by its headings: element types or one kind of reference data. Pure."""

from __future__ import annotations

import re

from precast_app.importing import cell_parsing, header_detection
from precast_app.importing.profiles import proposal, vocabulary
from precast_app.importing.reference_data import ReferenceData
from precast_app.importing.reference_schema import REFERENCE_SPECS
from precast_app.spreadsheets import Book, SheetRow, unescape_formula
from precast_app.text import clean_text

ELEMENT_TYPES, PIECE_STATUSES = "element_type_import", "piece_status_import"
_IDENTITY = {"element_type", "name"}
_NO_LETTERS = re.compile(r"\W|_")
# A longer text is no heading of a reference file.
_MAX_HEADING_LENGTH = 200
# Columns of a list of pieces that are compared.
_MAX_HEADINGS = 50


def detect_job_types(book: Book) -> list[str]:
    """Return the job types that have the most headings in common with the file: several if it is unclear which one.

    Element types are recognized in any sheet, also by the headings of other offices, and reference data in the first
    row of the first sheet. A file that lacks required headings of every type gets the type that it is most similar to,
    whose import says what is missing. A list of single pieces with a status for each is recognized by its headings.
    """
    sheets = book.sheets
    own = max((_element_type_score(row) for sheet in sheets for row in book.scan(sheet).head), default=0)
    scores = {ELEMENT_TYPES: own or _office_list_score(book)}
    first_row = next(iter(book.scan(sheets[0]).head), None)
    headings = {_squash(text) for text in _texts(first_row)} if first_row else set()
    similar = {ELEMENT_TYPES: 1}
    for job_type, spec in REFERENCE_SPECS.items():
        similar[job_type] = sum(_squash(column.heading) in headings for column in spec.columns)
        is_complete = all(_squash(column.heading) in headings for column in spec.columns if column.required)
        scores[job_type] = similar[job_type] if is_complete else 0
    best = max(scores.values())
    if not best and _has_statuses(book):
        return [PIECE_STATUSES]
    if not best:
        return [max(similar, key=lambda job_type: similar[job_type])]
    return [job_type for job_type, score in scores.items() if score == best]


def _element_type_score(row: SheetRow) -> int:
    found = {match[0] for text in _texts(row) if (match := header_detection.base_field(text)) is not None}
    return len(found) if found >= _IDENTITY else 0


def _office_list_score(book: Book) -> int:
    """Return the number of columns that are understood in a list of element types of any shape; 0 for other files."""
    proposed = proposal.propose(book, ReferenceData(0))
    return sum(column.taken is not None for column in proposed.columns) if proposed.is_element_types else 0


def _has_statuses(book: Book) -> bool:
    """Return whether a row has headings for single pieces and for their status."""
    for row in book.scan(book.sheets[0]).head:
        kinds = {meaning.kind for text in _texts(row)[:_MAX_HEADINGS] for meaning in vocabulary.meanings(text)[:1]}
        if "piece_status" in kinds and kinds & {"serial", "name"}:
            return True
    return False


def _texts(row: SheetRow) -> list[str]:
    return [clean_text(unescape_formula(cell_parsing.display_text(cell))) for cell in row.cells]


def _squash(text: str) -> str:
    return _NO_LETTERS.sub("", text).casefold() if len(text) <= _MAX_HEADING_LENGTH else ""
