"""Compare the uploads of two jobs, whatever is stored in the project."""

from __future__ import annotations

from contextlib import ExitStack
from typing import IO, Any

from precast_app import database, parsing
from precast_app.errors import Conflict, JobFailed, NotFound
from precast_app.extensions import db
from precast_app.importing import current_reference
from precast_app.jobs import corrections, files
from precast_app.messages import Message, as_message
from precast_app.models import ImportJob
from precast_app.parsing.service import ComparisonWindow as ComparisonWindow
from precast_app.spreadsheets import UnreadableFile

_JOB_TYPE = "element_type_import"


def compare(
    first_id: int, second_id: int, owner: str, window: ComparisonWindow, *, corrected: bool = False
) -> dict[str, Any]:
    """Return what differs between the files of two jobs, and the part of the rows that `window` says.

    With `corrected`, the files are compared with the corrections of their cells.
    Raise `NotFound` if a file is not stored or the jobs are of different projects, `Conflict` if a file can't be read.
    This can take as long as parsing may: the database connection is released.
    """
    found = _run(first_id, second_id, owner, window, corrected=corrected)
    assert isinstance(found, dict)
    return found


def compare_as_workbook(first_id: int, second_id: int, owner: str, *, corrected: bool = False) -> IO[bytes]:
    """Return what differs between the files of two jobs as a workbook; raise as `compare` does."""
    found = _run(first_id, second_id, owner, None, corrected=corrected)
    assert not isinstance(found, dict)
    return found


def _run(
    first_id: int, second_id: int, owner: str, window: ComparisonWindow | None, *, corrected: bool
) -> dict[str, Any] | IO[bytes]:
    # Whether both exist in one project comes first: the page that shows a conflict names both.
    jobs = [_find_job(first_id), _find_job(second_id)]
    if jobs[0].project_id != jobs[1].project_id:
        raise NotFound(Message("There is no job %(job)s in this project.", job=second_id))
    for job in jobs:
        _require_comparable(job)
    reference = current_reference.load(db.session(), jobs[0].project_id)
    profiles = [job.profile for job in jobs]
    changes = [corrections.load(job) if corrected else None for job in jobs]
    with ExitStack() as opened:
        uploads = [opened.enter_context(files.open_stored(job.id)) for job in jobs]
        database.release_connection()
        try:
            service = parsing.get_service()
            if window is None:
                return service.export_comparison(uploads, profiles, changes, reference, owner)
            return service.compare(uploads, profiles, changes, reference, owner, window)
        except (UnreadableFile, JobFailed) as error:
            raise Conflict(
                Message("The files can't be compared. %(error)s", error=as_message(error.message))
            ) from error


def _find_job(job_id: int) -> ImportJob:
    job = db.session.get(ImportJob, job_id)
    if job is None:
        raise NotFound(Message("There is no job %(job)s in this project.", job=job_id))
    return job


def _require_comparable(job: ImportJob) -> None:
    if job.job_type != _JOB_TYPE:
        raise Conflict(
            Message(
                "Job %(job)s is not an import of element types. Only files of element types can be compared.",
                job=job.id,
            )
        )
