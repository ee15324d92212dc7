"""Files of reference data: a sheet to entries and issues. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from precast_app.enums import Severity
from precast_app.errors import JobFailed, NoDataRows
from precast_app.importing import cell_parsing, hierarchy
from precast_app.importing.cell_parsing import InvalidCell
from precast_app.importing.decimal_signs import DecimalSigns, file_sign, reading_message
from precast_app.importing.issues import Issue, from_notes
from precast_app.importing.reference_schema import REFERENCE_SPECS, ReferenceColumn, ReferenceSpec
from precast_app.messages import Message, plural_message
from precast_app.spreadsheets import Book, SheetRow, column_letter, unescape_formula

_NO_LETTERS = re.compile(r"\W|_")
# A longer one is none of those of a reference file.
_MAX_HEADING_LENGTH = 200


@dataclass(frozen=True, slots=True)
class ReferenceEntry:
    """An item of reference data: its match key, its attributes, and the row that it comes from."""

    key: str
    values: dict[str, Any]
    row: int | None = None


def read_entries(book: Book, job_type: str, project_id: int) -> tuple[list[ReferenceEntry], list[Issue], int]:
    """Return the valid entries (parents before their children), the issues, and the number of data rows.

    Raise `JobFailed` if headings are missing.
    """
    spec = REFERENCE_SPECS[job_type]
    sheet = book.sheets[0]
    rows = book.rows(sheet)
    indices = _column_indices(next(rows, None), spec.columns)
    data = list(rows)
    data, unclear = _with_decimal_points(data, spec.columns, indices, DecimalSigns(file_sign(book)))
    good: list[tuple[int, dict[str, Any]]] = []
    # The reader knows its warnings when it has read all rows.
    noticed = from_notes(note for note in book.notes if note.severity == "warning")
    issues: list[Issue] = [*noticed, *unclear]
    for row in data:
        values, wrong = _values(row, spec.columns, indices)
        if not wrong and "project_id" in values:
            wrong = list(_check_project(row.number, values, indices, project_id))
        if wrong:
            issues.extend(wrong)
        else:
            good.append((row.number, values))
    if spec.is_hierarchy:
        good, wrong = hierarchy.order_parents_first(good)
        issues.extend(wrong)
    entries, repeated = _drop_repeated(spec, good)
    return entries, [*issues, *repeated], len(data)


def _with_decimal_points(
    rows: list[SheetRow], columns: tuple[ReferenceColumn, ...], indices: dict[str, int], signs: DecimalSigns
) -> tuple[list[SheetRow], list[Issue]]:
    """Return the rows with decimal points in the numbers that are text, and a warning for each unclear number."""
    numbers = {
        indices[column.attribute]: column
        for column in columns
        if column.type in ("count", "decimal") and column.attribute in indices
    }
    texts = [(row, index) for row in rows for index in numbers if index < len(row.cells)]
    texts = [(row, index) for row, index in texts if isinstance(row.cells[index], str)]
    for row, index in texts:
        signs.add(index, unescape_formula(str(row.cells[index])))
    cells = {row.number: list(row.cells) for row in rows}
    issues = []
    for row, index in texts:
        written = unescape_formula(str(row.cells[index]))
        reading = signs.read(index, written)
        cells[row.number][index] = reading.text
        if not reading.is_certain:
            issues.append(
                Issue(
                    severity=Severity.WARNING,
                    code="unclear_number",
                    message=reading_message(written, reading),
                    row=row.number,
                    column=column_letter(index + 1),
                    heading=numbers[index].heading,
                    value=written[:200],
                )
            )
    return [SheetRow(row.number, cells[row.number]) for row in rows], issues


def count_rows(book: Book, job_type: str) -> int:
    """Return the number of data rows from a scan of the sheet; raise `JobFailed` if headings or rows are missing."""
    scan = book.scan(book.sheets[0])
    _column_indices(next(iter(scan.head), None), REFERENCE_SPECS[job_type].columns)
    if scan.row_count < 2:
        raise NoDataRows
    return scan.row_count - 1


def _column_indices(header: SheetRow | None, fields: tuple[ReferenceColumn, ...]) -> dict[str, int]:
    found: dict[str, int] = {}
    for index, cell in enumerate(header.cells if header else ()):
        found.setdefault(_squash(str(cell)), index)
    missing = [field.heading for field in fields if field.required and _squash(field.heading) not in found]
    if missing:
        raise JobFailed(
            plural_message(
                "The first row must hold the headings %(headings)s; %(missing)s is missing. Add what is missing "
                "and upload the file again.",
                "The first row must hold the headings %(headings)s; %(missing)s are missing. Add what is missing "
                "and upload the file again.",
                len(missing),
                headings=", ".join(field.heading for field in fields),
                missing=", ".join(missing),
            )
        )
    return {field.attribute: found[_squash(field.heading)] for field in fields if _squash(field.heading) in found}


def _squash(text: str) -> str:
    return _NO_LETTERS.sub("", text).casefold() if len(text) <= _MAX_HEADING_LENGTH else ""


def _values(
    row: SheetRow, fields: tuple[ReferenceColumn, ...], indices: dict[str, int]
) -> tuple[dict[str, Any], list[Issue]]:
    values: dict[str, Any] = {}
    issues = []
    for field in fields:
        index = indices.get(field.attribute)
        if index is None:
            continue
        cell = row.cells[index] if index < len(row.cells) else ""
        try:
            values[field.attribute] = field.parse(cell)
        except InvalidCell as bad:
            issues.append(
                Issue(
                    severity=Severity.ERROR,
                    code=bad.code,
                    message=bad.message,
                    row=row.number,
                    column=column_letter(index + 1),
                    heading=field.heading,
                    value=cell_parsing.display_text(cell)[:200],
                )
            )
    return values, issues


def _check_project(number: int, values: dict[str, Any], indices: dict[str, int], project_id: int) -> Iterator[Issue]:
    named = values.pop("project_id", None)
    if named is not None and named != str(project_id):
        yield Issue(
            severity=Severity.ERROR,
            code="other_project",
            message=Message(
                "The row belongs to project %(named)s, but the file was uploaded to project %(project)s. "
                "Upload it there, or clear the column ProjectID.",
                named=named,
                project=project_id,
            ),
            row=number,
            column=column_letter(indices["project_id"] + 1),
            heading="ProjectID",
            value=named,
        )


def _drop_repeated(
    spec: ReferenceSpec, good: list[tuple[int, dict[str, Any]]]
) -> tuple[list[ReferenceEntry], list[Issue]]:
    entries: dict[str, ReferenceEntry] = {}
    issues = []
    for number, values in good:
        key = spec.key_of(values)
        if not key:
            message = Message("The name has no letter or digit, so no heading could match it. Choose another name.")
            name = spec.name_of(values)
            issues.append(Issue(severity=Severity.ERROR, code="unusable_name", message=message, row=number, value=name))
            continue
        first = entries.setdefault(key, ReferenceEntry(key, values, number))
        if first.row != number:
            issues.append(
                Issue(
                    severity=Severity.ERROR,
                    code="duplicate_row",
                    message=Message("Row %(row)s already has this item. Keep one of the two rows.", row=first.row),
                    row=number,
                )
            )
    return list(entries.values()), issues
