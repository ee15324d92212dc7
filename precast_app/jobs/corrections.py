"""The corrections of a job's file: stored as events, so that each is known with its user and time.

`save` is one transaction; the other functions leave the commit to their caller.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, insert, select, text

from precast_app.auth import audit
from precast_app.errors import Conflict, PreconditionFailed, invalid_field
from precast_app.extensions import db
from precast_app.importing import sheet_layout
from precast_app.importing.cell_parsing import display_text
from precast_app.importing.corrections import Corrections
from precast_app.jobs import dry_run
from precast_app.messages import Message
from precast_app.models import CorrectionEvent, FailureReason, ImportJob, JobStatus, RejectedRow
from precast_app.spreadsheets import column_letter, column_number

# A rule has no row.
Key = tuple[int | None, str, str]

_ELEMENT_TYPES = "element_type_import"
_MAX_EVENTS = 100_000
_LISTED_CHANGES = 1_000
_ROWS_PER_INSERT = 1_000
# The newest event of each cell and rule, without those that were removed.
_CURRENT = """
    SELECT * FROM (
        SELECT DISTINCT ON ("row", "column", CASE WHEN "row" IS NULL THEN from_text END) *
        FROM correction_events WHERE job_id = :job_id AND version <= :version
        ORDER BY "row", "column", CASE WHEN "row" IS NULL THEN from_text END, id DESC
    ) AS newest
    WHERE to_text IS NOT NULL
"""
_SELECT_CURRENT = text(f'{_CURRENT} ORDER BY "row" NULLS FIRST, "column", from_text')
_COPY = text("""
    INSERT INTO correction_events (job_id, version, "row", "column", from_text, to_text, changed_by, changed_at)
    SELECT :new, version, "row", "column", from_text, to_text, changed_by, changed_at
    FROM correction_events WHERE job_id = :old AND version <= :version ORDER BY id
""")


@dataclass(frozen=True, slots=True)
class StoredCorrection:
    """A correction that holds: of a cell, or a rule if `row` is None (see `CorrectionEvent`)."""

    row: int | None
    column: str
    from_text: str | None
    to_text: str
    changed_by: str
    changed_at: datetime

    @property
    def key(self) -> Key:
        """What it is about: row and column, or column and replaced text."""
        return self.row, self.column, (self.from_text or "") if self.row is None else ""


def load(job: ImportJob) -> Corrections | None:
    """Return the newest corrections of the job's file; None if it has none."""
    return _load(job, job.corrections_version)


def load_checked(job: ImportJob) -> Corrections | None:
    """Return the corrections with which the job has last run, as its issues are about them; None if it had none."""
    return _load(job, job.checked_corrections_version)


def _load(job: ImportJob, version: int) -> Corrections | None:
    if not version or job.sheet_layout is None:
        return None
    cells: dict[tuple[int, int], str] = {}
    rules: dict[int, dict[str, str]] = defaultdict(dict)
    for each in list_current(job.id, version):
        column = column_number(each.column)
        if each.row is None:
            rules[column][each.from_text or ""] = each.to_text
        else:
            cells[each.row, column] = each.to_text
    if not cells and not rules:
        return None
    layout = job.sheet_layout
    numbers = frozenset(column_number(letter) for letter, _, is_number in layout["columns"] if is_number)
    return Corrections(
        sheet=layout["sheet"],
        first_row=layout["first_data_row"],
        cells=cells,
        rules=dict(rules),
        number_columns=numbers,
    )


def list_current(job_id: int, version: int) -> list[StoredCorrection]:
    """Return the corrections that held at a version: rules first, then cells by row."""
    found = db.session.execute(_SELECT_CURRENT, {"job_id": job_id, "version": version})
    return [
        StoredCorrection(each.row, each.column, each.from_text, each.to_text, each.changed_by, each.changed_at)
        for each in found
    ]


def list_changes_since(job_id: int, version: int) -> list[CorrectionEvent]:
    """Return the first changes after a version, in their order."""
    is_newer = CorrectionEvent.job_id == job_id, CorrectionEvent.version > version
    return list(
        db.session.scalars(select(CorrectionEvent).where(*is_newer).order_by(CorrectionEvent.id).limit(_LISTED_CHANGES))
    )


def save(
    job_id: int, cells: Mapping[tuple[int, str], str], rules: Mapping[tuple[str, str], str], version: int, user: str
) -> int:
    """Replace the job's corrections by these, and return their version.

    `cells` maps row and column letter to a text, `rules` a column letter and the replaced text to the new one. Raise
    `PreconditionFailed` with what has changed since if `version` is not the current one, `Conflict` if the job can't be
    corrected, `RequestError` for a cell above or below the data, or in a column that the job has not read.
    """
    job = db.session.get_one(ImportJob, job_id, with_for_update=True, populate_existing=True)
    require_correctable(job)
    if version != job.corrections_version:
        raise _changed_meanwhile(job, version)
    _check_rows(job, cells)
    wanted: dict[Key, str] = {(row, column, ""): value for (row, column), value in cells.items()}
    wanted |= {(None, column, old): new for (column, old), new in rules.items()}
    current = {each.key: each.to_text for each in list_current(job_id, job.corrections_version)}
    changes = list(_changes(current, wanted))
    if not changes:
        return job.corrections_version
    # Those that were stored before the columns changed stay, since a request sends all of them.
    _check_last_row(job, {key[0] for key, _, new in changes if key[0] is not None and new is not None})
    _check_columns(job, [key for key, _, new in changes if new is not None])
    _check_number(job_id, len(changes))
    job.corrections_version += 1
    originals = original_texts(job_id, {key[0] for key, old, _ in changes if key[0] is not None and old is None})
    rows = [
        {
            "row": key[0],
            "column": key[1],
            "from_text": key[2] if key[0] is None else (originals.get((key[0], key[1])) if old is None else old),
            "to_text": new,
            "job_id": job_id,
            "version": job.corrections_version,
            "changed_by": user,
        }
        for key, old, new in changes
    ]
    for start in range(0, len(rows), _ROWS_PER_INSERT):
        db.session.execute(insert(CorrectionEvent), rows[start : start + _ROWS_PER_INSERT])
    audit.record(
        audit.Action.JOB_CORRECTIONS, who=user, project_id=job.project_id, about=f"job {job.id}",
        corrections=len(wanted), changed=len(changes), version=job.corrections_version,
    )  # fmt: skip
    saved = job.corrections_version
    db.session.commit()
    return saved


