"""A job's files: the upload as it came, and its issues as files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Response, send_file

from precast_app import parsing
from precast_app.accounts.guard import takes
from precast_app.accounts.permissions import Act
from precast_app.accounts.requests import identity
from precast_app.api import attachments
from precast_app.api.attachments import BINARY, ODS, TEXT, XLSX
from precast_app.api.blueprint import JOB, Blueprint
from precast_app.api.export_slots import takes_export_slot
from precast_app.errors import Conflict, JobFailed, NotFound
from precast_app.exporting import issues
from precast_app.jobs import files
from precast_app.reading import jobs as reading
from precast_app.spreadsheets import FileRefused

blueprint = Blueprint("downloads", __name__, description="A job's files.")


@blueprint.route(f"{JOB}/file", methods=["GET"])
@takes(Act.READ)
@blueprint.response(200, BINARY, content_type="application/octet-stream")
def upload(job_id: int) -> Response:
    """The file as it was uploaded."""
    job = reading.one(job_id)
    file = files.open_stored(job_id)
    return send_file(file, "application/octet-stream", as_attachment=True, download_name=job.file_name or "upload")


@blueprint.route(f"{JOB}/issues.csv", methods=["GET"])
@takes(Act.READ)
@takes_export_slot
@blueprint.response(200, TEXT, content_type="text/csv")
def issues_csv(job_id: int) -> Response:
    """The job's issues as a CSV file."""
    return attachments.csv(f"issues-{job_id}.csv", issues.as_csv(reading.every_issue(job_id)))


@blueprint.route(f"{JOB}/issues.xlsx", methods=["GET"])
@takes(Act.READ)
@takes_export_slot
@blueprint.response(200, BINARY, content_type=XLSX)
def issues_workbook(job_id: int) -> Response:
    """The job's issues as a workbook."""
    return attachments.workbook(
        f"issues-{job_id}.xlsx", lambda file: issues.as_workbook(reading.every_issue(job_id), file)
    )


@blueprint.route(f"{JOB}/rejected", methods=["GET"])
@takes(Act.READ)
@blueprint.doc(responses={409: "CONFLICT"})
@blueprint.response(200, BINARY, content_type=XLSX)
def rejected_rows(job_id: int) -> Response:
    """The rows that did not go in, as a workbook of the same layout that says why; mended, it can be uploaded."""
    job = reading.one(job_id)
    reasons = reading.reasons(job_id)
    if not reasons:
        raise NotFound("No row of this job was rejected.")
    is_catalogue = job.job_type == "element_type_import"
    with _refusals_as_conflicts(), files.open_stored(job_id) as upload:
        file = parsing.get().rejected(upload, reasons, identity().name, is_catalogue=is_catalogue)
    return send_file(file, XLSX, as_attachment=True, download_name=f"rejected-{job_id}.xlsx")


@blueprint.route(f"{JOB}/annotated", methods=["GET"])
@takes(Act.READ)
@blueprint.doc(responses={409: "CONFLICT"})
@blueprint.response(200, BINARY, content_type=XLSX)
def annotated_workbook(job_id: int) -> Response:
    """The upload, its bad cells coloured and commented.

    A workbook (.xlsx, .xlsm, .ods) keeps its formats; a large one and any other file come as a new workbook with
    the same cells. 409 for a file that can't be read, and for one that would take too long: of some 5 000 rows as
    .ods, of 28 000 as .xlsx.
    """
    stem = (reading.one(job_id).file_name or "upload").rpartition(".")[0] or "upload"
    issues = list(reading.every_issue(job_id))
    with _refusals_as_conflicts(), files.open_stored(job_id) as upload:
        copy, kind = parsing.get().annotate(upload, issues, identity().name)
    media_type = ODS if kind == "ods" else XLSX
    return send_file(copy, media_type, as_attachment=True, download_name=f"{stem}-annotated.{kind}")


@contextmanager
def _refusals_as_conflicts() -> Iterator[None]:
    """Answer 409 for a kept file that can't be read."""
    try:
        yield
    except (FileRefused, JobFailed) as refusal:
        raise Conflict(str(refusal)) from refusal
