"""The sheet Summary of a workbook: the project that it was exported from, and the columns of each group. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from precast_app.enums import Severity
from precast_app.importing import cell_parsing
from precast_app.importing.issues import Issue
from precast_app.importing.schema import GROUP_SPECS, ColumnGroup
from precast_app.messages import Message
from precast_app.spreadsheets import Book, column_number, unescape_formula
from precast_app.text import clean_text, identity_key, match_key

_NAME = "summary"
_PROJECT_NAME = "project_name"
_GROUPS_BY_LABEL = {match_key(spec.summary_label): group for group, spec in GROUP_SPECS.items()}
_RANGE = re.compile(r"range:\s*([a-z]{1,3})\d*\s*-\s*([a-z]{1,3})\d*", re.IGNORECASE)
# More than any such sheet has.
_MAX_ROWS = 200
_SHOWN_CHARACTERS = 200


def group_ranges(book: Book) -> Iterator[tuple[ColumnGroup, int, int]]:
    """Yield the groups that the sheet states a range of columns for, with the first and last index from 0."""
    for label, texts in _rows(book):
        group = _GROUPS_BY_LABEL.get(label)
        matches = [match for text in texts if (match := _RANGE.search(text))]
        if group is not None and len(matches) == 1:
            first, last = (column_number(letters.upper()) - 1 for letters in matches[0].groups())
            yield group, first, last


def check_project(book: Book, project_name: str) -> Iterator[Issue]:
    """Yield a warning if the sheet names another project than the one that the file was uploaded to."""
    for label, texts in _rows(book):
        stated = clean_text(unescape_formula(texts[0])) if texts else ""
        if label == _PROJECT_NAME and stated:
            if identity_key(stated) != identity_key(project_name):
                yield Issue(
                    severity=Severity.WARNING,
                    code="other_project_name",
                    message=Message(
                        "The sheet Summary belongs to the project %(stated)s, but the file was uploaded to "
                        "%(project)s. Check that this is the right project.",
                        stated=stated[:_SHOWN_CHARACTERS],
                        project=project_name,
                    ),
                )
            return


def _rows(book: Book) -> Iterator[tuple[str, list[str]]]:
    """Yield the match key of the label and the other texts of each row."""
    # Each pass over a sheet may be one over the whole file, so only the first sheet of this name is read.
    sheet = next((each for each in book.sheets if match_key(each) == _NAME), None)
    for row in islice(book.rows(sheet), _MAX_ROWS) if sheet is not None else ():
        texts = [cell_parsing.display_text(cell) for cell in row.cells]
        if texts:
            yield match_key(texts[0]), texts[1:]