def copy(old: ImportJob, new: ImportJob, version: int) -> None:
    """Give a new job the corrections that another one had at a version, with their history and rows."""
    new.corrections_version, new.sheet_layout = version, old.sheet_layout
    db.session.execute(_COPY, {"old": old.id, "new": new.id, "version": version})


def require_correctable(job: ImportJob) -> None:
    """Raise `Conflict` if the rows of the job can't be corrected: it has read none, is not done, or was applied."""
    if job.job_type != _ELEMENT_TYPES:
        raise Conflict("Only imports of element types can be corrected here. Correct the file and upload it again.")
    if job.status not in (JobStatus.COMPLETED, JobStatus.FAILED):
        raise Conflict(
            Message("Job %(job)s is not done yet. Wait until it has ended, then correct its rows.", job=job.id)
        )
    if job.sheet_layout is None:
        raise Conflict(
            Message("Job %(job)s has read no rows, so there is nothing to correct. Upload the file again.", job=job.id)
        )
    if not job.dry_run and job.failure_reason not in (None, FailureReason.REJECTED, FailureReason.ABORTED):
        raise Conflict(
            Message(
                "Job %(job)s failed before its rows were imported. Try it again, or upload the file again.", job=job.id
            )
        )
    if job.dry_run and (applied := dry_run.find_applying_job_id(job.id)) is not None:
        raise Conflict(
            Message(
                "This preview has been imported as job %(job)s. Correct the rejected rows of that job.", job=applied
            )
        )


def original_texts(job_id: int, rows: Iterable[int]) -> dict[tuple[int, str], str]:
    """Return what the cells of rejected rows say in the file, by row and column letter; blank cells are left out."""
    found = select(RejectedRow.row, RejectedRow.cells).where(
        RejectedRow.job_id == job_id, RejectedRow.row.in_(sorted(rows))
    )
    return {
        (row, column_letter(index + 1)): shown
        for row, cells in db.session.execute(found)
        for index, cell in enumerate(cells)
        if (shown := display_text(sheet_layout.decode_cell(cell)))
    }


def _changes(current: Mapping[Key, str], wanted: Mapping[Key, str]) -> Iterator[tuple[Key, str | None, str | None]]:
    """Yield key, old and new text of each correction that differs, rules first; None for one that is not there."""
    keys = sorted(current.keys() | wanted.keys(), key=lambda key: (key[0] or 0, key[1], key[2]))
    for key in keys:
        old, new = current.get(key), wanted.get(key)
        if old != new:
            yield key, old, new


def _check_rows(job: ImportJob, cells: Iterable[tuple[int, str]]) -> None:
    first = (job.sheet_layout or {})["first_data_row"]
    above = min((row for row, _ in cells), default=first)
    if above < first:
        message = Message(
            "Row %(row)s is above the data, which begin in row %(first)s. To change what a column "
            "means, change the columns of the job.",
            row=above,
            first=first,
        )
        raise invalid_field("cells", message)


def _check_last_row(job: ImportJob, rows: Set[int]) -> None:
    last = (job.sheet_layout or {}).get("last_row")
    if last is not None and (below := max(rows, default=last)) > last:
        message = Message(
            "Row %(row)s is below the data, which end in row %(last)s, so a correction there would change nothing. "
            "Correct a row that the file has.",
            row=below,
            last=last,
        )
        raise invalid_field("cells", message)


def _check_columns(job: ImportJob, keys: Iterable[Key]) -> None:
    read = {letter for letter, _, _ in (job.sheet_layout or {})["columns"]}
    unread = [key for key in keys if key[1] not in read]
    if unread:
        row, column, _ = min(unread, key=lambda key: column_number(key[1]))
        message = Message(
            "The import doesn't read column %(column)s, so a correction there would change nothing. Correct a column "
            "that it reads, or change the columns of the job.",
            column=column,
        )
        raise invalid_field("rules" if row is None else "cells", message)


def _check_number(job_id: int, more: int) -> None:
    count = db.session.scalar(select(func.count()).where(CorrectionEvent.job_id == job_id)) or 0
    if count + more > _MAX_EVENTS:
        raise Conflict(
            Message(
                "The corrections of this job have been changed %(count)s times. Download the corrected "
                "file and upload it.",
                count=count,
            )
        )


def _changed_meanwhile(job: ImportJob, version: int) -> PreconditionFailed:
    changes = [
        {
            "row": each.row,
            "column": each.column,
            "from": each.from_text,
            "to": each.to_text,
            "changed_by": each.changed_by,
        }
        for each in list_changes_since(job.id, version)
    ]
    names = sorted({each["changed_by"] for each in changes if isinstance(each["changed_by"], str)})
    message = Message(
        "The corrections were changed by %(names)s since you read them. Read them again, add "
        "your own, and send them with the new ETag.",
        names=", ".join(names) or Message("another request"),
    )
    return PreconditionFailed(message, {"version": job.corrections_version, "changes": changes})
