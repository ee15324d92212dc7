"""The rejected rows of a job with their corrections, checked by the validation of the import without reading the file.

What only the whole file or the project shows, such as a repeated element type, is known until its cell is changed; then
it is checked when the job runs again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from sqlalchemy import select

from precast_app.errors import Conflict, invalid_field
from precast_app.extensions import db
from precast_app.importing import mistakes, reference_data, row_validation, sheet_layout
from precast_app.importing.cell_parsing import display_text
from precast_app.importing.corrections import RowCorrector, rule_text
from precast_app.importing.issues import Issue
from precast_app.importing.mistakes import Mistake, WrongCell
from precast_app.importing.row_warnings import shown_value
from precast_app.importing.schema import ColumnMap
from precast_app.jobs import corrections
from precast_app.messages import Message
from precast_app.models import ImportJob, RejectedRow, Severity
from precast_app.models import Issue as IssueRow
from precast_app.spreadsheets import Cell, SheetRow, column_letter, column_number

_MAX_MISTAKES = 50

# Texts of cells, by row number and column letter.
Edits = Mapping[int, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class CheckedRow:
    """A row with its corrections: its cells by column letter, without blank ones, and its errors.

    `original` has what the cells that differ from the file say there.
    """

    row: int
    cells: Mapping[str, str]
    original: Mapping[str, str]
    issues: tuple[Issue, ...]


@dataclass(frozen=True, slots=True)
class RejectedRows:
    """A page of the rejected rows of a job.

    `columns` are letter, heading and whether it holds numbers. `count` is the number of all rows that match, and
    `open_count` of those that still have errors.
    """

    sheet: str
    columns: Sequence[tuple[str, str, bool]]
    rows: Sequence[CheckedRow]
    count: int
    open_count: int
    mistakes: Sequence[Mistake]


def list_rejected(job: ImportJob, *, limit: int, after: int, only_open: bool) -> RejectedRows:
    """Return the rejected rows behind row `after`, with their corrections, and the equal mistakes of all of them.

    Raise `Conflict` if the job has read no rows.
    """
    columns = _map_columns(job)
    checked = _check(job, columns, {}, None)
    still_open = [row for row in checked if row.issues]
    listed = still_open if only_open else checked
    layout = job.sheet_layout or {}
    return RejectedRows(
        layout["sheet"],
        [(letter, heading, is_number) for letter, heading, is_number in layout["columns"]],
        [row for row in listed if row.row > after][:limit],
        len(listed),
        len(still_open),
        mistakes.group_mistakes(_wrong_cells(still_open), columns.columns, _MAX_MISTAKES),
    )


def check_rows(job: ImportJob, edits: Edits) -> list[CheckedRow]:
    """Return rows with these cells in place of their own and of their corrections, by row number.

    Raise `RequestError` for a row that the job has not rejected, `Conflict` if the job has read no rows.
    """
    checked = _check(job, _map_columns(job), edits, edits.keys())
    if unknown := sorted(edits.keys() - {row.row for row in checked}):
        message = Message(
            "Row %(row)s is not one of the rejected rows that are stored with job %(job)s.", row=unknown[0], job=job.id
        )
        raise invalid_field("rows", message)
    return checked


def _map_columns(job: ImportJob) -> ColumnMap:
    if job.sheet_layout is None:
        raise Conflict(Message("Job %(job)s has read no rows, so there is nothing to correct.", job=job.id))
    reference = reference_data.from_json(job.project_id, job.reference or {})
    return sheet_layout.map_columns(job.sheet_layout, reference, job.profile)


def _check(job: ImportJob, columns: ColumnMap, edits: Edits, numbers: Set[int] | None) -> list[CheckedRow]:
    """Return the rows with these numbers (None: all) as they would be validated now."""
    stored = _stored_rows(job.id, numbers)
    known = corrections.load(job)
    # Merged cells below the headings are not known here; their values are among those that are filled.
    layout = sheet_layout.LayoutBook(job.sheet_layout or {})
    corrector = None if known is None else RowCorrector(known, layout.scan(known.sheet))
    current = [_current_row(row, corrector, edits.get(row.row, {})) for row in stored]
    validated = {row.number: row for row in row_validation.validate_rows(lambda: current, columns)}
    errors = _stored_errors(job.id, numbers)
    checked = []
    for row, in_file in zip(current, stored, strict=True):
        found = validated.get(row.number)
        issues = [issue for issue in found.issues if issue.severity is Severity.ERROR] if found else []
        issues += [each for each in errors[row.number] if _still_holds(each, row, issues)]
        checked.append(_checked_row(row, in_file, tuple(issues)))
    return checked


def _stored_rows(job_id: int, numbers: Set[int] | None) -> list[RejectedRow]:
    query = select(RejectedRow).where(RejectedRow.job_id == job_id).order_by(RejectedRow.row)
    if numbers is not None:
        query = query.where(RejectedRow.row.in_(sorted(numbers)))
    return list(db.session.scalars(query))


def _current_row(stored: RejectedRow, corrector: RowCorrector | None, edits: Mapping[str, str]) -> SheetRow:
    """Return a row as the import would validate it: corrected, edited, and filled from the rows above."""
    row = SheetRow(stored.row, [sheet_layout.decode_cell(cell) for cell in stored.cells])
    cells = list(row.cells if corrector is None else corrector.correct(row).cells)
    changed = {column_number(letter) - 1: text for letter, text in edits.items()}
    filled = _filled(stored)
    cells.extend([""] * (1 + max([*changed, *filled, -1]) - len(cells)))
    for index, text in changed.items():
        cells[index] = text
    for index, cell in filled.items():
        if cells[index] == "":
            cells[index] = cell
    return SheetRow(stored.row, cells)


def _filled(stored: RejectedRow) -> dict[int, Cell]:
    return {int(index): sheet_layout.decode_cell(cell) for index, cell in stored.filled.items()}


def _stored_errors(job_id: int, numbers: Set[int] | None) -> Mapping[int, list[Issue]]:
    is_error = IssueRow.job_id == job_id, IssueRow.severity == Severity.ERROR, IssueRow.row.is_not(None)
    query = select(IssueRow).where(*is_error).order_by(IssueRow.row, IssueRow.id)
    if numbers is not None:
        query = query.where(IssueRow.row.in_(sorted(numbers)))
    found: dict[int, list[Issue]] = defaultdict(list)
    for each in db.session.scalars(query):
        found[each.row or 0].append(
            Issue(
                severity=Severity.ERROR,
                code=each.code,
                message=each.text,
                row=each.row,
                column=each.column,
                heading=each.heading,
                value=each.value,
            )
        )
    return found


def _still_holds(issue: Issue, row: SheetRow, found: Sequence[Issue]) -> bool:
    """Return whether an error of the job holds that the row alone doesn't show: its cell has not been changed since."""
    if any((each.code, each.column) == (issue.code, issue.column) for each in found):
        return False
    if issue.column is None:
        return True
    index = column_number(issue.column) - 1
    return shown_value(row.cells[index] if index < len(row.cells) else "") == (issue.value or "")


def _checked_row(row: SheetRow, stored: RejectedRow, issues: tuple[Issue, ...]) -> CheckedRow:
    cells = _texts(enumerate(row.cells))
    in_file = _texts({**_filled(stored), **_present(stored)}.items())
    differing = {letter for letter in {**cells, **in_file} if cells.get(letter) != in_file.get(letter)}
    return CheckedRow(row.number, cells, {letter: in_file.get(letter, "") for letter in sorted(differing)}, issues)


def _present(stored: RejectedRow) -> dict[int, Cell]:
    cells = enumerate(map(sheet_layout.decode_cell, stored.cells))
    return {index: cell for index, cell in cells if cell != ""}


def _texts(cells: Iterable[tuple[int, Cell]]) -> dict[str, str]:
    return {column_letter(index + 1): shown for index, cell in cells if (shown := display_text(cell))}


def _wrong_cells(rows: Iterable[CheckedRow]) -> Iterator[WrongCell]:
    for row in rows:
        for issue in row.issues:
            if issue.column is not None:
                text = rule_text(row.cells.get(issue.column, ""))
                yield WrongCell(row.row, issue.column, issue.heading or "", text, issue.code, issue.message)
